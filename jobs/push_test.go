package jobs_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sandbox/pipedrive"
	"salesbook.dev/jobs"
)

// desk is a company of whose deals some are open in the first stage, and to
// which may be written.
type desk struct {
	*bundle
	deals []string
	stage [2]string // two stages of one pipeline
}

// writable connects a company with some deals and lets edits be made.
func writable(t *testing.T, deals int) *desk {
	t.Helper()
	return furnish(t, setup(t, 0, pipedrive.Options{}), deals)
}

func furnish(t *testing.T, b *bundle, deals int) *desk {
	t.Helper()
	d := &desk{bundle: b}
	for i := range deals {
		d.deals = append(d.deals, b.offer(t, map[string]any{"title": fmt.Sprintf("Dom %d", i+1)}))
	}
	b.pull(t)
	if deals > 0 {
		d.stage[0] = one[string](t, b, `SELECT stage_id FROM deals ORDER BY external_id LIMIT 1`)
		d.stage[1] = one[string](t, b, `SELECT s.external_id FROM stages s JOIN stages f USING (workspace_id, connection_id, pipeline_id) WHERE f.external_id = $1 AND s.position > f.position ORDER BY s.position LIMIT 1`, d.stage[0])
	}
	// Not everything happens within one second, in which a CRM knows no order.
	one[int](t, b, `WITH u AS (UPDATE deals SET added_at = now() - interval '1 day', stage_entered_at = now() - interval '1 hour' RETURNING 1) SELECT count(*) FROM u`)
	d.switchTo(t, jobs.Switch{Mode: "live", By: "test"})
	return d
}

