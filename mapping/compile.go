package mapping

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"salesbook.dev/internal/sales"
	"salesbook.dev/internal/strictyaml"
)

// engine counts the changes of this package that make the same map give other
// rows. It is part of every version, so that such a release replays.
const engine = 2

// Map is a checked map, ready for use by any number of goroutines.
type Map struct {
	version string
	objects map[string]*ObjectMap
	classes map[string]class // by the vendor's type of a field
}

// ClassOf says what the values of a field of the vendor's type are: any, text,
// number, bool, date, money, id or ids.
func (m *Map) ClassOf(vendorType string) string { return classNames[m.classes[vendorType]] }

// Version returns a hex hash of everything that decides what a record becomes:
// the effective map and what of the account's field definitions it depends on.
// Renaming a field or adding an option changes it only where the map reads
// labels.
func (m *Map) Version() string { return m.version }

// Object returns the map of one of the vendor's objects; false if it is not mapped.
func (m *Map) Object(vendorObject string) (*ObjectMap, bool) {
	o, ok := m.objects[vendorObject]
	return o, ok
}

// DictionaryOf returns the kind whose field definitions explain the custom
// documents of the given kind: mostly itself, but a Pipedrive lead carries the
// custom fields of deals.
func (m *Map) DictionaryOf(kind string) string {
	for _, o := range m.objects {
		if o.kind.Name == kind && o.dictionary != kind {
			return o.dictionary
		}
	}
	return kind
}

// Compile checks a map against the canonical kinds and the account's field
// definitions (nil: none are known) and makes it ready for use. The error is
// Problems: everything that is wrong, each with its place.
func Compile(f *File, d *Dictionary) (*Map, error) {
	c := compiler{file: f, dictionary: d, classes: map[string]class{}}
	c.settings()
	m := &Map{objects: make(map[string]*ObjectMap, len(f.objects)), classes: c.classes}
	for _, name := range f.ordered() {
		if o := c.object(name, f.objects[name]); o != nil {
			m.objects[name] = o
		}
	}
	if err := c.problems.Err(); err != nil {
		return nil, err
	}
	m.version = c.version(m)
	return m, nil
}

// compiler collects problems while it works on one map.
type compiler struct {
	file       *File
	dictionary *Dictionary
	classes    map[string]class // the vendor's field type -> class
	problems   Problems
	used       []string // what the map reads of the dictionary, for the version

	// the object being compiled
	name   string
	source *object
	out    *ObjectMap
	slots  map[slotKey]*slotUse
}

// settings checks what stands above the objects.
func (c *compiler) settings() {
	if c.file.region != "" && !knownRegion(c.file.region) {
		c.fail(Place{File: c.file.name}, "region", c.file.region, "is no country that phone numbers are known for", "two capital letters, as in PL")
	}
	for _, t := range slices.Sorted(maps.Keys(c.file.types)) {
		known, ok := classByName(c.file.types[t])
		if !ok {
			c.fail(Place{File: c.file.name}, "types."+t, c.file.types[t], "there is no such class of values", strictyaml.Suggest(c.file.types[t], classNames[:]))
		}
		c.classes[t] = known
	}
}

func (c *compiler) fail(at Place, field, value, reason, hint string) {
	add(&c.problems, &Problem{Place: at, Object: c.name, Field: field, Value: strictyaml.Shorten(value), Reason: reason, Hint: hint})
}

func (c *compiler) object(name string, o *object) *ObjectMap {
	c.name, c.source, c.slots = name, o, map[slotKey]*slotUse{}
	defer func() { c.name = "" }()
	if o.drop {
		return nil
	}
	kind, ok := sales.KindByName(o.kind)
	if !ok || kind.Name != o.kind {
		c.fail(o.place, "kind", o.kind, "every object needs one of the canonical kinds", strictyaml.Suggest(o.kind, kindNames()))
		return nil
	}
	c.out = &ObjectMap{name: name, kind: kind, prefix: o.prefix, dictionary: o.dictionaryKind()}
	for _, field := range o.orderedFields() {
		c.field(field, o.fields[field])
	}
	for i := range kind.Fields {
		if r := o.fields[kind.Fields[i].Name]; kind.Fields[i].Required && (r == nil || r.unmap) {
			c.fail(o.place, kind.Fields[i].Name, "", "is required in "+kind.Name+" and has no source", "map it, or give it a const")
		}
	}
	c.place()
	return c.out
}

func kindNames() []string {
	var out []string
	for _, k := range sales.Kinds() {
		out = append(out, k.Name)
	}
	return out
}

