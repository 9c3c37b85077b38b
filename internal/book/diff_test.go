package book

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/internal/strictyaml"
)

func parsed(t testing.TB, text string) *Book {
	t.Helper()
	b, err := Parse("book.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func read(t testing.TB, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

const smallBook = `
book: 1
name: Nasza książka
currency: PLN
calendars: [{id: office, zone: Europe/Warsaw}]
standard: [{id: dated, text: Next steps have a date, must: {next_step_dated: {}}}]
roles: [{id: closer, name: Closer, reps: [anna@x.pl, ben@x.pl]}]
teams: [{id: one, name: One, head: kasia@x.pl, reps: [anna@x.pl]}]
segments: [{id: firms, name: Firms, known: [Size]}]
funnels:
  - id: sales
    name: Sales
    segment: firms
    crm: [{pipeline: Sales}]
    order: strict
    stages:
      - {id: lead, name: Lead}
      - id: offer
        name: Offer
        crm: ["#7"]
        role: closer
        limit: 5wd
        tasks: [{id: call, name: Call, done: {activity: {types: [call]}}}, {id: think, name: Think}]
        exit:
          - {attempts: {count: 3}}
          - {id: sent, document_sent: {words: [offer]}}
      - {id: contract, name: Contract, entry: [{amount_at_least: 100}]}
loss_reasons:
  - {id: price, name: Price, spellings: [za drogo], criteria: [{stage_passed: sales/offer}]}
enforcement:
  - {rule: no_owner, mode: off}
  - {rule: over_limit, mode: tell}
`

// TestDiffInWords: what two books say differently, and what that means for
// judging.
func TestDiffInWords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name        string
		edits       []string // pairs
		differences []string
		effects     []string
	}{
		{"a limit", []string{"limit: 5wd", "limit: 3wd"}, []string{"funnels › Sales › stages › Offer › limit: 5wd -> 3wd"}, []string{"over_limit anew: funnels › Sales › stages › Offer › limit"}},
		{"the last limit", []string{"        limit: 5wd\n", ""}, []string{"funnels › Sales › stages › Offer › limit: 5wd -> not set"}, []string{"over_limit no longer: funnels › Sales › stages › Offer › limit"}},
		{"a name of a stage that the CRM knows by its number", []string{"name: Offer", "name: Oferta"}, []string{"funnels › Sales › stages › Oferta: renamed from Offer"}, nil},
		{"a name for people", []string{"name: Sales\n", "name: Sprzedaż\n"}, []string{"funnels › Sprzedaż: renamed from Sales"}, nil},
		{"a condition of several", []string{"count: 3", "count: 5"}, []string{"funnels › Sales › stages › Offer › exit › 1 › attempts › count: 3 -> 5"}, []string{"exit_criteria anew: funnels › Sales › stages › Offer › exit › 1 › attempts › count"}},
		{"a condition with an id", []string{"words: [offer]", "words: [offer, oferta]"}, []string{"funnels › Sales › stages › Offer › exit › sent › document_sent › words: added oferta"},
			[]string{"sent anew: funnels › Sales › stages › Offer › exit › sent › document_sent › words"}},
		{"one condition less", []string{"          - {id: sent, document_sent: {words: [offer]}}\n", ""}, []string{"funnels › Sales › stages › Offer › exit › sent: removed {id: sent, document_sent: {words: [offer]}}"},
			[]string{"exit_criteria anew: funnels › Sales › stages › Offer › exit › sent", "sent no longer: funnels › Sales › stages › Offer › exit › sent"}},
		{"a task for people alone", []string{", {id: think, name: Think}", ""}, []string{"funnels › Sales › stages › Offer › tasks › Think: removed {id: think, name: Think}"}, nil},
		{"a task that shows", []string{"[{id: call, name: Call, done: {activity: {types: [call]}}}, ", "["},
			[]string{"funnels › Sales › stages › Offer › tasks › Call: removed {id: call, name: Call, done: {activity: {types: [call]}}}"}, []string{"task_not_done no longer: funnels › Sales › stages › Offer › tasks › Call"}},
		{"reps in another order", []string{"[anna@x.pl, ben@x.pl]", "[ben@x.pl, anna@x.pl]"}, nil, nil},
		{"a rep of a role", []string{"anna@x.pl, ben@x.pl", "ben@x.pl"}, []string{"roles › Closer › reps: removed anna@x.pl"}, []string{"wrong_role anew: roles › Closer › reps"}},
		{"a rep of a team that has the calendar of all", []string{"reps: [anna@x.pl]}]", "reps: [anna@x.pl, ewa@x.pl]}]"}, []string{"teams › One › reps: added ewa@x.pl"}, nil},
		{"the currency", []string{"currency: PLN", "currency: EUR"}, []string{"currency: PLN -> EUR"}, []string{"entry_criteria anew: currency"}},
		{"an amount in other words", []string{"amount_at_least: 100", "amount_at_least: 100.00"}, nil, nil},
		{"another order of passing", []string{"    order: strict\n", ""}, []string{"funnels › Sales › order: strict -> not set"},
			[]string{"skipped_stage no longer: funnels › Sales › order", "moved_back no longer: funnels › Sales › order"}},
		{"a commandment", []string{"{next_step_dated: {}}", "{next_step_dated: {within: 5wd}}"}, []string{"standard › dated › must › next_step_dated › within: not set -> 5wd"},
			[]string{"dated anew: standard › dated › must › next_step_dated › within"}},
		{"a spelling", []string{"za drogo", "drogo"}, []string{"loss_reasons › Price › spellings: removed za drogo", "loss_reasons › Price › spellings: added drogo"},
			[]string{"loss_reason_unknown anew: loss_reasons › Price › spellings", "loss_criteria anew: loss_reasons › Price › spellings"}},
		{"a rule that was off", []string{"mode: off", "mode: off}\n  - {rule: no_owner, mode: tell, from: 2026-12-07, grace: 1wd"}, []string{"enforcement › no_owner 2026-12-07: added {rule: no_owner, mode: tell, from: 2026-12-07, grace: 1wd}"},
			[]string{"no_owner newly, off -> off, tell from 2026-12-07 after 1wd"}},
		{"a rule that is off", []string{"{rule: over_limit, mode: tell}", "{rule: over_limit, mode: off}"}, []string{"enforcement › over_limit › mode: tell -> off"}, []string{"over_limit no longer, tell -> off"}},
		{"another mode", []string{"mode: tell", "mode: task"}, []string{"enforcement › over_limit › mode: tell -> task"}, []string{"over_limit alike, tell -> task"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			text := strings.NewReplacer(c.edits...).Replace(smallBook)
			if text == smallBook {
				t.Fatal("the edit changes nothing")
			}
			d := Compare(parsed(t, smallBook), parsed(t, text))
			var differences, effects []string
			for i := range d.Differences {
				differences = append(differences, d.Differences[i].String())
			}
			for _, e := range d.Effects {
				line := fmt.Sprint(e.Rule, " ", e.Judging)
				if len(e.Because) > 0 {
					line += ": " + strings.Join(e.Because, ", ")
				}
				if e.Before != e.After {
					line += ", " + e.Before + " -> " + e.After
				}
				effects = append(effects, line)
			}
			if diff := cmp.Diff(c.differences, differences); diff != "" {
				t.Errorf("differences (-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(c.effects, effects); diff != "" {
				t.Errorf("effects (-want +got)\n%s", diff)
			}
		})
	}
}

// TestDiffNamesWhatStandsElsewhere: stages that are moved change what is judged
// where a deal stands, and nothing else.
func TestDiffNamesWhatStandsElsewhere(t *testing.T) {
	t.Parallel()
	other := parsed(t, smallBook)
	stages := other.Funnels[0].Stages
	stages[0], stages[1] = stages[1], stages[0]
	d := Compare(parsed(t, smallBook), other)
	if len(d.Differences) != 1 || d.Differences[0].String() != "funnels › Sales › stages: in another order, Lead, Offer, Contract -> Offer, Lead, Contract" {
		t.Errorf("%v", d.Differences)
	}
	var rules []string
	for _, e := range d.Effects {
		rules = append(rules, string(e.Rule))
	}
	want := []string{"over_limit", "skipped_stage", "moved_back", "entry_criteria", "exit_criteria", "task_not_done", "wrong_role", "loss_criteria", "qualification", "dated", "sent"}
	if diff := cmp.Diff(want, rules); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestLargeEveryFieldOfABookIsCompared changes every field of a book that has them
// all: each change is a difference that names the field.
func TestLargeEveryFieldOfABookIsCompared(t *testing.T) {
	t.Parallel()
	full, b := &Book{}, &Book{}
	fill(reflect.ValueOf(full).Elem(), "", false)
	fill(reflect.ValueOf(b).Elem(), "", false)
	seen, done := map[string]bool{}, map[string]bool{}
	for _, s := range sites(reflect.ValueOf(b).Elem(), "") {
		key := s.owner.Name() + "." + s.key
		if seen[key] = true; done[key+s.how] {
			continue // in another place of the book
		}
		done[key+s.how] = true
		undo := s.change()
		all := Compare(full, b).Differences
		undo()
		if s.how == "another order" && !strings.Contains(tagOf(s), ",ordered") {
			if len(all) > 0 {
				t.Errorf("%s in another order differs: %v", s.where, all[0].String())
			}
			continue
		}
		named := slices.ContainsFunc(all, func(d Difference) bool {
			return slices.ContainsFunc(d.Path, func(p strictyaml.Step) bool { return p.Key == s.key }) || strings.Contains(d.Before+d.After, s.key+": ")
		})
		if !named {
			t.Errorf("%s, %s: no difference names it: %v", s.where, s.how, all)
		}
	}
	if all := Compare(full, b).Differences; len(all) > 0 {
		t.Errorf("what was changed was not changed back: %v", all)
	}
	for _, key := range keysOf(reflect.TypeFor[Book](), map[reflect.Type]bool{}) {
		if !seen[key] {
			t.Errorf("the test does not reach %s", key)
		}
	}
}

func tagOf(s site) string {
	for i := range s.owner.NumField() {
		if tag := s.owner.Field(i).Tag.Get("yaml"); tag == s.key || strings.HasPrefix(tag, s.key+",") {
			return tag
		}
	}
	return ""
}

// keysOf lists all keys of a type and of what it holds.
func keysOf(t reflect.Type, known map[reflect.Type]bool) (all []string) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || isText(t) || known[t] {
		return nil
	}
	known[t] = true
	for i := range t.NumField() {
		if key, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ","); key != "" {
			if f := t.Field(i).Type; f.Kind() != reflect.Struct || isText(f) { // else its own fields are
				all = append(all, t.Name()+"."+key)
			}
			all = append(all, keysOf(t.Field(i).Type, known)...)
		}
	}
	return all
}

