package book

import (
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Spelling is a decision of a person what a text means that reps give as a loss
// reason. It holds for all times, also for losses before it was made.
type Spelling struct {
	Reason string // id in the book; empty: the text is refused
	Why    string // it is refused
	By     string
	At     time.Time
}

// Spellings are decisions by folded text, see FoldReason.
type Spellings map[string]Spelling

// The ways by which the meaning of a text is known.
const (
	ByBook     = "book"     // the book has it
	ByDecision = "decision" // somebody has decided
	ByRename   = "rename"   // the CRM's option was or is called so
)

// Meaning is what a text means that stands as a loss reason.
type Meaning struct {
	Reason  *LossReason // nil: none of the book's
	Refused bool        // it is one of those that are no reason
	By      string      // how it is known; empty: it is not
	As      string      // by a rename: the other name, which is known
	Why     string      // by a decision that refuses it
}

// Known tells whether a text means anything.
func (m *Meaning) Known() bool { return m.By != "" }

// evidence says how the meaning of a text that the book does not have is known.
func (m *Meaning) evidence() []Evidence {
	switch {
	case m.As != "":
		return []Evidence{{What: "the CRM also calls it", Found: m.As}}
	case m.By == ByDecision:
		return []Evidence{{What: "somebody has decided that it is no reason", Found: m.Why}}
	}
	return nil
}

// same tells whether two texts mean the same.
func (m *Meaning) same(o Meaning) bool { return m.Reason == o.Reason && m.Refused == o.Refused }

// Meaning finds what a text means. The book comes first, then what people have
// decided. If neither knows the text, it may be an option of the CRM that is or
// was called otherwise: what its other names mean, it means, unless they mean
// several things.
func (c *Compiled) Meaning(text string, renamed []string, decided Spellings) Meaning {
	m := c.said(text, decided)
	if m.Known() {
		return m
	}
	for _, other := range renamed {
		o := c.said(other, decided)
		switch {
		case !o.Known():
		case m.Known() && !m.same(o):
			return Meaning{}
		default:
			o.By, o.As = ByRename, other
			m = o
		}
	}
	return m
}

// Says tells whether the book itself knows a text.
func (c *Compiled) Says(text string) bool {
	m := c.said(text, nil)
	return m.Known()
}

// said finds what the book, or else somebody, says of a text.
func (c *Compiled) said(text string, decided Spellings) Meaning {
	key := FoldReason(text)
	if i, ok := c.reasons[key]; ok {
		return Meaning{Reason: &c.Book.LossReasons[i], By: ByBook}
	}
	if _, ok := c.refused[key]; ok {
		return Meaning{Refused: true, By: ByBook}
	}
	d, ok := decided[key]
	if !ok {
		return Meaning{}
	}
	if d.Reason == "" {
		return Meaning{Refused: true, By: ByDecision, Why: d.Why}
	}
	if r := c.Book.LossReason(d.Reason); r != nil {
		return Meaning{Reason: r, By: ByDecision}
	}
	return Meaning{} // the book no longer has that reason
}

// LossReason finds a reason by its id; nil: the book has none.
func (b *Book) LossReason(id string) *LossReason {
	for i := range b.LossReasons {
		if b.LossReasons[i].ID == id {
			return &b.LossReasons[i]
		}
	}
	return nil
}

// FoldReason is a loss reason as it is compared: without regard to case, blanks,
// punctuation, ё and е, and how letters with marks are put together. Of a text
// that is nothing but punctuation, that is what is left.
func FoldReason(text string) string {
	var b strings.Builder
	gap, letter := false, false // something else stands between, or a letter right before
	for _, r := range norm.NFKC.String(strings.ToLower(text)) {
		switch r = unicode.ToLower(r); {
		case unicode.IsLetter(r), unicode.IsNumber(r):
			if gap && b.Len() > 0 {
				b.WriteByte(' ')
			}
			if r == 'ё' {
				r = 'е'
			}
			b.WriteRune(r)
			gap, letter = false, true
		case unicode.IsMark(r) && letter:
			b.WriteRune(r)
		case r == '\'' || r == '’': // within a word, as in об'єкт
			letter = false
		default:
			gap, letter = true, false
		}
	}
	if b.Len() == 0 {
		return fold(text)
	}
	return norm.NFC.String(b.String())
}
