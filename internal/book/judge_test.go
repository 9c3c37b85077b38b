package book

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
)

func compiled(t testing.TB, file string) *Compiled {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Parse(file, text)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Compile(b, b.imagined())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// history makes a deal or lead to which things happened at random within sixty
// days around a change of the clock, with ties.
func history(rng *rand.Rand, c *Compiled) *Facts {
	start := time.Date(2026, 10, 1, 6, 0, 0, 0, time.UTC)
	at := func() time.Time { return start.Add(time.Duration(rng.IntN(60*24*4)) * 15 * time.Minute) }
	f := &Facts{ID: "1", Added: start.Add(time.Duration(rng.IntN(1000)) * time.Minute), Owner: []string{"", "hunter@x.pl", "closer@x.pl"}[rng.IntN(3)],
		OwnerLeft: rng.IntN(5) == 0, Currency: "PLN", Status: "open", Lead: rng.IntN(5) == 0, Fields: map[string]string{}}
	later := func() time.Time {
		if t := at(); t.After(f.Added) {
			return t
		}
		return f.Added
	}
	for _, name := range []string{"budget", "who decides", "partner", "channel", "size"} {
		if rng.IntN(2) == 0 {
			f.Fields[name] = []string{"5", "yes", "slow"}[rng.IntN(3)]
		}
		if rng.IntN(2) == 0 {
			f.Past = append(f.Past, Change{At: later(), Field: name, Old: []string{"", "4"}[rng.IntN(2)]})
		}
	}
	if rng.IntN(2) == 0 {
		f.Past = append(f.Past, Change{At: later(), Field: "owner", Old: []string{"", "hunter@x.pl"}[rng.IntN(2)]})
	}
	slices.SortStableFunc(f.Past, func(a, b Change) int { return a.At.Compare(b.At) })
	if rng.IntN(2) == 0 {
		amount := decimal.NewFromInt([]int64{0, 2000, 20_000}[rng.IntN(3)])
		f.Amount = &amount
	}
	if len(c.rates) > 0 {
		f.Currency = []string{"PLN", "EUR", "USD", "GBP"}[rng.IntN(4)]
	}
	if rng.IntN(3) == 0 {
		f.Close = new(dateOf(at()))
	}
	for i := range rng.IntN(8) {
		a := Activity{ID: fmt.Sprint(i), Type: []string{"call", "meeting", "task", "email"}[rng.IntN(4)], Subject: "contract", Added: later(), Due: at(), Ours: rng.IntN(8) == 0}
		if rng.IntN(2) == 0 {
			a.Done = a.Added.Add(time.Duration(rng.IntN(100)) * time.Hour)
		}
		f.Activities = append(f.Activities, a)
	}
	for i := range rng.IntN(3) {
		f.Notes = append(f.Notes, Note{ID: fmt.Sprint(i), At: later(), Letters: 5})
	}
	slices.SortStableFunc(f.Notes, func(a, b Note) int { return a.At.Compare(b.At) })
	if f.Lead {
		return f
	}
	fn := &c.Book.Funnels[rng.IntN(len(c.Book.Funnels))]
	f.Moves = []Move{{At: f.Added, Stage: fn.imaginedID(fn.Stages[rng.IntN(len(fn.Stages))].Name)}}
	for range rng.IntN(4) {
		f.Moves = append(f.Moves, Move{At: later(), Stage: fn.imaginedID(fn.Stages[rng.IntN(len(fn.Stages))].Name)})
	}
	slices.SortStableFunc(f.Moves, func(a, b Move) int { return a.At.Compare(b.At) })
	for n := len(f.Moves); n > 1 && rng.IntN(3) == 0; n = len(f.Moves) { // the last is taken back, and maybe done again
		at := f.Moves[n-1].At.Add(time.Duration(rng.IntN(200)) * time.Hour)
		f.Moves = append(f.Moves, Move{At: at, Stage: f.Moves[n-2].Stage, Ours: true})
		if rng.IntN(2) == 0 {
			f.Moves = append(f.Moves, Move{At: at.Add(time.Duration(rng.IntN(100)) * time.Hour), Stage: f.Moves[n-1].Stage})
		}
	}
	last := f.Moves[len(f.Moves)-1].At
	switch rng.IntN(8) {
	case 0:
		f.Won = last.Add(time.Hour)
	case 1:
		f.Lost, f.Reason = last.Add(time.Hour), []string{"", "no contact", "Budget too low", "No time", "x"}[rng.IntN(5)]
		for range rng.IntN(3) {
			f.Approvals = append(f.Approvals, approval(rng, f))
		}
	case 2:
		f.Deleted = last.Add(time.Hour)
	case 3:
		f.Archived = last.Add(time.Hour)
	case 4:
		f.Snoozes = []Snooze{{From: last, Until: last.Add(100 * time.Hour)}}
	}
	return f
}

// approval is a decision about a lost deal at random: of this loss, of another
// or of one to come, for its reason or another, and taken back or not.
func approval(rng *rand.Rand, f *Facts) Approved {
	a := Approved{At: f.Lost.Add(time.Duration(rng.IntN(100)-50) * time.Hour), Reason: []string{f.Reason, "budget TOO low", "no contact"}[rng.IntN(3)],
		Loss: []time.Time{{}, f.Lost, f.Added}[rng.IntN(3)]}
	if rng.IntN(2) == 0 {
		a.Withdrawn = a.At.Add(time.Duration(rng.IntN(100)) * time.Hour)
	}
	return a
}

// causes are what tells violations apart, with when they were mended.
func causes(j Judgement) []string {
	var out []string
	for i := range j.Verdicts {
		v := &j.Verdicts[i]
		out = append(out, v.Cause()+"|"+v.Mended.UTC().Format(time.RFC3339)+"|"+v.Cannot)
	}
	slices.Sort(out)
	return out
}

// nothingHappens is the first instant after now at which something does.
func nothingHappens(f *Facts, now time.Time) time.Time {
	j := judge{f: f}
	var next time.Time
	all := slices.Concat(j.happened(), []time.Time{f.Won, f.Lost, f.Deleted, f.Archived})
	for _, s := range f.Snoozes {
		all = append(all, s.From)
	}
	for _, a := range f.Approvals {
		all = append(all, a.At, a.Withdrawn)
	}
	for _, t := range all {
		if t.After(now) {
			next = sooner(next, t)
		}
	}
	return next
}

// TestLargeNothingChangesBeforeNextDue: what a judgement says holds until it is due,
// unless something happens.
func TestLargeNothingChangesBeforeNextDue(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"testdata/verdicts.yaml", "testdata/known.yaml", "testdata/rollout.yaml", "testdata/rates.yaml"} {
		c := compiled(t, file)
		for seed := range uint64(2500) {
			rng := rand.New(rand.NewPCG(seed, 7))
			f := history(rng, c)
			now := f.Added.Add(time.Duration(rng.IntN(70*24*60)-2*24*60) * time.Minute) // a CRM's clock may be ahead of ours
			j := c.Judge(f, now)
			until := sooner(j.NextDue, nothingHappens(f, now))
			if until.IsZero() {
				until = now.AddDate(0, 6, 0)
			}
			if !until.After(now) {
				t.Fatalf("seed %d: due at %v, which is not after %v", seed, until, now)
			}
			for range 4 {
				at := now.Add(time.Duration(rng.Int64N(int64(until.Sub(now)))))
				if d := cmp.Diff(causes(j), causes(c.Judge(f, at))); d != "" {
					t.Fatalf("%s, seed %d: judged at %v and due at %v, but at %v it is (-before +then):\n%s\n%+v", file, seed, now, j.NextDue, at, d, f)
				}
			}
		}
	}
}

