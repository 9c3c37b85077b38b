package main

import (
	"strings"
	"unicode/utf8"
)

// table is rows of text whose columns are aligned when it is written. Widths
// are counted in characters, so that Cyrillic and Polish names line up.
type table struct {
	right map[int]bool // columns of numbers
	rows  [][]string
}

// newTable returns a table with a heading; a heading that begins with > stands
// over a column of numbers.
func newTable(heading ...string) *table {
	t := &table{right: map[int]bool{}}
	for i, h := range heading {
		if name, ok := strings.CutPrefix(h, ">"); ok {
			heading[i], t.right[i] = name, true
		}
	}
	if len(heading) > 0 {
		t.rows = append(t.rows, heading)
	}
	return t
}

// add appends a row. What cells quote from a vendor cannot steer the terminal.
func (t *table) add(cells ...string) {
	for i, cell := range cells {
		cells[i] = strings.ReplaceAll(harmless(cell), "\n", " ")
	}
	t.rows = append(t.rows, cells)
}

// lines returns the aligned rows, each after the given indent.
func (t *table) lines(indent string) []string {
	var widths []int
	for _, row := range t.rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	out := make([]string, len(t.rows))
	for n, row := range t.rows {
		var b strings.Builder
		for i, cell := range row {
			if i > 0 {
				b.WriteString("  ")
			}
			gap := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if t.right[i] {
				b.WriteString(gap + cell)
			} else {
				b.WriteString(cell + gap)
			}
		}
		out[n] = strings.TrimRight(indent+b.String(), " ")
	}
	return out
}

// text returns the table with a line end after each row.
func (t *table) text(indent string) string { return strings.Join(t.lines(indent), "\n") + "\n" }
