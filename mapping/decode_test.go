package mapping

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/shopspring/decimal"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/sales"
)

var (
	hash        = regexp.MustCompile(`^[0-9a-f]{40}$`)
	day         = regexp.MustCompile(`^\d{4}-\d\d-\d\d$`)
	instantText = regexp.MustCompile(`^\d{4}-\d\d-\d\dT`)
	v1time      = regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$`)
)

// decode is a small decoder for tests: it guesses types from the text.
func decode(t testing.TB, raw []byte) connectors.Values {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var out connectors.Values
	if err := decodeRecord(d, &out); err != nil {
		t.Fatalf("raw.json: %v", err)
	}
	return out
}

func decodeRecord(d *json.Decoder, out *connectors.Values) error {
	record, err := decodeValue(d)
	if err != nil {
		return err
	}
	for _, p := range record.Fields {
		switch {
		case p.Key == "custom_fields":
			out.Custom = append(out.Custom, p.Value.Fields...)
		case hash.MatchString(p.Key):
			out.Custom = append(out.Custom, p)
		default:
			out.Standard = append(out.Standard, p)
		}
	}
	for i := range out.Custom {
		out.Custom[i].Value = money(out.Custom[i].Value)
	}
	return nil
}

// money makes {"value": 13, "currency": "EUR"} money.
func money(v connectors.Value) connectors.Value {
	if v.Kind != connectors.Nested || len(v.Fields) != 2 || v.Fields[0].Key != "value" || v.Fields[1].Key != "currency" {
		return v
	}
	return connectors.Value{Kind: connectors.Money, Text: v.Fields[0].Value.Text, Unit: v.Fields[1].Value.Text}
}

func decodeValue(d *json.Decoder) (connectors.Value, error) {
	token, err := d.Token()
	if err != nil {
		return connectors.Value{}, err
	}
	switch token := token.(type) {
	case json.Delim:
		return decodeNested(d, token)
	case string:
		return guess(token), nil
	case json.Number:
		return connectors.Value{Kind: connectors.Number, Text: token.String()}, nil
	case bool:
		return connectors.Value{Kind: connectors.Bool, Text: fmt.Sprint(token)}, nil
	}
	return connectors.Value{}, nil
}

func decodeNested(d *json.Decoder, open json.Delim) (connectors.Value, error) {
	out := connectors.Value{Kind: connectors.List}
	if open == '{' {
		out.Kind = connectors.Nested
	}
	for d.More() {
		var key string
		if open == '{' {
			token, err := d.Token()
			if err != nil {
				return out, err
			}
			key = token.(string)
		}
		v, err := decodeValue(d)
		if err != nil {
			return out, err
		}
		if open == '{' {
			out.Fields = append(out.Fields, connectors.Pair{Key: key, Value: v})
		} else {
			out.Items = append(out.Items, v)
		}
	}
	_, err := d.Token()
	return out, err
}

func guess(s string) connectors.Value {
	switch {
	case day.MatchString(s):
		return connectors.Value{Kind: connectors.Date, Text: s}
	case instantText.MatchString(s):
		if at, err := time.Parse(time.RFC3339Nano, s); err == nil {
			return connectors.Value{Kind: connectors.Time, Time: at}
		}
	case v1time.MatchString(s):
		if at, err := time.Parse(time.DateTime, s); err == nil {
			return connectors.Value{Kind: connectors.Time, Time: at}
		}
	}
	return connectors.Value{Kind: connectors.Text, Text: s}
}

// checkRow holds a row to the canonical model: types, required fields, fixed
// values, and what PostgreSQL can store.
func checkRow(t testing.TB, k *sales.Kind, row sales.Row) {
	t.Helper()
	if len(row.Values) != len(k.Fields) {
		t.Fatalf("%d values for %d fields", len(row.Values), len(k.Fields))
	}
	for i := range k.Fields {
		checkValue(t, &k.Fields[i], row.Values[i])
	}
	if !k.Custom {
		if row.Custom != nil {
			t.Errorf("%s has no custom document, got %s", k.Name, row.Custom)
		}
		return
	}
	var members map[string]any
	if err := json.Unmarshal(row.Custom, &members); err != nil {
		t.Errorf("custom is no JSON object: %v\n%q", err, row.Custom)
	}
	checkText(t, "custom", string(row.Custom))
	if bytes.Contains(row.Custom, []byte(`\u0000`)) {
		t.Errorf("custom holds an escaped NUL: %q", row.Custom)
	}
}

func checkText(t testing.TB, field, s string) {
	t.Helper()
	if !utf8.ValidString(s) || bytes.IndexByte([]byte(s), 0) >= 0 {
		t.Errorf("%s: %q is not valid UTF-8 without NUL", field, s)
	}
}

func checkValue(t testing.TB, f *sales.Field, v any) {
	t.Helper()
	if v == nil {
		if f.Required {
			t.Errorf("%s is required and null", f.Name)
		}
		return
	}
	ok := false
	switch f.Type {
	case sales.Text, sales.Ref, sales.Date:
		var s string
		s, ok = v.(string)
		checkText(t, f.Name, s)
		if f.Type == sales.Ref && s == "" {
			t.Errorf("%s is an empty reference", f.Name)
		}
	case sales.Integer:
		_, ok = v.(int64)
	case sales.Decimal:
		_, ok = v.(decimal.Decimal)
	case sales.Bool:
		_, ok = v.(bool)
	case sales.Instant:
		var at time.Time
		at, ok = v.(time.Time)
		if at.Location() != time.UTC || at.Nanosecond()%1000 != 0 || at.Year() < 1 || at.Year() > 9999 {
			t.Errorf("%s: %v is not a UTC instant in microseconds", f.Name, at)
		}
	case sales.Texts:
		var list []string
		list, ok = v.([]string)
		for _, s := range list {
			checkText(t, f.Name, s)
		}
	case sales.JSON:
		var text json.RawMessage
		text, ok = v.(json.RawMessage)
		if !json.Valid(text) || bytes.Contains(text, []byte(`\u0000`)) {
			t.Errorf("%s: not storable JSON: %q", f.Name, text)
		}
		checkText(t, f.Name, string(text))
	}
	if !ok {
		t.Errorf("%s (%s) holds a %T", f.Name, f.Type, v)
	}
	if s, text := v.(string); text && f.Enum != nil {
		allowed := false
		for _, word := range f.Enum {
			allowed = allowed || word == s
		}
		if !allowed {
			t.Errorf("%s: %q is not among %v", f.Name, s, f.Enum)
		}
	}
}
