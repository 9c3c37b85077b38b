package openapi

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// narrow holds a value to a schema whose alternatives overlap: at every object
// the alternative is taken that knows most of the value's keys, so that a
// schema of nothing but optional keys does not let everything pass.
func (f *findings) narrow(at string, value any, schema *openapi3.Schema) {
	schema = alternative(schema, value)
	where := strings.TrimSuffix(at, "/")
	switch v := value.(type) {
	case nil:
		if !schema.Nullable && schema.Type != nil {
			f.note("null", where, "the schema has no null")
		}
	case []any:
		if !schema.Type.Permits("array") || schema.Items == nil {
			f.plain(at, value, schema)
			return
		}
		for i, x := range v {
			f.narrow(at+"/"+strconv.Itoa(i), x, schema.Items.Value)
		}
	case map[string]any:
		if !schema.Type.Permits("object") {
			f.plain(at, value, schema)
			return
		}
		f.object(at, v, schema)
	default:
		f.plain(at, value, schema)
	}
}

func (f *findings) object(at string, v map[string]any, schema *openapi3.Schema) {
	known := properties(schema)
	for _, key := range schema.Required {
		if _, ok := v[key]; !ok {
			f.note("required", at+"/"+key, "the key is missing")
		}
	}
	for _, key := range slices.Sorted(maps.Keys(v)) {
		switch sub := known[key]; {
		case sub != nil:
			f.narrow(at+"/"+key, v[key], sub)
		case !open(schema, known):
			f.note("extra", at+"/"+key, "the document does not know this key")
		}
	}
}

// open reports whether a schema leaves keys to whoever writes values.
func open(s *openapi3.Schema, known map[string]*openapi3.Schema) bool {
	more := s.AdditionalProperties
	return len(known) == 0 || more.Has != nil && *more.Has || more.Schema != nil
}

// plain leaves a value without parts to its schema.
func (f *findings) plain(at string, value any, schema *openapi3.Schema) {
	if n, ok := value.(json.Number); ok {
		value, _ = n.Float64()
	}
	err := schema.VisitJSON(value, openapi3.MultiErrors())
	for _, e := range schemaErrors(err) {
		f.note(e.SchemaField, at, "%s (value %.80v)", e.Reason, e.Value)
	}
}

// alternative takes the part of a schema's alternatives that suits a value.
func alternative(s *openapi3.Schema, value any) *openapi3.Schema {
	list := slices.Concat(s.OneOf, s.AnyOf)
	if len(list) == 0 {
		return s
	}
	keys, _ := value.(map[string]any)
	best, bestScore := s, -1<<30
	for _, ref := range list {
		part := alternative(ref.Value, value)
		if score := suits(part, keys, value); score > bestScore {
			best, bestScore = part, score
		}
	}
	return best
}

// suits counts for a schema the keys of a value that it knows, and against it
// those it wants and misses and words it does not allow.
func suits(s *openapi3.Schema, keys map[string]any, value any) int {
	if keys == nil {
		if s.VisitJSON(value) == nil {
			return 1
		}
		return 0
	}
	score := 0
	known := properties(s)
	for key, v := range keys {
		sub := known[key]
		switch {
		case sub == nil && open(s, known):
		case sub == nil:
			score -= 2
		case len(sub.Enum) > 0 && !slices.Contains(sub.Enum, v):
			score--
		default:
			score += 2 + within(sub, v)
		}
	}
	for _, key := range s.Required {
		if _, ok := keys[key]; !ok {
			score--
		}
	}
	return score
}

// within lets what is inside a value speak where the keys are the same.
func within(s *openapi3.Schema, value any) int {
	switch v := value.(type) {
	case map[string]any:
		return suits(alternative(s, v), v, v)
	case []any:
		if len(v) > 0 && s.Items != nil {
			return within(s.Items.Value, v[0])
		}
	}
	return 0
}
