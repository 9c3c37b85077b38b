package book

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
)

// TestRatesBreakAndMendByThemselves: nothing happens to a deal, and each rate that
// begins makes it worth more or less. What is broken is broken since the last rate
// that broke it, and is due again when the next one begins.
func TestRatesBreakAndMendByThemselves(t *testing.T) {
	t.Parallel()
	c := compiled(t, "testdata/rates.yaml")
	day := func(d string) time.Time {
		at, err := time.ParseInLocation(time.DateOnly, d, c.Zone())
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	amount := decimal.NewFromInt(2000)
	f := &Facts{ID: "1", Added: day("2026-10-01"), Owner: "a@x.pl", Amount: &amount, Currency: "EUR", Status: "open", Fields: map[string]string{},
		Activities: []Activity{{ID: "1", Type: "call", Added: day("2026-10-01"), Due: day("2027-01-01")}}}
	for _, want := range []struct{ now, broken, due string }{
		{"2026-10-10", "2026-10-01", "2026-10-20"},
		{"2026-10-20", "", "2026-11-01"},
		{"2026-11-01", "2026-11-01", "2026-11-20"},
		{"2026-11-19", "2026-11-01", "2026-11-20"},
		{"2026-11-20", "", "2027-01-04"}, // no rate is to come; the next step will be overdue
	} {
		j := c.Judge(f, day(want.now))
		broken := ""
		for _, v := range j.Verdicts {
			broken += v.Opened.In(c.Zone()).Format(time.DateOnly)
			if string(v.Rule) != "dear" || v.Cannot != "" {
				t.Errorf("on %s: %+v", want.now, v)
			}
		}
		if d := cmp.Diff([]string{want.broken, want.due}, []string{broken, j.NextDue.In(c.Zone()).Format(time.DateOnly)}); d != "" {
			t.Errorf("on %s (-want +got):\n%s", want.now, d)
		}
	}
}

// TestAnAmountWithoutARateSaysWhatToWrite, and is due when a rate begins.
func TestAnAmountWithoutARateSaysWhatToWrite(t *testing.T) {
	t.Parallel()
	c := compiled(t, "testdata/rates.yaml")
	amount := decimal.NewFromInt(2000)
	at := time.Date(2026, 10, 2, 12, 0, 0, 0, c.Zone())
	s := &subject{Facts: &Facts{Amount: &amount, Currency: "USD"}, c: c, work: c.calendar, at: at}
	a := s.amountAtLeast(amount)
	if want := "the amount is in USD and the book in PLN; write under rates what one USD is worth"; a.cannot != want || a.holds {
		t.Errorf("%+v, want %q", a, want)
	}
	if want := time.Date(2026, 10, 15, 0, 0, 0, 0, c.Zone()); !a.flips.Equal(want) {
		t.Errorf("it may be judged from %v on, want %v", a.flips, want)
	}
	c = compiled(t, "testdata/known.yaml")
	s.c, s.work = c, c.calendar
	if a := s.amountAtLeast(amount); !strings.Contains(a.cannot, "the book has no currency") {
		t.Errorf("%+v", a)
	}
}
