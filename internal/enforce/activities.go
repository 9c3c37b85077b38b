package enforce

import (
	"cmp"
	"fmt"
	"time"

	"salesbook.dev/internal/book"
)

// activities are what the stage that the deal has entered and the loss of it
// make, once each. A step that is taken back makes none.
func (l *look) activities() []Activity {
	switch {
	case l.back:
		return nil
	case l.end == "lost":
		return l.ofLoss()
	case l.end == "" && !l.f.Lead:
		return l.ofStage()
	}
	return nil
}

// fresh tells whether something happened since the book is in force and the
// connection was read.
func (l *look) fresh(at time.Time) bool { return !at.Before(later(l.Read, l.Active)) }

func (l *look) ofStage() (list []Activity) {
	stay, known := l.Book.Stay(l.f, l.now)
	if !known || !l.fresh(stay.Entered) {
		return nil
	}
	for i := range stay.Stage.Tasks {
		t := &stay.Stage.Tasks[i]
		if t.Create == nil {
			continue
		}
		due := stay.Entered
		if t.Create.After != nil {
			due = l.work.After(due, *t.Create.After)
		}
		list = l.once(list, Activity{
			Key:  fmt.Sprintf("stage/%d/%s/%s/%s", stay.Entered.UnixMilli(), stay.Funnel.ID, stay.Stage.ID, t.ID),
			Type: t.Create.Type, Subject: t.Name, Note: l.page().how(t.How).String(), Due: l.work.WorkingDay(due)})
	}
	return list
}

func (l *look) ofLoss() (list []Activity) {
	r := l.Book.Meaning(l.f.Reason, l.f.Renamed, l.f.Spellings).Reason
	if r == nil || !l.fresh(l.ended) {
		return nil
	}
	for i := range r.OnLost {
		list = l.once(list, Activity{
			Key:  fmt.Sprintf("lost/%d/%s/%d", l.ended.UnixMilli(), r.ID, i+1),
			Type: r.OnLost[i].Type, Subject: r.OnLost[i].Task, Due: l.dueAfterLoss(&r.OnLost[i])})
	}
	return list
}

// dueAfterLoss is when a task that a loss makes is due. A field that holds no day
// leaves it for at once.
func (l *look) dueAfterLoss(t *book.LostTask) book.Date {
	if t.After != nil {
		return l.work.WorkingDay(l.work.After(l.ended, *t.After))
	}
	if d, ok := l.Book.DayIn(l.f, t.Field, l.now); ok {
		return d
	}
	return l.work.WorkingDay(l.ended)
}

// once adds an activity unless it was made before. One that would be due already
// is due next.
func (l *look) once(list []Activity, a Activity) []Activity {
	if l.s.Made[a.Key] || l.s.Refused[a.Key] {
		return list
	}
	a.Type = cmp.Or(a.Type, "task")
	if soonest := l.work.WorkingDay(l.now); a.Due.Before(soonest) {
		a.Due = soonest
	}
	return append(list, a)
}
