package jobs_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidwall/gjson"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/provision"
	"salesbook.dev/jobs"
)

// connectNewZoho is an account whose administrator has made the stages of the book,
// and has read it.
func connectNewZoho(t *testing.T) *zohoAccount {
	t.Helper()
	a := connectZoho(t)
	for name, odds := range map[string]int{"Telefon": 10, "Oferta": 30} {
		if err := a.zoho.SetStage(name, "Open", odds); err != nil {
			t.Fatal(err)
		}
	}
	a.pull(t)
	return a
}

// plannedAtZoho is what a new account of Zoho's lacks of the book.
func plannedAtZoho() []string {
	return []string{
		`make pipeline "Sprzedaż"`,
		`make stage "Telefon" in pipeline "Sprzedaż"`,
		`make stage "Oferta" in pipeline "Sprzedaż"`,
		`make field "Data powrotu" of deals, a day`,
		`make field "Budżet" of deals, a text`,
		`make field "Książka sprzedaży: czego brakuje" of deals, a text for what is missing`,
		`field "Reason For Loss" of deals offers the loss reason "Nie teraz"`,
	}
}

// byHandAtZoho is what its API cannot do. The probability of a new stage is known once
// it stands in a pipeline.
func byHandAtZoho() []string {
	const rules = "see to it in Setup > Customization > Modules and Fields > Deals > Layout Rules, by a rule on Stage whose action makes the field mandatory; salesbook cannot see whether it is done"
	return []string{
		`stage "Oferta": give it probability 40 % instead of 30 %, in Setup > Customization > Modules and Fields > Deals > Stage-Probability Mapping`,
		`field "Budżet" of deals is to be required in stage "Oferta" of pipeline "Sprzedaż": ` + rules,
		`field "Amount" of deals is to be required in stage "Oferta" of pipeline "Sprzedaż": ` + rules,
	}
}

// settings reads texts from the account's settings as the vendor shows them.
func (a *zohoAccount) settings(path, texts string) []string {
	a.t.Helper()
	answer, err := a.zoho.Do("", "GET", "/crm/v8/settings/"+path, nil)
	if err != nil {
		a.t.Fatal(err)
	}
	out := []string{}
	for _, text := range gjson.GetBytes(answer, texts).Array() {
		out = append(out, text.String())
	}
	return out
}

func (a *zohoAccount) layout() string {
	a.t.Helper()
	return "pipeline?layout_id=" + a.settings("layouts?module=Deals", "layouts.#.id")[0]
}

// inPipeline lists the stages of a pipeline at the vendor's.
func (a *zohoAccount) inPipeline(name string) []string {
	a.t.Helper()
	return a.settings(a.layout(), `pipeline.#(display_value=="`+name+`").maps.#.display_value`)
}

// administer does as the account's administrator does.
func (a *zohoAccount) administer(method, path, under string, what map[string]any) string {
	a.t.Helper()
	answer, err := a.zoho.Do("", method, "/crm/v8/settings/"+path, map[string]any{under: []any{what}})
	if err != nil || gjson.GetBytes(answer, under+".0.code").Str != "SUCCESS" {
		a.t.Fatalf("%s %s: %v: %s", method, path, err, answer)
	}
	return gjson.GetBytes(answer, under+".0.details.id").Str
}

// makePipeline makes one of stages that there are.
func (a *zohoAccount) makePipeline(name string, stages ...string) {
	a.t.Helper()
	var maps []any
	for i, s := range stages {
		id := a.settings("fields?module=Deals", `fields.#(api_name=="Stage").pick_list_values.#(display_value=="`+s+`").id`)
		maps = append(maps, map[string]any{"id": id[0], "sequence_number": i + 1})
	}
	a.administer("POST", a.layout(), "pipeline", map[string]any{"display_value": name, "maps": maps})
}

