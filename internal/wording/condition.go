package wording

import (
	"slices"
	"strings"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/language"
)

// Clause is one thing that must hold, in words.
type Clause struct {
	Text string
	Code string   // an expression that it ends with
	Of   []Clause // what it is made of; the text introduces them
}

// String is the clause on one line. What is itself made of several stands in
// brackets.
func (c Clause) String() string {
	parts := make([]string, len(c.Of))
	for i := range c.Of {
		if parts[i] = c.Of[i].String(); len(c.Of[i].Of) > 0 {
			parts[i] = "(" + parts[i] + ")"
		}
	}
	return strings.TrimSpace(c.Text + " " + c.Code + strings.Join(parts, "; "))
}

// Condition says what must hold: in the book's own words if it has some.
func (w *Words) Condition(c *book.Condition) Clause {
	switch {
	case c.Say != "":
		return Clause{Text: c.Say}
	case c.Any != nil:
		return Clause{Text: w.Say(language.AnyOf), Of: w.Conditions(c.Any)}
	case c.All != nil:
		return Clause{Text: w.Say(language.AllOf), Of: w.Conditions(c.All)}
	case c.Not != nil:
		return Clause{Text: w.Say(language.NotSo), Of: []Clause{w.Condition(c.Not)}}
	case c.CEL != "":
		return Clause{Text: w.Say(language.Expression), Code: c.CEL}
	}
	return Clause{Text: w.check(c)}
}

// Conditions says what all must hold.
func (w *Words) Conditions(list []book.Condition) []Clause {
	out := make([]Clause, len(list))
	for i := range list {
		out[i] = w.Condition(&list[i])
	}
	return out
}

// check says what a condition checks that is not made of others.
func (w *Words) check(c *book.Condition) string {
	switch {
	case c.Required != nil:
		return w.filled(c.Required)
	case c.Attempts != nil:
		return w.attempts(c.Attempts)
	case c.Activity != nil:
		return w.activity(c.Activity)
	case c.MeetingHeld != nil:
		return w.meeting(c.MeetingHeld)
	case c.DocumentSent != nil:
		return w.document(c.DocumentSent)
	case c.NoteWritten != nil:
		return w.note(c.NoteWritten)
	case c.NextStepDated != nil:
		return w.nextStep(c.NextStepDated)
	case c.AmountAtLeast != nil:
		return w.Say(language.AmountAtLeast, w.Amount(*c.AmountAtLeast))
	case c.ProductsListed != nil:
		return w.Count(language.Products, *c.ProductsListed)
	case c.Field != nil:
		return w.field(c.Field)
	case c.StagePassed != "":
		return w.Say(language.StagePassed, w.Stage(c.StagePassed))
	case c.InvoicePaid != nil && c.InvoicePaid.Share != nil:
		return w.Say(language.InvoiceShare, w.Percent(*c.InvoicePaid.Share))
	case c.InvoicePaid != nil:
		return w.Say(language.InvoicePaid)
	}
	return ""
}

func (w *Words) filled(fields []string) string {
	names := w.Fields(fields)
	if len(names) == 1 {
		return w.Say(language.FieldFilled, names[0])
	}
	return w.Say(language.FieldsFilled, strings.Join(names, ", "))
}

func (w *Words) attempts(a *book.Attempts) string {
	text := w.Count(language.Attempts, a.Count, w.Types(orElse(a.Types, "call")))
	if a.Days > 1 {
		text += " " + w.Count(language.OnDays, a.Days)
	}
	return w.narrowed(text, language.NotLongAgo, a.Within, false)
}

func (w *Words) activity(a *book.ActivityRule) string {
	what := w.Say(language.AnyActivity)
	if len(a.Types) > 0 {
		what = w.Types(a.Types)
	}
	what = w.withSubject(what, a.Subject)
	if a.Planned {
		return w.narrowed(w.Say(language.ActivityPlanned, what), language.NotFarAhead, a.Within, false)
	}
	return w.narrowed(w.Say(language.ActivityDone, what), language.NotLongAgo, a.Within, a.Here)
}

func (w *Words) withSubject(what string, words []string) string {
	if len(words) == 0 {
		return what
	}
	return what + ", " + w.Say(language.SubjectHolds, w.Or(w.Quotes(words)))
}

// narrowed adds within which time something lies, and where.
func (w *Words) narrowed(text string, time language.Phrase, within *book.Span, here bool) string {
	if within != nil {
		text += ", " + w.Say(time, w.Length(*within))
	}
	if here {
		text += ", " + w.Say(language.AtThisStage)
	}
	return text
}

func (w *Words) meeting(m *book.MeetingHeld) string {
	text := w.Say(language.Meeting)
	if len(m.Types) > 0 && !slices.Equal(m.Types, []string{"meeting"}) {
		text = w.Say(language.MeetingAs, w.Types(m.Types))
	}
	return w.narrowed(text, language.NotLongAgo, m.Within, m.Here)
}

// document says by what it shows that a document was sent.
func (w *Words) document(d *book.DocumentSent) string {
	var ways []string
	if d.Field != "" {
		ways = append(ways, w.Say(language.SentByField, w.Quote(w.Field(d.Field))))
	}
	if d.Field == "" || len(d.Types) > 0 || len(d.Words) > 0 {
		ways = append(ways, w.withSubject(w.Types(orElse(d.Types, "email")), d.Words))
	}
	return w.Say(language.DocumentSent, w.Or(ways))
}

func (w *Words) note(n *book.NoteWritten) string {
	text := w.Say(language.NoteWritten)
	if n.Letters > 0 {
		text += ", " + w.Count(language.NoteLength, n.Letters)
	}
	return w.narrowed(text, language.NotLongAgo, n.Within, n.Here)
}

func (w *Words) nextStep(n *book.NextStep) string {
	text := w.Say(language.NextStep)
	if len(n.Types) > 0 {
		text = w.Say(language.NextStepAs, w.Types(n.Types))
	}
	return w.narrowed(text, language.NotFarAhead, n.Within, false)
}

func (w *Words) field(f *book.FieldRule) string {
	name := w.Quote(w.Field(f.Name))
	switch {
	case f.Is != nil:
		return w.Say(language.FieldIs, name, w.Or(w.Quotes(f.Is)))
	case f.IsNot != nil:
		return w.Say(language.FieldIsNot, name, w.Or(w.Quotes(f.IsNot)), w.And(w.Quotes(f.IsNot)))
	case f.AtLeast != nil:
		return w.Say(language.FieldAtLeast, name, w.Decimal(*f.AtLeast))
	case f.AtMost != nil:
		return w.Say(language.FieldAtMost, name, w.Decimal(*f.AtMost))
	case f.Ahead != nil:
		return w.Say(language.FieldAhead, name, w.Length(*f.Ahead))
	case f.Past != nil:
		return w.Say(language.FieldPast, name, w.Length(*f.Past))
	}
	return w.filled([]string{f.Name})
}

func orElse(list []string, word string) []string {
	if len(list) > 0 {
		return list
	}
	return []string{word}
}
