package jobs_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

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
	a.seed(t, notesOf(t, 401, func(int) int { return 0 }))
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

// TestZohoNotesBeyondTheReachOfAList are read and proven, each once.
func TestZohoNotesBeyondTheReachOfAList(t *testing.T) {
	t.Parallel()
	a := connectZohoWith(t, vendor.Options{ListReach: 200})
	a.seed(t, notesOf(t, 650, func(i int) int { return i / 50 }))
	a.pull(t)
	if n := one[int](t, a.bundle, `SELECT count(*) FROM notes WHERE deleted_at IS NULL`); n != 650 {
		t.Errorf("%d notes are here, want 650", n)
	}
	proofs := a.sweep(t, jobs.SweepOptions{Object: "Notes"})
	if f := proofs["Notes"].Figures; f.Drift() != 0 || f.There.Count != 650 || f.Here.Count != 650 {
		t.Errorf("the proof of notes: %+v", f)
	}
}

// notesOf are a deal and so many notes on it, each of a second.
func notesOf(t *testing.T, n int, second func(i int) int) []byte {
	t.Helper()
	var lines bytes.Buffer
	add := func(object string, record map[string]any) {
		if err := json.NewEncoder(&lines).Encode(map[string]any{"object": object, "record": record}); err != nil {
			t.Fatal(err)
		}
	}
	const deal = "3652397000010000000"
	add("Deals", map[string]any{"id": deal, "Deal_Name": "Сделка", "Stage": "Qualification", "Created_Time": "2026-11-01T12:00:00Z"})
	for i := range n {
		at := time.Date(2026, 11, 1, 12, 0, second(i), 0, time.UTC).Format(time.RFC3339)
		add("Notes", map[string]any{"Note_Content": fmt.Sprintf("Notatka %d", i), "Parent_Id": map[string]any{"id": deal}, "Created_Time": at})
	}
	return lines.Bytes()
}
