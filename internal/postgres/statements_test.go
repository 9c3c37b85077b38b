package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/postgres/pgtest"
	"salesbook.dev/internal/sales"
)

// TestStatementsFitTheSchema has PostgreSQL parse and plan every SQL statement
// of this package as salesbook_app: tables, columns, types and privileges.
//
// Statements are found in the source. The SQL argument of Exec, Query, QueryRow
// and Queue must be made of literals, constants and the expressions listed in
// variants; a function that passes a string parameter on as SQL has its callers
// looked at instead. What composes its SQL otherwise stands in composed.
func TestStatementsFitTheSchema(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	workspace := d.Workspace(t, "a")
	conn := d.Connect(t, d.DirectURL) // it prepares
	found := findStatements(t)
	if len(found) < 80 {
		t.Fatalf("only %d statements found in the source", len(found))
	}
	for i, s := range found {
		if err := plan(t, conn, workspace, fmt.Sprintf("probe%d", i), s.sql); err != nil {
			t.Errorf("%s: %v, in\n%s", s.place, err, s.sql)
		}
	}
}

// variants are the values of expressions that are not constant.
func variants() map[string][]string {
	v := map[string][]string{"table": postgres.OwnedTables()}
	for _, e := range []string{"e", "excluded"} {
		v[`newer("`+e+`")`] = []string{postgres.Newer(e)}
	}
	for _, k := range sales.Kinds() {
		v["k.Name"] = append(v["k.Name"], k.Name)
		v["populateSQL(k)"] = append(v["populateSQL(k)"], postgres.PopulateSQL(k))
		v["upsertSQL(k)"] = append(v["upsertSQL(k)"], postgres.UpsertSQL(k))
	}
	return v
}

// composed calls the functions that compose their SQL, in each of their ways.
// The keys are the functions in which the SQL is handed over.
func composed() map[string]func(context.Context, pgx.Tx) {
	return map[string]func(context.Context, pgx.Tx){
		"Missing": func(ctx context.Context, tx pgx.Tx) {
			_, _ = postgres.Missing(ctx, tx, 1, 1, "deals", nil, []string{"1"}, time.Now())
			_, _ = postgres.Missing(ctx, tx, 1, 1, "deals", []string{"1"}, []string{"1"}, time.Now())
		},
		"readRecords": func(ctx context.Context, tx pgx.Tx) {
			_, _ = postgres.ReadRecords(ctx, tx, 1, 1, "deals", "", 1, nil)
			_, _ = postgres.HoldRecords(ctx, tx, 1, 1, "deals", "", 1, nil)
		},
		"HeldRecords": func(ctx context.Context, tx pgx.Tx) {
			deals, _ := sales.KindByName("deals")
			for _, k := range []*sales.Kind{nil, deals} {
				_, _ = postgres.HeldRecords(ctx, tx, 1, 1, "deals", k, "", []string{"1"})
			}
		},
		"Vanishing": func(ctx context.Context, tx pgx.Tx) {
			deals, _ := sales.KindByName("deals")
			for _, parents := range [][]string{nil, {"1"}} {
				_, _ = postgres.Vanishing(ctx, tx, 1, 1, "deals", deals, "", parents, []string{"1"}, time.Now())
			}
		},
		"Unlike": func(ctx context.Context, tx pgx.Tx) {
			for _, k := range sales.Kinds() {
				row := sales.Row{ID: "1", Values: make([]any, len(k.Fields))}
				_, _ = postgres.Unlike(ctx, tx, 1, 1, k, []postgres.CanonicalRow{{Row: row}})
			}
		},
		"RetentionRule.Delete": func(ctx context.Context, tx pgx.Tx) {
			for _, rule := range postgres.RetentionRules() {
				_, _ = rule.Delete(ctx, tx, 1, nil, time.Unix(0, 0))
			}
		},
		"Cards": func(ctx context.Context, tx pgx.Tx) {
			for _, k := range sales.Kinds() {
				_, _ = postgres.Cards(ctx, tx, 1, []int64{1}, k, "1")
			}
		},
		"CardsByID": func(ctx context.Context, tx pgx.Tx) {
			for _, k := range sales.Kinds() {
				_, _ = postgres.CardsByID(ctx, tx, 1, 1, k, []string{"1"})
			}
		},
		"ItemsOf": func(ctx context.Context, tx pgx.Tx) { _, _ = postgres.ItemsOf(ctx, tx, 1, 1, "1") },
		"Names": func(ctx context.Context, tx pgx.Tx) {
			for _, k := range sales.Kinds() {
				_, _ = postgres.Names(ctx, tx, 1, 1, k, []string{"1"})
			}
		},
		"CountRows": func(ctx context.Context, tx pgx.Tx) {
			var what []postgres.Counted
			for _, k := range sales.Kinds() {
				what = append(what, postgres.Counted{Kind: k}, postgres.Counted{Kind: k, Prefix: "a"})
			}
			_, _ = postgres.CountRows(ctx, tx, 1, 1, what)
		},
	}
}

