package jobs

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
)

// Switch is what a person says about writing to a connection.
type Switch struct {
	Mode   string // dry, live or stopped
	Hourly int    // ceiling; 0: as before
	Share  int    // ceiling in percent; 0: as before
	By     string
}

// Switched is what came of it.
type Switched struct {
	Connection string `json:"connection"`
	Was        string `json:"was"`
	Now        string `json:"now"`
	Hourly     int    `json:"hourly"`
	Share      int    `json:"share"`
	Ended      int64  `json:"ended"` // edits that were only shown, and are wanted anew or not at all
	Shown      int64  `json:"shown"` // edits that waited, and are only shown from now on
}

// SwitchWriting says whether edits of a connection are shown, made or stopped. It
// holds from the next edit on.
func (p *Pipeline) SwitchWriting(ctx context.Context, workspace int64, c postgres.Connection, to Switch) (done Switched, err error) {
	err = p.DB.In(ctx, workspace, func(tx pgx.Tx) error {
		was, err := postgres.WritingOf(ctx, tx, workspace, c.ID)
		if err != nil {
			return err
		}
		now := was
		now.Mode, now.Why, now.By, now.At = to.Mode, "", to.By, p.Now()
		if to.Mode == "stopped" {
			now.Why = "stopped by " + to.By
		}
		if to.Hourly > 0 {
			now.Hourly = to.Hourly
		}
		if to.Share > 0 {
			now.Share = to.Share
		}
		done = Switched{Connection: c.Name, Was: was.Mode, Now: now.Mode, Hourly: now.Hourly, Share: now.Share}
		if done.Ended, done.Shown, err = p.switchOver(ctx, tx, workspace, c.ID, was.Mode, now.Mode); err != nil {
			return err
		}
		set, err := postgres.SetWriting(ctx, tx, workspace, c.ID, now, was.At)
		if err == nil && !set {
			err = fault.New(fault.Conflict, "how far %s is written to was changed by somebody else at this moment; look at `salesbook status %s` and try again", c.Name, c.Name)
		}
		if err != nil {
			return err
		}
		return postgres.Audit(ctx, tx, workspace, to.By, "edits "+to.Mode, c.Name, map[string]any{"was": was.Mode, "hourly": now.Hourly, "share": now.Share, "ended": done.Ended})
	})
	return done, err
}

// switchOver does with edits what the other mode asks for.
func (p *Pipeline) switchOver(ctx context.Context, tx pgx.Tx, workspace, connection int64, was, now string) (ended, shown int64, err error) {
	switch now {
	case "dry":
		shown, err = postgres.BeginDryRun(ctx, tx, workspace, connection)
	case "live":
		// The subjects first: all transactions lock in one order.
		if was == "dry" {
			err = postgres.MarkDirty(ctx, tx, workspace, connection, "connections", []string{fmt.Sprint(connection)})
		}
		if err == nil {
			ended, err = postgres.EndDryRun(ctx, tx, workspace, connection, "the dry run ended; what is wanted was worked out anew", p.Now())
		}
		if err == nil {
			_, err = p.Queue.InsertTx(ctx, tx, EvaluateArgs{Workspace: workspace}, nil)
		}
		if err == nil {
			err = p.askToPush(ctx, tx, workspace, connection)
		}
	}
	return ended, shown, err
}

// ApproveEdits agrees to edits that wait for it, and returns how many did.
func (p *Pipeline) ApproveEdits(ctx context.Context, workspace int64, ids []int64, by string) (int, error) {
	return len(ids), p.eachEdit(ctx, workspace, ids, func(tx pgx.Tx, e *postgres.Edit) error {
		approved, err := postgres.ApproveEdit(ctx, tx, workspace, e.ID, by, p.Now())
		if err == nil && !approved {
			err = fault.New(fault.Invalid, "edit %d does not wait for anybody to agree: its state is %s; `salesbook edits list --state asked` shows those that do", e.ID, stateOf(ctx, tx, workspace, e))
		}
		if err != nil {
			return err
		}
		return postgres.Audit(ctx, tx, workspace, by, "approve edit", fmt.Sprintf("edit %d", e.ID), map[string]any{"what": e.What, "rule": e.Cause.Rule})
	})
}

