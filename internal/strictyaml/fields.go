package strictyaml

import (
	"reflect"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// field is one key of a struct.
type field struct {
	key                   string
	index                 int
	tag                   reflect.StructTag
	doc                   string
	required, one, choice bool
	ordered, identity     bool // for Compare
}

// fieldsOf lists the keys of a struct type in its order.
func fieldsOf(t reflect.Type) []field {
	var all []field
	for i := range t.NumField() {
		key, options, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		if key == "" {
			continue
		}
		f := field{key: key, index: i, tag: t.Field(i).Tag, doc: t.Field(i).Tag.Get("doc"), identity: key == "id"}
		for option := range strings.SplitSeq(options, ",") {
			switch option {
			case "required":
				f.required = true
			case "one":
				f.one = true
			case "choice":
				f.choice = true
			case "ordered":
				f.ordered = true
			case "key":
				f.identity = true
			case "":
			default:
				panic("strictyaml: unknown option " + option + " of " + t.String() + "." + t.Field(i).Name)
			}
		}
		all = append(all, f)
	}
	return all
}

func keysOf(fields []field) []string {
	keys := make([]string, len(fields))
	for i, f := range fields {
		keys[i] = f.key
	}
	return keys
}

func known(t reflect.Type) string {
	return "known keys: " + strings.Join(keysOf(fieldsOf(t)), ", ")
}

// start is the first token of a node: the own token of a block of keys is a
// colon.
func start(n ast.Node) *token.Token {
	if m, ok := n.(*ast.MappingNode); ok && m.IsFlowStyle {
		return n.GetToken()
	}
	if all := pairs(n); len(all) > 0 {
		return all[0].Key.GetToken()
	}
	return n.GetToken()
}
