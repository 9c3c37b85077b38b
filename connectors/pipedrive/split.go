package pipedrive

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
	"unsafe"

	"github.com/bytedance/sonic"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
)

// read decodes what rest has proven to be JSON. What it keeps raw are parts of
// b itself: the library's way for []byte would copy each page twice.
func read(b []byte, into any) error {
	return proven.UnmarshalFromString(unsafe.String(unsafe.SliceData(b), len(b)), into)
}

// raws are values of JSON as they stand in the page, whose memory they share.
type raws = []sonic.NoCopyRawMessage

var (
	// strict matches keys exactly: "ID" is not "id".
	strict = sonic.Config{CaseSensitive: true}.Froze()
	// proven is strict for what rest has found to be whole JSON already, so that
	// what is skipped need not be checked once more. It halves the time.
	proven = sonic.Config{CaseSensitive: true, NoValidateJSONSkip: true}.Froze()
)

// envelope is the answer of a list.
type envelope struct {
	Success *bool `json:"success"`
	Data    raws  `json:"data"`
	More    struct {
		NextCursor *string `json:"next_cursor"`
		Leads      bool    `json:"more_items_in_collection"` // leads tell it here (OpenAPI v1)
		Pagination struct {
			More bool `json:"more_items_in_collection"` // notes here
		} `json:"pagination"`
	} `json:"additional_data"`
}

// single is the answer about one record.
type single struct {
	Success *bool                  `json:"success"`
	Data    sonic.NoCopyRawMessage `json:"data"`
}

// label is what a page needs to know of a record. Values of any type are
// accepted: a strange record must not spoil its page.
type label struct {
	ID         sonic.NoCopyRawMessage `json:"id"`
	Code       sonic.NoCopyRawMessage `json:"field_code"`
	UpdateTime sonic.NoCopyRawMessage `json:"update_time"`
	Modified   sonic.NoCopyRawMessage `json:"modified"` // users
	IsDeleted  sonic.NoCopyRawMessage `json:"is_deleted"`
	Active     sonic.NoCopyRawMessage `json:"active_flag"`
	Status     sonic.NoCopyRawMessage `json:"status"`
	Products   sonic.NoCopyRawMessage `json:"products_count"`
	Deal       sonic.NoCopyRawMessage `json:"deal_id"`
}

// listing is one page of a list.
type listing struct {
	records  []connectors.Record
	products []bool // for deals: whether the record has products attached
	next     string // v2: the cursor of the next page, empty at the end
	more     bool   // v1: whether there is more behind this page
}

// split takes a page apart without changing a byte of its records.
func (s source) split(body []byte) (listing, error) {
	var e envelope
	if err := read(body, &e); err != nil {
		return listing{}, fault.New(fault.Temporary, "the list of %s is not of the documented form: no array in data; try again later", s.Name)
	}
	if e.Success == nil || !*e.Success {
		return listing{}, fault.New(fault.Temporary, "the list of %s does not say that it succeeded; try again later", s.Name)
	}
	l := listing{records: make([]connectors.Record, len(e.Data)), more: e.More.Leads || e.More.Pagination.More}
	if e.More.NextCursor != nil {
		l.next = *e.More.NextCursor
	}
	if s.Name == deals {
		l.products = make([]bool, len(e.Data))
	}
	about := new(label)
	for i, raw := range e.Data {
		var has bool
		l.records[i], has = s.record(raw, about)
		if l.products != nil {
			l.products[i] = has
		}
	}
	return l, nil
}

// record labels one record; products tells whether it has any attached. about
// is room to work in, used again for each record of a page.
func (s source) record(raw []byte, about *label) (_ connectors.Record, products bool) {
	*about = label{}
	if err := read(raw, about); err != nil {
		*about = label{} // not an object: Decode will say so
	}
	r := connectors.Record{Object: s.Name, ID: s.id(about, raw), Shape: s.shape, Raw: raw}
	if at, ok := instant(plain(about.UpdateTime)); ok {
		r.UpdatedAt = at
	} else if at, ok := instant(plain(about.Modified)); ok {
		r.UpdatedAt = at
	}
	r.Deleted = string(about.IsDeleted) == "true" || s.inactive && string(about.Active) == "false" ||
		s.Name == deals && plain(about.Status) == "deleted"
	if s.Parent != "" {
		r.Parent = plain(about.Deal)
	}
	count := plain(about.Products)
	return r, count != "" && count != "0" && count != "null"
}

// id is the record's id. A record without one that can be, which no document
// foresees, gets one from its bytes, so that it is kept and shown as undecodable instead of
// being lost or stopping its page.
func (s source) id(about *label, raw []byte) string {
	id := about.ID
	if s.key == "field_code" {
		id = about.Code
	}
	if text := plain(id); usable(text) && text != "null" && text[0] != '{' && text[0] != '[' {
		return text
	}
	sum := sha256.Sum256(raw)
	return "unnamed-" + hex.EncodeToString(sum[:8])
}

// usable reports whether a text can be an id: that of a column's key, without
// what PostgreSQL cannot store and people cannot see.
func usable(id string) bool {
	const longest = 200
	if id == "" || len(id) > longest || strings.TrimSpace(id) != id {
		return false
	}
	for _, r := range id { // what is not UTF-8 comes as RuneError
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}

// plain is the text of a JSON string, and any other value as it is written.
func plain(raw []byte) string {
	if len(raw) < 2 || raw[0] != '"' {
		return string(raw)
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1])
	}
	var text string
	if err := strict.Unmarshal(raw, &text); err != nil {
		return string(raw)
	}
	return text
}

// alone takes the answer about one record apart.
func (s source) alone(body []byte) (connectors.Record, bool, error) {
	var e single
	if err := read(body, &e); err != nil || e.Success == nil || !*e.Success || !isObject(e.Data) {
		return connectors.Record{}, false, fault.New(fault.Temporary, "the answer about one of %s is not of the documented form: no object in data; try again later", s.Name)
	}
	r, products := s.record(e.Data, new(label))
	return r, products, nil
}

// numeric reports whether an id is a whole number that the vendor may know.
func numeric(id string) bool {
	_, err := strconv.ParseUint(id, 10, 63)
	return err == nil
}
