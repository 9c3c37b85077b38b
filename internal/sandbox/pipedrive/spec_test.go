package pipedrive

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"salesbook.dev/internal/sandbox/openapi"
	"salesbook.dev/internal/sandbox/pipedrive/official"
)

// documents are the vendor's OpenAPI documents.
type documents struct{ *openapi.Documents }

func loadDocuments(t *testing.T) documents {
	t.Helper()
	official.Folder().Need(t)
	docs, err := official.Load()
	if err != nil {
		t.Fatal(err)
	}
	return documents{docs}
}

func (docs documents) operation(r route) *openapi3.Operation {
	return docs.Operation(r.method, "v"+strconv.Itoa(r.version), r.path)
}

// TestLargeAgainstTheDocuments loads the vendor's documents once: they are large.
func TestLargeAgainstTheDocuments(t *testing.T) {
	t.Parallel()
	docs := loadDocuments(t)
	t.Run("costs and scopes", func(t *testing.T) { t.Parallel(); docs.checkRoutes(t) })
	t.Run("answers", func(t *testing.T) { t.Parallel(); docs.checkAnswers(t) })
}

func (docs documents) checkRoutes(t *testing.T) {
	t.Helper()
	for _, r := range setup(t, Options{}).routes() {
		op := docs.operation(r)
		if op == nil {
			t.Errorf("%s v%d %s is in no document", r.method, r.version, r.path)
			continue
		}
		if got, want := fmt.Sprint(r.cost), fmt.Sprint(op.Extensions["x-token-cost"]); got != want {
			t.Errorf("%s v%d %s costs %s tokens, the document says %s", r.method, r.version, r.path, got, want)
		}
		if got, want := strings.Fields(r.scopes), scopesOf(op); !sameSet(got, want) {
			t.Errorf("%s v%d %s needs one of %q, the document says %q", r.method, r.version, r.path, got, want)
		}
	}
}

func scopesOf(op *openapi3.Operation) []string {
	var out []string
	if op.Security != nil {
		for _, s := range *op.Security {
			out = append(out, s["oauth2"]...)
		}
	}
	return out
}

func sameSet(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

// scene is one request of the audit; names in braces come from earlier answers.
type scene struct {
	method, path string // path with the version's prefix
	body         any
}

func (docs documents) checkAnswers(t *testing.T) {
	t.Helper()
	a := docs.Audit(official.Deviations())
	b := setup(t, Options{RandomSeed: 7})
	if err := b.Generate(7, ScaleOf(60)); err != nil {
		t.Fatal(err)
	}
	conversion := ""
	for _, sc := range scenes(b) {
		sc.path = strings.ReplaceAll(sc.path, "{conversion}", conversion)
		ans := b.exchange(sc, a)
		if ans.status/100 != 2 {
			t.Errorf("%s %s: %d %s", sc.method, sc.path, ans.status, ans.body)
			continue
		}
		if strings.HasSuffix(sc.path, "/convert/deal") {
			conversion = ans.json(t)["data"].(object)["conversion_id"].(string)
		}
	}
	var routes []string
	for _, r := range b.routes() {
		routes = append(routes, fmt.Sprintf("%s v%d %s", r.method, r.version, r.path))
	}
	slices.Sort(routes)
	if diff := cmp.Diff(routes, a.Seen()); diff != "" {
		t.Errorf("operations held to their document (-routes +seen):\n%s", diff)
	}
	for _, d := range a.Unused() {
		t.Errorf("the deviation %s (%s) excuses nothing any more: remove it", d.Path, d.Kind)
	}
}

// exchange sends the request of a scene and holds it and its answer to the
// document, so that the simulator is not shown to accept what the vendor would not.
func (b *bundle) exchange(sc scene, a *openapi.Auditor) answerTo {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), sc.method, b.url+sc.path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	var body []byte
	if sc.body != nil {
		req.Header.Set("Content-Type", "application/json")
		if body, err = json.Marshal(sc.body); err != nil {
			b.t.Fatal(err)
		}
	}
	req.Header.Set("x-api-token", b.token)
	ans := b.send(sc.method, sc.path, sc.body)
	for _, wrong := range append(a.Request(req, body), a.Answer(req, ans.status, ans.body)...) {
		b.t.Error(wrong)
	}
	return ans
}
