package book

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const fieldsBook = `
book: 1
name: Fields
leads: {entry_data: [Source], nuances: [person.Hobby]}
segments: [{id: s, name: S, known: [company.Branch]}]
standard:
  - {id: reachable, text: We can reach them, must: {required: [person.Email]}}
  - {id: site, text: They have a site, must: {cel: "field('company.Website') != '' && number('Size') > 0.0"}}
funnels:
  - id: f
    name: F
    segment: s
    crm: [{pipeline: P}]
    stages:
      - {id: a, name: A, required: [Budget], exit: [{document_sent: {field: Sent on}}, {any: [{field: {name: Size, at_least: 5}}]}]}
loss_reasons:
  - {id: r, name: R, facts: [Their price], any_time: true, nurture: {field: Back on}, on_lost: [{task: Call, field: Call on}]}
`

func compiledText(t testing.TB, text string) *Compiled {
	t.Helper()
	b, err := Parse("b.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	c, err := Compile(b, b.imagined())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestABookKnowsItsFields(t *testing.T) {
	t.Parallel()
	c := compiledText(t, fieldsBook)
	var got []string
	for _, f := range c.Fields() {
		if f.Folded != fold(f.Name) || f.At.Line == 0 || f.Where == "" {
			t.Errorf("%+v", f)
		}
		got = append(got, f.Name)
	}
	slices.Sort(got)
	want := []string{"Back on", "Budget", "Call on", "Sent on", "Size", "Size", "Source", "Their price", "company.Branch", "company.Website", "person.Email", "person.Hobby"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	for _, test := range []struct {
		must            string
		person, company bool
	}{
		{"required: [Email]", false, false},
		{"required: [PERSON.email]", true, false},
		{"cel: field('company.Industry') == 'x'", false, true},
		{"cel: field('Industry') == 'person.x'", false, false},
		{"cel: field(title) == 'x'", true, true}, // which, nobody can tell beforehand
	} {
		c := compiledText(t, "book: 1\nname: x\nstandard:\n  - id: s\n    text: x\n    must: {"+test.must+"}\nfunnels: [{id: f, name: F, crm: [{pipeline: P}], stages: [{id: a, name: A}]}]\n")
		if c.Reads(OfPerson) != test.person || c.Reads(OfCompany) != test.company {
			t.Errorf("%s reads of the person: %v, of the company: %v", test.must, c.Reads(OfPerson), c.Reads(OfCompany))
		}
	}
}

// TestFieldsOfTheClientAreJudged as those of the deal, at any time, and it is said
// which values are assumed.
func TestFieldsOfTheClientAreJudged(t *testing.T) {
	t.Parallel()
	c := compiledText(t, fieldsBook)
	day := func(n int) time.Time { return time.Date(2026, 11, n, 12, 0, 0, 0, time.UTC) }
	f := &Facts{ID: "1", Added: day(1), Owner: "a@x.pl", Status: "open", KnownSince: day(2), PersonSince: day(5),
		Fields:     map[string]string{"person.emails": "jan@firma.pl", "company.website": "firma.pl", "size": "3"},
		Aliases:    map[string]string{"person.email": "person.emails"},
		Past:       []Change{{At: day(10), Field: "person.emails"}, {At: day(12), Field: "company.website", Old: "firma.pl"}, {At: day(14), Field: "company.website"}},
		Activities: []Activity{{ID: "1", Type: "call", Added: day(1), Due: day(28)}}}
	type verdict struct {
		Rule    Rule
		Since   int
		Assumed bool
	}
	for _, test := range []struct {
		now  int
		want []verdict
	}{
		{20, nil},
		{13, []verdict{{"site", 12, false}}},
		{9, []verdict{{"reachable", 1, false}}},
		{4, []verdict{{"reachable", 1, true}}}, // the deal is known, but of the person nothing before the fifth
	} {
		var got []verdict
		for _, v := range c.Judge(f, day(test.now)).Verdicts {
			got = append(got, verdict{v.Rule, v.Opened.Day(), v.Assumed})
		}
		if d := cmp.Diff(test.want, got); d != "" {
			t.Errorf("on day %d (-want +got)\n%s", test.now, d)
		}
	}
}

// TestWhatAnExpressionAssumes of the client is said, too.
func TestWhatAnExpressionAssumes(t *testing.T) {
	t.Parallel()
	c := compiledText(t, fieldsBook)
	at := time.Date(2026, 11, 4, 12, 0, 0, 0, time.UTC)
	for _, k := range c.expressions {
		f := &Facts{Fields: map[string]string{"size": "3"}, KnownSince: at.Add(-time.Hour), PersonSince: at.Add(time.Hour)}
		s := &subject{Facts: f, c: c, work: c.calendar, at: at, past: true}
		if k.holds(s).assumed {
			t.Error("what it says of the company is known, and of the person it says nothing")
		}
		if f.CompanySince = at.Add(time.Hour); !k.holds(s).assumed {
			t.Error("what it says of the company is not known")
		}
	}
}
