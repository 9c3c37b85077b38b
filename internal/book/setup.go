package book

import "time"

// This file has what a CRM wants to know of a book that is set up by it.

// ModeAt is what is done about a rule on the day of an instant.
func (c *Compiled) ModeAt(rule Rule, t time.Time) Mode {
	return c.Book.modeOn(rule, dateOf(t.In(c.calendar.zone)))
}

// LimitOf is how long a deal may stand in a stage: by the stage itself, or else
// as everywhere; nil if it may stand there for ever.
func (b *Book) LimitOf(s *Stage) *Span { return firstSpan(s.Limit, b.Control.Limit) }

// longMonth is a month when it is told in days.
const longMonth = 31

// WholeDays is a span in days of the calendar, for a CRM that counts nothing
// else: rounded up, so that it is never shorter than the book's. Working time is
// stretched to the week of the first calendar, without its holidays: five days of
// a week with five working days are seven.
func (c *Compiled) WholeDays(s Span) int {
	days, minutes := 0, 0 // of work in a week
	for _, day := range c.calendar.week {
		if len(day) > 0 {
			days++
		}
		for _, part := range day {
			minutes += int(part.to - part.from)
		}
	}
	switch s.Unit {
	case WorkingDays:
		return up(s.N*7, days)
	case WorkingHours:
		return up(s.N*60*7, minutes)
	case WorkingMinutes:
		return up(s.N*7, minutes)
	case Months:
		return s.N * longMonth
	case Hours:
		return up(s.N, 24)
	case Minutes:
		return up(s.N, 24*60)
	}
	return s.N
}

// up divides and rounds up.
func up(n, by int) int { return (n + by - 1) / by }

// Content is what the book takes a field to hold.
type Content string

// The contents.
const (
	AnyContent Content = ""
	ANumber    Content = "number"
	ADay       Content = "day"
)

// Holds says what the fields that the book speaks of have to hold, by their
// folded names. A field of which it asks only whether it is filled may hold
// anything.
func (c *Compiled) Holds() map[string]Content {
	out := map[string]Content{}
	for _, f := range c.fields {
		out[f.Folded] = AnyContent
	}
	for i := range c.Book.LossReasons {
		r := &c.Book.LossReasons[i]
		if r.Nurture != nil && r.Nurture.Field != "" {
			out[fold(r.Nurture.Field)] = ADay
		}
		for _, t := range r.OnLost {
			if t.Field != "" {
				out[fold(t.Field)] = ADay
			}
		}
	}
	c.Book.eachCondition(func(k *Condition, _ scope) {
		switch f := k.Field; {
		case f == nil:
		case f.Ahead != nil || f.Past != nil:
			out[fold(f.Name)] = ADay
		case f.AtLeast != nil || f.AtMost != nil:
			out[fold(f.Name)] = ANumber
		}
	})
	return out
}

// Demand is a field that must be filled for a deal to stand in a stage, or to be
// won.
type Demand struct {
	Field string // as the book has it
	Rule  Rule   // that asks for it
}

// DemandsAt lists the fields that a deal must have filled when it comes to a stage
// or stands there: those that the stage asks for, and those without which it could
// not have left the stage before.
func (f *Funnel) DemandsAt(stage int) (out []Demand) {
	for _, name := range f.Stages[stage].Required {
		out = append(out, Demand{name, RequiredFields})
	}
	out = append(out, demands(EntryCriteria, f.Stages[stage].Entry)...)
	if stage > 0 {
		out = append(out, demands(ExitCriteria, f.Stages[stage-1].Exit)...)
	}
	return out
}

// DemandsWhenWon lists the fields that a deal must have filled to be won.
func (b *Book) DemandsWhenWon() []Demand { return demands(WonCriteria, b.Won.Criteria) }

// demands are the fields that conditions ask for, whatever else holds.
func demands(rule Rule, list []Condition) (out []Demand) {
	for i := range list {
		k := &list[i]
		by := rule
		if k.ID != "" {
			by = Rule(k.ID)
		}
		for _, name := range k.Required {
			out = append(out, Demand{name, by})
		}
		out = append(out, demands(by, k.All)...)
	}
	return out
}
