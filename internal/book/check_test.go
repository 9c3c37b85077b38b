package book_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"salesbook.dev/internal/book"
)

// small is the least that a book needs; what a test adds comes first, so that
// lines count from its top.
const small = `
book: 1
name: Small
funnels:
  - id: f
    name: F
    crm: [{pipeline: P}]
    order: strict
    stages: [{id: a, name: A}, {id: b, name: B}, {id: c, name: C}]
`

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, want string }{
		{"unknown key", "nmae: x\n", `b.yaml:1:1: unknown key "nmae"; did you mean "name"?`},
		{"currency", "currency: ZZZ\n", `b.yaml:1:1: currency: is no currency (found "ZZZ"); three capital letters of ISO 4217, as in PLN`},
		{"rate of no currency", "currency: PLN\nrates: [{currency: EURO, is: 4}]\n", `b.yaml:2:9: rates: is no currency (found "EURO"); three capital letters of ISO 4217, as in EUR`},
		{"rate of the own currency", "currency: PLN\nrates: [{currency: PLN, is: 1}]\n", `b.yaml:2:9: rates › PLN: this is the book's own currency (found "1"); remove it`},
		{"rate into nothing", "rates: [{currency: EUR, is: 4}]\n", `b.yaml:1:9: rates › EUR: nobody knows in which currency this is (found "4"); write currency: PLN`},
		{"rate of nothing", "currency: PLN\nrates: [{currency: EUR, is: -4.2}]\n", `b.yaml:2:9: rates › EUR: nothing can be worth this (found "-4.2"); a number above 0`},
		{"rate twice", "currency: PLN\nrates: [{currency: EUR, is: 4, from: 2026-01-01}, {currency: EUR, is: 5}, {currency: EUR, is: 6, from: 2026-01-01}]\n", `b.yaml:2:75: rates › EUR: stands twice for the same day (found "6"); one rate for each currency and day`},
		{"rate from no day", "currency: PLN\nrates: [{currency: EUR, is: 4, from: soon}]\n", `b.yaml:2:38: rates › 1 › from: must be a day as in 2026-12-24 (found "soon")`},
		{"zone", "calendars: [{id: o, zone: Europe/Warsau}]\n", `b.yaml:1:13: calendars › o: is no time zone (found "Europe/Warsau"); as in Europe/Warsaw`},
		{"the server's zone", "calendars: [{id: o, zone: Local}]\n", `b.yaml:1:13: calendars › o: is no time zone (found "Local"); as in Europe/Warsaw`},
		{"holidays", "calendars: [{id: o, zone: UTC, holidays_of: pl}]\n", `b.yaml:1:13: calendars › o: the holidays of this country are not known (found "pl"); list them under closed; known: AT, BE`},
		{"work backwards", "calendars:\n  - id: o\n    zone: UTC\n    hours: [{days: mon, from: 18:00, to: 09:00}]\n", `b.yaml:4:13: calendars › o: work ends before it begins (found "18:00 to 09:00"); for a night write two lines`},
		{"hours twice", "calendars:\n  - id: o\n    zone: UTC\n    hours:\n      - {days: [mon], from: 09:00, to: 13:00}\n      - {days: [sun, mon], from: 12:00, to: 14:00}\n", `b.yaml:6:9: calendars › o: these hours overlap others of the same day (found "mon")`},
		{"no time", "calendars:\n  - id: o\n    zone: UTC\n    hours: [{days: mon, from: 9, to: 18:00}]\n", `b.yaml:4:31: calendars › o › hours › 1 › from: must be a time of day as in 09:00 (found "9")`},
		{"open and closed", "calendars: [{id: o, zone: UTC, open: [2026-12-24], closed: [2026-12-24]}]\n", `b.yaml:1:13: calendars › o: the day is both open and closed (found "2026-12-24")`},
		{"no day", "calendars: [{id: o, zone: UTC, closed: [2026-02-30]}]\n", `b.yaml:1:41: calendars › o › closed › 1: must be a day as in 2026-12-24 (found "2026-02-30")`},
		{"id", "roles: [{id: a b, name: x}]\n", `b.yaml:1:9: roles: cannot be an id (found "a b"); letters, digits`},
		{"id twice", "roles: [{id: a, name: x}, {id: a, name: y}]\n", `b.yaml:1:27: roles: stands twice (found "a"); give each its own id`},
		{"no address", "roles: [{id: a, name: x, reps: [Anna]}]\n", `b.yaml:1:9: roles › a: is no e-mail address (found "Anna"); reps are known`},
		{"two teams", "teams:\n  - {id: a, name: x, reps: [anna@x.pl]}\n  - {id: b, name: y, reps: [Anna@x.pl]}\n", `b.yaml:3:5: teams › b: this rep is in team a already (found "Anna@x.pl"); a rep is in one team`},
		{"commandment named as a rule", "standard: [{id: no_owner, text: x}]\n", `b.yaml:1:12: standard: stands twice (found "no_owner"); give each its own id`},
		{"when without must", "standard: [{id: s, text: x, when: {next_step_dated: {}}}]\n", `b.yaml:1:12: standard › s: it says when, but not what must hold; add must`},
		{"no such funnel", "standard: [{id: s, text: x, funnels: g}]\n", `b.yaml:1:12: standard › s: there is no such funnel in the book (found "g"); known: f`},
		{"refused twice", "refused_reasons: [{text: Нет Времени}, {text: 'нет  времени'}]\n", `b.yaml:1:40: refused_reasons: this is how Нет Времени is written (found "нет  времени"); a text stands for one reason`},
		{"no criteria", "loss_reasons: [{id: r, name: R}]\n", `b.yaml:1:16: loss_reasons › r: a reason without criteria is none: any rep can give it to any client; say when`},
		{"criteria at any time", "loss_reasons: [{id: r, name: R, any_time: true, criteria: [{required: x}]}]\n", `b.yaml:1:16: loss_reasons › r: it has criteria, and any_time says that it has none; remove one of them`},
		{"no such stage", "loss_reasons: [{id: r, name: R, any_time: true, from_stage: f/d}]\n", `b.yaml:1:16: loss_reasons › r: there is no such stage in the book; stages are named as funnel/stage (found "f/d"); did you mean "f/a"?`},
		{"approval", "loss_reasons: [{id: r, name: R, any_time: true, approval: {by: head}}]\n", `b.yaml:1:59: loss_reasons › r › approval: it must say either always or above`},
		{"amount without currency", "loss_reasons: [{id: r, name: R, any_time: true, approval: {above: 5}}]\n", `b.yaml:1:59: loss_reasons › r › approval: nobody knows in which currency this is (found "5"); write currency`},
		{"nurture", "loss_reasons: [{id: r, name: R, any_time: true, nurture: {after: 1mo, field: x}}]\n", `b.yaml:1:58: loss_reasons › r › nurture: it must say either after or field`},
		{"span", "control: {no_touch: 5 days}\n", `b.yaml:1:21: control › no_touch: must be a number with wm, wh or wd`},
		{"no time to touch", "control: {no_touch: 0d}\n", `b.yaml:1:10: control › no_touch: nobody can keep to this (found "0d"); leave it out, or give it a length`},
		{"attempts", "won: {criteria: [{attempts: {count: 3, days: 5}}]}\n", `b.yaml:1:29: won: this rule can never pass: 3 attempts cannot lie on 5 days; more attempts, or fewer days`},
		{"attempts in too short a time", "won: {criteria: [{attempts: {count: 5, days: 5, within: 2d}}]}\n", `b.yaml:1:29: won: this rule can never pass: 5 different days do not fit into 2d (found "2d")`},
		{"contradiction", "won: {criteria: [{all: [{field: {name: Budget, at_least: 10}}, {field: {name: Budget, at_most: 5}}]}]}\n", `b.yaml:1:72: won: this rule can never pass: it is to be at least 10 and at most 5 (found "Budget")`},
		{"two things at once", "won: {criteria: [{all: [{field: {name: Who, is: [a, b]}}, {field: {name: Who, is: c}}]}]}\n", `b.yaml:1:67: won: this rule can never pass: it cannot hold two things at once (found "Who")`},
		{"an empty any", "won: {criteria: [{any: []}]}\n", `b.yaml:1:18: won: any is empty, so it says nothing`},
		{"two conditions at once", "won: {criteria: [{required: x, amount_at_least: 5}]}\n", `b.yaml:1:18: won › criteria › 1: it says several things at once: required, amount_at_least; give exactly one`},
		{"document", "won: {criteria: [{document_sent: {}}]}\n", `b.yaml:1:18: won: it does not say how it shows that the document was sent; name a field`},
		{"expression", "won: {criteria: [{cel: amuont > 5}]}\n", `b.yaml:1:18: won: the expression is wrong: undeclared reference to 'amuont' (did you mean 'amount'?) (at character 1) (found "amuont > 5")`},
		{"field of nothing", "leads: {entry_data: [person.]}\n", `b.yaml:1:8: leads › entry_data: no field is named (found "person."); as in Budget, person.Email or company.Industry`},
		{"expression of a wrong type", "won: {criteria: [{cel: amount > title}]}\n", `b.yaml:1:18: won: the expression is wrong: found no matching overload for '_>_' applied to '(double, string)'`},
		{"expression that says neither yes nor no", "won: {criteria: [{cel: amount * 2.0}]}\n", `b.yaml:1:18: won: the expression is wrong: it gives double, and must say yes or no`},
		{"expression with a wrong span", "won: {criteria: [{cel: \"older_than(added, '5 days')\"}]}\n", `b.yaml:1:18: won: the expression is wrong: "5 days": must be a number with wm`},
		{"expression that is always false", "won: {criteria: [{cel: amount > 5.0 && false}]}\n", `b.yaml:1:18: won: this rule can never pass: it says no whatever it is asked about`},
		{"expression that asks the clock", "won: {criteria: [{cel: now() > added}]}\n", `b.yaml:1:18: won: the expression is wrong: undeclared reference to 'now'`},
		{"expression that reaches for what is hidden", "won: {criteria: [{cel: '@subject == @subject'}]}\n", `b.yaml:1:18: won: the expression is wrong: Syntax error: token recognition error`},
		{"KPI", "kpis: [{kpi: conversion}]\n", `b.yaml:1:14: kpis › 1 › kpi: is none of the words that may stand here (found "conversion"); known: lead_to_client`},
		{"quarters", "currency: PLN\nplans: [{year: 2027, target: 100, quarters: [25, 25, 25, 20]}]\n", `b.yaml:2:9: plans › 2027: the quarters are not the year's target (found "95"); four of them, with the sum 100`},
		{"enforcement", "enforcement: [{rule: no_ownr, mode: tell}]\n", `b.yaml:1:15: enforcement: there is no such rule in the book (found "no_ownr"); did you mean "no_owner"?`},
		{"mode", "enforcement: [{rule: no_owner, mode: shout}]\n", `b.yaml:1:38: enforcement › 1 › mode: is none of the words that may stand here (found "shout"); known: off, observe, tell, task, revert`},
		{"a state taken back", "enforcement: [{rule: no_touch, mode: revert}]\n", `b.yaml:1:15: enforcement: only a move or the end of a deal can be taken back (found "no_touch"); write task; revert is for skipped_stage, moved_back, entry_criteria,`},
		{"everything taken back", "enforcement: [{rule: all, mode: revert}]\n", `b.yaml:1:15: enforcement: only a move or the end of a deal can be taken back (found "all"); write task; revert is for`},
		{"a commandment taken back", "standard: [{id: polite, text: x, must: {note_written: {}}}]\nenforcement: [{rule: polite, mode: revert}]\n", `b.yaml:2:15: enforcement: only a move or the end of a deal can be taken back (found "polite")`},
		{"case without a zone", "cases: [{name: k, now: 2026-11-20, lead: {added: 2026-11-19}, expect: []}]\n", `b.yaml:1:9: cases › k: nobody knows in which time zone this is; a book with cases has a calendar`},
		{"case in no currency", "calendars: [{id: o, zone: UTC}]\ncases:\n  - name: k\n    now: 2026-11-20\n    expect: []\n    deal: {funnel: f, added: 2026-11-01, currency: EURO, moves: [{at: 2026-11-05, stage: b}]}\n", `b.yaml:6:11: cases › k: is no currency (found "EURO")`},
		{"moves in disorder", "calendars: [{id: o, zone: UTC}]\ncases:\n  - name: k\n    now: 2026-11-20\n    expect: []\n    deal:\n      funnel: f\n      added: 2026-11-01\n      moves: [{at: 2026-11-05, stage: b}, {at: 2026-11-04, stage: a}]\n", `b.yaml:9:43: cases › k: this move comes before what stands above it (found "a"); moves stand in the order of time`},
		{"escalation of nothing", "leads: {escalate: {after: 30wm, tell: head}}\n", `b.yaml:1:19: leads › escalate: no response is due, so none can be late; add first_response`},
		{"two ends of leads", "leads: {deals_below: [f/a, f/b]}\n", `b.yaml:1:8: leads › deals_below: leads of this funnel end at f/a already (found "f/b"); one stage for each funnel`},
		{"told to nobody", "leads: {first_response: 15wm, escalate: {after: 30wm, tell: boss}}\n", `b.yaml:1:41: leads › escalate: can be nobody (found "boss"); write owner, head or an e-mail address`},
		{"aliases", "roles: &r []\nteams: *r\n", `b.yaml:1:8: anchors (&) are not allowed in a book; write it out, or quote the text`},
		{"a key twice", "kpis: []\nkpis: []\n", `b.yaml:2:1: mapping key "kpis" already defined at [1:1]`},
		{"ten megabytes", strings.Repeat("# a long book\n", 800_000), `b.yaml: the book is longer than 1 MB; a book states rules, not data`},
		{"alias bomb", "a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\n", `b.yaml:1:4: anchors (&) are not allowed in a book; write it out, or quote the text`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := book.Parse("b.yaml", []byte(c.text+small))
			problems, ok := errors.AsType[book.Problems](err)
			if !ok {
				t.Fatalf("%v, want Problems", err)
			}
			if len(problems) != 1 || !strings.HasPrefix(problems[0].Error(), c.want) {
				t.Errorf("got\n%v\nwant it to begin with\n%s", err, c.want)
			}
		})
	}
}

