package jobs_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sandbox"
	"salesbook.dev/jobs"
)

// bureau is a desk whose book does something about its verdicts.
type bureau struct {
	*desk
	card string // code of the card's field
}

// enforcing puts a book in force that holds %[1]s, and had done so for two days
// when the deals were made.
func enforcing(t *testing.T, deals int, enforcement string) *bureau {
	t.Helper()
	return enforcingAt(t, writable(t, deals), enforcement)
}

// enforcingAt is enforcing at a desk of any vendor's.
func enforcingAt(t *testing.T, d *desk, enforcement string) *bureau {
	t.Helper()
	o := &bureau{desk: d}
	var err error
	if o.card, err = o.crm.field("Czego brakuje"); err != nil {
		t.Fatal(err)
	}
	o.pull(t)
	o.in(t, func(tx pgx.Tx) error { return postgres.SetCardField(t.Context(), tx, o.ws, o.conn, o.card) })
	o.enforce(t, enforcement)
	return o
}

func (o *bureau) enforce(t *testing.T, enforcement string) {
	t.Helper()
	o.activate(t, o.text(t, enforcement))
	for _, sql := range []string{
		`UPDATE books SET active_at = now() - interval '2 days'`, `UPDATE rollouts SET since = now() - interval '2 days'`,
		`UPDATE connections SET created_at = now() - interval '2 days', read_at = now() - interval '2 days', live_at = live_at - interval '2 days'`,
	} {
		o.run(t, sql)
	}
}

// text is a book that does something about what it finds.
func (o *bureau) text(t *testing.T, enforcement string) string {
	t.Helper()
	return fmt.Sprintf(`
book: 1
name: Książka
language: pl
teams:
  - {id: all, name: Wszyscy, head: szefowa@example.com}
funnels:
  - id: sale
    name: Sprzedaż
    crm: [{pipeline: "#%s"}]
    stages:
      - id: call
        name: Telefon
        crm: "#%s"
        tasks: [{id: ask, name: Zapytaj o budżet, how: "https://example.com/skrypt"}]
        exit: [{id: day_known, required: [expected_close]}]
      - id: offer
        name: Oferta
        crm: "#%s"
        tasks: [{id: send, name: Wyślij ofertę, create: {type: call, after: 1wd}}]
loss_reasons:
  - {id: price, name: Za drogo, any_time: true, on_lost: [{task: Zadzwoń ponownie, type: call, after: 5wd}]}
enforcement:
  - {rule: all, mode: off}
%s`, one[string](t, o.bundle, `SELECT pipeline_id FROM stages WHERE external_id = $1`, o.stage[0]), o.stage[0], o.stage[1], enforcement)
}

// settle judges and writes until there is nothing left to do, and takes in what
// comes back.
func (o *bureau) settle(t *testing.T) {
	t.Helper()
	o.comesToRest(t)
	for _, why := range o.failed(t) {
		t.Errorf("failed: %s", why)
	}
}

func (o *bureau) comesToRest(t *testing.T) {
	t.Helper()
	o.pull(t)
	for range 20 {
		o.evaluate(t)
		o.push(t)
		if one[int](t, o.bundle, `SELECT count(*) FROM dirty`)+one[int](t, o.bundle, `SELECT count(*) FROM edits WHERE state IN ('ready', 'sent')`) == 0 {
			return
		}
	}
	t.Fatal("it never comes to rest")
}

