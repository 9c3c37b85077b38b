package book

import "time"

// Enforced is what is done about a rule at an instant.
type Enforced struct {
	Mode  Mode
	Grace *Span     // how long after the violation it begins; nil: at once
	Next  time.Time // when something else begins to be done; zero: never does
	since map[Mode]time.Time
}

// Enforced is what is done about a rule at an instant. Days are those of the
// first calendar.
func (c *Compiled) Enforced(rule Rule, now time.Time) Enforced {
	e := Enforced{since: map[Mode]time.Time{}}
	for _, r := range c.rollOuts[rule] {
		var begins time.Time
		if r.from != (Date{}) {
			begins = r.from.Start(c.calendar.zone)
		}
		if begins.After(now) {
			e.Next = begins
			break
		}
		e.begin(r, begins)
	}
	return e
}

func (e *Enforced) begin(r rollOut, at time.Time) {
	e.Mode, e.Grace = r.mode, r.grace
	for _, m := range enforcing() {
		if _, did := e.since[m]; !r.mode.AtLeast(m) {
			delete(e.since, m)
		} else if !did {
			e.since[m] = at
		}
	}
}

// Since is when the book began to do at least what a mode says without ceasing
// since; zero if it always did. It reports false if it does less now.
func (e *Enforced) Since(m Mode) (time.Time, bool) {
	t, ok := e.since[m]
	return t, ok
}

// enforcing are the modes in which something is done.
func enforcing() []Mode { return []Mode{Tell, TaskIt, Revert} }

// Modes are, by rule, the modes of those in which something is done that the book
// has it in on some day. A rule with tasks is told, too, so it is in both.
func (b *Book) Modes() map[Rule][]Mode {
	out := map[Rule][]Mode{}
	for rule := range b.judged() {
		for _, m := range enforcing() {
			for _, r := range b.rollOuts(rule) {
				if r.mode.AtLeast(m) {
					out[rule] = append(out[rule], m)
					break
				}
			}
		}
	}
	return out
}
