package book

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"salesbook.dev/internal/strictyaml"
)

// PlacesCalled lists places as violations have them, funnel/stage: those of a
// funnel, of a stage, or of both, called by their ids or names in any case. A
// stage may be called by its whole place, too. Stages of several funnels may
// have one name. It is nil if neither is called.
func (b *Book) PlacesCalled(funnel, stage string) (places []string, err error) {
	if funnel == "" && stage == "" {
		return nil, nil
	}
	funnels := b.Funnels
	if funnel != "" {
		at, err := find("funnel", funnel, len(funnels), func(i int) (id, name string) { return funnels[i].ID, funnels[i].Name })
		if err != nil {
			return nil, err
		}
		funnels = pick(funnels, at)
	}
	if stage != "" {
		return stagesCalled(funnels, stage)
	}
	for i := range funnels {
		for _, id := range funnels[i].stageIDs() {
			places = append(places, funnels[i].ID+"/"+id)
		}
	}
	return places, nil
}

// stagesCalled lists the places of those stages of some funnels that are called
// so, funnel by funnel.
func stagesCalled(funnels []Funnel, called string) (places []string, err error) {
	var known []string
	for i := range funnels {
		f := &funnels[i]
		for j := range f.Stages {
			if ref := f.ID + "/" + f.Stages[j].ID; fold(ref) == fold(called) {
				return []string{ref}, nil
			}
		}
		name := func(j int) (id, name string) { return f.Stages[j].ID, f.Stages[j].Name }
		for _, j := range among(called, len(f.Stages), name) {
			places = append(places, f.ID+"/"+f.Stages[j].ID)
		}
		known = append(known, spellings(len(f.Stages), name)...)
	}
	if places == nil {
		return nil, Unknown("there is no such stage in the book", called, known)
	}
	return places, nil
}

// StageAt finds the stage of a place, funnel/stage; nil if the book has none.
func (b *Book) StageAt(place string) (*Funnel, *Stage) {
	f, i, ok := b.stageRef(place)
	if !ok {
		return nil, nil
	}
	return f, &f.Stages[i]
}

// ConditionAt finds the condition that a violation is about, by its rule and by
// which of several it is; nil if it is about none, or the book has it no more.
func (b *Book) ConditionAt(rule Rule, detail string) *Condition {
	n := strings.LastIndex(detail, "/")
	if n < 0 {
		return b.ConditionOf(rule)
	}
	var list []Condition
	_, stage := b.StageAt(detail[:n])
	switch reason := b.LossReason(detail[:n]); {
	case rule == EntryCriteria && stage != nil:
		list = stage.Entry
	case rule == ExitCriteria && stage != nil:
		list = stage.Exit
	case rule == WonCriteria:
		list = b.Won.Criteria
	case rule == LossCriteria && reason != nil:
		list = reason.Criteria
	default:
		return b.ConditionOf(rule)
	}
	if number, err := strconv.Atoi(detail[n+1:]); err == nil && 0 < number && number <= len(list) {
		return &list[number-1]
	}
	return nil
}

// FieldsAt lists the fields that a violation is about, by its rule and by which
// of several it is.
func (b *Book) FieldsAt(rule Rule, detail string) []string {
	switch rule {
	case RequiredFields:
		if _, stage := b.StageAt(detail); stage != nil {
			return stage.Required
		}
	case LossFacts:
		if reason := b.LossReason(detail); reason != nil {
			return reason.Facts
		}
	case Qualification:
		for i := range b.Segments {
			if b.Segments[i].ID == detail {
				return b.Segments[i].Known
			}
		}
	case EntryData:
		return b.Leads.Entry
	case PrimaryDemand:
		return b.Leads.Demand
	case ReasonForContact:
		return b.Leads.Reason
	case Nuances:
		return b.Leads.Nuances
	}
	return nil
}

// RepsOfTeam lists the addresses of a team's reps; the team is called by its id
// or name in any case.
func (b *Book) RepsOfTeam(team string) ([]string, error) {
	at, err := find("team", team, len(b.Teams), func(i int) (id, name string) { return b.Teams[i].ID, b.Teams[i].Name })
	if err != nil {
		return nil, err
	}
	reps := []string{}
	for _, t := range pick(b.Teams, at) {
		reps = append(reps, t.Reps...)
	}
	return reps, nil
}

// RuleCalled finds a rule by its name in any case among some, or, if these are
// none, among all of the book.
func (b *Book) RuleCalled(name string, some []Rule) (Rule, error) {
	names := b.RuleNames()
	if len(some) > 0 {
		names = idsOf(some, func(r *Rule) string { return string(*r) })
	}
	at, err := find("rule", name, len(names), func(i int) (id, name string) { return names[i], names[i] })
	if err != nil {
		return "", err
	}
	return Rule(names[at[0]]), nil
}

// LossReasonNamed finds a reason by its id, name or a spelling, in any case.
func (b *Book) LossReasonNamed(name string) (*LossReason, error) {
	if r := b.LossReasonCalled(name); r != nil {
		return r, nil
	}
	at, err := find("loss reason", name, len(b.LossReasons), func(i int) (id, name string) { return b.LossReasons[i].ID, b.LossReasons[i].Name })
	if err != nil {
		return nil, err
	}
	return &b.LossReasons[at[0]], nil
}

// Addresses lists those of all people whom the book names.
func (b *Book) Addresses() (all []string) {
	for _, t := range b.Teams {
		all = append(append(all, t.Reps...), t.Heads...)
	}
	for _, r := range b.Roles {
		all = append(all, r.Reps...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// find returns the numbers of what is called so, or an error.
func find(what, called string, n int, name func(i int) (id, name string)) ([]int, error) {
	found := among(called, n, name)
	if found == nil {
		return nil, Unknown("there is no such "+what+" in the book", called, spellings(n, name))
	}
	return found, nil
}

// among returns the numbers of what is called so: the one with that id, or else
// all with that name.
func among(called string, n int, name func(i int) (id, name string)) (found []int) {
	for i := range n {
		id, name := name(i)
		if fold(id) == fold(called) {
			return []int{i}
		}
		if fold(name) == fold(called) {
			found = append(found, i)
		}
	}
	return found
}

func spellings(n int, name func(i int) (id, name string)) (all []string) {
	for i := range n {
		id, name := name(i)
		all = append(all, id, name)
	}
	return all
}

// Unknown is the error about a name that nothing has; it suggests the nearest of
// those that there are, in small letters.
func Unknown(reason, called string, known []string) error {
	for i := range known {
		known[i] = fold(known[i])
	}
	slices.Sort(known)
	text := fmt.Sprintf("%s: %q", reason, called)
	if hint := strictyaml.Suggest(fold(called), slices.Compact(known)); hint != "" {
		text += "; " + hint
	}
	return errors.New(text)
}

// pick returns the elements with these numbers.
func pick[T any](list []T, at []int) []T {
	out := make([]T, len(at))
	for i, n := range at {
		out[i] = list[n]
	}
	return out
}
