package notify

import (
	"html"
	"strings"
)

// Plain is a message as bare text.
func Plain(m Message) string {
	var b strings.Builder
	paragraph(&b, m.Intro)
	for i := range m.Sections {
		s := &m.Sections[i]
		paragraph(&b, strings.ToUpper(s.Heading))
		for j := range s.Items {
			b.WriteString("- " + line(s.Items[j].Title) + "\n")
			for _, l := range s.Items[j].Lines {
				b.WriteString("  " + line(l) + "\n")
			}
		}
		if s.More != "" {
			b.WriteString("- " + line(s.More) + "\n")
		}
		b.WriteString("\n")
	}
	paragraph(&b, m.Closing)
	return strings.TrimRight(b.String(), "\n") + "\n"
}

func paragraph(b *strings.Builder, text string) {
	if text != "" {
		b.WriteString(line(text) + "\n\n")
	}
}

// line is a text on one line: what came from outside may not begin another.
func line(text string) string { return strings.Join(strings.FieldsFunc(text, breaks), " ") }

// breaks tells what separates words or lines; a space that does not break stays.
func breaks(r rune) bool {
	switch r {
	case ' ', '\t', '\n', '\v', '\f', '\r', '\u0085', '\u2028', '\u2029':
		return true
	}
	return r < ' ' || r == '\u007f'
}

// HTML is a message as a page, for mail programs: without style sheets, pictures
// or anything that is fetched.
func HTML(m Message) string {
	var b strings.Builder
	say := func(before, text, after string) {
		if text != "" {
			b.WriteString(before + html.EscapeString(line(text)) + after)
		}
	}
	b.WriteString(`<!DOCTYPE html>` + "\n" + `<html lang="` + string(m.Language) + `"><head><meta charset="utf-8">`)
	say("<title>", m.Subject, "</title>")
	b.WriteString("</head>\n" + `<body style="font-family:sans-serif;font-size:15px;line-height:1.4;color:#222;max-width:640px">` + "\n")
	say("<p>", m.Intro, "</p>\n")
	for i := range m.Sections {
		s := &m.Sections[i]
		say(`<h2 style="font-size:17px;margin:20px 0 6px">`, s.Heading, "</h2>\n")
		b.WriteString(`<ul style="padding-left:18px;margin:0">` + "\n")
		for j := range s.Items {
			b.WriteString(`<li style="margin-bottom:8px">`)
			say("<strong>", s.Items[j].Title, "</strong>")
			for _, l := range s.Items[j].Lines {
				say("<br>\n", l, "")
			}
			b.WriteString("</li>\n")
		}
		say("<li>", s.More, "</li>\n")
		b.WriteString("</ul>\n")
	}
	say(`<p style="color:#777;font-size:13px">`, m.Closing, "</p>\n")
	b.WriteString("</body></html>\n")
	return b.String()
}
