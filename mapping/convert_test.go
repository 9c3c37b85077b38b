package mapping

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/sales"
)

func text(s string) connectors.Value  { return connectors.Value{Kind: connectors.Text, Text: s} }
func num(s string) connectors.Value   { return connectors.Value{Kind: connectors.Number, Text: s} }
func flags(s string) connectors.Value { return connectors.Value{Kind: connectors.Bool, Text: s} }
func date(s string) connectors.Value  { return connectors.Value{Kind: connectors.Date, Text: s} }
func at(t time.Time) connectors.Value { return connectors.Value{Kind: connectors.Time, Time: t} }
func eur(s string) connectors.Value {
	return connectors.Value{Kind: connectors.Money, Text: s, Unit: "eur"}
}
func list(items ...connectors.Value) connectors.Value {
	return connectors.Value{Kind: connectors.List, Items: items}
}
func nested(pairs ...any) connectors.Value {
	v := connectors.Value{Kind: connectors.Nested}
	for i := 0; i < len(pairs); i += 2 {
		v.Fields = append(v.Fields, connectors.Pair{Key: pairs[i].(string), Value: pairs[i+1].(connectors.Value)})
	}
	return v
}

// ruleOf compiles `field: rule` of a kind and returns a function that maps one
// record with it.
func ruleOf(t *testing.T, kind, field, rule string, d *Dictionary) func(v *connectors.Values) (any, error) {
	t.Helper()
	k, _ := sales.KindByName(kind)
	fields := ""
	for _, f := range k.Fields {
		if f.Required && f.Name != field {
			fields += fmt.Sprintf("      %s: {const: %s}\n", f.Name, sample(f))
		}
	}
	source := "region: PL\ntypes: {set: ids, enum: id}\nobjects:\n  records:\n    kind: " + kind + "\n    fields:\n" + fields + "      " + field + ": " + rule + "\n"
	f, err := Parse("map.yaml", []byte(source))
	if err != nil {
		t.Fatalf("%s: %v\n%s", rule, err, source)
	}
	m, err := Compile(f, d)
	if err != nil {
		t.Fatalf("%s: %v\n%s", rule, err, source)
	}
	o, _ := m.Object("records")
	return func(v *connectors.Values) (any, error) {
		row, err := o.Row("1", "9", v)
		if err != nil {
			return nil, err
		}
		checkRow(t, k, row)
		return row.Values[k.Index(field)], nil
	}
}

// sample is a constant that fits a field.
func sample(f sales.Field) string {
	switch {
	case f.Enum != nil:
		return f.Enum[0]
	case f.Type == sales.Bool:
		return "true"
	case f.Type == sales.Instant:
		return `"2026-01-01T00:00:00Z"`
	}
	return "x"
}

