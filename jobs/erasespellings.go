package jobs

import (
	"context"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/postgres"
)

// spellings redacts decisions on texts that name the persons. Deals that had the
// text have it redacted as well, and the decision holds for that.
func (r *erasing) spellings(ctx context.Context) error {
	var changed []postgres.Spelling
	err := r.p.DB.In(ctx, r.workspace, func(tx pgx.Tx) error {
		changed = nil
		list, err := postgres.SpellingsOf(ctx, tx, r.workspace)
		if err != nil {
			return err
		}
		for _, s := range list {
			written, why := r.e.text(s.Written, true), r.e.text(s.Why, true)
			if written != s.Written || why != s.Why {
				s.Written, s.Why, s.Folded = written, why, book.FoldReason(written)
				changed = append(changed, s)
			}
		}
		if r.dry || len(changed) == 0 {
			return nil
		}
		return postgres.RewriteSpellings(ctx, tx, r.workspace, changed)
	})
	if err == nil && len(changed) > 0 {
		r.report.Rows["spellings"] += int64(len(changed))
	}
	return err
}
