package strictyaml

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type colour string

func (colour) Words() []string { return []string{"red", "green"} }

type day struct{ time.Time }

func (d *day) UnmarshalText(text []byte) (err error) {
	if d.Time, err = time.Parse(time.DateOnly, string(text)); err != nil {
		return fmt.Errorf("must be a day")
	}
	return nil
}

type part struct {
	At   Place
	ID   string `yaml:"id,required" doc:"Its name."`
	Size *int   `yaml:"size,choice"`
	Text string `yaml:"text,choice"`
}

type paper struct {
	At    Place
	Name  string   `yaml:"name,required" doc:"What it is called."`
	Many  int      `yaml:"many"`
	Sure  bool     `yaml:"sure"`
	Paint colour   `yaml:"paint"`
	Day   *day     `yaml:"day"`
	Tags  []string `yaml:"tags,one"`
	Parts []part   `yaml:"parts"`
	Deep  *paper   `yaml:"deep"`
}

func decode(t *testing.T, text string) (paper, Problems) {
	t.Helper()
	root, problem := Document{Noun: "paper"}.Parse("p.yaml", []byte(text))
	if problem != nil {
		t.Fatal(problem)
	}
	var p paper
	return p, Decode("p.yaml", root, &p)
}

func TestDecode(t *testing.T) {
	t.Parallel()
	text := "name: 12\nmany: 3\nsure: true\npaint: green\nday: 2026-12-24\ntags: one\nparts:\n  - {id: a, size: 4}\n  - id: b\n    text: |\n      zażółć\n      gęślą\ndeep:\n  name: \"true\"\n  tags: [x, 1.50]\n"
	root, problem := Document{Noun: "paper"}.Parse("p.yaml", []byte(text))
	if problem != nil {
		t.Fatal(problem)
	}
	var got paper
	if problems := Decode("p.yaml", root, &got); len(problems) > 0 {
		t.Fatal(problems)
	}
	at := func(line, column int) Place { return Place{"p.yaml", line, column} }
	want := paper{At: at(1, 1), Name: "12", Many: 3, Sure: true, Paint: "green", Day: &day{time.Date(2026, 12, 24, 0, 0, 0, 0, time.UTC)}, Tags: []string{"one"},
		Parts: []part{{At: at(8, 5), ID: "a", Size: new(4)}, {At: at(9, 5), ID: "b", Text: "zażółć\ngęślą\n"}},
		Deep:  &paper{At: at(14, 3), Name: "true", Tags: []string{"x", "1.50"}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func TestDecodeProblems(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, want string }{
		{"nothing", "", ""},
		{"missing", "many: 1\n", "p.yaml:1:1: name is missing; What it is called."},
		{"missing in a list", "name: x\nparts:\n  - size: 1\n", "p.yaml:3:5: parts › 1: id is missing; Its name."},
		{"unknown", "name: x\nmnay: 1\n", `p.yaml:2:1: unknown key "mnay"; did you mean "many"?`},
		{"unknown inside", "name: x\nparts: [{id: Łódź, siez: 1}]\n", `p.yaml:2:20: parts › Łódź: unknown key "siez"; did you mean "size"?`},
		{"no value", "name: x\nmany:\n", "p.yaml:2:1: many has no value; give it one, or remove the line"},
		{"null", "name: x\nmany: null\n", "p.yaml:2:1: many has no value; give it one, or remove the line"},
		{"empty", "name: ''\n", "p.yaml:1:7: name: a text is needed here; give it one, or remove the line"},
		{"no number", "name: x\nmany: much\n", `p.yaml:2:7: many: must be a whole number (found "much")`},
		{"a fraction", "name: x\nmany: 1.5\n", `p.yaml:2:7: many: must be a whole number (found "1.5")`},
		{"a number beyond all", "name: x\nmany: 99999999999999999999\n", `p.yaml:2:7: many: must be a whole number (found "99999999999999999999")`},
		{"no bool", "name: x\nsure: maybe\n", `p.yaml:2:7: sure: must be true or false (found "maybe")`},
		{"no word", "name: x\npaint: gren\n", `p.yaml:2:8: paint: is none of the words that may stand here (found "gren"); did you mean "green"?`},
		{"no day", "name: x\nday: soon\n", `p.yaml:2:6: day: must be a day (found "soon")`},
		{"a list for a text", "name: [x]\n", "p.yaml:1:7: name: a single value is needed here"},
		{"a text for a list", "name: x\nparts: y\n", "p.yaml:2:8: parts: a list is needed here; each item begins with a dash"},
		{"a text for a mapping", "name: x\nparts: [y]\n", "p.yaml:2:9: parts › 1: a list of `key: value` is needed here; known keys: id, size, text"},
		{"no choice", "name: x\nparts:\n  - id: a\n", "p.yaml:3:5: parts › a: it says nothing that could be checked; give exactly one of: size, text"},
		{"two choices", "name: x\nparts:\n  - {id: a, size: 1, text: b}\n", "p.yaml:3:5: parts › a: it says several things at once: size, text; give exactly one, and write the others as items of their own"},
		{"a text for all", "hello\n", "p.yaml:1:1: a list of `key: value` is needed here; known keys: name, many, sure, paint, day, tags, parts, deep"},
		{"far inside", "name: x\ndeep:\n  name: y\n  deep:\n    name: z\n    tags: [[a]]\n", "p.yaml:6:12: deep › deep › tags › 1: a single value is needed here"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, problems := decode(t, c.text)
			if d := cmp.Diff(c.want, problems.Error()); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

func TestDecodeTellsAllButNotTooMuch(t *testing.T) {
	t.Parallel()
	_, problems := decode(t, "name: x\nmany: a\nsure: b\npaint: c\n")
	if len(problems) != 3 {
		t.Errorf("%d problems are told, want all 3: %v", len(problems), problems)
	}
	_, problems = decode(t, "name: x\nparts:\n"+strings.Repeat("  - {id: a}\n", 500))
	if n := len(problems); n != MaxProblems+1 || !strings.Contains(problems[n-1].Error(), "and more") {
		t.Errorf("%d problems are told, the last: %v", n, problems[n-1])
	}
}

func TestSchema(t *testing.T) {
	t.Parallel()
	got := Schema("https://x/p.json", "Paper", &paper{})
	parts := got["properties"].(map[string]any)["parts"].(map[string]any)["items"].(map[string]any)["$ref"]
	if parts != "#/$defs/part" {
		t.Errorf("parts are %v", parts)
	}
	def := got["$defs"].(map[string]any)["part"].(map[string]any)
	if d := cmp.Diff([]any{map[string]any{"required": []string{"size"}}, map[string]any{"required": []string{"text"}}}, def["oneOf"]); d != "" {
		t.Errorf("choices (-want +got)\n%s", d)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("name: x\nparts:\n  - {id: a, size: 4}\n"))
	f.Add([]byte("name: [\n"))
	f.Add([]byte("deep:\n  deep:\n    deep: {name: a}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		root, problem := Document{Noun: "paper"}.Parse("p", text)
		if problem != nil {
			return
		}
		var p paper
		for _, problem := range Decode("p", root, &p) {
			if problem.Reason == "" || problem.Place.File == "" {
				t.Errorf("a problem without words or place: %+v", problem)
			}
		}
	})
}