func (b *bundle) switchTo(t testing.TB, to jobs.Switch) jobs.Switched {
	t.Helper()
	done, err := b.SwitchWriting(t.Context(), b.ws, postgres.Connection{ID: b.conn, Name: "crm"}, to)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// want stores an edit about a deal, and returns its number.
func (d *desk) want(t testing.TB, deal string, e postgres.Edit) int64 {
	t.Helper()
	e.Subject = postgres.SubjectKey{Connection: d.conn, Kind: "deals", ID: deal}
	if e.Key == "" {
		e.Key = e.What
	}
	if e.State == "" {
		e.State = "ready"
	}
	d.in(t, func(tx pgx.Tx) error { return postgres.WantEdits(t.Context(), tx, d.ws, []postgres.Edit{e}) })
	return one[int64](t, d.bundle, `SELECT max(id) FROM edits WHERE external_id = $1 AND key = $2`, deal, e.Key)
}

func words(t testing.TB, fields map[string]any) map[string]json.RawMessage {
	t.Helper()
	out := map[string]json.RawMessage{}
	for name, v := range fields {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = b
	}
	return out
}

// moveBack wants a deal back in the first stage, with a note.
func (d *desk) moveBack(t testing.TB, deal string) int64 {
	t.Helper()
	return d.want(t, deal, postgres.Edit{What: "revert", TargetKind: "deals", TargetID: &deal, Wanted: words(t, map[string]any{"stage_id": d.stage[0]}),
		Note: "<p>Za wcześnie.</p>", Cause: postgres.EditCause{Rule: "exit_fields", Undoes: d.stage[1]}})
}

// task wants a task on a deal.
func (d *desk) task(t testing.TB, deal string) int64 {
	t.Helper()
	return d.want(t, deal, postgres.Edit{What: "task", TargetKind: "activities", Wanted: words(t, map[string]any{"subject": "Uzupełnij", "type": "task", "deal_id": deal, "due_on": "2030-01-02", "note": "<ul><li>Budżet</li></ul>", "done": false})})
}

// advance has a person move a deal to the second stage, which is pulled.
func (d *desk) advance(t testing.TB, deal string) {
	t.Helper()
	d.set(t, deal, map[string]any{"stage_id": json.Number(d.stage[1])})
	d.pull(t)
}

// set has a person change a deal at the vendor.
func (d *desk) set(t testing.TB, deal string, fields map[string]any) {
	t.Helper()
	if err := d.crm.set(deal, fields); err != nil {
		t.Fatal(err)
	}
}

// offer has somebody make a deal at the vendor.
func (b *bundle) offer(t testing.TB, fields map[string]any) string {
	t.Helper()
	deal, err := b.crm.offer(fields)
	if err != nil {
		t.Fatal(err)
	}
	return deal
}

// remove has a person delete a deal at the vendor.
func (d *desk) remove(t testing.TB, deal string) {
	t.Helper()
	if err := d.crm.remove(deal); err != nil {
		t.Fatal(err)
	}
}

// plan has a person plan a meeting about a deal, in so many days.
func (d *desk) plan(t testing.TB, deal string, days int) {
	t.Helper()
	if err := d.crm.plan(deal, "Spotkanie", time.Now().AddDate(0, 0, days).Format(time.DateOnly)); err != nil {
		t.Fatal(err)
	}
}

// updates is the method of the calls that change a record.
func (d *desk) updates() string {
	method, _, _, _ := d.crm.writes()
	return method
}

// push works off the edits.
func (b *bundle) push(t testing.TB) {
	t.Helper()
	if complete, err := b.Push(t.Context(), b.ws, b.conn); err != nil || !complete {
		t.Fatalf("push: complete=%v: %v", complete, err)
	}
}

// wantEdit compares the state of an edit.
func (d *desk) wantEdit(t testing.TB, id int64, state, why string) postgres.Edit {
	t.Helper()
	var e postgres.Edit
	d.in(t, func(tx pgx.Tx) (err error) {
		e, err = postgres.EditByID(t.Context(), tx, d.ws, id)
		return err
	})
	if e.State != state || !strings.Contains(e.Why, why) || why == "" && e.Why != "" {
		t.Errorf("edit %d is %s (%s), want %s (%s)", id, e.State, e.Why, state, why)
	}
	return e
}

// truth are the vendor's records of an object in which a text stands.
func (b *bundle) truth(object, text string) (n int) {
	for _, w := range b.crm.written(object) {
		if !w.deleted && strings.Contains(w.text, text) {
			n++
		}
	}
	return n
}

// third is another stage of the pipeline.
func (d *desk) third(t testing.TB) string {
	t.Helper()
	return one[string](t, d.bundle, `SELECT external_id FROM stages WHERE external_id NOT IN ($1, $2) AND pipeline_id = (SELECT pipeline_id FROM stages WHERE external_id = $1) LIMIT 1`, d.stage[0], d.stage[1])
}

// at is what the vendor has in a field of a deal.
func (d *desk) at(t testing.TB, deal, field string) string {
	t.Helper()
	got, err := d.crm.at(deal, field)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestAMoveIsTakenBackOnce with one note that says why; what comes back of it is
// nobody's change.
func TestAMoveIsTakenBackOnce(t *testing.T) { atEach(t, aMoveIsTakenBackOnce) }

func aMoveIsTakenBackOnce(t *testing.T, writable furnisher) {
	t.Parallel()
	d := writable(t, 1)
	d.receive(t)
	deal := d.deals[0]
	d.advance(t, deal)
	id := d.moveBack(t, deal)
	d.push(t)
	e := d.wantEdit(t, id, "done", "")
	if d.at(t, deal, "stage_id") != d.stage[0] || string(e.Before["stage_id"]) != `"`+d.stage[1]+`"` || string(e.After["stage_id"]) != `"`+d.stage[0]+`"` || e.VersionAt == nil {
		t.Errorf("%s, %+v", d.at(t, deal, "stage_id"), e)
	}
	d.comesBack(t)
	if n := d.truth("notes", "Za wcześnie"); n != 1 {
		t.Errorf("%d notes say why", n)
	}
	d.onlyOurs(t)
	if f := d.facts(t, deal); len(f.Moves) != 3 || f.Moves[1].Ours || !f.Moves[2].Ours || len(f.Notes) != 0 {
		t.Errorf("moves and notes, by the facts: %+v, %+v", f.Moves, f.Notes)
	}
	d.push(t)
	d.drift(t)
	// The history that is read from the vendor knows it, too.
	one[int](t, d.bundle, `WITH u AS (UPDATE deal_stages SET edit_id = NULL RETURNING 1) SELECT count(*) FROM u`)
	one[int](t, d.bundle, `WITH d AS (DELETE FROM parents_read RETURNING 1) SELECT count(*) FROM d`)
	if err := d.History(t.Context(), d.ws, d.conn); err != nil {
		t.Fatal(err)
	}
	if n := one[int](t, d.bundle, `SELECT count(*) FROM deal_stages WHERE edit_id = $1 AND source = 'history'`, id); n != 1 {
		t.Errorf("%d moves of the vendor's history are ours, want one", n)
	}
}

// comesBack has all deliveries arrive, and reads what they name.
func (b *bundle) comesBack(t testing.TB) {
	t.Helper()
	if err := b.crm.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := emptyInbox(t.Context(), b.Pipeline, childWork{Workspace: b.ws, Conn: b.conn}); err != nil {
		t.Fatal(err)
	}
}

// onlyOurs: every change that set a field as an edit wanted it is that edit's,
// once.
func (d *desk) onlyOurs(t testing.TB) {
	t.Helper()
	got := one[string](t, d.bundle, `
		SELECT COALESCE(string_agg(format('%s: %s changes, %s known', e.id, n.all, n.own), ', ' ORDER BY e.id), '') FROM edits e CROSS JOIN LATERAL (
			SELECT count(*) AS all, count(*) FILTER (WHERE c.edit_id = e.id) AS own FROM changes c
			WHERE c.external_id = e.target_id AND c.kind = e.target_kind AND c.fields->'stage_id'->'new' = e.wanted->'stage_id' AND c.seen_at >= e.made_at) n
		WHERE e.what = 'revert' AND e.state = 'done' AND e.attempts > 0 AND (n.all, n.own) <> (1, 1)`)
	if got != "" {
		t.Errorf("not every change of ours is known as ours, once: %s", got)
	}
	moves := one[string](t, d.bundle, `
		SELECT COALESCE(string_agg(format('%s of edit %s', n, id), ', '), '') FROM (
			SELECT e.id, count(s.edit_id) AS n FROM edits e LEFT JOIN deal_stages s ON s.edit_id = e.id WHERE e.what = 'revert' AND e.state = 'done' AND e.attempts > 0 GROUP BY e.id) m WHERE n <> 1`)
	if moves != "" {
		t.Errorf("moves: %s", moves)
	}
}

// TestATaskIsMadeOnce and is ours: neither a next step nor a touch.
func TestATaskIsMadeOnce(t *testing.T) { atEach(t, aTaskIsMadeOnce) }

func aTaskIsMadeOnce(t *testing.T, writable furnisher) {
	t.Parallel()
	d := writable(t, 1)
	d.receive(t)
	id := d.task(t, d.deals[0])
	d.push(t)
	e := d.wantEdit(t, id, "done", "")
	d.comesBack(t)
	if n := d.truth("activities", e.Mark); n != 1 {
		t.Errorf("%d tasks", n)
	}
	d.plan(t, d.deals[0], 1)
	d.comesBack(t)
	if f := d.facts(t, d.deals[0]); len(f.Activities) != 2 || !f.Activities[0].Ours || f.Activities[1].Ours {
		t.Errorf("whose activities are, by the facts: %+v", f.Activities)
	}
	// A task of ours takes other words, and is closed, whoever has touched it.
	more := d.want(t, d.deals[0], postgres.Edit{What: "task", TargetKind: "activities", TargetID: e.TargetID, Wanted: words(t, map[string]any{"subject": "Inaczej", "done": true})})
	d.push(t)
	d.wantEdit(t, more, "done", "")
	if n := d.truth("activities", "Inaczej"); n != 1 {
		t.Errorf("%d tasks with other words", n)
	}
}

// facts are what the book knows of a deal.
func (d *desk) facts(t *testing.T, deal string) (about *book.Facts) {
	t.Helper()
	err := d.JudgeStored(t.Context(), d.ws, parseBook(t, approvalBook(t, d.bundle)), d.Now(), func(f *book.Facts, _ *book.Judgement) {
		if f.ID == deal && !f.Lead {
			about = f
		}
	})
	if err != nil || about == nil {
		t.Fatalf("no facts of deal %s: %v", deal, err)
	}
	return about
}

// TestWhatIsNotWritten: what is so already, what somebody has changed meanwhile,
// and what is gone.
func TestWhatIsNotWritten(t *testing.T) { atEach(t, whatIsNotWritten) }

func whatIsNotWritten(t *testing.T, writable furnisher) {
	t.Parallel()
	d := writable(t, 3)
	var writes atomic.Int64
	d.Transport = counting(d.updates(), &writes)
	ids := make([]int64, 3)
	for i, deal := range d.deals {
		d.advance(t, deal)
		ids[i] = d.moveBack(t, deal)
	}
	d.set(t, d.deals[0], map[string]any{"stage_id": json.Number(d.stage[0])})
	d.set(t, d.deals[1], map[string]any{"stage_id": json.Number(d.third(t))})
	d.remove(t, d.deals[2])
	one[int](t, d.bundle, `WITH d AS (DELETE FROM dirty RETURNING 1) SELECT count(*) FROM d`)
	d.push(t)
	d.wantEdit(t, ids[0], "done", "it was so already")
	d.wantEdit(t, ids[1], "overtaken", "somebody else has changed stage_id meanwhile")
	d.wantEdit(t, ids[2], "cancelled", "the record is gone")
	if n := writes.Load(); n != 0 {
		t.Errorf("%d calls were made", n)
	}
	if n := one[int](t, d.bundle, `SELECT count(*) FROM dirty WHERE kind = 'deals'`); n != 3 {
		t.Errorf("%d deals are judged anew", n)
	}
	if n := d.truth("notes", "Za wcześnie"); n != 0 {
		t.Errorf("%d notes explain what was not done", n)
	}
}

// counting counts the calls of a method.
func counting(method string, n *atomic.Int64) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.Method == method {
			n.Add(1)
		}
		return http.DefaultTransport.RoundTrip(r)
	})
}

