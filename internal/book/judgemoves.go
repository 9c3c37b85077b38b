package book

import (
	"fmt"
	"slices"
	"time"
)

// moves judges every way from one stage of a funnel to another.
func (j *judge) moves() {
	for i := 1; i < len(j.f.Moves); i++ {
		m := &j.f.Moves[i]
		if m.At.After(j.now) {
			return
		}
		from, a := j.c.stage(j.f.Connection, j.f.Moves[i-1].Stage)
		to, b := j.c.stage(j.f.Connection, m.Stage)
		if to == nil {
			continue
		}
		if from == to && a != b {
			j.order(to, a, b, i)
			if b > a {
				j.left(to, a, m.At)
			}
		}
		if from != to || b > a {
			j.asked(EntryCriteria, to.ID+"/"+to.Stages[b].ID, to.Stages[b].Entry, m.At, j.f.Moves[i].At)
		}
	}
}

// order judges whether a move kept to the order of a strict funnel.
func (j *judge) order(fn *Funnel, a, b, move int) {
	if fn.Order != Strict || b == a+1 {
		return
	}
	v := Verdict{Rule: SkippedStage, Detail: fn.ID + "/" + fn.Stages[a].ID + "→" + fn.Stages[b].ID, Opened: j.f.Moves[move].At,
		Evidence: []Evidence{{What: "move", Found: fn.Stages[a].Name + " → " + fn.Stages[b].Name}}}
	// It is mended once the deal stands where it had stood before, or where it
	// should have gone.
	mended := func(stage int) bool { return stage <= a+1 }
	if b < a {
		v.Rule, mended = MovedBack, func(stage int) bool { return stage >= a }
	}
	for _, m := range j.f.Moves[move+1:] {
		if f, stage := j.c.stage(j.f.Connection, m.Stage); f == fn && mended(stage) && !m.At.After(j.now) {
			v.Mended = m.At
			break
		}
	}
	j.verdicts = append(j.verdicts, v)
}

// left judges what must have been done before a deal left a stage.
func (j *judge) left(fn *Funnel, stage int, at time.Time) {
	st := &fn.Stages[stage]
	detail := fn.ID + "/" + st.ID
	entered := j.entered(fn, stage, at)
	j.asked(ExitCriteria, detail, st.Exit, at, entered)
	for i := range st.Tasks {
		if done := st.Tasks[i].Done; done != nil {
			j.condition(Verdict{Rule: TaskNotDone, Detail: detail + "/" + st.Tasks[i].ID}, done, at, entered)
		}
	}
}

// entered is when a deal last entered a stage before an instant.
func (j *judge) entered(fn *Funnel, stage int, at time.Time) time.Time {
	for n, m := range slices.Backward(j.f.Moves) {
		if f, i := j.c.stage(j.f.Connection, m.Stage); m.At.Before(at) && f == fn && i == stage {
			return j.f.stay(n)
		}
	}
	return j.f.Added
}

// asked judges what had to hold at an instant. A condition with an id is a rule
// of its own.
func (j *judge) asked(rule Rule, detail string, list []Condition, at, entered time.Time) {
	for i := range list {
		k := &list[i]
		v := Verdict{Rule: rule, Detail: fmt.Sprintf("%s/%d", detail, i+1)}
		if k.ID != "" {
			v.Rule, v.Detail = Rule(k.ID), detail
		}
		j.condition(v, k, at, entered)
	}
}

// condition adds a verdict if a condition did not hold at an instant. It is
// mended once it holds, however late.
func (j *judge) condition(v Verdict, k *Condition, at, entered time.Time) {
	s := j.as(at)
	s.entered = entered
	a := s.holds(k)
	if a.holds {
		return
	}
	v.Opened, v.Cannot, v.Assumed, v.Evidence = at, a.cannot, a.assumed, a.evidence
	if a.cannot == "" {
		v.Mended = j.mended(k, at, entered)
	}
	j.verdicts = append(j.verdicts, v)
}

// mended is the first instant after at at which a condition holds by what has
// happened; zero if there is none.
func (j *judge) mended(k *Condition, at, entered time.Time) time.Time {
	for _, t := range slices.Backward(j.happened()) {
		if !t.After(at) || t.After(j.now) {
			continue
		}
		s := j.as(t)
		s.entered = entered
		if s.holds(k).holds {
			return t
		}
	}
	return time.Time{}
}

