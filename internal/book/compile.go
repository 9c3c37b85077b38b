package book

import (
	"slices"
	"strings"
	"time"
)

// Pipeline is a pipeline of a CRM with its stages in their order.
type Pipeline struct {
	Connection string // name
	ID, Name   string
	Stages     []CRMStage
}

// CRMStage is a stage of a pipeline.
type CRMStage struct{ ID, Name string }

// Compiled is a book made ready for judging deals of some CRMs. It never
// changes, and several goroutines may use it.
type Compiled struct {
	Book        *Book
	calendar    *WorkTime // the first one
	times       *WorkTimes
	stages      map[stageKey]stageAt
	reasons     map[string]int  // by folded spelling: number in LossReasons
	refused     map[string]int  // by folded spelling: number in Refused
	touches     map[string]bool // types of activities that touch a client; nil: all but tasks
	roles       map[string]map[string]bool
	below       map[string]int    // by funnel: number of the stage before which a deal is a lead
	folded      map[string]string // names of fields, as Facts has them
	fields      []NamedField
	anyField    bool // an expression reckons out which field it asks for
	rates       map[string][]rateFrom
	rollOuts    map[Rule][]rollOut
	drift       []Drift
	expressions map[*Condition]*expression
}

type stageKey struct{ connection, id string }

// stageAt is a stage of the book: the numbers of its funnel and of itself.
type stageAt struct{ funnel, stage int }

// Compile makes a book that was parsed ready for the pipelines of its CRMs. If
// the error is Problems, they are what the book names and no CRM has: what was
// compiled can be used all the same, and those parts judge nothing.
func Compile(b *Book, pipelines []Pipeline) (*Compiled, error) {
	return CompileBound(b, pipelines, nil)
}

// CompileBound is Compile for a book whose names meant something when it was put
// in force: they still mean that, whatever it is called now.
func CompileBound(b *Book, pipelines []Pipeline, bindings []Binding) (*Compiled, error) {
	c := &Compiled{Book: b, reasons: map[string]int{}, refused: map[string]int{},
		roles: map[string]map[string]bool{}, rollOuts: map[Rule][]rollOut{}, below: map[string]int{}, folded: map[string]string{}, expressions: map[*Condition]*expression{}}
	if err := c.calendars(); err != nil {
		return nil, err
	}
	c.compileRates()
	for _, rule := range b.RuleNames() {
		c.rollOuts[Rule(rule)] = b.rollOuts(Rule(rule))
	}
	for i := range b.LossReasons {
		for _, s := range b.LossReasons[i].written() {
			c.reasons[FoldReason(s)] = i
		}
	}
	for i := range b.Refused {
		for _, s := range b.Refused[i].written() {
			c.refused[FoldReason(s)] = i
		}
	}
	for _, r := range b.Roles {
		c.roles[r.ID] = map[string]bool{}
		for _, rep := range r.Reps {
			c.roles[r.ID][strings.ToLower(rep)] = true
		}
	}
	if b.Control.Touches != nil {
		c.touches = map[string]bool{}
		for _, t := range b.Control.Touches {
			c.touches[t] = true
		}
	}
	for _, ref := range b.Leads.Below {
		if f, stage, ok := b.stageRef(ref); ok {
			c.below[f.ID] = stage
		}
	}
	if err := c.compileExpressions(); err != nil {
		return nil, err
	}
	c.compileFields()
	binder := newBinder(b, pipelines, bindings)
	binder.funnels()
	c.stages, c.drift = binder.stages, binder.drift(bindings)
	if len(binder.problems) > 0 {
		return c, binder.problems
	}
	return c, nil
}

// compileExpressions makes the book's expressions ready, which were checked
// when it was parsed.
func (c *Compiled) compileExpressions() error {
	d, err := newDialect()
	if err != nil {
		return err
	}
	c.Book.eachCondition(func(k *Condition, _ scope) {
		if k.CEL != "" && err == nil {
			c.expressions[k], err = d.compile(k.CEL)
		}
	})
	return err
}

// calendars makes the calendars ready.
func (c *Compiled) calendars() (err error) {
	c.times, err = c.Book.WorkTimes()
	if err == nil {
		c.calendar = c.times.usual
	}
	return err
}

// Place is where a deal stands at an instant, as funnel/stage; empty if the book
// does not have it.
func (c *Compiled) Place(f *Facts, at time.Time) string {
	i := f.moveAt(at)
	if i < 0 {
		return ""
	}
	fn, stage := c.stage(f.Connection, f.Moves[i].Stage)
	if fn == nil {
		return ""
	}
	return fn.ID + "/" + fn.Stages[stage].ID
}

// Zone is the time zone of the book's first calendar.
func (c *Compiled) Zone() *time.Location { return c.calendar.zone }

// WorkTime is the calendar by which a rep works.
func (c *Compiled) WorkTime(owner string) *WorkTime { return c.times.Of(owner) }

// named tells whether a name of the book is that of something in the CRM.
func named(written, id, name string) bool {
	if number, ok := strings.CutPrefix(written, "#"); ok && number == id {
		return true
	}
	return fold(written) == fold(name)
}

// stage finds a stage of the CRM in the book.
func (c *Compiled) stage(connection, id string) (f *Funnel, stage int) {
	at, ok := c.stages[stageKey{connection, id}]
	if !ok {
		return nil, -1
	}
	return &c.Book.Funnels[at.funnel], at.stage
}

// modeOn is what is done about a rule on a day.
func (b *Book) modeOn(rule Rule, day Date) Mode {
	if e := b.enforcementOn(rule, day); e != nil && e.Mode != "" {
		return e.Mode
	}
	return Observe
}

// enforcementOn is the line that holds for a rule on a day: of those that name the
// rule, or else all rules, the latest that has begun; nil if there is none.
func (b *Book) enforcementOn(rule Rule, day Date) (line *Enforcement) {
	for _, name := range []string{"all", string(rule)} {
		var since Date
		for i := range b.Enforcement {
			e := &b.Enforcement[i]
			if from := e.begins(); e.Rule == name && !day.Before(from) && !from.Before(since) {
				since, line = from, e
			}
		}
	}
	return line
}

// begins is the first day of an enforcement.
func (e *Enforcement) begins() Date {
	if e.From == nil {
		return Date{}
	}
	return *e.From
}

// nextRollOut is the first instant after now at which a rule may begin or cease
// to be judged; zero: none does. Other modes change nothing about verdicts.
func (c *Compiled) nextRollOut(now time.Time) (next time.Time) {
	if !slices.ContainsFunc(c.Book.Enforcement, func(e Enforcement) bool { return e.Mode == Off }) {
		return time.Time{}
	}
	for i := range c.Book.Enforcement {
		if t := Clock(0).on(c.Book.Enforcement[i].begins(), c.calendar.zone); t.After(now) {
			next = sooner(next, t)
		}
	}
	return next
}

// Before tells whether a day comes before another.
func (d Date) Before(o Date) bool {
	return d.Year < o.Year || d.Year == o.Year && (d.Month < o.Month || d.Month == o.Month && d.Day < o.Day)
}