// TestLargeViolationsOpenWhenTheRuleBreaks: at the instant a violation opened it is
// there, and just before it is not.
func TestLargeViolationsOpenWhenTheRuleBreaks(t *testing.T) {
	t.Parallel()
	seen := map[Rule]int{}
	for _, file := range []string{"testdata/verdicts.yaml", "testdata/known.yaml", "testdata/rates.yaml"} {
		c := compiled(t, file)
		for seed := range uint64(2500) {
			rng := rand.New(rand.NewPCG(seed, 9))
			f := history(rng, c)
			now := f.Added.Add(time.Duration(rng.IntN(70*24*60)) * time.Minute)
			for _, v := range c.Judge(f, now).Verdicts {
				seen[v.Rule]++
				if v.Opened.After(now) {
					t.Fatalf("seed %d: %s opens at %v, after %v", seed, v.Rule, v.Opened, now)
				}
				if len(f.Snoozes) > 0 || v.Rule == OwnerLeft { // decisions and present values have no history
					continue
				}
				has := func(at time.Time) bool {
					return slices.ContainsFunc(c.Judge(f, at).Verdicts, func(o Verdict) bool {
						return o.Rule == v.Rule && o.Detail == v.Detail && o.Opened.Equal(v.Opened)
					})
				}
				if !has(v.Opened) {
					t.Fatalf("%s, seed %d: %s %s opened at %v, but is not there then; seen at %v\n%+v", file, seed, v.Rule, v.Detail, v.Opened, now, f)
				}
				if !v.Opened.After(f.Added) {
					continue
				}
				for _, o := range c.Judge(f, v.Opened.Add(-time.Microsecond)).Verdicts {
					if o.Rule == v.Rule && o.Detail == v.Detail && (o.Opened.Equal(v.Opened) || stands(v.Rule) && v.Mended.IsZero() && o.Mended.IsZero()) {
						t.Fatalf("%s, seed %d: %s %s opened at %v, but is there before, since %v; seen at %v\n%+v", file, seed, v.Rule, v.Detail, v.Opened, o.Opened, now, f)
					}
				}
			}
		}
	}
	var never []string
	for _, r := range Rules() {
		if seen[r] == 0 {
			never = append(never, string(r))
		}
	}
	if len(never) > 0 {
		t.Errorf("random histories never break %s", strings.Join(never, ", "))
	}
}

