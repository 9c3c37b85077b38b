package book

import (
	"slices"
	"strings"
)

// judged are the rules that the book gives cause to judge: it states what they
// ask for, and they are not off for ever.
func (b *Book) judged() map[Rule]bool {
	out := b.asked()
	for rule := range out {
		if list := b.rollOuts(rule); len(list) == 1 && list[0].mode == Off {
			delete(out, rule)
		}
	}
	return out
}

// asked are the rules of which the book states what they ask for.
func (b *Book) asked() map[Rule]bool {
	out := map[Rule]bool{NoOwner: true, OwnerLeft: true, NoNextStep: true, NextStepOverdue: true, CloseDatePast: true,
		LossWithoutReason: true, WonWithoutAmount: true, DeletedOpen: true, ArchivedOpen: true}
	ask := func(rule Rule, does bool) {
		if does {
			out[rule] = true
		}
	}
	b.eachAsked(func(r Rule, _ *Condition) { out[r] = true })
	ask(NoTouch, b.Control.NoTouch != nil)
	ask(OverLimit, b.Control.Limit != nil)
	for i := range b.Funnels {
		f := &b.Funnels[i]
		ask(SkippedStage, f.Order == Strict)
		ask(MovedBack, f.Order == Strict)
		ask(Qualification, slices.ContainsFunc(b.Segments, func(s Segment) bool { return s.ID == f.Segment && len(s.Known) > 0 }))
		for j := range f.Stages {
			s := &f.Stages[j]
			ask(NoTouch, s.NoTouch != nil)
			ask(OverLimit, s.Limit != nil)
			ask(RequiredFields, len(s.Required) > 0)
			ask(WrongRole, slices.ContainsFunc(b.Roles, func(r Role) bool { return r.ID == s.Role && len(r.Reps) > 0 }))
		}
	}
	ask(WonTooEarly, len(b.Won.From) > 0)
	ask(LossReasonUnknown, len(b.LossReasons) > 0)
	ask(LossReasonRefused, len(b.Refused) > 0)
	for i := range b.LossReasons {
		r := &b.LossReasons[i]
		ask(LossTooEarly, len(r.From) > 0)
		ask(LossFacts, len(r.Facts) > 0)
		ask(LossApproval, r.Approval != nil)
	}
	l := &b.Leads
	ask(FirstResponse, l.FirstResponse != nil)
	ask(EntryData, len(l.Entry) > 0)
	ask(PrimaryDemand, len(l.Demand) > 0)
	ask(ReasonForContact, len(l.Reason) > 0)
	ask(Nuances, len(l.Nuances) > 0)
	return out
}

// eachAsked calls f for the conditions that are judged, with their rules; not
// for those within others.
func (b *Book) eachAsked(f func(Rule, *Condition)) {
	list := func(rule Rule, conditions []Condition) {
		for i := range conditions {
			k := &conditions[i]
			if k.ID != "" {
				f(Rule(k.ID), k)
			} else {
				f(rule, k)
			}
		}
	}
	for i := range b.Standard {
		if k := &b.Standard[i]; k.Must != nil {
			f(Rule(k.ID), k.Must)
			if k.When != nil {
				f(Rule(k.ID), k.When)
			}
		}
	}
	for i := range b.Funnels {
		for j := range b.Funnels[i].Stages {
			s := &b.Funnels[i].Stages[j]
			list(EntryCriteria, s.Entry)
			list(ExitCriteria, s.Exit)
			for n := range s.Tasks {
				if done := s.Tasks[n].Done; done != nil {
					f(TaskNotDone, done)
				}
			}
		}
	}
	list(WonCriteria, b.Won.Criteria)
	for i := range b.LossReasons {
		list(LossCriteria, b.LossReasons[i].Criteria)
	}
}

// rollOut is what is done about a rule from a day on.
type rollOut struct {
	from  Date // zero: from the beginning
	mode  Mode
	grace *Span // how long after the violation; nil: at once
}

// what is the roll-out but for its day.
func (r rollOut) what() string {
	if r.grace != nil {
		return string(r.mode) + " after " + r.grace.String()
	}
	return string(r.mode)
}

func (r rollOut) String() string {
	mode, grace, late := strings.Cut(r.what(), " ")
	if r.from != (Date{}) {
		mode += " from " + r.from.String()
	}
	if late {
		mode += " " + grace
	}
	return mode
}

// rollOuts are the days from which on other things are done about a rule.
func (b *Book) rollOuts(rule Rule) (out []rollOut) {
	days := []Date{{}}
	for i := range b.Enforcement {
		if e := &b.Enforcement[i]; e.Rule == "all" || e.Rule == string(rule) {
			days = append(days, e.begins())
		}
	}
	slices.SortFunc(days, func(a, b Date) int { return strings.Compare(a.String(), b.String()) })
	for _, day := range days {
		next := rollOut{from: day, mode: b.modeOn(rule, day)}
		if e := b.enforcementOn(rule, day); e != nil && e.Grace != nil && next.mode != Off {
			next.grace = e.Grace
		}
		if n := len(out); n == 0 || out[n-1].what() != next.what() {
			out = append(out, next)
		}
	}
	return out
}

// schedule is what is done about a rule over time, as in "off, tell from
// 2026-12-07 after 1wd".
func (b *Book) schedule(rule Rule) string {
	var steps []string
	for _, r := range b.rollOuts(rule) {
		steps = append(steps, r.String())
	}
	return strings.Join(steps, ", ")
}

// offDays are the days on which a rule begins or ceases to be judged.
func (b *Book) offDays(rule Rule) (days string) {
	off := false
	for _, r := range b.rollOuts(rule) {
		if now := r.mode == Off; now != off {
			off = now
			days += r.from.String() + " "
		}
	}
	return days
}
