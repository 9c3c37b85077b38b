package mapping

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/shopspring/decimal"

	"salesbook.dev/internal/sales"
)

// For the tests outside the package.
var (
	CheckRow    = checkRow
	MustCompile = mustCompile
	// MustCompileFor compiles the default map of any vendor.
	MustCompileFor = mustCompileFor
	ReadFile       = readFile
)

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// mustCompile compiles Pipedrive's default map with an override, which may be
// empty.
func mustCompile(t testing.TB, override string, d *Dictionary) *Map {
	t.Helper()
	return mustCompileFor(t, "pipedrive", override, d)
}

// mustCompileFor compiles a vendor's default map with an override.
func mustCompileFor(t testing.TB, vendor, override string, d *Dictionary) *Map {
	t.Helper()
	text, err := Default(vendor)
	if err != nil {
		t.Fatal(err)
	}
	base, err := Parse(vendor+".yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	over, err := Parse("override.yaml", []byte(override))
	if err != nil {
		t.Fatal(err)
	}
	merged, err := Merge(base, over)
	if err != nil {
		t.Fatal(err)
	}
	m, err := Compile(merged, d)
	if err != nil {
		t.Fatal(err)
	}
	return m
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
	if s, text := v.(string); text && f.Enum != nil && !slices.Contains(f.Enum, s) {
		t.Errorf("%s: %q is not among %v", f.Name, s, f.Enum)
	}
}
