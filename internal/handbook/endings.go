package handbook

import (
	"slices"
	"strings"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/language"
)

// endings are the third part: how a deal is won, for which reasons it is lost,
// and what is no reason.
func (w *writer) endings() []section {
	out := []section{w.won(), w.lost()}
	if len(w.book.Refused) > 0 {
		out = append(out, w.refused())
	}
	return out
}

func (w *writer) won() section {
	var lines []line
	if !slices.ContainsFunc(w.book.Won.Criteria, func(c book.Condition) bool { return c.AmountAtLeast != nil }) {
		lines = append(lines, text(w.Say(language.HasAmount)))
	}
	if len(w.book.Won.From) > 0 {
		lines = append(lines, text(w.Say(language.NotBefore, w.Stages(w.book.Won.From))))
	}
	lines = append(lines, clauses(w.Conditions(w.book.Won.Criteria))...)
	return section{ID: "won", Title: w.Say(language.WonDeals), Entries: []entry{{Label: w.Say(language.WonIf), Lines: lines}}}
}

func (w *writer) lost() section {
	s := section{ID: "lost", Title: w.Say(language.LossReasons)}
	for i := range w.book.LossReasons {
		s.Cards = append(s.Cards, w.reason(&w.book.LossReasons[i]))
	}
	if len(s.Cards) == 0 {
		s.About = w.Say(language.AnyReason)
	}
	return s
}

// reason is a loss reason as who closes a deal reads it: when it may be given,
// what must be recorded, and what follows.
func (w *writer) reason(r *book.LossReason) card {
	e := w.entries()
	e.add(language.ReasonIf, w.usable(r)...)
	e.say(language.Facts, strings.Join(w.Fields(r.Facts), ", "))
	if r.Approval != nil {
		e.say(language.Consent, w.approval(r.Approval))
	}
	if r.Nurture != nil {
		e.say(language.ComingBack, w.nurture(r.Nurture))
	}
	var tasks []line
	for i := range r.OnLost {
		tasks = append(tasks, text(w.lostTask(&r.OnLost[i])))
	}
	e.add(language.TaskMade, tasks...)
	e.say(language.AlsoWritten, strings.Join(w.Quotes(r.Spellings), ", "))
	return card{ID: "reason." + r.ID, Title: r.Name, Badge: r.Group, Entries: e.list}
}

// usable says when a reason may be given.
func (w *writer) usable(r *book.LossReason) (lines []line) {
	switch {
	case len(r.From) > 0:
		lines = append(lines, text(w.Say(language.NotBefore, w.Stages(r.From))))
		if r.AnyTime {
			lines = append(lines, text(w.Say(language.NoCriteria)))
		}
	case r.AnyTime:
		lines = append(lines, text(w.Say(language.AnyTime)))
	}
	return append(lines, clauses(w.Conditions(r.Criteria))...)
}

func (w *writer) approval(a *book.Approval) string {
	by := a.By
	if len(by) == 0 {
		by = []book.Who{"head"}
	}
	switch {
	case a.Above != nil:
		return w.Say(language.ConsentOver, w.Amount(*a.Above), w.People(by))
	case a.Always:
		return w.Say(language.ConsentAll, w.People(by))
	}
	return ""
}

func (w *writer) nurture(n *book.Nurture) string {
	if n.After != nil {
		return w.Say(language.BackAfter, w.Length(*n.After))
	}
	return w.Say(language.BackOn, w.Quote(w.Field(n.Field)))
}

func (w *writer) lostTask(t *book.LostTask) string {
	what := t.Task
	if t.Type != "" {
		what += " (" + w.ActivityType(t.Type) + ")"
	}
	switch {
	case t.After != nil:
		return what + ", " + w.Say(language.Later, w.Length(*t.After))
	case t.Field != "":
		return what + ", " + w.Say(language.OnDayOf, w.Quote(w.Field(t.Field)))
	}
	return what + ", " + w.Say(language.AtOnce)
}

func (w *writer) refused() section {
	t := &table{Head: []string{w.Say(language.WhatIsWritten), w.Say(language.WhyNoReason)}}
	for i := range w.book.Refused {
		r := &w.book.Refused[i]
		written := strings.Join(w.Quotes(append([]string{r.Text}, r.Spellings...)), ", ")
		t.Rows = append(t.Rows, []string{written, r.Why})
	}
	return section{ID: "refused", Title: w.Say(language.NoReasons), About: w.Say(language.AboutNoReasons), Table: t}
}
