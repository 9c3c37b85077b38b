package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/book"
	"salesbook.dev/internal/enforce"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/mapping"
)

// witnessPatience is how long a vendor's log may lag behind.
const witnessPatience = 2 * time.Minute

// witness looks up what edits have replaced that are done, and gives back what a
// person had set in the moment between reading and writing.
func (w *pushing) witness(ctx context.Context) error {
	teller, ok := w.pusher.(connectors.Witness)
	var list []postgres.Edit
	err := w.p.DB.In(ctx, w.s.Workspace, func(tx pgx.Tx) (err error) {
		list, err = postgres.UncheckedEdits(ctx, tx, w.s.Workspace, w.s.ID, editsAtOnce)
		return err
	})
	for i := range list {
		e := &list[i]
		switch {
		case err != nil:
		case !ok:
			err = w.checked(ctx, e, nil)
		default:
			err = w.met(w.lookUp(ctx, teller, e))
		}
	}
	return err
}

// lookUp asks the vendor's log what one edit has replaced.
func (w *pushing) lookUp(ctx context.Context, teller connectors.Witness, e *postgres.Edit) error {
	edit, err := inVendorWords(w.s, e)
	if err != nil {
		return w.checked(ctx, e, nil) // the map is another by now
	}
	r, err := w.answered(ctx, e, edit)
	if err != nil {
		return err
	}
	was, err := teller.Replaced(ctx, edit, r)
	if hopeless(err) {
		return w.checked(ctx, e, nil)
	}
	if err != nil {
		return err
	}
	held, told := w.canonical(e, edit, r, was)
	if !told && w.p.Now().Before(e.DoneAt.Add(witnessPatience)) {
		return nil // the next look
	}
	return w.checked(ctx, e, lostBy(e, held))
}

// answered is the record as the vendor had it after the edit, as far as it is
// stored.
func (w *pushing) answered(ctx context.Context, e *postgres.Edit, edit connectors.Edit) (r connectors.Record, err error) {
	r = connectors.Record{Object: edit.Object, ID: edit.ID}
	err = w.p.DB.In(ctx, w.s.Workspace, func(tx pgx.Tx) error {
		list, err := postgres.ReadRecordsByID(ctx, tx, w.s.Workspace, w.s.ID, edit.Object, []string{edit.ID}, w.p.Compressor)
		if err == nil && len(list) == 1 {
			r.Parent, r.Shape, r.Raw = list[0].Parent, list[0].Shape, list[0].Raw
		}
		return err
	})
	if e.VersionAt != nil {
		r.UpdatedAt = *e.VersionAt
	}
	return r, err
}

// canonical turns what the vendor's log tells of the fields of an edit into
// canonical values. told is false if it does not tell of every field that was
// changed and is people's.
func (w *pushing) canonical(e *postgres.Edit, edit connectors.Edit, r connectors.Record, was connectors.Values) (held contents, told bool) {
	om, ok := w.s.Map.Object(edit.Object)
	if !ok || len(r.Raw) == 0 {
		return nil, false
	}
	values, err := w.s.Spec.Decoder.Decode(r.Object, r.Shape, r.Raw)
	if err != nil {
		return nil, false
	}
	// Where the log is silent there stands what we wrote.
	values.Standard, values.Custom = over(over(values.Standard, edit.Set.Standard), was.Standard), over(over(values.Custom, edit.Set.Custom), was.Custom)
	row, err := om.Row(r.ID, r.Parent, &values)
	if err != nil {
		return nil, false
	}
	held, told = contents{}, true
	for name := range e.Wanted {
		at := om.Kind().Index(name)
		if at < 0 || AuthorityOver(e.TargetKind, name) != People {
			continue
		}
		held[name] = asJSON(row.Values[at])
		if sameValue(held[name], e.Wanted[name]) && !sameValue(e.Before[name], e.Wanted[name]) {
			told = told && tells(w.s.Map, e.TargetKind, name, e, was)
		}
	}
	return held, told
}

