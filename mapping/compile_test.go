package mapping

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/strictyaml"
)

// account is a dictionary with one field of each interesting kind.
func account() *Dictionary {
	return NewDictionary([]FieldDef{
		{Kind: "deals", Code: "c1", Name: "Segment", Type: "enum", Custom: true, Options: []Option{{ID: "1", Label: "Опт"}}},
		{Kind: "deals", Code: "c2", Name: "Region", Type: "set", Custom: true, Options: []Option{{ID: "1", Label: "Śląsk"}}},
		{Kind: "deals", Code: "c3", Name: "region", Type: "varchar", Custom: true},
		{Kind: "deals", Code: "c4", Name: "Budget", Type: "monetary", Custom: true},
		{Kind: "deals", Code: "title", Name: "Title", Type: "varchar"},
	})
}

func TestCompileProblems(t *testing.T) {
	t.Parallel()
	const head = "objects:\n  deals:\n    fields:\n      "
	for _, c := range []struct{ name, override, want string }{
		{"unknown field", head + "stage: stage_id", `o.yaml:4:7: deals: stage: there is no such field in deals; did you mean "stage_id"?`},
		{"wrong transform", head + "amount: {from: value, as: lower}", `o.yaml:4:7: deals: amount: as: lower makes text, the field holds decimal; leave as out, or choose a transform that fits`},
		{"text for a list", head + "title: {from: x, as: any, each: y}", `o.yaml:4:7: deals: title: as: any makes bool, the field holds text; leave as out, or choose a transform that fits`},
		{"required unmapped", head + "status: null", `o.yaml:2:3: deals: status: is required in deals and has no source; map it, or give it a const`},
		{"unknown custom field", head + "source: {custom: Segmnt}", `o.yaml:4:7: deals: source: the account has no such custom field for deals (found "Segmnt"); did you mean "Segment"?`},
		{"ambiguous custom field", head + "source: {custom: Region}", `o.yaml:4:7: deals: source: several custom fields for deals have this name (found "Region"); name one by its code: c2, c3`},
		{"standard field as custom", head + "source: {custom: Title}", `o.yaml:4:7: deals: source: the account has no such custom field for deals (found "Title"); known: Segment, Region, region, Budget`},
		{"labels of a text", head + "source: {custom: c3, as: label}", `o.yaml:4:7: deals: source: the field has no options, so there are no labels (found "region"); leave as: label out`},
		{"labels of an unknown field", head + "source: {from: channel, as: label}", `o.yaml:4:7: deals: source: the account's field definitions do not have this field, so its labels are unknown (found "channel"); leave as: label out`},
		{"value not allowed", head + "status: {from: status, values: {x: closed}}", `o.yaml:4:7: deals: status: values: x does not fit a field that holds text (found "closed"); allowed: open, won, lost, deleted`},
		{"value not allowed, otherwise null", head + "status: {first_of: [{from: status, values: {x: closed}, otherwise: null}, {const: open}]}", `o.yaml:4:27: deals: status: values: x does not fit a field that holds text (found "closed"); allowed: open, won, lost, deleted`},
		{"constant not allowed", head + "status: {const: closed}", `o.yaml:4:7: deals: status: the constant does not fit a field that holds text (found "closed"); allowed: open, won, lost, deleted`},
		{"constant of another type", head + "archived: {const: maybe}", `o.yaml:4:7: deals: archived: the constant does not fit a field that holds bool (found "maybe"); neither true nor false`},
		{"keep beside fixed values", head + "status: {from: status, otherwise: keep}", `o.yaml:4:7: deals: status: otherwise: keep is only for texts without a fixed list of values; use null or error`},
		{"keep beside a number", head + "amount: {from: value, otherwise: keep}", `o.yaml:4:7: deals: amount: otherwise: keep is only for texts without a fixed list of values; use null or error`},
		{"currency beside text", head + "source: {from: origin, currency: currency}", `o.yaml:4:7: deals: source: only as: minor takes a currency; map the currency to a field of its own`},
		{"pick beside text", head + "source: {from: origin, pick: a}", `o.yaml:4:7: deals: source: only as: json takes pick`},
		{"first without each", head + "labels: {from: label_ids, first: primary}", `o.yaml:4:7: deals: labels: first needs each; as in {from: emails, each: value, first: primary}`},
		{"any without each", head + "archived: {from: x, as: any}", `o.yaml:4:7: deals: archived: as: any needs each; as in {from: access, each: admin, as: any}`},
		{"one field for two", head + "won_at: {from: [d], as: day_and_time}", `o.yaml:4:7: deals: won_at: as: day_and_time reads two fields; as in {from: [due_date, due_time], as: day_and_time}`},
		{"custom for two", head + "won_at: {custom: c1, as: day_and_time}", `o.yaml:4:7: deals: won_at: as: day_and_time reads two fields; as in {from: [due_date, due_time], as: day_and_time}`},
		{"two fields for one", head + "source: {from: [a, b]}", `o.yaml:4:7: deals: source: from takes one field; first_of tries several`},
		{"broken path", head + "source: value..amount", `o.yaml:4:7: deals: source: from is no path (found "value..amount"); as in value.amount`},
		{"parent for a number", head + "amount: {parent: true}", `o.yaml:4:7: deals: amount: the parent's id is a text, the field holds decimal`},
		{"values beside const", head + "source: {const: a, values: {a: b}}", `o.yaml:4:7: deals: source: values needs one field to read`},
		{"as beside first_of", head + "source: {first_of: [a, b], as: lower}", `o.yaml:4:7: deals: source: first_of stands alone; write as, values and the like into its sources: first_of: [{from: a, as: text}, b]`},
		{"one reason is enough", head + "labels: {const: x, as: minutes}", `o.yaml:4:7: deals: labels: as: minutes makes integer, the field holds texts; leave as out, or choose a transform that fits`},
		{"no kind", "objects: {calls: {fields: {}}}", `o.yaml:1:11: calls: kind: every object needs one of the canonical kinds; known: reps, fields, activity_types, pipelines, stages, companies, people, products, deals, deal_items, leads, activities, notes, deal_events`},
		{"kind by its singular", "objects: {deals: {kind: deal}}", `o.yaml:1:11: deals: kind: every object needs one of the canonical kinds (found "deal"); did you mean "deals"?`},
		{"unknown region", "region: Poland", `o.yaml: region: is no country that phone numbers are known for (found "Poland"); two capital letters, as in PL`},
		{"unknown class", "types: {enum: choice}", `o.yaml: types.enum: there is no such class of values (found "choice"); known: any, text, number, bool, date, money, id, ids`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			over, err := Parse("o.yaml", []byte(c.override))
			if err != nil {
				t.Fatal(err)
			}
			merged, err := Merge(defaultFile(t), over)
			if err != nil {
				t.Fatal(err)
			}
			_, err = Compile(merged, account())
			problems, ok := errors.AsType[Problems](err)
			if !ok {
				t.Fatalf("error %v (%T), want Problems", err, err)
			}
			if diff := cmp.Diff([]string{c.want}, strings.Split(problems.Error(), "\n")); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// TestCompileTellsAll reports everything at once, and no more than fits a screen.
func TestCompileTellsAll(t *testing.T) {
	t.Parallel()
	f, err := Parse("o.yaml", []byte("objects:\n  deals:\n    kind: deals\n    fields:\n      amount: {from: v, as: text}\n      nope: x\n"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = Compile(f, nil)
	problems, _ := errors.AsType[Problems](err)
	var fields []string
	for _, p := range problems {
		fields = append(fields, p.Field)
	}
	if diff := cmp.Diff([]string{"amount", "nope", "title", "status", "archived"}, fields); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	text := "objects:\n  deals:\n    kind: deals\n    fields:\n"
	for i := range 500 {
		text += "      f" + strings.Repeat("x", i) + ": {from: a}\n"
	}
	many, err := Parse("o.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	_, err = Compile(many, nil)
	if problems, _ := errors.AsType[Problems](err); len(problems) != strictyaml.MaxProblems+1 {
		t.Errorf("%d problems, want %d and one that says there are more", len(problems), strictyaml.MaxProblems)
	}
}

func defaultFile(t testing.TB) *File {
	t.Helper()
	text, err := Default("pipedrive")
	if err != nil {
		t.Fatal(err)
	}
	f, err := Parse("pipedrive.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestMerge(t *testing.T) {
	t.Parallel()
	parse := func(text string) *File {
		f, err := Parse("o.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	const base = `
vendor: pipedrive
types: {enum: id, set: ids}
objects:
  notes: {kind: notes, fields: {content: content, deal_id: deal_id}}
  deals: {kind: deals, prefix: d., ignore: [id], fields: {title: title, source: origin}}
`
	for _, c := range []struct{ name, override, want, problem string }{
		{"nothing", "", base, ""},
		{"adds, replaces, drops fields", "objects: {deals: {fields: {title: name, source: null, amount: value}}}",
			strings.ReplaceAll(base, "title: title, source: origin", "title: name, amount: value"), ""},
		{"replaces ignore", "objects: {deals: {ignore: [a]}}", strings.ReplaceAll(base, "ignore: [id]", "ignore: [a]"), ""},
		{"empties ignore", "objects: {deals: {ignore: []}}", strings.ReplaceAll(base, "ignore: [id]", "ignore: []"), ""},
		{"drops an object", "objects: {deals: null}", base[:strings.Index(base, "  deals:")], ""},
		{"adds an object", "objects: {calls: {kind: activities, fields: {subject: s}}}", base + "  calls: {kind: activities, fields: {subject: s}}\n", ""},
		{"adds types and a region", "region: PL\ntypes: {set: any, x: text}", strings.ReplaceAll("region: PL"+base, "set: ids", "set: any, x: text"), ""},
		{"another vendor", "vendor: zoho", "", "o.yaml: vendor: the map is for another vendor (found \"zoho\"); this connection's is pipedrive"},
		{"drops what is not there", "objects: {deals: {fields: {titel: null}}}", "", `o.yaml:1:28: deals: titel: is not mapped, so it cannot be dropped; did you mean "title"?`},
		{"drops an object that is not there", "objects: {deels: null}", "", `o.yaml:1:11: deels: is not mapped, so it cannot be dropped; did you mean "deals"?`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			under, over := parse(base), parse(c.override)
			before := string(under.YAML()) + string(over.YAML())
			got, err := Merge(under, over)
			if c.problem != "" {
				if err == nil || err.Error() != c.problem {
					t.Errorf("error %v, want %s", err, c.problem)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(parse(c.want).YAML()), string(got.YAML())); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if before != string(under.YAML())+string(over.YAML()) {
				t.Error("Merge changed a file it was given")
			}
		})
	}
}

// TestVersion tells what changes a map's version and what does not.
func TestVersion(t *testing.T) {
	t.Parallel()
	version := func(override string, d *Dictionary) string { return mustCompile(t, override, d).Version() }
	defs := account().Fields()
	with := func(change func([]FieldDef) []FieldDef) *Dictionary { return NewDictionary(change(account().Fields())) }
	const labels = "objects: {deals: {fields: {source: {custom: c1, as: label}}}}"
	base, labelled := version("", account()), version(labels, account())
	if len(base) != 64 || base == labelled {
		t.Fatalf("versions %q, %q", base, labelled)
	}
	renamed := with(func(f []FieldDef) []FieldDef { f[0].Name = "Renamed"; return f })
	relabelled := with(func(f []FieldDef) []FieldDef { f[0].Options = []Option{{ID: "1", Label: "B2B"}}; return f })
	retyped := with(func(f []FieldDef) []FieldDef { f[0].Type = "varchar"; return f })
	grown := with(func(f []FieldDef) []FieldDef {
		return append(f, FieldDef{Kind: "deals", Code: "c9", Name: "New", Type: "double", Custom: true})
	})
	reversed := NewDictionary([]FieldDef{defs[4], defs[3], defs[2], defs[1], defs[0]})
	for _, c := range []struct {
		name string
		got  string
		same bool
		as   string
	}{
		{"again", version("", account()), true, base},
		{"order of definitions", version("", reversed), true, base},
		{"an override that says the same", version("objects: {deals: {fields: {title: {from: title}}}}", account()), true, base},
		{"a renamed field", version("", renamed), true, base},
		{"another label, none mapped", version("", relabelled), true, base},
		{"another label, labels mapped", version(labels, relabelled), false, labelled},
		{"a renamed field, labels mapped", version(labels, renamed), true, labelled},
		{"another type", version("", retyped), false, base},
		{"a new field", version("", grown), false, base},
		{"another rule", version("objects: {deals: {fields: {source: channel}}}", account()), false, base},
		{"a region", version("region: PL", account()), false, base},
		{"a mapped field that holds several ids now", version("", with(func(f []FieldDef) []FieldDef {
			return append(f, FieldDef{Kind: "deals", Code: "label_ids", Name: "Label", Type: "set"})
		})), false, base},
		{"no dictionary", version("", nil), false, base},
	} {
		if (c.got == c.as) != c.same {
			t.Errorf("%s: same version %v, want %v", c.name, c.got == c.as, c.same)
		}
	}
}

// TestPin keeps a map alive when the fields it names are renamed.
func TestPin(t *testing.T) {
	t.Parallel()
	const override = "objects:\n  leads:\n    fields:\n      source: {first_of: [{custom: segment}, {custom: Region}, {custom: Nobody}]}\n" +
		"  deals:\n    fields:\n      lost_reason: {custom: Segment, as: label}\n      source: {custom: Budget.currency}\n      labels: {custom: c2}\n"
	over, err := Parse("o.yaml", []byte(override))
	if err != nil {
		t.Fatal(err)
	}
	before := string(over.YAML())
	pinned := over.PinOver(defaultFile(t), account())
	want := strings.NewReplacer("custom: segment", "custom: c1", "{custom: Segment, as: label}", "{custom: c1, as: label} # Segment",
		"{custom: Budget.currency}", "{custom: c4.currency} # Budget").Replace(before)
	if diff := cmp.Diff(want, string(pinned.YAML())); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if string(over.YAML()) != before {
		t.Error("pinning changed the file it was given")
	}
}

// TestPinnedCompiles: a pinned map does what it did, also without another
// reading, and goes on doing it under other names.
func TestPinnedCompiles(t *testing.T) {
	t.Parallel()
	over, err := Parse("o.yaml", []byte("objects: {deals: {fields: {source: {custom: Segment, as: label}, lost_reason: {custom: Budget.currency}}}}"))
	if err != nil {
		t.Fatal(err)
	}
	merged, err := Merge(defaultFile(t), over)
	if err != nil {
		t.Fatal(err)
	}
	renamed := account().Fields()
	for i := range renamed {
		renamed[i].Name += " (2026)"
	}
	v := connectors.Values{
		Standard: []connectors.Pair{{Key: "title", Value: text("x")}, {Key: "status", Value: text("open")}},
		Custom:   []connectors.Pair{{Key: "c1", Value: num("1")}, {Key: "c4", Value: eur("5")}},
	}
	for name, d := range map[string]*Dictionary{"as it was": account(), "renamed": NewDictionary(renamed)} {
		pinned := merged.Pin(account())
		m, err := Compile(pinned, d)
		if err != nil {
			t.Fatal(err)
		}
		if stored := mustReparse(t, pinned, d); stored.Version() != m.Version() {
			t.Error("the comments of a pinned map change its version")
		}
		o, _ := m.Object("deals")
		row, err := o.Row("1", "", &v)
		if err != nil {
			t.Fatal(err)
		}
		got := []any{row.Values[o.Kind().Index("title")], row.Values[o.Kind().Index("source")], row.Values[o.Kind().Index("lost_reason")]}
		if diff := cmp.Diff([]any{"x", "Опт", "eur"}, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}

// mustReparse compiles a map as it comes back from where it was stored.
func mustReparse(t *testing.T, f *File, d *Dictionary) *Map {
	t.Helper()
	again, err := Parse("stored", f.YAML())
	if err != nil {
		t.Fatal(err)
	}
	m, err := Compile(again, d)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestObjects(t *testing.T) {
	t.Parallel()
	m := mustCompile(t, "", account())
	o, ok := m.Object("dealFields")
	if !ok || o.Kind().Name != "fields" || o.ID("abc") != "deals.abc" {
		t.Errorf("dealFields: %v, kind %v, id %q", ok, o.Kind().Name, o.ID("abc"))
	}
	if _, ok := m.Object("webhooks"); ok {
		t.Error("an object that nobody mapped is mapped")
	}
	for kind, want := range map[string]string{"deals": "deals", "leads": "deals", "people": "people", "unheard": "unheard"} {
		if got := m.DictionaryOf(kind); got != want {
			t.Errorf("DictionaryOf(%s) = %s, want %s", kind, got, want)
		}
	}
}
