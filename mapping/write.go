package mapping

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/strictyaml"
)

// customPrefix stands before the code of an account's field where fields are
// named: custom.CODE.
const customPrefix = "custom."

// ObjectsOf returns the vendor's objects that are mapped to a kind, in the order
// of their names.
func (m *Map) ObjectsOf(kind string) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(m.objects)) {
		if m.objects[name].kind.Name == kind {
			out = append(out, name)
		}
	}
	return out
}

// RecordOf is ObjectMap.ID the other way: it returns the vendor's object and id of
// the record with a canonical id; false if nothing of the vendor's is of that kind
// and has such ids.
func (m *Map) RecordOf(kind, id string) (object, record string, ok bool) {
	for _, name := range m.ObjectsOf(kind) {
		prefix := m.objects[name].prefix
		if rest, fits := strings.CutPrefix(id, prefix); fits && rest != "" && (!ok || len(prefix) > len(m.objects[object].prefix)) {
			object, record, ok = name, rest, true
		}
	}
	return object, record, ok
}

// Maps tells whether anything of the vendor's is mapped to a field of a kind.
func (m *Map) Maps(kind, field string) bool {
	return slices.ContainsFunc(m.ObjectsOf(kind), func(name string) bool { return m.objects[name].fieldNamed(field) != nil })
}

// Outcome is what a stage says of deals in it, in the vendor's words, as a status of
// deals: open, won or lost. Empty: the map has no such word.
func (m *Map) Outcome(word string) string {
	for _, name := range m.ObjectsOf("deals") {
		f := m.objects[name].fieldNamed("status")
		if f == nil {
			continue
		}
		for _, s := range f.sources {
			if status, ok := s.values[word].(string); ok && s.name == outcomeTransform {
				return status
			}
		}
	}
	return ""
}

// OwnerField is the field of a kind that holds the record which owns one of them,
// where records do not tell it themselves (parent: true): a new one is made under
// that, and the field is not written. It is empty if there is none.
func (m *Map) OwnerField(kind string) string {
	for _, name := range m.ObjectsOf(kind) {
		o := m.objects[name]
		i := slices.IndexFunc(o.fields, func(f field) bool { return len(f.sources) == 1 && f.sources[0].parent })
		if i >= 0 {
			return o.fields[i].Name
		}
	}
	return ""
}

// Write is the way back: it returns which of the vendor's objects a record of a
// kind is, and what of it to set, so that the given fields hold the given values
// when it is read again. Fields are the kind's own or custom.CODE; values are JSON
// as the canonical row has them, null empties. Several objects share a kind where
// the account has several sets of field definitions: there the fields with a const
// say which one is meant.
//
// The error is Problems: each names the field, its rule and what to change in the
// map. What it returns otherwise is proven: the rules were applied to it, and gave
// the values back.
func (m *Map) Write(kind string, fields map[string]json.RawMessage) (object string, set connectors.Values, err error) {
	o, problem := m.meant(kind, fields)
	if problem != nil {
		return "", connectors.Values{}, Problems{problem}
	}
	return o.write(fields)
}

// WriteRecord is Write for a record that is there: its canonical id says which of
// the vendor's objects it is. An empty id is that of a new one.
func (m *Map) WriteRecord(kind, id string, fields map[string]json.RawMessage) (object string, set connectors.Values, err error) {
	name, _, ok := m.RecordOf(kind, id)
	if !ok {
		return m.Write(kind, fields)
	}
	return m.objects[name].write(fields)
}

// WrittenWith returns the field of a record that has to be written with another one:
// the vendor tells both by one field of its own, as a stage tells whether a deal is
// open, and what it is to hold follows from the first alone. Empty: the other one is
// written by itself.
func (m *Map) WrittenWith(kind, id, field string) string {
	name, _, ok := m.RecordOf(kind, id)
	if !ok {
		return ""
	}
	o := m.objects[name]
	f := o.fieldNamed(field)
	if f == nil {
		return ""
	}
	for _, s := range f.sources {
		if !s.named {
			continue
		}
		for i := range o.fields {
			if slices.ContainsFunc(o.fields[i].sources, func(by *source) bool { return !by.named && by.fixed == nil && !by.parent && by.slot == s.slot }) {
				return o.fields[i].Name
			}
		}
	}
	return ""
}