// TestCheckFunnels is about funnels, which the small book has already.
func TestCheckFunnels(t *testing.T) {
	t.Parallel()
	const head = "book: 1\nname: Small\n"
	for _, c := range []struct{ name, text, want string }{
		{"no funnel", head + "funnels: []\n", `b.yaml:1:1: funnels: a book has at least one funnel; `},
		{"no stage", head + "funnels: [{id: f, name: F, crm: [{pipeline: P}], stages: []}]\n", `b.yaml:3:11: funnels › f: a funnel without stages cannot be passed; list its stages`},
		{"no pipeline", head + "funnels: [{id: f, name: F, crm: [], stages: [{id: a, name: A}]}]\n", `b.yaml:3:11: funnels › f: it is no pipeline of any CRM; name one under crm`},
		{"a pipeline twice", head + "funnels:\n  - {id: f, name: F, crm: [{pipeline: P}], stages: [{id: a, name: A}]}\n  - {id: g, name: G, crm: [{pipeline: p, connection: crm}], stages: [{id: a, name: A}]}\n", `b.yaml:5:28: funnels › g: this pipeline is funnel f already (found "p")`},
		{"a stage of the CRM twice", head + "funnels: [{id: f, name: F, crm: [{pipeline: P}], stages: [{id: a, name: A}, {id: b, name: B, crm: [b, ' a ']}]}]\n", `b.yaml:3:77: funnels › f › stages › b: this stage of the CRM is stage a already (found " a ")`},
		{"key stage", head + "funnels: [{id: f, name: F, crm: [{pipeline: P}], key_stage: B, stages: [{id: a, name: A}, {id: b, name: B}]}]\n", `b.yaml:3:11: funnels › f: there is no such stage in the book (found "B"); known: a, b`},
		{"role", head + "funnels: [{id: f, name: F, crm: [{pipeline: P}], stages: [{id: a, name: A, role: hunter}]}]\n", `b.yaml:3:59: funnels › f › stages › a: there is no such role in the book (found "hunter")`},
		{"unreachable", head + "funnels: [{id: f, name: F, crm: [{pipeline: P}], order: strict, stages: [{id: a, name: A, entry: [{stage_passed: f/b}]}, {id: b, name: B}]}]\n", `b.yaml:3:99: funnels › f › stages › a: this rule can never pass: in a strict funnel this stage comes later, so a cannot be reached or left (found "f/b")`},
		{"told of no limit", head + "funnels: [{id: f, name: F, crm: [{pipeline: P}], stages: [{id: a, name: A, tell: head}]}]\n", `b.yaml:3:59: funnels › f › stages › a: people are to be told, but there is no limit that could be broken; add limit or no_touch`},
		{"another format", "book: 2\nname: x\nfunnels: [{id: f, name: F, crm: [{pipeline: P}], stages: [{id: a, name: A}]}]\n", `b.yaml:1:1: book: this format is not known (found "2"); write book: 1`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := book.Parse("b.yaml", []byte(c.text))
			problems, ok := errors.AsType[book.Problems](err)
			if !ok || len(problems) != 1 || !strings.HasPrefix(problems[0].Error(), c.want) {
				t.Errorf("got\n%v\nwant it to begin with\n%s", err, c.want)
			}
		})
	}
}

