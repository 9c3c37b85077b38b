package zoho

import (
	"html"
	"regexp"
	"strings"
)

// Parts of the markup in which texts of tasks and notes come.
var (
	markup    = regexp.MustCompile(`</?(?:p|ul|ol|li|br|b|i|a)\b[^<>]*>`)
	paragraph = regexp.MustCompile(`</?p\b[^<>]*>|</[uo]l>`)
	line      = regexp.MustCompile(`<br\b[^<>]*>|<(?:li|ul|ol)\b[^<>]*>`)
	blank     = regexp.MustCompile(`\n{3,}`)
)

// plainLines is a text as people read it in a field of several lines, which shows
// markup as it stands: texts with markup are fields of another kind (Zoho's series for
// developers, part 134, 2024), and neither tasks nor notes have one. What has no markup
// stays as it is.
func plainLines(s string) string {
	if !markup.MatchString(s) {
		return s
	}
	s = strings.Join(strings.Fields(s), " ")
	s = paragraph.ReplaceAllString(s, "\n\n")
	s = line.ReplaceAllString(s, "\n")
	s = markup.ReplaceAllString(s, "")
	lines := strings.Split(html.UnescapeString(s), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.TrimSpace(blank.ReplaceAllString(strings.Join(lines, "\n"), "\n\n"))
}
