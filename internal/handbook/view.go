package handbook

import (
	"slices"

	"salesbook.dev/internal/language"
	"salesbook.dev/internal/wording"
)

// page is the book as it is read: parts, sections and cards, all in words. The
// template adds the form and escapes every text.
type page struct {
	Language  string
	Title     string
	Kind      string // "Sales book"
	Edition   string // which version, since when; empty for a draft
	Contents  string
	AboutTime string
	Parts     []part
}

// part is a part of the book with a heading of its own page.
type part struct {
	ID       string
	Number   string // "Part 1"; empty: it is none of the three
	Title    string
	About    string
	Sections []section
}

// Listed are the sections that the contents name.
func (p part) Listed() []section {
	return slices.DeleteFunc(slices.Clone(p.Sections), func(s section) bool { return s.Title == "" })
}

// section is a subject within a part.
type section struct {
	ID      string
	Title   string // empty: it needs none
	About   string
	Entries []entry
	Flow    []step
	Cards   []card
	Table   *table
}

// step is a stage in the picture of a funnel.
type step struct {
	Href string
	Name string
	Key  bool
}

// card is one thing that is looked up: a commandment, a stage, a reason, a case.
type card struct {
	ID      string
	Number  int // 0: none
	Title   string
	Badge   string
	Key     bool // it stands out
	Entries []entry
	Table   *table
	Story   []event
	Moral   []entry // after the story
}

// event is one thing that happened in a story.
type event struct {
	When string // empty: at the same time as the one before
	Text string
	Now  bool // the story is judged here
}

// entry is a label with what is said under it.
type entry struct {
	Label   string
	Lines   []line
	Ordered bool
}

// line is a sentence or an item of a list.
type line struct {
	Label string // a word of ours before it
	Parts []wording.Piece
	Code  string
	Below []line // what the line introduces
}

// table is a table with its head.
type table struct {
	Head    []string
	Rows    [][]string
	Numbers bool // all columns but the first are numbers
}

// linked is a line in which addresses of pages are links.
func linked(s string) line { return line{Parts: wording.Links(s)} }

// text is a line that says something.
func text(s string) line { return line{Parts: []wording.Piece{{Text: s}}} }

// texts are lines, one for each text.
func texts(list []string) []line {
	out := make([]line, len(list))
	for i, s := range list {
		out[i] = text(s)
	}
	return out
}

// clauses are lines that say what must hold.
func clauses(list []wording.Clause) []line {
	out := make([]line, len(list))
	for i, c := range list {
		out[i] = text(c.Text)
		out[i].Code = c.Code
		if len(c.Of) > 0 {
			out[i].Below = clauses(c.Of)
		}
	}
	return out
}

// entries collects labels with what is said under them.
type entries struct {
	words *wording.Words
	list  []entry
}

// add adds an entry unless nothing is said under it.
func (e *entries) add(label language.Phrase, lines ...line) {
	if len(lines) > 0 {
		e.list = append(e.list, entry{Label: e.words.Say(label), Lines: lines})
	}
}

// say adds an entry with a text unless it is empty.
func (e *entries) say(label language.Phrase, s string) {
	if s != "" {
		e.add(label, text(s))
	}
}
