package jobs

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
)

// call makes the call, and writes down what it brought. It is not cut off when
// the process is told to end: then nobody would know.
func (w *pushing) call(ctx context.Context, e *postgres.Edit, edit connectors.Edit) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	asked := w.p.Now()
	r, err := w.pusher.Push(ctx, edit)
	if err == nil {
		return w.receive(ctx, e, r, asked, "")
	}
	switch fault.KindOf(err) {
	case fault.Invalid, fault.Forbidden:
		return w.refuse(ctx, e, err)
	case fault.NotFound, fault.Gone:
		return w.end(ctx, e, next{"cancelled", "it is gone at the vendor"})
	case fault.Conflict: // somebody was faster: it is decided anew
		if e.Attempts >= tooManyAttempts {
			return w.refuse(ctx, e, inVain(e))
		}
		return w.giveBack(ctx, e, backoff(e), err.Error(), true)
	case fault.Limited, fault.Auth:
		if e := w.giveBack(ctx, e, 0, "", false); e != nil {
			return e
		}
		return err
	}
	return w.unknown(ctx, e, err)
}

// unknown notes that nobody knows what a call has done, and when to look.
func (w *pushing) unknown(ctx context.Context, e *postgres.Edit, why error) error {
	wait := backoff(e)
	if e.Makes() {
		wait = max(wait, w.p.patience())
	}
	err := w.p.DB.In(ctx, w.s.Workspace, func(tx pgx.Tx) error {
		if err := postgres.DelayEdit(ctx, tx, w.s.Workspace, e.ID, w.p.Now().Add(wait), why.Error()); err != nil {
			return err
		}
		return w.lease.Hold(ctx, tx)
	})
	if err != nil {
		return err
	}
	return why
}

// backoff is how long an edit is left alone after an attempt in vain.
func backoff(e *postgres.Edit) time.Duration { return firstRest << (max(1, e.Attempts) - 1) }

// giveBack has an edit wait for its turn again whose call was not made, or has
// changed nothing.
func (w *pushing) giveBack(ctx context.Context, e *postgres.Edit, wait time.Duration, why string, counts bool) error {
	var until *time.Time
	if wait > 0 {
		until = new(w.p.Now().Add(wait))
	}
	err := w.p.DB.In(ctx, w.s.Workspace, func(tx pgx.Tx) error {
		if err := postgres.ReturnEdit(ctx, tx, w.s.Workspace, e.ID, until, why, counts); err != nil {
			return err
		}
		return w.lease.Hold(ctx, tx)
	})
	if e.State = "ready"; !counts {
		e.Attempts--
	}
	return err
}
