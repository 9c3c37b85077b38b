package strictyaml

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

type step struct {
	At   Place
	ID   string   `yaml:"id,required"`
	Name string   `yaml:"name,required"`
	Tags []string `yaml:"tags,one"`
	Many int      `yaml:"many"`
}

type line struct {
	Rule string `yaml:"rule,required,key"`
	From *day   `yaml:"from,key"`
	Mode colour `yaml:"mode"`
}

type check struct {
	ID    string  `yaml:"id"`
	Size  *int    `yaml:"size,choice"`
	Words []check `yaml:"words,choice,ordered"`
	Sure  *bool   `yaml:"sure,choice"`
}

type plan struct {
	Title  string   `yaml:"title"`
	Steps  []step   `yaml:"steps,ordered"`
	People []step   `yaml:"people"`
	Lines  []line   `yaml:"lines"`
	Checks []check  `yaml:"checks,ordered"`
	Parts  []string `yaml:"parts,ordered"`
	Tags   []string `yaml:"tags"`
	Last   *line    `yaml:"last"`
	Own    line     `yaml:"own"`
}

func planOf(t *testing.T, text string) *plan {
	t.Helper()
	root, problem := Document{Noun: "plan"}.Parse("p.yaml", []byte(text))
	if problem != nil {
		t.Fatal(problem)
	}
	var p plan
	if problems := Decode("p.yaml", root, &p); len(problems) > 0 {
		t.Fatal(problems)
	}
	return &p
}

func TestCompare(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, old, new string
		want           []string
	}{
		{"equal, elsewhere and written otherwise", "steps: [{id: a, name: A, tags: x}]\ntitle: T\n", "# a remark\ntitle: \"T\"\n\nsteps:\n  - name: A\n    id: a\n    tags: [x]\n", nil},
		{"a text", "title: Zażółć\n", "title: gęślą\n", []string{"title: Zażółć -> gęślą"}},
		{"a text that was not set", "tags: [a]\n", "tags: [a]\ntitle: T\n", []string{"title: not set -> T"}},
		{"a long text", "title: a\n", "title: |\n  one\n  two three four five six seven eight nine ten eleven twelve thirteen\n", []string{"title: a -> one two three four five six seven eight nine ten eleven twel…"}},
		{"within a struct", "own: {rule: a, mode: red}\n", "own: {rule: a, mode: green}\n", []string{"own › mode: red -> green"}},
		{"a struct that was missing", "title: T\n", "title: T\nlast: {rule: a}\n", []string{"last: added {rule: a}"}},
		{"a struct that is missing", "title: T\nlast: {rule: \"a, b\"}\n", "title: T\n", []string{`last: removed {rule: "a, b"}`}},
		{"items by id", "people: [{id: a, name: Anna, many: 1}, {id: b, name: Ben}]\n", "people: [{id: c, name: Cyr}, {id: a, name: Anna, many: 2}]\n",
			[]string{"people › Ben: removed {id: b, name: Ben}", "people › Cyr: added {id: c, name: Cyr}", "people › Anna › many: 1 -> 2"}},
		{"another name", "people: [{id: a, name: Anna, many: 1}]\n", "people: [{id: a, name: Ania, many: 2}]\n", []string{"people › Ania: renamed from Anna", "people › Ania › many: 1 -> 2"}},
		{"items in another order that means nothing", "people: [{id: a, name: A}, {id: b, name: B}]\n", "people: [{id: b, name: B}, {id: a, name: A}]\n", nil},
		{"items in another order that means something", "steps: [{id: a, name: A}, {id: b, name: B}, {id: c, name: C}]\n", "steps: [{id: c, name: C}, {id: a, name: A}, {id: d, name: D}]\n",
			[]string{"steps › B: removed {id: b, name: B}", "steps › D: added behind A, {id: d, name: D}", "steps: in another order, A, C -> C, A"}},
		{"an item in the midst moves no other", "steps: [{id: a, name: A}, {id: b, name: B}]\n", "steps: [{id: a, name: A}, {id: d, name: D}, {id: b, name: B}]\n", []string{"steps › D: added behind A, {id: d, name: D}"}},
		{"an item at the beginning", "steps: [{id: b, name: B}]\n", "steps: [{id: a, name: A}, {id: b, name: B}]\n", []string{"steps › A: added {id: a, name: A}"}},
		{"items by their keys", "lines: [{rule: a, mode: red}, {rule: b, mode: red}, {rule: a, from: 2026-12-24, mode: red}]\n", "lines: [{rule: a, from: 2026-12-24, mode: green}, {rule: c, mode: red}, {rule: a, mode: red}]\n",
			[]string{"lines › b: removed {rule: b, mode: red}", "lines › a 2026-12-24T00:00:00Z › mode: red -> green", "lines › c: added {rule: c, mode: red}"}},
		{"items known by nothing, by their choice", "checks: [{size: 1}, {sure: true}, {size: 3}]\n", "checks: [{size: 2}, {size: 3}, {sure: true}]\n",
			[]string{"checks › 1 › size: 1 -> 2", "checks: in another order, 1, 3, 2 -> 1, 2, 3"}},
		{"an item that makes another choice", "checks: [{size: 1}]\n", "checks: [{sure: true}]\n", []string{"checks › 1: removed {size: 1}", "checks › 1: added {sure: true}"}},
		{"an item that got an id", "checks: [{size: 1}]\n", "checks: [{id: a, size: 1}]\n", []string{"checks › 1: removed {size: 1}", "checks › a: added {id: a, size: 1}"}},
		{"items within items", "checks: [{words: [{size: 1}, {size: 2}]}]\n", "checks: [{words: [{size: 2}, {size: 5}]}]\n",
			[]string{"checks › 1 › words › 2 › size: 1 -> 5", "checks › 1 › words: in another order, 2, 1 -> 1, 2"}},
		{"a list as a set", "tags: [b, a, b]\n", "tags: [a, c, b]\n", []string{"tags: added c"}},
		{"a list in order", "parts: [b, a]\n", "parts: [a, b]\n", []string{"parts: [b, a] -> [a, b]"}},
		{"an empty list is not a missing one", "title: T\n", "title: T\ntags: []\n", []string{"tags: not set -> []"}},
		{"an empty list of structs neither", "title: T\nchecks: []\n", "title: T\n", []string{"checks: [] -> not set"}},
		{"no is not nothing where it must be said", "checks: [{sure: false}]\n", "checks: [{sure: true}]\n", []string{"checks › 1 › sure: false -> true"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, d := range Compare(planOf(t, c.old), planOf(t, c.new)) {
				got = append(got, d.String())
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

// TestCompareTellsWhatAPartHolds: keys of what was added or removed are
// differences from or to nothing, with their own paths.
func TestCompareTellsWhatAPartHolds(t *testing.T) {
	t.Parallel()
	all := Compare(planOf(t, "title: T\n"), planOf(t, "title: T\nsteps: [{id: a, name: A, many: 3}]\n"))
	if len(all) != 1 || len(all[0].Parts) != 3 || all[0].Parts[2].String() != "steps › A › many: not set -> 3" {
		t.Errorf("%+v", all)
	}
	step := all[0].Path[1]
	if step.Key != "a" || step.Name != "A" || !step.Item || all[0].Path[0].Tag.Get("yaml") != "steps,ordered" {
		t.Errorf("%+v", all[0].Path)
	}
}
