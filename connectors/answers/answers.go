// Package answers takes vendors' answers apart without changing a byte of their
// records: what connectors of every vendor need for that, and nothing of any one.
package answers

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"
	"unicode/utf8"
	"unsafe"

	"github.com/bytedance/sonic"
	"github.com/bytedance/sonic/ast"
)

var (
	// strict matches keys exactly: "ID" is not "id".
	strict = sonic.Config{CaseSensitive: true}.Froze()
	// proven is strict for what rest has found to be whole JSON already, so that
	// what is skipped need not be checked once more. It halves the time.
	proven = sonic.Config{CaseSensitive: true, NoValidateJSONSkip: true}.Froze()
)

// Read decodes JSON that nobody has looked at yet, such as the body of a delivery.
func Read(b []byte, into any) error { return strict.Unmarshal(b, into) }

// ReadProven decodes what rest has proven to be JSON. What it keeps raw are parts
// of b itself: the library's way for []byte would copy each page twice.
func ReadProven(b []byte, into any) error {
	return proven.UnmarshalFromString(unsafe.String(unsafe.SliceData(b), len(b)), into)
}

// Member is the value of a member of an object that rest has proven to be JSON, as it
// is written; nil if there is none. It is faster than decoding where few of many
// members are looked for.
func Member(object []byte, name string) []byte {
	s := ast.NewSearcher(unsafe.String(unsafe.SliceData(object), len(object)))
	s.ValidateJSON = false
	found, err := s.GetByPath(name)
	if err != nil {
		return nil
	}
	value, err := found.Raw()
	if err != nil {
		return nil
	}
	return unsafe.Slice(unsafe.StringData(value), len(value))
}

// IsObject tells by its beginning whether a body is a JSON object.
func IsObject(body []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) }

// Text is the text of a JSON string, and any other value as it is written.
func Text(raw []byte) string {
	if len(raw) < 2 || raw[0] != '"' {
		return string(raw)
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1])
	}
	var text string
	if err := Read(raw, &text); err != nil {
		return string(raw)
	}
	return text
}

// Identity is the id of a record. One without an id that can be, which no document
// foresees, gets one from its bytes, so that it is kept and shown as undecodable
// instead of being lost or stopping its page.
func Identity(id, record []byte) string {
	if text := Text(id); Usable(text) && text != "null" && text[0] != '{' && text[0] != '[' {
		return text
	}
	sum := sha256.Sum256(record)
	return "unnamed-" + hex.EncodeToString(sum[:8])
}

// Usable reports whether a text can be an id: that of a column's key, without
// what PostgreSQL cannot store and people cannot see.
func Usable(id string) bool {
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

// Unclean reports whether a text of raw may be invalid UTF-8 or hold NUL.
func Unclean(raw []byte) bool {
	return !utf8.Valid(raw) || bytes.Contains(raw, []byte(`\u0000`)) || bytes.IndexByte(raw, 0) >= 0
}
