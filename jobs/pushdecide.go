package jobs

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sales"
)

// next is what becomes of an edit whose record was just read.
type next struct {
	state string // empty: the call is made
	why   string
}

// found is the state of an edit that turns out to have been made: what is missing
// is its receipt.
const found = "found"

// nextOf decides on an edit by what its record holds now.
func nextOf(e *postgres.Edit, now postgres.Contents) next {
	switch {
	case !now.Known:
		return next{"cancelled", "there is no such record here"}
	case now.Gone && !wasDeleted(e):
		return next{"cancelled", "the record is gone"}
	case e.Makes():
		return next{found, "it had been made"}
	case e.State == "sent" && e.EchoedAt != nil:
		return next{found, "what became of the call was not known; it had been made, its change came back"}
	case !now.Gone && holds(now.Fields, e.Wanted) && e.State == "sent":
		return next{found, "what became of the call was not known; it had been made"}
	case !now.Gone && holds(now.Fields, e.Wanted):
		return next{"done", "it was so already, nothing was written"}
	}
	if field, moved := overtaken(e, now); moved {
		return next{"overtaken", fmt.Sprintf("somebody else has changed %s meanwhile, from %s to %s", field, e.Before[field], now.Fields[field])}
	}
	switch doubted := e.State == "sent" && e.After != nil; {
	case doubted && enforced(e): // it is judged anew, and wanted again unless it is fought
		return next{"overtaken", e.Why}
	case doubted:
		return next{"refused", e.Why}
	}
	if e.State == "sent" && e.Attempts >= tooManyAttempts {
		return next{"refused", inVain(e).Error()}
	}
	return next{}
}

// wasDeleted tells whether an edit is to bring back what somebody has deleted, which
// is a status at some vendors.
func wasDeleted(e *postgres.Edit) bool {
	return textOf(e.Before["status"]) == "deleted" || e.What == "revert" && e.Cause.Undoes == "deleted"
}

// overtaken returns a field that is another than when the edit was wanted, and
// that is not ours to write over. Who takes an edit back decides by what he saw:
// there all fields count; so do those that are only noted, and not written.
func overtaken(e *postgres.Edit, now postgres.Contents) (field string, moved bool) {
	for _, name := range concerned(e) {
		wanted, written := e.Wanted[name]
		if written && e.What != "undo" && AuthorityOver(e.TargetKind, name) != People {
			continue
		}
		if !sameValue(e.Before[name], now.Fields[name]) && !(written && sameValue(wanted, now.Fields[name])) {
			return name, true
		}
	}
	return "", false
}

// decide decides on an edit whose record was just read and written, and reports
// whether the call is to be made: then the intent is written down.
func (w *pushing) decide(ctx context.Context, e *postgres.Edit, r connectors.Record, asked time.Time) (call bool, err error) {
	var n next
	var now postgres.Contents
	var before contents
	err = w.p.DB.In(ctx, w.s.Workspace, func(tx pgx.Tx) error {
		call = false
		if now, err = heldBy(ctx, tx, w.s.Workspace, e); err != nil {
			return err
		}
		if n = nextOf(e, now); n.state != "" || !w.live {
			return nil
		}
		before = replaced(e, now.Fields)
		call, err = w.intend(ctx, tx, e, before)
		return err
	})
	switch {
	case err != nil:
		return false, err
	case call:
		onItsWay(e, before)
		return true, nil
	case n.state == "":
		return false, nil
	case n.state == "refused":
		return false, w.refuse(ctx, e, fault.New(fault.Temporary, "%s", n.why))
	case n.state == found:
		return false, w.receive(ctx, e, r, asked, n.why)
	}
	return false, w.end(ctx, e, n)
}

// replaced is what a call replaces. Fields that hold what is wanted since an earlier
// call of the edit replaced what stood there before that.
func replaced(e *postgres.Edit, now contents) contents {
	out := maps.Clone(now)
	for field, want := range e.Wanted {
		if was, known := e.Before[field]; known && e.State == "sent" && sameValue(now[field], want) {
			out[field] = was
		}
	}
	return out
}

