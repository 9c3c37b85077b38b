package jobs_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/sandbox/pipedrive"
	"salesbook.dev/jobs"
)

// TestLargeWhatTheCRMRenamesIsJudgedAsBefore: a pipeline, its stages and a field get other
// names. Nothing that was found changes, and what happens later is judged, too.
func TestLargeWhatTheCRMRenamesIsJudgedAsBefore(t *testing.T) {
	t.Parallel()
	b := setup(t, 200, pipedrive.Options{})
	if _, err := b.sim.Do(1, "POST", "/api/v2/dealFields", map[string]any{"field_name": "Кто решает", "field_type": "varchar"}); err != nil {
		t.Fatal(err)
	}
	b.pull(t)
	code := one[string](t, b, `SELECT code FROM fields WHERE name = 'Кто решает'`)
	pipeline := one[string](t, b, `SELECT external_id FROM pipelines WHERE name = 'Жильё'`)
	stage := one[string](t, b, `SELECT s.external_id FROM stages s JOIN deals d ON d.stage_id = s.external_id WHERE s.pipeline_id = $1 AND d.status = 'open' GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1`, pipeline)
	name := one[string](t, b, `SELECT name FROM stages WHERE external_id = $1`, stage)
	text := fmt.Sprintf("book: 1\nname: x\ncalendars: [{id: o, zone: UTC}]\nfunnels:\n  - id: f\n    name: F\n    crm: [{pipeline: Жильё}]\n    stages: [{id: s, name: %q, limit: 1d, required: [Кто решает]}]\n", name)
	b.activate(t, text)
	b.standStill(t)
	b.evaluate(t)
	before := b.stored(t)
	over := brokenNow(t, b, "over_limit")
	if over == 0 || brokenNow(t, b, "required_fields") == 0 {
		t.Fatal("nothing is broken, which proves nothing")
	}
	for path, name := range map[string]string{"/api/v2/pipelines/" + pipeline: "Mieszkania", "/api/v2/stages/" + stage: "Co innego"} {
		if _, err := b.sim.Do(1, "PATCH", path, map[string]any{"name": name}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.sim.Do(1, "PATCH", "/api/v2/dealFields/"+code, map[string]any{"field_name": "Kto decyduje"}); err != nil {
		t.Fatal(err)
	}
	b.pull(t)
	if n, err := b.Evaluate(t.Context(), b.ws); err != nil || n < one[int](t, b, `SELECT count(*) FROM deals`) {
		t.Errorf("nobody looks again at what is called otherwise now: %d are judged anew, %v", n, err)
	}
	b.evaluate(t)
	if d := cmp.Diff(before, b.stored(t)); d != "" {
		t.Errorf("(-before it was renamed +after):\n%.2000s", d)
	}
	// A deal that fills the field under its new name, and one that comes.
	deal := one[int](t, b, `SELECT min(external_id::int) FROM violations WHERE rule = 'required_fields' AND mended_at IS NULL AND closed_at IS NULL`)
	required := brokenNow(t, b, "required_fields")
	if _, err := b.sim.Do(1, "PATCH", fmt.Sprintf("/api/v2/deals/%d", deal), map[string]any{"custom_fields": map[string]any{code: "Жена"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.sim.Do(1, "POST", "/api/v2/deals", map[string]any{"title": "Новая", "stage_id": number(t, stage)}); err != nil {
		t.Fatal(err)
	}
	b.pull(t)
	b.standStill(t)
	b.evaluate(t)
	if n := brokenNow(t, b, "required_fields"); n != required { // one less, one more
		t.Errorf("%d deals want the field, want %d", n, required)
	}
	if n := one[int](t, b, `SELECT count(*) FROM violations v JOIN deals d USING (external_id) WHERE v.rule = 'required_fields' AND d.title = 'Новая'`); n != 1 {
		t.Error("a deal that came after is not judged")
	}
	// What the field held before is known by either name.
	x, err := b.Explain(t.Context(), b.ws, false, fmt.Sprint(deal), "", b.Now().Add(-time.Hour))
	if err != nil || !slices.ContainsFunc(x.Judgement.Verdicts, func(v book.Verdict) bool { return v.Rule == book.RequiredFields }) {
		t.Errorf("an hour ago the field was filled: %+v %v", x, err)
	}
	fit, err := b.Fit(t.Context(), b.ws)
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, r := range fit.Renamed {
		told = append(told, fmt.Sprintf("%s %s: %s", r.What, r.Ref, r.Now))
	}
	if d := cmp.Diff([]string{"field кто решает: Kto decyduje", "pipeline f: Mieszkania", "stage f/s: Co innego"}, told); d != "" || len(fit.Problems)+len(fit.Fields) > 0 {
		t.Errorf("%v %v (-want +got):\n%s", fit.Problems, fit.Fields, d)
	}
	// The same book again: its names mean what they meant.
	draft := parseBook(t, text)
	a, err := b.Activate(t.Context(), b.ws, draft, text, "test")
	if err != nil || len(a.Problems)+len(a.Fields) > 0 {
		t.Errorf("%v %v %v", a.Problems, a.Fields, err)
	}
	after := b.stored(t)
	b.evaluate(t)
	if d := cmp.Diff(after, b.stored(t)); d != "" {
		t.Errorf("(-before it was activated again +after):\n%.2000s", d)
	}
}

func number(t testing.TB, text string) (n int) {
	t.Helper()
	if _, err := fmt.Sscan(text, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestFieldsAreFoundUnderTheCRMsNames, also those that have a name of ours.
func TestFieldsAreFoundUnderTheCRMsNames(t *testing.T) {
	t.Parallel()
	b := setup(t, 200, pipedrive.Options{})
	b.pull(t)
	b.activate(t, `book: 1
name: x
currency: UAH
funnels: [{id: f, name: F, crm: [{pipeline: Жильё}], stages: [{id: s, name: Заявка}]}]
standard:
  - {id: dear, text: x, must: {field: {name: VALUE, at_least: 1000000}}}
  - {id: dated, text: x, must: {required: [Expected close date]}}
  - {id: known, text: x, must: {required: [Contact person, Organization]}}
  - {id: sized, text: x, must: {cel: "number('company.Number of employees') > 0.0"}}
`)
	b.evaluate(t)
	const open = `FROM deals d WHERE status = 'open' AND deleted_at IS NULL AND NOT archived`
	for rule, sql := range map[string]string{
		"dear":  `SELECT count(*) ` + open + ` AND COALESCE(amount, 0) < 1000000`,
		"dated": `SELECT count(*) ` + open + ` AND expected_close IS NULL`,
		"known": `SELECT count(*) ` + open + ` AND (person_id IS NULL OR company_id IS NULL)`,
		"sized": `SELECT count(*) ` + open + ` AND NOT EXISTS (SELECT FROM companies c WHERE c.external_id = d.company_id AND (c.custom->>'employee_count')::numeric > 0)`,
	} {
		if want, got := one[int](t, b, sql), brokenNow(t, b, rule); got != want || want == 0 {
			t.Errorf("%s: %d, by SQL %d", rule, got, want)
		}
	}
}

// TestMisspeltFieldsAreTold when a book is put in force and when it is rehearsed,
// with the field that is meant.
func TestMisspeltFieldsAreTold(t *testing.T) {
	t.Parallel()
	b := setup(t, 20, pipedrive.Options{})
	for range 2 {
		if _, err := b.sim.Do(1, "POST", "/api/v2/dealFields", map[string]any{"field_name": "Klasa", "field_type": "varchar"}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.sim.Do(1, "POST", "/api/v2/personFields", map[string]any{"field_name": "Роль", "field_type": "varchar"}); err != nil {
		t.Fatal(err)
	}
	b.pull(t)
	codes := one[string](t, b, `SELECT string_agg(code, ', ' ORDER BY code) FROM fields WHERE name = 'Klasa'`)
	text := `book: 1
name: x
funnels:
  - id: f
    name: F
    crm: [{pipeline: Жильё}]
    stages: [{id: s, name: Заявка, required: [value, Contact person, Exspected close date, Klasa]}]
standard:
  - {id: a, text: x, must: {required: [person.роль, person.Email, person.owner, company.Industry, amount]}}
  - {id: b, text: x, must: {required: [person.Phonne]}}
  - {id: c, text: x, must: {cel: "field('company.Industri') == '' || field('Source channel') == ''"}}
  - {id: d, text: x, must: {field: {name: Industry, is: x}}}
`
	draft := parseBook(t, text)
	a, err := b.Activate(t.Context(), b.ws, draft, text, "test")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`book.yaml:7:14: funnels › f › stages › s: no CRM that is connected has such a field (found "Exspected close date"); did you mean "Expected close date"?`,
		`book.yaml:7:14: funnels › f › stages › s: several fields of the CRM are called so (found "Klasa"); name one by its code: ` + codes,
		`book.yaml:10:28: standard › b: no CRM that is connected has such a field (found "person.Phonne"); did you mean "person.Phone"?`,
		`book.yaml:11:28: standard › c: no CRM that is connected has such a field (found "company.Industri"); did you mean "company.Industry"?`,
		`book.yaml:12:36: standard › d: no CRM that is connected has such a field (found "Industry")`,
	}
	var got []string
	for _, p := range a.Fields {
		got = append(got, p.Error())
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("activated (-want +got):\n%s", d)
	}
	r, err := b.Rehearse(t.Context(), b.ws, draft, jobs.RehearseOptions{Since: b.Now().AddDate(-1, 0, 0)})
	if d := cmp.Diff(want, r.Fields); d != "" || err != nil {
		t.Errorf("rehearsed, %v (-want +got):\n%s", err, d)
	}
}

// TestABookIsPutInForceInTheMidstOfLoad: while several workers judge and deals
// change, the book changes and stages are renamed; in the end everything is judged
// by the last book.
func TestABookIsPutInForceInTheMidstOfLoad(t *testing.T) {
	t.Parallel()
	b := setup(t, 600, pipedrive.Options{})
	b.pull(t)
	b.activate(t, example(t))
	done := make(chan struct{})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if _, err := b.Evaluate(t.Context(), b.ws); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	rng := rand.New(rand.NewPCG(1, 1))
	other := strings.Replace(example(t), "{rule: all, mode: observe}", "{rule: all, mode: observe}\n  - {rule: no_next_step, mode: off}\n  - {rule: over_limit, mode: off}", 1)
	for i := range 8 {
		b.activate(t, []string{other, example(t)}[i%2])
		if _, err := b.sim.Trickle(rng, 5); err != nil {
			t.Fatal(err)
		}
		b.pull(t)
	}
	draft := b.activate(t, other)
	close(done)
	all.Wait()
	b.standStill(t)
	b.evaluate(t)
	if d := cmp.Diff(b.recomputed(t, draft), b.stored(t)); d != "" {
		t.Errorf("(-recomputed +stored):\n%.3000s", d)
	}
	if slices.ContainsFunc(b.stored(t), func(v string) bool { return strings.Contains(v, " no_next_step|") }) {
		t.Error("a rule that is off is broken")
	}
}
