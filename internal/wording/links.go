package wording

import (
	"net/url"
	"regexp"
	"strings"
)

// Piece is a part of a text: plain, or the address of a page.
type Piece struct {
	Text string
	Link string // empty: it is plain
}

// address matches what may be the address of a page, at the beginning of a word.
var address = regexp.MustCompile(`(?:^|[\s(«„“])(https?://[^\s<>«»„“”"]+)`)

// Links are the pieces of a text, with the addresses of pages as links. Only http
// and https are: a book is written by many hands, and no other scheme leads to a
// page.
func Links(s string) (out []Piece) {
	s, done := strings.TrimSpace(s), 0
	for _, m := range address.FindAllStringSubmatchIndex(s, -1) {
		link := strings.TrimRight(s[m[2]:m[3]], ".,;:!?)'")
		if u, err := url.Parse(link); err != nil || u.Host == "" {
			continue
		}
		if m[2] > done {
			out = append(out, Piece{Text: s[done:m[2]]})
		}
		out = append(out, Piece{link, link})
		done = m[2] + len(link)
	}
	if done < len(s) {
		out = append(out, Piece{Text: s[done:]})
	}
	return out
}
