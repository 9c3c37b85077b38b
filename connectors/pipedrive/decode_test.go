package pipedrive

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"salesbook.dev/connectors"
	"salesbook.dev/connectors/answers"
	"salesbook.dev/internal/fault"
)

var update = flag.Bool("update", false, "rewrite the want.json of the decoding cases")

// decoder is a connector that can do nothing but decode.
func decoder() *Connector {
	return &Connector{dialect: newDialect()}
}

// TestDecodeCases holds Decode to the cases in testdata, one txtar file each.
// Its prose ends with a line "decode OBJECT SHAPE".
func TestDecodeCases(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/decode_*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			decodeCase(t, file)
		})
	}
}

func decodeCase(t *testing.T, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(archive.Comment)), "\n")
	words := strings.Fields(lines[len(lines)-1])
	if len(words) != 3 || words[0] != "decode" || len(archive.Files) != 2 {
		t.Fatalf("the prose must end with a line \"decode OBJECT SHAPE\", raw.json and want.json must follow")
	}
	raw := bytes.TrimSpace(archive.Files[0].Data)
	before := bytes.Clone(raw)
	values, err := decoder().Decode(words[1], words[2], raw)
	got := show(values)
	if err != nil {
		got = "error: " + err.Error() + "\n"
	}
	if !bytes.Equal(raw, before) {
		t.Error("Decode changed the raw bytes")
	}
	if *update {
		archive.Files[1].Data = []byte(got)
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(archive.Files[1].Data), got); diff != "" {
		t.Errorf("decoded values (-want +got):\n%s", diff)
	}
}

// show writes values so that a person sees kind and value: "money 13 EUR".
func show(v connectors.Values) string {
	var b bytes.Buffer
	b.WriteString(`{"standard":`)
	showPairs(&b, v.Standard)
	b.WriteString(`,"custom":`)
	showPairs(&b, v.Custom)
	b.WriteString("}")
	var out bytes.Buffer
	if err := json.Indent(&out, b.Bytes(), "", "  "); err != nil {
		panic(err)
	}
	return out.String() + "\n"
}

func showPairs(b *bytes.Buffer, pairs []connectors.Pair) {
	b.WriteByte('{')
	for i, p := range pairs {
		if i > 0 {
			b.WriteByte(',')
		}
		quote(b, p.Key)
		b.WriteByte(':')
		showValue(b, p.Value)
	}
	b.WriteByte('}')
}

func showValue(b *bytes.Buffer, v connectors.Value) {
	switch v.Kind {
	case connectors.Null:
		b.WriteString("null")
	case connectors.Bool:
		b.WriteString(v.Text)
	case connectors.Number:
		quote(b, "number "+v.Text)
	case connectors.Text:
		quote(b, "text "+v.Text)
	case connectors.Time:
		quote(b, "time "+v.Time.Format(time.RFC3339Nano))
	case connectors.Date:
		quote(b, "date "+v.Text)
	case connectors.Money:
		quote(b, "money "+v.Text+" "+v.Unit)
	case connectors.List:
		b.WriteByte('[')
		for i, item := range v.Items {
			if i > 0 {
				b.WriteByte(',')
			}
			showValue(b, item)
		}
		b.WriteByte(']')
	case connectors.Nested:
		showPairs(b, v.Fields)
	}
}

func quote(b *bytes.Buffer, s string) {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic(err)
	}
}