// TestSchemaTakesWhatParseTakes holds the published schema to the parser.
func TestSchemaTakesWhatParseTakes(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(book.Schema())
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("book.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("book.json")
	if err != nil {
		t.Fatal(err)
	}
	valid := func(text string) error {
		t.Helper()
		asJSON, err := yaml.YAMLToJSON([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(string(asJSON)))
		if err != nil {
			t.Fatal(err)
		}
		return schema.Validate(v)
	}
	files, _ := filepath.Glob("examples/*.yaml")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := valid(string(text)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	for name, text := range map[string]string{
		"unknown key": "nmae: x\n", "no word": "enforcement: [{rule: all, mode: shout}]\n", "no span": "control: {no_touch: 5 days}\n",
		"two conditions": "won: {criteria: [{required: x, amount_at_least: 5}]}\n", "no condition": "won: {criteria: [{say: x}]}\n",
		"no list": "roles: x\n", "no bool": "loss_reasons: [{id: r, name: R, any_time: maybe}]\n", "missing": "roles: [{id: a}]\n",
	} {
		if valid(text+small) == nil {
			t.Errorf("the schema takes a book with: %s", name)
		}
		if _, err := book.Parse("b.yaml", []byte(text+small)); err == nil {
			t.Errorf("Parse takes a book with: %s", name)
		}
	}
	if d := cmp.Diff(nil, valid(small)); d != "" {
		t.Error(d)
	}
}
