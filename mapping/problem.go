package mapping

import (
	"strconv"
	"strings"

	"salesbook.dev/internal/strictyaml"
)

// Place is where something stands in the text of a map; the zero Place means no
// place.
type Place = strictyaml.Place

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
