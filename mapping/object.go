package mapping

import (
	"strings"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/sales"
	"salesbook.dev/internal/strictyaml"
)

// ObjectMap maps the records of one of the vendor's objects. It never changes
// and may be used by any number of goroutines.
type ObjectMap struct {
	name       string
	kind       *sales.Kind
	prefix     string
	dictionary string         // kind whose field definitions explain the records
	standard   map[string]int // the vendor's key -> slot
	custom     map[string]int
	slots      []slot
	fields     []field
}

// slot is a field of the vendor's record that the map or the dictionary knows.
type slot struct {
	key    string
	member string // key as JSON, with the colon
	class  class
	keep   keep
	mapped []string // keepRest: the parts that are not kept
	def    FieldDef // zero where the dictionary has none
}

// keep says how much of a field goes into the custom document.
type keep uint8

const (
	keepAll keep = iota
	keepRest
	keepNothing
)

// field is a canonical field with its sources; the first that is not null wins.
type field struct {
	target
	index   int
	sources []*source
}

// Kind returns the canonical kind of the rows.
func (o *ObjectMap) Kind() *sales.Kind { return o.kind }

// ID returns the canonical external id of a record. Objects that share a kind
// are told apart by a prefix: the field definition "x" of deals is "deals.x".
func (o *ObjectMap) ID(recordID string) string { return o.prefix + clean(recordID) }

// Row maps one record. parent is the id of the record that owns it, or empty.
// The row's texts may refer to the memory of v.
//
// The error is a *Problem: this record, and only this one, does not fit the
// map and belongs into quarantine. It holds a value of the record, so it is
// not for logs.
func (o *ObjectMap) Row(recordID, parent string, v *connectors.Values) (sales.Row, error) {
	var room [256]*connectors.Value
	at := room[:]
	if len(o.slots) > len(room) {
		at = make([]*connectors.Value, len(o.slots))
	}
	at = at[:len(o.slots)]
	var few [16]*connectors.Pair
	strangers := o.spread(v, at, few[:0])
	row := sales.Row{ID: o.ID(recordID), Values: make([]any, len(o.kind.Fields))}
	for i := range o.fields {
		f := &o.fields[i]
		value, no, found := f.value(at, parent)
		if no != fine {
			return sales.Row{}, o.refuse(recordID, f.Name, found, no)
		}
		row.Values[f.index] = value
	}
	if !o.kind.Custom {
		return row, nil
	}
	doc, no, key := o.document(at, strangers)
	if no != fine {
		return sales.Row{}, o.refuse(recordID, key, nil, no)
	}
	row.Custom = doc
	return row, nil
}

// spread puts each value into its slot and returns what has none.
func (o *ObjectMap) spread(v *connectors.Values, at []*connectors.Value, strangers []*connectors.Pair) []*connectors.Pair {
	for i := range v.Standard {
		p := &v.Standard[i]
		if n, ok := o.standard[p.Key]; ok {
			at[n] = &p.Value
		} else {
			strangers = append(strangers, p)
		}
	}
	for i := range v.Custom {
		p := &v.Custom[i]
		if n, ok := o.custom[p.Key]; ok {
			at[n] = &p.Value
		} else {
			strangers = append(strangers, p)
		}
	}
	return strangers
}

// refuse puts a refusal into words.
func (o *ObjectMap) refuse(id, field string, found *connectors.Value, no refusal) *Problem {
	p := &Problem{Object: o.name, ID: clean(id), Field: clean(field), Reason: refusals[no].reason, Hint: refusals[no].hint}
	if found != nil {
		p.Value = strictyaml.Shorten(show(found))
	}
	if i := o.kind.Index(field); no == notAllowed && i >= 0 {
		p.Hint = "allowed: " + strings.Join(o.kind.Fields[i].Enum, ", ") + "; " + p.Hint
	}
	return p
}

// value takes the first source that is not null. With a refusal it returns
// what was found.
func (f *field) value(at []*connectors.Value, parent string) (any, refusal, *connectors.Value) {
	for _, s := range f.sources {
		out, no, found := s.value(at, parent)
		if no != fine {
			return nil, no, found
		}
		if out != nil {
			return out, fine, found
		}
	}
	if f.Required {
		return nil, missing, nil
	}
	return nil, fine, nil
}
