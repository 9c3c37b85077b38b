package enforce

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/language"
)

// cardLength is how long the text on a card may be, in runes: texts of CRMs have
// some 255.
const cardLength = 250

// card is what the card's field shall show: what is missing and, if there is room
// for it, what mends it. It is a state and no alert, so the backlog is on it too;
// but not that of deals that have ended, with which nobody works.
func (l *look) card() string {
	list := l.those(func(b *broken) bool { return l.end == "" || l.ofEnd(b) && b.reach.AtLeast(book.Tell) })
	if len(list) == 0 {
		return ""
	}
	if text := l.sentences(list); utf8.RuneCountInString(text) <= cardLength {
		return text
	}
	return raised(l.shortened(distinct(l.missing(list)), cardLength))
}

// sentences say of each violation what is missing and what mends it.
func (l *look) sentences(list []*broken) string {
	var out []string
	for i, what := range l.missing(list) {
		out = append(out, strings.TrimSpace(raised(strings.TrimSuffix(what, "."))+". "+l.words.Mends(string(list[i].Rule))))
	}
	return strings.Join(distinct(out), " ")
}

// missing says of each violation what is missing, on one line.
func (l *look) missing(list []*broken) []string {
	out := make([]string, len(list))
	for i, b := range list {
		out[i] = strings.Join(strings.Fields(l.words.Missing(b.Verdict)), " ")
	}
	return out
}

// shortened lists as many items as there is room for, and says how many more there
// are. One that is too long by itself is cut.
func (l *look) shortened(items []string, room int) string {
	for n := len(items); n > 0; n-- {
		text, more := strings.Join(items[:n], "; "), ""
		if n < len(items) {
			more = " " + l.words.Count(language.AndMore, len(items)-n)
		}
		free := room - utf8.RuneCountInString(more)
		if utf8.RuneCountInString(text) <= free {
			return text + more
		}
		if n == 1 {
			return strings.TrimSpace(string([]rune(text)[:free-1])) + "…" + more
		}
	}
	return ""
}

// distinct leaves out what was said before.
func distinct(items []string) (out []string) {
	for _, s := range items {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// raised begins a text with a capital letter.
func raised(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return s
	}
	return string(unicode.ToUpper(r)) + s[n:]
}
