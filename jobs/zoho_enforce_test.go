package jobs_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/enforce"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sandbox"
	"salesbook.dev/internal/sandbox/zoho"
)

// zohoBureau is enforcing with an account of Zoho's, in which enough was agreed to.
func zohoBureau(t *testing.T, enforcement string) (o *bureau, account *zohoCRM, deal string) {
	t.Helper()
	o = enforcingAt(t, zohoDesk(t, 1), enforcement)
	o.settle(t)
	o.agree(t)
	return o, o.crm.(*zohoCRM), o.deals[0]
}

// stageName is the name of a stage among those of its pipeline.
func stageName(id string) string {
	_, name, _ := strings.Cut(id, "|")
	return name
}

// TestABlueprintLetsAMoveBeTakenBack by the transition that leads back, and by no
// other: the deal goes back with its note.
func TestABlueprintLetsAMoveBeTakenBack(t *testing.T) {
	t.Parallel()
	o, account, deal := zohoBureau(t, "  - {rule: day_known, mode: revert}")
	o.advance(t, deal)
	from, to := stageName(o.stage[1]), stageName(o.stage[0])
	err := account.AddBlueprint("", "Sprzedaż", zoho.Transition{Name: "Dalej", From: []string{from}, To: "Closed Won"}, zoho.Transition{Name: "Wróć", From: []string{from}, To: to})
	if err != nil {
		t.Fatal(err)
	}
	o.settle(t)
	if got := o.at(t, deal, "stage_id"); got != o.stage[0] {
		t.Errorf("it stands in %s, want %s", got, o.stage[0])
	}
	if n := o.truth("notes", "Oferta"); n != 1 {
		t.Errorf("%d notes say why", n)
	}
	if got := o.told(t); len(got) != 0 {
		t.Errorf("told: %q", got)
	}
	o.onlyOurs(t)
}

// TestABlueprintBarsAMove from being taken back: it stands, the rep has a task, and
// the head of sales is told, once; nothing is left for anybody to mend, and nothing
// is tried again.
func TestABlueprintBarsAMove(t *testing.T) {
	t.Parallel()
	for name, ways := range map[string]func(from, back string) []zoho.Transition{
		"no transition leads there": func(from, _ string) []zoho.Transition {
			return []zoho.Transition{{Name: "Dalej", From: []string{from}, To: "Closed Won"}}
		},
		"the transition wants a field that we do not know": func(from, back string) []zoho.Transition {
			return []zoho.Transition{{Name: "Wróć", From: []string{from}, To: back, Needs: []string{"Next_Step"}}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, account, deal := zohoBureau(t, "  - {rule: day_known, mode: revert}")
			o.advance(t, deal)
			if err := account.AddBlueprint("", "Sprzedaż", ways(stageName(o.stage[1]), stageName(o.stage[0]))...); err != nil {
				t.Fatal(err)
			}
			o.settle(t)
			if got := o.at(t, deal, "stage_id"); got != o.stage[1] {
				t.Errorf("it stands in %s, want %s", got, o.stage[1])
			}
			if got := one[string](t, o.bundle, `SELECT string_agg(state || ': ' || why, '; ') FROM edits WHERE what = 'revert' AND external_id = $1`, deal); !strings.HasPrefix(got, "refused: deal "+deal+" is in a Blueprint") {
				t.Errorf("the revert is %s", got)
			}
			if got := o.activities(t, deal); !slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, "Książka sprzedaży") }) {
				t.Errorf("activities are %q, want a task in place of the revert", got)
			}
			if got := o.shows(t, deal); got == "" {
				t.Error("the card shows nothing")
			}
			stop := o.writes()
			o.run(t, `INSERT INTO dirty (workspace_id, connection_id, kind, external_id) SELECT workspace_id, connection_id, 'deals', external_id FROM deals`)
			o.settle(t)
			if calls := stop(); len(calls) > 0 {
				t.Errorf("written again: %q", calls)
			}
			if got := o.told(t); !slices.Equal(got, []string{"barred to szefowa@example.com"}) {
				t.Errorf("told: %q", got)
			}
			if n := o.truth("notes", "Oferta"); n != 0 {
				t.Errorf("%d notes say what was not done", n)
			}
		})
	}
}

