package handbook

import (
	"strings"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/language"
)

// people tell who does what in which team, and when they work.
func (w *writer) people() (out []section) {
	if len(w.book.Roles) > 0 {
		t := &table{Head: []string{w.Say(language.RoleName), w.Say(language.WhoHasIt)}}
		for i := range w.book.Roles {
			t.Rows = append(t.Rows, []string{w.book.Roles[i].Name, w.reps(w.book.Roles[i].Reps)})
		}
		out = append(out, section{ID: "roles", Title: w.Say(language.Roles), Table: t})
	}
	if len(w.book.Teams) > 0 {
		out = append(out, w.teams())
	}
	return append(out, w.calendars())
}

func (w *writer) reps(list []string) string {
	if len(list) == 0 {
		return w.Say(language.Nobody)
	}
	return strings.Join(list, ", ")
}

func (w *writer) teams() section {
	s := section{ID: "teams", Title: w.Say(language.Teams)}
	for i := range w.book.Teams {
		team := &w.book.Teams[i]
		e := w.entries()
		e.say(language.HeadOf, w.reps(team.Heads))
		e.say(language.Reps, w.reps(team.Reps))
		if team.Calendar != "" {
			e.say(language.CalendarOf, w.calendarName(team.Calendar))
		}
		s.Cards = append(s.Cards, card{ID: "team." + team.ID, Title: team.Name, Entries: e.list})
	}
	return s
}

func (w *writer) calendarName(id string) string {
	return nameIn(w.book.Calendars, id, func(c *book.Calendar) (string, string) { return c.ID, calendarTitle(c) })
}

// calendarTitle is what a calendar is called; its zone if nothing else.
func calendarTitle(c *book.Calendar) string {
	if c.Name != "" {
		return c.Name
	}
	return c.Zone
}

func (w *writer) calendars() section {
	s := section{ID: "calendars", Title: w.Say(language.Calendars)}
	list := w.book.Calendars
	if len(list) == 0 {
		list = []book.Calendar{{Zone: "UTC"}} // as the book is judged
	}
	for i := range list {
		s.Cards = append(s.Cards, w.calendar(&list[i], i == 0))
	}
	return s
}

func (w *writer) calendar(c *book.Calendar, first bool) card {
	e := w.entries()
	hours := []line{text(w.Say(language.OfficeHours))}
	if len(c.Hours) > 0 {
		hours = nil
	}
	for _, h := range c.Hours {
		hours = append(hours, text(w.Days(h.Days)+", "+h.From.String()+"–"+h.To.String()))
	}
	e.add(language.Hours, hours...)
	if c.Name != "" {
		e.say(language.Zone, c.Zone)
	}
	if c.Holidays != "" {
		e.say(language.Holidays, w.Say(language.PublicOf, w.Country(c.Holidays)))
	}
	e.say(language.AlsoFree, w.dates(c.Closed))
	e.say(language.AlsoWorked, w.dates(c.Open))
	out := card{ID: "calendar." + c.ID, Title: calendarTitle(c), Entries: e.list}
	if first {
		out.Badge = w.Say(language.Everybodys)
	}
	return out
}

func (w *writer) dates(list []book.Date) string {
	out := make([]string, len(list))
	for i, d := range list {
		out[i] = w.Day(d)
	}
	return strings.Join(out, "; ")
}
