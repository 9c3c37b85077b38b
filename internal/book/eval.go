package book

import (
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// subject is a deal or lead that is looked at as of an instant.
type subject struct {
	*Facts
	c       *Compiled
	work    *WorkTime
	at      time.Time // what happened later has not happened
	entered time.Time // when it entered the stage that the rule is about
	past    bool      // at is not now: what is planned now may not have been
	bare    bool      // nobody asks for evidence
}

// answer is what looking gave.
type answer struct {
	holds    bool
	cannot   string    // why it cannot be judged; empty: it was judged
	assumed  bool      // judged on later values, since those of that time are not known
	flips    time.Time // when it may change though nothing happens; zero: never
	evidence []Evidence
}

// Evidence is one part of a verdict: what was looked at and what was found.
type Evidence struct {
	What  string `json:"what"`            // the condition's key, or a field
	Found string `json:"found,omitempty"` // what is there; empty: nothing
	Want  string `json:"want,omitempty"`  // what should be
	Refs  []Ref  `json:"refs,omitempty"`  // the records behind it
}

// Ref names a record behind a verdict.
type Ref struct {
	Kind string `json:"kind"`
	ID   string `json:"id"`
}

// sooner is the earlier of two instants of which either may be none.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// holds looks whether a condition holds.
func (s *subject) holds(k *Condition) answer {
	switch {
	case k.Required != nil:
		return s.filled(k.Required)
	case k.Attempts != nil:
		return s.attempts(k.Attempts)
	case k.Activity != nil:
		return s.activity(k.Activity)
	case k.MeetingHeld != nil:
		m := k.MeetingHeld
		return s.done("meeting_held", orElse(m.Types, "meeting"), nil, m.Within, m.Here)
	case k.DocumentSent != nil:
		return s.sent(k.DocumentSent)
	case k.NoteWritten != nil:
		return s.noted(k.NoteWritten)
	case k.NextStepDated != nil:
		return s.planned("next_step_dated", k.NextStepDated.Types, nil, k.NextStepDated.Within)
	case k.AmountAtLeast != nil:
		return s.amountAtLeast(*k.AmountAtLeast)
	case k.ProductsListed != nil && s.NoProducts:
		return answer{cannot: productsUntold}
	case k.ProductsListed != nil:
		return answer{holds: s.Products >= *k.ProductsListed, assumed: s.past,
			evidence: []Evidence{{What: "products_listed", Found: decimal.NewFromInt(int64(s.Products)).String(), Want: decimal.NewFromInt(int64(*k.ProductsListed)).String()}}}
	case k.Field != nil:
		return s.field(k.Field)
	case k.StagePassed != "":
		return s.passed(k.StagePassed)
	case k.InvoicePaid != nil:
		return answer{cannot: "no accounting system is connected"}
	case k.Any != nil:
		return s.anyOf(k.Any)
	case k.All != nil:
		return s.allOf(k.All)
	case k.Not != nil:
		return not(s.holds(k.Not))
	}
	a := s.c.expressions[k].holds(s)
	if !a.holds {
		a.evidence = []Evidence{{What: "cel", Want: k.CEL}}
	}
	return a
}

// productsUntold is why nothing that asks for products can be judged.
const productsUntold = "the CRM does not tell which products stand on a deal"

func orElse(list []string, word string) []string {
	if len(list) > 0 {
		return list
	}
	return []string{word}
}

// allOf holds if all hold. It cannot be judged if one cannot and all others hold.
func (s *subject) allOf(list []Condition) answer {
	all := answer{holds: true}
	for i := range list {
		a := s.holds(&list[i])
		all.flips = sooner(all.flips, a.flips)
		all.assumed = all.assumed || a.assumed
		switch {
		case a.cannot != "":
			if all.holds {
				all.cannot = a.cannot
			}
		case !a.holds:
			all.holds, all.cannot = false, ""
			all.evidence = append(all.evidence, a.evidence...)
		}
	}
	return all
}

// anyOf holds if one holds. It cannot be judged if one cannot and none holds.
func (s *subject) anyOf(list []Condition) answer {
	var one answer
	for i := range list {
		a := s.holds(&list[i])
		one.flips = sooner(one.flips, a.flips)
		one.assumed = one.assumed || a.assumed
		switch {
		case a.cannot != "":
			one.cannot = a.cannot
		case a.holds:
			return answer{holds: true, assumed: one.assumed, flips: one.flips, evidence: a.evidence}
		default:
			one.evidence = append(one.evidence, a.evidence...)
		}
	}
	return one
}

func not(a answer) answer {
	a.holds = !a.holds && a.cannot == ""
	return a
}

// filled holds if all fields are. An amount of nothing is none: some CRMs have zero
// in place of an empty one.
func (s *subject) filled(fields []string) answer {
	a := answer{holds: true}
	for _, f := range fields {
		value, known := s.value(s.c.folded[f], s.at)
		a.assumed = a.assumed || !known
		if value == "" || value == "0" && s.c.folded[f] == "amount" {
			a.holds = false
			if !s.bare {
				a.evidence = append(a.evidence, Evidence{What: f, Want: "filled"})
			}
		}
	}
	return a
}

// did lists activities that were done by now and after some instant.
func (s *subject) did(types, words []string, after time.Time) (list []*Activity) {
	for i := range s.Activities {
		a := &s.Activities[i]
		if a.Ours || a.Done.IsZero() || a.Done.After(s.at) || a.Done.Before(after) {
			continue
		}
		if (len(types) == 0 || slices.Contains(types, a.Type)) && (len(words) == 0 || holdsAny(a.Subject, words)) {
			list = append(list, a)
		}
	}
	return list
}

// recent tells whether something that happened at t lies within the last span,
// and when it will no longer.
func (s *subject) recent(t time.Time, span *Span) (bool, time.Time) {
	if span == nil {
		return true, time.Time{}
	}
	over := s.work.After(t, *span)
	return s.at.Before(over), over
}

// done holds if an activity was.
func (s *subject) done(what string, types, words []string, within *Span, here bool) answer {
	var after time.Time
	if here {
		after = s.entered
	}
	for _, a := range slices.Backward(s.byDone(s.did(types, words, after))) {
		if ok, over := s.recent(a.Done, within); ok {
			return answer{holds: true, flips: over, evidence: []Evidence{{What: what, Found: instant(a.Done), Refs: []Ref{{"activity", a.ID}}}}}
		}
		break // earlier ones lie further back
	}
	return answer{evidence: []Evidence{{What: what, Want: strings.Join(types, ", ")}}}
}

func (s *subject) byDone(list []*Activity) []*Activity {
	slices.SortStableFunc(list, func(a, b *Activity) int { return a.Done.Compare(b.Done) })
	return list
}

func (s *subject) attempts(k *Attempts) answer {
	list := s.byDone(s.did(orElse(k.Types, "call"), nil, time.Time{}))
	days := map[Date]bool{}
	var flips time.Time
	count := 0
	evidence := Evidence{What: "attempts", Want: decimal.NewFromInt(int64(k.Count)).String()}
	for _, a := range list {
		ok, over := s.recent(a.Done, k.Within)
		if !ok {
			continue
		}
		flips = sooner(flips, over)
		count++
		days[dateOf(a.Done.In(s.work.zone))] = true
		evidence.Refs = append(evidence.Refs, Ref{"activity", a.ID})
	}
	evidence.Found = decimal.NewFromInt(int64(count)).String()
	return answer{holds: count >= k.Count && len(days) >= max(1, k.Days), flips: flips, evidence: []Evidence{evidence}}
}

func (s *subject) activity(k *ActivityRule) answer {
	if k.Planned {
		return s.planned("activity", k.Types, k.Subject, k.Within)
	}
	return s.done("activity", k.Types, k.Subject, k.Within, k.Here)
}

// open lists activities that were planned and not done.
func (s *subject) open(types, words []string) (list []*Activity) {
	for i := range s.Activities {
		a := &s.Activities[i]
		if a.Ours || a.Due.IsZero() || a.Added.After(s.at) || !a.Done.IsZero() && !a.Done.After(s.at) {
			continue
		}
		if (len(types) == 0 || slices.Contains(types, a.Type)) && (len(words) == 0 || holdsAny(a.Subject, words)) {
			list = append(list, a)
		}
	}
	return list
}

// planned holds if an activity is, and is still to come.
func (s *subject) planned(what string, types, words []string, within *Span) answer {
	a := answer{evidence: []Evidence{{What: what, Want: strings.Join(types, ", ")}}}
	for _, p := range s.open(types, words) {
		if !s.at.Before(p.Due) {
			continue
		}
		if within != nil && p.Due.After(s.work.After(s.at, *within)) {
			if !a.holds {
				a.flips = sooner(a.flips, s.work.before(p.Due, *within, s.at))
			}
			continue
		}
		if !a.holds {
			a = answer{holds: true, flips: p.Due, evidence: []Evidence{{What: what, Found: instant(p.Due), Refs: []Ref{{"activity", p.ID}}}}}
		}
	}
	return a
}

func (s *subject) sent(k *DocumentSent) answer {
	if k.Field != "" {
		if a := s.filled([]string{k.Field}); a.holds || len(k.Types) == 0 && len(k.Words) == 0 {
			return a
		}
	}
	return s.done("document_sent", orElse(k.Types, "email"), k.Words, nil, false)
}

func (s *subject) noted(k *NoteWritten) answer {
	var after time.Time
	if k.Here {
		after = s.entered
	}
	for _, n := range slices.Backward(s.Notes) {
		if n.At.After(s.at) || n.At.Before(after) || n.Letters < k.Letters {
			continue
		}
		if ok, over := s.recent(n.At, k.Within); ok {
			return answer{holds: true, flips: over, evidence: []Evidence{{What: "note_written", Found: instant(n.At), Refs: []Ref{{"note", n.ID}}}}}
		}
	}
	return answer{evidence: []Evidence{{What: "note_written"}}}
}

func (s *subject) amountAtLeast(least decimal.Decimal) answer {
	w := s.worth()
	a := answer{cannot: w.cannot, assumed: !w.known, flips: w.flips, evidence: []Evidence{{What: "amount", Found: w.found, Want: least.String()}}}
	a.holds = !w.none && w.cannot == "" && w.amount.GreaterThanOrEqual(least)
	return a
}

// field compares what a field holds.
func (s *subject) field(k *FieldRule) answer {
	value, known := s.value(s.c.folded[k.Name], s.at)
	a := answer{assumed: !known, evidence: []Evidence{{What: k.Name, Found: value}}}
	e := &a.evidence[0]
	same := func(v string) bool { return fold(v) == fold(value) }
	switch {
	case value == "":
		e.Want = "filled"
	case k.Is != nil:
		a.holds, e.Want = slices.ContainsFunc(k.Is, same), strings.Join(k.Is, ", ")
	case k.IsNot != nil:
		a.holds, e.Want = !slices.ContainsFunc(k.IsNot, same), "not "+strings.Join(k.IsNot, ", ")
	case k.AtLeast != nil, k.AtMost != nil:
		number, err := decimal.NewFromString(value)
		if err != nil {
			return answer{cannot: k.Name + " holds no number"}
		}
		a.holds = (k.AtLeast == nil || number.GreaterThanOrEqual(*k.AtLeast)) && (k.AtMost == nil || number.LessThanOrEqual(*k.AtMost))
	default:
		return s.day(k, value, a)
	}
	return a
}

// day compares a field that holds a day.
func (s *subject) day(k *FieldRule, value string, a answer) answer {
	var d Date
	if err := d.UnmarshalText([]byte(value[:min(len(value), len(time.DateOnly))])); err != nil {
		return answer{cannot: k.Name + " holds no day"}
	}
	begins, ends := Clock(0).on(d, s.work.zone), Clock(0).on(d.add(1), s.work.zone)
	if k.Ahead != nil {
		a.holds = s.at.Before(ends) && !begins.After(s.work.After(s.at, *k.Ahead))
		switch {
		case a.holds:
			a.flips = ends
		case s.at.Before(begins):
			a.flips = s.work.before(begins, *k.Ahead, s.at)
		}
		return a
	}
	over := s.work.After(ends, *k.Past)
	a.holds = !s.at.Before(ends) && s.at.Before(over)
	switch {
	case s.at.Before(ends):
		a.flips = ends
	case s.at.Before(over):
		a.flips = over
	}
	return a
}

// passed holds once the deal has stood in a stage. A move that was taken back does
// not count.
func (s *subject) passed(ref string) answer {
	want, stage, _ := s.c.Book.stageRef(ref)
	for n, m := range s.Moves {
		if m.At.After(s.at) {
			break
		}
		if f, i := s.c.stage(s.Connection, m.Stage); f == want && i == stage && s.takenBack(n, s.at).IsZero() {
			return answer{holds: true}
		}
	}
	return answer{evidence: []Evidence{{What: "stage_passed", Want: ref}}}
}