// TestSomebodyMovesADealOfABlueprint between our reading and our transition: it is
// decided anew.
func TestSomebodyMovesADealOfABlueprint(t *testing.T) {
	t.Parallel()
	o, account, deal := zohoBureau(t, "  - {rule: day_known, mode: revert}")
	third := o.third(t)
	o.advance(t, deal)
	from := stageName(o.stage[1])
	err := account.AddBlueprint("", "Sprzedaż", zoho.Transition{Name: "Wróć", From: []string{from}, To: stageName(o.stage[0])}, zoho.Transition{Name: "Dalej", From: []string{from}, To: stageName(third)},
		zoho.Transition{Name: "Wygrana", From: []string{stageName(third)}, To: "Closed Won"})
	if err != nil {
		t.Fatal(err)
	}
	o.crm.Before("PUT", "/Deals/"+deal+"/actions/blueprint", func() { account.transit(t, deal, stageName(third)) })
	o.settle(t)
	if got := o.at(t, deal, "stage_id"); got != third {
		t.Errorf("it stands in %s, want %s, where somebody put it", got, third)
	}
	if got := one[string](t, o.bundle, `SELECT string_agg(state, ', ' ORDER BY id) FROM edits WHERE what = 'revert' AND external_id = $1`, deal); got != "cancelled" {
		t.Errorf("the revert is %s, want one that is no longer wanted", got)
	}
	if got := o.told(t); len(got) != 0 {
		t.Errorf("told: %q", got)
	}
}

