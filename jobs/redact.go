package jobs

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/nyaruka/phonenumbers"

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
	news    news // what records have told since, and is to be stored with them
}

// news is what records tell of erased persons that was not known before: other
// records of theirs, and deals and leads that are about them.
type news struct {
	digests []postgres.Digest
	persons []connectors.Ref
}

// learn has a digest known from now on.
func (e *erased) learn(d postgres.Digest) {
	if !e.digests[d] {
		e.digests[d] = true
		e.news.digests = append(e.news.digests, d)
	}
}

// told returns the news since it was asked before.
func (e *erased) told() (n news) {
	if e != nil {
		n, e.news = e.news, news{}
	}
	return n
}

// store keeps the news for later pages and other processes. A stored row that
// has become an erased person's is emptied: no page would touch it any more.
func (n news) store(ctx context.Context, tx pgx.Tx, s *Source) error {
	if len(n.digests) == 0 {
		return nil
	}
	if err := postgres.Suppress(ctx, tx, s.Workspace, n.digests); err != nil {
		return err
	}
	for _, r := range n.persons {
		om, ok := s.Map.Object(r.Object)
		if !ok {
			continue
		}
		if err := postgres.EraseRecords(ctx, tx, s.Workspace, s.ID, r.Object, []string{r.ID}); err != nil {
			return err
		}
		if err := postgres.ErasePeople(ctx, tx, s.Workspace, s.ID, []string{om.ID(r.ID)}); err != nil {
			return err
		}
	}
	return nil
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

// fold makes a name comparable: small letters, single spaces, no marks around
// its words.
func fold(name string) string {
	parts := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return !inWord(r) })
	for i, w := range parts {
		parts[i] = strings.Trim(w, "'’-")
	}
	return strings.Join(slices.DeleteFunc(parts, func(w string) bool { return w == "" }), " ")
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
		for _, d := range append(domestic(p), digitsOf(p)) {
			if len(d) >= phoneMin {
				out = append(out, phoneOf(d))
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// A number is recognised by its last digits, with or without its country's
// code. Shorter ones than phoneMin are no numbers that reach one person.
const phoneMin, phoneTail = 7, 9

func phoneOf(digits string) string { return "phone:" + digits[max(0, len(digits)-phoneTail):] }

// domestic are the digits of an international number as they are dialled within
// its country, without and with the prefix for that, if they are fewer than
// phoneTail: the last of the international one hold a part of its country's code then.
func domestic(number string) []string {
	if !strings.HasPrefix(number, "+") {
		return nil
	}
	n, err := phonenumbers.Parse(number, "ZZ") // no country: the number names its own
	if err != nil {
		return nil
	}
	digits := phonenumbers.GetNationalSignificantNumber(n)
	if len(digits) >= phoneTail {
		return nil
	}
	return []string{digits, digitsOf(phonenumbers.Format(n, phonenumbers.NATIONAL))}
}

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
	account := accountOf(s.Connection)
	om, mapped := s.Map.Object(r.Object)
	switch {
	case mapped && om.Kind().Name == "people" && e.knows("person", account, om.ID(r.ID)):
		return r, false
	case len(r.Raw) == 0:
		return r, true
	case !mapped:
		r.Raw = e.json(r.Raw, false)
		return r, true
	}
	kind, row, err := mapRecord(s.Map, s.Spec.Decoder, r)
	switch {
	case om.Kind().Name == "people":
		if err != nil || !e.person(kind, row) {
			return r, true
		}
		e.learn(e.sum("person", account, row.ID))
		e.news.persons = append(e.news.persons, connectors.Ref{Object: r.Object, ID: r.ID})
		return r, false
	case !quotes(om.Kind()):
		return r, true
	case err != nil:
		r.Raw = e.json(r.Raw, true)
		return r, true
	}
	if person := refOf(kind, row, "person_id"); subject(kind) && person != "" && e.knows("person", account, person) {
		e.learn(e.sum("about", account, kind.Name, row.ID))
	}
	r.Raw = e.redact(s, r, row, e.about(account, kind, row))
	return r, true
}

// inOrder returns records so that those that tell more of others come first:
// people, then deals and leads, then what refers to these.
func (e *erased) inOrder(s *Source, records []connectors.Record) []connectors.Record {
	if e == nil {
		return records
	}
	rank := func(r connectors.Record) int {
		om, ok := s.Map.Object(r.Object)
		switch {
		case ok && om.Kind().Name == "people":
			return 0
		case ok && subject(om.Kind()):
			return 1
		}
		return 2
	}
	return slices.SortedStableFunc(slices.Values(records), func(a, b connectors.Record) int { return rank(a) - rank(b) })
}

// redact redacts a record, but nothing that columns with a type are made of: an
// id or an amount may have the digits of a number.
func (e *erased) redact(s *Source, r connectors.Record, row sales.Row, names bool) []byte {
	cuts := e.cuts(r.Raw, names)
	fits := func(cuts []cut) bool {
		clean := r
		clean.Raw = paste(r.Raw, cuts)
		k, now, err := mapRecord(s.Map, s.Spec.Decoder, clean)
		return err == nil && sameTyped(k, row, now)
	}
	if len(cuts) > 0 && !fits(cuts) {
		cuts = slices.DeleteFunc(cuts, func(c cut) bool { return !fits([]cut{c}) })
	}
	return paste(r.Raw, cuts)
}

// sameTyped tells whether rows are alike but for their words.
func sameTyped(k *sales.Kind, a, b sales.Row) bool {
	for i, f := range k.Fields {
		if !worded(f) && fmt.Sprint(a.Values[i]) != fmt.Sprint(b.Values[i]) {
			return false
		}
	}
	return true
}

// worded tells whether a column holds words, which may be anybody's, and not an
// id, a day or an amount.
func worded(f sales.Field) bool {
	return f.Enum == nil && (f.Type == sales.Text || f.Type == sales.Texts || f.Type == sales.JSON)
}

// columns redacts a document of canonical columns, or of changes to them, but
// for columns with a type.
func (e *erased) columns(k *sales.Kind, doc []byte, names bool) []byte {
	all := e.json(doc, names)
	var columns map[string]json.RawMessage
	if bytes.Equal(all, doc) || json.Unmarshal(doc, &columns) != nil {
		return all
	}
	changed := false
	for name, value := range columns {
		i := k.Index(name)
		custom := name == "custom" || strings.HasPrefix(name, "custom.")
		if clean := e.json(value, names); (custom || i >= 0 && worded(k.Fields[i])) && !bytes.Equal(clean, value) {
			columns[name], changed = clean, true
		}
	}
	if !changed {
		return doc
	}
	out, err := json.Marshal(columns)
	if err != nil {
		return all // cannot be: it was read as JSON
	}
	return out
}

// person tells whether a row is of an erased person who came back under
// another id.
func (e *erased) person(k *sales.Kind, row sales.Row) bool {
	text := func(field string) string { s, _ := row.Values[k.Index(field)].(string); return s }
	texts := func(field string) []string { s, _ := row.Values[k.Index(field)].([]string); return s }
	return e.same(postgres.Person{Name: text("name"), First: text("first_name"), Last: text("last_name"),
		Emails: texts("emails"), Phones: texts("phones"), Written: texts("phones_written")})
}

// same tells whether somebody is an erased person: by name and address, or name
// and number, together.
func (e *erased) same(p postgres.Person) bool {
	names := namesOf(p)
	for _, c := range contactsOf(p.Emails, slices.Concat(p.Phones, p.Written)) {
		if e.knows("contact", c) && slices.ContainsFunc(names, func(n string) bool { return e.knows("pair", n, c) }) {
			return true
		}
	}
	return false
}

// about tells whether a row refers to an erased person, or is a deal or lead
// that did: vendors take the reference out when they delete him.
func (e *erased) about(account string, k *sales.Kind, row sales.Row) bool {
	ref := func(field string) string { return refOf(k, row, field) }
	return subject(k) && e.knows("about", account, k.Name, row.ID) || e.refers(account, ref("person_id"), ref("deal_id"), ref("lead_id"))
}

// refOf returns what a row refers to in a column that it may have.
func refOf(k *sales.Kind, row sales.Row, field string) string {
	if i := k.Index(field); i >= 0 {
		s, _ := row.Values[i].(string)
		return s
	}
	return ""
}

// subject tells whether other rows are about a person because they refer to a
// row of this kind.
func subject(k *sales.Kind) bool { return k.Name == "deals" || k.Name == "leads" }

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
