package handbook

import (
	"salesbook.dev/internal/book"
	"salesbook.dev/internal/language"
	"salesbook.dev/internal/wording"
)

// standard is the first part: the commandments, and what holds in every book.
func (w *writer) standard() []section {
	own := section{}
	for i := range w.book.Standard {
		c := &w.book.Standard[i]
		own.Cards = append(own.Cards, card{ID: "standard." + c.ID, Number: i + 1, Title: c.Text, Entries: w.commandment(c)})
	}
	if len(own.Cards) == 0 {
		own.About = w.Say(language.Nothing)
	}
	return []section{own, w.unwritten()}
}

func (w *writer) commandment(c *book.Commandment) []entry {
	e := w.entries()
	if c.How != "" {
		e.add(language.How, linked(c.How))
	}
	var funnels []string
	for _, id := range c.Funnels {
		funnels = append(funnels, w.Quote(w.funnelName(id)))
	}
	e.say(language.HoldsIn, w.And(funnels))
	if c.When != nil {
		e.add(language.HoldsIf, clauses([]wording.Clause{w.Condition(c.When)})...)
	}
	if c.Must != nil {
		e.add(language.CheckedBy, clauses([]wording.Clause{w.Condition(c.Must)})...)
	}
	return e.list
}

// unwritten is what holds of every deal and lead though no book writes it down.
func (w *writer) unwritten() section {
	var rules []string
	for _, r := range []book.Rule{book.NoOwner, book.OwnerLeft, book.NoNextStep, book.NextStepOverdue, book.CloseDatePast,
		book.LossWithoutReason, book.WonWithoutAmount, book.DeletedOpen, book.ArchivedOpen} {
		rules = append(rules, w.Rule(string(r)))
	}
	return section{ID: "every", Title: w.Say(language.OfEvery), Entries: []entry{{Lines: texts(rules)}}}
}

// funnelName is the name of a funnel with an id.
func (w *writer) funnelName(id string) string {
	for i := range w.book.Funnels {
		if w.book.Funnels[i].ID == id {
			return w.book.Funnels[i].Name
		}
	}
	return id
}

// stageName is the name of a stage of a funnel.
func (w *writer) stageName(funnel, id string) string {
	for i := range w.book.Funnels {
		if f := &w.book.Funnels[i]; f.ID == funnel {
			return w.StageOf(f, id)
		}
	}
	return id
}
