package starter

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"salesbook.dev/internal/book"
)

func day(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }

// company is one of which everything is known that the starter uses.
func company() Account {
	probability := decimal.NewFromInt(40)
	return Account{
		Connection: "crm", Zone: "Europe/Warsaw", Locales: []string{"pl_PL", "pl_PL", "en_US"}, Currency: "PLN", Deals: 220, Won: 60, Lost: 100, Leads: 12,
		Pipelines: []Pipeline{
			{ID: "1", Name: "Oprogramowanie B2B", Won: 50, Lost: 90, Stages: []Stage{
				{ID: "11", Name: "Ocena klienta", Probability: &probability, RotDays: 7, Stood: 50, Stay: day(3) + time.Second, Reached: 140, ReachedWon: 50},
				{ID: "12", Name: "Prezentacja", RotDays: 10, Stood: 29, Stay: day(5), Reached: 100, ReachedWon: 50},
				{ID: "13", Name: "Oferta", Stood: 30, Stay: day(9), Reached: 60, ReachedWon: 48, Required: []string{"amount", "Budżet: brutto"}},
				{ID: "14", Name: "Zapłata", Stood: 3, Reached: 55, ReachedWon: 48},
			}, Fields: []Field{{Name: "Budżet: brutto", Won: 40, Lost: 44}, {Name: "Decydent", Won: 39, Lost: 1}, {Name: "Źródło", Won: 50, Lost: 45}, {Name: "Umowa", Won: 50, Lost: 0, RequiredWon: true}}},
			{ID: "2", Name: "oprogramowanie  b2b", Won: 10, Lost: 10, Stages: []Stage{{ID: "21", Name: "#1 \"Start\""}, {ID: "22", Name: "#1 \"start\""}},
				Fields: []Field{{Name: "Umowa", RequiredWon: true}, {Name: "Notatka", RequiredWon: true}}},
			{ID: "3", Name: "Pusty"},
		},
		Options: []string{"Za drogo", "Wybrał konkurencję", "Inne"},
		Reasons: []Reason{{"Za drogo", 30}, {"", 22}, {"za drogo!!", 9}, {"inne", 8}, {"za drgo", 5}, {"???", 4}, {"Zmiana zarządu", 4}, {"zmiana  Zarządu", 1}, {"raz", 2}, {"brak czasu", 1}, {strings.Repeat("bla ", 30), 9}},
	}
}

func TestMake(t *testing.T) {
	t.Parallel()
	got := Make([]Account{company()}, time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)).Text
	const file = "testdata/company.yaml"
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("the book differs from %s (UPDATE=1 writes it anew):\n%s", file, d)
	}
}

// accept takes the "# " away from everything that is proposed.
func accept(text string) string {
	return regexp.MustCompile(`(?m)^( *)# `).ReplaceAllString(text, "$1")
}

