package book

import (
	"maps"
	"slices"

	"salesbook.dev/internal/strictyaml"
)

// The kinds of what a book names in a CRM.
const (
	BindsPipeline = "pipelines"
	BindsStage    = "stages"
	BindsField    = "fields"
)

// Binding is what a name of the book meant in a CRM when the book was put in
// force.
type Binding struct {
	Connection string // name
	Kind       string
	Ref        string // who names it: the funnel, funnel/stage, or the folded name of a field
	ID         string // the vendor's; of a field its kind and code
	Written    string // the name in the book
	Name       string // what the CRM called it then
}

// Drift is a binding to something that is called otherwise now, or is no longer
// there.
type Drift struct {
	Binding
	Now string // what the CRM calls it; empty: it has deleted it
}

// Drift lists what the CRMs have renamed or deleted since the book was put in
// force.
func (c *Compiled) Drift() []Drift { return c.drift }

// Rebind finds what the names of a book mean that is put in force after another,
// and which mean nothing. A name means what is called so now; if nothing is, what
// it meant in the book before at the same place.
func Rebind(book *Book, pipelines []Pipeline, before []Binding) ([]Binding, Problems) {
	b := newBinder(book, pipelines, before)
	b.anew = true
	b.funnels()
	names, things := map[Binding]bool{}, map[thing]bool{}
	for _, k := range b.bindings {
		names[k.name()], things[k.thing()] = true, true
	}
	for _, list := range b.kept {
		for _, k := range list {
			if !names[k.name()] && !things[k.thing()] {
				b.bindings = append(b.bindings, k) // of what is gone, for deals that stood there
			}
		}
	}
	return b.bindings, b.problems
}

// name is a binding without what it is bound to.
func (b Binding) name() Binding {
	return Binding{Connection: b.Connection, Kind: b.Kind, Ref: b.Ref, Written: b.Written}
}

// binder finds what a book's names mean.
type binder struct {
	book      *Book
	pipelines []Pipeline
	present   map[thing]string    // what everything is called
	kept      map[thing][]Binding // by what they are bound to
	anew      bool                // what is called so now comes before what was bound
	bindings  []Binding
	stages    map[stageKey]stageAt
	problems  Problems
}

// thing is something of a CRM.
type thing struct{ connection, kind, id string }

func (b *Binding) thing() thing { return thing{b.Connection, b.Kind, b.ID} }

func newBinder(book *Book, pipelines []Pipeline, bindings []Binding) *binder {
	b := &binder{book: book, pipelines: pipelines, present: map[thing]string{}, kept: map[thing][]Binding{}, stages: map[stageKey]stageAt{}}
	for _, p := range pipelines {
		b.present[thing{p.Connection, BindsPipeline, p.ID}] = p.Name
		for _, s := range p.Stages {
			b.present[thing{p.Connection, BindsStage, s.ID}] = s.Name
		}
	}
	for _, k := range bindings {
		at, ok := b.place(&k)
		if !ok {
			continue // of a field, or the book was another when it was bound
		}
		b.kept[k.thing()] = append(b.kept[k.thing()], k)
		if k.Kind == BindsStage {
			b.stages[stageKey{k.Connection, k.ID}] = at // also if the CRM has deleted it: deals stood there
		}
	}
	return b
}

// drift lists what was bound and is called otherwise now, or is gone.
func (b *binder) drift(bindings []Binding) (out []Drift) {
	for _, k := range bindings {
		if _, ok := b.place(&k); !ok {
			continue
		}
		if now := b.present[k.thing()]; fold(now) != fold(k.Name) {
			out = append(out, Drift{k, now})
		}
	}
	return out
}

// place finds the funnel or stage that a binding is of.
func (b *binder) place(k *Binding) (at stageAt, ok bool) {
	switch k.Kind {
	case BindsPipeline:
		at.funnel = slices.Index(b.book.funnelIDs(), k.Ref)
		return at, at.funnel >= 0
	case BindsStage:
		f, stage, ok := b.book.stageRef(k.Ref)
		if ok {
			at = stageAt{slices.Index(b.book.funnelIDs(), f.ID), stage}
		}
		return at, ok
	}
	return at, false
}

