// Package provision says what a CRM needs to be as a sales book has it:
// pipelines, stages, fields, loss reasons, and what the CRM itself shall demand.
// It is pure: it compares a book with what a CRM has, and returns a plan. What is
// in the CRM and not in the book is never touched, and nothing is ever deleted or
// renamed; where it is not plain what a name means, the plan says what a person
// has to do.
package provision

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/language"
	"salesbook.dev/internal/sales"
)

// CRM is what a connection has of what a book sets up, without what was deleted.
type CRM struct {
	Connection string // name
	Pipelines  []Pipeline
	Fields     []Field // of deals
	// Named says which fields of deals a name of the book may mean: by its folded
	// name their codes. An empty code is something of salesbook's own that the CRM
	// does not define; a name that is missing means nothing.
	Named   map[string][]string
	Reasons string // code of the field that loss reasons are read from; empty: none
	Card    string // code of the card's field that is in use; empty: none is
	// ByHand says where a person does what the CRM's API has no call for, as part of a
	// sentence: by kind and field, as stages.probability, or by the kind for new ones.
	ByHand map[string]string
	// Without are the fields, named so, that the CRM has nothing for.
	Without []string
	// Offered are the stages that a pipeline can have, if the CRM has a list of them;
	// nil: it has none, and they can have any name.
	Offered []Offered
	// OptionsAtOnce is how many options one step may add to a field; zero: any number.
	OptionsAtOnce int
}

// Offered is a stage of the CRM's list.
type Offered struct {
	Name string
	Ends string // won or lost, if deals in it have ended; deals stand in no such stage
}

// Pipeline is a pipeline with its stages in their order.
type Pipeline struct {
	ID, Name      string
	Probabilities bool // its deals carry a probability
	Stages        []Stage
}

// Stage is a stage of a pipeline.
type Stage struct {
	ID, Name    string
	Position    int              // its place, counted from one, where the CRM lets stages be moved
	Probability *decimal.Decimal // percent; nil: none
	RotDays     *int             // nil: deals do not rot here
}

// Field is a field of deals.
type Field struct {
	Code, Name string
	Holds      string // the class of its values, as field maps have it: text, number, date, ...
	Custom     bool   // made by the account
	Options    []string
	Required   sales.Demand // by the CRM's own pages
}

// Option is a new choice of a field.
type Option struct {
	Label string `json:"label"`
}

// The classes of new fields, as Step.Set has them under type.
const (
	Text   = "text"
	Number = "number"
	Date   = "date"
)

// Plan is what is to be done for a CRM to be as a book has it.
type Plan struct {
	Steps  []Step
	Later  []string // what is to be done once the book demands more
	ByHand []string // what a person has to do
	Alone  []string // what the CRM has and the book does not
	// Nothing is what the book says and the CRM has nothing for.
	Nothing []string
}

// Step is one change of the CRM.
type Step struct {
	Key  string         // what has it has one effect
	Kind string         // canonical kind of the record; empty: the CRM stays as it is, see Card
	ID   string         // the record's; empty: a new one
	Set  map[string]any // canonical fields, with values that encoding/json writes as they are stored
	Text string
	Else string // what to do by hand if the CRM refuses; empty: the same
	// Waits tells that it needs what a step before it makes: it can be done once
	// that is done and the plan is made anew.
	Waits bool
	Card  bool // its field is from then on the card's
}

// planner makes a plan.
type planner struct {
	c        *book.Compiled
	crm      *CRM
	now      time.Time
	plan     Plan
	bindings []book.Binding
	stages   map[string][]place // by funnel/stage: where it is or will be
	wins     []place            // the pipelines of the book
	made     map[string]string  // names of the fields that will be made, by their folded names
}

// place is a stage, or a pipeline, that is there or will be made.
type place struct {
	pipeline, pipelineID string
	stage, stageID       string
}

// Make plans what makes a CRM be as a book has it. before says what the book's
// names meant when it was put in force.
func Make(c *book.Compiled, before []book.Binding, crm CRM, now time.Time) Plan {
	p := &planner{c: c, crm: &crm, now: now, stages: map[string][]place{}, made: map[string]string{}}
	if !slices.ContainsFunc(c.Book.Funnels, func(f book.Funnel) bool { return len(p.from(&f)) > 0 }) {
		p.hand("the book names no pipeline of %s: add one under a funnel's crm", crm.Connection)
		return p.plan
	}
	p.bind(before)
	p.pipelines()
	p.fields()
	p.card()
	p.demands()
	p.reasons()
	return p.plan
}

// from lists the pipelines of this connection that a funnel names.
func (p *planner) from(f *book.Funnel) (out []book.From) {
	for _, from := range f.CRM {
		if from.Connection == "" || from.Connection == p.crm.Connection {
			out = append(out, from)
		}
	}
	return out
}

// bind finds what the names of pipelines and stages mean that are there.
func (p *planner) bind(before []book.Binding) {
	var list []book.Pipeline
	for _, pl := range p.crm.Pipelines {
		one := book.Pipeline{Connection: p.crm.Connection, ID: pl.ID, Name: pl.Name}
		for _, s := range pl.Stages {
			one.Stages = append(one.Stages, book.CRMStage{ID: s.ID, Name: s.Name})
		}
		list = append(list, one)
	}
	p.bindings, _ = book.Rebind(p.c.Book, list, before) // names that mean nothing are what is to be made
}

// bound lists the ids of what a name means.
func (p *planner) bound(kind, ref, written string) (ids []string) {
	for _, k := range p.bindings {
		if k.Connection == p.crm.Connection && k.Kind == kind && k.Ref == ref && k.Written == written && !slices.Contains(ids, k.ID) {
			ids = append(ids, k.ID)
		}
	}
	return ids
}

// can tells whether steps may set a field of a kind.
func (p *planner) can(field string) bool {
	return p.crm.ByHand[field] == "" && !slices.Contains(p.crm.Without, field)
}

// nothing tells of what the CRM has nothing for.
func (p *planner) nothing(text string) { p.plan.Nothing = once(p.plan.Nothing, text) }

// once adds a text to those that do not have it.
func once(list []string, text string) []string {
	if slices.Contains(list, text) {
		return list
	}
	return append(list, text)
}

func (p *planner) step(s Step) { p.plan.Steps = append(p.plan.Steps, s) }
func (p *planner) hand(format string, args ...any) {
	p.plan.ByHand = once(p.plan.ByHand, fmt.Sprintf(format, args...))
}
func (p *planner) alone(format string, args ...any) {
	p.plan.Alone = append(p.plan.Alone, fmt.Sprintf(format, args...))
}

// cardName is what the card's field is called.
func (p *planner) cardName() string {
	return language.Of(string(p.c.Book.Language)).Say(language.CardField)
}

// quoted lists names.
func quoted(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = fmt.Sprintf("%q", n)
	}
	return strings.Join(out, ", ")
}

// plural is a word for one or several things.
func plural(word string, n int) string {
	if n == 1 {
		return word
	}
	return word + "s"
}
