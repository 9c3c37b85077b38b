// Package layering holds the source to the design: who may import whom, which
// packages are pure, where SQL and state may live.
//
// It parses the files instead of asking the go command, so that a test of it
// sees every file, whatever its build tags, and is not answered from a cache.
// The table of arrows is in table.go; every other rule has a file of its own.
package layering

import (
	"cmp"
	"fmt"
	"go/token"
	"io/fs"
	"slices"
)

// Module is the path of the module whose sources are checked.
const Module = "salesbook.dev"

// Violation is one place where the source leaves the design.
type Violation struct {
	Place string // file:line, or a folder
	Text  string // what is wrong, why the rule exists, and what to do
}

// String returns the place and the text.
func (v Violation) String() string { return v.Place + ": " + v.Text }

// Check parses all Go files below the root of fsys, nested modules, hidden
// folders and testdata excepted, and returns what breaks a rule, in the order
// of the files. A file that cannot be parsed is an error.
func Check(fsys fs.FS) ([]Violation, error) {
	packages, err := load(fsys)
	if err != nil {
		return nil, err
	}
	var found []Violation
	r := report{add: func(v Violation) { found = append(found, v) }}
	for _, p := range packages {
		r.arrows(p)
		r.purity(p)
		r.databases(p)
		r.sql(p)
		r.testing(p)
		r.inits(p)
		r.state(p)
		r.comment(p)
		r.name(p)
	}
	r.staleExceptions(packages)
	slices.SortStableFunc(found, func(a, b Violation) int { return cmp.Compare(a.Place, b.Place) })
	return found, nil
}

// report collects violations.
type report struct{ add func(Violation) }

// at adds a violation at a position.
func (r report) at(f file, pos token.Pos, format string, args ...any) {
	where := f.set.Position(pos)
	r.add(Violation{Place: fmt.Sprintf("%s:%d", f.path, where.Line), Text: fmt.Sprintf(format, args...)})
}
