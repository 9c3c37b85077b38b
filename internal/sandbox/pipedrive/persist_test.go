package pipedrive

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/internal/sandbox"
)

// snapshot is the whole truth, by object and id.
func snapshot(s *Sim) map[string]map[string]string {
	out := map[string]map[string]string{}
	for _, o := range s.Objects() {
		out[o] = map[string]string{}
		for r := range s.Truth(o) {
			out[o][r.ID] = string(r.JSON)
		}
	}
	return out
}

// reopen ends a simulator and starts another on its directory.
func reopen(t *testing.T, s *Sim, o Options) *Sim {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	next, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return next
}

func TestNextOpenGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	clock := sandbox.NewManual(noon())
	o := Options{Dir: filepath.Join(t.TempDir(), "sim"), Clock: clock, Limits: Limits{DailyTokens: 1000}}
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	if !s.Empty() {
		t.Error("a new account is not empty")
	}
	if err := s.Generate(1, ScaleOf(100)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Trickle(rand.New(rand.NewPCG(1, 1)), 200); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Do(1, "POST", "/v1/webhooks", object{"subscription_url": "https://x.example.com", "event_action": "*", "event_object": "*", "name": "n"}); err != nil {
		t.Fatal(err)
	}
	s.quota.take(s.Now(), identity{token: "x"}, route{cost: 40}, map[string][]string{})
	want := snapshot(s)

	s = reopen(t, s, o)
	if diff := cmp.Diff(want, snapshot(s)); diff != "" {
		t.Errorf("after the first restart (-want +got):\n%.3000s", diff)
	}
	if s.Empty() || len(s.webhooks.rows) != 1 || s.Spent() != 40 {
		t.Errorf("empty %v, %d webhooks, %d tokens spent; want false, 1 and 40", s.Empty(), len(s.webhooks.rows), s.Spent())
	}
	before := len(s.leads.byKey)
	for range 50 {
		if _, err := s.Do(1, "POST", "/v1/leads", object{"title": "x", "person_id": 1}); err != nil {
			t.Fatal(err)
		}
	}
	if got := len(s.leads.byKey) - before; got != 50 {
		t.Errorf("50 leads made after the restart have %d new ids", got)
	}
	s.mu.Lock()
	if err := s.compact(); err != nil {
		t.Fatal(err)
	}
	s.mu.Unlock()
	want = snapshot(s)
	s = reopen(t, s, o)
	if diff := cmp.Diff(want, snapshot(s)); diff != "" {
		t.Errorf("after compaction and restart (-want +got):\n%.3000s", diff)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestKilledInAWriteLosesNoMoreThanThatWrite(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	o := Options{Dir: dir, Clock: sandbox.NewManual(noon())}
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, title := range []string{"first", "second"} {
		if _, err := s.Do(1, "POST", "/api/v2/deals", object{"title": title}); err != nil {
			t.Fatal(err)
		}
	}
	tails, err := filepath.Glob(filepath.Join(dir, "tail.*"))
	if err != nil || len(tails) != 1 {
		t.Fatalf("tails %v: %v", tails, err)
	}
	whole, err := os.ReadFile(tails[0]) // before Close writes the spent tokens behind
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(tails[0], whole[:len(whole)-5], 0o600); err != nil {
		t.Fatal(err)
	}
	s, err = Open(o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if len(s.deals.rows) != 1 || s.deals.find(1).Title != "first" {
		t.Errorf("%d deals are left, want the first alone", len(s.deals.rows))
	}
}

func TestDamagedEntryIsToldNotSwallowed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j, err := sandbox.OpenJournal(dir, func([]byte) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Append([]byte{opPut, 3, 'x', 'y', 'z'}); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Options{Dir: dir}); err == nil {
		t.Error("an entry for an unknown table was accepted")
	}
}

// BenchmarkRestart measures how long the demonstration's company takes to be
// there again after a restart.
func BenchmarkRestart(b *testing.B) {
	o := Options{Dir: b.TempDir()}
	s, err := Open(o)
	if err != nil {
		b.Fatal(err)
	}
	if err := s.Generate(1, ScaleOf(FullScale)); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		if s, err = Open(o); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}
