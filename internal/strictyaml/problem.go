package strictyaml

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"
)

// Place is where something stands in a text; lines and columns
// count from 1. The zero Place means no place.
type Place struct {
	File   string
	Line   int
	Column int
}

// String returns file:line:column.
func (p Place) String() string {
	if p.Line == 0 {
		return p.File
	}
	return p.File + ":" + strconv.Itoa(p.Line) + ":" + strconv.Itoa(p.Column)
}

// Problem says what is wrong with a text, in words for whoever wrote it.
type Problem struct {
	Place  Place
	Where  string // the part of the document, as in "funnels › homes › stages › offer"; empty for all of it
	Value  string // what was found, shortened; empty if nothing was
	Reason string // what is wrong
	Hint   string // what to do about it; may be empty
}

// Error returns all of it on one line.
func (p *Problem) Error() string {
	var b strings.Builder
	if place := p.Place.String(); place != "" {
		b.WriteString(place + ": ")
	}
	if p.Where != "" {
		b.WriteString(p.Where + ": ")
	}
	b.WriteString(p.Reason)
	if p.Value != "" {
		b.WriteString(" (found " + strconv.Quote(p.Value) + ")")
	}
	if p.Hint != "" {
		b.WriteString("; " + p.Hint)
	}
	return b.String()
}

// Problems is everything found wrong with a text, in the order in which it was
// found.
type Problems = List[*Problem]

// Add appends a problem to those of a text, unless there are too many already.
func Add(ps *Problems, p *Problem) {
	ps.Append(p, &Problem{Place: Place{File: p.Place.File}, Reason: More})
}

// List is a list of problems as one error.
type List[P error] []P

// Error returns one problem a line.
func (l List[P]) Error() string {
	lines := make([]string, len(l))
	for i, p := range l {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the problems for errors.As.
func (l List[P]) Unwrap() []error {
	errs := make([]error, len(l))
	for i, p := range l {
		errs[i] = p
	}
	return errs
}

// Err returns the problems as an error, or nil if there are none.
func (l List[P]) Err() error {
	if len(l) == 0 {
		return nil
	}
	return l
}

// MaxProblems is how many are told at once: who has more than that mends the
// first ones first.
const MaxProblems = 100

// More is the reason that stands last in a list that was cut off.
const More = "and more; mend these first"

// Append adds a problem. If there are too many already it appends more, once.
func (l *List[P]) Append(p, more P) {
	switch n := len(*l); {
	case n < MaxProblems:
		*l = append(*l, p)
	case n == MaxProblems:
		*l = append(*l, more)
	}
}

// Shorten cuts s to what fits a message.
func Shorten(s string) string {
	const most = 60
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + "…"
}

// longest is how many bytes a word has at most for Suggest to compare it.
const longest = 256

// Suggest returns a hint that names the candidate nearest to word, or else lists
// the candidates.
func Suggest(word string, candidates []string) string {
	best, distance := "", utf8.RuneCountInString(word)/2+1
	for _, c := range candidates {
		if len(c) > longest || len(word) > longest {
			continue // nobody slips like that
		}
		d := levenshtein.ComputeDistance(word, c)
		if len(word) > 2 && strings.HasPrefix(c, word) {
			d = 1
		}
		if d < distance {
			best, distance = c, d
		}
	}
	if best != "" {
		return "did you mean " + strconv.Quote(best) + "?"
	}
	if len(candidates) == 0 {
		return ""
	}
	return "known: " + strings.Join(candidates, ", ")
}
