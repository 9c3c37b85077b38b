package enforce

import (
	"slices"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/language"
)

// subjectLength is how long the subject of a task may be.
const subjectLength = 120

// task is the one task that shall stand on the deal. What is taken back needs
// none, and what a person has closed is not made again for the same causes.
func (l *look) task() *Task {
	list := l.those(func(b *broken) bool { return b.reach.AtLeast(book.TaskIt) && !b.back && l.workable(b) })
	if len(list) == 0 {
		return nil
	}
	t := &Task{Causes: make([]string, len(list)), Due: l.work.WorkingDay(l.now)}
	for i, b := range list {
		t.Causes[i] = b.Cause()
	}
	if was := l.s.Task; was != nil && !was.Open && !was.ByUs && within(t.Causes, was.Causes) {
		return nil
	}
	t.Subject = l.words.Say(language.SalesBook) + ": " + l.shortened(distinct(l.missing(list)), subjectLength-len([]rune(l.words.Say(language.SalesBook)))-2)
	note := l.page().violations(list, l.words.Mends)
	if stay, known := l.Book.Stay(l.f, l.now); known && l.end == "" {
		note.stage(stay.Stage)
	}
	t.Note = note.text(l.words.Say(language.ClosesItself)).String()
	return t
}

// within tells whether each of some causes is among others.
func within(causes, all []string) bool {
	return !slices.ContainsFunc(causes, func(c string) bool { return !slices.Contains(all, c) })
}
