package jobs_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/provision"
	"salesbook.dev/internal/sandbox/pipedrive"
	"salesbook.dev/jobs"
)

// ordered is a book of which a new account has next to nothing.
const ordered = `
book: 1
name: Ordered
language: pl
funnels:
  - id: new
    name: Nowi
    crm: [{pipeline: Sprzedaż}]
    stages:
      - {id: call, name: Telefon, probability: 10, limit: 5wd}
      - {id: offer, name: Oferta, probability: 40, limit: 14d, required: [Budżet, amount]}
loss_reasons:
  - {id: price, name: Za drogo, any_time: true, spellings: [price]}
  - {id: later, name: Nie teraz, any_time: true, nurture: {field: Data powrotu}}
enforcement: [{rule: all, mode: task}]
`

// setUp sets the account up, and returns what was done.
func (b *bundle) setUp(t *testing.T) jobs.Provisioning {
	t.Helper()
	out, err := b.SetUp(t.Context(), b.ws, "crm", parseBook(t, ordered), asTest())
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// planSetup plans it.
func (b *bundle) planSetup(t *testing.T) provision.Plan {
	t.Helper()
	out, err := b.PlanSetup(t.Context(), b.ws, "crm", parseBook(t, ordered))
	if err != nil {
		t.Fatal(err)
	}
	return out.Plan
}

// setUpKilled has whatever writes break off, once before the vendor got it and once
// after, and goes on until nothing is left. It returns how often that was.
func (b *bundle) setUpKilled(t *testing.T, book string) (kills int) {
	t.Helper()
	d := &dying{calls: map[string]int{}}
	b.Transport = d
	defer func() { b.Transport = nil }()
	for ; kills < 50; kills++ {
		ctx, cancel := context.WithCancel(t.Context())
		d.kill = cancel
		out, err := b.SetUp(ctx, b.ws, "crm", parseBook(t, book), asTest())
		alive := ctx.Err() == nil
		cancel()
		if len(out.Refused) > 0 {
			t.Fatalf("refused: %+v", out.Refused)
		}
		if alive {
			if err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	return kills
}

// undo takes back the edit of a key.
func (b *bundle) undo(t *testing.T, key string) error {
	t.Helper()
	_, err := b.UndoEdit(t.Context(), b.ws, one[int64](t, b, `SELECT id FROM edits WHERE key = $1`, key), "test")
	return err
}

func stepsOf(list []provision.Step) (texts []string) {
	for _, s := range list {
		texts = append(texts, s.Text)
	}
	return texts
}

// planned is what a new account lacks of the book.
func planned() []string {
	return []string{
		`make pipeline "Sprzedaż", with probabilities`,
		`make stage "Telefon" in pipeline "Sprzedaż", probability 10 %, rotten after 7 days (5wd)`,
		`make stage "Oferta" in pipeline "Sprzedaż", probability 40 %, rotten after 14 days`,
		`make field "Data powrotu" of deals, a day`,
		`make field "Budżet" of deals, a text`,
		`make field "Książka sprzedaży: czego brakuje" of deals, a text for what is missing`,
		`field "Budżet" of deals is required in stage "Oferta" of pipeline "Sprzedaż"`,
		`field "Value" of deals is required in stage "Oferta" of pipeline "Sprzedaż"`,
		`field "Lost reason" of deals offers the loss reason "Nie teraz"`,
	}
}

// hasAll looks whether the account has what the book asks for, each once, and all
// that it had.
func (b *bundle) hasAll(t *testing.T) {
	t.Helper()
	got := map[string]any{
		"pipelines": one[[]string](t, b, `SELECT array_agg(name || ' ' || probability_enabled ORDER BY name) FROM pipelines WHERE deleted_at IS NULL`),
		"stages":    one[[]string](t, b, `SELECT array_agg(concat_ws(' ', name, probability, rot_days) ORDER BY position) FROM stages WHERE pipeline_id = (SELECT external_id FROM pipelines WHERE name = 'Sprzedaż')`),
		"fields":    one[[]string](t, b, `SELECT array_agg(name || ' ' || type ORDER BY name COLLATE "C") FROM fields WHERE object = 'deals' AND custom AND deleted_at IS NULL`),
		"reasons":   one[[]string](t, b, `SELECT array_agg(o->>'label') FROM fields, jsonb_array_elements(options) o WHERE external_id = 'deals.lost_reason'`),
		"required": one[[]string](t, b, `SELECT array_agg(f.name || ' ' || s.name ORDER BY f.name) FROM fields f, jsonb_array_elements_text(f.required->'stage_ids') id JOIN stages s ON s.external_id = id
			WHERE f.object = 'deals' AND (f.required->>'enabled')::bool`),
		"card": one[string](t, b, `SELECT f.name FROM connections c JOIN fields f ON f.object = 'deals' AND f.code = c.card_field`),
		"open": one[int](t, b, `SELECT count(*) FROM edits WHERE state NOT IN ('done', 'refused', 'cancelled')`),
	}
	want := map[string]any{
		"pipelines": []string{"Pipeline true", "Sprzedaż true"}, "stages": []string{"Telefon 10 7", "Oferta 40 14"},
		"fields":  []string{"Budżet varchar", "Data powrotu date", "Książka sprzedaży: czego brakuje varchar"},
		"reasons": []string{"Price", "Competitor", "No response", "Nie teraz"}, "required": []string{"Budżet Oferta", "Value Oferta"},
		"card": "Książka sprzedaży: czego brakuje", "open": 0,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	b.pull(t)
	b.drift(t)
}

// TestSetUp sets a new account up by a draft, judges by it, and finds nothing more
// to do.
func TestSetUp(t *testing.T) {
	t.Parallel()
	b := setup(t, 0, pipedrive.Options{})
	b.pull(t)
	before := b.calls.Load()
	plan, err := b.PlanSetup(t.Context(), b.ws, "crm", parseBook(t, ordered))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(planned(), stepsOf(plan.Plan.Steps)); d != "" {
		t.Errorf("planned (-want +got):\n%s", d)
	}
	if calls, edits := b.calls.Load()-before, one[int](t, b, `SELECT count(*) FROM edits`); calls != 3 || edits != 0 {
		t.Errorf("to plan took %d calls and made %d edits, want three lists and none", calls, edits)
	}
	done := b.setUp(t)
	if d := cmp.Diff(planned(), stepsOf(done.Done)); d != "" || len(done.Refused)+len(done.Plan.Steps) > 0 {
		t.Errorf("refused %v; done (-want +got):\n%s", done.Refused, d)
	}
	b.hasAll(t)
	if n := one[int](t, b, `SELECT count(*) FROM edits WHERE state = 'done' AND what = 'setup' AND after->>'name' IS NOT NULL AND before IS NULL AND target_id IS NOT NULL`); n != 6 {
		t.Errorf("%d edits say what they have made, want 6", n)
	}
	if before := one[string](t, b, `SELECT before->'required'->>'enabled' FROM edits WHERE key = 'fields/amount/required'`); before != "false" {
		t.Errorf("before, the field was required: %s", before)
	}
	if n := one[int](t, b, `SELECT count(*) FROM audit WHERE action = 'set up' AND actor = 'test' AND subject = 'crm'`); n != len(planned()) {
		t.Errorf("the audit tells of %d steps, want %d", n, len(planned()))
	}
	if again := b.setUp(t); len(again.Done)+len(again.Refused) > 0 {
		t.Errorf("a second run did %q", stepsOf(again.Done))
	}
	a, err := b.Activate(t.Context(), b.ws, parseBook(t, ordered), ordered, "test")
	if err != nil || len(a.Problems)+len(a.Fields) > 0 {
		t.Errorf("the book does not fit: %v, %v, %v", a.Problems, a.Fields, err)
	}
	stage := one[string](t, b, `SELECT external_id FROM stages WHERE name = 'Oferta'`)
	b.tell(t, "POST", "/api/v2/deals", map[string]any{"title": "Z", "stage_id": json.Number(stage)})
	b.pull(t)
	b.evaluate(t)
	if missing := one[string](t, b, `SELECT COALESCE(string_agg(detail, ', '), '') FROM violations WHERE rule = 'required_fields'`); missing != "new/offer" {
		t.Errorf("missing: %q", missing)
	}
}

// TestSetUpAfterADeletion: what somebody deleted in the CRM is not there, though it
// was when the account was last read.
func TestSetUpAfterADeletion(t *testing.T) {
	t.Parallel()
	b := setup(t, 0, pipedrive.Options{})
	b.pull(t)
	b.setUp(t)
	stage := one[string](t, b, `SELECT external_id FROM stages WHERE name = 'Oferta'`)
	field := one[string](t, b, `SELECT code FROM fields WHERE name = 'Data powrotu'`)
	b.tell(t, "DELETE", "/api/v2/stages/"+stage, nil)
	b.tell(t, "DELETE", "/api/v2/dealFields/"+field, nil)
	plan, err := b.PlanSetup(t.Context(), b.ws, "crm", parseBook(t, ordered))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{planned()[2], planned()[3]}
	if got := stepsOf(plan.Plan.Steps); len(got) < 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("planned %q, want %q", got, want)
	}
}

// dying lets calls that write have no answer: each first before the vendor got it,
// then after it had its effect.
type dying struct {
	kill  func()
	calls map[string]int
}

func (d *dying) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodGet || strings.HasPrefix(r.URL.Path, "/oauth/") {
		return http.DefaultTransport.RoundTrip(r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	key := r.Method + r.URL.Path + string(body)
	if d.calls[key]++; d.calls[key] > 2 {
		return nil, errors.New("what had its effect is asked for again: " + key)
	}
	if d.calls[key] == 2 {
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		_ = resp.Body.Close()
	}
	d.kill()
	return nil, context.Canceled
}

// TestSetUpIsKilled breaks off at every call, once before it and once after, and
// goes on without doing anything twice.
func TestSetUpIsKilled(t *testing.T) {
	t.Parallel()
	b := setup(t, 0, pipedrive.Options{})
	b.pull(t)
	if runs, want := b.setUpKilled(t, ordered), 2*len(planned()); runs != want {
		t.Errorf("it was killed %d times, want %d", runs, want)
	}
	b.hasAll(t)
	if n := one[int](t, b, `SELECT count(*) FROM edits WHERE state = 'done'`); n != len(planned()) {
		t.Errorf("%d edits, want one for each of %d steps", n, len(planned()))
	}
}

// TestSetUpIsToldToEnd while the vendor works at a step: what he answers is written
// down, and nothing more is done.
func TestSetUpIsToldToEnd(t *testing.T) {
	t.Parallel()
	b := setup(t, 0, pipedrive.Options{})
	b.pull(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	b.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.Method != http.MethodGet {
			cancel()
		}
		return http.DefaultTransport.RoundTrip(r)
	})
	out, err := b.SetUp(ctx, b.ws, "crm", parseBook(t, ordered), asTest())
	if !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
	if d := cmp.Diff(planned()[:1], stepsOf(out.Done)); d != "" {
		t.Errorf("done (-want +got):\n%s", d)
	}
	if states := one[string](t, b, `SELECT string_agg(state, ', ') FROM edits`); states != "done" {
		t.Errorf("edits: %s", states)
	}
}

// notAllowing answers some requests as a vendor who does not allow them.
func notAllowing(method, path string, status int) http.RoundTripper {
	return saying(method, path, status, `{"success": false, "error": "not for you"}`)
}

// saying answers some requests itself.
func saying(method, path string, status int, body string) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.Method != method || !strings.HasSuffix(r.URL.Path, path) {
			return http.DefaultTransport.RoundTrip(r)
		}
		return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)), Request: r, ContentLength: int64(len(body))}, nil
	})
}

