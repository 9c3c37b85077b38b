package layering

import (
	"slices"
	"strings"
)

// comment wants one package comment, which says what the package owns.
func (r report) comment(p *pkg) {
	if p.name == "" {
		return // tests only
	}
	start := "Package " + p.name + " "
	if p.name == "main" {
		start = "Command "
	}
	for _, f := range p.sources() {
		if f.ast.Doc != nil && strings.HasPrefix(f.ast.Doc.Text(), start) {
			return
		}
	}
	r.add(Violation{p.dir, "has no package comment: write what it owns, beginning with \"" + start + "...\"; if that needs an \"and\", it is two packages"})
}

// vague are names that say nothing, and therefore attract everything.
var vague = []string{"util", "utils", "common", "helper", "helpers", "misc", "base", "shared", "lib", "types"}

// name refuses packages without a subject.
func (r report) name(p *pkg) {
	if slices.Contains(vague, p.name) {
		r.add(Violation{p.dir, "package " + p.name + " is named for nothing: name it for what it does, or move its parts to where they are used"})
	}
}
