package zoho

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/internal/sandbox/clienttest"
)

// seenDeal is a deal as the official client reads it.
type seenDeal struct {
	ID, Name, Stage, Owner string
	Amount                 json.Number
}

// TestOfficialClient drives the simulator with the vendor's own library for
// Node, so that it cannot drift into what suits only our connector.
func TestOfficialClient(t *testing.T) {
	t.Parallel()
	dir := clienttest.Install(t, "zoho")
	b := setup(t, Options{RefreshToken: "standing"})
	if err := b.Generate(3, ScaleOf(120)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "proof.mjs", b.url, "standing", dir)
	cmd.Dir = dir
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("the official client failed: %v\n%s", err, stderr.String())
	}
	var got struct {
		Counts  map[string]int
		Deals   []seenDeal
		Users   int
		Queried int
		Stages  map[string][]string
		Fields  []string
		Account string
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	if diff := cmp.Diff(b.dealsByID(), got.Deals); diff != "" {
		t.Errorf("deals read by the client (-truth +got):\n%s", diff)
	}
	counts := map[string]int{}
	for object := range got.Counts {
		counts[object], _ = b.Count(object)
	}
	counts["Accounts"]-- // the client made one more afterwards
	if diff := cmp.Diff(counts, got.Counts); diff != "" {
		t.Errorf("records listed by the client (-truth +got):\n%s", diff)
	}
	if live, _ := b.Count("Deals"); got.Queried != live || got.Users != 30 {
		t.Errorf("%d deals by a query, %d users; want %d and 30", got.Queried, got.Users, live)
	}
	if types := got.Stages["Oprogramowanie B2B"]; !slices.Contains(types, "Closed Won") || !slices.Contains(types, "Closed Lost") {
		t.Errorf("forecast types %v", got.Stages)
	}
	if !slices.Contains(got.Fields, "Reason_For_Loss__s") {
		t.Errorf("fields of deals %v", got.Fields)
	}
	if r := b.tables["Accounts"].find(got.Account); r == nil || r.text("Account_Name") != "Źródło «Север»" {
		t.Errorf("the account that the client made is %v", r)
	}
}

// dealsByID are the living deals, the latest first, as the client's list has them.
func (b *bundle) dealsByID() []seenDeal {
	var out []seenDeal
	for _, r := range b.tables["Deals"].rows {
		amount, _ := r.values["Amount"].(json.Number)
		out = append(out, seenDeal{r.key(), r.text("Deal_Name"), r.text("Stage"), r.text("Owner"), amount})
	}
	slices.Reverse(out)
	return out
}
