package jobs

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/postgres"
)

// echoLate is by how much a vendor's clock may tell a later instant of our own
// change than its answer did.
const echoLate = 2 * time.Second

// us is the canonical id of the user as whom we call; empty if it is not known.
func (s *Source) us() string {
	for _, object := range s.Map.ObjectsOf("reps") {
		if om, ok := s.Map.Object(object); ok && s.AccountUser != "" {
			return om.ID(s.AccountUser)
		}
	}
	return ""
}

// recognise tells which of the batch's changes are edits of ours that come back:
// from the vendor's answer, or from a delivery that is faster. What else has
// changed of the record is somebody else's change, and stays apart.
func (b *batch) recognise(ctx context.Context, tx pgx.Tx) error {
	changed := map[string][]string{}
	for _, c := range b.changes {
		if Authorities()[c.Kind] != nil {
			changed[c.Kind] = append(changed[c.Kind], c.ID)
		}
	}
	ours := map[string][]postgres.Edit{}
	for kind, ids := range changed {
		list, err := postgres.UnechoedEdits(ctx, tx, b.s.Workspace, b.s.ID, kind, ids)
		if err != nil {
			return err
		}
		for _, e := range list {
			ours[kind+" "+*e.TargetID] = append(ours[kind+" "+*e.TargetID], e)
		}
	}
	if len(ours) == 0 {
		return nil
	}
	var out []postgres.Change
	for _, c := range b.changes {
		for _, e := range ours[c.Kind+" "+c.ID] {
			own := ownPart(&e, c)
			if own == nil {
				continue
			}
			if wholly(&e, c) {
				b.echoes = append(b.echoes, e.ID)
			}
			out = append(out, postgres.Change{Kind: c.Kind, ID: c.ID, At: c.At, Fields: own, Edit: &e.ID})
			maps.DeleteFunc(c.Fields, func(f string, _ postgres.Diff) bool { _, is := own[f]; return is })
		}
		if len(c.Fields) > 0 {
			out = append(out, c)
		}
	}
	b.changes = out
	return nil
}

// ownPart is what an edit has changed of what a change shows, with what the CRM
// sets by itself beside it; nil if it is not the edit's.
func ownPart(e *postgres.Edit, c postgres.Change) map[string]postgres.Diff {
	if e.State == "done" && e.VersionAt != nil && c.At.After(e.VersionAt.Add(echoLate)) {
		return nil
	}
	own := map[string]postgres.Diff{}
	for field, d := range c.Fields {
		if want, ok := e.Wanted[field]; ok && sameValue(want, d.New) {
			own[field] = d
		}
	}
	if len(own) == 0 {
		return nil
	}
	for field, d := range c.Fields {
		if slices.ContainsFunc(slices.Collect(maps.Keys(own)), func(f string) bool { return slices.Contains(follows(f), field) }) {
			own[field] = d
		}
	}
	return own
}

// wholly tells whether a change shows that an edit was made, and not a part of it: a
// field that it was to change and that is as it was has not been written.
func wholly(e *postgres.Edit, c postgres.Change) bool {
	for field, want := range e.Wanted {
		if _, changed := c.Fields[field]; !changed && !sameValue(e.Before[field], want) {
			return false
		}
	}
	return true
}

// follows are the fields that a CRM sets by itself when one is written.
func follows(field string) []string {
	switch field {
	case "stage_id":
		return []string{"stage_entered_at", "pipeline_id", "probability"}
	case "status":
		return []string{"closed_at", "won_at", "lost_at", "lost_reason", "probability", "deleted_at", "stage_entered_at"}
	case "archived":
		return []string{"archived_at"}
	case "done":
		return []string{"done_at"}
	}
	if strings.HasPrefix(field, "due_") {
		return []string{"due_on", "due_at"}
	}
	return nil
}

// settleEchoes notes which edits came back, and which new activities and notes
// are ours. It comes after what is dirty is marked: all transactions lock in one
// order.
func (b *batch) settleEchoes(ctx context.Context, tx pgx.Tx) error {
	for _, kind := range []string{"activities", "notes"} {
		if err := postgres.MatchMarks(ctx, tx, b.s.Workspace, b.s.ID, kind, b.made[kind]); err != nil {
			return err
		}
	}
	return postgres.EchoEdits(ctx, tx, b.s.Workspace, b.echoes, b.s.p.Now())
}
