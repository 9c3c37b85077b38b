// Package wording says what a sales book states in the words of people: spans
// of time, stages, conditions, rules. Whatever prints, tells or explains a book
// says the same thing in the same words.
//
// It is pure, and its texts are plain: whoever shows them escapes them.
package wording

import (
	"strings"

	"github.com/shopspring/decimal"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/language"
)

// Words puts what a book states into words of a language.
type Words struct {
	language.Language
	book *book.Book
}

// Of speaks of a book in the book's own language.
func Of(b *book.Book) *Words { return In(language.Of(string(b.Language)), b) }

// In speaks of a book in a language.
func In(l language.Language, b *book.Book) *Words { return &Words{l, b} }

// Length says how long a span is.
func (w *Words) Length(s book.Span) language.Span { return w.Span(s.N, string(s.Unit)) }

// Amount writes an amount of money of the book.
func (w *Words) Amount(d decimal.Decimal) string { return w.Money(d, w.book.Currency) }

// Day writes a day.
func (w *Words) Day(d book.Date) string { return w.Date(d.Year, d.Month, d.Day) }

// Moment writes a day and a time of day.
func (w *Words) Moment(m book.Moment) string { return w.Day(m.Day) + ", " + m.Time.String() }

// Fields are names of fields, quoted.
func (w *Words) Fields(names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = w.Quote(w.Field(name))
	}
	return out
}

// Types are types of activities of which one counts.
func (w *Words) Types(codes []string) string {
	out := make([]string, len(codes))
	for i, code := range codes {
		out[i] = w.ActivityType(code)
	}
	return w.Or(out)
}

// People lists who is told or decides.
func (w *Words) People(list []book.Who) string {
	out := make([]string, len(list))
	for i, who := range list {
		out[i] = w.Who(string(who))
	}
	return w.And(out)
}

// Stage names a stage that is given as funnel/stage, with its funnel where the
// book has several.
func (w *Words) Stage(ref string) string {
	funnel, id, _ := strings.Cut(ref, "/")
	for i := range w.book.Funnels {
		f := &w.book.Funnels[i]
		if f.ID != funnel {
			continue
		}
		name := w.Quote(w.StageOf(f, id))
		if len(w.book.Funnels) == 1 {
			return name
		}
		return w.Say(language.StageOf, name, w.Quote(f.Name))
	}
	return w.Quote(ref)
}

// StageOf is the name of a stage of a funnel.
func (w *Words) StageOf(f *book.Funnel, id string) string {
	for i := range f.Stages {
		if f.Stages[i].ID == id {
			return f.Stages[i].Name
		}
	}
	return id
}

// Stages lists stages of which one is meant.
func (w *Words) Stages(refs []string) string {
	out := make([]string, len(refs))
	for i, ref := range refs {
		out[i] = w.Stage(ref)
	}
	return w.Or(out)
}

// Rule says what a rule asks for: one of salesbook's own, a commandment, or a
// condition that has an id.
func (w *Words) Rule(id string) string {
	if text := w.Language.Rule(id); text != "" {
		return text
	}
	for i := range w.book.Standard {
		if w.book.Standard[i].ID == id {
			return w.book.Standard[i].Text
		}
	}
	if c := w.book.ConditionOf(book.Rule(id)); c != nil {
		return w.Condition(c).String()
	}
	return id
}

// HowTo is the script, checklist or link of a commandment; empty if it has none
// and for every other rule.
func (w *Words) HowTo(rule string) string {
	for i := range w.book.Standard {
		if w.book.Standard[i].ID == rule {
			return w.book.Standard[i].How
		}
	}
	return ""
}
