package strictyaml

import (
	"cmp"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Difference is one thing that two documents of a kind say differently.
type Difference struct {
	Path   []Step // to what differs, from the top
	What   What
	Before string       // as it was written, on one line; empty: nothing stood there
	After  string       // likewise
	Behind string       // of what was added to a list whose order means something: what it stands behind; empty: it is the first
	Parts  []Difference // of what was added or removed: its keys, each from or to nothing
}

// What became of a part of a document.
type What string

// What may become of it.
const (
	Added     What = "added"
	Removed   What = "removed"
	Renamed   What = "renamed" // it has its id still, and another name
	Changed   What = "changed"
	Reordered What = "reordered" // of a list whose order means something
)

// Step is a key of a document, or an item of a list.
type Step struct {
	Key  string            // the key; of an item its id, or what else it is known by; empty: nothing
	Name string            // what people call it: the key; of an item its name in the newer document, or its number
	Item bool              // it is an item of a list
	Tag  reflect.StructTag // of the field that a key is
}

// Where names the part of the document, as in "funnels › Sales › stages › Offer".
func (d *Difference) Where() string {
	names := make([]string, len(d.Path))
	for i, s := range d.Path {
		names[i] = s.Name
	}
	return strings.Join(names, " › ")
}

// String tells the difference in words, on one line.
func (d *Difference) String() string {
	short := func(text string) string {
		if text == "" {
			return "not set"
		}
		return Shorten(strings.Join(strings.Fields(text), " "))
	}
	where := d.Where()
	switch {
	case d.What == Added && d.Behind != "":
		return where + ": added behind " + d.Behind + ", " + short(d.After)
	case d.What == Added:
		return where + ": added " + short(d.After)
	case d.What == Removed:
		return where + ": removed " + short(d.Before)
	case d.What == Renamed:
		item := Difference{Path: d.Path[:len(d.Path)-1]}
		return item.Where() + ": renamed from " + short(d.Before)
	case d.What == Reordered:
		return where + ": in another order, " + short(d.Before) + " -> " + short(d.After)
	}
	return where + ": " + short(d.Before) + " -> " + short(d.After)
}

// Compare returns what two documents of the struct that old and new point to
// say differently, in the order of the struct. It goes by the same tags as
// Decode, so that no key is left out, and by two of its own:
//
//	Rule   string  `yaml:"rule,required,key"` // an item of a list is known by its id, or else by its keys
//	Stages []Stage `yaml:"stages,ordered"`    // the order of the list means something
//
// Items that are known by nothing are taken for the same if they are equal, or
// else one by one if they made the same choice. Where something stands in the
// text does not count, nor does the order of a list that is not ordered.
func Compare(old, new any) []Difference {
	c := &comparison{}
	c.keys(reflect.ValueOf(old).Elem(), reflect.ValueOf(new).Elem())
	return c.found
}

type comparison struct {
	path  []Step
	found []Difference
}

func (c *comparison) within(s Step, f func()) {
	c.path = append(c.path, s)
	f()
	c.path = c.path[:len(c.path)-1]
}

func (c *comparison) add(d Difference) {
	d.Path = slices.Clone(c.path)
	c.found = append(c.found, d)
}

// keys compares two structs key by key.
func (c *comparison) keys(a, b reflect.Value) {
	fields := fieldsOf(a.Type())
	named := slices.ContainsFunc(fields, func(f field) bool { return f.key == "id" })
	for _, f := range fields {
		c.within(Step{Key: f.key, Name: f.key, Tag: f.tag}, func() {
			if x, y := a.Field(f.index), b.Field(f.index); isScalar(f.of(a)) {
				c.scalar(x, y, f, named)
			} else {
				c.part(x, y, f)
			}
		})
	}
}

// of is the type that a key has in a struct.
func (f field) of(v reflect.Value) reflect.Type { return v.Field(f.index).Type() }

func (c *comparison) scalar(a, b reflect.Value, f field, named bool) {
	before, was := plain(a, f.required)
	after, is := plain(b, f.required)
	if was == is && before == after {
		return
	}
	what := Changed
	if named && f.key == "name" && was && is {
		what = Renamed
	}
	c.add(Difference{What: what, Before: before, After: after})
}

// part compares lists and structs, also such as may be missing.
func (c *comparison) part(a, b reflect.Value, f field) {
	switch {
	case a.Kind() == reflect.Slice && isScalar(a.Type().Elem()):
		c.words(a, b, f)
	case a.Kind() == reflect.Slice:
		c.items(a, b, f)
	case a.Kind() == reflect.Pointer && a.IsNil() && b.IsNil():
	case a.Kind() == reflect.Pointer && a.IsNil():
		c.added(b.Elem(), "")
	case a.Kind() == reflect.Pointer && b.IsNil():
		c.removed(a.Elem())
	case a.Kind() == reflect.Pointer:
		c.keys(a.Elem(), b.Elem())
	default:
		c.keys(a, b)
	}
}

// added tells of a struct that was not there.
func (c *comparison) added(v reflect.Value, behind string) {
	parts := &comparison{path: slices.Clone(c.path)}
	parts.keys(reflect.Zero(v.Type()), v)
	c.add(Difference{What: Added, After: flow(v), Behind: behind, Parts: parts.found})
}

// removed tells of a struct that is gone.
func (c *comparison) removed(v reflect.Value) {
	parts := &comparison{path: slices.Clone(c.path)}
	parts.keys(v, reflect.Zero(v.Type()))
	c.add(Difference{What: Removed, Before: flow(v), Parts: parts.found})
}

// words compares lists of single values.
func (c *comparison) words(a, b reflect.Value, f field) {
	before, after := texts(a), texts(b)
	if f.ordered && !slices.Equal(before, after) || len(before)+len(after) == 0 && a.IsNil() != b.IsNil() {
		c.add(Difference{What: Changed, Before: flow(a), After: flow(b)})
		return
	}
	if f.ordered {
		return
	}
	for _, s := range before {
		if !slices.Contains(after, s) {
			c.add(Difference{What: Removed, Before: s})
		}
	}
	for _, s := range after {
		if !slices.Contains(before, s) {
			c.add(Difference{What: Added, After: s})
		}
	}
}

func texts(list reflect.Value) []string {
	out := make([]string, list.Len())
	for i := range out {
		out[i], _ = plain(list.Index(i), true)
	}
	return out
}

// items compares lists of structs: what is gone, then the rest in the newer
// order.
func (c *comparison) items(a, b reflect.Value, f field) {
	if a.Len()+b.Len() == 0 && a.IsNil() != b.IsNil() {
		c.add(Difference{What: Changed, Before: flow(a), After: flow(b)})
		return
	}
	same := matches(a, b)
	for i := range a.Len() {
		if !slices.Contains(same, i) {
			c.within(stepOf(a, i), func() { c.removed(a.Index(i)) })
		}
	}
	behind := ""
	for j, i := range same {
		step := stepOf(b, j)
		c.within(step, func() {
			switch {
			case i >= 0:
				c.keys(a.Index(i), b.Index(j))
			case f.ordered:
				c.added(b.Index(j), behind)
			default:
				c.added(b.Index(j), "")
			}
		})
		behind = step.Name
	}
	if f.ordered {
		c.order(b, same)
	}
}

// order tells if what stands in both lists stands in another order.
func (c *comparison) order(b reflect.Value, same []int) {
	names := map[int]string{} // by place in the older list
	var was []int
	for j, i := range same {
		if i >= 0 {
			names[i] = stepOf(b, j).Name
			was = append(was, i)
		}
	}
	list := func(at []int) string {
		out := make([]string, len(at))
		for n, i := range at {
			out[n] = names[i]
		}
		return strings.Join(out, ", ")
	}
	if !slices.IsSorted(was) {
		c.add(Difference{What: Reordered, Before: list(slices.Sorted(slices.Values(was))), After: list(was)})
	}
}

// matches finds for each item of b the same item of a: its number, or -1. Items
// that are equal go first; identities that stand several times go in their
// order.
func matches(a, b reflect.Value) []int {
	same := slices.Repeat([]int{-1}, b.Len())
	taken := map[int]bool{}
	by := []func(reflect.Value) string{sorted, identity}
	if distinct(a) && distinct(b) {
		by = by[1:] // what is equal has one identity
	}
	for _, known := range by {
		waiting := map[string][]int{}
		for i := range a.Len() {
			if key := known(a.Index(i)); !taken[i] {
				waiting[key] = append(waiting[key], i)
			}
		}
		for j := range same {
			if key := known(b.Index(j)); same[j] < 0 && len(waiting[key]) > 0 {
				same[j], waiting[key] = waiting[key][0], waiting[key][1:]
				taken[same[j]] = true
			}
		}
	}
	return same
}

// distinct tells whether no two items of a list have one identity.
func distinct(list reflect.Value) bool {
	seen := map[string]bool{}
	for i := range list.Len() {
		seen[identity(list.Index(i))] = true
	}
	return len(seen) == list.Len()
}

// identity is what an item of a list is known by: its id, or its keys, or else
// the choice that it made.
func identity(v reflect.Value) string {
	var keys, choices []string
	for _, f := range fieldsOf(v.Type()) {
		switch part := v.Field(f.index); {
		case part.IsZero(): // not given
		case f.identity:
			text, _ := writer{}.value(part, f)
			keys = append(keys, f.key+": "+text)
		case f.choice:
			choices = append(choices, f.key)
		}
	}
	if len(keys) > 0 {
		return strings.Join(keys, ", ")
	}
	return strings.Join(choices, ", ")
}

// stepOf is an item of a list as people call it: by its name, its id, what else
// it is known by, or its number.
func stepOf(list reflect.Value, i int) Step {
	s := Step{Item: true}
	var keys []string
	v := list.Index(i)
	for _, f := range fieldsOf(v.Type()) {
		if !isScalar(f.of(v)) {
			continue
		}
		text, given := plain(v.Field(f.index), false)
		if given && f.identity {
			keys = append(keys, Shorten(text))
		}
		if given && f.key == "name" {
			s.Name = Shorten(text)
		}
	}
	s.Key = strings.Join(keys, " ")
	s.Name = cmp.Or(s.Name, s.Key, strconv.Itoa(i+1))
	return s
}