// transit has a person move a deal by its Blueprint.
func (c *zohoCRM) transit(t *testing.T, deal, to string) {
	t.Helper()
	path := "/crm/v8/Deals/" + deal + "/actions/blueprint"
	answer, err := c.Do(c.person, "GET", path, nil)
	if err != nil {
		t.Fatal(err)
	}
	var found struct {
		Blueprint struct {
			Transitions []struct {
				ID   string `json:"id"`
				Next string `json:"next_field_value"`
			} `json:"transitions"`
		} `json:"blueprint"`
	}
	if err := json.Unmarshal(answer, &found); err != nil {
		t.Fatal(err)
	}
	for _, w := range found.Blueprint.Transitions {
		if w.Next == to {
			if _, err := c.Do(c.person, "PUT", path, map[string]any{"blueprint": []any{map[string]any{"transition_id": w.ID, "data": map[string]any{}}}}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestALossInABlueprintStands where a transition leads on from it, and none back.
func TestALossInABlueprintStands(t *testing.T) {
	t.Parallel()
	o, account, deal := zohoBureau(t, "  - {rule: loss_without_reason, mode: revert}")
	if err := account.AddBlueprint("", "Odzyskanie", zoho.Transition{Name: "Konkurencja", From: []string{"Closed Lost"}, To: "Closed Lost to Competition"}); err != nil {
		t.Fatal(err)
	}
	o.set(t, deal, map[string]any{"status": "lost"})
	o.settle(t)
	if got := o.at(t, deal, "status"); got != "lost" {
		t.Errorf("it is %s", got)
	}
	if got := o.told(t); !slices.Equal(got, []string{"barred to szefowa@example.com"}) {
		t.Errorf("told: %q", got)
	}
}

// TestAReopenedDealStandsWhereItStood, without the reason, and is written with those
// fields only that the account has: of the names under which accounts have the reason
// of a loss it has one.
func TestAReopenedDealStandsWhereItStood(t *testing.T) {
	t.Parallel()
	o, account, deal := zohoBureau(t, "  - {rule: loss_reason_unknown, mode: revert}")
	if _, err := account.do(account.person, "PUT", "Deals/"+deal, map[string]any{"Amount": 500}); err != nil {
		t.Fatal(err)
	}
	o.advance(t, deal)
	o.later(t, 10*time.Second)
	o.set(t, deal, map[string]any{"status": "lost", "lost_reason": "Bez powodu"})
	var sent []string
	o.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.Method == "PUT" && strings.HasSuffix(r.URL.Path, "/Deals/"+deal) {
			sent = append(sent, bodyOf(t, r))
		}
		return http.DefaultTransport.RoundTrip(r)
	})
	o.receive(t)
	o.settle(t)
	pipeline, stage, _ := strings.Cut(o.stage[1], "|")
	want := `{"data":[{"Pipeline":"` + pipeline + `","Reason_For_Loss__s":null,"Stage":"` + stage + `"}],"trigger":[]}`
	if sent = slices.DeleteFunc(sent, func(s string) bool { return !strings.Contains(s, `"Stage"`) }); !slices.Equal(sent, []string{want}) {
		t.Errorf("sent %q, want %q", sent, want)
	}
	if diff := cmp.Diff("open "+o.stage[1]+" ", o.at(t, deal, "status")+" "+o.at(t, deal, "stage_id")+" "+o.at(t, deal, "lost_reason")); diff != "" {
		t.Errorf("at the vendor (-want +got):\n%s", diff)
	}
	o.comesBack(t)
	o.settle(t)
	if got := one[string](t, o.bundle, `SELECT concat_ws(' ', status, stage_id, lost_reason, lost_at, closed_at) FROM deals WHERE external_id = $1`, deal); got != "open "+o.stage[1] {
		t.Errorf("here it is %q", got)
	}
	if got := one[string](t, o.bundle, `SELECT COALESCE(string_agg(fields::text, ', '), '') FROM changes WHERE (kind, external_id) = ('deals', $1) AND edit_id IS NULL
		AND id > (SELECT min(c.id) FROM changes c JOIN edits e ON e.id = c.edit_id WHERE e.what = 'revert' AND e.external_id = $1)`, deal); got != "" {
		t.Errorf("our own change is taken for somebody's: %s", got)
	}
	last := one[string](t, o.bundle, `SELECT string_agg(stage_id, ', ' ORDER BY at) FROM deal_stages WHERE deal_id = $1`, deal)
	if want := o.stage[0] + ", " + o.stage[1]; last != want {
		t.Errorf("it stood in %s, want %s", last, want)
	}
	if n := o.truth("notes", "Sales Book"); n != 1 {
		t.Errorf("%d notes say why", n)
	}
	o.later(t, 20*time.Second)
	o.drift(t)
}

// TestALossOfADealNeverSeenOpen: nobody knows where it stood, so it is not taken
// back; the rep has a task, and the head is told.
func TestALossOfADealNeverSeenOpen(t *testing.T) {
	t.Parallel()
	o, _, _ := zohoBureau(t, "  - {rule: loss_without_reason, mode: revert}")
	deal := o.offer(t, map[string]any{"title": "Dom 2", "status": "lost"})
	o.comesToRest(t)
	if got := o.at(t, deal, "status"); got != "lost" {
		t.Errorf("it is %s", got)
	}
	if got := o.told(t); !slices.Equal(got, []string{"barred to szefowa@example.com"}) {
		t.Errorf("told: %q", got)
	}
}

// TestAFormulaOvertakesNothing: a field of the deal's is reckoned anew between our
// judging and our writing. It is nobody's change of what was judged.
func TestAFormulaOvertakesNothing(t *testing.T) {
	t.Parallel()
	o, account, deal := zohoBureau(t, "  - {rule: loss_without_reason, mode: revert}")
	do := func(method, path string, record map[string]any) string {
		t.Helper()
		id, err := account.do(account.person, method, path, record)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	company := do("POST", "Accounts", map[string]any{"Account_Name": "Piekarnia", "Annual_Revenue": 1})
	do("PUT", "Deals/"+deal, map[string]any{"Account_Name": map[string]any{"id": company}, "Stage": "Closed Lost"})
	o.pull(t)
	o.evaluate(t)
	do("PUT", "Accounts/"+company, map[string]any{"Annual_Revenue": 2})
	if got := o.at(t, deal, "Customer_Revenue"); got != "2" {
		t.Fatalf("the formula gives %q", got)
	}
	o.push(t)
	if got := o.at(t, deal, "status"); got != "open" {
		t.Errorf("it is %s; edits %q", got, o.edits(t))
	}
}

// TestADeletedDealStaysDeletedAtZoho, whose API cannot bring it back: the head is
// told, and nothing is tried again.
func TestADeletedDealStaysDeletedAtZoho(t *testing.T) {
	t.Parallel()
	o, _, deal := zohoBureau(t, "  - {rule: deleted_open, mode: revert}")
	o.remove(t, deal)
	o.comesToRest(t)
	if got := one[string](t, o.bundle, `SELECT string_agg(state || ': ' || why, '; ') FROM edits WHERE external_id = $1`, deal); !strings.HasPrefix(got, "refused: Zoho's API cannot bring back a deleted record") {
		t.Errorf("edits: %s", got)
	}
	if got := o.told(t); !slices.Equal(got, []string{"barred to szefowa@example.com"}) {
		t.Errorf("told: %q", got)
	}
}

// TestALostDealIsDeleted: nobody works with it, and nothing is written to it any more.
func TestALostDealIsDeleted(t *testing.T) {
	t.Parallel()
	o, _, deal := zohoBureau(t, "  - {rule: loss_without_reason, mode: task}")
	o.set(t, deal, map[string]any{"status": "lost"})
	o.settle(t)
	if o.shows(t, deal) == "" || len(o.activities(t, deal)) != 1 {
		t.Fatalf("the card shows %q, activities are %q", o.shows(t, deal), o.activities(t, deal))
	}
	o.remove(t, deal)
	stop := o.writes()
	o.settle(t)
	o.later(t, 25*time.Hour)
	o.enforce(t, "  - {rule: loss_without_reason, mode: tell}")
	o.settle(t)
	if calls := stop(); len(calls) > 0 {
		t.Errorf("written: %q", calls)
	}
	if f := o.factsOf(t, deal); f.Lost.IsZero() || f.Deleted.IsZero() {
		t.Errorf("lost %v, deleted %v", f.Lost, f.Deleted)
	}
}

// factsOf are what the book knows of a deal.
func (o *bureau) factsOf(t *testing.T, deal string) (about *book.Facts) {
	t.Helper()
	err := o.EffectsOnDeals(t.Context(), o.ws, o.conn, []string{deal}, func(f *book.Facts, _ *enforce.Effects) { about = f })
	if err != nil || about == nil {
		t.Fatalf("no facts of deal %s: %v", deal, err)
	}
	return about
}

// TestZohoRefusesWhatSomebodyChangedMeanwhile: a person is between our reading and our
// writing. Zoho refuses ours, which is decided anew; nothing is written over.
func TestZohoRefusesWhatSomebodyChangedMeanwhile(t *testing.T) {
	t.Parallel()
	for name, theirs := range map[string]struct {
		change func(third string) map[string]any
		state  string
	}{
		"the same field": {func(third string) map[string]any { return map[string]any{"stage_id": third} }, "overtaken"},
		"another field":  {func(string) map[string]any { return map[string]any{"title": "Inny dom"} }, "done"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := zohoDesk(t, 1)
			deal, third := d.deals[0], d.third(t)
			d.advance(t, deal)
			id := d.moveBack(t, deal)
			d.crm.Before("PUT", "/Deals/"+deal, func() {
				if _, err := d.crm.Inject(sandbox.Fault{Kind: sandbox.Skew, Delay: 2 * time.Second}); err != nil {
					t.Error(err)
				}
				d.set(t, deal, theirs.change(third))
			})
			d.push(t)
			if e := d.wantEdit(t, id, "ready", "ALREADY_MODIFIED"); e.Attempts != 1 || e.NotBefore == nil {
				t.Errorf("%d attempts, waits until %v", e.Attempts, e.NotBefore)
			}
			d.later(t)
			d.push(t)
			want := map[string]string{"done": d.stage[0], "overtaken": third}[theirs.state]
			why := map[string]string{"overtaken": "somebody else has changed"}[theirs.state]
			if d.wantEdit(t, id, theirs.state, why); d.at(t, deal, "stage_id") != want {
				t.Errorf("it stands in %s, want %s", d.at(t, deal, "stage_id"), want)
			}
		})
	}
}

// TestZohoRefusesValues: the account has made a field mandatory, or does not take a
// value. Nothing was changed, a person has to look, and the deal is judged anew.
func TestZohoRefusesValues(t *testing.T) {
	t.Parallel()
	for code, answer := range map[string]struct {
		status int // both come
		body   string
	}{
		"INVALID_DATA":        {http.StatusOK, `{"data":[{"code":"INVALID_DATA","details":{"api_name":"Stage","json_path":"$.data[0].Stage"},"message":"invalid data","status":"error"}]}`},
		"MANDATORY_NOT_FOUND": {http.StatusBadRequest, `{"data":[{"code":"MANDATORY_NOT_FOUND","details":{"api_name":"Next_Step","json_path":"$.data[0].Next_Step"},"message":"required field not found","status":"error"}]}`},
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			d := zohoDesk(t, 1)
			deal := d.deals[0]
			d.advance(t, deal)
			id := d.moveBack(t, deal)
			first := once()
			d.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
				if r.Method == "PUT" && first() {
					return answerOf(r, answer.status, answer.body), nil
				}
				return http.DefaultTransport.RoundTrip(r)
			})
			d.run(t, `DELETE FROM dirty`)
			d.push(t)
			d.wantEdit(t, id, "refused", code)
			d.push(t)
			if got := d.at(t, deal, "stage_id"); got != d.stage[1] {
				t.Errorf("it stands in %s", got)
			}
			if n := one[int](t, d.bundle, `SELECT count(*) FROM failures WHERE kind = 'edit' AND resolved_at IS NULL AND reason LIKE '%' || $1 || '%'`, code); n != 1 {
				t.Errorf("%d failures are listed", n)
			}
			if n := one[int](t, d.bundle, `SELECT count(*) FROM dirty WHERE (kind, external_id) = ('deals', $1)`, deal); n != 1 {
				t.Error("what is done in its place is not worked out")
			}
		})
	}
}