// failing has calls of a method fail: before they reach the vendor, or after it
// has worked them off.
func failing(method string, after bool, fails func() bool) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.Method != method || !fails() {
			return http.DefaultTransport.RoundTrip(r)
		}
		if after {
			resp, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				return nil, err
			}
			_ = resp.Body.Close()
		}
		return nil, errors.New("the wire was cut")
	})
}

func once() func() bool {
	var done atomic.Bool
	return func() bool { return done.CompareAndSwap(false, true) }
}

// TestWhatBecameOfACallIsFoundOut whose answer was lost: it is done once,
// whether the vendor had got it or not.
func TestWhatBecameOfACallIsFoundOut(t *testing.T) { atEach(t, whatBecameOfACallIsFoundOut) }

func whatBecameOfACallIsFoundOut(t *testing.T, writable furnisher) {
	t.Parallel()
	for name, after := range map[string]bool{"it had not reached the vendor": false, "it had been made": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := writable(t, 2)
			d.Patience = time.Nanosecond
			d.advance(t, d.deals[0])
			move := d.moveBack(t, d.deals[0])
			d.Transport = failing(d.updates(), after, once())
			d.ignoring(t)
			d.Transport = failing("POST", after, once())
			task := d.task(t, d.deals[1])
			d.ignoring(t)
			d.Transport = nil
			d.later(t)
			d.push(t)
			d.push(t) // the note
			e := d.wantEdit(t, task, "done", map[bool]string{true: "it had been made"}[after])
			d.wantEdit(t, move, "done", map[bool]string{true: "it had been made"}[after])
			if tasks, notes := d.truth("activities", e.Mark), d.truth("notes", "Za wcześnie"); tasks != 1 || notes != 1 || d.at(t, d.deals[0], "stage_id") != d.stage[0] {
				t.Errorf("%d tasks, %d notes", tasks, notes)
			}
			d.onlyOurs(t)
		})
	}
}

