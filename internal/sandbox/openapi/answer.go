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
	if status == http.StatusNotModified && len(body) == 0 {
		return nil // what HTTP says of it is enough
	}
	resp := c.route.Operation.Responses.Status(status)
	if resp == nil {
		f.note("status", c.name+" "+strconv.Itoa(status), "the document knows no such status: %.200s", body)
		if resp = c.vendor.usual(c, status); resp == nil {
			f.refusal(c, status, body)
			return f.list
		}
	}
	if len(body) == 0 && (len(resp.Value.Content) == 0 || status == http.StatusNoContent) {
		return nil
	}
	media := resp.Value.Content.Get("application/json")
	if media == nil && c.vendor.Overlaps && len(resp.Value.Content) > 0 {
		a.saw(c.name) // a file, which no schema describes
		return nil
	}
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
	f.value(c, c.name+" ", value, media.Schema.Value, openapi3.MultiErrors())
	if status/100 == 2 {
		a.saw(c.name)
	}
	if len(f.list) == 0 {
		a.isFine(print)
	}
	return f.list
}

// usual is the response by which an answer with an unlisted status is judged.
func (v *Vendor) usual(c call, status int) *openapi3.ResponseRef {
	if v.Usual == 0 || status/100 != 2 {
		return nil
	}
	return c.route.Operation.Responses.Status(v.Usual)
}

// refusal: the documents describe hardly any, so at least the vendor's envelope
// must be there.
func (f *findings) refusal(c call, status int, body []byte) {
	if c.vendor.Refusal != nil {
		if !c.vendor.Refusal(body) {
			f.note("refusal", c.name+" "+strconv.Itoa(status), "not the vendor's envelope: %.200s", body)
		}
		return
	}
	var e struct {
		Success *bool  `json:"success"`
		Error   string `json:"error"`
	}
	if err := json.Unmarshal(body, &e); err != nil || e.Success == nil || *e.Success || e.Error == "" {
		f.note("refusal", c.name+" "+strconv.Itoa(status), "no success: false and error in %.200s", body)
	}
}

// value holds a value to a schema and finds the keys that it does not describe.
func (f *findings) value(c call, at string, value any, schema *openapi3.Schema, opts ...openapi3.SchemaValidationOption) {
	if c.vendor.Overlaps {
		f.narrow(at, value, schema)
		return
	}
	f.schema(at, schema.VisitJSON(value, opts...))
	f.extras(at, value, schema)
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
