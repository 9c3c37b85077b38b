package wording

import (
	"slices"
	"strings"
	"time"

	"salesbook.dev/internal/book"
)

// Days lists days of the week: three or more in a row as from one to the other.
func (w *Words) Days(list []book.Day) string {
	week := book.Day("").Words() // from Monday on
	var out []string
	for i := 0; i < len(list); {
		first := slices.Index(week, string(list[i]))
		run := 1
		for i+run < len(list) && slices.Index(week, string(list[i+run])) == first+run {
			run++
		}
		if run < 3 {
			run = 1
		}
		name := w.weekday(first)
		if run > 1 {
			name += "–" + w.weekday(first+run-1)
		}
		out = append(out, name)
		i += run
	}
	return strings.Join(out, ", ")
}

// weekday names a day of the week that begins on Monday.
func (w *Words) weekday(i int) string { return w.Weekday(time.Weekday((i + 1) % 7)) }