func (o *ObjectMap) write(fields map[string]json.RawMessage) (object string, set connectors.Values, err error) {
	w := writing{o: o, slots: map[int]*connectors.Value{}}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		w.field(name, fields[name])
	}
	w.whole()
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		w.prove(name, fields[name])
	}
	if err := w.problems.Err(); err != nil {
		return "", connectors.Values{}, err
	}
	return o.name, w.values(), nil
}

// meant finds the object that has the wanted constants.
func (m *Map) meant(kind string, fields map[string]json.RawMessage) (*ObjectMap, *Problem) {
	names := m.ObjectsOf(kind)
	fit := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !m.objects[name].agrees(fields) })
	switch {
	case len(names) == 0:
		return nil, &Problem{Value: kind, Reason: "nothing of the vendor's is mapped to this kind", Hint: "map one of its objects to it"}
	case len(names) == 1:
		return m.objects[names[0]], nil
	case len(fit) == 1:
		return m.objects[fit[0]], nil
	}
	return nil, &Problem{Field: kind, Reason: "which of " + strings.Join(names, ", ") + " is meant is not clear",
		Hint: "give the fields that tell them apart, which have a const in the map"}
}

// agrees tells whether the constants of the object are among the fields, with
// their values.
func (o *ObjectMap) agrees(fields map[string]json.RawMessage) bool {
	for i := range o.fields {
		f := &o.fields[i]
		if len(f.sources) != 1 || f.sources[0].fixed == nil {
			continue
		}
		want, no := f.wanted(fields[f.Name])
		if no != fine || !sameValue(want, f.sources[0].fixed) {
			return false
		}
	}
	return true
}

// writing collects what is to be set of one record.
type writing struct {
	o        *ObjectMap
	slots    map[int]*connectors.Value
	problems Problems
	name     string // of the field at hand
	rule     *rule  // of the field at hand; nil for custom.CODE
}

// fail says what is wrong with the field at hand.
func (w *writing) fail(no obstacle, value string) {
	p := &Problem{Object: w.o.name, Field: clean(w.name), Value: strictyaml.Shorten(clean(value)), Reason: obstacles[no].reason, Hint: obstacles[no].hint}
	if w.rule != nil {
		p.Place, p.Reason = w.rule.place, "by its rule "+w.rule.text()+", "+p.Reason
	}
	add(&w.problems, p)
}

// field writes one field.
func (w *writing) field(name string, value json.RawMessage) {
	w.name, w.rule = name, nil
	if code, ok := strings.CutPrefix(name, customPrefix); ok {
		w.custom(code, value)
		return
	}
	f := w.o.fieldNamed(name)
	if f == nil {
		w.fail(notMapped, "")
		return
	}
	want, no := f.wanted(value)
	switch {
	case no != fine:
		w.fail(notOfType, string(value))
	case want == nil && f.Required:
		w.fail(neverEmpty, "")
	case want == nil:
		w.empty(f)
	default:
		w.first(f, want)
	}
}

// fieldNamed returns a mapped field, or nil.
func (o *ObjectMap) fieldNamed(name string) *field {
	for i := range o.fields {
		if o.fields[i].Name == name {
			return &o.fields[i]
		}
	}
	return nil
}

// first writes a value to the first source that is not a constant: it wins over
// all that follow.
func (w *writing) first(f *field, want any) {
	for _, s := range f.sources {
		w.rule = s.rule
		if s.fixed == nil {
			w.source(s, want)
			return
		}
		if sameValue(s.fixed, want) { // it holds the value already
			return
		}
	}
	w.fail(constant, "")
}

