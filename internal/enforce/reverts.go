package enforce

import (
	"fmt"
	"slices"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/language"
)

// reverts is what is taken back: the latest step of the deal, if rules in revert
// are broken by it and the deal is still where it led.
func (l *look) reverts() []Revert {
	last, did := l.f.Last(l.now)
	list := l.those(func(b *broken) bool { return did && b.reach == book.Revert && by(b, last) })
	if len(list) == 0 || last.Step > 0 && l.f.Hidden(l.now) {
		return nil
	}
	r := l.revert(last, list)
	made, again := l.made(r)
	switch {
	case made: // and we have not heard of it yet
	case l.s.Refused[r.Key]:
		if l.s.Barred[r.Key] {
			l.told(Barred, r.Key, list[0], l.addresses("head"))
		}
		return nil
	case again:
		l.told(Repeated, r.Key, list[0], l.addresses("head"))
		return nil
	}
	for _, b := range list {
		b.back, l.back = true, true
	}
	if made {
		return nil
	}
	return []Revert{r}
}

// made tells whether something is taken back already, and whether the same was
// before.
func (l *look) made(r Revert) (made, again bool) {
	made = l.s.Made[r.Key]
	for _, t := range l.s.Takens {
		made = made || t.Key == r.Key
		again = again || t.To == r.Undoes
	}
	return made, again
}

// by tells whether a violation came by the latest step.
func by(b *broken, last book.Last) bool {
	switch last.End {
	case "deleted":
		return b.Rule == book.DeletedOpen
	case "archived":
		return b.Rule == book.ArchivedOpen
	}
	return b.Step == last.Step
}

// revert is what takes a step back, for all that was broken by it.
func (l *look) revert(last book.Last, list []*broken) Revert {
	first := list[0]
	r := Revert{Cause: first.Cause(), Rule: first.Rule, Detail: first.Detail, Opened: first.Opened, Undoes: last.To, Stage: last.From}
	what := ""
	switch last.End {
	case "":
		name := func(id string) string { return l.words.Quote(l.Book.StageName(l.f.Connection, id)) }
		what = l.words.Say(language.MoveTakenBack, name(last.To), name(last.From))
	case "lost":
		r.Undoes, r.Reopen, what = last.End, true, l.words.Say(language.LossTakenBack)
	case "won":
		r.Undoes, r.Reopen, what = last.End, true, l.words.Say(language.WinTakenBack)
	case "deleted":
		r.Undoes, r.Unhide, what = last.End, true, l.words.Say(language.DeletionTakenBack)
	case "archived":
		r.Undoes, r.Unhide, what = last.End, true, l.words.Say(language.ArchivingTakenBack)
	}
	r.Key = fmt.Sprintf("revert/%d/%s", last.At.UnixMilli(), r.Undoes)
	r.NeedsYes = slices.ContainsFunc(list, func(b *broken) bool { return b.Rule == book.LossApproval })
	r.Note = l.page().text(what).heading(l.words.Say(language.WhyAndWhat)).violations(list, l.words.Afterwards).String()
	return r
}
