package pipedrive

import (
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/sandbox/openapi"
	vendor "salesbook.dev/internal/sandbox/pipedrive"
	"salesbook.dev/internal/sandbox/pipedrive/official"
)

// documents reads the vendor's documents once for all tests of this package:
// that takes seconds.
var documents = sync.OnceValues(official.Load)

// auditor is the one that Audited uses: walks over the same records bring the
// same answers, and it looks at each once.
var auditor = sync.OnceValues(newAuditor)

func newAuditor() (*openapi.Auditor, error) {
	docs, err := documents()
	if err != nil {
		return nil, err
	}
	return docs.Audit(append(deviations(), official.Deviations()...)), nil
}

// Audited holds every exchange with a simulator to the vendor's documents,
// where these are at hand.
func Audited(t *testing.T, sim http.Handler) http.Handler {
	t.Helper()
	if !official.Folder().There() {
		return sim // TestLargeAgainstTheDocuments says so
	}
	a, err := auditor()
	if err != nil {
		t.Fatal(err)
	}
	return a.Handler(sim, t.Errorf)
}

// operations are those that the connector uses. A new one must be added here,
// and be exercised by useAll.
func operations() []string {
	return []string{
		"DELETE v1 /webhooks/{id}",
		"GET v1 /activityTypes",
		"GET v1 /deals/{id}/changelog",
		"GET v1 /leads",
		"GET v1 /leads/archived",
		"GET v1 /leads/{id}",
		"GET v1 /notes",
		"GET v1 /notes/{id}",
		"GET v1 /users",
		"GET v1 /users/me",
		"GET v1 /users/{id}",
		"GET v1 /webhooks",
		"GET v2 /activities",
		"GET v2 /activities/{id}",
		"GET v2 /activityFields",
		"GET v2 /dealFields",
		"GET v2 /dealFields/{field_code}",
		"GET v2 /deals",
		"GET v2 /deals/archived",
		"GET v2 /deals/products",
		"GET v2 /deals/{id}",
		"GET v2 /organizationFields",
		"GET v2 /organizationFields/{field_code}",
		"GET v2 /organizations",
		"GET v2 /organizations/{id}",
		"GET v2 /personFields",
		"GET v2 /personFields/{field_code}",
		"GET v2 /persons",
		"GET v2 /persons/{id}",
		"GET v2 /pipelines",
		"GET v2 /pipelines/{id}",
		"GET v2 /productFields",
		"GET v2 /productFields/{field_code}",
		"GET v2 /products",
		"GET v2 /products/{id}",
		"GET v2 /stages",
		"GET v2 /stages/{id}",
		"PATCH v1 /leads/{id}",
		"PATCH v2 /activities/{id}",
		"PATCH v2 /dealFields/{field_code}",
		"PATCH v2 /deals/{id}",
		"PATCH v2 /organizationFields/{field_code}",
		"PATCH v2 /personFields/{field_code}",
		"PATCH v2 /pipelines/{id}",
		"PATCH v2 /productFields/{field_code}",
		"PATCH v2 /stages/{id}",
		"POST v1 /notes",
		"POST v1 /webhooks",
		"POST v2 /activities",
		"POST v2 /dealFields",
		"POST v2 /dealFields/{field_code}/options",
		"POST v2 /organizationFields",
		"POST v2 /organizationFields/{field_code}/options",
		"POST v2 /personFields",
		"POST v2 /personFields/{field_code}/options",
		"POST v2 /pipelines",
		"POST v2 /productFields",
		"POST v2 /productFields/{field_code}/options",
		"POST v2 /stages",
		"PUT v1 /notes/{id}",
	}
}

