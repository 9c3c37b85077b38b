// Package handbook makes the readable sales book: one page of HTML that needs
// nothing but itself, in the book's own language, to be printed and handed to
// whoever begins to sell.
//
// It is pure: the same book and edition give the same bytes. What is written in
// the book is escaped by the template; addresses in it become links only if they
// lead to pages of the web.
package handbook

import (
	_ "embed"
	"html/template"
	"io"
	"strconv"
	"time"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/language"
	"salesbook.dev/internal/wording"
)

//go:embed page.gohtml
var markup string

//go:embed page.css
var stylesheet string

// Edition tells which version of a company's book is printed. Its zero value is
// a draft.
type Edition struct {
	Version int
	Since   time.Time // when it came in force, in any zone
}

// Write writes a book that was parsed as a page of HTML.
func Write(out io.Writer, b *book.Book, e Edition) error {
	t, err := template.New("page").Parse(markup)
	if err != nil {
		return err
	}
	// The style sheet is ours, so it need not be escaped.
	return t.Execute(out, struct {
		page
		Stylesheet template.CSS
	}{newPage(b, e), template.CSS(stylesheet)})
}

// writer puts the parts of a book into words.
type writer struct {
	*wording.Words
	book *book.Book
}

func newPage(b *book.Book, e Edition) page {
	w := &writer{wording.Of(b), b}
	return page{
		Language:  string(w.Language),
		Title:     b.Name,
		Kind:      w.Say(language.SalesBook),
		Edition:   w.edition(e),
		Contents:  w.Say(language.Contents),
		AboutTime: w.Say(language.AboutTime),
		Parts:     w.parts(),
	}
}

// edition says since when this version is in force, on a day of the first
// calendar.
func (w *writer) edition(e Edition) string {
	if e.Version == 0 {
		return ""
	}
	zone := time.UTC
	if len(w.book.Calendars) > 0 {
		if z, err := time.LoadLocation(w.book.Calendars[0].Zone); err == nil {
			zone = z
		}
	}
	return w.Say(language.InForce, strconv.Itoa(e.Version), w.Date(e.Since.In(zone).Date()))
}

// parts are the three parts of the book, and what stands around them. A part of
// which the book says nothing is left out, unless it is one of the three.
func (w *writer) parts() []part {
	three := []part{
		{ID: "standard", Title: w.Say(language.Standard), About: w.Say(language.AboutStandard), Sections: w.standard()},
		{ID: "stages", Title: w.Say(language.ActiveStages), About: w.Say(language.AboutStages), Sections: w.funnels()},
		{ID: "statuses", Title: w.Say(language.PassiveStatuses), About: w.Say(language.AboutStatuses), Sections: w.endings()},
	}
	for i := range three {
		three[i].Number = w.Say(language.PartOf, strconv.Itoa(i+1))
	}
	for _, p := range []part{
		{ID: "leads", Title: w.Say(language.Leads), About: w.Say(language.AboutLeads), Sections: w.leads()},
		{ID: "control", Title: w.Say(language.Control), About: w.Say(language.AboutControl), Sections: w.control()},
		{ID: "people", Title: w.Say(language.PeopleAndTime), About: w.Say(language.AboutPeople), Sections: w.people()},
		{ID: "figures", Title: w.Say(language.Figures), About: w.Say(language.AboutFigures), Sections: w.figures()},
		{ID: "examples", Title: w.Say(language.Examples), About: w.Say(language.AboutExamples), Sections: w.examples()},
	} {
		if len(p.Sections) > 0 {
			three = append(three, p)
		}
	}
	return three
}

// entries begins a list of labels with what is said under them.
func (w *writer) entries() *entries { return &entries{words: w.Words} }
