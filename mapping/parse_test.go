package mapping

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/internal/strictyaml"
)

func TestParseProblems(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, want string }{
		{"unknown top key", "vendr: x\n", `m.yaml:1:1: unknown key vendr; did you mean "vendor"?`},
		{"unknown object key", "objects:\n  deals:\n    kinds: deals\n", `m.yaml:3:5: deals: unknown key kinds; did you mean "kind"?`},
		{"unknown rule key", "objects:\n  deals:\n    fields:\n      title: {form: title}\n", `m.yaml:4:15: deals: title: unknown key form; did you mean "from"?`},
		{"unknown transform", "objects:\n  deals:\n    fields:\n      amount: {from: value, as: decmal}\n", `m.yaml:4:33: deals: amount: there is no transform decmal; did you mean "decimal"?`},
		{"unknown otherwise", "objects:\n  deals:\n    fields:\n      amount: {from: value, otherwise: skip}\n", `m.yaml:4:40: deals: amount: otherwise can be error, keep or null`},
		{"two sources", "objects:\n  deals:\n    fields:\n      amount: {from: value, custom: Budget}\n", `m.yaml:4:15: deals: amount: needs exactly one of from, custom, const, parent, first_of`},
		{"no source", "objects:\n  deals:\n    fields:\n      amount: {as: decimal}\n", `m.yaml:4:15: deals: amount: needs exactly one of from, custom, const, parent, first_of`},
		{"parent false", "objects:\n  d:\n    fields:\n      a: {parent: false}\n", `m.yaml:4:19: d: a: parent can only be true; leave it out`},
		{"null const", "objects:\n  d:\n    fields:\n      a: {const: null}\n", `m.yaml:4:18: d: a: const needs a value`},
		{"nested first_of", "objects:\n  d:\n    fields:\n      a: {first_of: [{first_of: [b]}]}\n", `m.yaml:4:22: d: a: first_of takes plain sources only`},
		{"empty first_of", "objects:\n  d:\n    fields:\n      a: {first_of: []}\n", `m.yaml:4:21: d: a: first_of needs a list of sources; as in [name, title]`},
		{"empty rule", "objects:\n  d:\n    fields:\n      a: {}\n", `m.yaml:4:10: d: a: needs exactly one of from, custom, const, parent, first_of`},
		{"empty from", "objects:\n  d:\n    fields:\n      a: {from: []}\n", `m.yaml:4:17: d: a: the list is empty`},
		{"list for a rule", "objects:\n  d:\n    fields:\n      a: [b]\n", "m.yaml:4:10: d: a: a field's source must be a list of `key: value`"},
		{"list for values", "objects:\n  d:\n    fields:\n      a: {from: b, values: {x: [y]}}\n", `m.yaml:4:32: d: a: a plain value is needed here; as in {A: open, B: won}`},
		{"text for objects", "objects: deals\n", "m.yaml:1:10: objects must be a list of `key: value`"},
		{"syntax", "objects:\n  deals: {kind: deals\n", `m.yaml:2:10: could not find flow mapping end token '}'`},
		{"duplicate key", "vendor: a\nobjects: {}\nvendor: b\n", `m.yaml:3:1: mapping key "vendor" already defined at [1:1]`},
		{"duplicate key in other quotes", "vendor: a\n\"vendor\": b\n", `m.yaml:2:1: mapping key "vendor" already defined at [1:1]`},
		{"alias", "vendor: &v a\nregion: *v\n", `m.yaml:1:9: anchors (&) are not allowed in a map; write it out, or quote the text`},
		{"alias alone", "region: *v\n", `m.yaml:1:9: aliases (*) are not allowed in a map; write it out, or quote the text`},
		{"alias bomb", "a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: [*c,*c]\n", `m.yaml:1:4: anchors (&) are not allowed in a map; write it out, or quote the text`},
		{"tab for blanks", "objects:\n\tdeals: {}\n", `m.yaml:2:1: found character '	' that cannot start any token`},
		{"duplicate key deep inside", "objects:\n  deals:\n    fields:\n      title: {from: a}\n      title: {from: b}\n", `m.yaml:5:7: mapping key "title" already defined at [4:7]`},
		{"ten megabytes", strings.Repeat("objects: {}\n", 900_000), `m.yaml: the map is longer than 1 MB; a map lists fields, not data`},
		{"number for a mapping", "objects:\n  deals: 7\n", "m.yaml:2:10: deals: an object's map must be a list of `key: value`"},
		{"deep blocks", deepBlocks(1300), "m.yaml:1:1: unknown key a; known: vendor, region, types, objects"},
		{"tag", "vendor: !!str a\n", `m.yaml:1:9: tags (!) are not allowed in a map; write it out, or quote the text`},
		{"merge key", "objects:\n  <<: {}\n", `m.yaml:2:3: merge keys (<<) are not allowed in a map; write it out, or quote the text`},
		{"second document", "vendor: a\n---\nvendor: b\n", `m.yaml:2:1: a second document begins; a map is one document; remove the ---`},
		{"not UTF-8", "vendor: \xff\n", `m.yaml: the text is not UTF-8; save it as UTF-8`},
		{"NUL", "vendor: \x00\n", `m.yaml: the text holds a NUL byte`},
		{"too long", strings.Repeat("#", strictyaml.MaxText+1), `m.yaml: the map is longer than 1 MB; a map lists fields, not data`},
		{"deep brackets", "a: " + strings.Repeat("[", 10000), `m.yaml:1:20: nested too deeply for a map`},
		{"deep braces", strings.Repeat("{a: ", 10000), `m.yaml:1:65: nested too deeply for a map`},
		{"deep dashes", strings.Repeat("- ", 10000), `m.yaml:1:33: nested too deeply for a map`},
		// What makes the parser's time grow with the square of the length is
		// refused before it runs.
		{"long line", "a: [" + strings.Repeat("b,", strictyaml.MaxRun) + "]", `m.yaml:1:2002: too much on one line or in one bracket; write one key a line`},
		{"long bracket", "a: [" + strings.Repeat("\nb,", strictyaml.MaxRun) + "]", `m.yaml:1000:2: too much on one line or in one bracket; write one key a line`},
		{"many quotes", strings.Repeat("'a' ", strictyaml.MaxRun+1), `m.yaml:1:8001: too much on one line or in one bracket; write one key a line`},
		{"many keys", strings.Repeat("a: b\n", strictyaml.MaxWords), `m.yaml:16668:1: the map is too large; a map lists fields, not data`},
		{"ended documents", "a: b\n...\na: b\n", `m.yaml:2:1: document ends (...) are not allowed in a map; write it out, or quote the text`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse("m.yaml", []byte(c.text))
			if err == nil {
				t.Fatal("accepted")
			}
			problems, ok := errors.AsType[Problems](err)
			if !ok {
				t.Fatalf("%T, want Problems", err)
			}
			if diff := cmp.Diff(c.want, problems[0].Error()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// deepBlocks nests mappings by indentation.
func deepBlocks(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

// TestParseAll tells everything that is wrong at once, in the order of the text.
func TestParseAll(t *testing.T) {
	t.Parallel()
	_, err := Parse("m.yaml", []byte("vendr: x\nobjects:\n  deals:\n    fields:\n      a: {from: x, as: nope}\n      b: {from: c, otherwise: d}\n"))
	problems, _ := errors.AsType[Problems](err)
	var lines []int
	for _, p := range problems {
		lines = append(lines, p.Place.Line)
	}
	if diff := cmp.Diff([]int{1, 5, 6}, lines); diff != "" {
		t.Errorf("lines (-want +got)\n%s\n%v", diff, err)
	}
	if one, ok := errors.AsType[*Problem](err); !ok || one != problems[0] {
		t.Errorf("errors.As does not reach the single problems: %v", one)
	}
}

func TestParseEmpty(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "\n", "# nothing\n", "---\n"} {
		f, err := Parse("m.yaml", []byte(text))
		if err != nil || len(f.objects) != 0 {
			t.Errorf("%q: %v, %v", text, f, err)
		}
	}
}

// TestYAMLRoundTrip reads every form back from its canonical text.
func TestYAMLRoundTrip(t *testing.T) {
	t.Parallel()
	text := `
region: PL
types: {enum: id}
objects:
  leads: null
  "odd: name": {}
  deals:
    ignore: []
    kind: deals
    dictionary: deals
    prefix: "x."
    fields:
      title: {from: title}
      source: null
      status: {from: status, values: {"yes": won, B: null, 1: "true", "no": true}, otherwise: error}
      amount: {custom: "Бюджет \"план\"", as: decimal, otherwise: null}
      amount_minor: {from: value, as: minor, currency: value.currency}
      labels: {from: l, each: a.b, first: "on", as: label}
      lead_id: {first_of: [a, {from: b, when: c}, {const: -1.50}, {const: "-1"}, {const: "null"}, {const: "false"}, {const: false}, {const: "1"}, {const: "~"}, {const: ""}]}
      lost_reason: {custom: "\t\u2028 # no comment"}
      won_at: {from: [d, t], as: day_and_time}
      owner_id: {parent: true}
`
	first, err := Parse("m.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse("again.yaml", first.YAML())
	if err != nil {
		t.Fatalf("%v\n%s", err, first.YAML())
	}
	if diff := cmp.Diff(string(first.YAML()), string(again.YAML())); diff != "" {
		t.Errorf("(-first +again)\n%s", diff)
	}
	for name, o := range first.objects {
		for field, r := range o.fields {
			if diff := cmp.Diff(bareRule(r), bareRule(again.objects[name].fields[field]), cmp.AllowUnexported(rule{})); diff != "" {
				t.Errorf("%s: %s (-first +again)\n%s", name, field, diff)
			}
		}
	}
}

// bareRule is a rule without places.
func bareRule(r *rule) rule {
	out := *r
	out.place, out.firstOf = Place{}, nil
	for _, alternative := range r.firstOf {
		one := bareRule(alternative)
		out.firstOf = append(out.firstOf, &one)
	}
	return out
}

// TestDefaultIsCanonical keeps the default map's meaning in its text: rendering
// and reading it again changes nothing.
func TestDefaultIsCanonical(t *testing.T) {
	t.Parallel()
	text, err := Default("pipedrive")
	if err != nil {
		t.Fatal(err)
	}
	f, err := Parse("pipedrive.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	if f.Vendor() != "pipedrive" {
		t.Errorf("vendor %q", f.Vendor())
	}
	again, err := Parse("again", f.YAML())
	if err != nil {
		t.Fatal(err)
	}
	a, aerr := Compile(f, nil)
	b, berr := Compile(again, nil)
	if aerr != nil || berr != nil {
		t.Fatal(aerr, berr)
	}
	if a.Version() != b.Version() {
		t.Error("the version depends on how the map is written")
	}
}

func TestDefaultUnknown(t *testing.T) {
	t.Parallel()
	if _, err := Default("../pipedrive"); err == nil || !strings.Contains(err.Error(), "there are maps for: pipedrive") {
		t.Errorf("error %v", err)
	}
}

func FuzzParse(f *testing.F) {
	text, err := Default("pipedrive")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte("objects: {deals: {kind: deals, fields: {title: {first_of: [a, {const: \"x\\u0041\"}]}}}}"))
	f.Add([]byte("a: |\n  b\n"))
	f.Add([]byte("objects:\n  d:\n    fields:\n      a: >-\n        x\n        y\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := Parse("m.yaml", text)
		if err != nil {
			if _, ok := errors.AsType[Problems](err); !ok {
				t.Fatalf("%T", err)
			}
			return
		}
		canonical := file.YAML()
		again, err := Parse("again.yaml", canonical)
		if err != nil {
			t.Fatalf("own text refused: %v\n%s", err, canonical)
		}
		if diff := cmp.Diff(string(canonical), string(again.YAML())); diff != "" {
			t.Errorf("not stable (-first +again)\n%s", diff)
		}
		Compile(file, nil) //nolint:errcheck // must not panic; what it says is tried elsewhere
	})
}
