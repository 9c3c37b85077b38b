package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/book"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/provision"
	"salesbook.dev/internal/rest"
	"salesbook.dev/mapping"
)

// SetUpOptions say who wants a CRM set up, and how far.
type SetUpOptions struct {
	By     string                      // for the audit
	Agreed []provision.Step            // what was shown to him: no other step is made; nil: all are
	Tell   func(provision.Step, error) // is called after each step
}

// SetUp makes a connection's CRM be as a draft has it, or without one as the book
// in force, as far as it can be made. It makes one step after the other, each after
// what it is about has been read anew, so that it goes on where it was broken off.
// What the CRM refuses is noted and keeps the rest from nothing. It is a person's order, so it is done also while edits are only
// shown; it is not where writing is stopped.
func (p *Pipeline) SetUp(ctx context.Context, workspace int64, connection string, draft *book.Book, o SetUpOptions) (Provisioning, error) {
	u, err := p.openSetup(ctx, workspace, connection, draft)
	if err != nil {
		return Provisioning{}, err
	}
	err = u.holding(ctx, (&settingUp{setup: u, by: o.By, agreed: byKey(o.Agreed), tell: o.Tell, tried: map[string]bool{}}).all)
	return u.out, err
}

// settingUp makes the steps of a plan.
type settingUp struct {
	*setup
	by     string
	agreed map[string]string // texts of the steps that a person agreed to, by key; nil: to all
	tell   func(provision.Step, error)
	tried  map[string]bool // keys of steps that need no further try
}

func byKey(steps []provision.Step) map[string]string {
	if steps == nil {
		return nil
	}
	out := map[string]string{}
	for _, s := range steps {
		out[s.Key] = s.Text
	}
	return out
}

// isAgreed tells whether a person was shown a step as it is.
func (w *settingUp) isAgreed(s provision.Step) bool {
	return w.agreed == nil || w.agreed[s.Key] == s.Text
}

// all makes steps until none is left.
func (w *settingUp) all(ctx context.Context) error {
	if err := w.read(ctx, kinds()...); err != nil {
		return err
	}
	fresh := kinds() // what was read since the last step
	for first := true; ; first = false {
		s, err := w.plan(ctx)
		if err != nil {
			return err
		}
		if first {
			if err := w.settleOld(ctx); err != nil {
				return err
			}
		}
		step, ok := w.next()
		switch {
		case !ok:
			w.left()
			return nil
		case step.Kind != "" && !slices.Contains(fresh, step.Kind):
			if err := w.read(ctx, step.Kind); err != nil {
				return err
			}
			fresh = append(fresh, step.Kind)
		default:
			w.tried[step.Key] = true
			if err := w.make(ctx, s, step); err != nil {
				return err
			}
			fresh = nil
		}
	}
}

// next is the first step that can be made.
func (w *settingUp) next() (provision.Step, bool) {
	i := slices.IndexFunc(w.out.Plan.Steps, func(s provision.Step) bool { return !s.Waits && !w.tried[s.Key] && w.isAgreed(s) })
	if i < 0 {
		return provision.Step{}, false
	}
	return w.out.Plan.Steps[i], true
}

// left notes why steps were not made that are still planned.
func (w *settingUp) left() {
	for _, s := range w.out.Plan.Steps {
		told := slices.ContainsFunc(w.out.Refused, func(r RefusedStep) bool { return r.Key == s.Key })
		switch {
		case told:
		case !w.isAgreed(s):
			w.out.Refused = append(w.out.Refused, RefusedStep{s, "the CRM has changed since the plan was shown, and nobody agreed to this; plan it again"})
		case s.Waits:
			w.out.Refused = append(w.out.Refused, RefusedStep{s, "it needs what was refused"})
		default:
			w.out.Refused = append(w.out.Refused, RefusedStep{s, "the CRM answered that it was done, and does not show it"})
		}
	}
}

// settleOld writes down what became of steps that an earlier call was broken off
// at: what is planned no more has had its effect.
func (w *settingUp) settleOld(ctx context.Context) error {
	return w.p.DB.In(ctx, w.ws, func(tx pgx.Tx) error {
		list, err := postgres.SetupsUnderWay(ctx, tx, w.ws, w.conn)
		if err != nil {
			return err
		}
		for i := range list {
			e := &list[i]
			if slices.ContainsFunc(w.out.Plan.Steps, func(s provision.Step) bool { return s.Key == e.Key }) {
				continue // it is made again under its number
			}
			shown, err := w.shown(ctx, tx, e)
			if err != nil {
				return err
			}
			e.State, e.Why = "done", "its call was broken off; the CRM shows its effect"
			if !shown {
				e.State, e.Why = "cancelled", "its call was broken off; the CRM does not show its effect, and this book does not ask for it"
			}
			if err := postgres.EndSetup(ctx, tx, w.ws, e, w.p.Now()); err != nil {
				return err
			}
			if !shown {
				continue
			}
			if err := w.audit(ctx, tx, e); err != nil {
				return err
			}
		}
		return w.lease.Hold(ctx, tx)
	})
}