// TestUndoingAtZoho: a move is undone like any other; a deal that was opened again is
// lost again in the stage, and for the reason, that it had. What is not known of an
// older edit is refused at once.
func TestUndoingAtZoho(t *testing.T) {
	t.Parallel()
	d := zohoDesk(t, 1)
	deal := d.deals[0]
	d.advance(t, deal)
	move := d.moveBack(t, deal)
	d.push(t)
	d.wantEdit(t, move, "done", "")
	if _, err := d.UndoEdit(t.Context(), d.ws, move, "boss"); err != nil {
		t.Fatal(err)
	}
	d.push(t)
	if got := d.at(t, deal, "stage_id"); got != d.stage[1] {
		t.Errorf("it stands in %s, want %s", got, d.stage[1])
	}
	task := d.task(t, deal)
	d.push(t)
	if _, err := d.UndoEdit(t.Context(), d.ws, task, "boss"); err != nil {
		t.Fatal(err)
	}
	d.push(t)
	if n := one[int](t, d.bundle, `SELECT count(*) FROM activities WHERE done AND done_at IS NOT NULL`); n != 1 {
		t.Errorf("%d tasks are done", n)
	}
	d.later(t)
	const last = "Closed Lost to Competition"
	if _, err := d.crm.(*zohoCRM).do("", "PUT", "Deals/"+deal, map[string]any{"Stage": last, "Reason_For_Loss__s": "Za drogo"}); err != nil {
		t.Fatal(err)
	}
	d.pull(t)
	opened := d.want(t, deal, postgres.Edit{What: "revert", Key: "revert/2", TargetKind: "deals", TargetID: &deal,
		Wanted: words(t, map[string]any{"status": "open", "stage_id": d.stage[1], "lost_reason": nil})})
	d.push(t)
	if d.wantEdit(t, opened, "done", ""); d.at(t, deal, "status") != "open" {
		t.Fatalf("it is %s", d.at(t, deal, "status"))
	}
	ending := one[string](t, d.bundle, `SELECT ending::text FROM edits WHERE id = $1`, opened)
	d.run(t, `UPDATE edits SET ending = NULL WHERE id = $1`, opened)
	if _, err := d.UndoEdit(t.Context(), d.ws, opened, "boss"); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "set back in the CRM") {
		t.Errorf("undoing what is not known: %v", err)
	}
	d.run(t, `UPDATE edits SET ending = $2::text::jsonb WHERE id = $1`, opened, ending)
	undo, err := d.UndoEdit(t.Context(), d.ws, opened, "boss")
	if err != nil {
		t.Fatal(err)
	}
	d.push(t)
	d.wantEdit(t, one[int64](t, d.bundle, `SELECT id FROM edits WHERE key = $1`, undo.Key), "done", "")
	if got := []string{d.at(t, deal, "status"), d.at(t, deal, "stage_id"), d.at(t, deal, "lost_reason")}; got[0] != "lost" || !strings.HasSuffix(got[1], "|"+last) || got[2] != "Za drogo" {
		t.Errorf("status, stage and reason are %q", got)
	}
	d.drift(t)
}

func bodyOf(t *testing.T, r *http.Request) string {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return string(body)
}
