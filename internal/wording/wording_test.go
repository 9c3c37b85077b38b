package wording_test

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/language"
	"salesbook.dev/internal/wording"
)

var update = flag.Bool("update", false, "write what conditions are said as now to testdata")

func conditions(t *testing.T) *book.Book {
	t.Helper()
	text, err := os.ReadFile("testdata/conditions.yaml")
	if err != nil {
		t.Fatal(err)
	}
	b, err := book.Parse("conditions.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestConditionsAreSaidInEveryLanguage compares with what somebody who reads the
// language has read.
func TestConditionsAreSaidInEveryLanguage(t *testing.T) {
	t.Parallel()
	b := conditions(t)
	var out strings.Builder
	list := b.Won.Criteria
	for i := range list {
		for _, l := range language.All() {
			fmt.Fprintf(&out, "%s  %s\n", l, strings.ReplaceAll(wording.In(l, b).Condition(&list[i]).String(), "\u00a0", " "))
		}
		out.WriteString("\n")
	}
	const golden = "testdata/conditions.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(out.String(), "\n")); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}
}

// TestEveryKindOfConditionIsAmongThem makes sure that the list above leaves out
// none, also none that comes later.
func TestEveryKindOfConditionIsAmongThem(t *testing.T) {
	t.Parallel()
	list := conditions(t).Won.Criteria
	for _, typ := range []reflect.Type{reflect.TypeFor[book.Condition](), reflect.TypeFor[book.FieldRule]()} {
		for i := range typ.NumField() {
			if f := typ.Field(i); strings.Contains(f.Tag.Get("yaml"), ",choice") && !given(list, typ, i) {
				t.Errorf("no condition is given by %s.%s", typ.Name(), f.Name)
			}
		}
	}
}

// given tells whether one of the conditions is given by the field of the type.
func given(list []book.Condition, typ reflect.Type, field int) bool {
	for i := range list {
		v := reflect.ValueOf(list[i])
		if typ == reflect.TypeFor[book.FieldRule]() {
			if list[i].Field == nil {
				continue
			}
			v = reflect.ValueOf(*list[i].Field)
		}
		if !v.Field(field).IsZero() {
			return true
		}
	}
	return false
}

func TestRulesOfEveryKindAreSaid(t *testing.T) {
	t.Parallel()
	w := wording.In(language.Polish, conditions(t))
	for rule, want := range map[string]string{
		"no_next_step": "Następny krok jest zaplanowany.",
		"answer":       "We answer everybody.",
		"sent":         "The offer is out",
		"nowhere":      "nowhere",
	} {
		if got := w.Rule(rule); got != want {
			t.Errorf("%s is said as %q, want %q", rule, got, want)
		}
	}
}

func TestDaysInARow(t *testing.T) {
	t.Parallel()
	w := wording.In(language.English, &book.Book{})
	for _, c := range []struct {
		days []book.Day
		want string
	}{
		{[]book.Day{"mon", "tue", "wed", "thu", "fri"}, "Monday–Friday"},
		{[]book.Day{"sat", "sun"}, "Saturday, Sunday"},
		{[]book.Day{"fri", "mon", "tue", "wed", "sun"}, "Friday, Monday–Wednesday, Sunday"},
		{[]book.Day{"sun", "mon", "tue"}, "Sunday, Monday, Tuesday"},
		{nil, ""},
	} {
		if got := w.Days(c.days); got != c.want {
			t.Errorf("%v is said as %q, want %q", c.days, got, c.want)
		}
	}
}

func TestTheOnlyFunnelNeedsNoName(t *testing.T) {
	t.Parallel()
	b := conditions(t)
	if got, want := wording.Of(b).Stage("sales/demo"), "“Demo” (funnel “Sales”)"; got != want {
		t.Errorf("of two funnels: %s, want %s", got, want)
	}
	b.Funnels = b.Funnels[:1]
	if got, want := wording.Of(b).Stage("sales/demo"), "“Demo”"; got != want {
		t.Errorf("of one funnel: %s, want %s", got, want)
	}
}
