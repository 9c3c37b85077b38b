package language

import "fmt"

// Span is a length of time in words. In a phrase it is %s as it is counted, in
// the accusative (не раньше чем через 2 дня), or %g in the genitive (в течение 2 дней).
type Span struct{ counted, genitive string }

// String is the span as it is counted.
func (s Span) String() string { return s.counted }

// Format implements fmt.Formatter.
func (s Span) Format(f fmt.State, verb rune) {
	if verb == 'g' {
		fmt.Fprint(f, s.genitive)
		return
	}
	fmt.Fprint(f, s.counted)
}

// Span writes a length of time: a number of a unit, one of wm, wh, wd (minutes,
// hours, days of work) and m, h, d, mo (any minutes, hours, days, months).
func (l Language) Span(n int, unit string) Span {
	u, ok := units[unit]
	if !ok {
		bare := l.Number(n) + nbsp + unit
		return Span{bare, bare}
	}
	return Span{l.Count(u.counted, n), l.Count(u.genitive, n)}
}

type unit struct{ counted, genitive Plural }

var units = map[string]unit{
	"wm": {
		Plural{two{"%s working minute", "%s working minutes"},
			three{"%s minutę roboczą", "%s minuty robocze", "%s minut roboczych"},
			three{"%s рабочую минуту", "%s рабочие минуты", "%s рабочих минут"},
			three{"%s робочу хвилину", "%s робочі хвилини", "%s робочих хвилин"}},
		Plural{two{"%s working minute", "%s working minutes"},
			three{"%s minuty roboczej", "%s minut roboczych", "%s minut roboczych"},
			three{"%s рабочей минуты", "%s рабочих минут", "%s рабочих минут"},
			three{"%s робочої хвилини", "%s робочих хвилин", "%s робочих хвилин"}},
	},
	"wh": {
		Plural{two{"%s working hour", "%s working hours"},
			three{"%s godzinę roboczą", "%s godziny robocze", "%s godzin roboczych"},
			three{"%s рабочий час", "%s рабочих часа", "%s рабочих часов"},
			three{"%s робочу годину", "%s робочі години", "%s робочих годин"}},
		Plural{two{"%s working hour", "%s working hours"},
			three{"%s godziny roboczej", "%s godzin roboczych", "%s godzin roboczych"},
			three{"%s рабочего часа", "%s рабочих часов", "%s рабочих часов"},
			three{"%s робочої години", "%s робочих годин", "%s робочих годин"}},
	},
	"wd": {
		Plural{two{"%s working day", "%s working days"},
			three{"%s dzień roboczy", "%s dni robocze", "%s dni roboczych"},
			three{"%s рабочий день", "%s рабочих дня", "%s рабочих дней"},
			three{"%s робочий день", "%s робочі дні", "%s робочих днів"}},
		Plural{two{"%s working day", "%s working days"},
			three{"%s dnia roboczego", "%s dni roboczych", "%s dni roboczych"},
			three{"%s рабочего дня", "%s рабочих дней", "%s рабочих дней"},
			three{"%s робочого дня", "%s робочих днів", "%s робочих днів"}},
	},
	"m": {
		Plural{two{"%s minute", "%s minutes"},
			three{"%s minutę", "%s minuty", "%s minut"},
			three{"%s минуту", "%s минуты", "%s минут"},
			three{"%s хвилину", "%s хвилини", "%s хвилин"}},
		Plural{two{"%s minute", "%s minutes"},
			three{"%s minuty", "%s minut", "%s minut"},
			three{"%s минуты", "%s минут", "%s минут"},
			three{"%s хвилини", "%s хвилин", "%s хвилин"}},
	},
	"h": {
		Plural{two{"%s hour", "%s hours"},
			three{"%s godzinę", "%s godziny", "%s godzin"},
			three{"%s час", "%s часа", "%s часов"},
			three{"%s годину", "%s години", "%s годин"}},
		Plural{two{"%s hour", "%s hours"},
			three{"%s godziny", "%s godzin", "%s godzin"},
			three{"%s часа", "%s часов", "%s часов"},
			three{"%s години", "%s годин", "%s годин"}},
	},
	"d": {
		Plural{two{"%s day", "%s days"},
			three{"%s dzień", "%s dni", "%s dni"},
			three{"%s день", "%s дня", "%s дней"},
			three{"%s день", "%s дні", "%s днів"}},
		Plural{two{"%s day", "%s days"},
			three{"%s dnia", "%s dni", "%s dni"},
			three{"%s дня", "%s дней", "%s дней"},
			three{"%s дня", "%s днів", "%s днів"}},
	},
	"mo": {
		Plural{two{"%s month", "%s months"},
			three{"%s miesiąc", "%s miesiące", "%s miesięcy"},
			three{"%s месяц", "%s месяца", "%s месяцев"},
			three{"%s місяць", "%s місяці", "%s місяців"}},
		Plural{two{"%s month", "%s months"},
			three{"%s miesiąca", "%s miesięcy", "%s miesięcy"},
			three{"%s месяца", "%s месяцев", "%s месяцев"},
			three{"%s місяця", "%s місяців", "%s місяців"}},
	},
}
