package zoho

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/internal/sandbox"
)

// allOf is the whole truth, as text.
func allOf(s *Sim) map[string][]string {
	out := map[string][]string{}
	for _, object := range s.Objects() {
		for r := range s.Truth(object) {
			line := r.ID + " " + string(r.JSON)
			if r.Deleted {
				line += " gone into " + r.Into
			}
			out[object] = append(out[object], line)
		}
		slices.Sort(out[object])
	}
	return out
}

// TestRestart: everything is there again after a kill, a torn last entry is dropped,
// and ids go on.
func TestRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	clock := sandbox.NewManual(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC))
	open := func() *Sim {
		t.Helper()
		s, err := Open(Options{Dir: dir, Clock: clock, RefreshToken: "standing"})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	do := func(s *Sim, method, path string, record object) string {
		t.Helper()
		out, err := s.Do("", method, path, object{"data": []object{record}})
		if err != nil {
			t.Fatal(err)
		}
		return idIn(t, out)
	}
	s := open()
	account := do(s, "POST", "/crm/v8/Accounts", object{"Account_Name": "Ж", "Annual_Revenue": 0.1})
	deal := do(s, "POST", "/crm/v8/Deals", object{"Deal_Name": "D", "Stage": "Qualification", "Amount": 1054.5, "Account_Name": object{"id": account}})
	do(s, "PUT", "/crm/v8/Deals/"+deal, object{"Stage": "Closed Won"})
	gone := do(s, "POST", "/crm/v8/Leads", object{"Last_Name": "L", "Company": "C"})
	if _, err := s.Do("", "DELETE", "/crm/v8/Leads/"+gone, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Do("", "POST", "/crm/v8/actions/watch", object{"watch": []object{{"channel_id": "7", "events": []string{"Deals.all"}, "notify_url": "https://example.com"}}}); err != nil {
		t.Fatal(err)
	}
	if err := s.AddBlueprint("", "B", Transition{Name: "T", From: []string{"Qualification"}, To: "Closed Won"}); err != nil {
		t.Fatal(err)
	}
	want := allOf(s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	tear(t, dir)
	s = open()
	if diff := cmp.Diff(want, allOf(s)); diff != "" {
		t.Errorf("after a restart (-before +after):\n%s", diff)
	}
	if len(s.Channels()) != 1 || len(s.settings.Blueprints) != 1 || s.Empty() {
		t.Errorf("channels %v, %d blueprints", s.Channels(), len(s.settings.Blueprints))
	}
	if next := do(s, "POST", "/crm/v8/Leads", object{"Last_Name": "M", "Company": "C"}); next <= gone {
		t.Errorf("id %s after %s", next, gone)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// tear leaves half an entry at the end, as a kill in the midst of a write does.
func tear(t *testing.T, dir string) {
	t.Helper()
	tails, err := filepath.Glob(filepath.Join(dir, "tail.*"))
	if err != nil || len(tails) != 1 {
		t.Fatalf("tails %v, %v", tails, err)
	}
	f, err := os.OpenFile(tails[0], os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte{200, 0, 0, 0, 1, 2, 3, 4, '{'}); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestFailedChangeLeavesNothing: a change that fails in the midst is undone.
func TestFailedChangeLeavesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{})
	b.sell(2)
	before := allOf(b.Sim)
	next := b.next
	if err := b.AddBlueprint("", "B", Transition{Name: "T", From: []string{"Dragon"}, To: "Closed Won"}); err == nil {
		t.Error("a blueprint of a stage that there is not was taken")
	}
	rows := b.tables["Deals"].rows
	err := b.write("", func(t *tx) error {
		t.put("Deals", rows[0], rows[0].with(values{"Deal_Name": "changed"}))
		t.put("Deals", rows[1], nil)
		return os.ErrInvalid
	})
	if err == nil {
		t.Fatal("the change did not fail")
	}
	if diff := cmp.Diff(before, allOf(b.Sim)); diff != "" || b.next != next {
		t.Errorf("next id %d, want %d (-before +after):\n%s", b.next, next, diff)
	}
}
