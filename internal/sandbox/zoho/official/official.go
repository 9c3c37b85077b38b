// Package official finds Zoho's own OpenAPI documents and lists how real
// answers differ from them. Tests of the simulator and of the connector share
// it; the documents themselves are not ours to publish, so they lie beside the
// repository (CONTRIBUTING.md).
package official

import (
	"encoding/json"
	"net/http"
	"strings"

	"salesbook.dev/internal/sandbox/openapi"
)

// Folder is where the documents lie.
func Folder() openapi.Folder { return openapi.Folder{Path: "specs/zoho/v8.0", Main: "record.json"} }

// names are the documents in use, special before general: paths like
// /crm/v8/{module} in the last ones fit everything. That of notes is left out:
// it refers to a parameter that it does not have and wants every key of a note
// in every request; notes are held to the document of records.
func names() []string {
	return []string{
		"users", "org", "coql", "bulk_read", "fields", "modules", "layouts", "pipeline", "related_lists", "notifications", "blueprint", "convert_lead", "find_and_merge",
		"related_records", "record",
	}
}

// unpublished stands in for a document that others refer to.
const unpublished = `{"openapi": "3.0.0", "info": {"title": "", "version": ""}, "paths": {}, "components": {"schemas": {"custom_views": {}}}}`

// Load reads the documents.
func Load() (*openapi.Documents, error) {
	vendor := &openapi.Vendor{
		Refs:       "https://raw.githubusercontent.com/Zohocorp-Pvt-Ltd/crm-oas/refs/heads/main/v8.0/",
		Absent:     map[string]string{"custom_views.json": unpublished},
		Credential: "Authorization", Overlaps: true, Usual: 200, Refusal: refusal,
		Skip: func(path string) bool { return strings.Contains(path, "{external_") },
	}
	var apis []openapi.API
	for _, name := range names() {
		apis = append(apis, openapi.API{Name: name, File: Folder().File(name + ".json"), Prefixes: []string{""}, Vendor: vendor})
	}
	return openapi.Load(apis...)
}

// Handler holds every exchange with a simulator to the documents and reports
// what is wrong by errorf. Signing in is in no document and passes by.
func Handler(a *openapi.Auditor, sim http.Handler, errorf func(format string, args ...any)) http.Handler {
	audited := a.Handler(sim, errorf)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/oauth/") {
			sim.ServeHTTP(w, r)
			return
		}
		audited.ServeHTTP(w, r)
	})
}

// refusal is the vendor's envelope of errors, alone or for each element.
func refusal(body []byte) bool {
	type envelope struct {
		Code, Message, Status string
	}
	good := func(e envelope) bool {
		return e.Code != "" && e.Message != "" && (e.Status == "error" || e.Status == "success")
	}
	var one envelope
	if json.Unmarshal(body, &one) == nil && good(one) {
		return true
	}
	var many map[string][]envelope
	if json.Unmarshal(body, &many) != nil {
		return false
	}
	for _, list := range many {
		for _, e := range list {
			if !good(e) {
				return false
			}
		}
	}
	return len(many) > 0
}