// hasAll looks whether the account has what the book asks for, each once, and all that
// it had, at the vendor's and with us.
func (a *zohoAccount) hasAll() {
	a.t.Helper()
	got := map[string]any{
		"pipelines": a.settings(a.layout(), "pipeline.#.display_value"),
		"stages":    a.inPipeline("Sprzedaż"),
		"fields":    a.settings("fields?module=Deals", "fields.#(custom_field==true)#.field_label"),
		"types":     a.settings("fields?module=Deals", "fields.#(custom_field==true)#.data_type"),
		"new":       a.settings("fields?module=Deals", `fields.#(api_name=="Reason_For_Loss__s").pick_list_values.#(display_value%"N*")#.display_value`),
		"reasons":   len(a.settings("fields?module=Deals", `fields.#(api_name=="Reason_For_Loss__s").pick_list_values.#.id`)),
		"known": one[[]string](a.t, a.bundle, `SELECT array_agg(concat_ws(' ', name, position, probability) ORDER BY position) FROM stages
			WHERE pipeline_id = (SELECT external_id FROM pipelines WHERE name = 'Sprzedaż' AND deleted_at IS NULL) AND deleted_at IS NULL`),
		"card": one[string](a.t, a.bundle, `SELECT f.name FROM connections c JOIN fields f ON f.object = 'deals' AND f.code = c.card_field`),
		"open": one[int](a.t, a.bundle, `SELECT count(*) FROM edits WHERE state NOT IN ('done', 'refused', 'cancelled')`),
	}
	want := map[string]any{
		"pipelines": []string{"Standard (Standard)", "Sprzedaż"},
		"stages":    []string{"Telefon", "Oferta", "Closed Won", "Closed Lost", "Closed Lost to Competition"},
		"fields":    []string{"Customer revenue", "Data powrotu", "Budżet", "Książka sprzedaży: czego brakuje"},
		"types":     []string{"formula", "date", "text", "text"},
		"new":       []string{"Nie teraz"}, "reasons": 11, "known": []string{"Telefon 1 10", "Oferta 2 30"},
		"card": "Książka sprzedaży: czego brakuje", "open": 0,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		a.t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestZohoSetUp sets a new account of Zoho's up by a draft, judges by it, and finds
// nothing more to do than what its API cannot.
func TestZohoSetUp(t *testing.T) {
	t.Parallel()
	a := connectNewZoho(t)
	var reads, writes atomic.Int64
	a.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/oauth/"):
		case r.Method == http.MethodGet:
			reads.Add(1)
		default:
			writes.Add(1)
		}
		return http.DefaultTransport.RoundTrip(r)
	})
	plan := a.planSetup(t)
	if diff := cmp.Diff(plannedAtZoho(), stepsOf(plan.Steps)); diff != "" {
		t.Errorf("planned (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(byHandAtZoho()[1:], plan.ByHand); diff != "" {
		t.Errorf("by hand (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"days after which a deal is called rotten: salesbook alone tells what has stood too long"}, plan.Nothing); diff != "" {
		t.Errorf("nothing for (-want +got):\n%s", diff)
	}
	// Pipelines with their stages take layouts, pipelines and fields; fields take those
	// and layouts once more.
	if n, changes := reads.Load(), writes.Load(); n != 5 || changes != 0 {
		t.Errorf("to plan took %d calls and made %d changes, want five and none", n, changes)
	}
	done := a.setUp(t)
	if diff := cmp.Diff(plannedAtZoho(), stepsOf(done.Done)); diff != "" || len(done.Refused)+len(done.Plan.Steps) > 0 {
		t.Errorf("refused %v; done (-want +got):\n%s", done.Refused, diff)
	}
	if n := writes.Load(); int(n) != len(plannedAtZoho()) {
		t.Errorf("%d calls have changed something, want one for each of %d steps", n, len(plannedAtZoho()))
	}
	a.hasAll()
	if diff := cmp.Diff(byHandAtZoho(), done.Plan.ByHand); diff != "" {
		t.Errorf("by hand, afterwards (-want +got):\n%s", diff)
	}
	if again := a.setUp(t); len(again.Done)+len(again.Refused) > 0 {
		t.Errorf("a second run did %q", stepsOf(again.Done))
	}
	if err := a.zoho.SetStage("Oferta", "Open", 40); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(byHandAtZoho()[1:], a.planSetup(t).ByHand); diff != "" {
		t.Errorf("by hand, once the probability was seen to (-want +got):\n%s", diff)
	}
	act, err := a.Activate(t.Context(), a.ws, parseBook(t, ordered), ordered, "test")
	if err != nil || len(act.Problems)+len(act.Fields) > 0 {
		t.Errorf("the book does not fit: %v, %v, %v", act.Problems, act.Fields, err)
	}
	deal := a.do("POST", "Deals", map[string]any{"Deal_Name": "Z", "Pipeline": "Sprzedaż", "Stage": "Oferta"})
	lost := a.do("POST", "Deals", map[string]any{"Deal_Name": "L", "Pipeline": "Sprzedaż", "Stage": "Oferta"})
	a.do("PUT", "Deals/"+lost, map[string]any{"Stage": "Closed Lost", "Reason_For_Loss__s": "Nie teraz"})
	a.pull(t)
	a.evaluate(t)
	if n := one[int](t, a.bundle, `SELECT count(*) FROM failures`); n != 0 {
		t.Errorf("%d records could not be mapped", n)
	}
	if missing := one[string](t, a.bundle, `SELECT COALESCE(string_agg(external_id || ' ' || detail, ', '), '') FROM violations WHERE rule = 'required_fields'`); missing != deal+" new/offer" {
		t.Errorf("missing: %q", missing)
	}
	if status := one[string](t, a.bundle, `SELECT status FROM deals WHERE external_id = $1`, lost); status != "lost" {
		t.Errorf("a deal that was lost in the new pipeline is %s", status)
	}
}

// TestZohoSetUpOfAUsedAccount: names that mean something else already are told and
// left alone; what is there is taken; stages are put in order, and what the
// administrator added stays where it is among them.
func TestZohoSetUpOfAUsedAccount(t *testing.T) {
	t.Parallel()
	a := connectNewZoho(t)
	for name, forecast := range map[string]string{"Telefon": "Open", "Negocjacje": "Open", "Oferta": "Open"} {
		if err := a.zoho.SetStage(name, forecast, 10); err != nil {
			t.Fatal(err)
		}
	}
	a.makePipeline("SPRZEDAŻ", "Oferta", "Negocjacje", "Telefon", "Closed Won", "Closed Lost")
	for label, kind := range map[string]string{"Data powrotu": "text", "budżet": "text", "Książka sprzedaży: czego brakuje": "date"} {
		a.administer("POST", "fields?module=Deals", "fields", map[string]any{"field_label": label, "data_type": kind})
	}
	reasons := a.settings("fields?module=Deals", `fields.#(api_name=="Reason_For_Loss__s").id`)[0]
	a.administer("PATCH", "fields/"+reasons+"?module=Deals", "fields", map[string]any{"pick_list_values": []any{map[string]any{"display_value": "nie teraz", "actual_value": "nie teraz"}}})
	before := append(a.settings("fields?module=Deals", "fields.#.field_label"), a.settings("fields?module=Deals", "fields.#.data_type")...)
	plan := a.planSetup(t)
	if diff := cmp.Diff([]string{`stage "Oferta" of pipeline "SPRZEDAŻ" comes after "Telefon"`}, stepsOf(plan.Steps)); diff != "" {
		t.Errorf("planned (-want +got):\n%s", diff)
	}
	for _, want := range []string{`field "Data powrotu" of deals holds text, and the book asks it for a day`, `field "Książka sprzedaży: czego brakuje" of deals holds date: rename it`,
		`stage "Oferta": give it probability 40 % instead of 10 %`, `field "budżet" of deals is to be required`} {
		if !slices.ContainsFunc(plan.ByHand, func(s string) bool { return strings.HasPrefix(s, want) }) {
			t.Errorf("nobody is told %q: %q", want, plan.ByHand)
		}
	}
	if out := a.setUp(t); len(out.Done) != 1 || len(out.Refused)+len(out.Plan.Steps) > 0 {
		t.Errorf("done %q, refused %v", stepsOf(out.Done), out.Refused)
	}
	if diff := cmp.Diff([]string{"Negocjacje", "Telefon", "Oferta", "Closed Won", "Closed Lost"}, a.inPipeline("SPRZEDAŻ")); diff != "" {
		t.Errorf("the stages (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"Standard (Standard)", "SPRZEDAŻ"}, a.settings(a.layout(), "pipeline.#.display_value")); diff != "" {
		t.Errorf("the pipelines (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, append(a.settings("fields?module=Deals", "fields.#.field_label"), a.settings("fields?module=Deals", "fields.#.data_type")...)); diff != "" {
		t.Errorf("the fields (-before +after):\n%s", diff)
	}
}

// TestZohoSetUpNeedsStages: stages that the account does not have, or that end deals
// there, are told, with where they are made; once they are, the rest is done.
func TestZohoSetUpNeedsStages(t *testing.T) {
	t.Parallel()
	a := connectZoho(t)
	if err := a.zoho.SetStage("Oferta", "Closed Lost", 0); err != nil {
		t.Fatal(err)
	}
	a.pull(t)
	plan := a.planSetup(t)
	if diff := cmp.Diff(slices.Concat(plannedAtZoho()[:1], plannedAtZoho()[3:]), stepsOf(plan.Steps)); diff != "" {
		t.Errorf("planned (-want +got):\n%s", diff)
	}
	const where = "Setup > Customization > Modules and Fields > Deals > Stage-Probability Mapping"
	want := []string{
		`the CRM has no stage "Telefon", and its API makes none: add it as one in which deals are open with probability 10 %, in ` + where + `; planned again, it comes into pipeline "Sprzedaż"`,
		`in the CRM, a deal in stage "Oferta" is lost, and in the book it is open: call the book's stage otherwise under its crm, or change what the CRM's says in ` + where,
	}
	if diff := cmp.Diff(want, plan.ByHand); diff != "" {
		t.Errorf("by hand (-want +got):\n%s", diff)
	}
	if out := a.setUp(t); len(out.Refused) > 0 {
		t.Errorf("refused: %v", out.Refused)
	}
	for name, odds := range map[string]int{"Telefon": 10, "Oferta": 30} {
		if err := a.zoho.SetStage(name, "Open", odds); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(plannedAtZoho()[1:3], stepsOf(a.setUp(t).Done)); diff != "" {
		t.Errorf("once they were made (-want +got):\n%s", diff)
	}
	a.hasAll()
}

// TestZohoSetUpSeesWhatLayoutsDemand: what the account's layout demands need not be
// seen to by a person, until it demands it no more; and a deal has to have it.
func TestZohoSetUpSeesWhatLayoutsDemand(t *testing.T) {
	t.Parallel()
	a := connectNewZoho(t)
	a.setUp(t)
	demand := func(name string, on bool) {
		if err := a.zoho.Demand("Deals", a.settings("fields?module=Deals", `fields.#(field_label=="`+name+`").api_name`)[0], on); err != nil {
			t.Fatal(err)
		}
	}
	demand("Amount", true)
	demand("Budżet", true)
	if diff := cmp.Diff(byHandAtZoho()[:1], a.planSetup(t).ByHand); diff != "" {
		t.Errorf("by hand, where the layout demands both (-want +got):\n%s", diff)
	}
	if _, err := a.zoho.do("", "POST", "Deals", map[string]any{"Deal_Name": "Z", "Pipeline": "Sprzedaż", "Stage": "Oferta"}); err == nil || !strings.Contains(err.Error(), "MANDATORY_NOT_FOUND") {
		t.Errorf("a deal without them: %v", err)
	}
	demand("Budżet", false)
	if diff := cmp.Diff(byHandAtZoho()[:2], a.planSetup(t).ByHand); diff != "" {
		t.Errorf("by hand, where it demands one (-want +got):\n%s", diff)
	}
	if again := a.setUp(t); len(again.Done)+len(again.Refused) > 0 {
		t.Errorf("it did %q", stepsOf(again.Done))
	}
}

// TestZohoSetUpIsKilled breaks off at every call, once before it and once after, and
// makes nothing twice.
func TestZohoSetUpIsKilled(t *testing.T) {
	t.Parallel()
	a := connectNewZoho(t)
	if runs, want := a.setUpKilled(t, ordered), 2*len(plannedAtZoho()); runs != want {
		t.Errorf("it was killed %d times, want %d", runs, want)
	}
	a.hasAll()
	if n := one[int](t, a.bundle, `SELECT count(*) FROM edits WHERE state = 'done'`); n != len(plannedAtZoho()) {
		t.Errorf("%d edits, want one for each of %d steps", n, len(plannedAtZoho()))
	}
}

// TestZohoSetUpOffersManyReasons: 25 more take three requests, as Zoho takes ten at
// once; broken off at each, once before it and once after, none is made twice.
func TestZohoSetUpOffersManyReasons(t *testing.T) {
	t.Parallel()
	a := connectNewZoho(t)
	a.setUp(t)
	reasons := func() []string {
		return a.settings("fields?module=Deals", `fields.#(api_name=="Reason_For_Loss__s").pick_list_values.#.display_value`)
	}
	before, book := reasons(), ordered
	var want []string
	for i := range 25 {
		name := fmt.Sprintf("Powód %02d", i)
		want = append(want, name)
		book = strings.Replace(book, "enforcement:", fmt.Sprintf("  - {id: r%d, name: %s, any_time: true}\nenforcement:", i, name), 1)
	}
	plan, err := a.PlanSetup(t.Context(), a.ws, "crm", parseBook(t, book))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(plan.Plan.Steps); n != 3 {
		t.Errorf("planned %q, want three steps", stepsOf(plan.Plan.Steps))
	}
	if runs := a.setUpKilled(t, book); runs != 6 {
		t.Errorf("it was killed %d times, want 6", runs)
	}
	if diff := cmp.Diff(append(before, want...), reasons()); diff != "" {
		t.Errorf("the reasons (-want +got):\n%s", diff)
	}
	if bad := one[string](t, a.bundle, `SELECT COALESCE(string_agg(key || ' ' || state, ', '), '') FROM edits WHERE state <> 'done'`); bad != "" {
		t.Errorf("edits that have come to no good end: %s", bad)
	}
	if known := one[int](t, a.bundle, `SELECT jsonb_array_length(options) FROM fields WHERE external_id = 'deals.Reason_For_Loss__s'`); known != len(before)+len(want)-1 {
		t.Errorf("%d reasons are known to us, want all but -None- of %d", known, len(before)+len(want))
	}
}

// TestZohoSetUpIsRefused: what Zoho refuses with 200 is refused, keeps nothing else
// from being done, and is tried again; without the right nothing more is.
func TestZohoSetUpIsRefused(t *testing.T) {
	t.Parallel()
	a := connectNewZoho(t)
	try := func(transport http.RoundTripper) (jobs.Provisioning, error) {
		a.Transport = transport
		return a.SetUp(t.Context(), a.ws, "crm", parseBook(t, ordered), asTest())
	}
	out, err := try(saying("POST", "/settings/pipeline", 403, `{"code":"NO_PERMISSION","details":{"permissions":["Crm_Implied_Customize_Layout"]},"message":"permission denied","status":"error"}`))
	if fault.KindOf(err) != fault.Forbidden || len(out.Done) > 0 {
		t.Errorf("forbidden: %v, done %q", err, stepsOf(out.Done))
	}
	no := func(under, code string) string {
		return fmt.Sprintf(`{%q:[{"code":%q,"details":{"api_name":"display_value","json_path":"$.%s[0].display_value"},"message":"not here","status":"error"}]}`, under, code, under)
	}
	out, err = try(saying("POST", "/settings/pipeline", 200, no("pipeline", "DUPLICATE_DATA")))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(plannedAtZoho()[3:], stepsOf(out.Done)); diff != "" {
		t.Errorf("done (-want +got):\n%s", diff)
	}
	var refused []provision.Step
	for _, r := range out.Refused {
		refused = append(refused, r.Step)
	}
	if diff := cmp.Diff(plannedAtZoho()[:3], stepsOf(refused)); diff != "" || !strings.Contains(out.Refused[0].Why, "DUPLICATE_DATA") {
		t.Errorf("refused for %q (-want +got):\n%s", out.Refused[0].Why, diff)
	}
	states := one[string](t, a.bundle, `SELECT string_agg(state || ' ' || n, ', ' ORDER BY state) FROM (SELECT state, count(*) n FROM edits GROUP BY 1) s`)
	if states != "cancelled 1, done 4, refused 1" {
		t.Errorf("edits: %s", states)
	}
	if out, err = try(nil); err != nil || len(out.Refused) > 0 {
		t.Errorf("afterwards: %v, %v", out.Refused, err)
	}
	a.hasAll()
}

// TestZohoSetUpIsUndone takes the order of stages back; what was made, and choices
// that were added, stay.
func TestZohoSetUpIsUndone(t *testing.T) {
	t.Parallel()
	a := connectNewZoho(t)
	a.makePipeline("Sprzedaż", "Oferta", "Qualification", "Telefon", "Closed Won", "Closed Lost")
	a.setUp(t)
	if diff := cmp.Diff([]string{"Qualification", "Telefon", "Oferta", "Closed Won", "Closed Lost"}, a.inPipeline("Sprzedaż")); diff != "" {
		t.Errorf("the stages (-want +got):\n%s", diff)
	}
	a.run(t, `UPDATE connections SET writes = 'live'`)
	const moved = "stages/sprzedaż/new/offer/position"
	if before := one[string](t, a.bundle, `SELECT (before->>'position') || ' ' || (after->>'position') FROM edits WHERE key = $1`, moved); before != "1 3" {
		t.Errorf("it was moved from and to %s", before)
	}
	if err := a.undo(t, moved); err != nil {
		t.Error(err)
	}
	if a.undo(t, "card") == nil {
		t.Error("a field that was made was undone")
	}
	if _, err := a.Push(t.Context(), a.ws, a.conn); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"Oferta", "Qualification", "Telefon", "Closed Won", "Closed Lost"}, a.inPipeline("Sprzedaż")); diff != "" {
		t.Errorf("the stages after undoing (-want +got):\n%s", diff)
	}
	if bad := one[string](t, a.bundle, `SELECT COALESCE(string_agg(key || ' ' || state || ' ' || why, ', '), '') FROM edits WHERE state <> 'done' OR lost IS NOT NULL`); bad != "" {
		t.Errorf("edits that have come to no good end: %s", bad)
	}
}
