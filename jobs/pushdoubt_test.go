package jobs_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"salesbook.dev/internal/postgres"
	"salesbook.dev/jobs"
)

// omitting has a vendor work off updates as if some fields had not stood in them, and
// say that all is well.
func omitting(method string, when func() bool, fields ...string) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.Method != method || !when() {
			return http.DefaultTransport.RoundTrip(r)
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		var sent map[string]any
		if err := json.Unmarshal(body, &sent); err != nil {
			return nil, err
		}
		record, name := sent, "title"
		if list, ok := sent["data"].([]any); ok {
			record, name = list[0].(map[string]any), "Deal_Name"
		}
		for _, field := range fields {
			delete(record, field)
		}
		record[name] = "Dom 1" // as it is called
		if body, err = json.Marshal(sent); err != nil {
			return nil, err
		}
		r = r.Clone(r.Context())
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		return http.DefaultTransport.RoundTrip(r)
	})
}

// moving are the fields by which the vendors move a deal.
func moving() []string { return []string{"stage_id", "Stage", "Pipeline"} }

// TestWhatIsAnsweredAsMadeAndIsNot is not taken for made: it is looked at once more,
// and what the book wants of the deal is worked out anew.
func TestWhatIsAnsweredAsMadeAndIsNot(t *testing.T) { atEach(t, whatIsAnsweredAsMadeAndIsNot) }

func whatIsAnsweredAsMadeAndIsNot(t *testing.T, writable furnisher) {
	t.Parallel()
	d := writable(t, 1)
	d.receive(t)
	deal := d.deals[0]
	d.advance(t, deal)
	id := d.moveBack(t, deal)
	d.Transport = omitting(d.updates(), once(), moving()...)
	d.push(t)
	if e := d.wantEdit(t, id, "sent", "stage_id did not hold what is wanted"); e.NotBefore == nil || e.EchoedAt != nil || string(e.After["stage_id"]) != `"`+d.stage[1]+`"` {
		t.Errorf("it waits until %v, came back at %v, left %s", e.NotBefore, e.EchoedAt, e.After)
	}
	d.comesBack(t)
	d.run(t, `DELETE FROM dirty`)
	d.later(t)
	d.push(t)
	if e := d.wantEdit(t, id, "overtaken", "stage_id did not hold what is wanted"); e.Attempts != 1 || d.at(t, deal, "stage_id") != d.stage[1] {
		t.Errorf("after %d attempts in %s", e.Attempts, d.at(t, deal, "stage_id"))
	}
	if n := one[int](t, d.bundle, `SELECT count(*) FROM dirty WHERE (kind, external_id) = ('deals', $1)`, deal); n != 1 {
		t.Error("the deal is not judged anew")
	}
	if n := d.truth("notes", "Za wcześnie"); n != 0 {
		t.Errorf("%d notes explain what was not done", n)
	}
	again := d.moveBack(t, deal)
	d.push(t)
	d.push(t) // the note
	if d.wantEdit(t, again, "done", ""); again == id || d.at(t, deal, "stage_id") != d.stage[0] {
		t.Errorf("wanted again, as edit %d after %d, it stands in %s", again, id, d.at(t, deal, "stage_id"))
	}
	d.onlyOurs(t)
}

// TestWhatAPersonWantsAndIsNotMade is listed, since nobody works it out anew.
func TestWhatAPersonWantsAndIsNotMade(t *testing.T) { atEach(t, whatAPersonWantsAndIsNotMade) }

