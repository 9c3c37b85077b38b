package mapping

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Place is where something stands in the text of a map; lines and columns
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

// Problem says what is wrong with a map, or why a record does not fit it, in
// words for an admin.
type Problem struct {
	Place  Place  // where in the map's text; zero for a record
	Object string // the vendor's object
	ID     string // the record; empty for a map
	Field  string // the canonical field, or the vendor's field for warnings
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
	if p.Object != "" {
		b.WriteString(p.Object)
		if p.ID != "" {
			b.WriteString(" " + p.ID)
		}
		b.WriteString(": ")
	}
	if p.Field != "" {
		b.WriteString(p.Field + ": ")
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

// Problems is everything found wrong with a map, in the order of its text.
type Problems []*Problem

// Error returns one problem a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the problems for errors.As.
func (ps Problems) Unwrap() []error {
	errs := make([]error, len(ps))
	for i, p := range ps {
		errs[i] = p
	}
	return errs
}

// maxProblems is how many are told at once: who has more than that mends the
// first ones first.
const maxProblems = 100

// add appends a problem, unless there are too many already.
func (ps *Problems) add(p *Problem) {
	switch n := len(*ps); {
	case n < maxProblems:
		*ps = append(*ps, p)
	case n == maxProblems:
		*ps = append(*ps, &Problem{Place: Place{File: p.Place.File}, Reason: "and more; mend these first"})
	}
}

// err returns the problems as an error, or nil if there are none.
func (ps Problems) err() error {
	if len(ps) == 0 {
		return nil
	}
	return ps
}

// shorten cuts s to what fits a message.
func shorten(s string) string {
	const most = 60
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + "…"
}

// did returns a hint that names the candidate nearest to word, or else lists
// the candidates.
func did(word string, candidates []string) string {
	best, distance := "", len(word)/2+1
	for _, c := range candidates {
		d := editDistance(word, c)
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

// editDistance is the number of letters to insert, drop or replace between a
// and b. Words are short; longer ones are not compared.
func editDistance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