// heldBy is what the record holds that an edit is about.
func heldBy(ctx context.Context, tx pgx.Tx, workspace int64, e *postgres.Edit) (postgres.Contents, error) {
	k, ok := sales.KindByName(e.TargetKind)
	if !ok || e.TargetID == nil {
		return postgres.Contents{}, nil
	}
	return postgres.HeldFields(ctx, tx, workspace, e.Subject.Connection, k, *e.TargetID, concerned(e))
}

// concerned are the fields that an edit writes, and those by which it was decided.
func concerned(e *postgres.Edit) []string {
	all := slices.AppendSeq(slices.Collect(maps.Keys(e.Wanted)), maps.Keys(e.Before))
	slices.Sort(all)
	return slices.Compact(all)
}

// intend writes down that the call is about to be made, unless a ceiling is
// reached or somebody has stopped it.
func (w *pushing) intend(ctx context.Context, tx pgx.Tx, e *postgres.Edit, before contents) (bool, error) {
	may, err := w.within(ctx, tx)
	if err != nil || !may {
		return false, err
	}
	now := w.p.Now()
	var until *time.Time
	if e.Makes() { // what exists can be looked at any time
		until = new(now.Add(w.p.patience()))
	}
	intended, err := postgres.IntendEdit(ctx, tx, w.s.Workspace, e, before, now, until)
	if err != nil || !intended {
		return false, err
	}
	return true, w.s.hold(ctx, tx, w.lease)
}

// end brings an edit to an end without a call. What it is about is judged anew:
// what is wanted now may be something else.
func (w *pushing) end(ctx context.Context, e *postgres.Edit, n next) error {
	w.p.Log.InfoContext(ctx, "an edit came to its end", "connection", w.s.Name, "edit", e.ID, "state", n.state, "why", n.why)
	return w.ended(ctx, e, n, nil)
}

// refuse leaves an edit to a person. If a rule of the account's bars a move from
// being taken back, nobody has anything to mend: what is done in its place is worked
// out anew.
func (w *pushing) refuse(ctx context.Context, e *postgres.Edit, why error) error {
	if e.What == "revert" && fault.KindOf(why) == fault.Barred {
		return w.end(ctx, e, next{"refused", why.Error()})
	}
	w.p.Log.WarnContext(ctx, "an edit was given up until somebody looks at it", "connection", w.s.Name, "edit", e.ID, "why", why)
	return w.ended(ctx, e, next{"refused", why.Error()}, []postgres.Failure{{ConnectionID: w.s.ID, Kind: "edit", Object: e.What, ExternalID: fmt.Sprint(e.ID), Reason: why.Error(),
		Hint: fmt.Sprintf("`salesbook edits show %d` says what was to be written; mend what the reason says, then `salesbook failures retry`", e.ID)}})
}

func (w *pushing) ended(ctx context.Context, e *postgres.Edit, n next, failures []postgres.Failure) error {
	return w.p.DB.In(ctx, w.s.Workspace, func(tx pgx.Tx) error {
		// Of what was refused only a move that stands leaves something else to do.
		if e.Subject.Kind != "" && (n.state != "refused" || e.What == "revert") {
			if err := w.judgeAgain(ctx, tx, e); err != nil {
				return err
			}
		}
		ended, err := postgres.EndEdit(ctx, tx, w.s.Workspace, e, n.state, n.why, w.p.Now())
		if err != nil {
			return err
		}
		if ended {
			if err := postgres.AddFailures(ctx, tx, w.s.Workspace, failures); err != nil {
				return err
			}
		}
		return w.lease.Hold(ctx, tx)
	})
}

// judgeAgain has the deal or lead judged anew that an edit is about.
func (w *pushing) judgeAgain(ctx context.Context, tx pgx.Tx, e *postgres.Edit) error {
	if err := postgres.MarkDirty(ctx, tx, w.s.Workspace, w.s.ID, e.Subject.Kind, []string{e.Subject.ID}); err != nil {
		return err
	}
	_, err := w.p.Queue.InsertTx(ctx, tx, EvaluateArgs{Workspace: w.s.Workspace}, nil)
	return err
}
