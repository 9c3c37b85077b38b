package mapping

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/sales"
)

// fuzzMap is the default map with rules of every form laid over it.
func fuzzMap(t testing.TB) *Map {
	return mustCompile(t, `
region: PL
objects:
  deals:
    fields:
      source: {custom: c1, as: label}
      labels: {custom: c2, as: label, otherwise: keep}
      lost_reason: {from: lost_reason, values: {a: b, "1": null}, otherwise: keep}
      amount: {first_of: [{custom: c4}, {from: value, otherwise: null}]}
      currency: {custom: c4, as: currency}
      won_at: {from: [due_date, due_time], as: day_and_time}
      closed_at: {from: close_time, when: done}
      items_count: {from: duration, as: minutes}
  notes:
    fields:
      content: {from: emails, each: value, first: primary, as: phone}
`, account())
}

// maker builds values from bytes: every byte string is some record.
type maker struct{ in []byte }

func (m *maker) byte() byte {
	if len(m.in) == 0 {
		return 0
	}
	b := m.in[0]
	m.in = m.in[1:]
	return b
}

func (m *maker) text() string {
	n := min(int(m.byte())%24, len(m.in))
	s := string(m.in[:n])
	m.in = m.in[n:]
	return s
}

func (m *maker) value(depth int) connectors.Value {
	samples := []string{"", "0", "1", "-1.50", "1e5", "1e999", "99999999999999999999", "true", "won", "2026-02-28", "2026-02-30", "0000-00-00", "15:30", "01:30:59", "+48 12 345 67 89", "A@b.C", "37", "1,2"}
	v := connectors.Value{Kind: connectors.ValueKind(m.byte() % 10)} // one kind more than there are
	switch pick := int(m.byte()); {
	case pick < 128:
		v.Text = samples[pick%len(samples)]
	default:
		v.Text = m.text()
	}
	v.Unit = []string{"", "EUR", "pln", "XXX", "\xff"}[m.byte()%5]
	v.Time = time.Unix(int64(m.byte())<<32-1<<37, int64(m.byte())).In(time.FixedZone("", 3600))
	if depth > 0 {
		for range m.byte() % 4 {
			v.Items = append(v.Items, m.value(depth-1))
			v.Fields = append(v.Fields, connectors.Pair{Key: m.key(), Value: m.value(depth - 1)})
		}
	}
	return v
}

func (m *maker) key() string {
	keys := []string{"id", "title", "name", "status", "value", "amount", "currency", "stage_id", "owner_id", "label_ids", "lost_reason", "is_archived", "add_time", "close_time", "due_date", "due_time",
		"duration", "done", "emails", "phones", "primary", "prices", "price", "access", "admin", "options", "label", "field_code", "field_name", "field_type", "is_custom_field", "field_key", "time", "address",
		"c1", "c2", "c3", "c4", "pipeline_id", "subject", "content", "key_string", "active_flag", "expected_close_date", "probability", "visible_to"}
	if pick := int(m.byte()); pick < 240 {
		return keys[pick%len(keys)]
	}
	return m.text()
}

// record makes values whose keys stand once, as the contract says.
func (m *maker) record() connectors.Values {
	once := func() []connectors.Pair {
		var out []connectors.Pair
		seen := map[string]bool{}
		for range m.byte() % 40 {
			p := connectors.Pair{Key: m.key(), Value: m.value(3)}
			if !seen[p.Key] {
				seen[p.Key] = true
				out = append(out, p)
			}
		}
		return out
	}
	return connectors.Values{Standard: once(), Custom: once()}
}

