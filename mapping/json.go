package mapping

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"salesbook.dev/connectors"
)

// maxLevels bounds the nesting of a JSON value: PostgreSQL refuses a whole
// statement when one document nests too deeply for its stack.
const maxLevels = 32

// appendString appends s as a JSON string of valid UTF-8 without NUL; what
// cannot stand becomes U+FFFD.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c < utf8.RuneSelf && c != '"' && c != '\\' {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
		}
		b = appendEscape(append(b, s[start:i]...), c)
		i++
		start = i
	}
	return append(append(b, s[start:]...), '"')
}

func appendEscape(b []byte, c byte) []byte {
	const hex = "0123456789abcdef"
	switch {
	case c == '"' || c == '\\':
		return append(b, '\\', c)
	case c == '\n':
		return append(b, '\\', 'n')
	case c == '\t':
		return append(b, '\\', 't')
	case c == '\r':
		return append(b, '\\', 'r')
	case c == 0 || c >= utf8.RuneSelf:
		return append(b, "\uFFFD"...)
	}
	return append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
}

// appendValue appends a value by its own kind. Parts that are null are left
// out and parts stand in the order of their names, so that a value gives the
// same bytes whichever of the vendor's shapes it came in.
func appendValue(b []byte, v *connectors.Value, level int) ([]byte, refusal) {
	if level > maxLevels {
		return b, tooDeep
	}
	switch v.Kind {
	case connectors.Null:
		return append(b, "null"...), fine
	case connectors.Bool:
		if v.Text == "true" || v.Text == "false" {
			return append(b, v.Text...), fine
		}
		return appendString(b, v.Text), fine
	case connectors.Number:
		return appendNumber(b, v.Text), fine
	case connectors.Time:
		return appendTime(b, v.Time), fine
	case connectors.Money:
		return appendMoney(b, v.Text, v.Unit), fine
	case connectors.List:
		return appendList(b, v.Items, level)
	case connectors.Nested:
		return appendParts(b, v.Fields, nil, level)
	}
	return appendString(b, v.Text), fine
}

// appendNumber appends a number; a literal that is none, or is out of bounds,
// stays the text that it is.
func appendNumber(b []byte, literal string) []byte {
	if n, ok := scanNumber(literal); ok {
		return n.append(b)
	}
	return appendString(b, literal)
}

func appendTime(b []byte, t time.Time) []byte {
	b = append(b, '"')
	b = t.UTC().Truncate(time.Microsecond).AppendFormat(b, time.RFC3339Nano)
	return append(b, '"')
}

// appendMoney writes the amount as text: readers of JSON make floats of numbers.
func appendMoney(b []byte, amount, unit string) []byte {
	b = append(b, `{"amount":`...)
	if n, ok := scanNumber(amount); ok {
		b = append(n.append(append(b, '"')), '"')
	} else {
		b = appendString(b, amount)
	}
	if unit != "" {
		b = appendString(append(b, `,"currency":`...), unit)
	}
	return append(b, '}')
}

func appendList(b []byte, items []connectors.Value, level int) ([]byte, refusal) {
	b = append(b, '[')
	for i := range items {
		if i > 0 {
			b = append(b, ',')
		}
		var no refusal
		if b, no = appendValue(b, &items[i], level+1); no != fine {
			return b, no
		}
	}
	return append(b, ']'), fine
}

// appendParts appends an object with the parts that are not null and not among
// without.
func appendParts(b []byte, parts []connectors.Pair, without []string, level int) ([]byte, refusal) {
	b = append(b, '{')
	empty := true
	var room [16]int
	for _, i := range byKey(parts, room[:0]) {
		part := &parts[i]
		if part.Value.Kind == connectors.Null || slices.Contains(without, part.Key) {
			continue
		}
		if !empty {
			b = append(b, ',')
		}
		empty = false
		b = append(appendString(b, part.Key), ':')
		var no refusal
		if b, no = appendValue(b, &part.Value, level+1); no != fine {
			return b, no
		}
	}
	return append(b, '}'), fine
}

// byKey appends the places of parts in the order of their names.
func byKey(parts []connectors.Pair, order []int) []int {
	for i := range parts {
		order = append(order, i)
	}
	slices.SortStableFunc(order, func(x, y int) int { return strings.Compare(parts[x].Key, parts[y].Key) })
	return order
}

// toJSON keeps a value with its lists and parts; with pick, only these parts of
// each item (or of the value itself).
func toJSON(s *source, v, _ *connectors.Value) (any, refusal) {
	var b []byte
	var no refusal
	switch {
	case s.pick == nil:
		b, no = appendValue(nil, v, 0)
	case v.Kind == connectors.List:
		b, no = appendPicked(v.Items, s.pick)
	case v.Kind == connectors.Nested:
		b, no = appendParts(nil, picked(v.Fields, s.pick), nil, 0)
	default:
		return nil, notParts
	}
	if no != fine {
		return nil, no
	}
	return json.RawMessage(b), fine
}

func appendPicked(items []connectors.Value, pick []string) ([]byte, refusal) {
	b := []byte{'['}
	for i := range items {
		if items[i].Kind != connectors.Nested {
			return nil, notParts
		}
		if i > 0 {
			b = append(b, ',')
		}
		var no refusal
		if b, no = appendParts(b, picked(items[i].Fields, pick), nil, 1); no != fine {
			return nil, no
		}
	}
	return append(b, ']'), fine
}

func picked(parts []connectors.Pair, pick []string) []connectors.Pair {
	var out []connectors.Pair
	for _, part := range parts {
		if slices.Contains(pick, part.Key) {
			out = append(out, part)
		}
	}
	return out
}

// toOptions writes a field definition's options in our form: ids as text,
// because some vendors number their own options and name the built-in ones.
func toOptions(_ *source, v, _ *connectors.Value) (any, refusal) {
	if v.Kind != connectors.List {
		return nil, notList
	}
	options := make([]Option, 0, len(v.Items))
	for i := range v.Items {
		item := &v.Items[i]
		if item.Kind != connectors.Nested {
			return nil, notParts
		}
		var o Option
		for j := range item.Fields {
			part := &item.Fields[j]
			switch part.Key {
			case "id":
				o.ID, _ = textOf(&part.Value)
			case "label":
				o.Label, _ = textOf(&part.Value)
			case "deleted":
				o.Deleted = part.Value.Text == "true"
			case "outcome":
				o.Outcome, _ = textOf(&part.Value)
			}
		}
		if o.ID != "" {
			options = append(options, o)
		}
	}
	return optionsJSON(options), fine
}