// told is what people are to be told at once.
func (o *bureau) told(t *testing.T) (out []string) {
	t.Helper()
	o.in(t, func(tx pgx.Tx) error {
		rows, err := tx.Query(t.Context(), `SELECT occasion || ' to ' || address FROM notifications ORDER BY id`)
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	return out
}

// failed are all failures.
func (o *bureau) failed(t *testing.T) (out []string) {
	t.Helper()
	o.in(t, func(tx pgx.Tx) error {
		rows, err := tx.Query(t.Context(), `SELECT kind || ' ' || object || ' ' || external_id || ': ' || reason FROM failures`)
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	return out
}

// shows is what a deal's card shows at the vendor.
func (o *bureau) shows(t *testing.T, deal string) string {
	t.Helper()
	return o.at(t, deal, "custom_fields."+o.card)
}

// later puts the vendor's clock and ours forward.
func (o *bureau) later(t *testing.T, d time.Duration) {
	t.Helper()
	if _, err := o.crm.Inject(sandbox.Fault{Kind: sandbox.Skew, Delay: d}); err != nil {
		t.Fatal(err)
	}
	o.Now = func() time.Time { return time.Now().Add(d) }
}

// activities are what the vendor has about a deal: subjects, those that are done
// with a mark.
func (o *bureau) activities(t *testing.T, deal string) (out []string) {
	t.Helper()
	for _, a := range o.crm.written("activities") {
		if !a.deleted && a.deal == deal {
			text := a.subject
			if a.done {
				text += " (done)"
			}
			out = append(out, text)
		}
	}
	return out
}

func (o *bureau) edits(t *testing.T) (out []string) {
	t.Helper()
	o.in(t, func(tx pgx.Tx) error {
		rows, err := tx.Query(t.Context(), `SELECT external_id || ' ' || what || ' ' || state FROM edits ORDER BY id`)
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	return out
}

// writes are the calls that change something at the vendor until stop is called.
func (o *bureau) writes() (stop func() []string) {
	var calls []string
	before := o.Transport
	o.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.Method != http.MethodGet && !strings.HasSuffix(r.URL.Path, "/coql") && !strings.Contains(r.URL.Path, "/oauth/") { // neither queries nor tokens change anything
			calls = append(calls, r.Method+" "+r.URL.Path)
		}
		if before != nil {
			return before.RoundTrip(r)
		}
		return http.DefaultTransport.RoundTrip(r)
	})
	return func() []string {
		o.Transport = before
		return calls
	}
}

// TestModesOfARule: each mode does what it says and nothing more, and once it is
// done nothing is written again.
func TestModesOfARule(t *testing.T) { inEach(t, modesOfARule) }

func modesOfARule(t *testing.T, enforcing opener) {
	t.Parallel()
	cases := map[string]struct{ card, task bool }{"observe": {}, "tell": {card: true}, "task": {card: true, task: true}}
	for mode, want := range cases {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			o := enforcing(t, 1, "  - {rule: no_next_step, mode: "+mode+"}")
			deal := o.deals[0]
			o.settle(t)
			if got := o.shows(t, deal); (got != "") != want.card {
				t.Errorf("the card shows %q", got)
			}
			if got := o.activities(t, deal); (len(got) == 1) != want.task {
				t.Errorf("activities are %q", got)
			}
			stop := o.writes()
			o.run(t, `INSERT INTO dirty (workspace_id, connection_id, kind, external_id) SELECT workspace_id, connection_id, 'deals', external_id FROM deals`)
			o.settle(t)
			if calls := stop(); len(calls) > 0 {
				t.Errorf("written again: %q", calls)
			}
			if n := one[int](t, o.bundle, `SELECT count(*) FROM violations WHERE rule = 'no_next_step' AND mended_at IS NULL`); n != 1 {
				t.Errorf("%d violations are open: our own task is a next step", n)
			}
		})
	}
}

// TestWhatIsMendedIsTakenAway: the card is emptied and our task closed.
func TestWhatIsMendedIsTakenAway(t *testing.T) { inEach(t, whatIsMendedIsTakenAway) }

func whatIsMendedIsTakenAway(t *testing.T, enforcing opener) {
	t.Parallel()
	o := enforcing(t, 1, "  - {rule: no_next_step, mode: task}")
	deal := o.deals[0]
	o.settle(t)
	o.plan(t, deal, 3)
	o.settle(t)
	if got := o.shows(t, deal); got != "" {
		t.Errorf("the card still shows %q", got)
	}
	got := o.activities(t, deal)
	if len(got) != 2 || !slices.ContainsFunc(got, func(s string) bool { return strings.HasSuffix(s, "(done)") }) {
		t.Errorf("activities are %q, want ours done", got)
	}
}

// TestARepWhoClosesOurTaskIsNotAskedAgain for the same.
func TestARepWhoClosesOurTaskIsNotAskedAgain(t *testing.T) {
	inEach(t, aRepWhoClosesOurTaskIsNotAskedAgain)
}

func aRepWhoClosesOurTaskIsNotAskedAgain(t *testing.T, enforcing opener) {
	t.Parallel()
	o := enforcing(t, 1, "  - {rule: no_next_step, mode: task}\n  - {rule: close_date_past, mode: task}")
	deal := o.deals[0]
	o.settle(t)
	id := one[string](t, o.bundle, `SELECT target_id FROM edits WHERE what = 'task'`)
	if err := o.crm.mark(id); err != nil {
		t.Fatal(err)
	}
	o.settle(t)
	if got := o.activities(t, deal); len(got) != 1 {
		t.Errorf("activities are %q", got)
	}
	o.set(t, deal, map[string]any{"expected_close_date": time.Now().AddDate(0, 0, -3).Format(time.DateOnly)})
	o.settle(t)
	if got := o.activities(t, deal); len(got) != 2 {
		t.Errorf("activities are %q, want another for what is new", got)
	}
}

// TestAMoveThatBreaksTheBookIsTakenBackOnce: the head of sales agrees, the deal goes back with a
// note that says why; a rep who repeats it is told of, and not fought.
func TestAMoveThatBreaksTheBookIsTakenBackOnce(t *testing.T) {
	inEach(t, aMoveThatBreaksTheBookIsTakenBackOnce)
}

func aMoveThatBreaksTheBookIsTakenBackOnce(t *testing.T, enforcing opener) {
	t.Parallel()
	o := enforcing(t, 1, "  - {rule: day_known, mode: revert}")
	deal := o.deals[0]
	o.settle(t)
	o.advance(t, deal)
	o.settle(t)
	if got := o.at(t, deal, "stage_id"); got != o.stage[1] {
		t.Fatalf("it stands in %s before anybody agreed", got)
	}
	id := one[int64](t, o.bundle, `SELECT id FROM edits WHERE what = 'revert' AND state = 'asked'`)
	if _, err := o.ApproveEdits(t.Context(), o.ws, []int64{id}, "head"); err != nil {
		t.Fatal(err)
	}
	o.settle(t)
	if got := o.at(t, deal, "stage_id"); got != o.stage[0] {
		t.Errorf("it stands in %s, want %s", got, o.stage[0])
	}
	if n := o.truth("notes", "Oferta"); n != 1 {
		t.Errorf("%d notes say why", n)
	}
	if n := one[int](t, o.bundle, `SELECT count(*) FROM violations WHERE rule = 'day_known' AND mended_at IS NULL AND closed_at IS NULL`); n != 0 {
		t.Errorf("%d violations are left of a move that was taken back", n)
	}
	o.later(t, 10*time.Second) // a CRM knows no parts of a second
	o.advance(t, deal)
	o.settle(t)
	if got := o.at(t, deal, "stage_id"); got != o.stage[1] {
		t.Errorf("it was taken back again, to %s", got)
	}
	if n := one[int](t, o.bundle, `SELECT count(*) FROM edits WHERE what = 'revert'`); n != 1 {
		t.Errorf("%d reverts, want one", n)
	}
	if got := o.told(t); !slices.Equal(got, []string{"repeated to szefowa@example.com"}) {
		t.Errorf("told: %q", got)
	}
	if got := o.activities(t, deal); !slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, "Sales Book") || strings.Contains(s, "Książka") }) {
		t.Errorf("activities are %q, want a task in place of another revert", got)
	}
}

