package enforce

import (
	"html"
	"strings"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/language"
	"salesbook.dev/internal/wording"
)

// page is a note or the text of a task, as HTML that CRMs show: paragraphs, lists
// and links. What people wrote is escaped.
type page struct {
	words *wording.Words
	out   strings.Builder
}

func (l *look) page() *page { return &page{words: l.words} }

// String is the page as HTML.
func (p *page) String() string { return p.out.String() }

func (p *page) text(s string) *page {
	p.out.WriteString("<p>" + html.EscapeString(s) + "</p>")
	return p
}

func (p *page) heading(s string) *page {
	p.out.WriteString("<p><b>" + html.EscapeString(s) + "</b></p>")
	return p
}

// violations lists what is missing, with what is to be done about each rule.
func (p *page) violations(list []*broken, toDo func(rule string) string) *page {
	p.out.WriteString("<ul>")
	for _, b := range list {
		p.out.WriteString("<li><b>" + html.EscapeString(raised(p.words.Missing(b.Verdict))) + "</b>")
		if what := toDo(string(b.Rule)); what != "" {
			p.out.WriteString("<br>" + html.EscapeString(what))
		}
		p.how(p.words.HowTo(string(b.Rule)))
		p.out.WriteString("</li>")
	}
	p.out.WriteString("</ul>")
	return p
}

// stage says what is to be done at a stage: its goal and its tasks.
func (p *page) stage(s *book.Stage) *page {
	if s.Goal == "" && len(s.Tasks) == 0 {
		return p
	}
	p.out.WriteString("<p><b>" + html.EscapeString(p.words.Say(language.AtStage, p.words.Quote(s.Name))) + "</b>")
	if s.Goal != "" {
		p.out.WriteString("<br>" + p.linked(s.Goal))
	}
	p.out.WriteString("</p>")
	if len(s.Tasks) == 0 {
		return p
	}
	p.out.WriteString("<ol>")
	for i := range s.Tasks {
		p.out.WriteString("<li>" + p.linked(s.Tasks[i].Name))
		p.how(s.Tasks[i].How)
		p.out.WriteString("</li>")
	}
	p.out.WriteString("</ol>")
	return p
}

// how adds a script, checklist or link on lines of its own.
func (p *page) how(text string) *page {
	if text != "" && p.out.Len() > 0 {
		p.out.WriteString("<br>")
	}
	p.out.WriteString(p.linked(text))
	return p
}

// linked is a text with its lines, and with the addresses of pages as links.
func (p *page) linked(text string) string {
	var out strings.Builder
	for _, piece := range wording.Links(text) {
		said := strings.ReplaceAll(html.EscapeString(piece.Text), "\n", "<br>")
		if piece.Link != "" {
			said = `<a href="` + html.EscapeString(piece.Link) + `">` + said + "</a>"
		}
		out.WriteString(said)
	}
	return out.String()
}
