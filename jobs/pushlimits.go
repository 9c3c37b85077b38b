package jobs

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/postgres"
)

const (
	// shareSpan is how far back changed deals count against the ceiling.
	shareSpan = 24 * time.Hour
	// fewDeals may be changed in a day however few there are.
	fewDeals = 20
)

// allowed looks at whether edits may be made at all, and whether those that wait
// would change too many deals: that is asked before the first of them is made.
func (w *pushing) allowed(ctx context.Context) error {
	return w.p.DB.In(ctx, w.s.Workspace, func(tx pgx.Tx) error {
		now := w.p.Now()
		may, err := postgres.HoldWriting(ctx, tx, w.s.Workspace, w.s.ID)
		if err != nil {
			return err
		}
		if w.live = may.Live(); !w.live {
			return nil
		}
		changed, open, err := postgres.WaveOf(ctx, tx, w.s.Workspace, w.s.ID, later(now.Add(-shareSpan), may.At))
		if err != nil {
			return err
		}
		if changed <= max(fewDeals, open*may.Share/100) {
			return nil
		}
		return w.stop(ctx, tx, may, fmt.Sprintf("%d of %d open deals would be changed within a day by more than their card, which is more than %d %%: look at `salesbook edits list --connection %s`, then let it go on with `salesbook edits live %s --share N`",
			changed, open, may.Share, w.s.Name, w.s.Name))
	})
}

// within tells whether one more call may be made now. What it goes by does not
// change until the transaction ends.
func (w *pushing) within(ctx context.Context, tx pgx.Tx) (bool, error) {
	now := w.p.Now()
	may, err := postgres.HoldWriting(ctx, tx, w.s.Workspace, w.s.ID)
	if err != nil {
		return false, err
	}
	if w.live = may.Live(); !w.live {
		return false, nil
	}
	sent, err := postgres.CountSent(ctx, tx, w.s.Workspace, w.s.ID, later(now.Add(-time.Hour), may.At))
	if err != nil || sent < may.Hourly {
		return err == nil, err
	}
	return false, w.stop(ctx, tx, may, fmt.Sprintf("%d edits were made within an hour, as many as are allowed: look at `salesbook edits list --connection %s`, then let it go on with `salesbook edits live %s --hourly N`",
		sent, w.s.Name, w.s.Name))
}

// stop ends all writing to a connection until a person has looked.
func (w *pushing) stop(ctx context.Context, tx pgx.Tx, was postgres.Writing, why string) error {
	w.live = false
	now := was
	now.Mode, now.Why, now.By, now.At = "stopped", why, "salesbook", w.p.Now()
	stopped, err := postgres.SetWriting(ctx, tx, w.s.Workspace, w.s.ID, now, was.At)
	if err != nil || !stopped {
		return err
	}
	w.p.Log.ErrorContext(ctx, "writing to the connection was stopped", "connection", w.s.Name, "why", why)
	return postgres.Audit(ctx, tx, w.s.Workspace, "salesbook", "edits stop", w.s.Name, map[string]any{"why": why})
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
