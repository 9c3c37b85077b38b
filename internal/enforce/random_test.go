package enforce_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/enforce"
)

// anything is a book that does something else about each rule, from other days on.
func anything(t *testing.T, rng *rand.Rand) *enforce.Policy {
	lines := []string{"{rule: all, mode: " + []string{"observe", "tell", "task"}[rng.IntN(3)] + "}"}
	for _, rule := range append(book.Rules(), "polite", "spoken") {
		for _, from := range []string{"", ", from: 2026-10-20", ", from: 2026-11-10"} {
			if rng.IntN(3) > 0 {
				continue
			}
			modes := []string{"off", "observe", "tell", "task"}
			if slices.Contains(book.OfSteps(), rule) || rule == "spoken" {
				modes = append(modes, "revert", "revert", "revert")
			}
			line := fmt.Sprintf("{rule: %s, mode: %q%s", rule, modes[rng.IntN(len(modes))], from)
			if rng.IntN(3) == 0 {
				line += ", grace: " + []string{"1wd", "16wh", "2h"}[rng.IntN(3)]
			}
			lines = append(lines, line+"}")
		}
	}
	p := policy(t, "en", lines...)
	for _, instant := range []*time.Time{&p.Read, &p.Active} {
		*instant = october().Add(time.Duration(rng.IntN(20*24)) * time.Hour)
	}
	for _, modes := range p.Since {
		for m := range modes {
			modes[m] = october().Add(time.Duration(rng.IntN(20*24)) * time.Hour)
		}
	}
	return p
}

// history is a deal or lead of October and November to which things happened at
// random, and some of them are still to come.
func history(rng *rand.Rand) *book.Facts {
	when := func() time.Time { return october().Add(time.Duration(rng.IntN(60*24*4)) * 15 * time.Minute) }
	f := &book.Facts{Connection: "crm", ID: "58", Owner: []string{"anna@x.pl", "ben@x.pl", "old@x.pl", ""}[rng.IntN(4)], OwnerLeft: rng.IntN(6) == 0,
		Currency: []string{"PLN", "EUR"}[rng.IntN(2)], Status: "open", Fields: map[string]string{}, Added: when(), Lead: rng.IntN(8) == 0}
	if rng.IntN(2) == 0 {
		f.Amount = amount(int64(rng.IntN(5)) * 5000)
	}
	later := func() time.Time {
		if t := when(); t.After(f.Added) {
			return t
		}
		return f.Added
	}
	for _, name := range []string{"budget", "who decides", "size", "person", "channel", "their price", "whose", "look on", "first question"} {
		if rng.IntN(2) == 0 {
			f.Fields[name] = "2026-11-05"
		}
		if rng.IntN(3) == 0 {
			f.Past = append(f.Past, book.Change{At: later(), Field: name})
		}
	}
	slices.SortStableFunc(f.Past, func(a, b book.Change) int { return a.At.Compare(b.At) })
	for i := range rng.IntN(5) {
		a := book.Activity{ID: fmt.Sprint(i), Type: []string{"call", "email", "task"}[rng.IntN(3)], Subject: "contract", Added: later(), Due: when(), Ours: rng.IntN(5) == 0}
		if rng.IntN(2) == 0 {
			a.Done = a.Added.Add(time.Duration(rng.IntN(100)) * time.Hour)
		}
		f.Activities = append(f.Activities, a)
	}
	if f.Lead {
		return f
	}
	for range 1 + rng.IntN(5) {
		f.Moves = append(f.Moves, book.Move{At: later(), Stage: []string{"11", "12", "13", "14", "99"}[rng.IntN(5)], Ours: len(f.Moves) > 1 && rng.IntN(4) == 0})
	}
	slices.SortStableFunc(f.Moves, func(a, b book.Move) int { return a.At.Compare(b.At) })
	f.Moves[0].Ours = false
	end := f.Moves[len(f.Moves)-1].At.Add(time.Duration(rng.IntN(200)) * time.Hour)
	switch rng.IntN(8) {
	case 0:
		f.Won = end
	case 1, 2:
		f.Lost, f.Reason = end, []string{"", "price", "no contact", "no time", "moon"}[rng.IntN(5)]
		if rng.IntN(2) == 0 {
			f.Approvals = []book.Approved{{At: end.Add(time.Duration(rng.IntN(100)-50) * time.Hour), Reason: f.Reason}}
		}
	case 3:
		f.Deleted = end
	case 4:
		f.Archived = end
	case 5:
		f.Snoozes = []book.Snooze{{From: end, Until: end.Add(100 * time.Hour)}}
	}
	return f
}

