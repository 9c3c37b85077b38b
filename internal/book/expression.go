package book

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"github.com/shopspring/decimal"
)

// costLimit bounds the work of one evaluation: an expression that goes through
// lists of lists ends with an error instead of keeping a worker.
const costLimit = 20_000

// hidden is the name under which functions get the subject. No expression can
// be written with it.
const hidden = "@subject"

// dialect is what expressions may name and call. There is no present time and no
// elapsed time in it; time enters through functions that know when their answer
// changes.
type dialect struct {
	env   *cel.Env
	names map[string]func(*subject) any
}

func newDialect() (*dialect, error) {
	d := &dialect{names: map[string]func(*subject) any{}}
	subjectType := cel.OpaqueType("salesbook.subject")
	opts := []cel.EnvOption{
		cel.CrossTypeNumericComparisons(true),
		cel.Variable(hidden, subjectType),
	}
	for _, v := range variables() {
		opts = append(opts, cel.Variable(v.name, v.kind))
		d.names[v.name] = v.of
	}
	for _, f := range helpers() {
		opts = append(opts,
			cel.Macros(cel.GlobalMacro(f.name, len(f.args), withSubject(f.name))),
			cel.Function("@"+f.name, cel.Overload("salesbook_"+f.name, append([]*cel.Type{subjectType}, f.args...), f.result, cel.FunctionBinding(func(args ...ref.Val) ref.Val {
				return f.call(args[0].(seen).subject, args[0].(seen).flips, args[1:])
			}))))
	}
	var err error
	d.env, err = cel.NewEnv(opts...)
	return d, err
}

// withSubject makes a call of a helper into one that gets the subject, too.
func withSubject(name string) cel.MacroFactory {
	return func(eh cel.MacroExprFactory, _ ast.Expr, args []ast.Expr) (ast.Expr, *common.Error) {
		return eh.NewCall("@"+name, append([]ast.Expr{eh.NewIdent(hidden)}, args...)...), nil
	}
}

// variable is something that an expression may name.
type variable struct {
	name string
	kind *cel.Type
	of   func(*subject) any
}

// variables lists what an expression may name.
func variables() []variable {
	text := func(field string) func(*subject) any {
		return func(s *subject) any { v, _ := s.value(field, s.at); return v }
	}
	return []variable{
		{"title", cel.StringType, func(s *subject) any { return s.Title }},
		{"owner", cel.StringType, text("owner")},
		{"amount", cel.DoubleType, func(s *subject) any {
			v, _ := s.value("amount", s.at)
			d, err := decimal.NewFromString(v)
			if err != nil {
				return 0.0
			}
			return d.InexactFloat64()
		}},
		{"currency", cel.StringType, text("currency")},
		{"source", cel.StringType, text("source")},
		{"products", cel.IntType, func(s *subject) any {
			if s.NoProducts {
				return types.NewErr("%s", productsUntold)
			}
			return s.Products
		}},
		{"added", cel.TimestampType, func(s *subject) any { return s.Added }},
		{"entered", cel.TimestampType, func(s *subject) any { return s.entered }},
		{"funnel", cel.StringType, func(s *subject) any { f, _ := s.place(); return f }},
		{"stage", cel.StringType, func(s *subject) any { _, st := s.place(); return st }},
		{"lead", cel.BoolType, func(s *subject) any { return s.Lead }},
		{"reason", cel.StringType, func(s *subject) any { return s.Reason }},
	}
}

// place is where the subject stands at its instant: ids of funnel and stage.
func (s *subject) place() (funnel, stage string) {
	i := s.moveAt(s.at)
	if i < 0 {
		return "", ""
	}
	f, at := s.c.stage(s.Connection, s.Moves[i].Stage)
	if f == nil {
		return "", ""
	}
	return f.ID, f.Stages[at].ID
}

// helper is a function that an expression may call.
type helper struct {
	name   string
	args   []*cel.Type
	result *cel.Type
	call   func(s *subject, flips *time.Time, args []ref.Val) ref.Val
}

