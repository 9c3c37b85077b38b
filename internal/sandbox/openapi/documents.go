package openapi

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
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
	// Vendor says how the vendor writes its documents; nil is plainly.
	Vendor *Vendor
}

// Vendor is a vendor's way with documents, where it is not the usual one.
type Vendor struct {
	// Refs is what references between documents begin with; the documents
	// themselves lie beside each other. "" keeps references within one.
	Refs string
	// Absent stands in for documents that are referred to but were never published.
	Absent map[string]string
	// Credential is the header that every call needs, where documents do not say.
	Credential string
	// Overlaps is set where alternatives of a schema are not told apart: the one
	// that knows most of a value's keys is taken.
	Overlaps bool
	// Usual is the status whose schema holds an answer of 2xx with a status that
	// the operation does not list; 0 is none.
	Usual int
	// Skip tells paths that stand for others.
	Skip func(path string) bool
	// Refusal tells the body of a refusal that no document describes.
	Refusal func(body []byte) bool
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
		doc, err := loader(a).LoadFromFile(a.File)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", a.File, err)
		}
		d.docs[a.Name] = doc
	}
	return d, nil
}

// loader reads a document and what it refers to.
func loader(a API) *openapi3.Loader {
	l := openapi3.NewLoader()
	if a.Vendor == nil || a.Vendor.Refs == "" {
		return l
	}
	l.IsExternalRefsAllowed = true
	l.ReadFromURIFunc = func(l *openapi3.Loader, at *url.URL) ([]byte, error) {
		name, ok := strings.CutPrefix(at.String(), a.Vendor.Refs)
		if !ok {
			return openapi3.DefaultReadFromURI(l, at)
		}
		if text, absent := a.Vendor.Absent[name]; absent {
			return []byte(text), nil
		}
		return os.ReadFile(filepath.Join(filepath.Dir(a.File), name))
	}
	return l
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
	vendor *Vendor
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
		skipped := a.Vendor != nil && a.Vendor.Skip != nil && a.Vendor.Skip(form)
		if op == nil || !ok || skipped || found && len(params) >= len(best.params) {
			continue
		}
		best, found = call{
			name: method + " " + a.Name + " " + form, params: params, vendor: cmp.Or(a.Vendor, &Vendor{}),
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
