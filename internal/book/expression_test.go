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

// TestProductsThatNobodyTells: what asks for them cannot be judged, neither as a
// condition nor in an expression; what does not, can.
func TestProductsThatNobodyTells(t *testing.T) {
	t.Parallel()
	c, one := compiled(t, "testdata/known.yaml"), 1
	d, err := newDialect()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		facts         Facts
		holds, cannot bool
	}{{Facts{}, false, false}, {Facts{Products: 1}, true, false}, {Facts{NoProducts: true}, false, true}} {
		j := &judge{c: c, f: &tt.facts, work: c.calendar}
		s := j.as(time.Unix(0, 0))
		e, err := d.compile("products >= 1")
		if err != nil {
			t.Fatal(err)
		}
		for what, a := range map[string]answer{"condition": s.holds(&Condition{ProductsListed: &one}), "expression": e.holds(s)} {
			if a.holds != tt.holds || strings.Contains(a.cannot, "does not tell which products") != tt.cannot || !tt.cannot && a.cannot != "" {
				t.Errorf("%+v, %s: holds %v, cannot %q", tt, what, a.holds, a.cannot)
			}
		}
	}
	e, err := d.compile("lead || true")
	if err != nil {
		t.Fatal(err)
	}
	j := &judge{c: c, f: &Facts{NoProducts: true}, work: c.calendar}
	if a := e.holds(j.as(time.Unix(0, 0))); !a.holds || a.cannot != "" {
		t.Errorf("what does not ask for products: %+v", a)
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