// TestWhatIsProposedCanBeAccepted: the book passes its check as it is, and with
// everything that it proposes.
func TestWhatIsProposedCanBeAccepted(t *testing.T) {
	t.Parallel()
	text := Make([]Account{company()}, time.Now()).Text
	b, err := book.Parse("starter.yaml", []byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if len(b.LossReasons) > 0 || b.Funnels[0].KeyStage != "" || b.Funnels[0].Stages[2].Exit != nil {
		t.Errorf("what is to be decided by people is in force:\n%s", text)
	}
	accepted := accept(text)
	if b, err = book.Parse("starter.yaml", []byte(accepted)); err != nil {
		t.Fatalf("%v\n%s", err, accepted)
	}
	if len(b.LossReasons) != 3 || b.Funnels[0].KeyStage != "ocena-klienta" && b.Funnels[0].KeyStage != "prezentacja" || b.Funnels[0].Stages[2].Exit == nil {
		t.Errorf("what was accepted is not in force:\n%s", accepted)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	d := Make([]Account{company()}, time.Now())
	want := []Limit{
		{"crm", "oprogramowanie-b2b", "ocena-klienta", 4, FromWon, 50}, // three days and a second
		{"crm", "oprogramowanie-b2b", "prezentacja", 10, FromRot, 29},
		{"crm", "oprogramowanie-b2b", "oferta", 9, FromWon, 30},
		{"crm", "oprogramowanie-b2b", "zapłata", 14, FromUsage, 3},
		{"crm", "oprogramowanie-b2b-2", "1-start", 14, FromUsage, 0},
		{"crm", "oprogramowanie-b2b-2", "1-start-2", 14, FromUsage, 0},
	}
	if diff := cmp.Diff(want, d.Limits); diff != "" {
		t.Error(diff)
	}
}

func TestKeyStages(t *testing.T) {
	t.Parallel()
	// 200 came, 100 stayed for the demo, 80 of those got an offer, 40 bought. Of
	// those who passed the inquiry 40 bought, where 20 would have at the rate of
	// all; of those who passed the demo 40, where 32 would have.
	p := &Pipeline{Won: 40, Lost: 160, Stages: []Stage{{Reached: 200, ReachedWon: 40}, {Reached: 100, ReachedWon: 40}, {Reached: 80, ReachedWon: 40}}}
	want := []KeyStage{
		{Funnel: "f", Stage: "inquiry", Reached: 200, Bought: 40, Passed: 100, Won: 40, More: 20},
		{Funnel: "f", Stage: "demo", Reached: 100, Bought: 40, Passed: 80, Won: 40, More: 8},
	}
	if d := cmp.Diff(want, keyStages(p, "f", []string{"inquiry", "demo", "offer"})); d != "" {
		t.Error(d)
	}
	few := company()
	few.Pipelines[0].Won, few.Pipelines[0].Lost = 20, 29
	if d := Make([]Account{few}, time.Now()); len(d.KeyStages) > 0 || !strings.Contains(d.Text, "from 50 closed deals on; there are 49") {
		t.Errorf("a key stage is proposed from 49 closed deals: %+v\n%s", d.KeyStages, d.Text)
	}
}

func TestFieldsThatSellersFill(t *testing.T) {
	t.Parallel()
	got := Make([]Account{company()}, time.Now()).Fields
	// 39 of 50 is under 80 %, 45 of 90 is half.
	want := []FieldProposal{{"oprogramowanie-b2b", "Budżet: brutto", 80, 48}, {"oprogramowanie-b2b", "Umowa", 100, 0}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestReasons(t *testing.T) {
	t.Parallel()
	got := Make([]Account{company()}, time.Now()).Reasons
	want := []ReasonProposal{
		{Text: "Za drogo", Option: true, Deals: 44, Spellings: []string{"za drgo"}},
		{Text: "Inne", Option: true, Deals: 8, Refuse: true},
		{Text: "Zmiana zarządu", Deals: 5},
		{Text: "???", Deals: 4, Refuse: true},
		{Text: "brak czasu", Deals: 1, Refuse: true},
		{Text: "Wybrał konkurencję", Option: true},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestManyReasons: of hundreds of texts the most frequent are proposed, and all
// that the CRM offers.
func TestManyReasons(t *testing.T) {
	t.Parallel()
	var reasons []Reason
	for i := range 500 {
		reasons = append(reasons, Reason{strings.Repeat(string(rune('а'+i%32)), 10+i/32*2), 1000 - i})
	}
	got := group([]string{"Never given"}, reasons)
	if len(got) != 31 || got[0].Deals < got[29].Deals || got[30].Text != "Never given" {
		t.Errorf("%d are proposed: %+v", len(got), got)
	}
}

// TestWithoutALeadInbox: where the lead inbox is not used, deals in the first
// stage are the leads.
func TestWithoutALeadInbox(t *testing.T) {
	t.Parallel()
	a := company()
	a.Leads = 0
	b, err := book.Parse("starter.yaml", []byte(Make([]Account{a}, time.Now()).Text))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"oprogramowanie-b2b/prezentacja", "oprogramowanie-b2b-2/1-start-2"}, b.Leads.Below); d != "" {
		t.Error(d)
	}
}

// TestSeveralConnections: one book judges all CRMs of a company.
func TestSeveralConnections(t *testing.T) {
	t.Parallel()
	second := company()
	second.Connection, second.Zone, second.Locales = "zoho", "Asia/Tashkent", []string{"ru_RU", "ru", "ru-RU"}
	b, err := book.Parse("starter.yaml", []byte(Make([]Account{{Connection: "empty"}, company(), second}, time.Now()).Text))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range b.Funnels {
		got = append(got, f.ID+" "+f.CRM[0].Connection+" "+f.CRM[0].Pipeline)
	}
	want := []string{"oprogramowanie-b2b crm #1", "oprogramowanie-b2b-2 crm #2", "oprogramowanie-b2b-3 zoho #1", "oprogramowanie-b2b-4 zoho #2"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if b.Language != "ru" || b.Calendars[0].Zone != "Europe/Warsaw" || b.Calendars[0].Holidays != "PL" {
		t.Errorf("language %s, calendar %+v", b.Language, b.Calendars[0])
	}
}

// FuzzMake: whatever people call their pipelines, stages, fields and reasons,
// the book can be parsed, and with it what it proposes; names come back as they
// are.
func FuzzMake(f *testing.F) {
	for _, s := range []string{"Продажи", "# not a remark", "a: b", "- x", "null", "\"", "'", "\\", "\u2028\u200b", "\x01\t", "😀", "!tag", "{x}", "[", "*a", "&a", "%", "@", "`", "=", "1.5", "0x1F", "2026-11-27", "~", "~ ", "x #y", "ß", "İ", "é"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if strings.ToValidUTF8(name, "") != name || strings.Contains(name, "\x00") {
			t.Skip("no database holds it")
		}
		if strings.TrimSpace(name) == "" {
			t.Skip("no CRM allows it")
		}
		a := company()
		p := &a.Pipelines[0]
		p.Name, p.Stages[0].Name, p.Stages[2].Required, p.Fields[0].Name = name, name, []string{name}, name
		a.Options, a.Reasons = append(a.Options, name), append(a.Reasons, Reason{name + "x", 5}, Reason{name, 4})
		text := Make([]Account{a}, time.Now()).Text
		for _, text := range []string{text, accept(text)} {
			b, err := book.Parse("starter.yaml", []byte(text))
			if err != nil {
				t.Fatalf("%q: %v\n%s", name, err, text)
			}
			if got := b.Funnels[0].Name + b.Funnels[0].Stages[0].Name + fmt.Sprint(b.Funnels[0].Stages[2].Required); got != name+name+fmt.Sprint([]string{name}) {
				t.Errorf("%q came back as %q", name, got)
			}
		}
	})
}
