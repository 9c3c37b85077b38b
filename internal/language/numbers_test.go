package language_test

import (
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"salesbook.dev/internal/language"
)

// spaced writes the blanks that keep a number and its noun together as plain
// ones, for tests to be read.
func spaced(s string) string { return strings.ReplaceAll(s, "\u00a0", " ") }

// TestPlurals goes over the numbers at which the forms of a language change.
func TestPlurals(t *testing.T) {
	t.Parallel()
	for l, forms := range map[language.Language]map[int]string{
		language.English: {0: "0 working days", 1: "1 working day", 2: "2 working days", 5: "5 working days", 21: "21 working days", 1000: "1,000 working days"},
		language.Polish: {0: "0 dni roboczych", 1: "1 dzień roboczy", 2: "2 dni robocze", 4: "4 dni robocze", 5: "5 dni roboczych", 11: "11 dni roboczych",
			12: "12 dni roboczych", 14: "14 dni roboczych", 21: "21 dni roboczych", 22: "22 dni robocze", 25: "25 dni roboczych", 101: "101 dni roboczych", 112: "112 dni roboczych", 1002: "1 002 dni robocze"},
		language.Russian: {0: "0 рабочих дней", 1: "1 рабочий день", 2: "2 рабочих дня", 4: "4 рабочих дня", 5: "5 рабочих дней", 11: "11 рабочих дней",
			12: "12 рабочих дней", 14: "14 рабочих дней", 21: "21 рабочий день", 22: "22 рабочих дня", 25: "25 рабочих дней", 101: "101 рабочий день", 111: "111 рабочих дней", 112: "112 рабочих дней"},
		language.Ukrainian: {0: "0 робочих днів", 1: "1 робочий день", 2: "2 робочі дні", 4: "4 робочі дні", 5: "5 робочих днів", 11: "11 робочих днів",
			12: "12 робочих днів", 14: "14 робочих днів", 21: "21 робочий день", 22: "22 робочі дні", 25: "25 робочих днів", 101: "101 робочий день", 111: "111 робочих днів"},
	} {
		for n, want := range forms {
			if got := spaced(l.Span(n, "wd").String()); got != want {
				t.Errorf("%s: %d: %q, want %q", l, n, got, want)
			}
		}
	}
}

// TestSpansTakeTheCaseOfTheirSentence shows every unit in both cases, for one,
// two and five.
func TestSpansTakeTheCaseOfTheirSentence(t *testing.T) {
	t.Parallel()
	for l, units := range map[language.Language]map[string][2]string{ // not later than ...; within ...
		language.English: {
			"wm": {"1 working minute, 2 working minutes, 5 working minutes", "1 working minute, 2 working minutes, 5 working minutes"},
			"wh": {"1 working hour, 2 working hours, 5 working hours", "1 working hour, 2 working hours, 5 working hours"},
			"wd": {"1 working day, 2 working days, 5 working days", "1 working day, 2 working days, 5 working days"},
			"m":  {"1 minute, 2 minutes, 5 minutes", "1 minute, 2 minutes, 5 minutes"},
			"h":  {"1 hour, 2 hours, 5 hours", "1 hour, 2 hours, 5 hours"},
			"d":  {"1 day, 2 days, 5 days", "1 day, 2 days, 5 days"},
			"mo": {"1 month, 2 months, 5 months", "1 month, 2 months, 5 months"},
		},
		language.Polish: {
			"wm": {"1 minutę roboczą, 2 minuty robocze, 5 minut roboczych", "1 minuty roboczej, 2 minut roboczych, 5 minut roboczych"},
			"wh": {"1 godzinę roboczą, 2 godziny robocze, 5 godzin roboczych", "1 godziny roboczej, 2 godzin roboczych, 5 godzin roboczych"},
			"wd": {"1 dzień roboczy, 2 dni robocze, 5 dni roboczych", "1 dnia roboczego, 2 dni roboczych, 5 dni roboczych"},
			"m":  {"1 minutę, 2 minuty, 5 minut", "1 minuty, 2 minut, 5 minut"},
			"h":  {"1 godzinę, 2 godziny, 5 godzin", "1 godziny, 2 godzin, 5 godzin"},
			"d":  {"1 dzień, 2 dni, 5 dni", "1 dnia, 2 dni, 5 dni"},
			"mo": {"1 miesiąc, 2 miesiące, 5 miesięcy", "1 miesiąca, 2 miesięcy, 5 miesięcy"},
		},
		language.Russian: {
			"wm": {"1 рабочую минуту, 2 рабочие минуты, 5 рабочих минут", "1 рабочей минуты, 2 рабочих минут, 5 рабочих минут"},
			"wh": {"1 рабочий час, 2 рабочих часа, 5 рабочих часов", "1 рабочего часа, 2 рабочих часов, 5 рабочих часов"},
			"wd": {"1 рабочий день, 2 рабочих дня, 5 рабочих дней", "1 рабочего дня, 2 рабочих дней, 5 рабочих дней"},
			"m":  {"1 минуту, 2 минуты, 5 минут", "1 минуты, 2 минут, 5 минут"},
			"h":  {"1 час, 2 часа, 5 часов", "1 часа, 2 часов, 5 часов"},
			"d":  {"1 день, 2 дня, 5 дней", "1 дня, 2 дней, 5 дней"},
			"mo": {"1 месяц, 2 месяца, 5 месяцев", "1 месяца, 2 месяцев, 5 месяцев"},
		},
		language.Ukrainian: {
			"wm": {"1 робочу хвилину, 2 робочі хвилини, 5 робочих хвилин", "1 робочої хвилини, 2 робочих хвилин, 5 робочих хвилин"},
			"wh": {"1 робочу годину, 2 робочі години, 5 робочих годин", "1 робочої години, 2 робочих годин, 5 робочих годин"},
			"wd": {"1 робочий день, 2 робочі дні, 5 робочих днів", "1 робочого дня, 2 робочих днів, 5 робочих днів"},
			"m":  {"1 хвилину, 2 хвилини, 5 хвилин", "1 хвилини, 2 хвилин, 5 хвилин"},
			"h":  {"1 годину, 2 години, 5 годин", "1 години, 2 годин, 5 годин"},
			"d":  {"1 день, 2 дні, 5 днів", "1 дня, 2 днів, 5 днів"},
			"mo": {"1 місяць, 2 місяці, 5 місяців", "1 місяця, 2 місяців, 5 місяців"},
		},
	} {
		for unit, want := range units {
			var counted, genitive []string
			for _, n := range []int{1, 2, 5} {
				counted = append(counted, spaced(l.Say(language.Later, l.Span(n, unit))))
				genitive = append(genitive, spaced(l.Say(language.AnswerWithin, l.Span(n, unit))))
			}
			for i, lists := range [2][]string{counted, genitive} {
				for j, form := range strings.Split(want[i], ", ") {
					if !strings.Contains(" "+lists[j]+" ", " "+form+" ") {
						t.Errorf("%s: %q, want %q in it", l, lists[j], form)
					}
				}
			}
		}
	}
}

