package mapping

import (
	"math/big"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
)

func TestScanNumber(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		literal string
		want    string // canonical; empty: refused
	}{
		{"0", "0"},
		{"-0", "0"},
		{"-0.00", "0"},
		{"13", "13"},
		{"+13", "13"},
		{"007", "7"},
		{"13.50", "13.5"},
		{"-1234567.89", "-1234567.89"},
		{"0.1", "0.1"},
		{"1e3", "1000"},
		{"1.5E+2", "150"},
		{"12.345e1", "123.45"},
		{"12e-3", "0.012"},
		{"0e999", "0"},
		{"0.30000000000000004", "0.30000000000000004"},
		{strings.Repeat("9", 28), strings.Repeat("9", 28)},
		{strings.Repeat("9", 29), ""},
		{"0." + strings.Repeat("1", 30), "0." + strings.Repeat("1", 30)},
		{"0." + strings.Repeat("1", 31), ""},
		{"0." + strings.Repeat("0", 400), "0"},
		{"1e27", "1" + strings.Repeat("0", 27)},
		{"1e28", ""},
		{"1e-30", "0." + strings.Repeat("0", 29) + "1"},
		{"1e-31", ""},
		{"1e999999999", ""},
		{"1e-999999999", ""},
		{"1e99999999999999999999", ""},
		{"", ""}, {"-", ""}, {".5", ""}, {"5.", ""}, {"1.e1", ""}, {"e1", ""}, {"1e", ""}, {"1e+", ""}, {"1e+-2", ""}, {"1e--2", ""}, {"1e++2", ""},
		{"1,5", ""}, {"1 000", ""}, {"0x10", ""}, {"1_000", ""}, {"NaN", ""}, {"Infinity", ""}, {"1a", ""}, {" 1", ""}, {"١٢", ""},
	} {
		n, ok := scanNumber(c.literal)
		got := ""
		if ok {
			got = string(n.append(nil))
		}
		if got != c.want {
			t.Errorf("scanNumber(%q) = %q, want %q", c.literal, got, c.want)
		}
	}
}

// FuzzScanNumber compares with the exact arithmetic of math/big.
func FuzzScanNumber(f *testing.F) {
	for _, s := range []string{"0", "-12.50", "1e5", "123456789012345678901234567.5", "0.000001e-10", "1e-30", "9e27"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, ok := scanNumber(s)
		if !ok {
			return
		}
		want, valid := new(big.Rat).SetString(s)
		if !valid {
			t.Fatalf("accepted %q", s)
		}
		if got := n.decimal().Rat(); got.Cmp(want) != 0 {
			t.Errorf("%q became %s", s, got)
		}
		canonical := string(n.append(nil))
		if again, ok := scanNumber(canonical); !ok || again != n {
			t.Errorf("%q is not stable: %q", s, canonical)
		}
		if !n.decimal().Equal(decimal.RequireFromString(canonical)) {
			t.Errorf("%q: decimal and text differ", s)
		}
	})
}
