// Package official finds Pipedrive's own OpenAPI documents and lists how real
// answers differ from them. Tests of the simulator and of the connector share
// it; the documents themselves are not ours to publish, so they lie beside the
// repository (CONTRIBUTING.md).
package official

import "salesbook.dev/internal/sandbox/openapi"

// Folder is where the documents lie.
func Folder() openapi.Folder { return openapi.Folder{Path: "specs/pipedrive", Main: "openapi-v1.yaml"} }

// Load reads both documents, under the paths where the vendor serves them.
func Load() (*openapi.Documents, error) {
	return openapi.Load(
		openapi.API{Name: "v1", File: Folder().File("openapi-v1.yaml"), Prefixes: []string{"/v1", "/api/v1"}},
		openapi.API{Name: "v2", File: Folder().File("openapi-v2.yaml"), Prefixes: []string{"/api/v2"}},
	)
}