// shown tells whether the CRM has what a step was to make, and notes what it has.
func (w *settingUp) shown(ctx context.Context, tx pgx.Tx, e *postgres.Edit) (bool, error) {
	if e.TargetID == nil {
		id, err := postgres.DefinitionNamed(ctx, tx, w.ws, w.conn, e.TargetKind, e.Wanted)
		if err != nil || id == "" {
			return false, err
		}
		e.TargetID = &id
	}
	var err error
	e.After, err = held(ctx, tx, w.ws, w.conn, e)
	for name, want := range e.Wanted {
		switch {
		case name == "object" || name == "type": // say what is made, in the vendor's words
		case name == "options" && !hasLabels(e.After[name], want), name != "options" && !sameValue(want, e.After[name]):
			return false, err
		}
	}
	return e.After != nil, err
}

// hasLabels tells whether options have every label of others, which were added.
func hasLabels(options, added json.RawMessage) bool {
	var have, want []struct {
		Label string `json:"label"`
	}
	if json.Unmarshal(options, &have) != nil || json.Unmarshal(added, &want) != nil {
		return false
	}
	for _, o := range want {
		if !slices.Contains(have, o) {
			return false
		}
	}
	return true
}

func (w *settingUp) audit(ctx context.Context, tx pgx.Tx, e *postgres.Edit) error {
	return postgres.Audit(ctx, tx, w.ws, w.by, "set up", w.out.Connection, map[string]any{"step": e.Cause.Detail, "edit": e.ID, "before": e.Before, "after": e.After})
}

// make makes one step: it writes the intent down, calls, and writes down what came
// of it.
func (w *settingUp) make(ctx context.Context, s *Source, step provision.Step) error {
	if step.Kind == "" {
		return w.adopt(ctx, step)
	}
	e, call, err := w.edit(s, step)
	if err != nil {
		return err
	}
	pusher, err := ability[connectors.Pusher](ctx, s, rest.Interactive)
	if err != nil {
		return err
	}
	err = w.p.DB.In(ctx, w.ws, func(tx pgx.Tx) (err error) {
		if e.TargetID != nil {
			if e.Before, err = held(ctx, tx, w.ws, w.conn, e); err != nil {
				return err
			}
		}
		if err := postgres.IntendSetup(ctx, tx, w.ws, e, w.p.Now()); err != nil {
			return err
		}
		return w.lease.Hold(ctx, tx)
	})
	if err != nil {
		return err
	}
	// It is not cut off when the process is told to end: then nobody would know.
	whole := context.WithoutCancel(ctx)
	r, err := pusher.Push(whole, call)
	switch {
	case err == nil:
		return w.receipt(whole, s, step, e, r)
	case slices.Contains([]fault.Kind{fault.Invalid, fault.NotFound, fault.Gone, fault.Conflict}, fault.KindOf(err)):
		return w.refuse(ctx, step, e, err)
	case slices.Contains([]fault.Kind{fault.Auth, fault.Forbidden, fault.Limited}, fault.KindOf(err)):
		e.State, e.Why = "cancelled", "nothing was changed: "+err.Error()
		return errors.Join(fmt.Errorf("%s: %s: %w", w.out.Connection, step.Text, err), w.end(ctx, e))
	}
	return fmt.Errorf("%s: %s: nobody knows whether this was done; run it again, it goes on where the CRM stands: %w", w.out.Connection, step.Text, err)
}