// recorder is a transaction that writes down the SQL it is given, and fails.
type recorder struct {
	pgx.Tx
	sql []string
}

var errRecorded = errors.New("recorded, not run")

func (r *recorder) Exec(_ context.Context, sql string, _ ...any) (pgconn.CommandTag, error) {
	r.sql = append(r.sql, sql)
	return pgconn.CommandTag{}, errRecorded
}

func (r *recorder) Query(_ context.Context, sql string, _ ...any) (pgx.Rows, error) {
	r.sql = append(r.sql, sql)
	return nil, errRecorded
}

func (r *recorder) QueryRow(_ context.Context, sql string, _ ...any) pgx.Row {
	r.sql = append(r.sql, sql)
	return failingRow{}
}

type failingRow struct{}

func (failingRow) Scan(...any) error { return errRecorded }

// plan goes as far as one can without running it. Privileges are checked when
// execution is set up, which EXPLAIN does.
func plan(t *testing.T, conn *pgx.Conn, workspace int64, name, sql string) error {
	t.Helper()
	ctx := t.Context()
	tx, err := conn.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // nothing is kept
	if _, err := tx.Exec(ctx, "SELECT set_config('salesbook.workspace', $1, true)", fmt.Sprint(workspace)); err != nil {
		t.Fatal(err)
	}
	prepared, err := tx.Prepare(ctx, name, sql)
	if err != nil {
		return err
	}
	nulls := ""
	if n := len(prepared.ParamOIDs); n > 0 {
		nulls = "(NULL" + strings.Repeat(", NULL", n-1) + ")"
	}
	_, err = tx.Exec(ctx, "EXPLAIN EXECUTE "+name+nulls)
	return err
}

type foundStatement struct{ place, sql string }

// adminFiles begin the names of files whose statements run as the admin, on
// schemas that come and go. Their own tests run every one of them.
func adminFiles() []string { return []string{"migrate", "restore", "roles"} }

// source is the package's code without its tests and the admin's part.
type source struct {
	t        *testing.T
	files    *token.FileSet
	funcs    []*ast.FuncDecl
	consts   map[string]ast.Expr
	passes   map[string]int // functions that pass a parameter on as SQL, by name: which
	variants map[string][]string
}

