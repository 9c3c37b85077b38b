package mapping

import (
	"slices"

	"github.com/goccy/go-yaml/ast"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/strictyaml"
)

// ruleKeys are the keys of a rule, in the order in which they are written.
var ruleKeys = []string{"from", "custom", "const", "parent", "first_of", "each", "first", "pick", "values", "as", "currency", "when", "is", "otherwise"}

// rule reads where one field comes from: null, a field's name, or a mapping.
func (r *reader) rule(at, n ast.Node) *rule {
	out := &rule{place: strictyaml.PlaceOf(r.name, at.GetToken())}
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
	case "is":
		out.is = r.text(e.value)
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
		r.fail(n, "there is no transform "+name, strictyaml.Suggest(name, transformNames()))
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