// TestWhatCameBackIsNotMadeAgain though its answer was lost and somebody has moved
// the deal since: his move is his, and is not written over.
func TestWhatCameBackIsNotMadeAgain(t *testing.T) { atEach(t, whatCameBackIsNotMadeAgain) }

func whatCameBackIsNotMadeAgain(t *testing.T, writable furnisher) {
	t.Parallel()
	d := writable(t, 1)
	d.receive(t)
	deal := d.deals[0]
	d.advance(t, deal)
	id := d.moveBack(t, deal)
	d.Transport = failing(d.updates(), true, once())
	d.ignoring(t)
	d.Transport = nil
	d.comesBack(t)
	d.run(t, `UPDATE deals SET stage_entered_at = stage_entered_at - interval '10 seconds'`) // not within the same second
	d.set(t, deal, map[string]any{"stage_id": json.Number(d.stage[1])})
	d.later(t)
	d.push(t)
	d.push(t) // the note
	if e := d.wantEdit(t, id, "done", "its change came back"); e.Attempts != 1 || string(e.After["stage_id"]) != `"`+d.stage[0]+`"` || e.VersionAt == nil {
		t.Errorf("%+v", e)
	}
	if got, notes := d.at(t, deal, "stage_id"), d.truth("notes", "Za wcześnie"); got != d.stage[1] || notes != 1 {
		t.Errorf("it is in stage %s, with %d notes", got, notes)
	}
}

// ignoring pushes and does not care about failures.
func (d *desk) ignoring(t testing.TB) {
	t.Helper()
	if _, err := d.Push(t.Context(), d.ws, d.conn); err != nil && fault.KindOf(err) != fault.Temporary {
		t.Fatal(err)
	}
}

// later lets the time pass for which edits wait.
func (d *desk) later(t testing.TB) {
	t.Helper()
	one[int](t, d.bundle, `WITH u AS (UPDATE edits SET not_before = NULL RETURNING 1) SELECT count(*) FROM u`)
}

// TestAnEditIsGivenUpAfterFiveAttempts, and listed.
func TestAnEditIsGivenUpAfterFiveAttempts(t *testing.T) {
	t.Parallel()
	d := writable(t, 1)
	d.advance(t, d.deals[0])
	id := d.moveBack(t, d.deals[0])
	d.Transport = failing("PATCH", false, func() bool { return true })
	for range 6 {
		d.ignoring(t)
		d.later(t)
	}
	if e := d.wantEdit(t, id, "refused", "the vendor failed at it 5 times"); e.Attempts != 5 {
		t.Errorf("%d attempts", e.Attempts)
	}
	d.Transport = nil
	d.retried(t, id)
}

