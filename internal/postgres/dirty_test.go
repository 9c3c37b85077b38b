package postgres_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/postgres"
)

// TestNobodyJudgesWhatIsAboutToChange: a subject that is dirty already, and is being
// changed again, is not taken off the list before the change can be seen.
func TestNobodyJudgesWhatIsAboutToChange(t *testing.T) {
	t.Parallel()
	b := newStore(t)
	mark := func(tx pgx.Tx, kind string, ids ...string) {
		t.Helper()
		if err := postgres.MarkDirty(t.Context(), tx, b.ws, b.conn, kind, ids); err != nil {
			t.Fatal(err)
		}
	}
	claim := func() (ids []string) {
		t.Helper()
		b.in(t, func(tx pgx.Tx) error {
			keys, err := postgres.ClaimDirty(t.Context(), tx, b.ws, []int64{b.conn}, 10)
			for _, k := range keys {
				ids = append(ids, k.ID)
			}
			return err
		})
		return ids
	}
	b.in(t, func(tx pgx.Tx) error { mark(tx, "deals", "1", "2"); return nil })
	b.in(t, func(tx pgx.Tx) error {
		mark(tx, "deals", "1")
		if d := cmp.Diff([]string{"2"}, claim()); d != "" {
			t.Errorf("claimed while 1 was being changed (-want +got):\n%s", d)
		}
		return nil
	})
	if d := cmp.Diff([]string{"1"}, claim()); d != "" {
		t.Errorf("claimed after it was changed (-want +got):\n%s", d)
	}
	// The mark of a connection that is about to be renewed waits, and keeps nobody.
	b.in(t, func(tx pgx.Tx) error { mark(tx, "connections", "1"); return nil })
	spread := func() {
		t.Helper()
		b.in(t, func(tx pgx.Tx) error { return postgres.SpreadDirty(t.Context(), tx, b.ws, []int64{b.conn}) })
	}
	left := func() (n int) {
		t.Helper()
		b.in(t, func(tx pgx.Tx) error {
			return tx.QueryRow(t.Context(), `SELECT count(*) FROM dirty WHERE kind = 'connections'`).Scan(&n)
		})
		return n
	}
	b.in(t, func(tx pgx.Tx) error { mark(tx, "connections", "1"); spread(); return nil })
	if n := left(); n != 1 {
		t.Errorf("%d marks are left of the connection that was changed", n)
	}
	if spread(); left() != 0 {
		t.Error("the mark was not spread")
	}
}
