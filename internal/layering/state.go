package layering

import (
	"go/ast"
	"go/token"
	"strings"
)

// exceptions are package variables that may stay although they hold state or
// are made by code, each with its reason. One that no longer exists is
// reported, so that the list cannot outlive its entries.
func exceptions() map[string]string {
	return map[string]string{
		"connectors/catalog.Connectors":   "the one list of connectors, a literal with a line for each vendor's declaration",
		"internal/postgres/pgtest.shared": "the server that all tests of one binary share; TestMain has no other way to reach it",
	}
}

// inits refuses init functions, in tests as well.
func (r report) inits(p *pkg) {
	for _, f := range p.files {
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				r.at(f, fn.Pos(), "has an init function: it runs on import, in an order that nobody reads; call it from cmd, or make the value in a constructor")
			}
		}
	}
}

// state refuses package variables that hold state.
func (r report) state(p *pkg) {
	for _, f := range p.sources() {
		for _, d := range f.ast.Decls {
			decl, ok := d.(*ast.GenDecl)
			if !ok || decl.Tok != token.VAR {
				continue
			}
			for _, spec := range decl.Specs {
				r.variable(p, f, decl, spec.(*ast.ValueSpec))
			}
		}
	}
}

func (r report) variable(p *pkg, f file, decl *ast.GenDecl, spec *ast.ValueSpec) {
	for i, name := range spec.Names {
		_, excepted := exceptions()[p.dir+"."+name.Name]
		switch {
		case name.Name == "_" || excepted || embedded(decl, spec):
		case len(spec.Values) <= i:
			r.at(f, name.Pos(), "the package variable %s has no value, so something must change it: state shared by all users of a package races and cannot be tested apart; hold it in a struct", name.Name)
		case !fixed(spec.Values[i]):
			r.at(f, name.Pos(), "the package variable %s is made by code: pass the value from cmd or make it in a constructor. Errors, regular expressions and literal tables may stay; anything else needs an exception with its reason in internal/layering/state.go", name.Name)
		default:
			if g, pos, ok := p.write(name.Name); ok {
				r.at(g, pos, "changes the package variable %s: state shared by all users of a package races and cannot be tested apart; hold it in a struct", name.Name)
			}
		}
	}
}

// embedded reports a variable that the compiler fills from a file.
func embedded(decl *ast.GenDecl, spec *ast.ValueSpec) bool {
	for _, doc := range []*ast.CommentGroup{decl.Doc, spec.Doc} {
		if doc != nil {
			for _, c := range doc.List {
				if strings.HasPrefix(c.Text, "//go:embed ") {
					return true
				}
			}
		}
	}
	return false
}

// constructors make values that never change.
var constructors = map[string]bool{
	"errors.New": true, "fmt.Errorf": true, "fault.New": true,
	"regexp.MustCompile": true, "strings.NewReplacer": true,
	"decimal.New": true, "decimal.NewFromInt": true, "decimal.RequireFromString": true,
	"time.Date": true, "time.FixedZone": true, "netip.MustParsePrefix": true,
	".Froze": true, // sonic.Config{...}.Froze()
	"len":    true,
}

// fixed reports whether an initial value is a literal table, a conversion, or
// the work of one of the constructors.
func fixed(value ast.Expr) bool {
	ok := true
	ast.Inspect(value, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false // what it does when it is called is judged where it writes
		case *ast.CallExpr:
			ok = ok && (isType(n.Fun) || constructors[dotted(n.Fun)])
		case *ast.UnaryExpr:
			ok = ok && n.Op != token.AND && n.Op != token.ARROW
		}
		return ok
	})
	return ok && !alias(value)
}

// alias reports a variable that is only another name of a function or value,
// which is how replaceable seams begin.
func alias(value ast.Expr) bool {
	switch value.(type) {
	case *ast.Ident, *ast.SelectorExpr, *ast.FuncLit:
		return true
	}
	return false
}

// isType reports a conversion, such as []byte("x").
func isType(fun ast.Expr) bool {
	switch fun := fun.(type) {
	case *ast.ArrayType, *ast.MapType, *ast.StarExpr, *ast.InterfaceType:
		return true
	case *ast.ParenExpr:
		return isType(fun.X)
	case *ast.Ident:
		return fun.Name == "string" || fun.Name == "int64" || fun.Name == "float64"
	}
	return false
}

// dotted is a function's name as written.
func dotted(fun ast.Expr) string {
	switch fun := fun.(type) {
	case *ast.Ident:
		return fun.Name
	case *ast.SelectorExpr:
		return dotted(fun.X) + "." + fun.Sel.Name
	}
	return ""
}

// write finds a place in the package that changes the variable, or something
// in it. A local variable of the same name is taken for it: give it another.
func (p *pkg) write(name string) (file, token.Pos, bool) {
	for _, f := range p.sources() {
		var at token.Pos
		ast.Inspect(f.ast, func(n ast.Node) bool {
			for _, target := range targets(n) {
				if root(target) == name && !at.IsValid() {
					at = target.Pos()
				}
			}
			return true
		})
		if at.IsValid() {
			return f, at, true
		}
	}
	return file{}, token.NoPos, false
}

// targets are the expressions that a statement changes.
func targets(n ast.Node) []ast.Expr {
	switch n := n.(type) {
	case *ast.AssignStmt:
		if n.Tok != token.DEFINE {
			return n.Lhs
		}
	case *ast.IncDecStmt:
		return []ast.Expr{n.X}
	case *ast.UnaryExpr:
		if n.Op == token.AND {
			return []ast.Expr{n.X}
		}
	case *ast.CallExpr:
		if name := dotted(n.Fun); (name == "delete" || name == "clear") && len(n.Args) > 0 {
			return n.Args[:1]
		}
	}
	return nil
}

// root is the variable at the bottom of x, x.f, x[i], *x.
func root(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return root(e.X)
	case *ast.IndexExpr:
		return root(e.X)
	case *ast.StarExpr:
		return root(e.X)
	case *ast.ParenExpr:
		return root(e.X)
	}
	return ""
}

// staleExceptions reports exceptions whose variable is gone.
func (r report) staleExceptions(packages []*pkg) {
	have := map[string]bool{}
	dirs := map[string]bool{}
	for _, p := range packages {
		dirs[p.dir] = true
		for _, f := range p.sources() {
			for _, d := range f.ast.Decls {
				if decl, ok := d.(*ast.GenDecl); ok && decl.Tok == token.VAR {
					for _, spec := range decl.Specs {
						for _, name := range spec.(*ast.ValueSpec).Names {
							have[p.dir+"."+name.Name] = true
						}
					}
				}
			}
		}
	}
	for name := range exceptions() {
		if dir := name[:strings.LastIndexByte(name, '.')]; dirs[dir] && !have[name] {
			r.add(Violation{dir, "the exception for " + name + " in internal/layering/state.go is no longer needed: remove it"})
		}
	}
}
