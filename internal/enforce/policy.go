package enforce

import (
	"time"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/wording"
)

// Since is since when the books in force have had a rule in a mode without a
// break, by rule and mode as Modes lists them.
type Since map[book.Rule]map[book.Mode]time.Time

// Modes are, by rule, the modes from tell on that a book has the rule in on some
// day. A rule in task is told, too, so it is in tell as well.
func Modes(b *book.Book) map[book.Rule][]book.Mode { return b.Modes() }

// Policy is what is done about violations of the deals and leads of a connection.
type Policy struct {
	Book  *book.Compiled
	Since Since
	// Read is when the connection had been read whole first: what broke before is
	// its backlog.
	Read time.Time
	// Active is when the book was put in force: stages that were entered and deals
	// that were lost before make no tasks.
	Active time.Time
	// Live is since when the CRM is written to: what was done before is not taken
	// back. Zero: it is not, and what would be is only shown.
	Live time.Time
}

// Effects is what is wanted about a deal or lead of which a book said something
// at an instant. The same input gives the same answer.
func (p *Policy) Effects(f *book.Facts, j *book.Judgement, s State, now time.Time) Effects {
	l := &look{Policy: p, f: f, s: s, now: now, next: j.NextDue, words: wording.Of(p.Book.Book), work: p.Book.WorkTime(f.Owner)}
	if f.Gone {
		return Effects{Leave: true, NextDue: j.NextDue}
	}
	l.end, l.ended = f.End(now)
	l.collect(j)
	e := Effects{Leave: f.Hidden(now)}
	e.Reverts = l.reverts()
	if !e.Leave {
		e.Card, e.Task, e.Activities = l.card(), l.task(), l.activities()
	}
	l.tell()
	e.Tells, e.NextDue = l.tells, l.next
	return e
}

// Told is since when a violation is one of those of which people are told: its
// rule is in tell or above, its grace has passed, and it is no backlog. It reports
// false if it is not. Whether it is mended or excused, the caller knows.
func (p *Policy) Told(rule book.Rule, opened time.Time, owner string, now time.Time) (since time.Time, told bool) {
	e := p.Book.Enforced(rule, now)
	since = p.begins(e, opened, p.Book.WorkTime(owner))
	return since, !since.After(now) && p.reach(rule, e, opened).AtLeast(book.Tell)
}

// begins is when something is done about a violation at the earliest.
func (p *Policy) begins(e book.Enforced, opened time.Time, work *book.WorkTime) time.Time {
	if e.Grace == nil {
		return opened
	}
	return work.After(opened, *e.Grace)
}

// reach is how much is done about a violation that opened at an instant: no more
// than about what broke since the rule is in a mode; observe for the backlog.
func (p *Policy) reach(rule book.Rule, e book.Enforced, opened time.Time) book.Mode {
	for _, m := range []book.Mode{book.Revert, book.TaskIt, book.Tell} {
		from, now := e.Since(m)
		since, stored := p.Since[rule][m]
		if m == book.Revert {
			since = later(since, p.Live)
		}
		if now && stored && !opened.Before(later(from, since, p.Read)) {
			return m
		}
	}
	return book.Observe
}

func later(first time.Time, more ...time.Time) time.Time {
	for _, t := range more {
		if t.After(first) {
			first = t
		}
	}
	return first
}