// empty empties every source of a field.
func (w *writing) empty(f *field) {
	for _, s := range f.sources {
		w.rule = s.rule
		if s.fixed != nil {
			w.fail(constant, "")
			return
		}
		w.source(s, nil)
	}
}

// source writes a value by one rule. Nil empties.
func (w *writing) source(s *source, want any) {
	if no := s.obstacle(); no != passable {
		w.fail(no, "")
		return
	}
	switch {
	case s.is != "": // the stage itself says whether it is one
	case s.when >= 0 && want == nil: // the vendor keeps what stands beside the flag
		w.put(s.when, connectors.Value{Kind: connectors.Bool, Text: "false"})
		return
	case s.when >= 0:
		w.put(s.when, connectors.Value{Kind: connectors.Bool, Text: "true"})
	}
	if s.name == "day_and_time" {
		day, clock := dayAndTime(want)
		w.put(s.second, clock)
		if want == nil { // the day alone is no instant, and may stand
			return
		}
		w.put(s.slot, day)
		return
	}
	if s.named { // the stage says it, and is written by its own field
		return
	}
	v, no := s.back(want, w.o.class(s.slot))
	if no != passable {
		w.fail(no, textIn(want))
		return
	}
	w.put(s.slot, v)
}

// class is the class of a slot that holds a field of the account's own; those of
// the vendor's hold what their rules say.
func (o *ObjectMap) class(n int) class {
	if s := &o.slots[n]; s.def.Custom || s.class == idsClass {
		return s.class
	}
	return anyClass
}

// put sets a field of the vendor's record. An amount and its currency come from
// two fields of ours and join.
func (w *writing) put(n int, v connectors.Value) {
	have := w.slots[n]
	switch {
	case have == nil:
		w.slots[n] = &v
	case have.Kind == connectors.Money && v.Kind == connectors.Money && agree(have.Text, v.Text) && agree(have.Unit, v.Unit):
		have.Text, have.Unit = cmp.Or(have.Text, v.Text), cmp.Or(have.Unit, v.Unit)
	case !alike(have, &v):
		w.fail(twice, w.o.slots[n].key)
	}
}

// agree tells whether two texts, of which one may be unknown, are the same.
func agree(a, b string) bool { return a == "" || b == "" || a == b }

// whole refuses amounts without a currency and currencies without an amount: the
// vendor would have to guess.
func (w *writing) whole() {
	for _, n := range slices.Sorted(maps.Keys(w.slots)) {
		if v := w.slots[n]; v.Kind == connectors.Money && (v.Text == "" || v.Unit == "") {
			w.name, w.rule = w.o.slots[n].key, nil
			w.fail(halfMoney, strings.TrimSpace(v.Text+" "+v.Unit))
		}
	}
}

// values returns what is to be set, in the order of the slots.
func (w *writing) values() connectors.Values {
	var out connectors.Values
	for _, n := range slices.Sorted(maps.Keys(w.slots)) {
		key := w.o.slots[n].key
		p := connectors.Pair{Key: key, Value: *w.slots[n]}
		if at, ok := w.o.custom[key]; ok && at == n {
			out.Custom = append(out.Custom, p)
		} else {
			out.Standard = append(out.Standard, p)
		}
	}
	return out
}

// prove reads a field back.
func (w *writing) prove(name string, value json.RawMessage) {
	f := w.o.fieldNamed(name)
	if f == nil || len(w.problems) > 0 {
		return
	}
	at := make([]*connectors.Value, len(w.o.slots))
	for n, v := range w.slots {
		at[n] = v
	}
	want, _ := f.wanted(value)
	w.name, w.rule = name, f.sources[0].rule
	got, no, _ := f.value(at, "")
	if options, ok := got.(json.RawMessage); ok && f.sources[0].name == "options" {
		got, want = labelsOf(options), labelsOf(want)
	}
	if no != fine || !sameValue(got, want) {
		w.fail(readsOther, textIn(want)+", read as "+textIn(got))
	}
}
