package book

import "time"

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
