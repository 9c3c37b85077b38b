package handbook

import (
	"net/url"
	"regexp"
	"strings"
)

// address matches what may be the address of a page, at the beginning of a word.
var address = regexp.MustCompile(`(?:^|[\s(«„“])(https?://[^\s<>«»„“”"]+)`)

// linked is a text in which addresses of pages are links. Only http and https
// are: a book is written by many hands, and no other scheme leads to a page.
func linked(s string) line {
	var l line
	s, done := strings.TrimSpace(s), 0
	for _, m := range address.FindAllStringSubmatchIndex(s, -1) {
		link := strings.TrimRight(s[m[2]:m[3]], ".,;:!?)'")
		if u, err := url.Parse(link); err != nil || u.Host == "" {
			continue
		}
		if m[2] > done {
			l.Parts = append(l.Parts, piece{Text: s[done:m[2]]})
		}
		l.Parts = append(l.Parts, piece{link, link})
		done = m[2] + len(link)
	}
	if done < len(s) {
		l.Parts = append(l.Parts, piece{Text: s[done:]})
	}
	return l
}
