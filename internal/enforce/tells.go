package enforce

import (
	"slices"

	"salesbook.dev/internal/book"
)

// tell finds what people are told by name, besides what was found on the way.
func (l *look) tell() {
	for _, b := range l.those(func(b *broken) bool { return b.reach.AtLeast(book.Tell) }) {
		switch b.Rule {
		case book.FirstResponse:
			l.overdue(b)
		case book.OverLimit, book.NoTouch:
			if _, stage := l.Book.Book.StageAt(b.Detail); stage != nil {
				l.told(PastLimit, b.Cause(), b, l.addresses(stage.Tell...))
			}
		case book.LossApproval:
			if r := l.Book.Book.LossReason(b.Detail); r != nil {
				l.told(Decision, b.Cause(), b, l.Book.Book.Approvers(r, l.f.Owner))
			}
		}
		if slices.Contains(book.Hanging(), b.Rule) && l.large() {
			l.told(LargeDeal, b.Cause(), b, l.addresses("owner", "head"))
		}
	}
}

// overdue tells of an inquiry that nobody answers: whose it is, or else his head;
// then whom the book names.
func (l *look) overdue(b *broken) {
	if l.end != "" {
		return
	}
	to := l.addresses("owner")
	if len(to) == 0 {
		to = l.addresses("head")
	}
	l.told(OverdueLead, b.Cause(), b, to)
	further := l.Book.Book.Leads.Escalate
	if further == nil {
		return
	}
	if at := l.work.After(b.Opened, *further.After); at.After(l.now) {
		l.due(at)
		return
	}
	l.told(Escalation, b.Cause(), b, l.addresses(further.Tell...))
}

// large tells whether the deal is worth what the book calls large.
func (l *look) large() bool {
	least := l.Book.Book.Control.LargeDeal
	if least == nil || l.f.Lead {
		return false
	}
	amount, known, until := l.Book.Worth(l.f, l.now)
	l.due(until)
	return known && amount.GreaterThanOrEqual(*least)
}

func (l *look) addresses(who ...book.Who) []string { return l.Book.Book.AddressesOf(who, l.f.Owner) }

// told notes that people are to be told, if there is anybody.
func (l *look) told(o Occasion, key string, b *broken, to []string) {
	if len(to) > 0 {
		l.tells = append(l.tells, Tell{Occasion: o, Key: string(o) + "/" + key, To: to, Rule: b.Rule, Detail: b.Detail, Opened: b.Opened})
	}
}