func (c *compiler) field(name string, r *rule) {
	i := c.out.kind.Index(name)
	if i < 0 {
		var names []string
		for _, f := range c.out.kind.Fields {
			names = append(names, f.Name)
		}
		c.fail(r.place, name, "", "there is no such field in "+c.out.kind.Name, strictyaml.Suggest(name, names))
		return
	}
	if r.unmap {
		return
	}
	f := field{target: target{Field: &c.out.kind.Fields[i]}, index: i}
	for _, word := range f.Enum {
		f.words = append(f.words, word)
	}
	alternatives := r.firstOf
	if alternatives == nil {
		alternatives = []*rule{r}
	} else {
		c.shared(name, r)
	}
	for _, alternative := range alternatives {
		if s, ok := c.rule(&f.target, alternative); ok {
			f.sources = append(f.sources, s)
		}
	}
	c.out.fields = append(c.out.fields, f)
}

// shared refuses keys beside first_of: they belong to its single sources.
func (c *compiler) shared(name string, r *rule) {
	if r.as != "" || r.values != nil || r.otherwise != "" || r.each != "" || r.first != "" || r.currency != "" || r.when != "" || r.is != "" || r.pick != nil {
		c.fail(r.place, name, "", "first_of stands alone", "write as, values and the like into its sources: first_of: [{from: a, as: text}, b]")
	}
}

// version hashes the map together with what it depends on in the dictionary.
func (c *compiler) version(m *Map) string {
	h := sha256.New()
	fmt.Fprintf(h, "engine %d\n%s", engine, c.file.render(false))
	for _, name := range slices.Sorted(maps.Keys(m.objects)) {
		for i := range m.objects[name].slots {
			if s := &m.objects[name].slots[i]; s.keep != keepNothing && s.class != anyClass {
				fmt.Fprintf(h, "%q %q %s\n", name, s.key, classNames[s.class])
			}
		}
	}
	slices.Sort(c.used)
	for _, line := range slices.Compact(c.used) {
		fmt.Fprintln(h, line)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// slotKey names a field of the vendor's record.
type slotKey struct {
	key    string
	custom bool
}

// slotUse collects what the rules read of one field.
type slotUse struct {
	whole   bool     // a rule reads all of it
	parts   []string // first steps of the paths that rules read
	sources []*int   // where the slot's number goes
}

// use notes that a rule reads a field, or with part only that part of it. The
// slot's number is stored in at once the slots are laid out.
func (c *compiler) use(k slotKey, part string, at *int) {
	u := c.slots[k]
	if u == nil {
		u = &slotUse{}
		c.slots[k] = u
	}
	if part == "" {
		u.whole = true
	} else {
		u.parts = append(u.parts, part)
	}
	u.sources = append(u.sources, at)
}

// place lays out the slots of an object in the order of keys: those that rules
// read, those to ignore, and every field that the dictionary knows.
func (c *compiler) place() {
	ignored := map[string]bool{}
	for _, key := range c.source.ignore {
		ignored[key] = true
		c.reserve(slotKey{key: key})
	}
	for _, def := range c.dictionary.of(c.source.dictionaryKind()) {
		c.reserve(slotKey{key: def.Code, custom: def.Custom})
	}
	keys := slices.SortedFunc(maps.Keys(c.slots), func(a, b slotKey) int {
		return cmp.Or(strings.Compare(a.key, b.key), compareBools(a.custom, b.custom))
	})
	o := c.out
	o.standard, o.custom = map[string]int{}, map[string]int{}
	for i, k := range keys {
		u := c.slots[k]
		s := slot{key: k.key, member: memberOf(k.key), mapped: u.parts}
		if def, ok := c.dictionary.Field(o.dictionary, k.key); ok && def.Custom == k.custom {
			s.def, s.class = def, c.classes[def.Type]
		}
		switch {
		case k.custom: // also mapped ones stay in the document
			o.custom[k.key] = i
		case u.whole || ignored[k.key]:
			o.standard[k.key] = i
			s.keep = keepNothing
		case len(u.parts) > 0:
			o.standard[k.key] = i
			s.keep = keepRest
		default:
			o.standard[k.key] = i
		}
		if !o.kind.Custom {
			s.keep = keepNothing
		}
		o.slots = append(o.slots, s)
		for _, at := range u.sources {
			*at = i
		}
	}
}

func (c *compiler) reserve(k slotKey) {
	if c.slots[k] == nil {
		c.slots[k] = &slotUse{}
	}
}

func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
