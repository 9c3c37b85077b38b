package mapping

import (
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"salesbook.dev/connectors"
)

// reader turns YAML nodes into a File and collects what is wrong with them.
type reader struct {
	name     string
	object   string // being read
	field    string // being read
	problems Problems
}

// entry is one key of a mapping.
type entry struct {
	key   string
	at    ast.Node
	value ast.Node
}

func (r *reader) fail(at ast.Node, reason, hint string) {
	r.problems.add(&Problem{Place: placeOf(r.name, at.GetToken()), Object: r.object, Field: r.field, Reason: reason, Hint: hint})
}

// file reads the whole map.
func (r *reader) file(root ast.Node) *File {
	f := &File{name: r.name, types: map[string]string{}, objects: map[string]*object{}}
	if root == nil {
		return f
	}
	for _, e := range r.entries(root, "a map") {
		switch e.key {
		case "vendor":
			f.vendor = r.text(e.value)
		case "region":
			f.region = r.text(e.value)
		case "types":
			for _, t := range r.entries(e.value, "types") {
				f.types[t.key] = r.text(t.value)
			}
		case "objects":
			for _, o := range r.entries(e.value, "objects") {
				f.objects[o.key] = r.readObject(o)
			}
		default:
			r.unknown(e, "vendor", "region", "types", "objects")
		}
	}
	return f
}

func (r *reader) readObject(e entry) *object {
	r.object = e.key
	defer func() { r.object, r.field = "", "" }()
	o := &object{place: placeOf(r.name, e.at.GetToken()), fields: map[string]*rule{}}
	if isNull(e.value) {
		o.drop = true
		return o
	}
	for _, p := range r.entries(e.value, "an object's map") {
		r.field = ""
		switch p.key {
		case "kind":
			o.kind = r.text(p.value)
		case "prefix":
			o.prefix = r.text(p.value)
		case "dictionary":
			o.dictionary = r.text(p.value)
		case "ignore":
			o.ignore = r.texts(p.value)
		case "fields":
			for _, target := range r.entries(p.value, "fields") {
				r.field = target.key
				o.fields[target.key] = r.rule(target.at, target.value)
			}
		default:
			r.unknown(p, "kind", "prefix", "dictionary", "ignore", "fields")
		}
	}
	return o
}

// entries returns the keys of a mapping in the order of the text; nil if n is
// no mapping.
func (r *reader) entries(n ast.Node, what string) []entry {
	var pairs []*ast.MappingValueNode
	switch n := n.(type) {
	case *ast.MappingNode:
		pairs = n.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{n}
	default:
		r.fail(n, what+" must be a list of `key: value`", "")
		return nil
	}
	out := []entry{}
	seen := map[string]bool{}
	for _, p := range pairs {
		key, ok := scalarOf(p.Key)
		switch {
		case !ok || p.Value == nil:
			r.fail(p.Key, "a key must be plain text", "")
		case seen[key.Text]:
			r.fail(p.Key, "the key "+key.Text+" stands twice", "")
		default:
			seen[key.Text] = true
			out = append(out, entry{key: key.Text, at: p.Key, value: p.Value})
		}
	}
	return out
}

func (r *reader) unknown(e entry, known ...string) {
	r.fail(e.at, "unknown key "+e.key, did(e.key, known))
}

// text reads a scalar other than null.
func (r *reader) text(n ast.Node) string {
	v, ok := scalarOf(n)
	if !ok || v.Kind == connectors.Null || v.Text == "" {
		r.fail(n, "a text is needed here", "")
	}
	return v.Text
}

// someTexts reads a scalar or a list of scalars that is not empty.
func (r *reader) someTexts(n ast.Node) []string {
	out := r.texts(n)
	if len(out) == 0 {
		r.fail(n, "the list is empty", "")
	}
	return out
}

// texts reads a scalar or a list of scalars; an empty list is not nil.
func (r *reader) texts(n ast.Node) []string {
	list, ok := n.(*ast.SequenceNode)
	if !ok {
		return []string{r.text(n)}
	}
	out := []string{}
	for _, item := range list.Values {
		out = append(out, r.text(item))
	}
	return out
}

func isNull(n ast.Node) bool {
	_, ok := n.(*ast.NullNode)
	return ok
}

