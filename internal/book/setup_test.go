package book_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/internal/book"
)

// setUp is a book with the given week and a funnel that asks for fields.
func setUp(t *testing.T, hours string) *book.Compiled {
	t.Helper()
	b, err := book.Parse("book", []byte(`
book: 1
name: B
calendars: [{id: c, zone: Europe/Warsaw`+hours+`}]
funnels:
  - id: f
    name: F
    crm: [{pipeline: P}]
    stages:
      - {id: a, name: A, exit: [{required: [Budget]}, {id: own, all: [{required: Country}]}, {any: [{required: X}, {field: {name: Y, at_most: 3}}]}, {not: {required: Z}}]}
      - {id: b, name: B, limit: 5wd, required: [Size], entry: [{required: Need}, {field: {name: Signed, past: 3mo}}]}
won: {criteria: [{required: Invoice}]}
loss_reasons: [{id: later, name: Later, any_time: true, nurture: {field: Call on}, on_lost: [{task: Call, field: Then}]}]
control: {limit: 3d}
enforcement: [{rule: required_fields, mode: task, from: 2026-12-01}]
`))
	if err != nil {
		t.Fatal(err)
	}
	c, err := book.Compile(b, nil)
	if c == nil {
		t.Fatal(err)
	}
	return c
}

// TestWholeDays: no span becomes shorter, and working time is stretched to the
// week of the calendar.
func TestWholeDays(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		hours string
		days  map[book.Span]int
	}{
		{"", map[book.Span]int{{N: 1, Unit: "wd"}: 2, {N: 3, Unit: "wd"}: 5, {N: 5, Unit: "wd"}: 7, {N: 6, Unit: "wd"}: 9, {N: 10, Unit: "wd"}: 14, {N: 15, Unit: "wm"}: 1,
			{N: 9, Unit: "wh"}: 2, {N: 45, Unit: "wh"}: 7, {N: 46, Unit: "wh"}: 8, {N: 24, Unit: "h"}: 1, {N: 25, Unit: "h"}: 2, {N: 1, Unit: "m"}: 1, {N: 1441, Unit: "m"}: 2,
			{N: 14, Unit: "d"}: 14, {N: 2, Unit: "mo"}: 62}},
		{`, hours: [{days: [mon, tue, wed, thu, fri, sat, sun], from: "00:00", to: "24:00"}]`, map[book.Span]int{{N: 5, Unit: "wd"}: 5, {N: 25, Unit: "wh"}: 2}},
		{`, hours: [{days: mon, from: "09:00", to: "12:00"}, {days: mon, from: "13:00", to: "16:00"}]`, map[book.Span]int{{N: 2, Unit: "wd"}: 14, {N: 3, Unit: "wh"}: 4, {N: 6, Unit: "wh"}: 7}},
	} {
		compiled := setUp(t, c.hours)
		for span, want := range c.days {
			if got := compiled.WholeDays(span); got != want {
				t.Errorf("%s in a week of %q: %d days, want %d", span, c.hours, got, want)
			}
		}
	}
}

// TestWhatACRMWantsToKnow finds what fields have to hold and where they are asked
// for, by which rules, and since when.
func TestWhatACRMWantsToKnow(t *testing.T) {
	t.Parallel()
	c := setUp(t, "")
	f := &c.Book.Funnels[0]
	got := map[string]any{"b": f.DemandsAt(1), "a": f.DemandsAt(0), "won": c.Book.DemandsWhenWon(), "holds": c.Holds(),
		"limits": []string{c.Book.LimitOf(&f.Stages[0]).String(), c.Book.LimitOf(&f.Stages[1]).String()}}
	want := map[string]any{
		"b": []book.Demand{{Field: "Size", Rule: book.RequiredFields}, {Field: "Need", Rule: book.EntryCriteria}, {Field: "Budget", Rule: book.ExitCriteria}, {Field: "Country", Rule: "own"}},
		"a": []book.Demand(nil), "won": []book.Demand{{Field: "Invoice", Rule: book.WonCriteria}},
		"holds":  map[string]book.Content{"size": "", "need": "", "signed": book.ADay, "budget": "", "country": "", "x": "", "y": book.ANumber, "z": "", "invoice": "", "call on": book.ADay, "then": book.ADay},
		"limits": []string{"3d", "5wd"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	for day, want := range map[string]book.Mode{"2026-11-30T22:59:59Z": book.Observe, "2026-11-30T23:00:00Z": book.TaskIt} {
		at, err := time.Parse(time.RFC3339, day)
		if err != nil {
			t.Fatal(err)
		}
		if mode := c.ModeAt(book.RequiredFields, at); mode != want {
			t.Errorf("at %s the mode is %s, want %s", day, mode, want)
		}
	}
}

// TestProbability refuses what is no share.
func TestProbability(t *testing.T) {
	t.Parallel()
	text := func(n string) string {
		return "book: 1\nname: B\nfunnels: [{id: f, name: F, crm: [{pipeline: P}], stages: [{id: a, name: A, probability: " + n + "}]}]\n"
	}
	for n, sound := range map[string]bool{"0": true, "100": true, "101": false, "-1": false, "many": false} {
		if _, err := book.Parse("book", []byte(text(n))); (err == nil) != sound {
			t.Errorf("probability %s: %v", n, err)
		}
	}
}
