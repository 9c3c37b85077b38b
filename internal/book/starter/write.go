package starter

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// writer writes a book's text.
type writer struct {
	strings.Builder
	proposed bool // what is written takes effect once its "# " is removed
}

// line writes one line of the book.
func (w *writer) line(indent int, format string, args ...any) {
	w.WriteString(strings.Repeat("  ", indent))
	if w.proposed {
		w.WriteString("# ")
	}
	fmt.Fprintf(w, format, args...)
	w.WriteByte('\n')
}

// remark writes a remark for the reader of the text.
func (w *writer) remark(indent int, format string, args ...any) {
	w.WriteString(strings.Repeat("  ", indent) + "## " + plainly(fmt.Sprintf(format, args...)) + "\n")
}

// remarked puts a remark behind a line's text.
func remarked(text, format string, args ...any) string {
	return text + "  # " + plainly(fmt.Sprintf(format, args...))
}

// plainly keeps a remark in its line, and to signs that YAML allows.
func plainly(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
}

var plain = regexp.MustCompile(`^\p{L}(?:[\p{L}\p{N} _./()-]*[\p{L}\p{N}])?$`)

// quote writes a text as YAML reads it: as it is where that is safe.
func quote(text string) string {
	if plain.MatchString(text) && !slices.Contains([]string{"true", "false", "null", "yes", "no", "on", "off", "y", "n"}, strings.ToLower(text)) {
		return text
	}
	return strconv.Quote(text)
}

// list writes texts as a list in one line.
func list(texts []string) string {
	quoted := make([]string, len(texts))
	for i, t := range texts {
		quoted[i] = quote(t)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// ids makes short names that are unique among those it made.
type ids map[string]bool

// of makes an id from a name; fallback is used where no letter is left.
func (taken ids) of(name, fallback string) string {
	var b strings.Builder
	n, gap := 0, false
	for _, r := range strings.ToLower(name) {
		if !unicode.IsLetter(r) && !unicode.IsNumber(r) {
			gap = n > 0
			continue
		}
		if n >= 40 {
			break
		}
		if gap {
			b.WriteByte('-')
			gap = false
		}
		b.WriteRune(r)
		n++
	}
	base := b.String()
	if base == "" {
		base = fallback
	}
	id := base
	for i := 2; taken[id]; i++ {
		id = base + "-" + strconv.Itoa(i)
	}
	taken[id] = true
	return id
}
