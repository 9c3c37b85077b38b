package mapping_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"salesbook.dev/connectors"
	"salesbook.dev/connectors/pipedrive"
	"salesbook.dev/connectors/zoho"
	"salesbook.dev/mapping"
)

var update = flag.Bool("update", false, "rewrite want.json in testdata from what the code does")

// golden is one case of testdata: prose, then
//
//	record.json      {"object", "id", "parent", "shape"}
//	raw.json         the record as Pipedrive writes it, for its connector to decode
//	override.yaml    optional: laid over the default map
//	dictionary.json  optional: the account's field definitions; else testdata/dictionary.json
//	want.json        the row, or the problem
type golden struct {
	vendor  vendorCases
	archive *txtar.Archive
	record  struct{ Object, ID, Parent, Shape string }
	raw     []byte
	m       *mapping.Map

	dictionary *mapping.Dictionary
}

// outcome is the form of want.json.
type outcome struct {
	ID       string          `json:"id,omitempty"`
	Kind     string          `json:"kind,omitempty"`
	Values   map[string]any  `json:"values,omitempty"`
	Custom   json.RawMessage `json:"custom,omitempty"`
	Problem  string          `json:"problem,omitempty"`
	Warnings []string        `json:"warnings,omitempty"`
}

// vendorCases are the cases of one vendor's map.
type vendorCases struct {
	name, folder string
	decoder      connectors.Decoder
}

func allCases() []vendorCases {
	return []vendorCases{
		{"pipedrive", "testdata", pipedrive.Spec().Decoder},
		{"zoho", "testdata/zoho", zoho.Spec().Decoder},
	}
}

// files are the names of the cases.
func (v vendorCases) files(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(v.folder + "/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases in %s (%v)", v.folder, err)
	}
	return files
}

func readGolden(t *testing.T, vendor vendorCases, file string) golden {
	t.Helper()
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	g := golden{vendor: vendor, archive: archive, raw: g0(archive, "raw.json")}
	if err := json.Unmarshal(g0(archive, "record.json"), &g.record); err != nil {
		t.Fatalf("%s: record.json: %v", file, err)
	}
	definitions := g0(archive, "dictionary.json")
	if definitions == nil {
		definitions = mapping.ReadFile(t, vendor.folder+"/dictionary.json")
	}
	var fields []mapping.FieldDef
	if err := json.Unmarshal(definitions, &fields); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	g.dictionary = mapping.NewDictionary(fields)
	g.m = mapping.MustCompileFor(t, vendor.name, string(g0(archive, "override.yaml")), g.dictionary)
	return g
}

// g0 returns a file of an archive, or nil.
func g0(a *txtar.Archive, name string) []byte {
	for _, f := range a.Files {
		if f.Name == name {
			return f.Data
		}
	}
	return nil
}

func (g golden) outcome(t *testing.T) outcome {
	t.Helper()
	v, err := g.vendor.decoder.Decode(g.record.Object, g.record.Shape, bytes.TrimSpace(g.raw))
	if err != nil {
		t.Fatal(err)
	}
	o, ok := g.m.Object(g.record.Object)
	if !ok {
		t.Fatalf("object %q is not mapped", g.record.Object)
	}
	row, err := o.Row(g.record.ID, g.record.Parent, &v)
	if err != nil {
		problem, ok := errors.AsType[*mapping.Problem](err)
		if !ok {
			t.Fatalf("Row gave %T (%v), want *Problem", err, err)
		}
		return outcome{Problem: problem.Error()}
	}
	mapping.CheckRow(t, o.Kind(), row)
	out := outcome{ID: row.ID, Kind: o.Kind().Name, Values: map[string]any{}, Custom: row.Custom}
	for i, f := range o.Kind().Fields {
		if row.Values[i] != nil {
			out.Values[f.Name] = row.Values[i]
		}
	}
	for _, w := range o.Warnings(g.record.ID, &v) {
		out.Warnings = append(out.Warnings, w.Error())
	}
	return out
}

func TestGolden(t *testing.T) {
	t.Parallel()
	for _, vendor := range allCases() {
		for _, file := range vendor.files(t) {
			t.Run(vendor.name+"/"+strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
				t.Parallel()
				g := readGolden(t, vendor, file)
				got := indent(t, g.outcome(t))
				if *update {
					rewrite(t, file, g.archive, got)
				}
				if diff := cmp.Diff(string(g0(g.archive, "want.json")), string(got)); diff != "" {
					t.Errorf("%s (-want +got), run with -update to accept:\n%s", file, diff)
				}
			})
		}
	}
}

// TestGoldenCoversEveryObject fails when a default map gets an object without a
// case, or a field that no case fills.
func TestGoldenCoversEveryObject(t *testing.T) {
	t.Parallel()
	for _, vendor := range allCases() {
		coversEveryObject(t, vendor)
	}
}

func coversEveryObject(t *testing.T, vendor vendorCases) {
	t.Helper()
	filled := map[string]map[string]bool{}
	for _, file := range vendor.files(t) {
		g := readGolden(t, vendor, file)
		if filled[g.record.Object] == nil {
			filled[g.record.Object] = map[string]bool{}
		}
		for name := range g.outcome(t).Values {
			filled[g.record.Object][name] = true
		}
	}
	text, err := mapping.Default(vendor.name)
	if err != nil {
		t.Fatal(err)
	}
	f, err := mapping.Parse(vendor.name+".yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	for object, fields := range f.Mapped() {
		for _, field := range fields {
			if !filled[object][field] {
				t.Errorf("no case of %s fills %s: %s", vendor.folder, object, field)
			}
		}
	}
}

func indent(t *testing.T, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func rewrite(t *testing.T, file string, a *txtar.Archive, want []byte) {
	t.Helper()
	found := false
	for i := range a.Files {
		if a.Files[i].Name == "want.json" {
			a.Files[i].Data, found = want, true
		}
	}
	if !found {
		a.Files = append(a.Files, txtar.File{Name: "want.json", Data: want})
	}
	if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
		t.Fatal(err)
	}
}