// scalarOf reads a scalar with its type. Numbers outside the decimal notation
// and anything else that YAML would guess at stay text.
func scalarOf(n ast.Node) (connectors.Value, bool) {
	switch n := n.(type) {
	case *ast.NullNode:
		return connectors.Value{Text: "null"}, true
	case *ast.BoolNode:
		return connectors.Value{Kind: connectors.Bool, Text: strings.ToLower(n.GetToken().Value)}, true
	case *ast.IntegerNode, *ast.FloatNode:
		text := n.GetToken().Value
		if _, ok := scanNumber(text); !ok {
			return connectors.Value{Kind: connectors.Text, Text: text}, true
		}
		return connectors.Value{Kind: connectors.Number, Text: text}, true
	case *ast.StringNode:
		return connectors.Value{Kind: connectors.Text, Text: n.Value}, true
	case *ast.LiteralNode:
		return connectors.Value{Kind: connectors.Text, Text: n.Value.Value}, true
	case *ast.InfinityNode, *ast.NanNode:
		return connectors.Value{Kind: connectors.Text, Text: n.GetToken().Value}, true
	}
	return connectors.Value{}, false
}

// ruleKeys are the keys of a rule, in the order in which they are written.
var ruleKeys = []string{"from", "custom", "const", "parent", "first_of", "each", "first", "pick", "values", "as", "currency", "when", "otherwise"}

// rule reads where one field comes from: null, a field's name, or a mapping.
func (r *reader) rule(at, n ast.Node) *rule {
	out := &rule{place: placeOf(r.name, at.GetToken())}
	if isNull(n) {
		out.unmap = true
		return out
	}
	if v, ok := scalarOf(n); ok {
		if v.Text == "" {
			r.fail(n, "names no source", "null unmaps a field")
		}
		out.from = []string{v.Text}
		return out
	}
	sources := 0
	entries := r.entries(n, "a field's source")
	for _, e := range entries {
		if slices.Contains(ruleKeys[:5], e.key) {
			sources++
		}
		r.ruleKey(out, e)
	}
	if sources != 1 && entries != nil {
		r.fail(n, "needs exactly one of from, custom, const, parent, first_of", "")
	}
	return out
}

func (r *reader) ruleKey(out *rule, e entry) {
	switch e.key {
	case "from":
		out.from = r.someTexts(e.value)
	case "custom":
		out.custom = r.text(e.value)
	case "const":
		out.constant = r.constant(e.value)
	case "parent":
		if out.parent = r.text(e.value) == "true"; !out.parent {
			r.fail(e.value, "parent can only be true", "leave it out")
		}
	case "first_of":
		out.firstOf = r.alternatives(e.value)
	case "as":
		out.as = r.transform(e.value)
	case "values":
		out.values = r.values(e.value)
	case "otherwise":
		out.otherwise = r.otherwise(e.value)
	case "each":
		out.each = r.text(e.value)
	case "first":
		out.first = r.text(e.value)
	case "currency":
		out.currency = r.text(e.value)
	case "when":
		out.when = r.text(e.value)
	case "pick":
		out.pick = r.someTexts(e.value)
	default:
		r.unknown(e, ruleKeys...)
	}
}

func (r *reader) alternatives(n ast.Node) []*rule {
	list, ok := n.(*ast.SequenceNode)
	if !ok || len(list.Values) == 0 {
		r.fail(n, "first_of needs a list of sources", "as in [name, title]")
		return nil
	}
	var out []*rule
	for _, item := range list.Values {
		one := r.rule(item, item)
		if one.unmap || one.firstOf != nil {
			r.fail(item, "first_of takes plain sources only", "")
		}
		out = append(out, one)
	}
	return out
}

func (r *reader) constant(n ast.Node) *connectors.Value {
	v, ok := scalarOf(n)
	if !ok || v.Kind == connectors.Null {
		r.fail(n, "const needs a value", "")
	}
	return &v
}

func (r *reader) values(n ast.Node) map[string]connectors.Value {
	out := map[string]connectors.Value{}
	for _, e := range r.entries(n, "values") {
		v, ok := scalarOf(e.value)
		if !ok {
			r.fail(e.value, "a plain value is needed here", "as in {A: open, B: won}")
		}
		if v.Kind == connectors.Null {
			v.Text = ""
		}
		out[e.key] = v
	}
	return out
}

func (r *reader) transform(n ast.Node) string {
	name := r.text(n)
	if name == "value" { // the same as leaving it out
		return ""
	}
	if _, ok := transformByName(name); !ok {
		r.fail(n, "there is no transform "+name, did(name, transformNames()))
	}
	return name
}

func (r *reader) otherwise(n ast.Node) string {
	v, _ := scalarOf(n)
	known := []string{otherwiseError, otherwiseKeep, otherwiseNull}
	if !slices.Contains(known, v.Text) {
		r.fail(n, "otherwise can be error, keep or null", "")
	}
	return v.Text
}