// stands tells rules about a state from those about an event, of which the same
// may happen twice.
func stands(r Rule) bool {
	events := []Rule{SkippedStage, MovedBack, EntryCriteria, ExitCriteria, TaskNotDone, "spoken", LossWithoutReason, LossReasonUnknown, LossReasonRefused,
		LossTooEarly, LossCriteria, LossFacts, LossApproval, WonCriteria, WonTooEarly, WonWithoutAmount, DeletedOpen, ArchivedOpen, FirstResponse}
	return !slices.Contains(events, r)
}

// BenchmarkJudge judges a deal with twenty activities by some thirty rules.
func BenchmarkJudge(b *testing.B) {
	c := compiled(b, "examples/developer.yaml")
	rng := rand.New(rand.NewPCG(1, 1))
	fn := &c.Book.Funnels[0]
	start := time.Date(2026, 10, 1, 6, 0, 0, 0, time.UTC)
	f := &Facts{ID: "1", Added: start, Owner: "ivan@dom.example", Currency: "RUB", Status: "open", Fields: map[string]string{"откуда узнал": "Сайт"}}
	for i := range 4 {
		f.Moves = append(f.Moves, Move{At: start.AddDate(0, 0, 7*i), Stage: fn.imaginedID(fn.Stages[i].Name)})
	}
	for i := range 20 {
		at := start.Add(time.Duration(rng.IntN(30*24)) * time.Hour)
		f.Activities = append(f.Activities, Activity{ID: fmt.Sprint(i), Type: []string{"call", "meeting", "task", "email"}[i%4], Added: at, Due: at.Add(time.Hour), Done: at.Add(time.Hour)})
	}
	now := start.AddDate(0, 1, 0)
	b.Run("one after the other", func(b *testing.B) {
		b.ReportMetric(float64(len(c.Judge(f, now).Verdicts)), "verdicts")
		for b.Loop() {
			c.Judge(f, now)
		}
	})
	b.Run("on all processors", func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				c.Judge(f, now)
			}
		})
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "deals/s")
	})
}