// checkRecord maps one record by every object's map: a row that can be stored
// or a problem that can be shown, the same each time and in any order of fields.
func checkRecord(t *testing.T, m *Map, in []byte) (rows int) {
	t.Helper()
	v := (&maker{in}).record()
	turned := connectors.Values{Standard: slices.Clone(v.Standard), Custom: slices.Clone(v.Custom)}
	slices.Reverse(turned.Standard)
	slices.Reverse(turned.Custom)
	for _, name := range slices.Sorted(maps.Keys(m.objects)) {
		o := m.objects[name]
		row, err := o.Row("1\xff", "9", &v)
		again, errAgain := o.Row("1\xff", "9", &turned)
		for _, p := range o.Warnings("1", &v) {
			checkText(t, "warning", p.Error())
		}
		if err != nil {
			problem, ok := errors.AsType[*Problem](err)
			if !ok || errAgain == nil || problem.Reason == "" {
				t.Fatalf("%s: %T %v, then %v", name, err, err, errAgain)
			}
			checkText(t, "problem", problem.Error())
			continue
		}
		rows++
		if errAgain != nil {
			t.Fatalf("%s: the order of fields decides: %v", name, errAgain)
		}
		checkRow(t, o.kind, row)
		checkText(t, "id", row.ID)
		if d := Differences(row, again, o.kind); d != nil || !bytes.Equal(row.Custom, again.Custom) {
			t.Errorf("%s: mapped twice: %v\n%s\n%s", name, d, row.Custom, again.Custom)
		}
		if row.Custom != nil {
			if _, err := account().Describe(o.kind.Name, row.Custom); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	return rows
}

func FuzzRow(f *testing.F) {
	f.Add([]byte("\x05\x00\x02\x80\x04text"))
	f.Add(bytes.Repeat([]byte{7, 1, 3, 200, 5}, 60))
	m := fuzzMap(f)
	f.Fuzz(func(t *testing.T, in []byte) { checkRecord(t, m, in) })
}

// TestArbitraryRecords maps records of noise, a fixed selection of them.
func TestArbitraryRecords(t *testing.T) {
	t.Parallel()
	m := fuzzMap(t)
	random := rand.New(rand.NewPCG(1, 2))
	rows := 0
	for range 600 {
		in := make([]byte, random.IntN(3000))
		for i := range in {
			in[i] = byte(random.Uint32())
		}
		rows += checkRecord(t, m, in)
	}
	if rows < 300 {
		t.Errorf("only %d rows came of it: the noise is no longer near real records", rows)
	}
}

// TestRowConcurrently shares one map between goroutines, for the race detector.
func TestRowConcurrently(t *testing.T) {
	t.Parallel()
	o, _ := mustCompile(t, "", account()).Object("deals")
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := range 200 {
				title := strings.Repeat("ż", worker*100+i)
				v := connectors.Values{
					Standard: []connectors.Pair{{Key: "title", Value: text(title)}, {Key: "status", Value: text("open")}, {Key: "strange", Value: text(title)}},
					Custom:   []connectors.Pair{{Key: "c1", Value: num("1")}},
				}
				row, err := o.Row("1", "", &v)
				if want := `{"c1":"1","strange":"` + title + `"}`; err != nil || row.Values[0] != title || string(row.Custom) != want {
					t.Errorf("worker %d: %v, %v, %s", worker, err, row.Values[0], row.Custom)
					return
				}
			}
		})
	}
	wg.Wait()
}

// TestDeepCustom keeps documents within what PostgreSQL can parse.
func TestDeepCustom(t *testing.T) {
	t.Parallel()
	o, _ := mustCompile(t, "", nil).Object("deals")
	deep := func(levels int) *connectors.Values {
		v := text("bottom")
		for range levels {
			v = list(v)
		}
		return &connectors.Values{Standard: []connectors.Pair{{Key: "title", Value: text("x")}, {Key: "status", Value: text("open")}, {Key: "deep", Value: v}}}
	}
	if _, err := o.Row("1", "", deep(maxLevels-1)); err != nil {
		t.Errorf("%d levels: %v", maxLevels-1, err)
	}
	_, err := o.Row("1", "", deep(maxLevels+1))
	problem, ok := errors.AsType[*Problem](err)
	if !ok || problem.Field != "deep" || problem.Reason != refusals[tooDeep].reason {
		t.Errorf("%d levels: %v", maxLevels+1, err)
	}
}