// ending judges how a deal ended.
func (j *judge) ending() {
	f := j.f
	switch {
	case !f.Won.IsZero() && !f.Won.After(j.now):
		j.won()
	case !f.Lost.IsZero() && !f.Lost.After(j.now):
		j.lost()
	case !f.Deleted.IsZero() && !f.Deleted.After(j.now):
		j.verdicts = append(j.verdicts, Verdict{Rule: DeletedOpen, Opened: f.Deleted})
	default:
		j.verdicts = append(j.verdicts, Verdict{Rule: ArchivedOpen, Opened: f.Archived})
	}
}

func (j *judge) won() {
	at := j.f.Won
	if value, known := j.f.value("amount", at); value == "" || value == "0" {
		v := Verdict{Rule: WonWithoutAmount, Opened: at, Assumed: !known, Evidence: []Evidence{{What: "amount", Found: value}}}
		v.Mended = j.filledAfter("amount", at)
		j.verdicts = append(j.verdicts, v)
	}
	j.tooEarly(WonTooEarly, "", j.c.Book.Won.From, at)
	j.asked(WonCriteria, "won", j.c.Book.Won.Criteria, at, j.as(at).entered)
}

// filledAfter is when a field that was empty was filled; zero if it was not.
func (j *judge) filledAfter(field string, at time.Time) time.Time {
	for _, c := range j.f.Past {
		if c.Field == field && c.At.After(at) && !c.At.After(j.now) {
			if value, _ := j.f.value(field, c.At); value != "" && value != "0" {
				return c.At
			}
		}
	}
	return time.Time{}
}

// tooEarly judges whether the deal had come far enough.
func (j *judge) tooEarly(rule Rule, detail string, from []string, at time.Time) {
	i := j.f.moveAt(at)
	if len(from) == 0 || i < 0 {
		return
	}
	fn, stage := j.c.stage(j.f.Connection, j.f.Moves[i].Stage)
	if fn == nil {
		return
	}
	for _, ref := range from {
		if f, least, _ := j.c.Book.stageRef(ref); f == fn && stage < least {
			j.verdicts = append(j.verdicts, Verdict{Rule: rule, Detail: detail, Opened: at,
				Evidence: []Evidence{{What: "stage", Found: fn.Stages[stage].Name, Want: fn.Stages[least].Name}}})
		}
	}
}

func (j *judge) lost() {
	at := j.f.Lost
	open := Verdict{Opened: at, Evidence: []Evidence{{What: "lost_reason", Found: j.f.Reason}}}
	m := j.c.Meaning(j.f.Reason, j.f.Renamed, j.f.Spellings)
	switch {
	case fold(j.f.Reason) == "":
		open.Rule = LossWithoutReason
	case m.Reason != nil:
		j.lossFor(m.Reason, at)
		return
	case m.Refused:
		open.Rule = LossReasonRefused
		open.Evidence = append(open.Evidence, m.evidence()...)
	case len(j.c.reasons) > 0:
		open.Rule = LossReasonUnknown
	default:
		return // a book without reasons takes any
	}
	j.verdicts = append(j.verdicts, open)
}

// lossFor judges a loss for one of the book's reasons.
func (j *judge) lossFor(r *LossReason, at time.Time) {
	j.tooEarly(LossTooEarly, r.ID, r.From, at)
	j.asked(LossCriteria, r.ID, r.Criteria, at, j.as(at).entered)
	if len(r.Facts) > 0 {
		j.condition(Verdict{Rule: LossFacts, Detail: r.ID}, &Condition{Required: r.Facts}, at, at)
	}
	due := j.approvalDue(r.Approval, at)
	if due != nil && (j.f.Approved.IsZero() || j.f.Approved.After(j.now)) {
		due.Rule, due.Detail, due.Opened = LossApproval, r.ID, at
		j.verdicts = append(j.verdicts, *due)
	}
}

// approvalDue tells whether the head has to agree to a loss at an instant; nil:
// not. What it cannot tell, for want of a rate, cannot be judged.
func (j *judge) approvalDue(a *Approval, at time.Time) *Verdict {
	switch {
	case a == nil:
		return nil
	case a.Always:
		return &Verdict{}
	}
	w := j.as(at).worth()
	if w.none || w.cannot == "" && !w.amount.GreaterThan(*a.Above) {
		return nil
	}
	return &Verdict{Cannot: w.cannot, Assumed: !w.known, Evidence: []Evidence{{What: "amount", Found: w.found, Want: "at most " + a.Above.String()}}}
}
