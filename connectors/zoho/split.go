package zoho

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
	"unsafe"

	"github.com/bytedance/sonic"

	"salesbook.dev/internal/fault"
)

var (
	// strict matches keys exactly: "ID" is not "id".
	strict = sonic.Config{CaseSensitive: true}.Froze()
	// proven is strict for what rest has found to be whole JSON already.
	proven = sonic.Config{CaseSensitive: true, NoValidateJSONSkip: true}.Froze()
)

// read decodes what rest has proven to be JSON. What it keeps raw are parts of b
// itself.
func read(b []byte, into any) error {
	return proven.UnmarshalFromString(unsafe.String(unsafe.SliceData(b), len(b)), into)
}

// rows takes a list apart without changing a byte of its records.
func rows(body []byte, under, what string) ([][]byte, error) {
	var e map[string]sonic.NoCopyRawMessage
	if err := read(body, &e); err != nil || len(e[under]) == 0 {
		return nil, malformed(what)
	}
	var list []sonic.NoCopyRawMessage
	if err := read(e[under], &list); err != nil || list == nil {
		return nil, malformed(what)
	}
	out := make([][]byte, len(list))
	for i, raw := range list {
		out[i] = raw
	}
	return out, nil
}

// listing is a page of records.
type listing struct {
	Data []sonic.NoCopyRawMessage `json:"data"`
	Info *info                    `json:"info"`
}

// listed takes a page of records apart in one pass.
func listed(body []byte, what string) (listing, error) {
	var l listing
	if err := read(body, &l); err != nil || l.Data == nil {
		return l, malformed(what)
	}
	return l, nil
}

// info is what a list tells of its place.
type info struct {
	More  bool   `json:"more_records"`
	Token string `json:"next_page_token"`
}

func infoOf(body []byte, what string) (info, error) {
	var l listing
	if err := read(body, &l); err != nil {
		return info{}, malformed(what)
	}
	return l.place(what)
}

// place is where the list goes on.
func (l listing) place(what string) (info, error) {
	if l.Info == nil {
		return info{}, fault.New(fault.Temporary, "the list of %s does not tell whether there is more; try again later", what)
	}
	return *l.Info, nil
}

// identity is the id of a record, or one made from its bytes where it has none
// that can be, so that it is kept and shown as undecodable instead of being lost.
func identity(id, raw []byte) string {
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

func number(n int) string { return strconv.Itoa(n) }

// numeral is a number as it was written; what is none stays a text, for the vendor
// to refuse.
func numeral(text string) any {
	if !json.Valid([]byte(text)) {
		return text
	}
	return json.Number(text)
}