// retried has the failure of an edit tried again with success.
func (d *desk) retried(t testing.TB, id int64) {
	t.Helper()
	d.tryAgain(t, id, "")
}

// tryAgain has the failure of an edit, which is the only one, tried again.
func (d *desk) tryAgain(t testing.TB, id int64, why string) {
	t.Helper()
	var list []postgres.Failure
	d.in(t, func(tx pgx.Tx) (err error) {
		list, err = postgres.Failures(t.Context(), tx, d.ws, d.conn, false, 0, 10)
		return err
	})
	if len(list) != 1 || list[0].Kind != "edit" || list[0].ExternalID != fmt.Sprint(id) {
		t.Fatalf("failures: %+v", list)
	}
	if r, err := d.Retry(t.Context(), d.ws, list[0]); err != nil || !r.Queued {
		t.Fatalf("%+v: %v", r, err)
	}
	d.push(t)
	d.wantEdit(t, id, "done", why)
	if n := one[int](t, d.bundle, `SELECT count(*) FROM failures WHERE resolved_at IS NULL`); n != 0 {
		t.Errorf("%d failures are open", n)
	}
}

// TestWhatTheVendorRefusesIsListed, and not wanted again until a person says so.
func TestWhatTheVendorRefusesIsListed(t *testing.T) {
	t.Parallel()
	d := writable(t, 2)
	for _, deal := range d.deals {
		d.advance(t, deal)
	}
	d.Transport = refusing("PATCH", http.StatusBadRequest, once())
	id, other := d.moveBack(t, d.deals[0]), d.moveBack(t, d.deals[1])
	d.push(t)
	d.wantEdit(t, id, "refused", "400")
	d.wantEdit(t, other, "done", "")
	if again := d.moveBack(t, d.deals[0]); again != id {
		t.Errorf("what was refused is wanted again as edit %d", again)
	}
	d.retried(t, id)
}

// refusing answers calls of a method with a status.
func refusing(method string, status int, when func() bool) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.Method != method || !when() {
			return http.DefaultTransport.RoundTrip(r)
		}
		return answerOf(r, status, `{"success":false,"error":"no"}`), nil
	})
}

// TestAChangeInTheLastMomentIsGivenBack: somebody moves the deal between our
// reading and our writing.
func TestAChangeInTheLastMomentIsGivenBack(t *testing.T) {
	t.Parallel()
	d := writable(t, 1)
	deal := d.deals[0]
	d.advance(t, deal)
	third := d.third(t)
	id := d.moveBack(t, deal)
	first := once()
	d.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.Method == "PATCH" && first() {
			d.set(t, deal, map[string]any{"stage_id": json.Number(third)})
		}
		return http.DefaultTransport.RoundTrip(r)
	})
	d.push(t)
	d.push(t)
	e := d.wantEdit(t, id, "done", "somebody changed stage_id in the moment before")
	if diff := cmp.Diff(words(t, map[string]any{"stage_id": third}), e.Lost); diff != "" {
		t.Errorf("lost (-want +got):\n%s", diff)
	}
	if got := d.at(t, deal, "stage_id"); got != third {
		t.Errorf("the deal is in stage %s, want %s, where somebody put it", got, third)
	}
	if n := one[int](t, d.bundle, `SELECT count(*) FROM edits WHERE what = 'restore' AND state = 'done' AND undoes = $1`, id); n != 1 {
		t.Errorf("%d edits gave it back", n)
	}
}

// TestWhatWasReadTooLongAgoIsReadAgain before it is written over.
func TestWhatWasReadTooLongAgoIsReadAgain(t *testing.T) {
	t.Parallel()
	d := writable(t, 1)
	d.advance(t, d.deals[0])
	id := d.moveBack(t, d.deals[0])
	var reads, before atomic.Int64
	start, slow := time.Now(), atomic.Int64{}
	d.Pipeline.Now = func() time.Time { return start.Add(time.Duration(slow.Load())) }
	d.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.Method == "GET" && strings.HasSuffix(r.URL.Path, "/deals/"+d.deals[0]) && reads.Add(1) == 1 {
			slow.Add(int64(3 * time.Second))
		}
		if r.Method == "PATCH" {
			before.Store(reads.Load())
		}
		return http.DefaultTransport.RoundTrip(r)
	})
	d.push(t)
	if e := d.wantEdit(t, id, "done", ""); e.Attempts != 1 || before.Load() != 2 {
		t.Errorf("%d attempts, read %d times before it was written, want 2", e.Attempts, before.Load())
	}
}

