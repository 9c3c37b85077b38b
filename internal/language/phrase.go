package language

import (
	"fmt"
	"strings"

	"golang.org/x/text/feature/plural"
)

// Phrase is a text in each of the languages, in the order en, pl, ru, uk. What
// is filled in stands in it as fmt has it: %s, or %[2]s where the order differs,
// and %g for a Span in the genitive.
type Phrase struct{ en, pl, ru, uk string }

// In is the phrase in a language, with nothing filled in.
func (p Phrase) In(l Language) string {
	switch l {
	case Polish:
		return p.pl
	case Russian:
		return p.ru
	case Ukrainian:
		return p.uk
	}
	return p.en
}

// Say is the phrase with its arguments filled in.
func (l Language) Say(p Phrase, args ...any) string {
	if len(args) == 0 {
		return p.In(l)
	}
	return fmt.Sprintf(p.In(l), args...)
}

// Plural is a phrase about a number of things, with the forms that each language
// has for whole numbers. The number is its first argument.
type Plural struct {
	en         two
	pl, ru, uk three
}

// two are the forms of English: 1 call, 2 calls.
type two struct{ one, other string }

// three are the forms of Polish, Russian and Ukrainian: 1 звонок, 2 звонка, 5
// звонков. Which number takes which differs between them.
type three struct{ one, few, many string }

// Count is the phrase about n things, with further arguments filled in. The
// number stays on one line with what is counted.
func (l Language) Count(p Plural, n int, args ...any) string {
	form := strings.Replace(p.form(l, n), "%s ", "%s"+nbsp, 1)
	return fmt.Sprintf(form, append([]any{l.Number(n)}, args...)...)
}

// form chooses the form for a number by the rules of CLDR.
func (p Plural) form(l Language, n int) string {
	form := plural.Cardinal.MatchPlural(l.tag(), max(n, -n), 0, 0, 0, 0)
	switch l {
	case Polish:
		return p.pl.of(form)
	case Russian:
		return p.ru.of(form)
	case Ukrainian:
		return p.uk.of(form)
	}
	if form == plural.One {
		return p.en.one
	}
	return p.en.other
}

func (t three) of(form plural.Form) string {
	switch form {
	case plural.One:
		return t.one
	case plural.Few:
		return t.few
	}
	return t.many
}

// word is what a table has for a word of a book, or else the word itself.
func (l Language) word(table map[string]Phrase, word string) string {
	if p, ok := table[word]; ok {
		return p.In(l)
	}
	return word
}
