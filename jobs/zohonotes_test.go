package jobs_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
	vendor "salesbook.dev/internal/sandbox/zoho"
	"salesbook.dev/jobs"
)

// TestZohoNotesThatNoListHolds: more notes of one second than a list reaches cannot be
// read. All else is read, judged and proven.
func TestZohoNotesThatNoListHolds(t *testing.T) {
	t.Parallel()
	a := connectZohoWith(t, vendor.Options{ListReach: 200})
	var lines bytes.Buffer
	add := func(object string, record map[string]any) {
		if err := json.NewEncoder(&lines).Encode(map[string]any{"object": object, "record": record}); err != nil {
			t.Fatal(err)
		}
	}
	const deal = "3652397000010000000"
	add("Deals", map[string]any{"id": deal, "Deal_Name": "Сделка", "Stage": "Qualification", "Created_Time": "2026-11-01T12:00:00Z"})
	for i := range 401 {
		add("Notes", map[string]any{"Note_Content": fmt.Sprintf("Notatka %d", i), "Parent_Id": map[string]any{"id": deal}, "Created_Time": "2026-11-01T12:00:00Z"})
	}
	a.seed(t, lines.Bytes())
	spent := a.zoho.Spent()
	complete, err := a.Pull(t.Context(), a.ws, a.conn, jobs.PullOptions{})
	if complete || fault.KindOf(err) != fault.Invalid || !strings.Contains(fmt.Sprint(err), "Notes") || strings.Contains(fmt.Sprint(err), "Deals") {
		t.Fatalf("complete %v, error %v, want notes refused and nothing else", complete, err)
	}
	if n := a.zoho.Spent() - spent; n > 60 {
		t.Errorf("it took %d credits", n)
	}
	a.in(t, func(tx pgx.Tx) error {
		c, err := postgres.ConnectionByID(t.Context(), tx, a.ws, a.conn)
		if c.ReadAt == nil {
			t.Error("nothing is judged")
		}
		return err
	})
	if _, err := a.Sweep(t.Context(), a.ws, a.conn, jobs.SweepOptions{}); err != nil {
		t.Fatal(err)
	}
	proofs := a.proofs(t)
	if p, proven := proofs["Deals"]; !proven || p.Figures.Drift() != 0 {
		t.Errorf("the proof of deals is %+v (%v) among %d", p, proven, len(proofs))
	}
	if _, proven := proofs["Notes"]; proven {
		t.Error("notes are proven, which were never read whole")
	}
}