// helpers lists what an expression may call.
func helpers() []helper {
	str := cel.StringType
	return []helper{
		{"field", []*cel.Type{str}, str, func(s *subject, _ *time.Time, args []ref.Val) ref.Val {
			v, _ := s.value(fold(word(args[0])), s.at)
			return types.String(v)
		}},
		{"number", []*cel.Type{str}, cel.DoubleType, func(s *subject, _ *time.Time, args []ref.Val) ref.Val {
			v, _ := s.value(fold(word(args[0])), s.at)
			n, err := strconv.ParseFloat(v, 64)
			if err != nil {
				return types.NewErr("%s holds no number", word(args[0]))
			}
			return types.Double(n)
		}},
		{"worth", nil, cel.DoubleType, func(s *subject, flips *time.Time, _ []ref.Val) ref.Val {
			w := s.worth()
			*flips = sooner(*flips, w.flips)
			if w.cannot != "" {
				return types.NewErr("%s", w.cannot)
			}
			return types.Double(w.amount.InexactFloat64())
		}},
		{"older_than", []*cel.Type{cel.TimestampType, str}, cel.BoolType, func(s *subject, flips *time.Time, args []ref.Val) ref.Val {
			return overdue(s, flips, args[0], word(args[1]))
		}},
		{"done", []*cel.Type{str, str, cel.IntType}, cel.BoolType, func(s *subject, flips *time.Time, args []ref.Val) ref.Val {
			return counted(s, flips, word(args[0]), word(args[1]), args[2])
		}},
		{"planned", []*cel.Type{str}, cel.BoolType, func(s *subject, flips *time.Time, args []ref.Val) ref.Val {
			a := s.planned("planned", []string{word(args[0])}, nil, nil)
			*flips = sooner(*flips, a.flips)
			return types.Bool(a.holds)
		}},
		{"passed", []*cel.Type{str}, cel.BoolType, func(s *subject, _ *time.Time, args []ref.Val) ref.Val {
			if _, _, ok := s.c.Book.stageRef(word(args[0])); !ok {
				return types.NewErr("there is no stage %q in the book", word(args[0]))
			}
			return types.Bool(s.passed(word(args[0])).holds)
		}},
	}
}

func word(v ref.Val) string { s, _ := v.Value().(string); return s }

// overdue tells whether a span has passed since an instant.
func overdue(s *subject, flips *time.Time, at ref.Val, text string) ref.Val {
	var span Span
	if err := span.UnmarshalText([]byte(text)); err != nil {
		return types.NewErr("older_than: %v", err)
	}
	t, _ := at.Value().(time.Time)
	over := s.work.After(t, span)
	if s.at.Before(over) {
		*flips = sooner(*flips, over)
		return types.False
	}
	return types.True
}

// counted tells whether enough activities were done lately.
func counted(s *subject, flips *time.Time, kind, text string, least ref.Val) ref.Val {
	var span Span
	if err := span.UnmarshalText([]byte(text)); err != nil {
		return types.NewErr("done: %v", err)
	}
	n, _ := least.Value().(int64)
	a := s.attempts(&Attempts{Count: int(n), Types: []string{kind}, Within: &span})
	*flips = sooner(*flips, a.flips)
	return types.Bool(a.holds)
}

// seen is the subject as functions get it.
type seen struct {
	*subject
	flips *time.Time
	names map[string]func(*subject) any
}

// What ref.Val asks for; no expression can do anything with it.
func (seen) ConvertToNative(reflect.Type) (any, error) { return nil, fmt.Errorf("not for expressions") }
func (s seen) ConvertToType(ref.Type) ref.Val          { return types.NewErr("not for expressions") }
func (s seen) Equal(ref.Val) ref.Val                   { return types.False }
func (seen) Type() ref.Type                            { return types.NewOpaqueType("salesbook.subject") }
func (s seen) Value() any                              { return s.subject }

// ResolveName implements cel's activation: values are looked up when they are
// asked for.
func (s seen) ResolveName(name string) (any, bool) {
	if name == hidden {
		return s, true
	}
	of, ok := s.names[name]
	if !ok {
		return nil, false
	}
	return of(s.subject), true
}

