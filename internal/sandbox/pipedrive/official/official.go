// Package official finds Pipedrive's own OpenAPI documents and lists how real
// answers differ from them. Tests of the simulator and of the connector share
// it; the documents themselves are not ours to publish, so they lie beside the
// repository (CONTRIBUTING.md).
package official

import (
	"cmp"
	"os"
	"path/filepath"

	"salesbook.dev/internal/sandbox/openapi"
)

// File is where a document should be. Relative paths are taken from the
// repository's root: the nearest folder upwards with a go.mod.
func File(name string) string {
	shared := cmp.Or(os.Getenv("SALESBOOK_SHARED"), filepath.Join("..", "shared"))
	if !filepath.IsAbs(shared) {
		shared = filepath.Join(root(), shared)
	}
	return filepath.Join(shared, "specs", "pipedrive", name)
}

func root() string {
	dir, err := os.Getwd()
	for ; err == nil && dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
	}
	return "."
}

// There reports whether the documents are at hand.
func There() bool {
	_, err := os.Stat(File("openapi-v1.yaml"))
	return err == nil
}

// Test is what Need wants of a *testing.T, which a package that is no test may
// not import.
type Test interface {
	Helper()
	Fatalf(format string, args ...any)
	Skip(args ...any)
}

// Need skips a test, or fails it where SALESBOOK_REQUIRE_SHARED=1, when the
// documents are not at hand.
func Need(t Test) {
	t.Helper()
	if There() {
		return
	}
	if os.Getenv("SALESBOOK_REQUIRE_SHARED") == "1" {
		t.Fatalf("the vendor's documents are needed and not there: %s", File("openapi-v1.yaml"))
	}
	t.Skip("the vendor's documents are not there (set SALESBOOK_SHARED)")
}

// Load reads both documents, under the paths where the vendor serves them.
func Load() (*openapi.Documents, error) {
	return openapi.Load(
		openapi.API{Name: "v1", File: File("openapi-v1.yaml"), Prefixes: []string{"/v1", "/api/v1"}},
		openapi.API{Name: "v2", File: File("openapi-v2.yaml"), Prefixes: []string{"/api/v2"}},
	)
}
