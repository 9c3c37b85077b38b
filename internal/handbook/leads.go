package handbook

import (
	"strings"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/language"
	"salesbook.dev/internal/wording"
)

// leads tell how inquiries are met, who gets them, and what must be known of a
// client.
func (w *writer) leads() (out []section) {
	l := &w.book.Leads
	met := w.meeting(l)
	if len(met.Entries) > 0 {
		out = append(out, met)
	}
	if len(l.Channels) > 0 {
		t := &table{Head: []string{w.Say(language.Channel), w.Say(language.SourceInCRM)}}
		for _, c := range l.Channels {
			t.Rows = append(t.Rows, []string{c.Name, strings.Join(w.Quotes(c.Sources), ", ")})
		}
		out = append(out, section{ID: "channels", Title: w.Say(language.Channels), Table: t})
	}
	if len(l.Distribution) > 0 {
		out = append(out, w.distribution(l.Distribution))
	}
	if len(w.book.Segments) > 0 {
		out = append(out, w.qualification())
	}
	return out
}

func (w *writer) meeting(l *book.Leads) section {
	e := w.entries()
	if len(l.Below) > 0 {
		e.add(language.CountsAsLead, text(w.Say(language.InboxLeads)), text(w.Say(language.DealsBelow, w.Stages(l.Below))))
	}
	var answer []line
	if l.FirstResponse != nil {
		answer = append(answer, text(w.Say(language.AnswerWithin, w.Length(*l.FirstResponse))))
	}
	if l.Escalate != nil && l.Escalate.After != nil {
		answer = append(answer, text(w.Say(language.EscalatedAfter, w.Length(*l.Escalate.After), w.People(l.Escalate.Tell))))
	}
	e.add(language.FirstAnswer, answer...)
	e.say(language.AskAtOnce, strings.Join(w.Fields(l.Entry), ", "))
	e.say(language.PrimaryDemand, strings.Join(w.Fields(l.Demand), ", "))
	e.say(language.ReasonForContact, strings.Join(w.Fields(l.Reason), ", "))
	e.say(language.Nuances, strings.Join(w.Fields(l.Nuances), ", "))
	return section{ID: "meeting", Title: w.Say(language.MeetingLeads), Entries: e.list}
}

func (w *writer) distribution(list []book.Distribution) section {
	s := section{ID: "distribution", Title: w.Say(language.Distribution)}
	if len(list) > 1 {
		s.About = w.Say(language.FirstThatFit)
	}
	var lines []line
	for i := range list {
		d := &list[i]
		var to []string
		if d.Team != "" {
			to = append(to, w.Say(language.OfTeam, w.Quote(w.teamName(d.Team))))
		}
		if d.Role != "" {
			to = append(to, w.Say(language.OfRole, w.Quote(w.roleName(d.Role))))
		}
		l := text(w.Say(language.InTurn, strings.Join(to, ", ")))
		if d.When != nil {
			when := clauses([]wording.Clause{w.Condition(d.When)})[0]
			when.Label = w.Say(language.ForLeads)
			l.Below = append(l.Below, when)
		}
		if d.Within != nil {
			l.Below = append(l.Below, text(w.Say(language.TakeWithin, w.Length(*d.Within))))
		}
		lines = append(lines, l)
	}
	s.Entries = []entry{{Lines: lines, Ordered: true}}
	return s
}

func (w *writer) qualification() section {
	t := &table{Head: []string{w.Say(language.Segment), w.Say(language.PriorityOf), w.Say(language.MustBeKnown)}}
	for i := range w.book.Segments {
		s := &w.book.Segments[i]
		priority, known := s.Priority, w.Say(language.NothingAsked)
		if priority == "" {
			priority = "normal"
		}
		if len(s.Known) > 0 {
			known = strings.Join(w.Fields(s.Known), ", ")
		}
		t.Rows = append(t.Rows, []string{s.Name, w.Priority(string(priority)), known})
	}
	return section{ID: "qualification", Title: w.Say(language.Qualification), About: w.Say(language.AboutQualification), Table: t}
}
