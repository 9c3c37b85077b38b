package strictyaml

import (
	"encoding"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Worded is a text type with a fixed list of values.
type Worded interface {
	// Words returns the values in the order in which people meet them.
	Words() []string
}

// Decode fills the struct that into points to from the text's top node and
// returns what does not fit. Keys are the fields' yaml tags:
//
//	Name  string   `yaml:"name,required" doc:"What people call it."`
//	Tell  []string `yaml:"tell,one"`    // a single text stands for a list of one
//	Call  *Call    `yaml:"call,choice"` // exactly one of the choices of a struct is given
//
// A field holds a text, a bool, an int, a type with UnmarshalText, a struct, a
// pointer to one of these (nil: not given), or a slice of them. A text type
// with Words takes only those. A field At of type Place is filled with where
// the struct begins. Every key stands once, none is unknown and none is empty.
func Decode(name string, root ast.Node, into any) Problems {
	d := decoder{name: name}
	if root != nil {
		d.value(reflect.ValueOf(into).Elem(), root, false)
	}
	return d.problems
}

type decoder struct {
	name     string
	where    []string
	problems Problems
}

func (d *decoder) fail(n ast.Node, value, reason, hint string) {
	Add(&d.problems, &Problem{Place: PlaceOf(d.name, start(n)), Where: strings.Join(d.where, " › "), Value: Shorten(value), Reason: reason, Hint: hint})
}

// within goes into a part of the document while f runs.
func (d *decoder) within(part string, f func()) {
	d.where = append(d.where, part)
	f()
	d.where = d.where[:len(d.where)-1]
}

// value decodes a node. single allows one value where a list is due.
func (d *decoder) value(v reflect.Value, n ast.Node, single bool) {
	if _, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		d.scalar(v, n)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(v.Elem(), n, single)
	case reflect.Slice:
		d.list(v, n, single)
	case reflect.Struct:
		d.mapping(v, n)
	default:
		d.scalar(v, n)
	}
}

func (d *decoder) list(v reflect.Value, n ast.Node, single bool) {
	items := []ast.Node{n}
	list, ok := n.(*ast.SequenceNode)
	switch {
	case ok:
		items = list.Values
	case !single:
		d.fail(n, "", "a list is needed here", "each item begins with a dash")
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(items), len(items)))
	for i, item := range items {
		if !ok {
			d.value(v.Index(i), item, false)
			continue
		}
		d.within(itemName(item, i), func() { d.value(v.Index(i), item, false) })
	}
}

// itemName is what an item of a list is called in messages: by its id, else by
// its name, else by its number.
func itemName(n ast.Node, i int) string {
	for _, key := range []string{"id", "name"} {
		for _, p := range pairs(n) {
			if k, ok := text(p.Key); ok && k == key {
				if name, ok := text(p.Value); ok {
					return Shorten(name)
				}
			}
		}
	}
	return strconv.Itoa(i + 1)
}

func pairs(n ast.Node) []*ast.MappingValueNode {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}
	}
	return nil
}

func (d *decoder) mapping(v reflect.Value, n ast.Node) {
	all := pairs(n)
	if _, isMapping := n.(*ast.MappingNode); !isMapping && all == nil {
		d.fail(n, "", "a list of `key: value` is needed here", known(v.Type()))
		return
	}
	if at := v.FieldByName("At"); at.IsValid() && at.Type() == reflect.TypeFor[Place]() {
		at.Set(reflect.ValueOf(PlaceOf(d.name, start(n))))
	}
	fields := fieldsOf(v.Type())
	var given []string
	for _, p := range all {
		if key, ok := d.key(p, fields, given); ok {
			given = append(given, key)
			f := fields[slices.IndexFunc(fields, func(f field) bool { return f.key == key })]
			d.within(key, func() { d.value(v.Field(f.index), p.Value, f.one) })
		}
	}
	d.complete(n, fields, given, len(given) == len(all))
}

// key returns the key of a pair if it is known, new and has a value.
func (d *decoder) key(p *ast.MappingValueNode, fields []field, given []string) (string, bool) {
	key, ok := text(p.Key)
	switch {
	case !ok:
		d.fail(p.Key, "", "a key must be plain text", "")
	case !slices.ContainsFunc(fields, func(f field) bool { return f.key == key }):
		d.fail(p.Key, "", "unknown key "+strconv.Quote(Shorten(key)), Suggest(key, keysOf(fields)))
	case slices.Contains(given, key):
		d.fail(p.Key, "", "the key "+key+" stands twice", "")
	case p.Value == nil || p.Value.Type() == ast.NullType:
		d.fail(p.Key, "", key+" has no value", "give it one, or remove the line")
	default:
		return key, true
	}
	return "", false
}

// complete finds keys that are missing. A key that was not understood may be the
// choice that was meant.
func (d *decoder) complete(n ast.Node, fields []field, given []string, understood bool) {
	var choices, chosen []string
	for _, f := range fields {
		has := slices.Contains(given, f.key)
		if f.required && !has {
			d.fail(n, "", f.key+" is missing", f.doc)
		}
		if f.choice {
			choices = append(choices, f.key)
			if has {
				chosen = append(chosen, f.key)
			}
		}
	}
	switch {
	case len(choices) == 0 || len(chosen) == 1 || len(chosen) == 0 && !understood:
	case len(chosen) == 0:
		d.fail(n, "", "it says nothing that could be checked", "give exactly one of: "+strings.Join(choices, ", "))
	default:
		d.fail(n, "", "it says several things at once: "+strings.Join(chosen, ", "), "give exactly one, and write the others as items of their own")
	}
}

func (d *decoder) scalar(v reflect.Value, n ast.Node) {
	word, ok := text(n)
	if !ok {
		d.fail(n, "", "a single value is needed here", "")
		return
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if err := u.UnmarshalText([]byte(word)); err != nil {
			d.fail(n, word, err.Error(), "")
		}
		return
	}
	switch v.Kind() {
	case reflect.String:
		d.word(v, n, word)
	case reflect.Bool:
		if _, ok := n.(*ast.BoolNode); !ok {
			d.fail(n, word, "must be true or false", "")
		}
		v.SetBool(strings.EqualFold(word, "true"))
	case reflect.Int:
		number, err := strconv.Atoi(word)
		if err != nil {
			d.fail(n, word, "must be a whole number", "")
		}
		v.SetInt(int64(number))
	default:
		panic("strictyaml: cannot decode into " + v.Type().String())
	}
}

func (d *decoder) word(v reflect.Value, n ast.Node, word string) {
	v.SetString(word)
	w, ok := v.Interface().(Worded)
	switch {
	case strings.TrimSpace(word) == "":
		d.fail(n, "", "a text is needed here", "give it one, or remove the line")
	case ok && !slices.Contains(w.Words(), word):
		d.fail(n, word, "is none of the words that may stand here", Suggest(word, w.Words()))
	}
}

// text returns the text of a scalar as it was written; numbers are not guessed at.
func text(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	}
	return "", false
}
