package book

import (
	"slices"
	"time"
)

// Verdict says that a rule is broken, or was and has been mended, or cannot be
// judged.
type Verdict struct {
	Rule     Rule
	Mode     Mode      // what is done about it today
	Detail   string    // which of several: funnel/stage, and the task, field or number of the condition
	Opened   time.Time // when the rule broke, not when somebody noticed
	Mended   time.Time // when it was mended; zero: it is not
	Cannot   string    // why it cannot be judged; empty: it was judged
	Assumed  bool      // judged on later values, since those of that time are not known
	Step     int       // the step of the deal by which it broke, see Steps; 0: it is about a state
	Evidence []Evidence
}

// Cause tells one violation from another: what has the same cause is the same
// violation, however often it is judged.
func (v *Verdict) Cause() string {
	return string(v.Rule) + "|" + v.Detail + "|" + v.Opened.UTC().Format(time.RFC3339Nano)
}

// Judgement is what a book says of a deal or lead at an instant.
type Judgement struct {
	Verdicts []Verdict
	NextDue  time.Time // nothing changes before, unless something happens; zero: never
}

// Judge holds the book against a deal or lead. The same facts and instant give
// the same judgement.
func (c *Compiled) Judge(f *Facts, now time.Time) Judgement {
	j := &judge{c: c, f: f, now: now, work: c.WorkTime(f.Owner)}
	switch {
	case f.Gone:
	case f.Lead:
		j.lead()
	default:
		j.deal()
	}
	today := dateOf(now.In(c.calendar.zone))
	kept := j.verdicts[:0]
	for _, v := range j.verdicts {
		if v.Mode = c.Book.modeOn(v.Rule, today); v.Mode != Off {
			kept = append(kept, v)
		}
	}
	return Judgement{kept, sooner(j.next, c.nextRollOut(now))}
}

type judge struct {
	c        *Compiled
	f        *Facts
	now      time.Time
	work     *WorkTime
	verdicts []Verdict
	next     time.Time
	instants []time.Time // when something happened, the latest first; made when needed
	step     int         // that is being judged
	gaps     []gap       // in the stay that is being judged
}

func (j *judge) add(v Verdict) {
	v.Step = j.step
	for _, g := range slices.Backward(j.gaps) { // what broke meanwhile is broken since the deal is back
		if !v.Opened.Before(g.from) && v.Opened.Before(g.to) {
			v.Opened = g.to
		}
	}
	j.verdicts = append(j.verdicts, v)
}

// as is the subject as of an instant.
func (j *judge) as(at time.Time) *subject {
	s := &subject{Facts: j.f, c: j.c, work: j.work}
	j.turn(s, at)
	return s
}

// turn looks at a subject as of another instant.
func (j *judge) turn(s *subject, at time.Time) {
	s.at, s.past, s.entered = at, at.Before(j.now), time.Time{}
	if i := j.f.moveAt(at); i >= 0 {
		s.entered = j.f.stay(i)
	}
}

// glance is a subject of which only whether something holds is asked, at one
// instant after the other.
func (j *judge) glance() *subject { return &subject{Facts: j.f, c: j.c, work: j.work, bare: true} }

func (j *judge) deal() {
	j.moves()
	if len(j.f.Moves) > 0 {
		if fn, stage := j.c.stage(j.f.Connection, j.f.Moves[0].Stage); fn != nil && stage < j.c.below[fn.ID] {
			j.response() // it came as a lead
		}
	}
	if end, at := j.f.End(j.now); end != "" {
		j.ending(end, at)
		return
	}
	j.care()
	j.standard()
	if i := j.f.moveAt(j.now); i >= 0 {
		if fn, stage := j.c.stage(j.f.Connection, j.f.Moves[i].Stage); fn != nil {
			began, gaps := j.f.stayed(i)
			j.gaps = gaps
			j.standing(fn, stage, began)
			j.gaps = nil
			if stage >= j.c.below[fn.ID] {
				j.known(fn)
			}
		}
	}
}

func (j *judge) lead() {
	if end := j.f.closed(); !end.IsZero() && !end.After(j.now) {
		return
	}
	j.care()
	j.response()
	j.missing(EntryData, "", j.c.Book.Leads.Entry, j.f.Added, nil)
}

// missed adds a verdict on something that was due at a deadline and is broken
// since. Before the deadline it makes the deadline the next instant to look.
func (j *judge) missed(v Verdict, deadline time.Time) {
	if j.now.Before(deadline) {
		j.next = sooner(j.next, deadline)
		return
	}
	v.Opened = deadline
	j.add(v)
}

// state adds a verdict if a condition does not hold now: it is broken since the
// first instant from which on it did not hold, but not since before from.
func (j *judge) state(v Verdict, from time.Time, test func(s *subject) answer) {
	if j.now.Before(from) { // it was added by a clock that is ahead of ours
		j.next = sooner(j.next, from)
		return
	}
	a := test(j.as(j.now))
	j.next = sooner(j.next, a.flips)
	if a.holds {
		return
	}
	v.Cannot, v.Assumed, v.Evidence = a.cannot, a.assumed, a.evidence
	v.Opened = j.since(from, test)
	j.add(v)
}

// since is the first instant, at or after from, from which on the test fails
// until now.
func (j *judge) since(from time.Time, test func(s *subject) answer) time.Time {
	broken, s := j.now, j.glance()
	for _, t := range j.happened() {
		if t.After(j.now) {
			continue
		}
		if t.Before(from) {
			t = from
		}
		var ever bool
		if broken, ever = j.ranOut(s, t, broken, test); ever || !t.After(from) {
			break
		}
	}
	return broken
}

// ranOut is the first instant, at or after t, from which on a test failed until
// broken, though nothing happened between. It tells whether the test ever held
// there.
func (j *judge) ranOut(s *subject, t, broken time.Time, test func(s *subject) answer) (since time.Time, ever bool) {
	j.turn(s, t)
	a := test(s)
	since, ever = t, a.holds
	holds := a.holds
	for flips := a.flips; flips.After(t) && flips.Before(broken); flips = a.flips {
		t = flips
		j.turn(s, t)
		if a = test(s); holds && !a.holds {
			since = t
		}
		holds, ever = a.holds, ever || a.holds
	}
	if holds {
		return broken, true
	}
	return since, ever
}

// happened lists the instants at which something did, the latest first.
func (j *judge) happened() []time.Time {
	if j.instants != nil {
		return j.instants
	}
	all := []time.Time{j.f.Added}
	for _, m := range j.f.Moves {
		all = append(all, m.At)
	}
	for _, c := range j.f.Past {
		all = append(all, c.At)
	}
	for _, a := range j.f.Activities {
		all = append(all, a.Added, a.Done, a.Due)
	}
	for _, n := range j.f.Notes {
		all = append(all, n.At)
	}
	slices.SortFunc(all, func(a, b time.Time) int { return b.Compare(a) })
	all = slices.CompactFunc(all, func(a, b time.Time) bool { return a.Equal(b) })
	j.instants = slices.DeleteFunc(all, time.Time.IsZero)
	return j.instants
}
