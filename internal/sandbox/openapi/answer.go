package openapi

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// Answer holds an answer to the schema of its operation and status, and returns
// what is wrong with it.
func (a *Auditor) Answer(req *http.Request, status int, body []byte) []string {
	f := &findings{a: a}
	c, ok := a.find(req)
	if !ok {
		f.note("extra", req.Method+" "+req.URL.Path, "no document knows this operation")
		return f.list
	}
	resp := c.route.Operation.Responses.Status(status)
	if resp == nil {
		f.note("status", c.name+" "+strconv.Itoa(status), "the document knows no such status: %.200s", body)
		f.refusal(c, status, body)
		return f.list
	}
	media := resp.Value.Content.Get("application/json")
	if media == nil {
		f.note("status", c.name+" "+strconv.Itoa(status), "the document has no JSON for it")
		return f.list
	}
	print := fingerprintOf(c.name, status, body)
	if a.knowsAsFine(print) {
		return nil
	}
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		f.note("json", c.name, "%v", err)
		return f.list
	}
	f.schema(c.name+" ", media.Schema.Value.VisitJSON(value, openapi3.MultiErrors()))
	f.extras(c.name+" ", value, media.Schema.Value)
	if status/100 == 2 {
		a.saw(c.name)
	}
	if len(f.list) == 0 {
		a.isFine(print)
	}
	return f.list
}

// refusal: the documents describe hardly any, so at least the vendor's envelope
// must be there.
func (f *findings) refusal(c call, status int, body []byte) {
	var e struct {
		Success *bool  `json:"success"`
		Error   string `json:"error"`
	}
	if err := json.Unmarshal(body, &e); err != nil || e.Success == nil || *e.Success || e.Error == "" {
		f.note("refusal", c.name+" "+strconv.Itoa(status), "no success: false and error in %.200s", body)
	}
}

// schema notes what a schema finds wrong; at is put before the place.
func (f *findings) schema(at string, err error) {
	for _, e := range schemaErrors(err) {
		kind := e.SchemaField
		if strings.Contains(e.Reason, "not nullable") {
			kind = "null"
		}
		f.note(kind, at+"/"+strings.Join(e.JSONPointer(), "/"), "%s (value %.80v)", e.Reason, e.Value)
	}
}

func schemaErrors(err error) []*openapi3.SchemaError {
	var many openapi3.MultiError
	if errors.As(err, &many) {
		var out []*openapi3.SchemaError
		for _, e := range many {
			out = append(out, schemaErrors(e)...)
		}
		return out
	}
	var one *openapi3.SchemaError
	if errors.As(err, &one) {
		if inner := schemaErrors(one.Origin); len(inner) > 0 {
			return inner
		}
		return []*openapi3.SchemaError{one}
	}
	return nil
}

// extras finds keys that the schema does not describe, which a schema open to
// additional properties would let pass.
func (f *findings) extras(at string, value any, schema *openapi3.Schema) {
	switch v := value.(type) {
	case []any:
		if schema.Items == nil {
			return
		}
		for i, x := range v {
			f.extras(at+"/"+strconv.Itoa(i), x, schema.Items.Value)
		}
	case map[string]any:
		known := properties(schema)
		if len(known) == 0 || strings.HasSuffix(at, "/custom_fields") {
			return // the schema leaves it open
		}
		for key, x := range v {
			if sub := known[key]; sub != nil {
				f.extras(at+"/"+key, x, sub)
			} else {
				f.note("extra", at+"/"+key, "the document does not know this key")
			}
		}
	}
}

// properties gathers what a schema and its parts describe.
func properties(s *openapi3.Schema) map[string]*openapi3.Schema {
	out := map[string]*openapi3.Schema{}
	for key, p := range s.Properties {
		out[key] = p.Value
	}
	for _, part := range slices.Concat(s.AllOf, s.OneOf, s.AnyOf) {
		for key, p := range properties(part.Value) {
			out[key] = p
		}
	}
	return out
}