// TestACeilingStopsWriting before too many deals are changed, and after too many
// edits in an hour; what waits goes on when a person says so.
func TestACeilingStopsWriting(t *testing.T) {
	t.Parallel()
	d := writable(t, 25)
	var ids []int64
	for _, deal := range d.deals {
		ids = append(ids, d.task(t, deal))
	}
	d.push(t)
	if got := d.writing(t); got.Mode != "stopped" || !strings.HasPrefix(got.Why, "25 of 25 open deals would be changed within a day by more than their card, which is more than 10 %") || d.truth("activities", "Uzupe") != 0 {
		t.Errorf("%+v, %d tasks", got, d.truth("activities", "Uzupe"))
	}
	d.push(t) // nothing is made while it is stopped
	if n := one[int](t, d.bundle, `SELECT count(*) FROM audit WHERE actor = 'salesbook' AND action = 'edits stop'`); n != 1 || d.truth("activities", "Uzupe") != 0 {
		t.Errorf("%d entries in the audit", n)
	}
	d.switchTo(t, jobs.Switch{Mode: "live", Share: 100, Hourly: 7, By: "test"})
	d.push(t)
	if got := d.writing(t); got.Mode != "stopped" || !strings.HasPrefix(got.Why, "7 edits were made within an hour") || d.truth("activities", "Uzupe") != 7 {
		t.Errorf("%+v, %d tasks", got, d.truth("activities", "Uzupe"))
	}
	d.switchTo(t, jobs.Switch{Mode: "live", Hourly: 100, By: "test"})
	d.push(t)
	for _, id := range ids {
		d.wantEdit(t, id, "done", "")
	}
	if n := d.truth("activities", "Uzupe"); n != 25 {
		t.Errorf("%d tasks", n)
	}
}

func (d *desk) writing(t testing.TB) (w postgres.Writing) {
	t.Helper()
	d.in(t, func(tx pgx.Tx) (err error) {
		w, err = postgres.WritingOf(t.Context(), tx, d.ws, d.conn)
		return err
	})
	return w
}

// TestADryRunShowsOnly what would be done; when it ends all is judged anew.
func TestADryRunShowsOnly(t *testing.T) {
	t.Parallel()
	d := writable(t, 1)
	id := d.task(t, d.deals[0])
	if s := d.switchTo(t, jobs.Switch{Mode: "dry", By: "test"}); s.Shown != 1 {
		t.Errorf("%+v", s)
	}
	d.push(t)
	d.wantEdit(t, id, "dry", "")
	one[int](t, d.bundle, `WITH d AS (DELETE FROM dirty RETURNING 1) SELECT count(*) FROM d`)
	if s := d.switchTo(t, jobs.Switch{Mode: "live", By: "test"}); s.Ended != 1 {
		t.Errorf("%+v", s)
	}
	d.wantEdit(t, id, "cancelled", "the dry run ended")
	d.push(t)
	if n := one[int](t, d.bundle, `SELECT count(*) FROM dirty WHERE kind = 'connections'`); n != 1 || d.truth("activities", "Uzupe") != 0 {
		t.Errorf("%d marks, %d tasks", n, d.truth("activities", "Uzupe"))
	}
}

// TestTheSwitchHoldsFromTheNextEditOn, also in the middle of many.
func TestTheSwitchHoldsFromTheNextEditOn(t *testing.T) {
	t.Parallel()
	d := writable(t, 3)
	for _, deal := range d.deals {
		d.task(t, deal)
	}
	first := once()
	d.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.Method == "POST" && first() {
			d.switchTo(t, jobs.Switch{Mode: "stopped", By: "boss"})
		}
		return http.DefaultTransport.RoundTrip(r)
	})
	d.push(t)
	if n := d.truth("activities", "Uzupe"); n != 1 {
		t.Errorf("%d tasks were made though it was stopped during the first", n)
	}
	if w := d.writing(t); w.Why != "stopped by boss" {
		t.Errorf("%+v", w)
	}
}

// TestAnEditIsUndone while its fields hold what it wrote, and not once somebody
// has changed them.
func TestAnEditIsUndone(t *testing.T) {
	t.Parallel()
	d := writable(t, 2)
	for _, deal := range d.deals {
		d.advance(t, deal)
	}
	ids := []int64{d.moveBack(t, d.deals[0]), d.moveBack(t, d.deals[1])}
	task := d.task(t, d.deals[0])
	d.push(t)
	if _, err := d.UndoEdit(t.Context(), d.ws, ids[0], "boss"); err != nil {
		t.Fatal(err)
	}
	d.push(t)
	if got := d.at(t, d.deals[0], "stage_id"); got != d.stage[1] {
		t.Errorf("in stage %s", got)
	}
	d.set(t, d.deals[1], map[string]any{"stage_id": json.Number(d.third(t))})
	d.pull(t)
	if _, err := d.UndoEdit(t.Context(), d.ws, ids[1], "boss"); fault.KindOf(err) != fault.Conflict {
		t.Errorf("what somebody has changed since is undone: %v", err)
	}
	if _, err := d.UndoEdit(t.Context(), d.ws, task, "boss"); err != nil {
		t.Fatal(err)
	}
	d.push(t)
	if n := one[int](t, d.bundle, `SELECT count(*) FROM activities WHERE done`); n != 1 {
		t.Errorf("%d tasks are done", n)
	}
	note := one[int64](t, d.bundle, `SELECT min(id) FROM edits WHERE what = 'note'`)
	if _, err := d.UndoEdit(t.Context(), d.ws, note, "boss"); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "is not unsaid") {
		t.Errorf("a note is undone: %v", err)
	}
}

