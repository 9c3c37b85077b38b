package mapping

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"salesbook.dev/internal/strictyaml"
)

// FieldDef is the definition of one field of the account.
type FieldDef struct {
	Kind    string   `json:"kind"` // canonical kind: deals, people, ...
	Code    string   `json:"code"` // the vendor's key, stable under renaming
	Name    string   `json:"name"` // the human name; not unique
	Type    string   `json:"type"` // the vendor's type
	Custom  bool     `json:"custom,omitempty"`
	Deleted bool     `json:"deleted,omitempty"` // the account has it no longer; records may still hold it
	Options []Option `json:"options,omitempty"`
}

// Option is one choice of a field.
type Option struct {
	ID      string   `json:"id"`
	Label   string   `json:"label"`
	Deleted bool     `json:"deleted"`           // no longer offered; records may still hold it
	Outcome string   `json:"outcome,omitempty"` // of a stage: what it says of deals in it, in the vendor's words; see Map.Outcome
	Was     []string `json:"was,omitempty"`     // labels that it had before, the oldest first
}

// Labels are an option's label and those that it had before.
func (o *Option) Labels() []string { return append([]string{o.Label}, o.Was...) }

// renamed notes the label and the earlier labels of an option as it was read
// before.
func (o *Option) renamed(before Option) {
	o.Was = slices.DeleteFunc(append(slices.Clone(before.Was), before.Label), func(label string) bool { return label == o.Label || label == "" })
	o.Was = o.Was[max(0, len(o.Was)-maxLabels):]
}

// maxLabels bounds the earlier labels of an option.
const maxLabels = 20

// Dictionary holds an account's field definitions. It never changes once made
// and may be used by any number of goroutines.
type Dictionary struct {
	kinds map[string][]FieldDef // by kind, in the order of codes
}

// NewDictionary returns the dictionary of the given definitions. Definitions
// that the account has deleted belong into it too, for records and maps may
// still use them. Of two definitions of one field the later wins.
func NewDictionary(defs []FieldDef) *Dictionary {
	d := &Dictionary{kinds: map[string][]FieldDef{}}
	for _, def := range defs {
		def.Options = slices.Clone(def.Options)
		list := d.kinds[def.Kind]
		if i, found := search(list, def.Code); found {
			list[i] = def
		} else {
			d.kinds[def.Kind] = slices.Insert(list, i, def)
		}
	}
	return d
}

func search(list []FieldDef, code string) (int, bool) {
	return slices.BinarySearchFunc(list, code, func(def FieldDef, code string) int { return strings.Compare(def.Code, code) })
}

// Field returns the definition of a kind's field.
func (d *Dictionary) Field(kind, code string) (FieldDef, bool) {
	list := d.of(kind)
	if i, found := search(list, code); found {
		return list[i], true
	}
	return FieldDef{}, false
}

// of returns a kind's definitions; a nil dictionary has none.
func (d *Dictionary) of(kind string) []FieldDef {
	if d == nil {
		return nil
	}
	return d.kinds[kind]
}

// Fields returns all definitions in the order of kinds and codes.
func (d *Dictionary) Fields() []FieldDef {
	out := []FieldDef{}
	if d != nil {
		for _, list := range d.kinds {
			out = append(out, list...)
		}
	}
	slices.SortFunc(out, func(a, b FieldDef) int {
		return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.Code, b.Code))
	})
	return out
}

// CarryOptions returns the options of a field definition after it was read
// again: those that the vendor no longer lists stay, marked as deleted, with
// their last label, and those that it has renamed keep the labels that they had.
// Both are the options of a canonical row of kind fields; nil means none.
func CarryOptions(before, after json.RawMessage) (json.RawMessage, error) {
	old, err := readOptions(before)
	if err != nil {
		return nil, err
	}
	present, err := readOptions(after)
	if err != nil {
		return nil, err
	}
	if len(old) == 0 {
		return after, nil
	}
	known := map[string]int{}
	for i, o := range present {
		known[o.ID] = i
	}
	for _, o := range old {
		if i, ok := known[o.ID]; ok {
			present[i].renamed(o)
			continue
		}
		o.Deleted = true
		present = append(present, o)
	}
	return optionsJSON(present), nil
}

func readOptions(text json.RawMessage) ([]Option, error) {
	if len(text) == 0 {
		return nil, nil
	}
	var out []Option
	if err := json.Unmarshal(text, &out); err != nil {
		return nil, fmt.Errorf("options of a field: %w", err)
	}
	return out, nil
}

// optionsJSON writes options as the canonical rows hold them.
func optionsJSON(options []Option) json.RawMessage {
	b := []byte{'['}
	for i, o := range options {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(append(b, `{"id":`...), o.ID)
		b = appendString(append(b, `,"label":`...), o.Label)
		b = strconv.AppendBool(append(b, `,"deleted":`...), o.Deleted)
		if o.Outcome != "" {
			b = appendString(append(b, `,"outcome":`...), o.Outcome)
		}
		for i, label := range o.Was {
			if i == 0 {
				b = append(b, `,"was":[`...)
			} else {
				b = append(b, ',')
			}
			b = appendString(b, label)
		}
		if len(o.Was) > 0 {
			b = append(b, ']')
		}
		b = append(b, '}')
	}
	return append(b, ']')
}

// resolve finds a custom field by its code or else by its human name, without
// regard to case. The problem has no place yet.
func (d *Dictionary) resolve(kind, word string) (FieldDef, *Problem) {
	if def, ok := d.Field(kind, word); ok {
		return def, nil
	}
	var found []FieldDef
	var names, codes []string
	for _, def := range d.of(kind) {
		if !def.Custom {
			continue
		}
		names = append(names, def.Name)
		if strings.EqualFold(strings.TrimSpace(def.Name), strings.TrimSpace(word)) {
			found, codes = append(found, def), append(codes, def.Code)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return FieldDef{}, &Problem{Value: word, Reason: "the account has no such custom field for " + kind, Hint: strictyaml.Suggest(word, names)}
	}
	return FieldDef{}, &Problem{Value: word, Reason: "several custom fields for " + kind + " have this name", Hint: "name one by its code: " + strings.Join(codes, ", ")}
}

// find finds a custom field, or a part of one: "Office.locality".
func (d *Dictionary) find(kind, name string) (FieldDef, []string, *Problem) {
	def, problem := d.resolve(kind, name)
	if problem == nil {
		return def, nil, nil
	}
	if head, tail, cut := strings.Cut(name, "."); cut {
		if def, p := d.resolve(kind, head); p == nil {
			return def, path(tail), nil
		}
	}
	return FieldDef{}, nil, problem
}