// TestEveryPartOfABookSaysWhatItBearsOn: rules that tags name are there.
func TestEveryPartOfABookSaysWhatItBearsOn(t *testing.T) {
	t.Parallel()
	words := []string{"none", "own", "places", "clock", "amounts", "team", "stage_name"}
	for _, r := range Rules() {
		words = append(words, string(r))
	}
	var visit func(t reflect.Type, known map[reflect.Type]bool)
	visit = func(of reflect.Type, known map[reflect.Type]bool) {
		for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice {
			of = of.Elem()
		}
		if of.Kind() != reflect.Struct || isText(of) || known[of] {
			return
		}
		known[of] = true
		for i := range of.NumField() {
			f := of.Field(i)
			said := f.Tag.Get("rules")
			if of == reflect.TypeFor[Book]() && f.Tag.Get("yaml") != "" && said == "" {
				t.Errorf("%s does not say which rules it bears on", f.Name)
			}
			for word := range strings.SplitSeq(said, ",") {
				if said != "" && !slices.Contains(words, word) {
					t.Errorf("%s.%s bears on %q, which is no rule", of.Name(), f.Name, word)
				}
			}
			visit(f.Type, known)
		}
	}
	visit(reflect.TypeFor[Book](), map[reflect.Type]bool{})
}