// TestSetUpIsRefused: what the vendor refuses keeps nothing else from being done,
// is told, and is tried again when somebody asks again. Where the user has no
// right, or writing was stopped, nothing more is tried.
func TestSetUpIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t, 0, pipedrive.Options{})
	b.pull(t)
	try := func(transport http.RoundTripper) (jobs.Provisioning, error) {
		b.Transport = transport
		return b.SetUp(t.Context(), b.ws, "crm", parseBook(t, ordered), asTest())
	}
	b.run(t, `UPDATE connections SET writes = 'stopped', writes_why = 'too much'`)
	if _, err := try(nil); fault.KindOf(err) != fault.Conflict || !strings.Contains(fmt.Sprint(err), "too much") {
		t.Errorf("stopped: %v", err)
	}
	b.run(t, `UPDATE connections SET writes = 'dry'`)
	out, err := try(notAllowing("POST", "/pipelines", 403))
	if fault.KindOf(err) != fault.Forbidden || len(out.Done) > 0 {
		t.Errorf("forbidden: %v, done %q", err, stepsOf(out.Done))
	}
	out, err = try(notAllowing("POST", "/dealFields", 400))
	if err != nil {
		t.Fatal(err)
	}
	want := slices.Concat(planned()[:3], planned()[7:])
	if d := cmp.Diff(want, stepsOf(out.Done)); d != "" {
		t.Errorf("done (-want +got):\n%s", d)
	}
	var refused []string
	for _, r := range out.Refused {
		refused = append(refused, r.Text)
	}
	if d := cmp.Diff(planned()[3:7], refused); d != "" {
		t.Errorf("refused (-want +got):\n%s", d)
	}
	states := one[string](t, b, `SELECT string_agg(state || ' ' || n, ', ' ORDER BY state) FROM (SELECT state, count(*) n FROM edits GROUP BY 1) s`)
	if states != "cancelled 1, done 5, refused 3" {
		t.Errorf("edits: %s", states)
	}
	if out, err = try(nil); err != nil || len(out.Refused) > 0 {
		t.Errorf("afterwards: %v, %v", out.Refused, err)
	}
	b.hasAll(t)
}

