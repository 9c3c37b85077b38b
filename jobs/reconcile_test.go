package jobs_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/postgres"
)

// reconcile brings us to the state of a vendor that behaves and stands still:
// what arrived, what changed, then a comparison of everything.
func (b *bundle) reconcile(t testing.TB) {
	t.Helper()
	w := childWork{Workspace: b.ws, Conn: b.conn}
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"receive", func() error { return emptyInbox(t.Context(), b.Pipeline, w) }},
		{"pull", func() error { return pullToTheEnd(t.Context(), b.Pipeline, w) }},
		{"compare everything", func() error { return b.compareAll(t, w) }},
		{"replay", func() error { return b.replayIfDue(t.Context(), w) }},
	} {
		if err := step.do(); err != nil {
			t.Errorf("reconcile: %s: %v", step.name, err)
		}
	}
}

// compareAll reads everything again, and by id what no list shows any more.
func (b *bundle) compareAll(t testing.TB, w childWork) error {
	b.in(t, resetAll(t, b))
	if err := pullToTheEnd(t.Context(), b.Pipeline, w); err != nil {
		return err
	}
	if err := b.letters(t.Context(), "compare", b.hidden(t)); err != nil {
		return err
	}
	return emptyInbox(t.Context(), b.Pipeline, w)
}

// hidden names the living records of objects whose deletions no list shows.
func (b *bundle) hidden(t testing.TB) (reads []connectors.Ref) {
	t.Helper()
	spec, err := b.SpecOf("pipedrive")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range spec.Objects {
		if !o.DeletesHidden {
			continue
		}
		b.in(t, func(tx pgx.Tx) error {
			rows, err := tx.Query(t.Context(), `SELECT external_id FROM records WHERE connection_id = $1 AND object = $2 AND deleted_at IS NULL`, b.conn, o.Name)
			if err != nil {
				return err
			}
			ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
			for _, id := range ids {
				reads = append(reads, connectors.Ref{Object: o.Name, ID: id})
			}
			return err
		})
	}
	return reads
}

func (b *bundle) replayIfDue(ctx context.Context, w childWork) error {
	var due bool
	err := b.DB.In(ctx, b.ws, func(tx pgx.Tx) (err error) {
		due, _, err = postgres.ReplayDue(ctx, tx, b.ws, b.conn)
		return err
	})
	if err != nil || !due {
		return err
	}
	return replayToTheEnd(ctx, b.Pipeline, w)
}
