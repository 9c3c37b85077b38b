package mapping

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"salesbook.dev/internal/sales"
)

// Difference is one field in which two rows differ.
type Difference struct {
	Field  string // a field of the kind, or "custom." and the vendor's code
	Before any    // as in Row.Values; json.RawMessage for custom; nil is null
	After  any
}

// String returns the difference for reading.
func (d Difference) String() string { return d.Field + ": " + Show(d.Before) + " -> " + Show(d.After) }

// Differences compares two rows of a kind by meaning: 1.50 equals 1.5, and the
// order of a document's members says nothing. A zero row has all fields null.
func Differences(before, after sales.Row, k *sales.Kind) []Difference {
	var out []Difference
	for i := range k.Fields {
		b, a := valueAt(before, i), valueAt(after, i)
		if !same(b, a) {
			out = append(out, Difference{k.Fields[i].Name, b, a})
		}
	}
	return append(out, customDifferences(before.Custom, after.Custom)...)
}

func valueAt(row sales.Row, i int) any {
	if i >= len(row.Values) {
		return nil
	}
	return row.Values[i]
}

func customDifferences(before, after []byte) []Difference {
	if bytes.Equal(before, after) {
		return nil
	}
	b, a := membersOf(before), membersOf(after)
	codes := maps.Clone(b)
	maps.Copy(codes, a)
	var out []Difference
	for _, code := range slices.Sorted(maps.Keys(codes)) {
		old, had := b[code]
		new, has := a[code]
		if had && has && sameJSON(old, new) {
			continue
		}
		d := Difference{Field: "custom." + code}
		if had {
			d.Before = old
		}
		if has {
			d.After = new
		}
		out = append(out, d)
	}
	return out
}

// membersOf reads a document of ours; what is no object counts as one member,
// so that it never passes for equal.
func membersOf(custom []byte) map[string]json.RawMessage {
	out := map[string]json.RawMessage{}
	if len(custom) > 0 && json.Unmarshal(custom, &out) != nil {
		return map[string]json.RawMessage{"": custom}
	}
	return out
}

func same(a, b any) bool {
	switch x := a.(type) {
	case decimal.Decimal:
		y, ok := b.(decimal.Decimal)
		return ok && x.Equal(y)
	case time.Time:
		y, ok := b.(time.Time)
		return ok && x.Equal(y)
	case []string:
		y, ok := b.([]string)
		return ok && slices.Equal(x, y)
	case json.RawMessage:
		y, ok := b.(json.RawMessage)
		return ok && sameJSON(x, y)
	}
	if _, slice := b.([]string); slice {
		return false
	}
	if _, slice := b.(json.RawMessage); slice {
		return false
	}
	return a == b
}

func sameJSON(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	x, xok := parsed(a)
	y, yok := parsed(b)
	return xok && yok && sameParsed(x, y)
}

func parsed(text []byte) (any, bool) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var out any
	err := decoder.Decode(&out)
	return out, err == nil
}

func sameParsed(a, b any) bool {
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		return ok && maps.EqualFunc(x, y, sameParsed)
	case []any:
		y, ok := b.([]any)
		return ok && slices.EqualFunc(x, y, sameParsed)
	case json.Number:
		y, ok := b.(json.Number)
		return ok && sameNumber(x.String(), y.String())
	}
	switch b.(type) {
	case map[string]any, []any:
		return false
	}
	return a == b
}

func sameNumber(a, b string) bool {
	x, xok := scanNumber(a)
	y, yok := scanNumber(b)
	if xok && yok {
		return x == y
	}
	return a == b
}

// Show writes a value of a row for reading; null is "null".
func Show(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case time.Time:
		return v.Format(time.RFC3339Nano)
	case []string:
		return "[" + strings.Join(v, ", ") + "]"
	case json.RawMessage:
		return string(v)
	}
	return fmt.Sprint(v)
}
