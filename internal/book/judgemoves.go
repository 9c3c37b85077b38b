package book

import (
	"fmt"
	"slices"
	"time"
)

// moves judges every way from one stage of a funnel to another. One that
// salesbook took back is mended by that.
func (j *judge) moves() {
	j.c.eachMove(j.f, j.now, func(i int, from, to place) {
		j.step = i + 1
		judged := len(j.verdicts)
		j.move(i, from, to)
		back := j.f.takenBack(i, j.now)
		for n := judged; n < len(j.verdicts); n++ {
			j.verdicts[n].Mended = sooner(j.verdicts[n].Mended, back)
		}
	})
	j.step = 0
}

func (j *judge) move(i int, from, to place) {
	m := &j.f.Moves[i]
	if from.funnel == to.funnel {
		j.order(to.funnel, from.stage, to.stage, i)
		if to.stage < from.stage {
			return
		}
		j.left(to.funnel, from.stage, m.At)
	}
	st := &to.funnel.Stages[to.stage]
	j.asked(EntryCriteria, to.String(), st.Entry, m.At, m.At)
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
	j.add(v)
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
	j.add(v)
}

// mended is the first instant after at at which a condition holds by what has
// happened; zero if there is none.
func (j *judge) mended(k *Condition, at, entered time.Time) time.Time {
	if k.Required != nil && !j.changed(k.Required) {
		return time.Time{}
	}
	s := j.glance()
	for _, t := range slices.Backward(j.happened()) {
		if !t.After(at) || t.After(j.now) {
			continue
		}
		j.turn(s, t)
		s.entered = entered
		if s.holds(k).holds {
			return t
		}
	}
	return time.Time{}
}

// ending judges how a deal ended.
func (j *judge) ending(end string, at time.Time) {
	switch end {
	case "deleted":
		j.add(Verdict{Rule: DeletedOpen, Opened: at})
		return
	case "archived":
		j.add(Verdict{Rule: ArchivedOpen, Opened: at})
		return
	}
	j.step = len(j.f.Moves) + 1
	if end == "won" {
		j.won()
	} else {
		j.lost()
	}
	j.step = 0
}

func (j *judge) won() {
	at := j.f.Won
	if value, known := j.f.value("amount", at); value == "" || value == "0" {
		v := Verdict{Rule: WonWithoutAmount, Opened: at, Assumed: !known, Evidence: []Evidence{{What: "amount", Found: value}}}
		v.Mended = j.filledAfter("amount", at)
		j.add(v)
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
			j.add(Verdict{Rule: rule, Detail: detail, Opened: at,
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
	j.add(open)
}

// lossFor judges a loss for one of the book's reasons.
func (j *judge) lossFor(r *LossReason, at time.Time) {
	j.tooEarly(LossTooEarly, r.ID, r.From, at)
	j.asked(LossCriteria, r.ID, r.Criteria, at, j.as(at).entered)
	if len(r.Facts) > 0 {
		j.condition(Verdict{Rule: LossFacts, Detail: r.ID}, &Condition{Required: r.Facts}, at, at)
	}
	j.approval(r, at)
}