// tells reports whether a vendor's log says anything of a field.
func tells(m *mapping.Map, kind, field string, e *postgres.Edit, was connectors.Values) bool {
	_, set, err := m.Write(kind, contents{field: e.Wanted[field]})
	if err != nil {
		return true // nothing is to be waited for
	}
	return slices.ContainsFunc(set.Standard, func(p connectors.Pair) bool {
		return slices.ContainsFunc(was.Standard, func(q connectors.Pair) bool { return q.Key == p.Key })
	})
}

// over puts some values over others of the same keys.
func over(values, some []connectors.Pair) []connectors.Pair {
	out := slices.Clone(values)
	for _, p := range some {
		if i := slices.IndexFunc(out, func(q connectors.Pair) bool { return q.Key == p.Key }); i >= 0 {
			out[i] = p
		} else {
			out = append(out, p)
		}
	}
	return out
}

// lostBy are the values that an edit has written over unseen: they are neither
// what it meant to replace nor what it wanted.
func lostBy(e *postgres.Edit, held contents) contents {
	lost := contents{}
	for name, value := range held {
		if !sameValue(value, e.Before[name]) && !sameValue(value, e.Wanted[name]) {
			lost[name] = value
		}
	}
	return lost
}

// checked notes what an edit has written over, and wants it given back.
func (w *pushing) checked(ctx context.Context, e *postgres.Edit, lost contents) error {
	if len(lost) == 0 {
		lost = nil
	}
	return w.p.DB.In(ctx, w.s.Workspace, func(tx pgx.Tx) error {
		why := ""
		if lost != nil {
			why = "somebody changed " + fieldList(lost) + " in the moment before it was written"
		}
		fresh, err := postgres.CheckEdit(ctx, tx, w.s.Workspace, e.ID, lost, why, w.p.Now())
		if err != nil || !fresh || lost == nil {
			return err
		}
		w.p.Log.WarnContext(ctx, "an edit has written over a change of a person", "connection", w.s.Name, "edit", e.ID, "fields", fieldList(lost))
		if err := w.restore(ctx, tx, e, lost); err != nil {
			return err
		}
		if err := w.reportLost(ctx, tx, e); err != nil {
			return err
		}
		return w.lease.Hold(ctx, tx)
	})
}

// restore wants a person's values back, but not the one that the edit was
// against. What was written to give something back or to undo is not taken back
// in turn.
func (w *pushing) restore(ctx context.Context, tx pgx.Tx, e *postgres.Edit, lost contents) error {
	back := maps.Clone(lost)
	maps.DeleteFunc(back, func(_ string, v json.RawMessage) bool { return e.Cause.Undoes != "" && textOf(v) == e.Cause.Undoes })
	if len(back) == 0 || e.What == "restore" {
		return nil
	}
	again := postgres.Edit{Subject: e.Subject, What: "restore", Key: fmt.Sprintf("restore/%d", e.ID), TargetKind: e.TargetKind, TargetID: e.TargetID,
		Wanted: back, State: "ready", Cause: e.Cause, Undoes: &e.ID}
	if err := postgres.WantEdits(ctx, tx, w.s.Workspace, []postgres.Edit{again}); err != nil {
		return err
	}
	return w.p.askToPush(ctx, tx, w.s.Workspace, w.s.ID)
}

// reportLost has the heads of the owner told that a change was written over.
func (w *pushing) reportLost(ctx context.Context, tx pgx.Tx, e *postgres.Edit) error {
	b, err := w.p.bookOpen(ctx, tx, w.s.Workspace)
	if err != nil {
		return err
	}
	owner, err := postgres.OwnerOf(ctx, tx, w.s.Workspace, e.Subject)
	if err != nil {
		return err
	}
	told := enforce.Tell{Occasion: enforce.Overwritten, Key: fmt.Sprintf("%s/%d", enforce.Overwritten, e.ID), To: b.AddressesOf([]book.Who{"head"}, owner),
		Rule: book.Rule(e.Cause.Rule), Detail: e.Cause.Detail, Opened: e.Cause.Opened}
	return wantTells(ctx, tx, w.s.Workspace, w.s.ID, e.Subject.Kind, e.Subject.ID, []enforce.Tell{told})
}

func fieldList(fields contents) (list string) {
	for i, name := range slices.Sorted(maps.Keys(fields)) {
		if i > 0 {
			list += ", "
		}
		list += name
	}
	return list
}