// TestSetUpIsUndone takes back what a step has changed; what it made stays.
func TestSetUpIsUndone(t *testing.T) {
	t.Parallel()
	b := setup(t, 0, pipedrive.Options{})
	b.pull(t)
	b.setUp(t)
	b.run(t, `UPDATE connections SET writes = 'live'`)
	stage := one[string](t, b, `SELECT external_id FROM stages WHERE name = 'Telefon'`)
	b.tell(t, "PATCH", "/api/v2/stages/"+stage, map[string]any{"deal_probability": 55})
	b.setUp(t)
	for _, key := range []string{"fields/amount/required", "stages/#" + stage} {
		if err := b.undo(t, key); err != nil {
			t.Error(err)
		}
	}
	if b.undo(t, "card") == nil {
		t.Error("a field that was made was undone")
	}
	if _, err := b.Push(t.Context(), b.ws, b.conn); err != nil {
		t.Fatal(err)
	}
	b.pull(t)
	if got := one[string](t, b, `SELECT (required->>'enabled') || ' ' || (SELECT probability FROM stages WHERE name = 'Telefon') FROM fields WHERE external_id = 'deals.value'`); got != "false 55" {
		t.Errorf("after undoing: %s", got)
	}
	if n := one[int](t, b, `SELECT count(*) FROM edits WHERE state <> 'done' OR lost IS NOT NULL`); n > 0 {
		t.Errorf("%d edits have come to no good end", n)
	}
}

