package mapping

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/strictyaml"
)

// File is a map as it was written: a vendor's default, one connection's
// override, or both merged. It never changes once made.
type File struct {
	vendor  string
	region  string            // phone numbers without a country code belong here; ISO 3166-1 alpha-2
	types   map[string]string // the vendor's field type -> class of its values
	objects map[string]*object
	name    string // for messages
}

// object maps one of the vendor's objects. In an override its empty parts
// leave the default as it is.
type object struct {
	place      Place
	drop       bool // override: the object is not mapped
	kind       string
	prefix     string
	dictionary string // kind whose custom fields the records carry; empty: kind's own
	ignore     []string
	fields     map[string]*rule
}

// rule says where one canonical field comes from. Exactly one of from, custom,
// constant, parent and firstOf is set, or unmap.
type rule struct {
	place     Place
	unmap     bool // override: the field is no longer mapped
	from      []string
	custom    string
	note      string // the human name that custom was pinned from; a comment
	constant  *connectors.Value
	parent    bool
	firstOf   []*rule
	as        string
	values    map[string]connectors.Value
	otherwise string
	each      string
	first     string
	currency  string
	when      string
	is        string // with when: the outcome that the stage under when must have
	pick      []string
}

// Vendor returns the connector that the map is for; empty if the text names none.
func (f *File) Vendor() string { return f.vendor }

// Mapped returns the fields that are mapped, by the vendor's object, in the
// canonical model's order.
func (f *File) Mapped() map[string][]string {
	out := make(map[string][]string, len(f.objects))
	for name, o := range f.objects {
		for _, field := range o.orderedFields() {
			if !o.fields[field].unmap {
				out[name] = append(out[name], field)
			}
		}
	}
	return out
}

// Merge lays an override over a base: per object, per field, the override
// wins; null drops what the base has. It returns Problems where the override
// is for another vendor or drops what is not there. Neither file is changed.
func Merge(base, override *File) (*File, error) {
	var ps Problems
	if override.vendor != "" && base.vendor != "" && override.vendor != base.vendor {
		ps = append(ps, &Problem{Place: Place{File: override.name}, Field: "vendor", Value: override.vendor,
			Reason: "the map is for another vendor", Hint: "this connection's is " + base.vendor})
		return nil, ps
	}
	out := &File{
		vendor: cmp.Or(override.vendor, base.vendor), region: cmp.Or(override.region, base.region),
		name: override.name, types: maps.Clone(base.types), objects: maps.Clone(base.objects),
	}
	for k, class := range override.types {
		if out.types == nil {
			out.types = map[string]string{}
		}
		out.types[k] = class
	}
	for _, name := range slices.Sorted(maps.Keys(override.objects)) {
		over, under := override.objects[name], base.objects[name]
		switch {
		case over.drop && under == nil:
			ps = append(ps, &Problem{Place: over.place, Object: name, Reason: "is not mapped, so it cannot be dropped",
				Hint: strictyaml.Suggest(name, slices.Sorted(maps.Keys(base.objects)))})
		case over.drop:
			delete(out.objects, name)
		default:
			merged, problems := mergeObject(name, under, over)
			out.objects[name], ps = merged, append(ps, problems...)
		}
	}
	if len(ps) > 0 {
		return nil, ps
	}
	return out, nil
}

// mergeObject lays over on under, which is nil for an object that is new.
func mergeObject(name string, under, over *object) (*object, Problems) {
	if under == nil {
		under = &object{}
	}
	out := &object{
		place: over.place, kind: cmp.Or(over.kind, under.kind), prefix: cmp.Or(over.prefix, under.prefix),
		dictionary: cmp.Or(over.dictionary, under.dictionary), ignore: under.ignore, fields: maps.Clone(under.fields),
	}
	if over.ignore != nil {
		out.ignore = over.ignore
	}
	if out.fields == nil {
		out.fields = map[string]*rule{}
	}
	var ps Problems
	for _, field := range slices.Sorted(maps.Keys(over.fields)) {
		r := over.fields[field]
		if !r.unmap {
			out.fields[field] = r
			continue
		}
		if _, mapped := out.fields[field]; !mapped {
			ps = append(ps, &Problem{Place: r.place, Object: name, Field: field, Reason: "is not mapped, so it cannot be dropped",
				Hint: strictyaml.Suggest(field, slices.Sorted(maps.Keys(under.fields)))})
		}
		delete(out.fields, field)
	}
	return out, ps
}

// Pin returns the map with every custom field named by its code instead of its
// human name, so that renaming the field in the CRM does not break the map.
// Names that d does not know, or knows more than once, are left: Compile
// reports them.
func (f *File) Pin(d *Dictionary) *File { return f.PinOver(&File{}, d) }

// PinOver is Pin for an override of base, whose objects need not say again of
// which kind they are.
func (f *File) PinOver(base *File, d *Dictionary) *File {
	out := *f
	out.objects = make(map[string]*object, len(f.objects))
	for name, o := range f.objects {
		pinned := *o
		pinned.fields = make(map[string]*rule, len(o.fields))
		kind := o.dictionaryKind()
		if under := base.objects[name]; under != nil {
			kind = cmp.Or(o.dictionary, under.dictionary, o.kind, under.kind)
		}
		for field, r := range o.fields {
			pinned.fields[field] = pin(r, d, kind)
		}
		out.objects[name] = &pinned
	}
	return &out
}

func pin(r *rule, d *Dictionary, kind string) *rule {
	out := *r
	if r.custom != "" {
		def, steps, problem := d.find(kind, r.custom)
		code := strings.Join(append([]string{def.Code}, steps...), ".")
		if problem == nil && code != r.custom {
			out.custom, out.note = code, def.Name
		}
	}
	out.firstOf = nil
	for _, alternative := range r.firstOf {
		out.firstOf = append(out.firstOf, pin(alternative, d, kind))
	}
	return &out
}

// dictionaryKind returns the kind whose field definitions explain the records.
func (o *object) dictionaryKind() string { return cmp.Or(o.dictionary, o.kind) }