func whatAPersonWantsAndIsNotMade(t *testing.T, writable furnisher) {
	t.Parallel()
	d := writable(t, 1)
	deal := d.deals[0]
	d.advance(t, deal)
	move := d.moveBack(t, deal)
	d.push(t)
	undo, err := d.UndoEdit(t.Context(), d.ws, move, "boss")
	if err != nil {
		t.Fatal(err)
	}
	id := one[int64](t, d.bundle, `SELECT id FROM edits WHERE key = $1`, undo.Key)
	d.Transport = omitting(d.updates(), once(), moving()...)
	for range 2 {
		d.push(t)
		d.later(t)
	}
	if d.wantEdit(t, id, "refused", "stage_id did not hold what is wanted"); d.at(t, deal, "stage_id") != d.stage[0] {
		t.Errorf("it stands in %s", d.at(t, deal, "stage_id"))
	}
	d.retried(t, id)
	if got := d.at(t, deal, "stage_id"); got != d.stage[1] {
		t.Errorf("undone, it stands in %s", got)
	}
}

// TestWhatIsReadBackLate: the vendor shows a record for a while as it was before it
// was written. The edit is done once, and its change is ours.
func TestWhatIsReadBackLate(t *testing.T) {
	t.Parallel()
	d := zohoDesk(t, 1)
	deal := d.deals[0]
	d.advance(t, deal)
	id := d.moveBack(t, deal)
	var before []byte
	written, late := false, once()
	d.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		written = written || r.Method == "PUT"
		list := r.Method == "GET" && r.URL.Path == "/crm/v8/Deals"
		if list && written && late() {
			return answerOf(r, http.StatusOK, string(before)), nil
		}
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil || !list {
			return resp, err
		}
		if before, err = io.ReadAll(resp.Body); err != nil {
			return nil, err
		}
		resp.Body = io.NopCloser(bytes.NewReader(before))
		return resp, nil
	})
	d.push(t)
	d.wantEdit(t, id, "sent", "stage_id did not hold what is wanted")
	d.later(t)
	d.push(t)
	d.push(t) // the note
	if e := d.wantEdit(t, id, "done", "it had been made"); e.Attempts != 1 || string(e.After["stage_id"]) != `"`+d.stage[0]+`"` || d.truth("notes", "Za wcześnie") != 1 {
		t.Errorf("after %d attempts it left %s, with %d notes", e.Attempts, e.After, d.truth("notes", "Za wcześnie"))
	}
	d.onlyOurs(t)
}

// TestAPartIsNotTheWhole: the vendor has written one field of two.
func TestAPartIsNotTheWhole(t *testing.T) {
	t.Parallel()
	d := writable(t, 1)
	d.receive(t)
	id := d.lose(t, d.deals[0])
	d.Transport = omitting("PATCH", once(), "lost_reason")
	d.push(t)
	d.comesBack(t)
	if e := d.wantEdit(t, id, "sent", "lost_reason did not hold what is wanted"); e.EchoedAt != nil {
		t.Error("a part passes for the whole")
	}
	d.later(t)
	d.push(t)
	d.wantEdit(t, id, "overtaken", "lost_reason did not hold what is wanted")
}

// lose wants a deal lost, with a reason.
func (d *desk) lose(t testing.TB, deal string) int64 {
	t.Helper()
	return d.want(t, deal, postgres.Edit{What: "revert", TargetKind: "deals", TargetID: &deal, Wanted: words(t, map[string]any{"status": "lost", "lost_reason": "Cena"})})
}

// TestAPartThatComesBack while nobody knows what became of the call is made whole.
// What it has replaced is what stood there before its first call, and that is what
// comes back when it is undone.
func TestAPartThatComesBack(t *testing.T) {
	t.Parallel()
	d := writable(t, 1)
	d.receive(t)
	deal := d.deals[0]
	id := d.lose(t, deal)
	part, cut := omitting("PATCH", once(), "lost_reason"), once()
	d.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		resp, err := part.RoundTrip(r)
		if err != nil || r.Method != "PATCH" || !cut() {
			return resp, err
		}
		_ = resp.Body.Close()
		return nil, io.ErrUnexpectedEOF
	})
	d.ignoring(t)
	d.comesBack(t)
	if e := d.wantEdit(t, id, "sent", "ended too early"); e.EchoedAt != nil {
		t.Error("a part passes for the whole")
	}
	d.later(t)
	d.push(t)
	e := d.wantEdit(t, id, "done", "")
	if string(e.Before["status"]) != `"open"` || string(e.After["lost_reason"]) != `"Cena"` || d.at(t, deal, "lost_reason") != "Cena" {
		t.Errorf("it replaced %s and left %s", e.Before, e.After)
	}
	if _, err := d.UndoEdit(t.Context(), d.ws, id, "boss"); err != nil {
		t.Fatal(err)
	}
	d.push(t)
	if got := d.at(t, deal, "status"); got != "open" {
		t.Errorf("undone, it is %s", got)
	}
}