// means finds which of some things a name of the book means: what was bound to the
// name before, or else what is called so and bound to no other.
func (b *binder) means(ref, written string, among []thing) []thing {
	var bound, called []thing
	for _, t := range among {
		if slices.ContainsFunc(b.kept[t], func(k Binding) bool { return k.Ref == ref && k.Written == written }) {
			bound = append(bound, t)
		}
		if (b.anew || len(b.kept[t]) == 0) && named(written, t.id, b.present[t]) {
			called = append(called, t)
		}
	}
	if len(bound) == 0 || b.anew && len(called) > 0 {
		return called
	}
	return bound
}

// note keeps what a name means: of what was bound before, also what it was called
// then.
func (b *binder) note(ref, written string, t thing) {
	k := Binding{t.connection, t.kind, ref, t.id, written, b.present[t]}
	if i := slices.IndexFunc(b.kept[t], func(o Binding) bool { return o.name() == k.name() }); i >= 0 && !named(written, t.id, k.Name) {
		k = b.kept[t][i]
	}
	b.bindings = append(b.bindings, k)
}

// once tells whether a name was bound to something that is gone.
func (b *binder) once(connection, kind, ref, written string) bool {
	for _, list := range b.kept {
		for _, k := range list {
			if k.Kind == kind && k.Ref == ref && k.Written == written && (connection == "" || k.Connection == connection) {
				return true
			}
		}
	}
	return false
}

// funnels finds the pipelines and stages of all funnels.
func (b *binder) funnels() {
	for i := range b.book.Funnels {
		for _, from := range b.book.Funnels[i].CRM {
			b.funnel(i, from)
		}
	}
}

// funnel finds the pipelines that a funnel names, with their stages.
func (b *binder) funnel(i int, from From) {
	f := &b.book.Funnels[i]
	var names []string
	among, at := map[string][]thing{}, map[thing]Pipeline{} // by connection
	for _, p := range b.pipelines {
		if from.Connection == "" || from.Connection == p.Connection {
			t := thing{p.Connection, BindsPipeline, p.ID}
			names, among[p.Connection], at[t] = append(names, p.Name), append(among[p.Connection], t), p
		}
	}
	found := false
	for _, connection := range slices.Sorted(maps.Keys(among)) {
		for _, t := range b.means(f.ID, from.Pipeline, among[connection]) {
			found = true
			b.note(f.ID, from.Pipeline, t)
			b.pipeline(i, at[t])
		}
	}
	if !found && !b.once(from.Connection, BindsPipeline, f.ID, from.Pipeline) {
		strictyaml.Add(&b.problems, &strictyaml.Problem{Place: from.At, Where: "funnels › " + f.ID, Value: from.Pipeline,
			Reason: "the CRM has no such pipeline", Hint: strictyaml.Suggest(from.Pipeline, names)})
	}
}

// pipeline finds the stages of a funnel in one pipeline.
func (b *binder) pipeline(i int, p Pipeline) {
	f := &b.book.Funnels[i]
	var names []string
	var among []thing
	for _, s := range p.Stages {
		names, among = append(names, s.Name), append(among, thing{p.Connection, BindsStage, s.ID})
	}
	for j := range f.Stages {
		s := &f.Stages[j]
		ref := f.ID + "/" + s.ID
		for _, name := range s.CRMNames() {
			if found := b.means(ref, name, among); len(found) > 0 {
				b.stages[stageKey{p.Connection, found[0].id}] = stageAt{i, j}
				b.note(ref, name, found[0])
			} else if !b.once(p.Connection, BindsStage, ref, name) {
				strictyaml.Add(&b.problems, &strictyaml.Problem{Place: s.At, Where: "funnels › " + f.ID + " › stages › " + s.ID, Value: name,
					Reason: "pipeline " + p.Name + " of " + p.Connection + " has no such stage", Hint: strictyaml.Suggest(name, names)})
			}
		}
	}
}