// TestShapesAgree decodes one deal's custom fields in the shapes of v2 and of
// webhooks: the values must be the same.
func TestShapesAgree(t *testing.T) {
	t.Parallel()
	code := strings.Repeat("ab", 20)
	for name, c := range map[string]struct{ v2, webhook string }{
		"one option":      {`12`, `{"id":12,"type":"enum"}`},
		"several options": {`[1,2]`, `{"type":"set","values":[{"id":1},{"id":2}]}`},
		"money":           {`{"value":13.50,"currency":"EUR"}`, `{"currency":"EUR","type":"monetary","value":13.50}`},
		"user":            {`77`, `{"id":77,"type":"user"}`},
		"text":            {`"zażółć"`, `{"type":"varchar","value":"zażółć"}`},
		"number":          {`2.50`, `{"type":"double","value":2.50}`},
		"date":            {`"2026-11-22"`, `{"type":"date","value":"2026-11-22"}`},
		"date range":      {`{"value":"2026-11-22","until":"2026-11-23"}`, `{"type":"daterange","value":"2026-11-22","until":"2026-11-23"}`},
		"time":            {`{"value":"10:00:00","timezone_name":"Europe/Warsaw"}`, `{"type":"time","value":"10:00:00","timezone_name":"Europe/Warsaw"}`},
		"address":         {`{"value":"Prosta 1","locality":"Warszawa"}`, `{"type":"address","value":"Prosta 1","locality":"Warszawa"}`},
		"nothing":         {`null`, `null`},
		"no money":        {`{"value":null,"currency":null}`, `{"type":"monetary","value":null,"currency":null}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := decoder()
			want, err := d.Decode(deals, shapeV2, []byte(`{"id":1,"custom_fields":{"`+code+`":`+c.v2+`}}`))
			if err != nil {
				t.Fatal(err)
			}
			got, err := d.Decode(deals, shapeWebhook, []byte(`{"id":1,"custom_fields":{"`+code+`":`+c.webhook+`}}`))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("webhook against v2 (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecodeRefusesWhatItCannotRead(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`{"a":`, answers.DepthLimit) + "1" + strings.Repeat("}", answers.DepthLimit)
	for name, c := range map[string]struct {
		object, shape, raw string
		kind               fault.Kind
		want               string
	}{
		"empty":                  {deals, shapeV2, ``, fault.Invalid, "empty"},
		"an array":               {deals, shapeV2, `[1]`, fault.Invalid, "not a JSON object"},
		"null":                   {deals, shapeV2, `null`, fault.Invalid, "not a JSON object"},
		"cut inside a field":     {deals, shapeV2, `{"id":1,"title":"x`, fault.Invalid, "field title"},
		"cut in a custom field":  {deals, shapeV2, `{"id":1,"custom_fields":{"abc":tru`, fault.Invalid, "field custom_fields.abc"},
		"something behind":       {deals, shapeV2, `{"id":1} x`, fault.Invalid, "broken"},
		"too deep":               {deals, shapeV2, `{"id":1,"label_ids":` + deep + `}`, fault.Invalid, "field label_ids.a"},
		"no id":                  {deals, shapeV2, `{"title":"x"}`, fault.Invalid, "field id"},
		"an id that is a list":   {deals, shapeV2, `{"id":[1]}`, fault.Invalid, "field id"},
		"a field without a code": {dealFields, shapeV2, `{"id":1}`, fault.Invalid, "field field_code"},
		"another shape":          {deals, "v3", `{"id":1}`, fault.Invalid, `"v3"`},
		"another object":         {"dragons", shapeV2, `{"id":1}`, fault.NotFound, `"dragons"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := decoder().Decode(c.object, c.shape, []byte(c.raw))
			if fault.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v (%v), want %v naming %s", err, fault.KindOf(err), c.kind, c.want)
			}
		})
	}
}

func TestErrorsDoNotQuoteTheRecord(t *testing.T) {
	t.Parallel()
	_, err := decoder().Decode(deals, shapeV2, []byte(`{"id":1,"title":"Jan Kowalski" "x"`))
	if err == nil || strings.Contains(err.Error(), "Kowalski") {
		t.Errorf("error %v quotes the record", err)
	}
}

// TestNumbersStayLiterals: an amount that passed through a float is wrong.
func TestNumbersStayLiterals(t *testing.T) {
	t.Parallel()
	for _, literal := range []string{"0.1", "100.50", "12345678901234567890123", "1e400", "-0", "9007199254740993", "1E+2"} {
		values, err := decoder().Decode(deals, shapeV2, []byte(`{"id":1,"value":`+literal+`}`))
		if err != nil {
			t.Errorf("%s: %v", literal, err)
			continue
		}
		want := connectors.Value{Kind: connectors.Number, Text: literal}
		if diff := cmp.Diff(want, values.Get("value")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", literal, diff)
		}
	}
}

// TestReaderIsUsedAgain decodes a long and a short record in turn: nothing of
// one may be left in the other.
func TestReaderIsUsedAgain(t *testing.T) {
	t.Parallel()
	d := decoder()
	long, short := []byte(`{"id":1,"label_ids":[1,2,3],"a":{"b":[{"c":1}]},"title":"x"}`), []byte(`{"id":2}`)
	first, err := d.Decode(deals, shapeV2, long)
	if err != nil {
		t.Fatal(err)
	}
	before := show(first)
	for range 3 {
		got, err := d.Decode(deals, shapeV2, short)
		if err != nil || len(got.Standard) != 1 {
			t.Fatalf("the short record came as %s (%v)", show(got), err)
		}
		if _, err := d.Decode(deals, shapeV2, []byte(`{"id":3,"label_ids":[9,`)); err == nil {
			t.Fatal("a cut record was accepted")
		}
	}
	if diff := cmp.Diff(before, show(first)); diff != "" {
		t.Errorf("earlier values changed (-want +got):\n%s", diff)
	}
}

func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/decode_*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(archive.Files[0].Data)
	}
	f.Add([]byte(`{"id":1,"a":"\ud800","b":"\u0000","\u0000":1,"a":2}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		d := decoder()
		for _, object := range []string{deals, leads, dealChanges} {
			for _, shape := range []string{shapeV2, shapeV1, shapeWebhook} {
				before := bytes.Clone(raw)
				values, err := d.Decode(object, shape, raw)
				if !bytes.Equal(before, raw) {
					t.Fatal("the raw bytes changed")
				}
				if err != nil {
					if fault.KindOf(err) != fault.Invalid || !utf8.ValidString(err.Error()) {
						t.Fatalf("error %q of kind %v", err, fault.KindOf(err))
					}
					continue
				}
				storable(t, values.Standard)
				storable(t, values.Custom)
				onlyOnce(t, values.Standard)
				onlyOnce(t, values.Custom)
			}
		}
	})
}

func storable(t *testing.T, pairs []connectors.Pair) {
	for _, p := range pairs {
		if !utf8.ValidString(p.Key) || strings.ContainsRune(p.Key, 0) {
			t.Fatalf("key %q cannot be stored", p.Key)
		}
		storableValue(t, p.Value)
	}
}

func storableValue(t *testing.T, v connectors.Value) {
	for _, s := range []string{v.Text, v.Unit} {
		if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
			t.Fatalf("text %q cannot be stored", s)
		}
	}
	for _, item := range v.Items {
		storableValue(t, item)
	}
	storable(t, v.Fields)
}

func onlyOnce(t *testing.T, pairs []connectors.Pair) {
	seen := map[string]bool{}
	for _, p := range pairs {
		if seen[p.Key] {
			t.Fatalf("key %q stands twice", p.Key)
		}
		seen[p.Key] = true
	}
}
