package sales

import "testing"

func TestMinorDigits(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]int{
		"EUR": 2, "PLN": 2, "RUB": 2, "UAH": 2,
		"RSD": 2, "LBP": 2, "UZS": 2, // CLDR says 0, the standard 2
		"JPY": 0, "KRW": 0, "XOF": 0, "ISK": 0,
		"KWD": 3, "IQD": 3, "TND": 3,
		"CLF": 4,
		"SLE": 2, "XCG": 2,
	} {
		if got, ok := MinorDigits(code); got != want || !ok {
			t.Errorf("MinorDigits(%s) = %d, %v, want %d", code, got, ok, want)
		}
	}
	for _, code := range []string{"", "EU", "EURO", "ZZZ", "XAU", "XXX", "XTS", "ЕВР", "E\x00R"} {
		if got, ok := MinorDigits(code); ok {
			t.Errorf("MinorDigits(%q) = %d, want none", code, got)
		}
	}
}