// CancelEdits cancels edits that are not on their way yet.
func (p *Pipeline) CancelEdits(ctx context.Context, workspace int64, ids []int64, by string) (int, error) {
	return len(ids), p.eachEdit(ctx, workspace, ids, func(tx pgx.Tx, e *postgres.Edit) error {
		cancelled, err := postgres.CancelEdit(ctx, tx, workspace, e.ID, by, p.Now())
		if err == nil && !cancelled {
			err = fault.New(fault.Invalid, "edit %d cannot be cancelled any more: its state is %s", e.ID, stateOf(ctx, tx, workspace, e))
		}
		if err != nil {
			return err
		}
		return postgres.Audit(ctx, tx, workspace, by, "cancel edit", fmt.Sprintf("edit %d", e.ID), map[string]any{"what": e.What, "rule": e.Cause.Rule})
	})
}

// stateOf is the state of an edit now: it may have come to its end since it was read.
func stateOf(ctx context.Context, tx pgx.Tx, workspace int64, e *postgres.Edit) string {
	if now, err := postgres.EditByID(ctx, tx, workspace, e.ID); err == nil {
		return now.State
	}
	return e.State
}

// eachEdit does something with edits, all in one transaction, or none, and has
// what is ready by then made. What else is wanted of what they are about is worked
// out anew.
func (p *Pipeline) eachEdit(ctx context.Context, workspace int64, ids []int64, do func(pgx.Tx, *postgres.Edit) error) error {
	return p.DB.InByKey(ctx, workspace, func(tx pgx.Tx) error {
		list := make([]postgres.Edit, len(ids))
		for i, id := range ids {
			var err error
			if list[i], err = postgres.EditByID(ctx, tx, workspace, id); err != nil {
				return err
			}
		}
		if err := p.judgeSubjects(ctx, tx, workspace, list); err != nil { // first: all transactions lock in one order
			return err
		}
		connections := map[int64]bool{}
		for i := range list {
			if err := do(tx, &list[i]); err != nil {
				return err
			}
			connections[list[i].Subject.Connection] = true
		}
		for id := range connections {
			if err := p.askToPush(ctx, tx, workspace, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// judgeSubjects has the deals and leads judged anew that edits are about.
func (p *Pipeline) judgeSubjects(ctx context.Context, tx pgx.Tx, workspace int64, list []postgres.Edit) error {
	var keys []postgres.SubjectKey
	for i := range list {
		if list[i].Subject.Kind != "" {
			keys = append(keys, list[i].Subject)
		}
	}
	slices.SortFunc(keys, compareKeys)
	for _, k := range slices.Compact(keys) {
		if err := postgres.MarkDirty(ctx, tx, workspace, k.Connection, k.Kind, []string{k.ID}); err != nil {
			return err
		}
	}
	if len(keys) == 0 {
		return nil
	}
	_, err := p.Queue.InsertTx(ctx, tx, EvaluateArgs{Workspace: workspace}, nil)
	return err
}

// UndoEdit wants back what an edit has replaced. Whether its fields still hold
// what it wrote is looked at now, and again when it is undone. What the CRM has no way
// to write is refused now.
func (p *Pipeline) UndoEdit(ctx context.Context, workspace, id int64, by string) (undo postgres.Edit, err error) {
	if err := p.canUndo(ctx, workspace, id, by); err != nil {
		return undo, err
	}
	err = p.eachEdit(ctx, workspace, []int64{id}, func(tx pgx.Tx, e *postgres.Edit) error {
		w, err := postgres.WritingOf(ctx, tx, workspace, e.Subject.Connection)
		if err != nil {
			return err
		}
		if undo, err = p.undoing(e, by); err != nil {
			return err
		}
		if w.Mode == "dry" {
			name, err := postgres.ConnectionNames(ctx, tx, workspace)
			if err != nil {
				return err
			}
			return fault.New(fault.Invalid, "edit %d is not undone: %s is in a dry run, in which nothing is written; `salesbook edits live %[2]s` ends it", id, name[e.Subject.Connection])
		}
		now, err := heldBy(ctx, tx, workspace, &undo)
		if err != nil {
			return err
		}
		field, moved := overtaken(&undo, now)
		if e.What == "card" {
			field = "the field on the card" // whose name here is a code of the CRM's
		}
		switch {
		case now.Gone:
			return fault.New(fault.Conflict, "edit %d cannot be undone: its record is not in the CRM any more", id)
		case moved:
			return fault.New(fault.Conflict, "edit %d cannot be undone: somebody has changed %s since, and that stays", id, field)
		}
		if err := postgres.WantEdits(ctx, tx, workspace, []postgres.Edit{undo}); err != nil {
			return err
		}
		return postgres.Audit(ctx, tx, workspace, by, "undo edit", fmt.Sprintf("edit %d", id), map[string]any{"what": e.What, "rule": e.Cause.Rule})
	})
	return undo, err
}

// canUndo refuses to undo an edit where the way back cannot be written.
func (p *Pipeline) canUndo(ctx context.Context, workspace, id int64, by string) error {
	var e postgres.Edit
	err := p.DB.In(ctx, workspace, func(tx pgx.Tx) (err error) {
		e, err = postgres.EditByID(ctx, tx, workspace, id)
		return err
	})
	if err != nil {
		return err
	}
	undo, err := p.undoing(&e, by)
	if err != nil {
		return err
	}
	s, err := p.Open(ctx, workspace, e.Subject.Connection)
	if err != nil {
		return err
	}
	if _, err := inVendorWords(s, &undo); err != nil {
		return fault.New(fault.Invalid, "edit %d cannot be undone by salesbook; set back in the CRM what it has written, `salesbook edits show %[1]d` has it: %w", id, err)
	}
	return nil
}

// undoing is the edit that takes another one back.
func (p *Pipeline) undoing(e *postgres.Edit, by string) (postgres.Edit, error) {
	now := p.Now()
	u := postgres.Edit{Subject: e.Subject, What: "undo", Key: fmt.Sprintf("undo/%d", e.ID), TargetKind: e.TargetKind, TargetID: e.TargetID, State: "ready",
		Wanted: contents{}, Before: e.After, Ending: e.Ending, Cause: e.Cause, Undoes: &e.ID, ApprovedAt: &now, ApprovedBy: &by}
	switch {
	case e.State != "done" || e.TargetID == nil || e.Attempts == 0:
		return u, fault.New(fault.Invalid, "edit %d has written nothing that could be undone: its state is %s", e.ID, e.State)
	case e.TargetKind == "notes":
		return u, fault.New(fault.Invalid, "edit %d has made a note, and what was said is not unsaid; delete it in the CRM if it must go", e.ID)
	case e.Makes() && e.TargetKind == "activities":
		u.Wanted, u.Before = contents{"done": asJSON(true)}, contents{"done": asJSON(false)}
	case e.Makes():
		return u, fault.New(fault.Invalid, "edit %d has made a new record; it is deleted in the CRM if it must go", e.ID)
	default:
		for field := range e.Wanted {
			u.Wanted[field] = e.Before[field]
		}
	}
	return u, nil
}

// retryEdit lets an edit have its turn again that was refused.
func (p *Pipeline) retryEdit(ctx context.Context, workspace int64, f postgres.Failure) (Retried, error) {
	var id int64
	if _, err := fmt.Sscan(f.ExternalID, &id); err != nil {
		return Retried{}, fault.New(fault.Invalid, "failure %d names no edit: %q", f.ID, f.ExternalID)
	}
	out := Retried{Resolved: true}
	err := p.DB.In(ctx, workspace, func(tx pgx.Tx) (err error) {
		if out.Queued, err = postgres.RetryEdit(ctx, tx, workspace, id); err != nil {
			return err
		}
		if out.Queued {
			if err := p.askToPush(ctx, tx, workspace, f.ConnectionID); err != nil {
				return err
			}
		}
		return postgres.ResolveFailure(ctx, tx, workspace, f.ID)
	})
	return out, err
}