// TestWhatWasDeletedIsBroughtBack.
func TestWhatWasDeletedIsBroughtBack(t *testing.T) {
	t.Parallel()
	d := writable(t, 1)
	d.receive(t)
	deal := d.deals[0]
	d.remove(t, deal)
	d.comesBack(t)
	id := d.want(t, deal, postgres.Edit{What: "revert", TargetKind: "deals", TargetID: &deal, Wanted: words(t, map[string]any{"status": "open"}), Cause: postgres.EditCause{Undoes: "deleted"}})
	d.push(t)
	d.wantEdit(t, id, "done", "")
	if n := one[int](t, d.bundle, `SELECT count(*) FROM deals WHERE deleted_at IS NULL AND status = 'open'`); n != 1 || d.at(t, deal, "status") != "open" {
		t.Errorf("%d deals are there, %s", n, d.at(t, deal, "status"))
	}
}

// TestChaosQuotaIsSpentWhileEditsWait: nothing is lost and nothing doubled, and
// cards wait for all others.
func TestChaosQuotaIsSpentWhileEditsWait(t *testing.T) {
	t.Parallel()
	d := writable(t, 1)
	d.tell(t, "POST", "/api/v2/dealFields", map[string]any{"field_name": "Sales Book", "field_type": "text"})
	d.pull(t)
	d.thousandWait(t, one[string](t, d.bundle, `SELECT code FROM fields WHERE object = 'deals' AND name = 'Sales Book'`))
	quota := int64(30)
	d.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		if atomic.AddInt64(&quota, -1) < 0 {
			spent := answerOf(r, http.StatusTooManyRequests, `{"success":false}`)
			spent.Header.Set("Retry-After", "3600")
			return spent, nil
		}
		return http.DefaultTransport.RoundTrip(r)
	})
	admin := d.db.Connect(t, d.db.AdminURL)
	d.spend(t, admin)
	if n := one[int](t, d.bundle, `SELECT count(*) FROM edits WHERE state = 'done' AND what = 'task'`); n != 10 {
		t.Errorf("%d tasks were made first, want all 10: they wait behind cards", n)
	}
	if rounds() <= 20 { // all are made in `make chaos` only
		one[int](t, d.bundle, `WITH d AS (DELETE FROM edits WHERE state = 'ready' AND id % 50 <> 0 RETURNING 1) SELECT count(*) FROM d`)
	}
	for left := 1; left > 0; left = one[int](t, d.bundle, `SELECT count(*) FROM edits WHERE state <> 'done'`) {
		atomic.StoreInt64(&quota, 100)
		d.spend(t, admin)
	}
	if n := d.truth("activities", "Zadanie "); n != 10 {
		t.Errorf("%d tasks", n)
	}
	if n := one[int](t, d.bundle, `SELECT count(*) FROM edits WHERE attempts > 1`); n != 0 {
		t.Errorf("%d edits were made more than once", n)
	}
}

// thousandWait has 990 cards and then 10 tasks wait.
func (d *desk) thousandWait(t *testing.T, card string) {
	t.Helper()
	d.in(t, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), `UPDATE connections SET writes_share = 100, writes_hourly = 10000`); err != nil {
			return err
		}
		_, err := tx.Exec(t.Context(), `
			INSERT INTO edits (workspace_id, connection_id, kind, external_id, what, key, target_kind, target_id, wanted, before, state, mark)
			SELECT $1::bigint, $2::bigint, 'deals', $3::text, 'card', 'card' || i, 'deals', $3, jsonb_build_object('custom.' || $4::text, 'Brak ' || i), '{}'::jsonb, 'ready', 'sb-' || lpad(i::text, 16, '0') FROM generate_series(1, 990) i
			UNION ALL SELECT $1::bigint, $2::bigint, 'deals', $3::text, 'task', 'task' || i, 'activities', NULL::text, jsonb_build_object('subject', 'Zadanie ' || i, 'type', 'task', 'deal_id', $3::text, 'done', false), NULL::jsonb, 'ready', 'sb-' || lpad(i::text, 16, '0') FROM generate_series(991, 1000) i`,
			d.ws, d.conn, d.deals[0], card)
		return err
	})
}

