package jobs

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sales"
)

// receive writes the receipt of an edit: the vendor's answer as any page, what
// the fields hold by it, and what follows from the edit, all in one transaction. If
// the record does not hold what is wanted, there is no receipt: what the vendor says
// of its success is not believed, and the record is looked at again.
func (w *pushing) receive(ctx context.Context, e *postgres.Edit, r connectors.Record, asked time.Time, why string) error {
	om, ok := w.s.Map.Object(r.Object)
	if !ok {
		return fmt.Errorf("the answer to edit %d of %s is a record of %q, which the map leaves out", e.ID, w.s.Name, r.Object)
	}
	e.TargetID = new(om.ID(r.ID))
	b := newBatch(w.s, "push", connectors.Page{Records: []connectors.Record{r}, FetchedAt: asked, Progress: -1})
	b.about = e.Subject // what is wanted of it while this was on its way is worked out now
	if err := b.prepare(ctx); err != nil {
		return err
	}
	done, doubt := false, ""
	err := w.p.DB.InByKey(ctx, w.s.Workspace, func(tx pgx.Tx) (err error) {
		known, err := postgres.EditByID(ctx, tx, w.s.Workspace, e.ID)
		if err != nil {
			return err
		}
		if err := b.write(ctx, tx); err != nil {
			return err
		}
		now, err := heldBy(ctx, tx, w.s.Workspace, e)
		if err != nil {
			return err
		}
		if doubt = doubtful(e, now.Fields); doubt != "" && known.EchoedAt == nil {
			if err := postgres.DoubtEdit(ctx, tx, w.s.Workspace, e.ID, w.p.Now().Add(doubtRest), now.Fields, doubt); err != nil {
				return err
			}
			return w.held(ctx, tx, b)
		}
		receipt := postgres.Receipt{TargetID: *e.TargetID, After: now.Fields, Checked: !w.mayHaveLost(e), Why: why}
		switch {
		case doubt != "": // it came back as wanted, and somebody has changed it since
			receipt.After, receipt.Checked = e.Wanted, true
		case !r.UpdatedAt.IsZero():
			receipt.Version = &r.UpdatedAt
		}
		if done, err = postgres.FinishEdit(ctx, tx, w.s.Workspace, e, receipt, w.p.Now()); err != nil {
			return err
		}
		if done && e.Note != "" {
			if err := w.explain(ctx, tx, e); err != nil {
				return err
			}
		}
		return w.held(ctx, tx, b)
	})
	switch {
	case err != nil:
		return err
	case !done && doubt != "":
		w.p.Log.WarnContext(ctx, "an edit was answered as made, and its record does not hold it", "connection", w.s.Name, "edit", e.ID, "why", doubt)
		return nil
	case !done:
		return nil
	}
	w.p.Log.InfoContext(ctx, "an edit was made", "connection", w.s.Name, "edit", e.ID, "what", e.What, "kind", e.TargetKind, "record", *e.TargetID)
	return nil
}

// held ends the transaction of a receipt.
func (w *pushing) held(ctx context.Context, tx pgx.Tx, b *batch) error {
	if err := postgres.CountRun(ctx, tx, w.s.Workspace, w.run, b.counts); err != nil {
		return err
	}
	return w.s.hold(ctx, tx, w.lease)
}

// doubtful says which field of a record does not hold what an edit wants, empty if
// all do. What a new record holds is the vendor's affair: it was made.
func doubtful(e *postgres.Edit, now contents) string {
	if e.Makes() {
		return ""
	}
	for _, field := range slices.Sorted(maps.Keys(e.Wanted)) {
		if !sameValue(e.Wanted[field], now[field]) {
			return "the vendor answered that it was made, and " + field + " did not hold what is wanted"
		}
	}
	return ""
}

// explain wants the one note that says why something was taken back.
func (w *pushing) explain(ctx context.Context, tx pgx.Tx, e *postgres.Edit) error {
	note := postgres.Edit{Subject: e.Subject, What: "note", Key: fmt.Sprintf("note/%d", e.ID), TargetKind: "notes", State: "ready", Cause: e.Cause,
		Wanted: contents{"content": asJSON(e.Note), one(e.Subject.Kind) + "_id": asJSON(e.Subject.ID)}}
	if err := postgres.WantEdits(ctx, tx, w.s.Workspace, []postgres.Edit{note}); err != nil {
		return err
	}
	return w.p.askToPush(ctx, tx, w.s.Workspace, w.s.ID)
}

// one is what a record of a canonical kind is called.
func one(kind string) string {
	if k, ok := sales.KindByName(kind); ok {
		return k.One
	}
	return kind
}

// mayHaveLost tells whether an edit may have written over what a person set in
// the moment between reading and writing, and whether the vendor tells.
func (w *pushing) mayHaveLost(e *postgres.Edit) bool {
	if _, tells := w.pusher.(connectors.Witness); !tells || e.Makes() {
		return false
	}
	return slices.ContainsFunc(slices.Collect(maps.Keys(e.Wanted)), func(f string) bool { return AuthorityOver(e.TargetKind, f) == People })
}