func asTest() jobs.SetUpOptions {
	return jobs.SetUpOptions{By: "test", Tell: func(provision.Step, error) {}}
}

// TestSetUpMakesWhatWasAgreedTo: what the CRM came to need after the plan was shown
// is left for another plan.
func TestSetUpMakesWhatWasAgreedTo(t *testing.T) {
	t.Parallel()
	b := setup(t, 0, pipedrive.Options{})
	b.pull(t)
	shown, err := b.PlanSetup(t.Context(), b.ws, "crm", parseBook(t, ordered))
	if err != nil {
		t.Fatal(err)
	}
	o := asTest()
	o.Agreed = slices.Clone(shown.Plan.Steps[1:])
	o.Agreed[0].Text += ", but otherwise"
	out, err := b.SetUp(t.Context(), b.ws, "crm", parseBook(t, ordered), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range out.Done {
		if s.Key == shown.Plan.Steps[0].Key || s.Key == shown.Plan.Steps[1].Key {
			t.Errorf("done though nobody agreed: %s", s.Text)
		}
	}
	var left []string
	for _, r := range out.Refused {
		if strings.Contains(r.Why, "nobody agreed") {
			left = append(left, r.Key)
		}
	}
	if d := cmp.Diff([]string{shown.Plan.Steps[0].Key, shown.Plan.Steps[1].Key}, left); d != "" {
		t.Errorf("left (-want +got):\n%s", d)
	}
}

// TestSetUpOfAnotherBookAfterAKill: what the CRM does not show was not done, though
// the book of today does not ask for it.
func TestSetUpOfAnotherBookAfterAKill(t *testing.T) {
	t.Parallel()
	for name, made := range map[string]bool{"the call had its effect": true, "it had none": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, 0, pipedrive.Options{})
			b.pull(t)
			b.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
				if r.Method == http.MethodGet {
					return http.DefaultTransport.RoundTrip(r)
				}
				if made {
					if answer, err := http.DefaultTransport.RoundTrip(r); err == nil {
						_ = answer.Body.Close()
					}
				}
				return nil, io.ErrUnexpectedEOF
			})
			if _, err := b.SetUp(t.Context(), b.ws, "crm", parseBook(t, ordered), asTest()); err == nil {
				t.Fatal("the vendor did not answer, and it went on")
			}
			b.Transport = nil
			other := strings.ReplaceAll(ordered, "Sprzedaż", "Inne")
			if _, err := b.SetUp(t.Context(), b.ws, "crm", parseBook(t, other), asTest()); err != nil {
				t.Fatal(err)
			}
			want := map[bool]string{true: "done", false: "cancelled"}[made]
			if got := one[string](t, b, `SELECT state FROM edits ORDER BY id LIMIT 1`); got != want {
				t.Errorf("the step is %s, want %s", got, want)
			}
		})
	}
}