// TestALossWithoutReasonIsTakenBack, and with enough agreement by itself.
func TestALossWithoutReasonIsTakenBack(t *testing.T) { inEach(t, aLossWithoutReasonIsTakenBack) }

func aLossWithoutReasonIsTakenBack(t *testing.T, enforcing opener) {
	t.Parallel()
	o := enforcing(t, 1, "  - {rule: loss_without_reason, mode: revert}")
	deal := o.deals[0]
	o.settle(t)
	o.agree(t)
	o.set(t, deal, map[string]any{"status": "lost"})
	o.settle(t)
	if got := o.at(t, deal, "status"); got != "open" {
		t.Errorf("it is %s, want open", got)
	}
}

// TestALossExplainedMeanwhileStands: what is taken back is the very loss that broke
// the book, not another one, nor one whose reason was given meanwhile.
func TestALossExplainedMeanwhileStands(t *testing.T) { inEach(t, aLossExplainedMeanwhileStands) }

func aLossExplainedMeanwhileStands(t *testing.T, enforcing opener) {
	t.Parallel()
	for name, mend := range map[string]func(o *bureau, t *testing.T, deal string){
		"the reason is given": func(o *bureau, t *testing.T, deal string) {
			o.set(t, deal, map[string]any{"lost_reason": "Za drogo"})
		},
		"it is lost anew, with a reason": func(o *bureau, t *testing.T, deal string) {
			o.set(t, deal, map[string]any{"status": "open"})
			o.set(t, deal, map[string]any{"status": "lost", "lost_reason": "Za drogo"})
		},
		"it is lost anew": func(o *bureau, t *testing.T, deal string) {
			off, err := o.crm.Inject(sandbox.Fault{Kind: sandbox.Skew, Delay: 3 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			defer off()
			o.set(t, deal, map[string]any{"status": "open"})
			o.set(t, deal, map[string]any{"status": "lost"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := enforcing(t, 1, "  - {rule: loss_without_reason, mode: revert}")
			deal := o.deals[0]
			o.settle(t)
			o.agree(t)
			o.set(t, deal, map[string]any{"status": "lost"})
			o.pull(t)
			o.evaluate(t)
			mend(o, t, deal)
			o.push(t)
			if got := o.at(t, deal, "status"); got != "lost" {
				t.Errorf("it is %s, want lost", got)
			}
			if n := one[int](t, o.bundle, `SELECT count(*) FROM edits WHERE what = 'revert' AND state = 'overtaken'`); n != 1 {
				t.Errorf("%d reverts were overtaken, want one: %q", n, o.edits(t))
			}
		})
	}
}

// TestWhatALossAndAStageMake is made once.
func TestWhatALossAndAStageMake(t *testing.T) { inEach(t, whatALossAndAStageMake) }

func whatALossAndAStageMake(t *testing.T, enforcing opener) {
	t.Parallel()
	o := enforcing(t, 1, "")
	deal := o.deals[0]
	o.settle(t)
	o.advance(t, deal)
	o.settle(t)
	o.settle(t)
	if got := o.activities(t, deal); !slices.Equal(got, []string{"Wyślij ofertę"}) {
		t.Errorf("activities are %q", got)
	}
	o.set(t, deal, map[string]any{"status": "lost", "lost_reason": "Za drogo"})
	o.settle(t)
	o.settle(t)
	if got := o.activities(t, deal); !slices.Equal(got, []string{"Wyślij ofertę", "Zadzwoń ponownie"}) {
		t.Errorf("activities are %q", got)
	}
}

// TestADryRunWritesNothing, and what it showed is made once writing is live.
func TestADryRunWritesNothing(t *testing.T) { inEach(t, aDryRunWritesNothing) }

func aDryRunWritesNothing(t *testing.T, enforcing opener) {
	t.Parallel()
	o := enforcing(t, 2, "  - {rule: no_next_step, mode: task}")
	o.switchTo(t, jobs.Switch{Mode: "dry", By: "test"})
	stop := o.writes()
	o.settle(t)
	if calls := stop(); len(calls) > 0 {
		t.Fatalf("written in a dry run: %q", calls)
	}
	if got := o.edits(t); len(got) != 4 || !strings.HasSuffix(got[0], " dry") {
		t.Errorf("edits are %q", got)
	}
	o.switchTo(t, jobs.Switch{Mode: "live", By: "test", Share: 100})
	o.settle(t)
	for _, deal := range o.deals {
		if o.shows(t, deal) == "" || len(o.activities(t, deal)) != 1 {
			t.Errorf("deal %s shows %q and has %q", deal, o.shows(t, deal), o.activities(t, deal))
		}
	}
}

// TestABookThatIsTooHarshStopsAtTheCeiling before it has changed anything.
func TestABookThatIsTooHarshStopsAtTheCeiling(t *testing.T) {
	t.Parallel()
	o := enforcing(t, 60, "  - {rule: day_known, mode: revert}")
	o.agree(t)
	for _, deal := range o.deals[:24] {
		o.set(t, deal, map[string]any{"stage_id": json.Number(o.stage[1])})
	}
	o.pull(t)
	o.evaluate(t)
	o.push(t)
	if got := one[string](t, o.bundle, `SELECT writes || ': ' || writes_why FROM connections`); !strings.HasPrefix(got, "stopped: ") || !strings.Contains(got, "24") {
		t.Errorf("writing is %s", got)
	}
	for _, deal := range o.deals[:24] {
		if got := o.at(t, deal, "stage_id"); got != o.stage[1] {
			t.Fatalf("deal %s was moved to %s", deal, got)
		}
	}
}

// TestNobodyIsFought: what somebody changes back each time is left to him, and
// listed.
func TestNobodyIsFought(t *testing.T) { inEach(t, nobodyIsFought) }

func nobodyIsFought(t *testing.T, enforcing opener) {
	t.Parallel()
	o := enforcing(t, 1, "  - {rule: no_next_step, mode: tell}")
	deal := o.deals[0]
	for range 5 {
		o.comesToRest(t)
		o.set(t, deal, map[string]any{"custom_fields": map[string]any{o.card: "mine"}})
	}
	o.comesToRest(t)
	if got := o.shows(t, deal); got != "mine" {
		t.Errorf("the card shows %q", got)
	}
	if n := one[int](t, o.bundle, `SELECT count(*) FROM edits WHERE state = 'done'`); n != 3 {
		t.Errorf("%d times written, want 3", n)
	}
	if n := one[int](t, o.bundle, `SELECT count(*) FROM failures WHERE kind = 'fight' AND resolved_at IS NULL`); n != 1 {
		t.Errorf("%d fights are listed", n)
	}
}

// TestEchoesAreNoNews: what we write comes back by webhooks, and neither judges as
// somebody's deed nor makes anything be written.
func TestEchoesAreNoNews(t *testing.T) { inEach(t, echoesAreNoNews) }

func echoesAreNoNews(t *testing.T, enforcing opener) {
	t.Parallel()
	o := enforcing(t, 2, "  - {rule: no_next_step, mode: task}\n  - {rule: no_touch, mode: tell}")
	o.receive(t)
	o.settle(t)
	if err := o.crm.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := one[int](t, o.bundle, `SELECT count(*) FROM inbox WHERE done_at IS NULL`); n == 0 {
		t.Fatal("nothing came back")
	}
	before := one[int64](t, o.bundle, `SELECT COALESCE(max(id), 0) FROM changes`)
	stop := o.writes()
	if err := o.Receive(t.Context(), o.ws, o.conn); err != nil {
		t.Fatal(err)
	}
	o.settle(t)
	if calls := stop(); len(calls) > 0 {
		t.Errorf("our own echo made us write: %q", calls)
	}
	if n := one[int](t, o.bundle, `SELECT count(*) FROM changes WHERE id > $1 AND edit_id IS NULL`, before); n != 0 {
		t.Errorf("%d changes are taken for somebody's", n)
	}
}

// TestADraftSaysWhatItWouldDo before anybody puts it in force.
func TestADraftSaysWhatItWouldDo(t *testing.T) {
	t.Parallel()
	o := enforcing(t, 3, "  - {rule: no_next_step, mode: observe}")
	o.advance(t, o.deals[0])
	draft := func(enforcement string) *jobs.Doing {
		r, err := o.Rehearse(t.Context(), o.ws, parseBook(t, o.text(t, enforcement)), jobs.RehearseOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return r.Does
	}
	want := &jobs.Doing{OpenDeals: 3, Cards: 3, Tasks: 3, Reverts: 1, Changed: 3}
	if d := cmp.Diff(want, draft("  - {rule: no_next_step, mode: task}\n  - {rule: day_known, mode: revert}")); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if n := len(o.edits(t)); n > 0 {
		t.Errorf("a rehearsal left %d edits", n)
	}
}

// TestAStricterBookLeavesWhatIsOldInPeace: what broke before the book that first
// says so is the backlog, also if the rule has been in force for long.
func TestAStricterBookLeavesWhatIsOldInPeace(t *testing.T) {
	t.Parallel()
	o := enforcing(t, 1, "  - {rule: no_next_step, mode: task}\n  - {rule: required_fields, mode: task}")
	deal := o.deals[0]
	o.settle(t)
	limited := strings.Replace(o.text(t, "  - {rule: no_next_step, mode: task}\n  - {rule: required_fields, mode: task}"), "        name: Telefon\n", "        name: Telefon\n        required: [expected_close]\n", 1)
	o.activate(t, limited)
	o.run(t, `UPDATE books SET active_at = now() - interval '2 days' WHERE version = 1`)
	o.settle(t)
	if n := one[int](t, o.bundle, `SELECT count(*) FROM violations WHERE rule = 'required_fields' AND mended_at IS NULL`); n != 1 {
		t.Fatalf("%d deals lack what is new", n)
	}
	if n := one[int](t, o.bundle, `SELECT count(*) FROM edits WHERE what = 'task' AND state = 'done'`); n != 1 {
		t.Errorf("the task was written %d times", n)
	}
	if got := o.shows(t, deal); !strings.Contains(got, "Przewidywana data zamknięcia") {
		t.Errorf("the card does not show it: %s", got)
	}
}

// TestAChangeInTheLastMomentIsReported: a rep moves the deal on in the moment in
// which his step is taken back. What he did is written over, is set back, and the
// head of sales is told.
func TestAChangeInTheLastMomentIsReported(t *testing.T) {
	t.Parallel()
	o := enforcing(t, 1, "  - {rule: day_known, mode: revert}")
	deal, third := o.deals[0], o.third(t)
	o.settle(t)
	o.agree(t)
	o.advance(t, deal)
	o.sim.Before("PATCH", "/deals/"+deal, func() { o.set(t, deal, map[string]any{"stage_id": json.Number(third)}) })
	o.settle(t)
	if got := o.at(t, deal, "stage_id"); got != third {
		t.Errorf("the deal is in stage %s, want %s, where the rep put it", got, third)
	}
	if got := o.told(t); !slices.Contains(got, "overwritten to szefowa@example.com") {
		t.Errorf("told: %q", got)
	}
}

// TestWhatTheHeadDeclines: a move that is not taken back leaves a task instead, and
// what he cancels is not wanted again.
func TestWhatTheHeadDeclines(t *testing.T) {
	t.Parallel()
	o := enforcing(t, 2, "  - {rule: day_known, mode: revert}\n  - {rule: no_next_step, mode: task}")
	o.evaluate(t)
	card := one[int64](t, o.bundle, `SELECT id FROM edits WHERE what = 'card' AND external_id = $1`, o.deals[1])
	task := one[int64](t, o.bundle, `SELECT id FROM edits WHERE what = 'task' AND external_id = $1`, o.deals[1])
	o.declines(t, card, task)
	o.settle(t)
	if got := o.shows(t, o.deals[1]); got != "" {
		t.Errorf("the card shows %q though somebody said no to it", got)
	}
	if got := o.activities(t, o.deals[1]); len(got) != 0 {
		t.Errorf("activities are %q though somebody said no to the task", got)
	}
	o.plan(t, o.deals[0], 3)
	o.later(t, 10*time.Second)
	o.advance(t, o.deals[0])
	o.settle(t)
	o.declines(t, one[int64](t, o.bundle, `SELECT id FROM edits WHERE what = 'revert'`))
	o.settle(t)
	if n := o.truth("activities", "Książka"); n != 2 {
		t.Errorf("%d tasks of ours were made on the first deal, want one that was closed and one for the move", n)
	}
}

func (o *bureau) declines(t *testing.T, ids ...int64) {
	t.Helper()
	if _, err := o.CancelEdits(t.Context(), o.ws, ids, "head"); err != nil {
		t.Fatal(err)
	}
}

// TestWhatChangesOftenIsNotFought: a rep who mends and breaks the same several times
// a day always sees what is so.
func TestWhatChangesOftenIsNotFought(t *testing.T) {
	t.Parallel()
	o := enforcing(t, 1, "  - {rule: close_date_past, mode: tell}")
	deal := o.deals[0]
	for i := range 6 {
		o.set(t, deal, map[string]any{"expected_close_date": time.Now().AddDate(0, 0, -3).Format(time.DateOnly)})
		o.settle(t)
		if o.shows(t, deal) == "" {
			t.Fatalf("the %d. time nothing is shown", i+1)
		}
		o.set(t, deal, map[string]any{"expected_close_date": nil})
		o.settle(t)
		if got := o.shows(t, deal); got != "" {
			t.Fatalf("the %d. time %q stays", i+1, got)
		}
	}
}

// TestATaskGoesWithItsDeal to whoever takes the deal over.
func TestATaskGoesWithItsDeal(t *testing.T) { inEach(t, aTaskGoesWithItsDeal) }

func aTaskGoesWithItsDeal(t *testing.T, enforcing opener) {
	t.Parallel()
	o := enforcing(t, 1, "  - {rule: no_next_step, mode: task}")
	deal := o.deals[0]
	jan, err := o.crm.hire("Jan Nowak", "jan@example.com")
	if err != nil {
		t.Fatal(err)
	}
	o.settle(t)
	o.set(t, deal, map[string]any{"owner_id": json.Number(jan)})
	o.settle(t)
	if n := one[int](t, o.bundle, `SELECT count(*) FROM activities WHERE owner_id = $1 AND NOT done`, jan); n != 1 || len(o.activities(t, deal)) != 1 {
		t.Errorf("%d tasks are his, of %q", n, o.activities(t, deal))
	}
}

// TestDealsAreMerged: of their two tasks one is left.
func TestDealsAreMerged(t *testing.T) { inEach(t, dealsAreMerged) }

func dealsAreMerged(t *testing.T, enforcing opener) {
	t.Parallel()
	o := enforcing(t, 2, "  - {rule: no_next_step, mode: task}")
	o.receive(t)
	o.settle(t)
	if err := o.crm.merge(o.deals[0], o.deals[1]); err != nil {
		t.Fatal(err)
	}
	o.comesBack(t)
	o.settle(t)
	got := o.activities(t, o.deals[1])
	if open := slices.DeleteFunc(slices.Clone(got), func(s string) bool { return strings.HasSuffix(s, "(done)") }); len(got) != 2 || len(open) != 1 {
		t.Errorf("activities are %q, want one of ours that is open", got)
	}
}

// TestWhatIsThereToReadAndNotToWrite is not tried for ever.
func TestWhatIsThereToReadAndNotToWrite(t *testing.T) {
	t.Parallel()
	o := enforcing(t, 1, "  - {rule: no_next_step, mode: task}")
	for _, method := range []string{http.MethodPatch, http.MethodPost} {
		o.Transport = refusing(method, http.StatusNotFound, func() bool { return true })
		stop := o.writes()
		o.comesToRest(t)
		if n := len(stop()); n > 8 {
			t.Errorf("%d calls", n)
		}
		o.Transport = nil
	}
	if n := one[int](t, o.bundle, `SELECT count(*) FROM failures WHERE kind = 'fight' AND resolved_at IS NULL`); n != 1 {
		t.Errorf("%d are listed", n)
	}
}

// TestATaskOnADealThatIsGone: nobody had told us, and there is nothing for a person
// to look at.
func TestATaskOnADealThatIsGone(t *testing.T) { inEach(t, aTaskOnADealThatIsGone) }

func aTaskOnADealThatIsGone(t *testing.T, enforcing opener) {
	t.Parallel()
	o := enforcing(t, 1, "  - {rule: no_next_step, mode: task}")
	o.evaluate(t)
	o.remove(t, o.deals[0])
	o.push(t)
	o.settle(t)
	if got := strings.Join(o.edits(t), ", "); strings.Contains(got, "refused") || !strings.Contains(got, "task cancelled") {
		t.Errorf("edits are %s", got)
	}
}

// TestWhatWasDoneInADryRunStands: a move from before writing was live is not taken
// back any more; the rep has a task instead.
func TestWhatWasDoneInADryRunStands(t *testing.T) {
	t.Parallel()
	o := enforcing(t, 1, "  - {rule: day_known, mode: revert}")
	deal := o.deals[0]
	o.switchTo(t, jobs.Switch{Mode: "dry", By: "test"})
	o.settle(t)
	o.advance(t, deal)
	o.settle(t)
	if n := one[int](t, o.bundle, `SELECT count(*) FROM edits WHERE what = 'revert' AND state = 'dry'`); n != 1 {
		t.Fatalf("%d reverts are shown", n)
	}
	o.later(t, 10*time.Second)
	o.switchTo(t, jobs.Switch{Mode: "live", By: "test"})
	o.settle(t)
	if n := one[int](t, o.bundle, `SELECT count(*) FROM edits WHERE what = 'revert' AND state <> 'cancelled'`); n != 0 {
		t.Errorf("%d reverts are wanted of a move from the dry run", n)
	}
	if got := o.activities(t, deal); !slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, "Książka sprzedaży") }) {
		t.Errorf("activities are %q, want a task in place of the revert", got)
	}
}
