package strictyaml

import (
	"encoding"
	"reflect"
)

// Described is a type with UnmarshalText that tells what its texts look like.
type Described interface {
	// Pattern returns a regular expression that every text matches, and an
	// example.
	Pattern() (expression, example string)
}

// Schema returns the JSON Schema (2020-12) of the documents that Decode takes
// for the struct that of points to.
func Schema(id, title string, of any) map[string]any {
	s := schemas{defs: map[string]any{}}
	t := reflect.TypeOf(of).Elem()
	root := s.object(t)
	root["$schema"], root["$id"], root["title"] = "https://json-schema.org/draft/2020-12/schema", id, title
	if len(s.defs) > 0 {
		root["$defs"] = s.defs
	}
	return root
}

type schemas struct{ defs map[string]any }

func (s schemas) of(t reflect.Type, one bool) map[string]any {
	if t.Kind() == reflect.Pointer {
		return s.of(t.Elem(), one)
	}
	if reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return written(t)
	}
	switch t.Kind() {
	case reflect.Slice:
		item := s.of(t.Elem(), false)
		list := map[string]any{"type": "array", "items": item}
		if one {
			return map[string]any{"anyOf": []any{list, item}}
		}
		return list
	case reflect.Struct:
		if _, ok := s.defs[t.Name()]; !ok {
			s.defs[t.Name()] = nil // a type may hold itself
			s.defs[t.Name()] = s.object(t)
		}
		return map[string]any{"$ref": "#/$defs/" + t.Name()}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int:
		return map[string]any{"type": "integer"}
	}
	out := map[string]any{"type": []any{"string", "number", "boolean"}} // texts need no quotes
	if w, ok := reflect.Zero(t).Interface().(Worded); ok {
		out = map[string]any{"enum": w.Words()}
	}
	return out
}

// written describes a type that is read from text; a number may stand without quotes.
func written(t reflect.Type) map[string]any {
	out := map[string]any{"type": []any{"string", "number"}}
	if d, ok := reflect.Zero(t).Interface().(Described); ok {
		pattern, example := d.Pattern()
		out["pattern"], out["examples"] = pattern, []any{example}
	}
	return out
}

func (s schemas) object(t reflect.Type) map[string]any {
	properties, required, choices := map[string]any{}, []string{}, []any{}
	for _, f := range fieldsOf(t) {
		p := s.of(t.Field(f.index).Type, f.one)
		if f.doc != "" {
			p["description"] = f.doc
		}
		properties[f.key] = p
		if f.required {
			required = append(required, f.key)
		}
		if f.choice {
			choices = append(choices, map[string]any{"required": []string{f.key}})
		}
	}
	out := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		out["required"] = required
	}
	if len(choices) > 0 {
		out["oneOf"] = choices
	}
	return out
}
