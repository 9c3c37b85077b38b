package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// count writes a number with its thousands apart: 12,345.
func count(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// counted writes a number with its noun: "1 record", "2 records".
func counted(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if stem, ok := strings.CutSuffix(noun, "y"); ok {
		return count(n) + " " + stem + "ies"
	}
	return count(n) + " " + noun + "s"
}

// span writes a length of time as one says it: 0.4 s, 12 s, 3 min, 2 h 5 min, 4 d.
func span(d time.Duration) string {
	switch {
	case d < 0:
		return "0 s"
	case d < 10*time.Second:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	case d < 100*time.Second:
		return fmt.Sprintf("%d s", int(d.Seconds()+0.5))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()+0.5))
	case d < 48*time.Hour:
		return strings.TrimSuffix(fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60), " 0 min")
	}
	return fmt.Sprintf("%d d", int(d.Hours()/24))
}

// ago writes how long before now an instant was.
func ago(now, t time.Time) string { return span(now.Sub(t)) + " ago" }

// percent writes a share from 0 to 1; only all of it is 100 %.
func percent(share float64) string {
	p := int(share * 100)
	if p >= 100 && share < 1 {
		p = 99
	}
	return fmt.Sprintf("%d %%", p)
}

// size writes a number of bytes.
func size(n int64) string {
	switch {
	case n < 10_000:
		return counted(n, "byte")
	case n < 10_000_000:
		return fmt.Sprintf("%d kB", n/1000)
	}
	return fmt.Sprintf("%d MB", n/1_000_000)
}

// shorten cuts a text to at most width characters and makes it one line.
func shorten(text string, width int) string {
	text = strings.Join(strings.Fields(text), " ")
	if utf8.RuneCountInString(text) <= width {
		return text
	}
	return string([]rune(text)[:width-1]) + "…"
}

// harmless shows what would steer a terminal, or turn the order of letters
// around, as a replacement character: names and texts are written by anybody
// who fills in a form.
func harmless(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\t':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r == '\u2028', r == '\u2029':
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// orDash stands in for an empty text in tables.
func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// sortedKeys returns the keys of a map in their order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
