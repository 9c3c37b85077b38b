package openapi

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
)

// Request holds a request to its operation: path, query, headers and body, the
// latter passed apart so that the request's own may be consumed. It returns what
// is wrong with it.
func (a *Auditor) Request(req *http.Request, body []byte) []string {
	f := &findings{a: a}
	c, ok := a.find(req)
	if !ok {
		f.note("extra", req.Method+" "+req.URL.Path, "no document knows this operation")
		return f.list
	}
	f.path(c, req)
	f.query(c, req)
	f.headers(c, req, len(body) > 0)
	f.body(c, body)
	return f.list
}

func (f *findings) path(c call, req *http.Request) {
	for _, p := range parametersOf(c) {
		if p.In == openapi3.ParameterInPath {
			f.parameter(c, p, req, nil)
		}
	}
}

// query checks each parameter by its schema and by the words of its
// description, and that no other is sent.
func (f *findings) query(c call, req *http.Request) {
	query := req.URL.Query()
	for _, p := range parametersOf(c) {
		if p.In != openapi3.ParameterInQuery {
			continue
		}
		values := query[p.Name]
		delete(query, p.Name)
		if len(values) > 1 {
			f.note("twice", c.name+" ?"+p.Name, "is given %d times", len(values))
		}
		f.words(c, p, values)
		if len(values) == 1 && manyOf(p) {
			for _, one := range strings.Split(values[0], ",") {
				f.parameter(c, p, req, url.Values{p.Name: {one}})
			}
			continue
		}
		f.parameter(c, p, req, req.URL.Query())
	}
	for name := range query {
		f.note("extra", c.name+" ?"+name, "the document does not know this parameter")
	}
}

// manyOf tells a text that holds several values of its enumeration, which only
// the description says ("comma separated").
func manyOf(p *openapi3.Parameter) bool {
	return p.Schema != nil && p.Schema.Value.Type.Is("string") && len(p.Schema.Value.Enum) > 0 && strings.Contains(p.Description, "comma separated")
}

func (f *findings) parameter(c call, p *openapi3.Parameter, req *http.Request, query url.Values) {
	in := &openapi3filter.RequestValidationInput{
		Request: req.Clone(req.Context()), PathParams: c.params, QueryParams: query, Route: c.route,
		Options: &openapi3filter.Options{SkipSettingDefaults: true, MultiError: true},
	}
	err := openapi3filter.ValidateParameter(req.Context(), in, p)
	if err == nil {
		return
	}
	where := c.name + " ?" + p.Name
	if p.In == openapi3.ParameterInPath {
		where = c.name + " {" + p.Name + "}"
	}
	var wrong *openapi3.SchemaError
	if errors.As(err, &wrong) {
		f.note(wrong.SchemaField, where, "%s (value %.80v)", wrong.Reason, wrong.Value)
		return
	}
	f.note("value", where, "%v", err)
}

var (
	atMost    = regexp.MustCompile(`(?i)maximum value of (\d+)`)
	upTo      = regexp.MustCompile(`(?i)(?:up to|maximum of) (\d+)\b.*\b(?:ids|keys)\b`)
	wholeTime = regexp.MustCompile(`(?i)RFC ?3339`)
)

// words holds values to what only the description says.
func (f *findings) words(c call, p *openapi3.Parameter, values []string) {
	where := c.name + " ?" + p.Name
	for _, v := range values {
		if m := atMost.FindStringSubmatch(p.Description); m != nil && over(v, m[1]) {
			f.note("maximum", where, "%s is more than %s", v, m[1])
		}
		if m := upTo.FindStringSubmatch(p.Description); m != nil && over(strconv.Itoa(1+strings.Count(v, ",")), m[1]) {
			f.note("maxItems", where, "more than %s ids", m[1])
		}
		if wholeTime.MatchString(p.Description) {
			if at, err := time.Parse(time.RFC3339, v); err != nil || at.Nanosecond() != 0 {
				f.note("format", where, "%q is no instant of RFC 3339 in whole seconds", v)
			}
		}
	}
}

func over(value, limit string) bool {
	v, err1 := strconv.Atoi(value)
	l, err2 := strconv.Atoi(limit)
	return err1 == nil && err2 == nil && v > l
}

// headers: the credentials where the document wants them, and nothing beyond
// what HTTP itself needs.
func (f *findings) headers(c call, req *http.Request, hasBody bool) {
	plain := []string{"Accept", "Accept-Encoding", "User-Agent", "Content-Length", "Content-Type", "Referer"} // the last after a redirect
	proof := 0
	if own := c.vendor.Credential; own != "" {
		plain = append(plain, own)
		if req.Header.Get(own) != "" {
			proof = 1
		}
	}
	for _, p := range parametersOf(c) {
		if p.In == openapi3.ParameterInHeader {
			plain = append(plain, http.CanonicalHeaderKey(p.Name))
		}
	}
	for name, scheme := range schemes(c) {
		key := ""
		switch s := scheme.Value; {
		case s.Type == "apiKey" && s.In == "header":
			key = http.CanonicalHeaderKey(s.Name)
		case s.Type == "oauth2":
			key = "Authorization"
		}
		if key != "" && req.Header.Get(key) != "" && takes(c, name) {
			plain = append(plain, key)
			proof++
		}
	}
	if proof != 1 {
		f.note("security", c.name, "%d of the operation's credentials are presented, want one", proof)
	}
	for name, values := range req.Header {
		if len(values) > 0 && !slices.Contains(plain, name) {
			f.note("extra", c.name+" header "+name, "the document does not know this header")
		}
	}
	if got := req.Header.Get("Content-Type"); hasBody && got != "application/json" {
		f.note("type", c.name+" header Content-Type", "is %q", got)
	}
}

// schemes are the credentials that the document describes.
func schemes(c call) openapi3.SecuritySchemes {
	if c.vendor.Credential != "" || c.route.Spec.Components == nil {
		return nil
	}
	return c.route.Spec.Components.SecuritySchemes
}

// takes reports whether an operation accepts a scheme of credentials.
func takes(c call, scheme string) bool {
	security := c.route.Operation.Security
	if security == nil {
		security = &c.route.Spec.Security
	}
	return slices.ContainsFunc(*security, func(r openapi3.SecurityRequirement) bool { _, ok := r[scheme]; return ok })
}

func (f *findings) body(c call, body []byte) {
	rb := c.route.Operation.RequestBody
	switch {
	case rb == nil && len(body) == 0, rb != nil && !rb.Value.Required && len(body) == 0:
		return
	case rb == nil:
		f.note("extra", c.name+" body", "the operation takes no body")
		return
	}
	media := rb.Value.Content.Get("application/json")
	if media == nil {
		f.note("type", c.name+" body", "the operation takes no JSON")
		return
	}
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		f.note("json", c.name+" body", "%v", err)
		return
	}
	if media.Schema == nil {
		return // the document says nothing of it
	}
	f.value(c, c.name+" body ", value, media.Schema.Value, openapi3.VisitAsRequest(), openapi3.MultiErrors())
}

// parametersOf are the operation's parameters and those of its path.
func parametersOf(c call) []*openapi3.Parameter {
	var out []*openapi3.Parameter
	for _, p := range c.route.Operation.Parameters {
		out = append(out, p.Value)
	}
	for _, p := range c.route.PathItem.Parameters {
		if c.route.Operation.Parameters.GetByInAndName(p.Value.In, p.Value.Name) == nil {
			out = append(out, p.Value)
		}
	}
	return out
}
