package layering

import (
	"go/ast"
	"slices"
	"strings"
)

// arrows checks imports within the module against the table. Tests may reach
// for any package but a command, except where the independence is the point.
func (r report) arrows(p *pkg) {
	rule, ok := rowOf(p.dir)
	if !ok {
		r.add(Violation{p.dir, "this folder has no place in the design: the top level is fixed; choose a folder that has one, or give it a row in internal/layering/table.go with its reason"})
		return
	}
	for _, f := range p.files {
		for _, spec := range f.ast.Imports {
			dir, ok := ours(imported(spec))
			switch {
			case !ok || rule.allows(dir):
			case within(dir, "cmd/..."):
				r.at(f, spec.Pos(), "imports %s: commands are wiring and nobody's library; move what is shared below cmd", dir)
			case !f.test:
				r.at(f, spec.Pos(), "%s imports %s: %s. It may import %s", p.dir, dir, rule.why, rule.list())
			case within(p.dir, "internal/sandbox/...") && entangling(dir):
				r.at(f, spec.Pos(), "a test of %s imports %s: %s, in its tests as well", p.dir, dir, rule.why)
			}
		}
	}
}

// entangling reports whether a simulator that uses dir could drift into what
// suits us.
func entangling(dir string) bool {
	return within(dir, "connectors/...") || within(dir, "mapping/...") || within(dir, "jobs/...")
}

// pure are the packages whose results depend on their arguments alone.
func pure(dir string) bool {
	return slices.ContainsFunc([]string{"mapping/...", "internal/book/...", "internal/report/...", "internal/language/...", "internal/wording/...", "internal/handbook/...", "internal/sales", faults},
		func(pattern string) bool { return within(dir, pattern) })
}

// effects are imports by which a package reaches outside itself.
var effects = []string{
	"os/...", "net", "net/http/...", "net/rpc/...", "net/smtp", "syscall", "log/...",
	"math/rand/...", "crypto/rand", "github.com/riverqueue/...",
}

// clocks are the functions of package time that ask or use the real clock.
var clocks = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}

// purity keeps I/O, chance and the clock out of the pure packages.
func (r report) purity(p *pkg) {
	if !pure(p.dir) {
		return
	}
	for _, f := range p.sources() {
		for _, spec := range f.ast.Imports {
			name := imported(spec)
			if slices.ContainsFunc(effects, func(pattern string) bool { return within(name, pattern) }) {
				r.at(f, spec.Pos(), "%s imports %s: this package is pure, so that stored history can be replayed and judged again with the same result; take values as arguments", p.dir, name)
			}
		}
		r.clock(p, f)
	}
}

func (r report) clock(p *pkg, f file) {
	ast.Inspect(f.ast, func(n ast.Node) bool {
		if name, ok := member(f, n, "time"); ok && slices.Contains(clocks, name) {
			r.at(f, n.Pos(), "%s uses time.%s: a verdict or a value that asks the clock cannot be computed again; take the instant as an argument", p.dir, name)
		}
		return true
	})
}

// member returns the name of a selected member of an imported package.
func member(f file, n ast.Node, importPath string) (string, bool) {
	sel, ok := n.(*ast.SelectorExpr)
	if !ok {
		return "", false
	}
	x, ok := sel.X.(*ast.Ident)
	if !ok {
		return "", false
	}
	for _, spec := range f.ast.Imports {
		if imported(spec) == importPath && localName(spec) == x.Name {
			return sel.Sel.Name, true
		}
	}
	return "", false
}

// localName is the name by which the file knows an import. For a path whose
// package is named otherwise it is only a guess, good for the standard library.
func localName(spec *ast.ImportSpec) string {
	if spec.Name != nil {
		return spec.Name.Name
	}
	name := imported(spec)
	return name[strings.LastIndexByte(name, '/')+1:]
}

// testSupport are packages that exist for tests.
var testSupport = []string{"internal/postgres/pgtest", "internal/notify/notifytest", "internal/sandbox/clienttest", "connectors/connectortest"}

// testing keeps what is made for tests out of the program.
func (r report) testing(p *pkg) {
	if slices.Contains(testSupport, p.dir) || within(p.dir, "test/...") {
		return
	}
	for _, f := range p.sources() {
		for _, spec := range f.ast.Imports {
			name := imported(spec)
			dir, _ := ours(name)
			if within(name, "testing/...") || slices.Contains(testSupport, dir) {
				r.at(f, spec.Pos(), "imports %s outside a test: it would end up in the program; only _test.go files and %s may", name, strings.Join(testSupport, ", "))
			}
		}
	}
}