// Parent implements cel's activation.
func (seen) Parent() cel.Activation { return nil }

// expression is a compiled expression.
type expression struct {
	program cel.Program
	names   map[string]func(*subject) any
	never   bool // it says no whatever it is asked about

	fields   []string // that are written out in it
	anyField bool     // it asks for others, that it reckons out
}

// compile checks and compiles an expression. The error says at which character of
// it something is wrong.
func (d *dialect) compile(text string) (*expression, error) {
	checked, issues := d.env.Compile(text)
	if err := issues.Err(); err != nil {
		var lines []string
		for _, e := range issues.Errors() {
			lines = append(lines, fmt.Sprintf("%s (at character %d)", strings.ReplaceAll(e.Message, "@", ""), e.Location.Column()+1))
		}
		return nil, fmt.Errorf("%s", strings.Join(lines, "; "))
	}
	if checked.OutputType() != cel.BoolType {
		return nil, fmt.Errorf("it gives %s, and must say yes or no", checked.OutputType())
	}
	if err := soundSpans(checked.NativeRep().Expr()); err != nil {
		return nil, err
	}
	program, err := d.env.Program(checked, cel.CostLimit(costLimit))
	if err != nil {
		return nil, err
	}
	e := &expression{program: program, names: d.names, never: alwaysFalse(checked.NativeRep().Expr())}
	e.findFields(checked.NativeRep().Expr())
	return e, nil
}

// findFields notes which fields an expression asks for.
func (e *expression) findFields(expr ast.Expr) {
	ast.PreOrderVisit(expr, ast.NewExprVisitor(func(x ast.Expr) {
		if x.Kind() != ast.CallKind || x.AsCall().FunctionName() != "@field" && x.AsCall().FunctionName() != "@number" {
			return
		}
		if name := x.AsCall().Args()[1]; name.Kind() == ast.LiteralKind {
			e.fields = append(e.fields, word(name.AsLiteral()))
		} else {
			e.anyField = true
		}
	}))
}

// soundSpans checks spans that are written out.
func soundSpans(e ast.Expr) (err error) {
	ast.PreOrderVisit(e, ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind || err != nil {
			return
		}
		at := map[string]int{"@older_than": 2, "@done": 2}[e.AsCall().FunctionName()]
		if args := e.AsCall().Args(); at > 0 && args[at].Kind() == ast.LiteralKind {
			var s Span
			if bad := s.UnmarshalText([]byte(word(args[at].AsLiteral()))); bad != nil {
				err = fmt.Errorf("%q: %w", word(args[at].AsLiteral()), bad)
			}
		}
	}))
	return err
}

// alwaysFalse tells whether an expression is no, or has no among things that all
// must hold.
func alwaysFalse(e ast.Expr) bool {
	if e.Kind() == ast.LiteralKind {
		return e.AsLiteral() == types.False
	}
	if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == operators.LogicalAnd {
		return alwaysFalse(e.AsCall().Args()[0]) || alwaysFalse(e.AsCall().Args()[1])
	}
	return false
}

// holds evaluates the expression. What fails at run time cannot be judged.
func (e *expression) holds(s *subject) answer {
	var flips time.Time
	out, _, err := e.program.Eval(seen{s, &flips, e.names})
	if err != nil {
		return answer{cannot: "the expression failed: " + strings.ReplaceAll(err.Error(), "@", ""), flips: flips}
	}
	yes, _ := out.Value().(bool)
	return answer{holds: yes, assumed: s.past && s.at.Before(e.knownSince(s.Facts)), flips: flips}
}

// knownSince is from when on what the expression asks for is known.
func (e *expression) knownSince(f *Facts) time.Time {
	since := f.KnownSince
	names := e.fields
	if e.anyField {
		names = append(slices.Clone(names), OfPerson, OfCompany)
	}
	for _, name := range names {
		if t := f.knownSince(fold(name)); t.After(since) {
			since = t
		}
	}
	return since
}
