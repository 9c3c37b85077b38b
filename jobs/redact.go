package jobs

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sales"
)

// redacted stands where something of an erased person stood.
const redacted = "[erased]"

// erased recognises what must not be stored any more of persons who were
// erased. It knows keyed hashes alone. The nil one recognises nothing.
type erased struct {
	secret  []byte
	digests map[postgres.Digest]bool
}

func (e *erased) sum(parts ...string) (d postgres.Digest) {
	var text []byte
	for _, p := range parts {
		text = append(append(strconv.AppendInt(text, int64(len(p)), 10), ':'), p...)
	}
	mac := hmac.New(sha256.New, e.secret)
	mac.Write(text)
	copy(d[:], mac.Sum(nil))
	return d
}

func (e *erased) knows(parts ...string) bool { return e.digests[e.sum(parts...)] }

// accountOf names the vendor's account, whose ids a removed connection's
// successor meets again.
func accountOf(c postgres.Connection) string {
	if c.VendorAccountID == nil {
		return fmt.Sprintf("connection/%d", c.ID)
	}
	return fmt.Sprintf("%s/%d", c.Vendor, *c.VendorAccountID)
}

// digestsOf are the hashes of all by which a person would be recognised.
func (e *erased) digestsOf(account string, p postgres.Person) []postgres.Digest {
	d := []postgres.Digest{e.sum("person", account, p.ID)}
	names, contacts := namesOf(p), contactsOf(p.Emails, append(p.Phones, p.Written...))
	for _, n := range names {
		d = append(d, e.sum("name", n))
		for _, c := range contacts {
			d = append(d, e.sum("pair", n, c))
		}
	}
	for _, c := range contacts {
		d = append(d, e.sum("contact", c))
	}
	return d
}

// namesOf are the ways in which a person's full name is written.
func namesOf(p postgres.Person) []string {
	var names []string
	for _, n := range append([]string{p.Name, p.First + " " + p.Last, p.Last + " " + p.First}, p.Former...) {
		if n = fold(n); utf8.RuneCountInString(n) >= 3 {
			names = append(names, n)
		}
	}
	return names
}

// fold makes a name comparable: small letters, single spaces.
func fold(name string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return !inWord(r) }), " ")
}

func inWord(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r) || r == '\'' || r == '’' || r == '-'
}

// contactsOf are addresses and numbers in the form in which they are hashed.
func contactsOf(emails, phones []string) []string {
	var out []string
	for _, m := range emails {
		if m != "" {
			out = append(out, "email:"+strings.ToLower(strings.TrimSpace(m)))
		}
	}
	for _, p := range phones {
		if d := digitsOf(p); len(d) >= phoneMin {
			out = append(out, "phone:"+d[max(0, len(d)-phoneTail):])
		}
	}
	return out
}

// A number is recognised by its last digits, with or without its country's
// code. Shorter ones than phoneMin are no numbers that reach one person.
const phoneMin, phoneTail = 7, 9

func digitsOf(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}

// admit is asked before a record that a vendor showed is stored. It reports
// false for one that is of an erased person, and takes out of others what is.
func (e *erased) admit(s *Source, r connectors.Record) (connectors.Record, bool) {
	if e == nil {
		return r, true
	}
	om, mapped := s.Map.Object(r.Object)
	if mapped && om.Kind().Name == "people" && e.knows("person", accountOf(s.Connection), om.ID(r.ID)) {
		return r, false
	}
	if len(r.Raw) == 0 {
		return r, true
	}
	names := false
	if mapped {
		kind, row, err := mapRecord(s.Map, s.Spec.Decoder, r)
		switch {
		case om.Kind().Name == "people":
			return r, err != nil || !e.person(kind, row)
		case !quotes(om.Kind()):
			return r, true
		}
		names = err != nil || e.about(accountOf(s.Connection), kind, row)
	}
	r.Raw = e.json(r.Raw, names)
	return r, true
}

