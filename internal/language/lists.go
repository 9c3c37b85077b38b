package language

import "strings"

// And joins what all holds: a, b and c.
func (l Language) And(list []string) string { return l.join(list, and) }

// Or joins what one holds of: a, b or c.
func (l Language) Or(list []string) string { return l.join(list, or) }

var (
	and = Phrase{" and ", " i ", " и ", " і "}
	or  = Phrase{" or ", " lub ", " или ", " або "}
)

func (l Language) join(list []string, last Phrase) string {
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	n := len(list) - 1
	return strings.Join(list[:n], ", ") + last.In(l) + list[n]
}

// Quote puts a name or text of somebody's into quotation marks.
func (l Language) Quote(text string) string { return l.Say(quoted, text) }

var quoted = Phrase{"“%s”", "„%s”", "«%s»", "«%s»"}

// Quotes are several quoted texts.
func (l Language) Quotes(list []string) []string {
	out := make([]string, len(list))
	for i, text := range list {
		out[i] = l.Quote(text)
	}
	return out
}
