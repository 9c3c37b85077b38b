package mapping

import (
	"strings"

	"github.com/goccy/go-yaml/ast"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/strictyaml"
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
	add(&r.problems, &Problem{Place: strictyaml.PlaceOf(r.name, at.GetToken()), Object: r.object, Field: r.field, Reason: reason, Hint: hint})
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
	o := &object{place: strictyaml.PlaceOf(r.name, e.at.GetToken()), fields: map[string]*rule{}}
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
	r.fail(e.at, "unknown key "+e.key, strictyaml.Suggest(e.key, known))
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
