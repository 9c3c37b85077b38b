package handbook

import (
	"cmp"
	"slices"
	"strconv"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/language"
)

// examples are the cases of the book, told as stories.
func (w *writer) examples() []section {
	if len(w.book.Cases) == 0 {
		return nil
	}
	s := section{}
	for i := range w.book.Cases {
		s.Cards = append(s.Cards, w.example(&w.book.Cases[i], i+1))
	}
	return []section{s}
}

func (w *writer) example(k *book.Case, number int) card {
	c := card{ID: "example." + strconv.Itoa(number), Number: number, Title: k.Name}
	t := &tale{w: w, now: k.Now}
	if k.Deal != nil {
		c.Entries = w.knownOfDeal(k.Deal)
		t.deal(k.Deal)
	} else if k.Lead != nil {
		c.Entries = w.knownOfLead(k.Lead)
		t.lead(k.Lead)
	}
	c.Story = t.told()
	e := w.entries()
	var broken []line
	for _, rule := range k.Expect {
		broken = append(broken, w.broken(book.Rule(rule), k))
	}
	e.add(language.Breaks, broken...)
	if c.Moral = e.list; len(broken) == 0 {
		c.Moral = []entry{{Lines: []line{text(w.Say(language.BreaksNothing))}}}
	}
	return c
}

func (w *writer) knownOfDeal(d *book.CaseDeal) []entry {
	var known []string
	if d.Amount != nil {
		known = append(known, w.holds("amount", w.Money(*d.Amount, cmp.Or(d.Currency, w.book.Currency))))
	}
	if d.Close != nil {
		known = append(known, w.holds("expected_close", w.Day(*d.Close)))
	}
	known = append(known, w.ownership(d.Owner)...)
	if d.OwnerLeft {
		known = append(known, w.Say(language.OwnerLeft))
	}
	return w.known(append(known, w.fieldsHeld(d.Fields)...))
}

func (w *writer) knownOfLead(l *book.CaseLead) []entry {
	var known []string
	if l.Source != "" {
		known = append(known, w.holds("source", l.Source))
	}
	known = append(known, w.ownership(l.Owner)...)
	return w.known(append(known, w.fieldsHeld(l.Fields)...))
}

func (w *writer) known(facts []string) []entry {
	e := w.entries()
	e.add(language.Known, texts(facts)...)
	return e.list
}

func (w *writer) holds(field, value string) string {
	return w.Say(language.FieldHolds, w.Field(field), value)
}

// ownership says whose it is, if the case says so; - is nobody.
func (w *writer) ownership(owner string) []string {
	switch owner {
	case "":
		return nil
	case "-":
		return []string{w.Say(language.NoOwner)}
	}
	return []string{w.Say(language.OwnerIs, owner)}
}

// fieldsHeld are the fields that were filled from the beginning.
func (w *writer) fieldsHeld(list []book.CaseField) (out []string) {
	for _, f := range list {
		if f.Set == (book.Moment{}) {
			out = append(out, w.holds(f.Name, f.Is))
		}
	}
	return out
}

// tale collects what happened in a case.
type tale struct {
	w      *writer
	now    book.Moment
	events []happening
}

type happening struct {
	at   book.Moment
	text string
	now  bool
}

func (t *tale) add(at book.Moment, text string) {
	t.events = append(t.events, happening{at: at, text: text})
}

func (t *tale) deal(d *book.CaseDeal) {
	t.add(d.Added, t.w.Say(language.DealMade, t.w.Quote(t.w.funnelName(d.Funnel))))
	for _, m := range d.Moves {
		t.add(m.When, t.w.Say(language.StageEntered, t.w.Quote(t.w.stageName(d.Funnel, m.Stage))))
	}
	t.work(d.Fields, d.Activities, d.Notes)
	ended := func(at *book.Moment, how language.Phrase) {
		if at != nil {
			t.add(*at, t.w.Say(how))
		}
	}
	ended(d.Won, language.Won)
	if d.Lost != nil && d.Lost.Reason != "" {
		t.add(d.Lost.When, t.w.Say(language.LostFor, t.w.Quote(d.Lost.Reason)))
	} else if d.Lost != nil {
		ended(&d.Lost.When, language.LostForNothing)
	}
	if d.Lost != nil {
		ended(d.Lost.Agreed, language.LossAgreed)
	}
	ended(d.Deleted, language.Deleted)
	ended(d.Archived, language.Archived)
}

func (t *tale) lead(l *book.CaseLead) {
	t.add(l.Added, t.w.Say(language.LeadComes))
	t.work(l.Fields, l.Activities, l.Notes)
}

// work is what people did and wrote.
func (t *tale) work(fields []book.CaseField, activities []book.CaseActivity, notes []book.CaseNote) {
	for _, f := range fields {
		if f.Set != (book.Moment{}) {
			t.add(f.Set, t.w.Say(language.FieldSet, t.w.Quote(t.w.Field(f.Name)), f.Is))
		}
	}
	for i := range activities {
		t.activity(&activities[i])
	}
	for _, n := range notes {
		t.add(n.When, t.w.Say(language.NoteSays, t.w.Quote(n.Text)))
	}
}

func (t *tale) activity(a *book.CaseActivity) {
	what := t.w.ActivityType(a.Type)
	if a.Subject != "" {
		what += " " + t.w.Quote(a.Subject)
	}
	say, at := language.ActivityDone, a.Done
	if at == nil {
		say, at = language.ActivityPlanned, a.Due
	}
	if at == nil {
		return
	}
	text := t.w.Say(say, what)
	if a.Planned != nil {
		text = t.w.Say(language.PlannedOn, text, t.w.Moment(*a.Planned))
	}
	t.add(*at, text)
}

// told is what happened in the order of time, up to when the case is judged and
// what is planned for after.
func (t *tale) told() []event {
	t.events = append(t.events, happening{at: t.now, text: t.w.Say(language.LookedAt), now: true})
	slices.SortStableFunc(t.events, func(a, b happening) int { return compare(a.at, b.at) })
	out := make([]event, len(t.events))
	for i, h := range t.events {
		out[i] = event{When: t.w.Moment(h.at), Text: h.text, Now: h.now}
		if i > 0 && h.at == t.events[i-1].at {
			out[i].When = ""
		}
	}
	return out
}

func compare(a, b book.Moment) int {
	return cmp.Or(cmp.Compare(a.Day.Year, b.Day.Year), cmp.Compare(a.Day.Month, b.Day.Month), cmp.Compare(a.Day.Day, b.Day.Day), cmp.Compare(a.Time, b.Time))
}
