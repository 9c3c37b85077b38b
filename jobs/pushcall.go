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
	case fault.Invalid, fault.Forbidden, fault.Barred:
		return w.refused(ctx, e, err)
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

// refused leaves an edit to a person that the vendor has refused, unless what a new
// record was to be about is gone, and nobody had told us.
func (w *pushing) refused(ctx context.Context, e *postgres.Edit, why error) error {
	if e.Makes() && e.Subject.Kind != "" {
		gone, err := w.gone(ctx, e)
		if err != nil {
			w.p.Log.WarnContext(ctx, "what an edit is about could not be read again", "connection", w.s.Name, "edit", e.ID, "why", err)
		} else if gone {
			return w.end(ctx, e, next{"cancelled", "what it is about is gone at the vendor"})
		}
	}
	return w.refuse(ctx, e, why)
}

// gone reads the deal or lead again that an edit is about, and tells whether it is
// gone.
func (w *pushing) gone(ctx context.Context, e *postgres.Edit) (bool, error) {
	about := postgres.Edit{Subject: e.Subject, TargetKind: e.Subject.Kind, TargetID: &e.Subject.ID}
	for _, object := range w.s.Map.ObjectsOf(e.Subject.Kind) {
		om, _ := w.s.Map.Object(object)
		for _, id := range recordIDs(om, []string{e.Subject.ID}) {
			if _, _, err := w.reread(ctx, connectors.Edit{Object: object, ID: id}); err != nil {
				return false, err
			}
		}
	}
	var held postgres.Contents
	err := w.p.DB.In(ctx, w.s.Workspace, func(tx pgx.Tx) (err error) {
		held, err = heldBy(ctx, tx, w.s.Workspace, &about)
		return err
	})
	return held.Gone, err
}

// unknown notes that nobody knows what a call has done, and when to look.
func (w *pushing) unknown(ctx context.Context, e *postgres.Edit, why error) error {
	wait := backoff(e)
	if e.Makes() {
		wait = max(wait, w.p.patience())
	}
	if err := w.delay(ctx, e, wait, why.Error()); err != nil {
		return err
	}
	return why
}

// delay leaves an edit alone for a while of which nobody knows what became of it.
func (w *pushing) delay(ctx context.Context, e *postgres.Edit, wait time.Duration, why string) error {
	return w.p.DB.In(ctx, w.s.Workspace, func(tx pgx.Tx) error {
		if err := postgres.DelayEdit(ctx, tx, w.s.Workspace, e.ID, w.p.Now().Add(wait), why); err != nil {
			return err
		}
		return w.lease.Hold(ctx, tx)
	})
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
