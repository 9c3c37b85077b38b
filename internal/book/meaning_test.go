package book

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestFoldReason(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"Дорого!", "дорого"},
		{"  ДОРОГО...  ", "дорого"},
		{"Ещё думает", "еще думает"},
		{"Е\u0301ще", "е\u0301ще"},       // an accent that stays a mark
		{"Еще\u0308", FoldReason("Ещё")}, // ё in two characters, as some keyboards write it
		{"Цена/срок", "цена срок"},       // one word each
		{"Зажо\u0301łć — «Brak»", "зажо\u0301łć brak"},
		{"Brak s\u0301rodków", "brak środków"},
		{"об’єкт", "обєкт"}, {"об'єкт", "обєкт"},
		{"№ 1", "no 1"},
		{"", ""}, {"  ", ""}, {"-", "-"}, {" ... ", "..."},
	} {
		if got := FoldReason(c.text); got != c.want {
			t.Errorf("%q is %q, want %q", c.text, got, c.want)
		}
		if again := FoldReason(FoldReason(c.text)); again != FoldReason(c.text) {
			t.Errorf("%q folds to another text the second time: %q", c.text, again)
		}
	}
}

// reasons is a book with reasons in three languages.
func reasons(t testing.TB) *Compiled {
	t.Helper()
	b, err := Parse("b.yaml", []byte(`
book: 1
name: Reasons
funnels: [{id: f, name: F, crm: [{pipeline: P}], stages: [{id: a, name: A}]}]
loss_reasons:
  - {id: no_contact, name: Не дозвонились, spellings: [не берёт трубку после пяти попыток], any_time: true}
  - {id: price, name: Слишком дорого, spellings: [Za drogo, Price], any_time: true}
  - {id: rival, name: Выбрал конкурента, spellings: [Konkurencja, Chose a competitor], any_time: true}
  - {id: later, name: Odłożone na później, spellings: [Postponed], any_time: true}
  - {id: money, name: Brak środków, any_time: true}
refused_reasons:
  - {text: Нет времени, spellings: [brak czasu, no time]}
  - {text: Неинтересно}
`))
	if err != nil {
		t.Fatal(err)
	}
	c, err := Compile(b, b.imagined())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestMeaning(t *testing.T) {
	t.Parallel()
	c := reasons(t)
	decided := Spellings{"ушли к другим": {Reason: "rival"}, "потом": {Why: "say when"}, "price": {Reason: "rival"}, "old": {Reason: "gone"}}
	for _, test := range []struct {
		text    string
		renamed []string
		want    string // reason or refused, and by what
	}{
		{"слишком  ДОРОГО.", nil, "price book"},
		{"Не берет трубку, после пяти попыток", nil, "no_contact book"},
		{"no-time", nil, "refused book"},
		{"Ушли к другим!", nil, "rival decision"},
		{"потом", nil, "refused decision"},
		{"Price", nil, "price book"}, // the book comes before what was decided
		{"old", nil, ""},             // the book no longer has the reason
		{"Too expensive", nil, ""},
		{"Too expensive", []string{"Price"}, "price rename"},
		{"Too expensive", []string{"Costly", "price!"}, "price rename"},
		{"Too expensive", []string{"Price", "za drogo"}, "price rename"}, // both mean the same
		{"Too expensive", []string{"Price", "Konkurencja"}, ""},          // one of several
		{"Too expensive", []string{"Price", "No time"}, ""},              // a reason, or none
		{"Went elsewhere", []string{"ушли к другим"}, "rival rename"},    // decided for the other name
		{"Whenever", []string{"Неинтересно"}, "refused rename"},
		{"потом", []string{"Price"}, "refused decision"}, // what was decided on this text comes before its option's other names
		{"", nil, ""},
	} {
		m := c.Meaning(test.text, test.renamed, decided)
		got := ""
		if m.Known() {
			got = "refused"
			if m.Reason != nil {
				got = m.Reason.ID
			}
			got += " " + m.By
		}
		if got != test.want {
			t.Errorf("%q, also called %q: %q, want %q", test.text, test.renamed, got, test.want)
		}
	}
}

// TestLossesAreJudgedByWhatTheirTextMeans, and say how that is known.
func TestLossesAreJudgedByWhatTheirTextMeans(t *testing.T) {
	t.Parallel()
	c := reasons(t)
	at := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		text     string
		renamed  []string
		want     Rule
		evidence []Evidence
	}{
		{"Ушли к другим", nil, "", nil},
		{"Too expensive", []string{"Price"}, "", nil},
		{"Too expensive", nil, LossReasonUnknown, []Evidence{{What: "lost_reason", Found: "Too expensive"}}},
		{"потом", nil, LossReasonRefused, []Evidence{{What: "lost_reason", Found: "потом"}, {What: "somebody has decided that it is no reason", Found: "say when"}}},
		{"Whenever", []string{"Неинтересно"}, LossReasonRefused, []Evidence{{What: "lost_reason", Found: "Whenever"}, {What: "the CRM also calls it", Found: "Неинтересно"}}},
		{"no time", nil, LossReasonRefused, []Evidence{{What: "lost_reason", Found: "no time"}}},
		{" ", nil, LossWithoutReason, []Evidence{{What: "lost_reason", Found: " "}}},
	} {
		f := &Facts{ID: "1", Added: at.AddDate(0, 0, -1), Lost: at, Status: "lost", Reason: test.text, Renamed: test.renamed,
			Spellings: Spellings{"ушли к другим": {Reason: "rival"}, "потом": {Why: "say when"}}}
		verdicts := c.Judge(f, at).Verdicts
		if test.want == "" {
			if len(verdicts) > 0 {
				t.Errorf("%q: %+v", test.text, verdicts)
			}
			continue
		}
		if len(verdicts) != 1 || verdicts[0].Rule != test.want || !cmp.Equal(verdicts[0].Evidence, test.evidence) {
			t.Errorf("%q: %+v, want %s with %+v", test.text, verdicts, test.want, test.evidence)
		}
	}
}