// happens is the first instant after now at which something does.
func happens(f *book.Facts, now time.Time) (next time.Time) {
	all := []time.Time{f.Added, f.Won, f.Lost, f.Deleted, f.Archived}
	for _, m := range f.Moves {
		all = append(all, m.At)
	}
	for _, c := range f.Past {
		all = append(all, c.At)
	}
	for _, a := range f.Activities {
		all = append(all, a.Added, a.Done, a.Due)
	}
	for _, s := range f.Snoozes {
		all = append(all, s.From, s.Until)
	}
	for _, a := range f.Approvals {
		all = append(all, a.At)
	}
	for _, t := range all {
		if t.After(now) && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	return next
}

// timeless is effects without what is for when they are made.
func timeless(e enforce.Effects) enforce.Effects {
	e.NextDue = time.Time{}
	if e.Task != nil {
		t := *e.Task
		t.Due = book.Date{}
		e.Task = &t
	}
	e.Activities = slices.Clone(e.Activities)
	for i := range e.Activities {
		e.Activities[i].Due = book.Date{}
	}
	return e
}

// standing is some state at random, about what the deal's effects may be.
func standing(rng *rand.Rand, e enforce.Effects) (s enforce.State) {
	s.Made, s.Refused, s.Excused = map[string]bool{}, map[string]bool{}, map[string]time.Time{}
	for _, a := range e.Activities {
		s.Made[a.Key] = rng.IntN(2) == 0
	}
	for _, r := range e.Reverts {
		s.Made[r.Key], s.Refused[r.Key] = rng.IntN(3) == 0, rng.IntN(3) == 0
		if rng.IntN(3) == 0 {
			s.Takens = append(s.Takens, enforce.Taken{Key: "revert/0/" + r.Undoes, To: r.Undoes})
		}
	}
	if e.Task != nil {
		s.Task = &enforce.Standing{Open: rng.IntN(2) == 0, ByUs: rng.IntN(2) == 0, Causes: e.Task.Causes[:rng.IntN(len(e.Task.Causes)+1)]}
		s.Excused[e.Task.Causes[0]] = october().Add(time.Duration(rng.IntN(70*24)) * time.Hour)
	}
	return s
}

// TestLargeNothingChangesBeforeItIsDue: what is wanted stays so until NextDue, unless
// something happens.
func TestLargeNothingChangesBeforeItIsDue(t *testing.T) {
	t.Parallel()
	for book := range uint64(15) {
		p := anything(t, rand.New(rand.NewPCG(book, 1)))
		for seed := range uint64(80) {
			rng := rand.New(rand.NewPCG(seed, book))
			f := history(rng)
			now := october().Add(time.Duration(rng.IntN(70*24*60)) * time.Minute)
			s := standing(rng, effects(p, f, enforce.State{}, now))
			e := effects(p, f, s, now)
			until := e.NextDue
			if next := happens(f, now); until.IsZero() || !next.IsZero() && next.Before(until) {
				until = next
			}
			if until.IsZero() {
				until = now.AddDate(0, 6, 0)
			}
			if !until.After(now) {
				t.Fatalf("book %d, seed %d: due at %v, which is not after %v", book, seed, until, now)
			}
			for range 4 {
				then := now.Add(time.Duration(rng.Int64N(int64(until.Sub(now)))))
				if d := cmp.Diff(timeless(e), timeless(effects(p, f, s, then))); d != "" {
					t.Fatalf("book %d, seed %d: at %v, due at %v, but at %v it is (-before +then):\n%s\n%+v", book, seed, now, e.NextDue, then, d, f)
				}
			}
		}
	}
}

// company is a deal whose CRM does all that is wanted at once.
type company struct {
	p *enforce.Policy
	f *book.Facts
	s enforce.State
}

// follow does what is wanted at an instant.
func (c *company) follow(e enforce.Effects, now time.Time) {
	if e.Task != nil {
		c.s.Task = &enforce.Standing{Open: true, Causes: e.Task.Causes}
	} else if c.s.Task != nil && c.s.Task.Open && !e.Leave {
		c.s.Task.Open, c.s.Task.ByUs = false, true
	}
	for _, a := range e.Activities {
		c.s.Made[a.Key] = true
	}
	for _, r := range e.Reverts {
		c.s.Made[r.Key] = true
		c.s.Takens = append(c.s.Takens, enforce.Taken{Key: r.Key, To: r.Undoes, At: now})
	}
}

// hear lets the facts know of what was taken back.
func (c *company) hear(e enforce.Effects, now time.Time) {
	for _, r := range e.Reverts {
		if r.Stage != "" {
			c.f.Moves = append(c.f.Moves, book.Move{At: now, Stage: r.Stage, Ours: true})
		}
		if r.Reopen {
			c.f.Won, c.f.Lost, c.f.Reason = time.Time{}, time.Time{}, ""
		}
		if r.Unhide {
			c.f.Deleted, c.f.Archived = time.Time{}, time.Time{}
		}
	}
}

// rep does something at random.
func (c *company) rep(rng *rand.Rand, now time.Time) {
	open := c.f.Won.IsZero() && c.f.Lost.IsZero() && c.f.Deleted.IsZero() && c.f.Archived.IsZero()
	switch n := rng.IntN(10); {
	case !open:
		c.f.Won, c.f.Lost, c.f.Deleted, c.f.Archived = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	case n == 0:
		c.f.Lost, c.f.Reason = now, []string{"", "price", "moon"}[rng.IntN(3)]
	case n == 1:
		c.f.Won = now
	case n == 2:
		c.f.Deleted = now
	case n == 3:
		c.f.Archived = now
	case n == 4 && c.s.Task != nil:
		c.s.Task.Open = false
	default:
		c.f.Moves = append(c.f.Moves, book.Move{At: now, Stage: []string{"11", "12", "13", "14"}[rng.IntN(4)]})
	}
}

// TestLargeWhatWasDoneIsNotWantedAgain plays deals whose reps fight back: once all is done
// that is wanted, nothing new is; nothing of ours is taken back, nothing twice, and
// nothing is made twice.
func TestLargeWhatWasDoneIsNotWantedAgain(t *testing.T) {
	t.Parallel()
	reverts, repeated, activities := 0, 0, 0
	for n := range uint64(12) {
		p := anything(t, rand.New(rand.NewPCG(n, 2)))
		for seed := range uint64(6) {
			rng := rand.New(rand.NewPCG(seed, n))
			c := &company{p, deal("11"), enforce.State{Made: map[string]bool{}}}
			c.f.Amount, c.f.Moves[0].At, c.f.Added = amount(20000), october(), october()
			undone, seen := map[string]bool{}, map[string]bool{}
			for now := october().Add(time.Hour); now.Before(at(30, 0, 0)); now = now.Add(time.Duration(1+rng.IntN(40)) * time.Hour) {
				c.rep(rng, now)
				e := effects(p, c.f, c.s, now)
				if len(e.Reverts) > 1 {
					t.Fatalf("several steps at once: %+v", e.Reverts)
				}
				for _, r := range e.Reverts {
					if last, did := c.f.Last(now); undone[r.Undoes] || !did || last.To != r.Undoes && last.End != r.Undoes {
						t.Fatalf("book %d, seed %d: %s is taken back again, or is not the latest: %+v", n, seed, r.Undoes, c.f.Moves)
					}
					undone[r.Undoes] = true
					reverts++
				}
				for _, a := range e.Activities {
					if seen[a.Key] || a.Type == "" || a.Subject == "" || a.Due.Before(p.Book.WorkTime(c.f.Owner).WorkingDay(now)) {
						t.Fatalf("book %d, seed %d: made twice, or not for when somebody works: %+v", n, seed, a)
					}
					seen[a.Key] = true
					activities++
				}
				for _, tell := range e.Tells {
					if tell.Occasion == enforce.Repeated {
						repeated++
					}
				}
				c.follow(e, now)
				c.settled(t, e, now)
				c.hear(e, now.Add(time.Minute))
				if again := effects(p, c.f, c.s, now.Add(time.Minute)); len(e.Reverts) > 0 && e.Reverts[0].Stage != "" && len(again.Reverts) > 0 {
					t.Fatalf("book %d, seed %d: ours is taken back: %+v", n, seed, again.Reverts)
				}
			}
		}
	}
	if reverts < 100 || repeated < 100 || activities < 100 {
		t.Errorf("%d reverts, %d that were repeated and %d activities prove little", reverts, repeated, activities)
	}
}

// settled wants the same and nothing new, once what was wanted is done and before
// anybody has heard of it.
func (c *company) settled(t *testing.T, e enforce.Effects, now time.Time) {
	t.Helper()
	again := effects(c.p, c.f, c.s, now)
	if len(again.Reverts)+len(again.Activities) > 0 {
		t.Fatalf("what was done is wanted again: %+v", again)
	}
	e.Reverts, e.Activities, again.Reverts, again.Activities = nil, nil, nil, nil
	if d := cmp.Diff(e, again); d != "" {
		t.Fatalf("what was done makes a difference (-before +then)\n%s", d)
	}
}
