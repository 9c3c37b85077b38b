package enforce

import (
	"cmp"
	"slices"
	"time"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/wording"
)

// look is one look at a deal or lead.
type look struct {
	*Policy
	f      *book.Facts
	s      State
	now    time.Time
	next   time.Time // when this may change by itself
	words  *wording.Words
	work   *book.WorkTime
	end    string // how it has ended, see Facts.End
	ended  time.Time
	broken []*broken
	back   bool // its latest step is taken back, or waits for it
	tells  []Tell
}

// broken is a violation about which something is done.
type broken struct {
	*book.Verdict
	reach book.Mode // how much; observe: it is backlog, and only shown on the card
	back  bool      // what it is about is taken back, or waits for it
}

// collect finds the violations about which something is done now, in the order
// of the rules.
func (l *look) collect(j *book.Judgement) {
	for i := range j.Verdicts {
		v := &j.Verdicts[i]
		if !v.Mended.IsZero() || v.Cannot != "" {
			continue
		}
		e := l.Book.Enforced(v.Rule, l.now)
		l.due(e.Next)
		if !e.Mode.AtLeast(book.Tell) {
			continue
		}
		begins := later(l.begins(e, v.Opened, l.work), l.s.Excused[v.Cause()])
		if begins.After(l.now) {
			l.due(begins)
			continue
		}
		b := &broken{Verdict: v, reach: l.reach(v.Rule, e, v.Opened)}
		if l.s.Old[v.Cause()] {
			b.reach = book.Observe
		}
		l.broken = append(l.broken, b)
	}
	order := book.Rules()
	slices.SortStableFunc(l.broken, func(a, b *broken) int {
		return cmp.Or(cmp.Compare(rank(order, a.Rule), rank(order, b.Rule)), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Detail, b.Detail), a.Opened.Compare(b.Opened))
	})
}

// rank is the place of a rule in a report: those of a book stand last.
func rank(order []book.Rule, r book.Rule) int {
	if i := slices.Index(order, r); i >= 0 {
		return i
	}
	return len(order)
}

// due notes that the effects may change at an instant; zero: at none.
func (l *look) due(at time.Time) {
	if l.next.IsZero() || !at.IsZero() && at.Before(l.next) {
		l.next = at
	}
}

// those picks some of the violations.
func (l *look) those(are func(*broken) bool) (list []*broken) {
	for _, b := range l.broken {
		if are(b) {
			list = append(list, b)
		}
	}
	return list
}

// ofEnd tells whether a violation is about how the deal has ended.
func (l *look) ofEnd(b *broken) bool { return b.Step == len(l.f.Moves)+1 }

// workable tells whether a rep can still do something about a violation: once a
// deal has ended, only about how.
func (l *look) workable(b *broken) bool { return l.end == "" || l.ofEnd(b) }