func TestNumbersAndAmounts(t *testing.T) {
	t.Parallel()
	amount := func(s string) decimal.Decimal { return decimal.RequireFromString(s) }
	for _, c := range []struct{ got, want string }{
		{language.English.Money(amount("1234567"), "EUR"), "€1,234,567"},
		{language.English.Money(amount("1234.5"), "PLN"), "PLN 1,234.50"},
		{language.English.Money(amount("-5"), "USD"), "-$5"},
		{language.Polish.Money(amount("-0.5"), "PLN"), "-0,50 zł"},
		{language.Polish.Decimal(amount("-0.5")), "-0,5"},
		{language.Polish.Money(amount("50000"), "PLN"), "50 000 zł"},
		{language.Polish.Money(amount("0.125"), "PLN"), "0,125 zł"},
		{language.Russian.Money(amount("15000000"), "RUB"), "15 000 000 ₽"},
		{language.Ukrainian.Money(amount("5000.5"), "UAH"), "5 000,50 ₴"},
		{language.Ukrainian.Money(amount("7"), "XYZ"), "7 XYZ"},
		{language.Russian.Money(amount("7"), ""), "7"},
		{language.Russian.Decimal(amount("12345678901234567890.25")), "12345678901234567890,25"},
		{language.Russian.Percent(amount("12.5")), "12,5 %"},
		{language.Polish.Percent(amount("8")), "8%"},
		{language.English.Number(-1200), "-1,200"},
		{language.English.Date(2026, time.November, 3), "3 November 2026"},
		{language.Polish.Date(2026, time.January, 31), "31 stycznia 2026"},
		{language.Russian.Date(2026, time.May, 9), "9 мая 2026 г."},
		{language.Ukrainian.Date(2027, time.December, 1), "1 грудня 2027 р."},
		{language.Ukrainian.Weekday(time.Friday), "п’ятниця"},
		{language.English.And([]string{"a", "b", "c"}), "a, b and c"},
		{language.Polish.Or([]string{"a", "b"}), "a lub b"},
		{language.Russian.Or([]string{"a"}), "a"},
		{language.Ukrainian.And(nil), ""},
		{language.Polish.Quote("Oferta"), "„Oferta”"},
	} {
		if spaced(c.got) != c.want {
			t.Errorf("%q, want %q", spaced(c.got), c.want)
		}
	}
}

func TestEveryOtherLanguageIsEnglish(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]language.Language{"": language.English, "de": language.English, "uk": language.Ukrainian, "pl": language.Polish} {
		if got := language.Of(code); got != want {
			t.Errorf("Of(%q) = %s, want %s", code, got, want)
		}
	}
}
