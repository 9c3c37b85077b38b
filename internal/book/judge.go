package book

import (
	"slices"
	"strings"
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
	j := &judge{c: c, f: f, now: now, work: c.workTime(f.Owner)}
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
}

func (j *judge) add(v Verdict) {
	v.Step = j.step
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
	if end, at := j.f.end(j.now); end != "" {
		j.ending(end, at)
		return
	}
	j.care()
	j.standard()
	if i := j.f.moveAt(j.now); i >= 0 {
		if fn, stage := j.c.stage(j.f.Connection, j.f.Moves[i].Stage); fn != nil {
			j.standing(fn, stage, j.f.stay(i))
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

// care judges who cares for a deal or lead and what comes next.
func (j *judge) care() {
	j.state(Verdict{Rule: NoOwner}, j.f.Added, func(s *subject) answer {
		owner, known := s.value("owner", s.at)
		return answer{holds: owner != "", assumed: !known}
	})
	if j.f.Owner != "" && j.f.OwnerLeft {
		j.state(Verdict{Rule: OwnerLeft}, j.f.Added, func(s *subject) answer {
			owner, known := s.value("owner", s.at)
			return answer{holds: owner != j.f.Owner, assumed: !known, evidence: []Evidence{{What: "owner", Found: j.f.Owner}}}
		})
	}
	if s := j.snoozed(); s != nil {
		j.next = sooner(j.next, s.Until)
		return
	}
	j.nextStep()
	j.closeDate()
}

// snoozed is the decision by which nobody is told now that it hangs.
func (j *judge) snoozed() *Snooze {
	for i := range j.f.Snoozes {
		if s := &j.f.Snoozes[i]; !j.now.Before(s.From) && j.now.Before(s.Until) {
			return s
		}
	}
	return nil
}

// awake is an instant, or the end of the last snooze after it: a deal does not
// hang while it was agreed that it waits.
func (j *judge) awake(t time.Time) time.Time {
	for _, s := range j.f.Snoozes {
		if !s.Until.After(j.now) && s.Until.After(t) && !s.From.After(j.now) {
			t = s.Until
		}
	}
	return t
}

// nextStep judges what is planned. A step that is still to come counts, whatever
// else is overdue.
func (j *judge) nextStep() {
	from := j.awake(j.f.Added)
	j.state(Verdict{Rule: NoNextStep}, from, func(s *subject) answer { return answer{holds: len(s.open(nil, nil)) > 0} })
	grace := or(j.c.Book.Control.Overdue, Span{1, WorkingDays})
	j.state(Verdict{Rule: NextStepOverdue}, from, func(s *subject) answer {
		open := s.open(nil, nil)
		if len(open) == 0 {
			return answer{holds: true}
		}
		latest := slices.MaxFunc(open, func(a, b *Activity) int { return a.Due.Compare(b.Due) })
		return s.until(j.work.After(latest.Due, grace), Evidence{What: "due", Found: instant(latest.Due), Refs: []Ref{{"activity", latest.ID}}})
	})
}

// until holds up to a deadline.
func (s *subject) until(deadline time.Time, e Evidence) answer {
	if s.at.Before(deadline) {
		return answer{holds: true, flips: deadline}
	}
	return answer{evidence: []Evidence{e}}
}

// instant is how evidence has an instant.
func instant(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func or(s *Span, otherwise Span) Span {
	if s != nil {
		return *s
	}
	return otherwise
}

func (j *judge) closeDate() {
	if j.f.Lead {
		return
	}
	grace := or(j.c.Book.Control.CloseDate, Span{0, Days})
	j.state(Verdict{Rule: CloseDatePast}, j.awake(j.f.Added), func(s *subject) answer {
		value, known := s.value("expected_close", s.at)
		var d Date
		if value == "" || d.UnmarshalText([]byte(value)) != nil {
			return answer{holds: true}
		}
		a := s.until(j.work.After(Clock(0).on(d.add(1), j.work.zone), grace), Evidence{What: "expected_close", Found: value})
		a.assumed = !known
		return a
	})
}

// standard judges the commandments.
func (j *judge) standard() {
	for i := range j.c.Book.Standard {
		k := &j.c.Book.Standard[i]
		if k.Must == nil {
			continue
		}
		j.state(Verdict{Rule: Rule(k.ID)}, j.f.Added, func(s *subject) answer { return s.keeps(k) })
	}
}

// keeps looks whether a commandment is kept: also by whom it is not for.
func (s *subject) keeps(k *Commandment) answer {
	var when answer
	if funnel, _ := s.place(); len(k.Funnels) > 0 && !slices.Contains(k.Funnels, funnel) {
		return answer{holds: true}
	}
	if k.When != nil {
		if when = s.holds(k.When); !when.holds {
			when.holds = when.cannot == ""
			return when
		}
	}
	must := s.holds(k.Must)
	must.flips = sooner(must.flips, when.flips)
	return must
}

// standing judges a deal in its present stage.
func (j *judge) standing(fn *Funnel, stage int, entered time.Time) {
	st := &fn.Stages[stage]
	detail := fn.ID + "/" + st.ID
	j.missing(RequiredFields, detail, st.Required, entered, j.c.Book.Control.Grace)
	if reps := j.c.roles[st.Role]; len(reps) > 0 {
		j.state(Verdict{Rule: WrongRole, Detail: detail}, entered, func(s *subject) answer {
			owner, known := s.value("owner", s.at)
			return answer{holds: owner == "" || reps[strings.ToLower(owner)], assumed: !known, evidence: []Evidence{{What: "owner", Found: owner, Want: st.Role}}}
		})
	}
	if j.snoozed() != nil {
		return
	}
	if limit := firstSpan(st.Limit, j.c.Book.Control.Limit); limit != nil {
		j.missed(Verdict{Rule: OverLimit, Detail: detail, Evidence: []Evidence{{What: "limit", Found: instant(entered), Want: limit.String()}}},
			j.awake(j.work.After(entered, *limit)))
	}
	if limit := firstSpan(st.NoTouch, j.c.Book.Control.NoTouch); limit != nil {
		j.touched(detail, entered, *limit)
	}
}

func firstSpan(list ...*Span) *Span {
	for _, s := range list {
		if s != nil {
			return s
		}
	}
	return nil
}

// touched judges how long nobody has touched the client. While something is
// planned for later, nobody has to.
func (j *judge) touched(detail string, entered time.Time, limit Span) {
	j.state(Verdict{Rule: NoTouch, Detail: detail}, j.awake(entered), func(s *subject) answer {
		last, ref := j.lastTouch(entered, s.at)
		deadline := j.work.After(last, limit)
		for _, a := range s.open(nil, nil) {
			if a.Due.After(deadline) {
				deadline = a.Due
			}
		}
		return s.until(deadline, Evidence{What: "last_touch", Found: instant(last), Want: limit.String(), Refs: ref})
	})
}

// lastTouch is when, by an instant, a person last touched the client, or else
// the given instant.
func (j *judge) lastTouch(otherwise, by time.Time) (last time.Time, ref []Ref) {
	last = otherwise
	for i := range j.f.Activities {
		if a := &j.f.Activities[i]; j.touches(a) && a.Done.After(last) && !a.Done.After(by) {
			last, ref = a.Done, []Ref{{"activity", a.ID}}
		}
	}
	for _, n := range j.f.Notes {
		if n.At.After(last) && !n.At.After(by) {
			last, ref = n.At, []Ref{{"note", n.ID}}
		}
	}
	return last, ref
}

// touches tells whether an activity touches the client.
func (j *judge) touches(a *Activity) bool {
	if a.Ours || a.Done.IsZero() {
		return false
	}
	if j.c.touches == nil {
		return a.Type != "task"
	}
	return j.c.touches[a.Type]
}

// missing judges fields that must be filled from an instant on, after a grace.
func (j *judge) missing(rule Rule, detail string, fields []string, from time.Time, grace *Span) {
	if len(fields) == 0 {
		return
	}
	if start := j.work.After(from, or(grace, Span{0, Days})); j.now.Before(start) {
		if !j.as(j.now).filled(fields).holds {
			j.next = sooner(j.next, start)
		}
		return
	} else if grace != nil {
		from = start
	}
	v := Verdict{Rule: rule, Detail: detail, Opened: from}
	if j.changed(fields) || j.now.Before(from) {
		j.state(v, from, func(s *subject) answer { return s.filled(fields) })
	} else if a := j.as(j.now).filled(fields); !a.holds { // and never did
		v.Assumed, v.Evidence = a.assumed, a.evidence
		j.add(v)
	}
}

// changed tells whether a field ever held anything else than now.
func (j *judge) changed(fields []string) bool {
	return slices.ContainsFunc(j.f.Past, func(c Change) bool {
		return slices.ContainsFunc(fields, func(f string) bool { return j.f.named(j.c.folded[f]) == c.Field })
	})
}

// known judges what must be known of a client who is no lead any more.
func (j *judge) known(fn *Funnel) {
	l := &j.c.Book.Leads
	since := j.since(j.f.Added, func(s *subject) answer { return answer{holds: !j.pastLead(fn, s.at)} })
	for i := range j.c.Book.Segments {
		if s := &j.c.Book.Segments[i]; s.ID == fn.Segment {
			j.missing(Qualification, s.ID, s.Known, since, j.c.Book.Control.Grace)
		}
	}
	j.missing(PrimaryDemand, "", l.Demand, since, j.c.Book.Control.Grace)
	j.missing(ReasonForContact, "", l.Reason, since, j.c.Book.Control.Grace)
	j.missing(Nuances, "", l.Nuances, since, j.c.Book.Control.Grace)
}

// pastLead tells whether the deal stood beyond the leads of its funnel at an
// instant.
func (j *judge) pastLead(fn *Funnel, at time.Time) bool {
	i := j.f.moveAt(at)
	if i < 0 {
		return false
	}
	f, stage := j.c.stage(j.f.Connection, j.f.Moves[i].Stage)
	return f == fn && stage >= j.c.below[fn.ID]
}

// response judges how soon a person answered an inquiry. An answer that came too
// late mends the verdict, and does not undo it.
func (j *judge) response() {
	limit := j.c.Book.Leads.FirstResponse
	if limit == nil {
		return
	}
	deadline := j.work.After(j.f.Added, *limit)
	v := Verdict{Rule: FirstResponse, Evidence: []Evidence{{What: "added", Found: instant(j.f.Added), Want: limit.String()}}}
	first, ref := j.firstTouch()
	if !first.IsZero() && !first.After(deadline) {
		return
	}
	if !first.IsZero() {
		v.Mended = first
		v.Evidence = append(v.Evidence, Evidence{What: "first_touch", Found: instant(first), Refs: ref})
	}
	j.missed(v, deadline)
}

func (j *judge) firstTouch() (first time.Time, ref []Ref) {
	for i := range j.f.Activities {
		if a := &j.f.Activities[i]; j.touches(a) && !a.Done.After(j.now) && (first.IsZero() || a.Done.Before(first)) {
			first, ref = a.Done, []Ref{{"activity", a.ID}}
		}
	}
	for _, n := range j.f.Notes {
		if !n.At.After(j.now) && (first.IsZero() || n.At.Before(first)) {
			first, ref = n.At, []Ref{{"note", n.ID}}
		}
	}
	return first, ref
}
