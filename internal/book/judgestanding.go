package book

import (
	"slices"
	"strings"
	"time"
)

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