func findStatements(t *testing.T) []foundStatement {
	t.Helper()
	s := &source{t: t, files: token.NewFileSet(), consts: map[string]ast.Expr{}, passes: map[string]int{}, variants: variants()}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name := e.Name()
		ofAdmin := slices.ContainsFunc(adminFiles(), func(prefix string) bool { return strings.HasPrefix(name, prefix) })
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || ofAdmin {
			continue
		}
		f, err := parser.ParseFile(s.files, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		s.collect(f)
	}
	// A function may pass on what it was passed.
	for before := -1; before < len(s.passes); {
		before = len(s.passes)
		for _, f := range s.funcs {
			s.eachSQL(f, func(arg ast.Expr) {
				if i := parameter(f, arg); i >= 0 {
					s.passes[f.Name.Name] = i
				}
			})
		}
	}
	var found []foundStatement
	composed := composed()
	for _, f := range s.funcs {
		if call, ok := composed[fullName(f)]; ok {
			found = append(found, record(t, fullName(f), call)...)
			continue
		}
		s.eachSQL(f, func(arg ast.Expr) {
			if parameter(f, arg) >= 0 {
				return
			}
			for _, sql := range s.values(arg) {
				found = append(found, foundStatement{s.files.Position(arg.Pos()).String(), sql})
			}
		})
	}
	return found
}

// fullName is the name of a function, with its receiver's type before it.
func fullName(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return f.Name.Name
	}
	return strings.TrimPrefix(types.ExprString(f.Recv.List[0].Type), "*") + "." + f.Name.Name
}

func record(t *testing.T, name string, call func(context.Context, pgx.Tx)) []foundStatement {
	t.Helper()
	r := &recorder{}
	call(t.Context(), r)
	if len(r.sql) == 0 {
		t.Errorf("%s ran no SQL", name)
	}
	var found []foundStatement
	for _, sql := range r.sql {
		found = append(found, foundStatement{name, sql})
	}
	return found
}

// collect gathers functions and constants.
func (s *source) collect(f *ast.File) {
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			s.funcs = append(s.funcs, n)
		case *ast.GenDecl:
			for _, spec := range n.Specs {
				if v, ok := spec.(*ast.ValueSpec); ok && n.Tok == token.CONST {
					for i := range v.Values {
						s.consts[v.Names[i].Name] = v.Values[i]
					}
				}
			}
		}
		return true
	})
}

// eachSQL visits the arguments that are SQL.
func (s *source) eachSQL(f *ast.FuncDecl, visit func(ast.Expr)) {
	ast.Inspect(f, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		place := -1
		switch fun := call.Fun.(type) {
		case *ast.SelectorExpr:
			switch fun.Sel.Name {
			case "Exec", "Query", "QueryRow":
				place = 1 // after the context; the results of a batch take no arguments
			case "Queue":
				place = 0
			default:
				place = s.passed(fun.Sel.Name)
			}
		case *ast.Ident:
			place = s.passed(fun.Name)
		}
		if place >= 0 && place < len(call.Args) {
			visit(call.Args[place])
		}
		return true
	})
}

func (s *source) passed(name string) int {
	if i, ok := s.passes[name]; ok {
		return i
	}
	return -1
}

// parameter returns which parameter of f an expression is, or -1.
func parameter(f *ast.FuncDecl, e ast.Expr) int {
	id, ok := e.(*ast.Ident)
	if !ok {
		return -1
	}
	i := 0
	for _, field := range f.Type.Params.List {
		for _, name := range field.Names {
			if name.Name == id.Name {
				return i
			}
			i++
		}
	}
	return -1
}

// values returns what an expression can be.
func (s *source) values(e ast.Expr) []string {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		if err != nil {
			s.t.Fatal(err)
		}
		return []string{text}
	case *ast.ParenExpr:
		return s.values(e.X)
	case *ast.BinaryExpr:
		var all []string
		for _, left := range s.values(e.X) {
			for _, right := range s.values(e.Y) {
				all = append(all, left+right)
			}
		}
		return all
	case *ast.Ident:
		if value, ok := s.consts[e.Name]; ok {
			return s.values(value)
		}
	}
	text := types.ExprString(e)
	if v, ok := s.variants[text]; ok {
		return v
	}
	s.t.Errorf("%s: what can %s be? Make the SQL of constants, or call its function in composed (statements_test.go)", s.files.Position(e.Pos()), text)
	return nil
}
