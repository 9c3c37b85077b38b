package mapping

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDictionaryIsItsOwn: what is done to the given definitions afterwards
// changes nothing, and the later of two definitions wins.
func TestDictionaryIsItsOwn(t *testing.T) {
	t.Parallel()
	options := []Option{{ID: "1", Label: "a"}}
	d := NewDictionary([]FieldDef{{Kind: "deals", Code: "x", Name: "old"}, {Kind: "deals", Code: "x", Name: "new", Options: options}})
	options[0].Label = "changed"
	got, ok := d.Field("deals", "x")
	want := FieldDef{Kind: "deals", Code: "x", Name: "new", Options: []Option{{ID: "1", Label: "a"}}}
	if diff := cmp.Diff(want, got); diff != "" || !ok {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if _, ok := d.Field("people", "x"); ok {
		t.Error("a field of another kind was found")
	}
}

func TestCarryOptions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, before, after, want string }{
		{"first sight", ``, `[{"id":"1","label":"a","deleted":false}]`, `[{"id":"1","label":"a","deleted":false}]`},
		{"one gone", `[{"id":"1","label":"a \"x\"","deleted":false},{"id":"2","label":"b","deleted":false}]`, `[{"id":"2","label":"B","deleted":false}]`,
			`[{"id":"2","label":"B","deleted":false,"was":["b"]},{"id":"1","label":"a \"x\"","deleted":true}]`},
		{"renamed twice", `[{"id":"1","label":"b","deleted":false,"was":["a"]}]`, `[{"id":"1","label":"c \"x\"","deleted":false}]`, `[{"id":"1","label":"c \"x\"","deleted":false,"was":["a","b"]}]`},
		{"read again", `[{"id":"1","label":"b","deleted":false,"was":["a"]}]`, `[{"id":"1","label":"b","deleted":false}]`, `[{"id":"1","label":"b","deleted":false,"was":["a"]}]`},
		{"called as before", `[{"id":"1","label":"b","deleted":false,"was":["a"]}]`, `[{"id":"1","label":"a","deleted":false}]`, `[{"id":"1","label":"a","deleted":false,"was":["b"]}]`},
		{"renamed, then gone", `[{"id":"1","label":"b","deleted":false,"was":["a"]}]`, `[]`, `[{"id":"1","label":"b","deleted":true,"was":["a"]}]`},
		{"all gone", `[{"id":"1","label":"a","deleted":false}]`, ``, `[{"id":"1","label":"a","deleted":true}]`},
		{"one back", `[{"id":"1","label":"a","deleted":true}]`, `[{"id":"1","label":"a","deleted":false}]`, `[{"id":"1","label":"a","deleted":false}]`},
		{"none ever", ``, ``, ``},
	} {
		got, err := CarryOptions(json.RawMessage(c.before), json.RawMessage(c.after))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, string(got)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", c.name, diff)
		}
	}
	label, before := func(n int) json.RawMessage {
		return json.RawMessage(fmt.Sprintf(`[{"id":"1","label":"%d","deleted":false}]`, n))
	}, json.RawMessage(nil)
	for n := range 50 { // somebody renames it every day
		var err error
		if before, err = CarryOptions(before, label(n)); err != nil {
			t.Fatal(err)
		}
	}
	if options, err := readOptions(before); err != nil || len(options[0].Was) != maxLabels || options[0].Was[maxLabels-1] != "48" {
		t.Errorf("%s %v", before, err)
	}
	for _, broken := range [][2]string{{`x`, `[]`}, {`[]`, `x`}} {
		if _, err := CarryOptions(json.RawMessage(broken[0]), json.RawMessage(broken[1])); err == nil {
			t.Errorf("%v was accepted", broken)
		}
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	d := NewDictionary([]FieldDef{
		{Kind: "deals", Code: "aaaaaaaaaa1", Name: "Segment", Type: "enum", Custom: true, Options: []Option{{ID: "37", Label: "Опт", Deleted: true}}},
		{Kind: "deals", Code: "bbbbbbbbbb2", Name: "Segment", Type: "set", Custom: true, Options: []Option{{ID: "1", Label: "Śląsk"}, {ID: "2", Label: "Kraków"}}},
		{Kind: "deals", Code: "budget", Name: "Budget", Type: "monetary", Custom: true},
		{Kind: "deals", Code: "window", Name: "Window", Type: "timerange", Custom: true},
		{Kind: "deals", Code: "site", Name: "Site", Type: "address", Custom: true},
		{Kind: "deals", Code: "odd", Name: "Odd", Type: "json", Custom: true},
		{Kind: "deals", Code: "seats", Name: "Seats", Type: "double", Custom: true},
		{Kind: "deals", Code: "flag", Name: "flag", Type: "boolean", Custom: true},
		{Kind: "deals", Code: "who", Name: "Engineer", Type: "user", Custom: true},
		{Kind: "people", Code: "stranger", Name: "Not of deals", Type: "text", Custom: true},
	})
	const custom = `{"aaaaaaaaaa1":"37","bbbbbbbbbb2":["1","99"],"budget":{"amount":"1300.50","currency":"PLN"},"window":{"value":"09:00:00","until":"11:00:00","timezone_name":"Europe/Warsaw"},
		"site":{"value":"Floriańska 3","country":"Poland"},"odd":{"b":[1,null],"a":"x"},"seats":12345678901234567890.5,"flag":false,"who":"7","stranger":"?"}`
	got, err := d.Describe("deals", []byte(custom))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, n := range got {
		lines = append(lines, n.Name+" | "+n.Type+" | "+n.Text)
	}
	want := []string{
		"Budget | monetary | 1300.50 PLN",
		"Engineer | user | 7",
		"flag | boolean | false",
		"Odd | json | a: x, b: 1, ",
		"Seats | double | 12345678901234567890.5",
		"Segment (aaaaaaaa) | enum | Опт",
		"Segment (bbbbbbbb) | set | Śląsk, 99",
		"Site | address | Floriańska 3",
		"stranger |  | ?",
		"Window | timerange | 09:00:00 – 11:00:00 Europe/Warsaw",
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got[0].Code != "budget" || string(got[0].Value) != `{"amount":"1300.50","currency":"PLN"}` {
		t.Errorf("code and value: %+v", got[0])
	}
	if none, err := d.Describe("deals", nil); err != nil || none != nil {
		t.Errorf("no document: %v, %v", none, err)
	}
	if _, err := d.Describe("deals", []byte(`[1]`)); err == nil {
		t.Error("a list was described")
	}
}
