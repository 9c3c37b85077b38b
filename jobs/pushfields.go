package jobs

import (
	"bytes"
	"encoding/json"
	"html"
	"maps"
	"regexp"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"salesbook.dev/internal/postgres"
)

// contents are canonical fields and what they hold, custom fields as custom.CODE.
type contents = map[string]json.RawMessage

// Authority says whose a field is where salesbook and people write it both.
type Authority string

// The authorities.
const (
	// People have the last word: what somebody has changed since an edit was
	// wanted is not written over, and what was written over is given back.
	People Authority = "people"
	// Ours are fields and records that nobody else has a reason to write.
	Ours Authority = "salesbook"
)

// Authorities is whose the fields are that salesbook writes, by canonical kind.
// A field that is not listed is people's.
func Authorities() map[string]map[string]Authority {
	return map[string]map[string]Authority{
		"deals":      {"stage_id": People, "status": People, "lost_reason": People, "archived": People, "custom.*": Ours},
		"leads":      {"archived": People, "custom.*": Ours},
		"activities": {"*": Ours},
		"notes":      {"*": Ours},
	}
}

// AuthorityOver returns whose a field of a canonical kind is.
func AuthorityOver(kind, field string) Authority {
	fields := Authorities()[kind]
	group := "*"
	if strings.HasPrefix(field, "custom.") {
		group = "custom.*"
	}
	for _, name := range []string{field, group, "*"} {
		if a, ok := fields[name]; ok {
			return a
		}
	}
	return People
}

// markText is the line by which a text tells which edit has made its record.
var markText = regexp.MustCompile(`(?:<p>)?Sales Book · sb-[0-9a-f]{16}(?:</p>)?`)

// marked is what an edit wants, with its mark in the text of a record that it
// makes.
func marked(e *postgres.Edit) contents {
	field := map[string]string{"activities": "note", "notes": "content"}[e.TargetKind]
	if !e.Makes() || field == "" {
		return e.Wanted
	}
	out := maps.Clone(e.Wanted)
	out[field] = asJSON(textOf(e.Wanted[field]) + "<p>Sales Book · " + e.Mark + "</p>")
	return out
}

// holds tells whether fields hold what is wanted.
func holds(now, wanted contents) bool {
	for name, want := range wanted {
		if !sameValue(want, now[name]) {
			return false
		}
	}
	return true
}

// sameValue tells whether two values mean the same: vendors write instants and
// numbers in their own way, and tidy up the markup of texts.
func sameValue(a, b json.RawMessage) bool {
	x, y := valueOf(a), valueOf(b)
	if s, ok := x.(string); ok {
		t, isText := y.(string)
		return isText && (s == t || sameText(s, t))
	}
	m, errM := json.Marshal(x)
	n, errN := json.Marshal(y)
	return errM == nil && errN == nil && bytes.Equal(m, n)
}

func sameText(a, b string) bool {
	at, errA := time.Parse(time.RFC3339, a)
	bt, errB := time.Parse(time.RFC3339, b)
	if errA == nil && errB == nil {
		return at.Equal(bt)
	}
	return plainText(a) == plainText(b)
}

// plainText is what a person reads of a text, without the mark.
func plainText(s string) string {
	s = markText.ReplaceAllString(s, " ")
	return strings.Join(strings.Fields(html.UnescapeString(tags.ReplaceAllString(s, " "))), " ")
}

// valueOf reads a value; numbers that are equal are written alike.
func valueOf(raw json.RawMessage) any {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil // nothing stands there
	}
	if n, ok := v.(json.Number); ok {
		if exact, err := decimal.NewFromString(n.String()); err == nil {
			return json.Number(exact.String())
		}
	}
	return v
}

// textOf is a value that is a text; else empty.
func textOf(raw json.RawMessage) string {
	s, _ := valueOf(raw).(string)
	return s
}

// asJSON renders a text or a truth value.
func asJSON(v any) json.RawMessage {
	if d, ok := v.(decimal.Decimal); ok {
		return json.RawMessage(d.String()) // as canonical rows hold it, not as a text
	}
	b, err := json.Marshal(v)
	if err != nil {
		return json.RawMessage("null")
	}
	return b
}
