package jobs_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/postgres"
	"salesbook.dev/jobs"
)

// reconcile brings us to the state of a vendor that behaves and stands still:
// what arrived,
// what changed, then a sweep over everything.
func (b *bundle) reconcile(t testing.TB) {
	t.Helper()
	w := childWork{Workspace: b.ws, Conn: b.conn}
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"receive", func() error { return emptyInbox(t.Context(), b.Pipeline, w) }},
		{"pull", func() error { return pullToTheEnd(t.Context(), b.Pipeline, w) }},
		{"replay", func() error { return b.replayIfDue(t.Context(), w) }},
		{"sweep", func() error { return b.sweepAll(t) }},
	} {
		if err := step.do(); err != nil {
			t.Errorf("reconcile: %s: %v", step.name, err)
		}
	}
}

// sweepAll has everything compared from now on, however much turns out to be gone.
func (b *bundle) sweepAll(t testing.TB) error {
	since := one[time.Time](t, b, `SELECT now()`)
	return insist(t.Context(), func() (bool, error) {
		return b.Sweep(t.Context(), b.ws, b.conn, jobs.SweepOptions{Since: since, Confirm: true})
	})
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
