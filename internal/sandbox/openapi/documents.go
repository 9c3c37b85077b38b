package openapi

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"
)

// API is one document and where its operations are served.
type API struct {
	Name     string   // as it stands in the names of operations, "v2"
	File     string   // path of the document
	Prefixes []string // of paths: "/api/v2"
}

// Documents are a vendor's documents, read once for many tests.
type Documents struct {
	apis []API
	docs map[string]*openapi3.T // by API.Name
}

// Load reads documents; that takes about a second for a megabyte.
func Load(apis ...API) (*Documents, error) {
	d := &Documents{apis: apis, docs: map[string]*openapi3.T{}}
	for _, a := range apis {
		doc, err := openapi3.NewLoader().LoadFromFile(a.File)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", a.File, err)
		}
		d.docs[a.Name] = doc
	}
	return d, nil
}

// Operation is the documented operation with that method and path, the latter
// as the document writes it; nil when there is none.
func (d *Documents) Operation(method, api, path string) *openapi3.Operation {
	item := d.docs[api].Paths.Value(path)
	if item == nil {
		return nil
	}
	return item.GetOperation(method)
}

// call is a request with the operation that it asks for.
type call struct {
	name   string // "GET v2 /deals/{id}"
	route  *routers.Route
	params map[string]string // of the path
}

// find looks up the operation that a request asks for. Literal paths win over
// those with parameters.
func (d *Documents) find(req *http.Request) (call, bool) {
	for _, a := range d.apis {
		for _, prefix := range a.Prefixes {
			path, ok := strings.CutPrefix(req.URL.Path, prefix)
			if !ok || !strings.HasPrefix(path, "/") {
				continue
			}
			if c, ok := d.within(a, req.Method, path); ok {
				return c, true
			}
		}
	}
	return call{}, false
}

func (d *Documents) within(a API, method, path string) (best call, found bool) {
	doc := d.docs[a.Name]
	for _, form := range slices.Sorted(maps.Keys(doc.Paths.Map())) {
		item := doc.Paths.Value(form)
		op := item.GetOperation(method)
		params, ok := fits(form, path)
		if op == nil || !ok || found && len(params) >= len(best.params) {
			continue
		}
		best, found = call{
			name: method + " " + a.Name + " " + form, params: params,
			route: &routers.Route{Spec: doc, Path: form, PathItem: item, Method: method, Operation: op},
		}, true
	}
	return best, found
}

// fits matches a path with a documented form and returns its parameters.
func fits(form, path string) (map[string]string, bool) {
	want, have := strings.Split(form, "/"), strings.Split(path, "/")
	if len(want) != len(have) {
		return nil, false
	}
	params := map[string]string{}
	for i, w := range want {
		switch {
		case strings.HasPrefix(w, "{") && have[i] != "":
			params[strings.Trim(w, "{}")] = have[i]
		case w != have[i]:
			return nil, false
		}
	}
	return params, true
}
