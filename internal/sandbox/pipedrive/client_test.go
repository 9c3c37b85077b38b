package pipedrive

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/internal/sandbox/clienttest"
)

// TestOfficialClient drives the simulator with the vendor's own library for
// Node, so that it cannot drift into what suits only our connector.
func TestOfficialClient(t *testing.T) {
	t.Parallel()
	dir := clienttest.Install(t, "pipedrive")
	b := setup(t, Options{Token: "secret-token", OAuth: OAuth{AutoConsent: true}})
	b.token = "secret-token"
	if err := b.Generate(3, ScaleOf(120)); err != nil {
		t.Fatal(err)
	}
	want := b.clientCounts()
	var events, unauthorized atomic.Int64
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		events.Add(1)
		if user, pass, _ := r.BasicAuth(); user != "u" || pass != "p" {
			unauthorized.Add(1)
		}
	}))
	t.Cleanup(receiver.Close)

	cmd := exec.CommandContext(t.Context(), "node", "proof.mjs", b.url, b.token, receiver.URL)
	cmd.Dir = dir
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("the official client failed: %v\n%s", err, stderr.String())
	}
	var got struct {
		Counts        map[string]int
		CompanyDomain string
		Deal          object
		IDs           map[string]int64
		OAuthDeals    int
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	if diff := cmp.Diff(want, got.Counts); diff != "" {
		t.Errorf("records listed by the client (-want +got):\n%s", diff)
	}
	if got.CompanyDomain != b.opt.Company.Domain || got.OAuthDeals != 1 {
		t.Errorf("company domain %q, deals by OAuth %d; want %q and 1", got.CompanyDomain, got.OAuthDeals, b.opt.Company.Domain)
	}
	if r := b.deals.get(got.IDs["deal"]); r == nil || !r.is(flagDeleted) {
		t.Errorf("the deal that the client deleted is not deleted")
	}
	if name := b.persons.get(got.IDs["person"]).name(); name != "Фёдор Ёлкин-Младший" {
		t.Errorf("the person that the client renamed is called %q", name)
	}
	if err := b.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if events.Load() < 15 || unauthorized.Load() > 0 {
		t.Errorf("%d webhook deliveries, %d without the right credentials; want at least 15 and 0", events.Load(), unauthorized.Load())
	}
}

// clientCounts is what the lists of the proof must find.
func (b *bundle) clientCounts() map[string]int {
	out := map[string]int{}
	for _, object := range []string{"persons", "organizations", "activities", "products", "pipelines", "stages", "dealFields", "personFields", "users"} {
		out[object], _, _ = b.Count(object)
	}
	liveDeals, archived, _ := b.Count("deals")
	out["deals"], out["archivedDeals"] = liveDeals-archived, archived
	liveLeads, archivedLeads, _ := b.Count("leads")
	out["leads"] = liveLeads - archivedLeads
	return out
}