func TestSuggestReasons(t *testing.T) {
	t.Parallel()
	b := reasons(t).Book
	for _, test := range []struct {
		text string
		want []string // ids, or what is refused
	}{
		{"не дозвонился", []string{"no_contact"}},
		{"Недозвон", []string{"no_contact"}},
		{"не удалось дозвониться до клиента", []string{"no_contact"}},
		{"Дороговато", []string{"price"}},
		{"дорогo", []string{"price"}}, // with a Latin o
		{"zbyt drogo dla klienta", []string{"price"}},
		{"Prise", []string{"price"}},
		{"ушли к конкурентам", []string{"rival"}},
		{"wybrali konkurencję", []string{"rival"}},
		{"client went to a competitor", []string{"rival"}},
		{"competitor, better price", []string{"price", "rival"}},
		{"odlozone na pozniej", []string{"later"}},
		{"BRAK SRODKOW!!", []string{"money"}},
		{"времени нет", []string{"Нет времени"}},
		{"не интересно", []string{"Неинтересно"}},
		{"Klient zmarł", nil},
		{"asdf", nil},
		{"...", nil},
		{"", nil},
	} {
		var got []string
		for _, s := range b.SuggestReasons(test.text) {
			if s.Reason == "" {
				got = append(got, s.Like)
			} else {
				got = append(got, s.Reason)
			}
		}
		if d := cmp.Diff(test.want, got); d != "" {
			t.Errorf("%q (-want +got):\n%s", test.text, d)
		}
	}
}

// FuzzSuggestReasons: whatever reps write, something sensible is said, soon.
func FuzzSuggestReasons(f *testing.F) {
	for _, s := range []string{"", "дорого", "\u0301", "a\xffb", "🤷", "ﷺ"} {
		f.Add(s)
	}
	b := reasons(f).Book
	f.Fuzz(func(t *testing.T, text string) {
		for _, s := range b.SuggestReasons(text) {
			if s.Reason != "" && b.LossReason(s.Reason) == nil || s.Like == "" {
				t.Errorf("%q: %+v", text, s)
			}
		}
		if once := FoldReason(text); FoldReason(once) != once {
			t.Errorf("%q folds to %q, and that to %q", text, once, FoldReason(once))
		}
	})
}
