package mapping

import "salesbook.dev/internal/strictyaml"

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
	where := p.Object
	if where != "" && p.ID != "" {
		where += " " + p.ID
	}
	if where != "" && p.Field != "" {
		where += ": "
	}
	one := strictyaml.Problem{Place: p.Place, Where: where + p.Field, Value: p.Value, Reason: p.Reason, Hint: p.Hint}
	return one.Error()
}

// Problems is everything found wrong with a map, in the order of its text.
type Problems = strictyaml.List[*Problem]

// add appends a problem to those of a map.
func add(ps *Problems, p *Problem) {
	ps.Append(p, &Problem{Place: Place{File: p.Place.File}, Reason: strictyaml.More})
}