// spend pushes until the quota is spent, and renews it.
func (d *desk) spend(t *testing.T, admin *pgx.Conn) {
	t.Helper()
	if _, err := d.Push(t.Context(), d.ws, d.conn); err != nil && fault.KindOf(err) != fault.Limited {
		t.Fatal(err)
	}
	if n := one[int](t, d.bundle, `SELECT count(*) FROM edits WHERE state NOT IN ('ready', 'done')`); n != 0 {
		t.Fatalf("%d edits are neither done nor waiting", n)
	}
	renewed := `WITH a AS (UPDATE salesbook.vendor_accounts SET parked_until = NULL) UPDATE salesbook.vendor_bursts SET tokens = 1000000, at = now()`
	if _, err := admin.Exec(t.Context(), renewed); err != nil {
		t.Fatal(err)
	}
}

// TestWhatAnAnswerMeansForAnEdit of which it says that nothing was changed.
func TestWhatAnAnswerMeansForAnEdit(t *testing.T) {
	t.Parallel()
	d := writable(t, 3)
	for i, c := range []struct {
		status     int
		state, why string
		kind       fault.Kind
	}{
		{http.StatusUnauthorized, "ready", "", fault.Auth},
		{http.StatusForbidden, "refused", "403", fault.Unknown},
		{http.StatusNotFound, "cancelled", "it is gone at the vendor", fault.Unknown},
	} {
		d.advance(t, d.deals[i])
		id := d.moveBack(t, d.deals[i])
		d.Transport = refusing("PATCH", c.status, once())
		if _, err := d.Push(t.Context(), d.ws, d.conn); fault.KindOf(err) != c.kind {
			t.Errorf("%d: %v", c.status, err)
		}
		d.wantEdit(t, id, c.state, c.why)
		if d.at(t, d.deals[i], "stage_id") != d.stage[1] {
			t.Errorf("%d: it was written", c.status)
		}
		d.Transport = nil
		d.push(t)
	}
	if n := one[int](t, d.bundle, `SELECT count(*) FROM edits WHERE what = 'revert' AND state = 'done' AND attempts = 1`); n != 1 {
		t.Errorf("%d moves were taken back, want that of the first deal, in one attempt", n)
	}
}

// TestATaskIsKnownBeforeItsReceipt when it comes in by a delivery while nobody
// knows what became of the call.
func TestATaskIsKnownBeforeItsReceipt(t *testing.T) {
	t.Parallel()
	d := writable(t, 1)
	d.receive(t)
	id := d.task(t, d.deals[0])
	d.Transport = failing("POST", true, once())
	d.ignoring(t)
	d.Transport = nil
	d.comesBack(t)
	if e := d.wantEdit(t, id, "sent", "the connection failed"); e.TargetID == nil {
		t.Error("it was not recognised by its mark")
	}
	if f := d.facts(t, d.deals[0]); len(f.Activities) != 1 || !f.Activities[0].Ours {
		t.Errorf("activities, by the facts: %+v", f.Activities)
	}
	one[int](t, d.bundle, `WITH d AS (DELETE FROM dirty RETURNING 1) SELECT count(*) FROM d`)
	d.push(t)
	if n := one[int](t, d.bundle, `SELECT count(*) FROM dirty WHERE (kind, external_id) = ('deals', $1)`, d.deals[0]); n != 1 {
		t.Error("what is wanted of the deal now is not worked out after the receipt")
	}
	if e := d.wantEdit(t, id, "done", "it had been made"); e.Attempts != 1 || d.truth("activities", e.Mark) != 1 {
		t.Errorf("%d attempts, %d tasks", e.Attempts, d.truth("activities", e.Mark))
	}
}

// TestWhatSomebodyElseChangedBesideIsHis: one page shows our move and a person's
// title.
func TestWhatSomebodyElseChangedBesideIsHis(t *testing.T) {
	t.Parallel()
	d := writable(t, 1)
	deal := d.deals[0]
	d.advance(t, deal)
	id := d.moveBack(t, deal)
	d.Transport = failing("PATCH", true, once())
	d.ignoring(t)
	d.Transport = nil
	d.set(t, deal, map[string]any{"title": "Inny dom"})
	d.pull(t)
	got := one[string](t, d.bundle, `SELECT string_agg(COALESCE(edit_id::text, '-') || ' ' || (fields ? 'title') || ' ' || (fields ? 'stage_id'), ', ' ORDER BY id)
		FROM changes WHERE seen_at > (SELECT made_at FROM edits WHERE id = $1)`, id)
	if want := fmt.Sprintf("%d false true, - true false", id); got != want {
		t.Errorf("changes: %s, want %s", got, want)
	}
}