// deviations are those of our requests and of answers that the simulator's own
// test does not look at, in addition to official.Deviations. One that no
// exchange of TestLargeAgainstTheDocuments needs fails it.
func deviations() []openapi.Deviation {
	const refusal = "the documents describe no refusals; the guides do (fact sheet 1.2 and 1.3), and their envelope is checked"
	return []openapi.Deviation{
		{Path: `^GET v1 /leads(/archived)? \?sort$`, Kind: "enum", Reason: "the enumeration holds the fields only, the description a field and its direction: 'update_time ASC'"},
		{Path: `^GET v2 /deals(/archived|/{id})? /data/(\d+/)?(products_count|first_won_time)$`, Kind: "extra", Reason: "asked for by include_fields, which the schema of the answer leaves out"},
		{Path: `^GET v[12] /\w+ 401$`, Kind: "status", Reason: refusal + "; any operation refuses wrong credentials alike"},
		{Path: `^GET v[12] /\w+ 429$`, Kind: "status", Reason: refusal + "; any operation may be over the quota"},
		{Path: `^GET v1 /users/me /error_info$`, Kind: "extra", Reason: "the one 401 that is described lacks it; all errors of the API have it (fact sheet 1.3)"},
		{Path: `^GET v2 /activityFields 403$`, Kind: "status", Reason: refusal},
		{Path: `^GET v1 /webhooks 403$`, Kind: "status", Reason: refusal},
		{Path: `^GET v2 /\w+(/archived)? 400$`, Kind: "status", Reason: "a cursor that has grown too old, of which the documents say nothing; any list may meet one"},
		{Path: `^GET v2 /(deals|persons|organizations|activities|products|stages|pipelines)/{id} 404$|^GET v2 /dealFields/{field_code} 404$`, Kind: "status", Reason: refusal},
		{Path: `^(PATCH|POST|PUT) v[12] /\w+(/{\w+})?(/options)? (400|404)$`, Kind: "status", Reason: refusal + "; any write may be refused"},
		{Path: `^PATCH v1 /leads/{id} body /[0-9a-f]{40}\w*$`, Kind: "extra", Reason: "a lead's custom fields are written as they are read: flat among its keys (the document's description of the operation)"},
		{Path: `^GET v1 /(notes/{id}|deals/{id}/changelog) 404$`, Kind: "status", Reason: refusal},
	}
}

// TestLargeAgainstTheDocuments uses all abilities, with rights and without, over a
// simulator; every request and answer is held to the vendor's documents.
func TestLargeAgainstTheDocuments(t *testing.T) {
	t.Parallel()
	official.Folder().Need(t)
	a, err := newAuditor() // of its own: it counts what it has seen
	if err != nil {
		t.Fatal(err)
	}
	s := simulate(t, vendor.Options{Token: "t"})
	if err := s.sim.Generate(1, vendor.ScaleOf(700)); err != nil { // more than a page of each
		t.Fatal(err)
	}
	s.through = a.Handler(s.sim, t.Errorf)
	useAll(t, s)
	writeAll(t, s)
	s.provokeRefusals(t, a)
	if diff := cmp.Diff(operations(), a.Seen()); diff != "" {
		t.Errorf("operations exercised (-listed +seen):\n%s", diff)
	}
	for _, d := range a.Unused() {
		if slices.Contains(deviations(), d) { // the others are the simulator's test's
			t.Errorf("the deviation %s (%s) excuses nothing any more: remove it", d.Path, d.Kind)
		}
	}
}

// provokeRefusals: a cursor that is no more, a wrong token, a spent quota, a user
// without rights.
func (s *simulated) provokeRefusals(t *testing.T, a *openapi.Auditor) {
	t.Helper()
	_, _, err := pull(t, s.Connector, persons, `{"v":1,"walk":{"begun":true,"next":"nonsense","restarts":1}}`)
	if fault.KindOf(err) != fault.Gone {
		t.Errorf("a cursor that is no more: %v", err)
	}
	wrong := simulate(t, vendor.Options{Token: "another"})
	wrong.through = a.Handler(wrong.sim, t.Errorf)
	if _, _, err := pull(t, wrong.Connector, deals, ""); fault.KindOf(err) != fault.Auth {
		t.Errorf("a wrong token: %v", err)
	}
	if _, err := wrong.Check(t.Context()); fault.KindOf(err) != fault.Auth {
		t.Errorf("a wrong token: %v", err)
	}
	spent := simulate(t, vendor.Options{Limits: vendor.Limits{Burst: 1, DailyTokens: 30_000}})
	spent.through = a.Handler(spent.sim, t.Errorf)
	if _, err := spent.Check(t.Context()); fault.KindOf(err) != fault.Limited {
		t.Errorf("a spent quota: %v", err)
	}
	plain := simulate(t, vendor.Options{TokenUsers: map[string]int64{"t": someUser(t)}})
	plain.through = a.Handler(plain.sim, t.Errorf)
	if err := plain.sim.Generate(1, vendor.ScaleOf(10)); err != nil {
		t.Fatal(err)
	}
	if _, err := plain.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
}
