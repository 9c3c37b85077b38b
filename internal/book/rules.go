package book

import "slices"

// Rule is a kind of violation. Its name is stable: violations, enforcement and
// cases refer to it.
type Rule string

// The rules that salesbook has of its own. Commandments and conditions with an
// id are rules under that id.
const (
	NoOwner           Rule = "no_owner"
	OwnerLeft         Rule = "owner_left"
	NoNextStep        Rule = "no_next_step"
	NextStepOverdue   Rule = "next_step_overdue"
	CloseDatePast     Rule = "close_date_past"
	NoTouch           Rule = "no_touch"
	OverLimit         Rule = "over_limit"
	SkippedStage      Rule = "skipped_stage"
	MovedBack         Rule = "moved_back"
	EntryCriteria     Rule = "entry_criteria"
	ExitCriteria      Rule = "exit_criteria"
	TaskNotDone       Rule = "task_not_done"
	RequiredFields    Rule = "required_fields"
	WrongRole         Rule = "wrong_role"
	LossWithoutReason Rule = "loss_without_reason"
	LossReasonUnknown Rule = "loss_reason_unknown"
	LossReasonRefused Rule = "loss_reason_refused"
	LossTooEarly      Rule = "loss_too_early"
	LossCriteria      Rule = "loss_criteria"
	LossFacts         Rule = "loss_facts"
	LossApproval      Rule = "loss_approval"
	WonCriteria       Rule = "won_criteria"
	WonTooEarly       Rule = "won_too_early"
	WonWithoutAmount  Rule = "won_without_amount"
	DeletedOpen       Rule = "deleted_open"
	ArchivedOpen      Rule = "archived_open"
	FirstResponse     Rule = "first_response"
	EntryData         Rule = "entry_data"
	Qualification     Rule = "qualification"
	PrimaryDemand     Rule = "primary_demand"
	ReasonForContact  Rule = "reason_for_contact"
	Nuances           Rule = "nuances"
)

// Rules lists the rules of salesbook's own in the order in which a report has
// them: who cares for a deal, what comes next, how it moved, how it ended, how
// it began.
func Rules() []Rule {
	return []Rule{NoOwner, OwnerLeft, NoNextStep, NextStepOverdue, CloseDatePast, NoTouch, OverLimit,
		SkippedStage, MovedBack, EntryCriteria, ExitCriteria, TaskNotDone, RequiredFields, WrongRole,
		LossWithoutReason, LossReasonUnknown, LossReasonRefused, LossTooEarly, LossCriteria, LossFacts, LossApproval,
		WonCriteria, WonTooEarly, WonWithoutAmount, DeletedOpen, ArchivedOpen,
		FirstResponse, EntryData, Qualification, PrimaryDemand, ReasonForContact, Nuances}
}

// Hanging lists the rules by which a deal hangs.
func Hanging() []Rule {
	return []Rule{NoNextStep, NextStepOverdue, CloseDatePast, NoTouch, OverLimit}
}

// Reasonless lists the rules by which a loss has no reason of the book.
func Reasonless() []Rule {
	return []Rule{LossWithoutReason, LossReasonUnknown, LossReasonRefused}
}

// OfSteps lists the rules that are about a move or the end of a deal, so that what
// broke them can be taken back.
func OfSteps() []Rule {
	return []Rule{SkippedStage, MovedBack, EntryCriteria, ExitCriteria, TaskNotDone,
		LossWithoutReason, LossReasonUnknown, LossReasonRefused, LossTooEarly, LossCriteria, LossFacts, LossApproval,
		WonCriteria, WonTooEarly, WonWithoutAmount, DeletedOpen, ArchivedOpen}
}

// RuleNames lists all rules of a book: salesbook's own, then the book's.
func (b *Book) RuleNames() []string {
	var out []string
	for _, r := range Rules() {
		out = append(out, string(r))
	}
	for _, c := range b.Standard {
		if c.Must != nil {
			out = append(out, c.ID)
		}
	}
	b.eachCondition(func(c *Condition, _ scope) {
		if c.ID != "" {
			out = append(out, c.ID)
		}
	})
	slices.Sort(out[len(Rules()):])
	return out
}

// ConditionOf finds the condition that is a rule of its own; nil if there is
// none of this name.
func (b *Book) ConditionOf(rule Rule) (found *Condition) {
	b.eachCondition(func(c *Condition, _ scope) {
		if c.ID != "" && c.ID == string(rule) {
			found = c
		}
	})
	return found
}

// scope is where a condition stands.
type scope struct {
	where  string  // as messages have it
	funnel *Funnel // nil: in none or several
	stage  int     // its number in the funnel; -1: of no stage
	entry  bool    // it is asked for when a deal enters the stage
}

// eachCondition calls f for every condition of the book, also those within
// others.
func (b *Book) eachCondition(f func(*Condition, scope)) {
	visit := func(list []Condition, s scope) {
		for i := range list {
			list[i].each(func(c *Condition) { f(c, s) })
		}
	}
	one := func(c *Condition, s scope) {
		if c != nil {
			c.each(func(c *Condition) { f(c, s) })
		}
	}
	for i := range b.Standard {
		c := &b.Standard[i]
		s := scope{where: "standard › " + c.ID, stage: -1}
		one(c.When, s)
		one(c.Must, s)
	}
	for i := range b.Funnels {
		fn := &b.Funnels[i]
		for j := range fn.Stages {
			st := &fn.Stages[j]
			s := scope{where: "funnels › " + fn.ID + " › stages › " + st.ID, funnel: fn, stage: j}
			visit(st.Exit, s)
			for k := range st.Tasks {
				one(st.Tasks[k].Done, s)
			}
			s.entry = true
			visit(st.Entry, s)
		}
	}
	visit(b.Won.Criteria, scope{where: "won", stage: -1})
	for i := range b.LossReasons {
		visit(b.LossReasons[i].Criteria, scope{where: "loss_reasons › " + b.LossReasons[i].ID, stage: -1})
	}
	for i := range b.Leads.Distribution {
		one(b.Leads.Distribution[i].When, scope{where: "leads › distribution", stage: -1})
	}
}

// each calls f for the condition and those within it.
func (c *Condition) each(f func(*Condition)) {
	f(c)
	for _, list := range [][]Condition{c.Any, c.All} {
		for i := range list {
			list[i].each(f)
		}
	}
	if c.Not != nil {
		c.Not.each(f)
	}
}