// edit is a step as it is written down, and as it is called.
func (w *settingUp) edit(s *Source, step provision.Step) (*postgres.Edit, connectors.Edit, error) {
	e := &postgres.Edit{Subject: postgres.SubjectKey{Connection: w.conn}, What: "setup", Key: step.Key, TargetKind: step.Kind, Wanted: map[string]json.RawMessage{},
		Cause: postgres.EditCause{Detail: step.Text, Book: w.out.Version}}
	set := maps.Clone(step.Set)
	if step.Kind == "fields" {
		set["object"] = "deals" // tells which of the CRM's lists of fields is meant
	}
	if class, ok := set["type"].(string); ok {
		kind, ok := s.Spec.FieldTypes[class]
		if !ok {
			return nil, connectors.Edit{}, fault.New(fault.Invalid, "%s: the connector for %s makes no fields of this type", step.Text, s.Vendor)
		}
		set["type"] = kind
	}
	for name, v := range set {
		b, err := json.Marshal(v)
		if err != nil {
			return nil, connectors.Edit{}, err
		}
		e.Wanted[name] = b
	}
	own, parent := ownedBy(s.Map, step.Kind, e.Wanted)
	object, values, err := s.Map.Write(step.Kind, own)
	if err != nil {
		return nil, connectors.Edit{}, fmt.Errorf("%s: the field map of %s has no way back: %w", step.Text, s.Name, err)
	}
	if step.ID != "" {
		id := step.ID
		if om, ok := s.Map.Object(object); ok {
			id = om.ID(step.ID)
		}
		e.TargetID = &id
	}
	return e, connectors.Edit{Object: object, ID: step.ID, Parent: parent, Set: values}, nil
}

// ownedBy takes out of wanted fields the record that a new one belongs to, where the
// CRM's records do not tell it themselves.
func ownedBy(m *mapping.Map, kind string, wanted map[string]json.RawMessage) (own map[string]json.RawMessage, parent string) {
	own = maps.Clone(wanted)
	if field := m.OwnerField(kind); field != "" && own[field] != nil {
		_ = json.Unmarshal(own[field], &parent) // what is no text is no id; the vendor says that it is nobody's
		delete(own, field)
	}
	return own, parent
}

// held is what the fields of an edit hold now.
func held(ctx context.Context, tx pgx.Tx, workspace, connection int64, e *postgres.Edit) (map[string]json.RawMessage, error) {
	row, err := postgres.Definition(ctx, tx, workspace, connection, e.TargetKind, *e.TargetID)
	if err != nil || row == nil {
		return nil, err
	}
	out := map[string]json.RawMessage{}
	for name := range e.Wanted {
		out[name] = row[name]
	}
	return out, nil
}

// receipt writes down what the CRM has now, and that the step is done.
func (w *settingUp) receipt(ctx context.Context, s *Source, step provision.Step, e *postgres.Edit, r connectors.Record) error {
	b := newBatch(s, "push", connectors.Page{Records: []connectors.Record{r}, FetchedAt: w.p.Now()})
	if err := b.prepare(ctx); err != nil {
		return err
	}
	id := r.ID
	if om, ok := s.Map.Object(r.Object); ok {
		id = om.ID(r.ID)
	}
	e.State, e.TargetID = "done", &id
	err := w.p.DB.InByKey(ctx, w.ws, func(tx pgx.Tx) (err error) {
		if err := b.write(ctx, tx); err != nil {
			return err
		}
		if e.After, err = held(ctx, tx, w.ws, w.conn, e); err != nil {
			return err
		}
		if err := postgres.EndSetup(ctx, tx, w.ws, e, w.p.Now()); err != nil {
			return err
		}
		if step.Card {
			if err := postgres.SetCardField(ctx, tx, w.ws, w.conn, r.ID); err != nil {
				return err
			}
		}
		if err := w.audit(ctx, tx, e); err != nil {
			return err
		}
		return s.hold(ctx, tx, w.lease)
	})
	if err != nil {
		return err
	}
	w.done(step)
	return nil
}

func (w *settingUp) done(step provision.Step) {
	w.out.Done = append(w.out.Done, step)
	w.tell(step, nil)
}

// adopt takes a field that is there for the card.
func (w *settingUp) adopt(ctx context.Context, step provision.Step) error {
	err := w.p.DB.In(ctx, w.ws, func(tx pgx.Tx) error {
		if err := postgres.SetCardField(ctx, tx, w.ws, w.conn, step.ID); err != nil {
			return err
		}
		return postgres.Audit(ctx, tx, w.ws, w.by, "set up", w.out.Connection, map[string]any{"step": step.Text})
	})
	if err == nil {
		w.done(step)
	}
	return err
}

// refuse notes that the CRM refused a step.
func (w *settingUp) refuse(ctx context.Context, step provision.Step, e *postgres.Edit, why error) error {
	e.State, e.Why = "refused", why.Error()
	w.out.Refused = append(w.out.Refused, RefusedStep{step, strings.TrimSpace(why.Error())})
	w.tell(step, why)
	return w.end(ctx, e)
}

func (w *settingUp) end(ctx context.Context, e *postgres.Edit) error {
	ctx = context.WithoutCancel(ctx)
	return w.p.DB.In(ctx, w.ws, func(tx pgx.Tx) error {
		if err := postgres.EndSetup(ctx, tx, w.ws, e, w.p.Now()); err != nil {
			return err
		}
		return w.lease.Hold(ctx, tx)
	})
}