func TestTransforms(t *testing.T) {
	t.Parallel()
	d := NewDictionary([]FieldDef{
		{Kind: "deals", Code: "channel", Name: "Channel", Type: "enum", Options: []Option{{ID: "52", Label: "Messenger"}}},
		{Kind: "deals", Code: "abc", Name: "Regions", Type: "set", Custom: true, Options: []Option{{ID: "1", Label: "Śląsk"}, {ID: "2", Label: "Кубань"}}},
	})
	moment := time.Date(2026, 3, 29, 1, 30, 0, 123456789, time.FixedZone("", 7200))
	utc := time.Date(2026, 3, 28, 23, 30, 0, 123456000, time.UTC)
	refused := struct{}{}
	for _, c := range []struct {
		field string
		rule  string
		in    connectors.Value
		want  any
	}{
		{"title", "x", text("Żółć"), "Żółć"},
		{"title", "x", text(""), ""}, // required: a blank title is still a title
		{"title", "x", text("a\x00b\xff"), "a\uFFFDb\uFFFD"},
		{"lost_reason", "x", text(""), nil},
		{"lost_reason", "x", num("1.50"), "1.50"},
		{"lost_reason", "x", flags("true"), "true"},
		{"lost_reason", "x", eur("1"), "1 eur"},
		{"lost_reason", "x", at(moment), "2026-03-28T23:30:00.123456789Z"},
		{"lost_reason", "x", list(text("a")), refused},
		{"lost_reason", "x", nested("a", text("b")), refused},
		{"lost_reason", "x.a", nested("a", text("b")), "b"},
		{"lost_reason", "x.b", nested("a", text("b")), nil},
		{"lost_reason", "x.a.b", nested("a", nested("b", text("deep"))), "deep"},
		{"lost_reason", "x.a", text("b"), refused},
		{"lost_reason", "x.currency", eur("1"), "eur"},
		{"amount", "x.amount", eur("1.50"), decimal.RequireFromString("1.5")},
		{"lost_reason", "{from: x, as: lower}", text("ЖЁ"), "жё"},
		{"lost_reason", "{from: x, as: email}", text(" A@B.C "), "a@b.c"},
		{"lost_reason", "{from: x, as: email}", text("Z\u0307ak@Fir\u0301ma.pl"), "\u017cak@f\u0069\u0155ma.pl"},
		{"lost_reason", "{from: x, as: currency}", text(" pln"), "PLN"},
		{"lost_reason", "{from: x, as: currency}", eur("5"), "EUR"},
		{"lost_reason", "{from: x, as: phone}", text("12 345 67 89"), "+48123456789"},
		{"lost_reason", "{from: x, as: phone}", text("8 (495) 123-45-67"), refused},
		{"lost_reason", "{from: x, as: phone}", text("+7 495 123-45-67"), "+74951234567"},
		{"lost_reason", "{from: x, as: phone, otherwise: null}", text("nie ma"), nil},
		{"lost_reason", "{from: x, as: phone, otherwise: keep}", text("nie ma"), "nie ma"},
		{"lost_reason", "{from: channel, as: label}", num("52"), "Messenger"},
		{"lost_reason", "{from: channel, as: label}", num("53"), "53"},
		{"lost_reason", "{from: channel, as: label, otherwise: error}", num("53"), refused},
		{"lost_reason", "{from: channel, as: label, otherwise: null}", num("53"), nil},
		{"owner_id", "x", num("7"), "7"},
		{"owner_id", "x", text("uuid"), "uuid"},
		{"owner_id", "x", text(""), nil},
		{"owner_id", "x", flags("true"), refused},
		{"owner_id", "{parent: true}", num("7"), "9"},
		{"amount", "x", num("1234567.890"), decimal.RequireFromString("1234567.89")},
		{"amount", "x", text("12.5"), decimal.RequireFromString("12.5")},
		{"amount", "x", eur("12.5"), decimal.RequireFromString("12.5")},
		{"amount", "x", text(""), nil},
		{"amount", "x", text("12,5"), refused},
		{"amount", "{from: x, otherwise: null}", text("12,5"), nil},
		{"amount", "x", flags("true"), refused},
		{"items_count", "x", num("3"), int64(3)},
		{"items_count", "x", num("3.0"), int64(3)},
		{"items_count", "x", num("3.5"), refused},
		{"items_count", "x", num("9223372036854775807"), int64(9223372036854775807)},
		{"items_count", "x", num("9223372036854775808"), refused},
		{"items_count", "x", num("-9223372036854775808"), int64(-9223372036854775808)},
		{"amount_minor", "{from: x, as: minor}", eur("12.345"), int64(1235)},
		{"amount_minor", "{from: x, as: minor}", eur("-12.345"), int64(-1235)},
		{"amount_minor", "{from: x, as: minor}", num("12"), nil},
		{"amount_minor", "{from: x, as: minor}", eur("123456789012345678901"), nil},
		{"amount_minor", "{from: x, as: minor}", eur("92233720368547758.07"), int64(9223372036854775807)},
		{"amount_minor", "{from: x, as: minor}", eur("92233720368547758.08"), nil},
		{"items_count", "{from: x, as: minutes}", text("01:30"), int64(90)},
		{"items_count", "{from: x, as: minutes}", text("100:00:59"), int64(6000)},
		{"items_count", "{from: x, as: minutes}", num("45"), int64(45)},
		{"items_count", "{from: x, as: minutes}", text(""), nil},
		{"items_count", "{from: x, as: minutes}", text("90"), refused},
		{"items_count", "{from: x, as: minutes}", text("1:60"), refused},
		{"items_count", "{from: x, as: minutes}", text("1:30:"), refused},
		{"items_count", "{from: x, as: minutes}", text("-1:30"), refused},
		{"archived", "x", flags("true"), true},
		{"archived", "x", num("0"), false},
		{"archived", "x", text("1"), true},
		{"archived", "x", text("maybe"), refused},
		{"archived", "{from: x, values: {A: true, B: false}}", text("B"), false},
		{"archived", "{from: x, each: on, as: any}", list(nested("on", flags("false")), nested("on", num("1"))), true},
		{"archived", "{from: x, each: on, as: any}", list(), false},
		{"archived", "{from: x, each: on, as: any}", text("x"), refused},
		{"won_at", "x", at(moment), utc},
		{"won_at", "x", text("2026-03-29 01:30:00"), time.Date(2026, 3, 29, 1, 30, 0, 0, time.UTC)},
		{"won_at", "x", text("2026-03-29T01:30:00.5+02:00"), time.Date(2026, 3, 28, 23, 30, 0, 5e8, time.UTC)},
		{"won_at", "x", text("0000-00-00 00:00:00"), nil},
		{"won_at", "x", text("yesterday"), refused},
		{"won_at", "x", date("2026-03-29"), refused},
		{"won_at", "x", at(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)), refused},
		{"won_at", "x", at(time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC)), time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC)},
		{"won_at", "x", at(time.Date(0, 12, 31, 23, 59, 59, 0, time.UTC)), refused},
		{"expected_close", "x", date("2026-02-28"), "2026-02-28"},
		{"expected_close", "x", text("2026-02-28"), "2026-02-28"},
		{"expected_close", "x", date("2026-02-30"), refused},
		{"expected_close", "x", date("0000-00-00"), nil},
		{"expected_close", "x", date("0000-01-01"), refused},
		{"expected_close", "x", at(moment), refused},
		{"status", "x", text("won"), "won"},
		{"status", "x", text("Won"), refused},
		{"status", "{from: x, values: {A: won}}", text("A"), "won"},
		{"status", "{from: x, values: {A: won}}", text("won"), refused},
		{"status", "{from: x, values: {1: won}}", num("1"), "won"},
		{"status", "{first_of: [{from: x, values: {A: won}, otherwise: null}, {const: open}]}", text("Z"), "open"},
		{"source", "{from: x, values: {A: null, B: b}, otherwise: keep}", text("A"), nil},
		{"source", "{from: x, values: {A: null, B: b}, otherwise: keep}", text("C"), "C"},
		{"source", "{first_of: [y, x]}", text("b"), "b"},
		{"source", "{from: x, when: y}", text("b"), nil},
		{"source", "{from: x, when: x}", flags("true"), "true"},
		{"labels", "x", list(num("1"), num("2"), num("1"), text(""), connectors.Value{}), []string{"1", "2"}},
		{"labels", "x", list(), nil},
		{"labels", "x", text("one"), []string{"one"}},
		{"labels", "x", list(list()), refused},
		{"labels", "{from: x, each: v, first: p, as: lower}", list(nested("v", text("A")), nested("v", text("B"), "p", flags("true"))), []string{"b", "a"}},
		{"source", "{from: x, each: v, first: p}", list(nested("v", text("A")), nested("v", text("B"), "p", flags("true"))), "B"},
		{"source", "{from: x, each: v, first: p}", list(nested("v", text("A")), nested("p", flags("true"))), "A"},
		{"labels", "{const: x}", connectors.Value{}, []string{"x"}},
	} {
		t.Run(c.field+" "+c.rule+" "+show(&c.in), func(t *testing.T) {
			t.Parallel()
			key := "x"
			if c.in.Kind == connectors.Number && (c.in.Text == "52" || c.in.Text == "53") {
				key = "channel"
			}
			v := connectors.Values{Standard: []connectors.Pair{{Key: key, Value: c.in}}}
			got, err := ruleOf(t, "deals", c.field, c.rule, d)(&v)
			if c.want == any(refused) {
				if err == nil {
					t.Fatalf("got %v, want a problem", got)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// TestCustomSources reads custom fields by name, by code and by part.
func TestCustomSources(t *testing.T) {
	t.Parallel()
	d := NewDictionary([]FieldDef{
		{Kind: "deals", Code: "s", Name: "Regions", Type: "set", Custom: true, Options: []Option{{ID: "1", Label: "Śląsk"}, {ID: "2", Label: "Кубань", Deleted: true}}},
		{Kind: "deals", Code: "a.b", Name: "Nr. umowy", Type: "varchar", Custom: true},
		{Kind: "deals", Code: "adr", Name: "Site", Type: "address", Custom: true},
	})
	v := connectors.Values{Custom: []connectors.Pair{
		{Key: "s", Value: text("2, 1")},
		{Key: "a.b", Value: text("7/2026")},
		{Key: "adr", Value: nested("locality", text("Sopot"))},
	}}
	for _, c := range []struct {
		field, rule string
		want        any
	}{
		{"labels", "{custom: Regions}", []string{"2", "1"}},
		{"labels", "{custom: regions, as: label}", []string{"Кубань", "Śląsk"}},
		{"labels", "{custom: s, as: value}", []string{"2", "1"}},
		{"source", "{custom: Nr. umowy}", "7/2026"},
		{"source", "{custom: Site.locality}", "Sopot"},
		{"source", "{custom: Site.country}", nil},
	} {
		got, err := ruleOf(t, "deals", c.field, c.rule, d)(&v)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", c.rule, diff)
		}
	}
}

// TestRequiredReference: an id is there or it is not; a blank one points nowhere.
func TestRequiredReference(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]bool{"4": true, "": false} {
		v := connectors.Values{Standard: []connectors.Pair{{Key: "x", Value: text(id)}}}
		if _, err := ruleOf(t, "stages", "pipeline_id", "x", nil)(&v); (err == nil) != want {
			t.Errorf("pipeline_id %q: error %v", id, err)
		}
	}
}

func TestDayAndTime(t *testing.T) {
	t.Parallel()
	apply := ruleOf(t, "activities", "due_at", "{from: [d, h], as: day_and_time}", nil)
	for _, c := range []struct {
		day, clock connectors.Value
		want       any // nil: null; string: refused with it as value
	}{
		{date("2026-03-29"), text("15:00:00"), time.Date(2026, 3, 29, 15, 0, 0, 0, time.UTC)},
		{date("2026-03-29"), text("02:30"), time.Date(2026, 3, 29, 2, 30, 0, 0, time.UTC)},
		{date("2026-03-29"), text(""), nil},
		{date("2026-03-29"), connectors.Value{}, nil},
		{connectors.Value{}, text("15:00"), nil},
		{date("2026-03-29"), text("25:00"), "refused"},
		{date("2026-03-29"), num("15"), "refused"},
		{text("soon"), text("15:00"), "refused"},
	} {
		v := connectors.Values{Standard: []connectors.Pair{{Key: "d", Value: c.day}, {Key: "h", Value: c.clock}}}
		got, err := apply(&v)
		if (err != nil) != (c.want == any("refused")) {
			t.Errorf("%v %v: error %v", c.day.Text, c.clock.Text, err)
		}
		if err == nil && !cmp.Equal(c.want, got) {
			t.Errorf("%v %v = %v, want %v", c.day.Text, c.clock.Text, got, c.want)
		}
	}
}

func TestJSONSources(t *testing.T) {
	t.Parallel()
	in := list(nested("price", num("5.10"), "currency", text("EUR"), "notes", text("x")), nested("currency", text("PLN"), "price", connectors.Value{}))
	v := connectors.Values{Standard: []connectors.Pair{{Key: "x", Value: in}, {Key: "o", Value: nested("a", num("1"), "b", num("2"))}, {Key: "s", Value: text("plain")}}}
	for _, c := range []struct{ rule, want string }{
		{"x", `[{"currency":"EUR","notes":"x","price":5.1},{"currency":"PLN"}]`},
		{"{from: x, as: json, pick: [price, currency]}", `[{"currency":"EUR","price":5.1},{"currency":"PLN"}]`},
		{"{from: o, pick: b}", `{"b":2}`},
		{"s", `"plain"`},
		{"{const: 1.50}", `1.5`},
	} {
		got, err := ruleOf(t, "products", "prices", c.rule, nil)(&v)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, string(got.(json.RawMessage))); diff != "" {
			t.Errorf("%s (-want +got)\n%s", c.rule, diff)
		}
	}
	if _, err := ruleOf(t, "products", "prices", "{from: s, as: json, pick: a}", nil)(&v); err == nil {
		t.Error("pick of a plain text was not refused")
	}
}