// person tells whether a row is of an erased person who came back under
// another id: by name and address, or name and number, together.
func (e *erased) person(k *sales.Kind, row sales.Row) bool {
	text := func(field string) string { s, _ := row.Values[k.Index(field)].(string); return s }
	texts := func(field string) []string { s, _ := row.Values[k.Index(field)].([]string); return s }
	p := postgres.Person{Name: text("name"), First: text("first_name"), Last: text("last_name")}
	for _, n := range namesOf(p) {
		for _, c := range contactsOf(texts("emails"), append(texts("phones"), texts("phones_written")...)) {
			if e.knows("pair", n, c) {
				return true
			}
		}
	}
	return false
}

// about tells whether a row refers to an erased person.
func (e *erased) about(account string, k *sales.Kind, row sales.Row) bool {
	ref := func(field string) string {
		if i := k.Index(field); i >= 0 {
			s, _ := row.Values[i].(string)
			return s
		}
		return ""
	}
	return e.refers(account, ref("person_id"), ref("deal_id"), ref("lead_id"))
}

func (e *erased) refers(account, person, deal, lead string) bool {
	return person != "" && e.knows("person", account, person) ||
		deal != "" && e.knows("about", account, "deals", deal) || lead != "" && e.knows("about", account, "leads", lead)
}

// quotes tells whether rows of a kind may quote persons who are not theirs.
// Other people, reps and companies have names and numbers of their own, which
// may be the same.
func quotes(k *sales.Kind) bool {
	switch k.Name {
	case "deals", "deal_items", "deal_events", "leads", "activities", "notes":
		return true
	}
	return false
}

// json takes erased persons' addresses and numbers, and if so their names, out
// of the texts of a JSON document, and leaves all else as it is, byte by byte.
func (e *erased) json(doc []byte, names bool) []byte {
	var out bytes.Buffer
	kept := 0 // doc up to here is in out
	for i := 0; i < len(doc); i++ {
		if doc[i] != '"' {
			continue
		}
		end := stringEnd(doc, i)
		if end < 0 {
			break
		}
		if !mayQuote(doc[i+1:end-1], names) || isKey(doc, end) {
			i = end - 1
			continue
		}
		if with := e.quoted(doc[i:end], names); with != nil {
			out.Write(doc[kept:i])
			out.Write(with)
			kept = end
		}
		i = end - 1
	}
	if kept == 0 {
		return doc
	}
	out.Write(doc[kept:])
	return out.Bytes()
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
		case c == '@' || c == '\\':
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
	if json.Unmarshal(literal, &s) != nil {
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
	addresses = regexp.MustCompile(`[\p{L}\p{N}._%+'\-]+@[\p{L}\p{N}\-]+(?:\.[\p{L}\p{N}\-]+)+`)
	numbers   = regexp.MustCompile(`\+?\(?\d(?:[\s\x{a0}().\-]*\d){6,}`)
	words     = regexp.MustCompile(`[\p{L}\p{M}\p{N}'’\-]+`)
)

// text redacts plain text.
func (e *erased) text(s string, names bool) string {
	if strings.Contains(s, "@") {
		s = addresses.ReplaceAllStringFunc(s, func(m string) string {
			if e.knows("contact", "email:"+strings.ToLower(m)) {
				return redacted
			}
			return m
		})
	}
	s = numbers.ReplaceAllStringFunc(s, e.number)
	if names {
		s = e.names(s)
	}
	return s
}

// number redacts a run of digits that holds an erased number. Of a longer run
// than a number can be, nobody can say where it begins: it goes as a whole.
func (e *erased) number(run string) string {
	d := digitsOf(run)
	n := min(len(d), phoneTail)
	for i := 0; i+n <= len(d); i++ {
		if e.knows("contact", "phone:"+d[i:i+n]) {
			return redacted
		}
	}
	return run
}

// longestName is how many words a name has at most.
const longestName = 5

// names redacts full names, the longest first.
func (e *erased) names(s string) string {
	at := words.FindAllStringIndex(s, -1)
	var out strings.Builder
	kept := 0
	for i := 0; i < len(at); i++ {
		for n := min(longestName, len(at)-i); n > 0; n-- {
			from, to := at[i][0], at[i+n-1][1]
			if name := fold(s[from:to]); utf8.RuneCountInString(name) >= 3 && e.knows("name", name) {
				out.WriteString(s[kept:from] + redacted)
				kept, i = to, i+n-1
				break
			}
		}
	}
	return out.String() + s[kept:]
}