// TestANoteThatCannotBeLookedFor is not made again: a person is told, and once it can
// be seen, it turns out to have been made.
func TestANoteThatCannotBeLookedFor(t *testing.T) {
	t.Parallel()
	d := zohoDesk(t, 1)
	d.Patience = time.Nanosecond
	deal, account := d.deals[0], d.crm.(*zohoCRM)
	id := d.want(t, deal, postgres.Edit{What: "note", TargetKind: "notes", Wanted: words(t, map[string]any{"content": "Za wcześnie.", "deal_id": deal})})
	d.Transport = failing("POST", true, once())
	d.ignoring(t)
	d.Transport = nil
	account.HideRelated("Deals", "Notes", true)
	for range 2 {
		d.later(t)
		d.push(t)
		d.wantEdit(t, id, "refused", "show that list in all layouts")
	}
	account.HideRelated("Deals", "Notes", false)
	d.tryAgain(t, id, "it had been made")
	if n := d.truth("notes", "Za wcześnie"); n != 1 {
		t.Errorf("%d notes", n)
	}
}

// TestAMoveBeforeItIsReadBack is somebody's, and stands.
func TestAMoveBeforeItIsReadBack(t *testing.T) {
	t.Parallel()
	d := zohoDesk(t, 1)
	deal, third := d.deals[0], d.third(t)
	d.advance(t, deal)
	id := d.moveBack(t, deal)
	var written atomic.Bool
	theirs := once()
	d.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.Method == "GET" && written.Load() && theirs() {
			d.set(t, deal, map[string]any{"stage_id": third})
		}
		written.CompareAndSwap(false, r.Method == "PUT")
		return http.DefaultTransport.RoundTrip(r)
	})
	d.push(t)
	d.wantEdit(t, id, "sent", "stage_id did not hold what is wanted")
	d.later(t)
	d.push(t)
	if d.wantEdit(t, id, "overtaken", "somebody else has changed stage_id"); d.at(t, deal, "stage_id") != third {
		t.Errorf("it stands in %s, want %s", d.at(t, deal, "stage_id"), third)
	}
}

// TestWhatWasNotMadeIsLeftAloneWhileWritingIsStopped: each look is a call, and
// nothing can follow from it.
func TestWhatWasNotMadeIsLeftAloneWhileWritingIsStopped(t *testing.T) {
	t.Parallel()
	d := writable(t, 1)
	d.Patience = time.Nanosecond
	id := d.task(t, d.deals[0])
	d.Transport = failing("POST", false, once())
	d.ignoring(t)
	d.later(t)
	d.switchTo(t, jobs.Switch{Mode: "stopped", By: "boss"})
	var looks atomic.Int64
	d.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		looks.Add(1)
		return http.DefaultTransport.RoundTrip(r)
	})
	for range 3 {
		d.push(t)
	}
	if d.wantEdit(t, id, "sent", "the connection failed"); looks.Load() != 1 || d.truth("activities", "Uzupe") != 0 {
		t.Errorf("%d calls, %d tasks", looks.Load(), d.truth("activities", "Uzupe"))
	}
	d.switchTo(t, jobs.Switch{Mode: "live", By: "boss"})
	d.later(t)
	d.push(t)
	if d.wantEdit(t, id, "done", ""); d.truth("activities", "Uzupe") != 1 {
		t.Errorf("%d tasks", d.truth("activities", "Uzupe"))
	}
}
