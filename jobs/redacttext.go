package jobs

import (
	"bytes"
	"cmp"
	"encoding/json"
	"html"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// json takes erased persons' addresses and numbers, and if so their names, out
// of a JSON document, and leaves all else as it is, byte by byte.
func (e *erased) json(doc []byte, names bool) []byte { return paste(doc, e.cuts(doc, names)) }

// cut says what stands in place of a part of a document.
type cut struct {
	from, to int
	with     []byte
}

func paste(doc []byte, cuts []cut) []byte {
	if len(cuts) == 0 {
		return doc
	}
	var out []byte
	kept := 0 // doc up to here is in out
	for _, c := range cuts {
		out = append(append(out, doc[kept:c.from]...), c.with...)
		kept = c.to
	}
	return append(out, doc[kept:]...)
}

// cuts finds what is to be redacted in a JSON document: strings that are no
// keys, and numbers.
func (e *erased) cuts(doc []byte, names bool) (cuts []cut) {
	for i := 0; i < len(doc); {
		var with []byte
		end := i + 1
		switch c := doc[i]; {
		case c == '"':
			if end = stringEnd(doc, i); end < 0 {
				return cuts
			}
			if mayQuote(doc[i+1:end-1], names) && !isKey(doc, end) {
				with = e.quoted(doc[i:end], names)
			}
		case c == '-' || '0' <= c && c <= '9':
			end = numberEnd(doc, i)
			if e.numeral(string(doc[i:end])) {
				with = []byte(`"` + redacted + `"`)
			}
		}
		if with != nil {
			cuts = append(cuts, cut{i, end, with})
		}
		i = end
	}
	return cuts
}

// numberEnd returns where the number that begins at i is over.
func numberEnd(doc []byte, i int) int {
	for i++; i < len(doc) && strings.IndexByte("0123456789.eE+-", doc[i]) >= 0; i++ {
	}
	return i
}

// longestNumber is how many digits a number has at most, see E.164.
const longestNumber = 15

// numeral tells whether a JSON number is an erased one: a whole number that
// ends with its digits.
func (e *erased) numeral(s string) bool {
	whole, fraction, _ := strings.Cut(s, ".")
	if len(whole) < phoneMin || len(whole) > longestNumber || digitsOf(whole) != whole || strings.Trim(fraction, "0") != "" {
		return false
	}
	return e.knows("contact", phoneOf(whole))
}

// stringEnd returns where the string that begins at i is over, or -1.
func stringEnd(doc []byte, i int) int {
	for j := i + 1; j < len(doc); j++ {
		switch doc[j] {
		case '\\':
			j++
		case '"':
			return j + 1
		}
	}
	return -1
}

func isKey(doc []byte, end int) bool {
	rest := bytes.TrimLeft(doc[end:], " \t\r\n")
	return len(rest) > 0 && rest[0] == ':'
}

// mayQuote tells whether a string, as JSON writes it, is long enough for a name
// and holds letters, or holds what addresses and numbers are made of. It spares
// most strings the look.
func mayQuote(literal []byte, names bool) bool {
	digits, letters := 0, false
	for _, c := range literal {
		switch {
		case c == '@' || c == '&' || c == '\\':
			return true
		case '0' <= c && c <= '9':
			digits++
		case c >= utf8.RuneSelf || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z':
			letters = true
		}
	}
	return digits >= phoneMin || names && letters && len(literal) >= 3
}

// quoted redacts a JSON string; nil when there is nothing to redact.
func (e *erased) quoted(literal []byte, names bool) []byte {
	var s string
	if instants.Match(literal) || json.Unmarshal(literal, &s) != nil {
		return nil
	}
	clean := e.text(s, names)
	if clean == s {
		return nil
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if enc.Encode(clean) != nil {
		return nil // a string always encodes
	}
	return bytes.TrimRight(out.Bytes(), "\n")
}

var (
	// instants are strings that are a day or an instant and nothing else. Their
	// digits are no number, whatever they are.
	instants  = regexp.MustCompile(`^"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}[\d:.]*)?(?:Z|[+\-]\d{2}:?\d{2})?"$`)
	addresses = regexp.MustCompile(`[\p{L}\p{N}._%+'\-]+@[\p{L}\p{N}\-]+(?:\.[\p{L}\p{N}\-]+)+`)
	numbers   = regexp.MustCompile(`\+?\(?\d(?:[\s\x{a0}().\-]*\d){6,}`)
	groups    = regexp.MustCompile(`\d+`)
	words     = regexp.MustCompile(`[\p{L}\p{M}\p{N}](?:[\p{L}\p{M}\p{N}'’\-]*[\p{L}\p{M}\p{N}])?`)
	entities  = regexp.MustCompile(`&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});`)
	tags      = regexp.MustCompile(`<[^<>]*>`)
	markup    = regexp.MustCompile(`&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});|<[^<>]*>`) // either
)

// span is a part of a text.
type span struct{ from, to int }

// text redacts plain text or HTML. A name in HTML may be written with entities,
// and tags may stand between its words or around an attribute that holds it.
func (e *erased) text(s string, names bool) string {
	s = cutSpans(s, e.in(s, entities, names))
	if strings.Contains(s, "<") {
		s = cutSpans(s, e.in(s, markup, names))
	}
	return s
}

// in finds what is to be redacted in a text as it reads once marks are
// replaced: entities by what they stand for, tags by a space.
func (e *erased) in(s string, marks *regexp.Regexp, names bool) []span {
	plain, at := read(s, marks)
	found := slices.Concat(e.addresses(plain), e.numbers(plain))
	if names {
		found = append(found, e.names(plain)...)
	}
	for i, f := range found {
		found[i] = span{at(f.from), at(f.to)}
	}
	return found
}

// read returns a text with its marks replaced, and where in the text each byte
// of that came from.
func read(s string, marks *regexp.Regexp) (plain string, at func(int) int) {
	var out []byte
	var from []int
	kept := 0
	keep := func(to int) {
		for ; kept < to; kept++ {
			out, from = append(out, s[kept]), append(from, kept)
		}
	}
	if strings.ContainsAny(s, "&<") {
		for _, m := range marks.FindAllStringIndex(s, -1) {
			keep(m[0])
			with := " "
			if s[m[0]] == '&' {
				with = html.UnescapeString(s[m[0]:m[1]])
			}
			for i := range len(with) {
				out, from = append(out, with[i]), append(from, m[0])
			}
			kept = m[1]
		}
	}
	if kept == 0 {
		return s, func(i int) int { return i }
	}
	keep(len(s))
	from = append(from, len(s))
	return string(out), func(i int) int { return from[i] }
}

// cutSpans redacts parts of a text, which may overlap. Tags inside them stay.
func cutSpans(s string, spans []span) string {
	if len(spans) == 0 {
		return s
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Or(a.from-b.from, b.to-a.to) })
	var out strings.Builder
	kept := 0
	for _, c := range spans {
		if c.from >= kept {
			out.WriteString(s[kept:c.from] + redacted)
		}
		if c.to > kept {
			out.WriteString(strings.Join(tags.FindAllString(s[max(c.from, kept):c.to], -1), ""))
			kept = c.to
		}
	}
	return out.String() + s[kept:]
}

// addresses finds erased addresses. What may stand in one may also stand around
// it, as quotes and dashes do.
func (e *erased) addresses(s string) (found []span) {
	if !strings.Contains(s, "@") {
		return nil
	}
	for _, m := range addresses.FindAllStringIndex(s, -1) {
		for from := m[0]; from == m[0] || strings.IndexByte("._%+'-", s[from-1]) >= 0; from++ {
			address := strings.ToLower(s[from:m[1]])
			if bare := strings.TrimRight(address, "-"); e.knows("contact", "email:"+address) || bare != address && e.knows("contact", "email:"+bare) {
				found = append(found, span{from, m[1]})
				break
			}
		}
	}
	return found
}

// numbers finds runs of digits that hold an erased number. Of a longer run than
// a number can be, nobody can say where it begins: it goes as a whole.
func (e *erased) numbers(s string) (found []span) {
	for _, m := range numbers.FindAllStringIndex(s, -1) {
		if run := s[m[0]:m[1]]; e.number(digitsOf(run)) || e.grouped(run) {
			found = append(found, span{m[0], m[1]})
		}
	}
	return found
}

func (e *erased) number(digits string) bool {
	n := min(len(digits), phoneTail)
	for i := 0; i+n <= len(digits); i++ {
		if e.knows("contact", phoneOf(digits[i:i+n])) {
			return true
		}
	}
	return false
}

// grouped looks for a number that is shorter than phoneTail in a run that is
// longer. It must begin and end where groups of digits do: more are alike by chance.
func (e *erased) grouped(run string) bool {
	all := groups.FindAllString(run, -1)
	for i := range all {
		digits := ""
		for _, g := range all[i:] {
			if digits += g; len(digits) >= phoneTail {
				break
			}
			if len(digits) >= phoneMin && e.knows("contact", phoneOf(digits)) {
				return true
			}
		}
	}
	return false
}

// longestName is how many words a name has at most.
const longestName = 5

// names finds full names, the longest first.
func (e *erased) names(s string) (found []span) {
	at := words.FindAllStringIndex(s, -1)
	for i := 0; i < len(at); i++ {
		for n := min(longestName, len(at)-i); n > 0; n-- {
			from, to := at[i][0], at[i+n-1][1]
			if name := fold(s[from:to]); utf8.RuneCountInString(name) >= 3 && e.knows("name", name) {
				found = append(found, span{from, to})
				i += n - 1
				break
			}
		}
	}
	return found
}