// TestCustomRest keeps the parts that the map leaves, and nothing of a value
// that it reads whole.
func TestCustomRest(t *testing.T) {
	t.Parallel()
	o, _ := mustCompile(t, "objects: {companies: {kind: companies, dictionary: companies, ignore: [noise], fields: {name: name, address: adr.value, country: adr.geo.country, labels: l}}}", nil).Object("companies")
	v := connectors.Values{Standard: []connectors.Pair{
		{Key: "name", Value: text("x")}, {Key: "noise", Value: num("1")}, {Key: "l", Value: list(num("1"))},
		{Key: "adr", Value: nested("value", text("v"), "geo", nested("country", text("PL")), "zip", text("30"), "none", connectors.Value{})},
	}}
	row, err := o.Row("1", "", &v)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(`{"adr":{"zip":"30"}}`, string(row.Custom)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestStrangeTexts holds what PostgreSQL refuses out of rows and documents.
func TestStrangeTexts(t *testing.T) {
	t.Parallel()
	o, _ := mustCompile(t, "", nil).Object("deals")
	v := connectors.Values{
		Standard: []connectors.Pair{{Key: "title", Value: text("a\x00\xed\xa0\x80b")}, {Key: "status", Value: text("open")}},
		Custom:   []connectors.Pair{{Key: "k\x00\"\\", Value: text("\x00\x01\x1f\t\r\n\u2028\xff\xf0\x9f\x98\x80\"\\/")}},
	}
	row, err := o.Row("7\x00", "", &v)
	if err != nil {
		t.Fatal(err)
	}
	checkRow(t, o.Kind(), row)
	if diff := cmp.Diff("7\uFFFD", row.ID); diff != "" {
		t.Errorf("id (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff("a\uFFFD\uFFFDb", row.Values[0]); diff != "" {
		t.Errorf("title (-want +got)\n%s", diff)
	}
	want := `{"k` + "\uFFFD" + `\"\\":"` + "\uFFFD" + `\u0001\u001f\t\r\n` + "\u2028\uFFFD😀" + `\"\\/"}`
	if diff := cmp.Diff(want, string(row.Custom)); diff != "" {
		t.Errorf("custom (-want +got)\n%s", diff)
	}
}

func TestMinorDigitsAgree(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]int64{"EUR": 1235, "JPY": 12, "KWD": 12346, "CLF": 123457, "RSD": 1235, "SLE": 1235} {
		s := source{}
		v := connectors.Value{Kind: connectors.Money, Text: "12.34567", Unit: code}
		if got, no := toMinor(&s, &v, nil); got != want || no != fine {
			t.Errorf("12.34567 %s = %v, want %d", code, got, want)
		}
	}
	for _, code := range []string{"", "XAU", "XXX", "PTS1", "QQQ"} {
		if digits, ok := sales.MinorDigits(code); ok {
			t.Errorf("%q has %d digits", code, digits)
		}
	}
}

// TestClasses tells in which form each class keeps values, in all shapes that
// may come, and what stays as it is because it contradicts its class.
func TestClasses(t *testing.T) {
	t.Parallel()
	null := connectors.Value{}
	for _, c := range []struct {
		vendorType string
		in         connectors.Value
		want       string // empty: left out
	}{
		{"varchar", text("a"), `"a"`}, {"varchar", num("12.50"), `"12.50"`}, {"varchar", flags("true"), `"true"`}, {"varchar", text(""), `""`}, {"varchar", list(text("a")), `["a"]`}, {"varchar", null, ``},
		{"double", num("12.50"), `12.5`}, {"double", text("12.50"), `12.5`}, {"double", text("twelve"), `"twelve"`}, {"double", num("1e999"), `"1e999"`}, {"double", text(""), ``}, {"double", flags("true"), `true`},
		{"boolean", flags("true"), `true`}, {"boolean", num("0"), `false`}, {"boolean", text("1"), `true`}, {"boolean", text("maybe"), `"maybe"`}, {"boolean", text(""), ``},
		{"date", date("2026-02-28"), `"2026-02-28"`}, {"date", text("2026-02-28"), `"2026-02-28"`}, {"date", text(""), ``},
		{"monetary", eur("13.50"), `{"amount":"13.5","currency":"eur"}`}, {"monetary", num("13.50"), `{"amount":"13.5"}`}, {"monetary", text("13.50"), `{"amount":"13.5"}`}, {"monetary", text("a lot"), `"a lot"`}, {"monetary", eur(""), ``},
		{"enum", num("37"), `"37"`}, {"enum", text("37"), `"37"`}, {"enum", text(""), ``}, {"enum", nested("id", num("1")), `{"id":1}`},
		{"set", list(num("37"), text("38")), `["37","38"]`}, {"set", text("37, 38"), `["37","38"]`}, {"set", num("37"), `["37"]`}, {"set", list(), ``}, {"set", text(""), ``}, {"set", list(nested("x", num("1"))), `[{"x":1}]`}, {"set", nested("x", num("1")), `{"x":1}`},
		{"user", num("7"), `"7"`}, {"org", text("7"), `"7"`},
		{"address", nested("value", text("v"), "a", text("x"), "n", null), `{"a":"x","value":"v"}`}, {"address", text("flat"), `"flat"`},
		{"time", nested("value", text("09:00")), `{"value":"09:00"}`},
		{"new type of 2027", num("1.0"), `1`}, {"new type of 2027", text("1"), `"1"`}, {"new type of 2027", at(time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)), `"2026-01-02T03:04:05.000006Z"`},
		{"new type of 2027", list(), `[]`}, {"new type of 2027", flags("odd"), `"odd"`}, {"new type of 2027", list(null, num("01")), `[null,1]`},
	} {
		d := NewDictionary([]FieldDef{{Kind: "deals", Code: "c", Name: "C", Type: c.vendorType, Custom: true}})
		o, _ := mustCompile(t, "", d).Object("deals")
		v := connectors.Values{
			Standard: []connectors.Pair{{Key: "title", Value: text("x")}, {Key: "status", Value: text("open")}},
			Custom:   []connectors.Pair{{Key: "c", Value: c.in}},
		}
		row, err := o.Row("1", "", &v)
		if err != nil {
			t.Fatal(err)
		}
		want := `{"c":` + c.want + `}`
		if c.want == "" {
			want = `{}`
		}
		if string(row.Custom) != want {
			t.Errorf("%s of %s is kept as %s, want %s", c.vendorType, show(&c.in), row.Custom, want)
		}
	}
}

// TestLongLists finds repetitions in lists of any length.
func TestLongLists(t *testing.T) {
	t.Parallel()
	for _, length := range []int{3, 32, 33, 5000} {
		var items []connectors.Value
		for i := range length {
			items = append(items, num(strconv.Itoa(i)), num(strconv.Itoa(i/2)))
		}
		v := connectors.Values{Standard: []connectors.Pair{{Key: "x", Value: list(items...)}}}
		got, err := ruleOf(t, "deals", "labels", "x", nil)(&v)
		if err != nil {
			t.Fatal(err)
		}
		if texts := got.([]string); len(texts) != length {
			t.Errorf("%d different items of %d, want %d", len(texts), len(items), length)
		}
	}
}

// TestManyFields maps records of accounts with more fields than most have.
func TestManyFields(t *testing.T) {
	t.Parallel()
	var defs []FieldDef
	v := connectors.Values{Standard: []connectors.Pair{{Key: "title", Value: text("x")}, {Key: "status", Value: text("open")}}}
	var want []string
	for i := range 1000 {
		code := fmt.Sprintf("c%03d", i)
		defs = append(defs, FieldDef{Kind: "deals", Code: code, Name: code, Type: "double", Custom: true})
		v.Custom = append(v.Custom, connectors.Pair{Key: code, Value: num(strconv.Itoa(i))})
		want = append(want, fmt.Sprintf("%q:%d", code, i))
	}
	o, _ := mustCompile(t, "", NewDictionary(defs)).Object("deals")
	row, err := o.Row("1", "", &v)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("{"+strings.Join(want, ",")+"}", string(row.Custom)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
