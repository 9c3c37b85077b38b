package book

import (
	"os"
	"strings"
	"testing"
	"time"
)

// TestTheManualNamesWhatExpressionsMayUse holds the manual to the environment.
func TestTheManualNamesWhatExpressionsMayUse(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/sales-book.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range variables() {
		if !strings.Contains(string(text), "`"+v.name+"`") {
			t.Errorf("the manual does not name the variable %s", v.name)
		}
	}
	for _, h := range helpers() {
		if !strings.Contains(string(text), "`"+h.name+"(") {
			t.Errorf("the manual does not show the function %s", h.name)
		}
	}
}

// TestExpressionsEnd: an expression that would go through lists of lists of
// lists is stopped, and the verdict says so.
func TestExpressionsEnd(t *testing.T) {
	t.Parallel()
	d, err := newDialect()
	if err != nil {
		t.Fatal(err)
	}
	list := "[" + strings.TrimSuffix(strings.Repeat("1,", 60), ",") + "]"
	e, err := d.compile(list + ".all(a, " + list + ".all(b, " + list + ".all(c, " + list + ".all(d, a + b + c + d > 0))))")
	if err != nil {
		t.Fatal(err)
	}
	c := compiled(t, "testdata/known.yaml")
	j := &judge{c: c, f: &Facts{}, work: c.calendar}
	if a := e.holds(j.as(time.Unix(0, 0))); a.holds || !strings.Contains(a.cannot, "cost limit") {
		t.Errorf("%+v", a)
	}
}

func BenchmarkExpression(b *testing.B) {
	d, err := newDialect()
	if err != nil {
		b.Fatal(err)
	}
	e, err := d.compile("lead || currency != 'EUR' || amount >= 10 || field('Size') == 'x'")
	if err != nil {
		b.Fatal(err)
	}
	c := compiled(b, "testdata/known.yaml")
	j := &judge{c: c, f: &Facts{Currency: "EUR", Fields: map[string]string{}}, work: c.calendar}
	s := j.as(time.Unix(0, 0))
	for b.Loop() {
		e.holds(s)
	}
}
