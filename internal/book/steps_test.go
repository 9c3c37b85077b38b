package book

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestVerdictsNameTheStepThatBrokeTheRule on random histories: rules about moves,
// wins and losses name a step that happened when they broke, and no others do.
func TestVerdictsNameTheStepThatBrokeTheRule(t *testing.T) {
	t.Parallel()
	c := compiled(t, "testdata/verdicts.yaml")
	states := []Rule{FirstResponse, DeletedOpen, ArchivedOpen}
	ends, seen := map[string]int{}, map[Rule]int{}
	for seed := range uint64(2000) {
		rng := rand.New(rand.NewPCG(seed, 13))
		f := history(rng, c)
		now := f.Added.Add(time.Duration(rng.IntN(70*24*60)) * time.Minute)
		steps := c.Steps(f, now)
		for i, s := range steps {
			ends[s.End]++
			if s.At.After(now) || i > 0 && (s.Number <= steps[i-1].Number || s.At.Before(steps[i-1].At)) || s.By != f.Owner {
				t.Fatalf("seed %d: %+v", seed, steps)
			}
		}
		for _, v := range c.Judge(f, now).Verdicts {
			about := !stands(v.Rule) && !slices.Contains(states, v.Rule)
			if about != (v.Step != 0) {
				t.Fatalf("seed %d: %s has step %d", seed, v.Rule, v.Step)
			}
			if !about {
				continue
			}
			seen[v.Rule]++
			withdrawn := func(s Step) bool { return v.Rule == LossApproval && v.Opened.After(s.At) } // somebody agreed to the loss and took it back
			if !slices.ContainsFunc(steps, func(s Step) bool { return s.Number == v.Step && (s.At.Equal(v.Opened) || withdrawn(s)) }) {
				t.Fatalf("seed %d: %s broke at %v by step %d, which is none of %+v", seed, v.Rule, v.Opened, v.Step, steps)
			}
		}
	}
	if len(ends) != 3 || len(seen) < 14 {
		t.Errorf("steps %v and rules %v prove little", ends, seen)
	}
}

// TestSteps: what counts as a step, and where.
func TestSteps(t *testing.T) {
	t.Parallel()
	c := compiled(t, "testdata/verdicts.yaml")
	at := func(hour int) time.Time { return time.Date(2026, 11, 2, hour, 0, 0, 0, time.UTC) }
	f := &Facts{Owner: "own@x.pl", Moves: []Move{
		{At: at(8), Stage: "main/Lead"}, {At: at(9), Stage: "main/Lead"}, {At: at(10), Stage: "main/Demo", By: "ben@x.pl"}, {At: at(11), Stage: "of no book"},
		{At: at(12), Stage: "loose/A"}, {At: at(13), Stage: "loose/B"}, {At: at(13), Stage: "main/Lead"}, {At: at(20), Stage: "main/Demo"},
	}, Lost: at(15), Reason: "x"}
	want := []Step{
		{3, at(10), "", "main/lead", "ben@x.pl"}, {5, at(12), "", "loose/a", "own@x.pl"}, {6, at(13), "", "loose/a", "own@x.pl"}, {7, at(13), "", "loose/b", "own@x.pl"},
		{9, at(15), "lost", "main/lead", "own@x.pl"},
	}
	if d := cmp.Diff(want, c.Steps(f, at(16))); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if d := cmp.Diff(want[:2], c.Steps(f, at(13).Add(-1))); d != "" {
		t.Errorf("before the third (-want +got)\n%s", d)
	}
	f.Lost, f.Deleted = time.Time{}, at(15)
	if d := cmp.Diff(want[:4], c.Steps(f, at(16))); d != "" {
		t.Errorf("deleted (-want +got)\n%s", d)
	}
}

// TestAccepts tells reasons from other texts.
func TestAccepts(t *testing.T) {
	t.Parallel()
	with, without := compiled(t, "testdata/verdicts.yaml"), compiled(t, "testdata/known.yaml")
	for text, want := range map[string][2]bool{"No contact": {true, true}, "  no  CONTACT ": {true, true}, "No time": {false, true}, "": {false, false}, "x": {false, true}} {
		if got := [2]bool{with.Accepts(&Facts{Reason: text}), without.Accepts(&Facts{Reason: text})}; got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}
