package zoho

import (
	"net/http"
	"sync"
	"testing"

	"salesbook.dev/internal/sandbox/openapi"
	"salesbook.dev/internal/sandbox/zoho/official"
)

// documents reads the vendor's documents once for all tests of this package:
// that takes seconds.
var documents = sync.OnceValues(official.Load)

// auditor is the one that Audited uses: walks over the same records bring the
// same answers, and it looks at each once.
var auditor = sync.OnceValues(func() (*openapi.Auditor, error) {
	docs, err := documents()
	if err != nil {
		return nil, err
	}
	return docs.Audit(append(deviations(), official.Deviations()...)), nil
})

// deviations are what the suite provokes and no document foresees.
func deviations() []openapi.Deviation { return nil }

// Audited holds every exchange with a simulator to the vendor's documents,
// where these are at hand.
func Audited(t *testing.T, sim http.Handler) http.Handler {
	t.Helper()
	if !official.Folder().There() {
		return sim // TestTheDocumentsAreThere says so
	}
	a, err := auditor()
	if err != nil {
		t.Fatal(err)
	}
	return official.Handler(a, sim, t.Errorf)
}

// NewAudit is Audited with an auditor of its own, which tells what was asked.
func NewAudit(t *testing.T, sim http.Handler) (http.Handler, *openapi.Auditor) {
	t.Helper()
	official.Folder().Need(t)
	docs, err := documents()
	if err != nil {
		t.Fatal(err)
	}
	a := docs.Audit(append(deviations(), official.Deviations()...))
	return official.Handler(a, sim, t.Errorf), a
}

func TestTheDocumentsAreThere(t *testing.T) {
	t.Parallel()
	official.Folder().Need(t)
}
