package book

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func lookedUp(t *testing.T) *Book {
	t.Helper()
	b, err := Parse("b.yaml", []byte(`
book: 1
name: Książka
standard: [{id: polite, text: Say hello, must: {note_written: {}}}]
teams:
  - {id: north, name: Północ, head: [marina@x.pl], reps: [Olga@x.pl, ivan@x.pl]}
  - {id: empty, name: Pusty}
funnels:
  - id: homes
    name: Жильё
    crm: [{pipeline: A}]
    stages: [{id: lead, name: Заявка}, {id: offer, name: Offer}]
  - id: shops
    name: Shops
    crm: [{pipeline: B}]
    stages: [{id: lead, name: Lead}, {id: proposal, name: offer}]
loss_reasons: [{id: price, name: Za drogo, spellings: [drogo], any_time: true}]
`))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestThingsOfTheBookAreFoundByIDOrName(t *testing.T) {
	t.Parallel()
	b := lookedUp(t)
	places := func(funnel, stage string) func() (any, error) {
		return func() (any, error) { p, err := b.PlacesCalled(funnel, stage); return p, err }
	}
	team := func(name string) func() (any, error) {
		return func() (any, error) { r, err := b.RepsOfTeam(name); return r, err }
	}
	rule := func(name string, among ...Rule) func() (any, error) {
		return func() (any, error) { r, err := b.RuleCalled(name, among); return r, err }
	}
	reason := func(name string) func() (any, error) {
		return func() (any, error) {
			r, err := b.LossReasonNamed(name)
			if err != nil {
				return nil, err
			}
			return r.ID, nil
		}
	}
	for name, tc := range map[string]struct {
		look func() (any, error)
		want any
		err  string
	}{
		"nothing":                       {places("", ""), []string(nil), ""},
		"a funnel by id":                {places("HOMES", ""), []string{"homes/lead", "homes/offer"}, ""},
		"a funnel by name":              {places(" жильё", ""), []string{"homes/lead", "homes/offer"}, ""},
		"a stage of two funnels":        {places("", "lead"), []string{"homes/lead", "shops/lead"}, ""},
		"a stage's name, twice":         {places("", "OFFER"), []string{"homes/offer", "shops/proposal"}, ""},
		"a stage by its place":          {places("", "Shops/Lead"), []string{"shops/lead"}, ""},
		"a stage of a funnel":           {places("shops", "offer"), []string{"shops/proposal"}, ""},
		"a stage by its name":           {places("", "заявка"), []string{"homes/lead"}, ""},
		"a funnel that is not there":    {places("hoems", ""), nil, `there is no such funnel in the book: "hoems"; did you mean "homes"?`},
		"a stage of another funnel":     {places("homes", "proposal"), nil, `there is no such stage in the book: "proposal"; known: lead, offer, заявка`},
		"a team":                        {team("PÓŁNOC"), []string{"Olga@x.pl", "ivan@x.pl"}, ""},
		"a team of nobody":              {team("empty"), []string{}, ""},
		"a team that is not there":      {team("south"), nil, `there is no such team in the book: "south"; did you mean "north"?`},
		"a rule":                        {rule("No_Owner"), NoOwner, ""},
		"a rule of the book's":          {rule("Polite"), Rule("polite"), ""},
		"a rule that is not there":      {rule("no_ownr"), nil, `there is no such rule in the book: "no_ownr"; did you mean "no_owner"?`},
		"a rule that is not among some": {rule("no_owner", NoTouch, OverLimit), nil, `there is no such rule in the book: "no_owner"; known: no_touch, over_limit`},
		"a reason by id":                {reason("PRICE"), "price", ""},
		"a reason by a spelling":        {reason("Drogo"), "price", ""},
		"a reason that is not there":    {reason("za drogi"), nil, `there is no such loss reason in the book: "za drogi"; did you mean "za drogo"?`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := tc.look()
			if tc.err != "" {
				if fmt.Sprint(err) != tc.err {
					t.Errorf("%v, want %s", err, tc.err)
				}
				return
			}
			if d := cmp.Diff(tc.want, got); d != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, d)
			}
		})
	}
}
