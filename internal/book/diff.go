package book

import (
	"slices"
	"strings"

	"salesbook.dev/internal/strictyaml"
)

// Difference is one thing that two books say differently.
type Difference = strictyaml.Difference

// What became of a part of a book.
type What = strictyaml.What

// Diff is what two books say differently, and what that means for judging.
type Diff struct {
	Differences []Difference
	Effects     []Effect // in the order of a report
}

// Effect is what becomes of the judging of a rule.
type Effect struct {
	Rule    Rule
	Judging Judging
	Because []string // where the books differ, as Difference.Where; empty: only in what is done about the rule
	Before  string   // what was done about the rule and from when, as in "off, tell from 2026-12-07"; empty: the same as after
	After   string
}

// Judging is what becomes of a rule.
type Judging string

// What may become of it.
const (
	JudgedNewly  Judging = "newly"     // it was not judged
	JudgedAnew   Judging = "anew"      // it may be judged otherwise
	JudgedNoMore Judging = "no longer" // it was judged
	JudgedAlike  Judging = "alike"     // other things are done about it
)

// Compare tells what two books say differently. What the older one lacks was
// added, whichever was written first.
func Compare(old, new *Book) Diff {
	d := Diff{Differences: strictyaml.Compare(old, new)}
	because := map[Rule][]string{}
	for i := range d.Differences {
		b := &bearing{old, new, map[Rule]bool{}}
		b.difference(&d.Differences[i])
		for rule := range b.rules {
			because[rule] = append(because[rule], d.Differences[i].Where())
		}
	}
	was, is := old.judged(), new.judged()
	own := len(Rules())
	names := slices.Concat(old.RuleNames()[own:], new.RuleNames()[own:])
	slices.Sort(names)
	for _, name := range slices.Concat(old.RuleNames()[:own], slices.Compact(names)) {
		rule := Rule(name)
		e := Effect{Rule: rule, Because: slices.Compact(because[rule]), Before: old.schedule(rule), After: new.schedule(rule)}
		if e.Before == e.After {
			e.Before, e.After = "", ""
		}
		e.Judging = judging(was[rule], is[rule], len(e.Because) > 0 || old.offDays(rule) != new.offDays(rule), e.Before != e.After)
		if e.Judging != "" {
			d.Effects = append(d.Effects, e)
		}
	}
	return d
}

// judging is what becomes of a rule; empty: nothing.
func judging(was, is, otherwise, announced bool) Judging {
	switch {
	case was && !is:
		return JudgedNoMore
	case is && !was:
		return JudgedNewly
	case is && otherwise:
		return JudgedAnew
	case is && announced:
		return JudgedAlike
	}
	return ""
}

// bearing finds the rules that a difference bears on. The document says it, in
// the tags of its keys: rules:"..." names rules, or one of these words, and holds
// for what stands below as well, unless that says otherwise.
//
//	none        for people alone
//	own         the rule whose id the item has
//	places      every rule that asks where a deal stands
//	clock       every rule that counts time
//	amounts     every rule that compares amounts
//	team        clock, for a team with a calendar of its own
//	stage_name  places, for a stage that is known in the CRM by its name
type bearing struct {
	old, new *Book
	rules    map[Rule]bool
}

func (e *bearing) difference(d *Difference) {
	for _, word := range bearsOn(d) {
		e.word(word, d)
	}
	for i := range d.Parts {
		e.difference(&d.Parts[i])
	}
}

// bearsOn is what the document says at the end of a difference's path.
func bearsOn(d *Difference) (words []string) {
	for n, step := range d.Path {
		own := slices.Index(words, "own")
		switch {
		case !step.Item:
			if said := step.Tag.Get("rules"); said != "" {
				words = strings.Split(said, ",")
			}
		case own < 0:
		case step.Key == "":
			words = slices.Delete(words, own, own+1)
		case n == len(d.Path)-1: // it came or went, and others have another number since
			words[own] = step.Key
		default:
			words = []string{step.Key}
		}
	}
	return words
}

func (e *bearing) word(word string, d *Difference) {
	switch word {
	case "none", "own":
	case "places":
		e.all(func(r Rule) bool { return !slices.Contains(placeless(), r) })
	case "clock":
		e.all(func(r Rule) bool {
			return !slices.Contains(timeless(), r) || e.old.offDays(r) != "" || e.new.offDays(r) != ""
		})
	case "amounts":
		e.all(func(r Rule) bool { return e.old.comparesAmounts(r) || e.new.comparesAmounts(r) })
	case "team":
		if e.old.ownCalendar(d.Path[1].Key) || e.new.ownCalendar(d.Path[1].Key) {
			e.word("clock", d)
		}
	case "stage_name":
		if ref := d.Path[1].Key + "/" + d.Path[3].Key; e.old.knownByName(ref) || e.new.knownByName(ref) {
			e.word("places", d)
		}
	default:
		e.rules[Rule(word)] = true
	}
}

// all takes the rules of both books that something is true of.
func (e *bearing) all(bears func(Rule) bool) {
	for _, name := range slices.Concat(e.old.RuleNames(), e.new.RuleNames()) {
		if bears(Rule(name)) {
			e.rules[Rule(name)] = true
		}
	}
}

// placeless are rules that do not ask where a deal stands.
func placeless() []Rule {
	return []Rule{NoOwner, OwnerLeft, NoNextStep, NextStepOverdue, CloseDatePast, LossWithoutReason, LossReasonUnknown, LossReasonRefused,
		LossFacts, LossApproval, WonWithoutAmount, DeletedOpen, ArchivedOpen, EntryData}
}

// timeless are rules that do not count time.
func timeless() []Rule {
	return []Rule{NoOwner, OwnerLeft, NoNextStep, SkippedStage, MovedBack, WrongRole, LossWithoutReason, LossReasonUnknown, LossReasonRefused,
		LossTooEarly, LossFacts, LossApproval, WonTooEarly, WonWithoutAmount, DeletedOpen, ArchivedOpen, EntryData}
}

// ownCalendar tells whether a team has one.
func (b *Book) ownCalendar(team string) bool {
	return slices.ContainsFunc(b.Teams, func(t Team) bool { return t.ID == team && t.Calendar != "" })
}

// knownByName tells whether a stage is the CRM's stage of the same name.
func (b *Book) knownByName(ref string) bool {
	f, stage, ok := b.stageRef(ref)
	return ok && len(f.Stages[stage].CRM) == 0
}

// comparesAmounts tells whether a rule compares amounts with the book's currency.
func (b *Book) comparesAmounts(rule Rule) (yes bool) {
	b.eachAsked(func(r Rule, k *Condition) {
		if r == rule {
			k.each(func(k *Condition) { yes = yes || k.AmountAtLeast != nil })
		}
	})
	return yes
}
