package jobs

import (
	"context"

	"salesbook.dev/internal/postgres"
)

// decisions redacts what people wrote when they decided about deals and leads, and
// what we have written to the CRM of them, or were about to.
// The audit says who decided, and holds no words of theirs.
func (x *scrub) decisions(ctx context.Context) error {
	clean := func(p postgres.Passage) []byte { return x.e.json(p.Text, x.about[p.Kind][p.ID]) }
	for _, table := range []struct {
		name  string
		read  readPassages
		write writePassages
	}{
		{"snoozes", postgres.SnoozePassages, postgres.RewriteSnoozes},
		{"approvals", postgres.ApprovalPassages, postgres.RewriteApprovals},
		{"violations", postgres.ViolationPassages, postgres.RewriteViolations},
		{"edits", postgres.EditPassages, postgres.RewriteEdits},
	} {
		if err := x.numbered(ctx, table.name, table.read, table.write, clean); err != nil {
			return err
		}
	}
	return nil
}
