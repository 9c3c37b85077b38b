package openapi

import (
	"cmp"
	"os"
	"path/filepath"
)

// Folder is where a vendor's own documents lie. They are not ours to publish, so
// they lie beside the repository (CONTRIBUTING.md), where SALESBOOK_SHARED says.
type Folder struct {
	Path string // below the folder of shared things, such as specs/pipedrive
	Main string // a document that is there if any is
}

// File is where a document should be. Relative paths are taken from the
// repository's root: the nearest folder upwards with a go.mod.
func (f Folder) File(name string) string {
	shared := cmp.Or(os.Getenv("SALESBOOK_SHARED"), filepath.Join("..", "shared"))
	if !filepath.IsAbs(shared) {
		shared = filepath.Join(root(), shared)
	}
	return filepath.Join(shared, filepath.FromSlash(f.Path), name)
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
func (f Folder) There() bool {
	_, err := os.Stat(f.File(f.Main))
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
func (f Folder) Need(t Test) {
	t.Helper()
	if f.There() {
		return
	}
	if os.Getenv("SALESBOOK_REQUIRE_SHARED") == "1" {
		t.Fatalf("the vendor's documents are needed and not there: %s", f.File(f.Main))
	}
	t.Skip("the vendor's documents are not there (set SALESBOOK_SHARED)")
}
