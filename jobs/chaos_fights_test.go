package jobs_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"salesbook.dev/internal/sandbox/pipedrive"
)

// fighter is an automation of the CRM, or a stubborn person, who answers whatever
// we write at once.
type fighter struct {
	*siege
	deal   string
	writes []string
}

// fights are who fights what.
func fights() map[string]fight {
	past := time.Now().AddDate(0, 0, -3).Format(time.DateOnly)
	return map[string]fight{
		"the card is emptied": {book: "{rule: no_next_step, mode: tell}", most: 3, listed: true, answer: func(f *fighter, t *testing.T, w written) {
			if w.card(f) {
				f.patch(t, map[string]any{"custom_fields": map[string]any{f.card: nil}})
			}
		}},
		"the card mends and breaks": {book: "{rule: close_date_past, mode: tell}", most: 24, listed: true, begin: map[string]any{"expected_close_date": past}, answer: func(f *fighter, t *testing.T, w written) {
			if w.card(f) {
				f.patch(t, map[string]any{"expected_close_date": map[bool]any{true: past}[f.shows(t, f.deal) == ""]})
			}
		}},
		"the task is deleted": {book: "{rule: no_next_step, mode: task}", most: 2, answer: func(f *fighter, t *testing.T, w written) {
			for _, id := range f.openActivities(f.deal, "Sales Book") {
				f.does(t, "DELETE", "/api/v2/activities/"+id, nil)
			}
		}},
		"the task is closed": {book: "{rule: no_next_step, mode: task}", most: 2, answer: func(f *fighter, t *testing.T, w written) {
			for _, id := range f.openActivities(f.deal, "Sales Book") {
				f.does(t, "PATCH", "/api/v2/activities/"+id, map[string]any{"done": true})
			}
		}},
		"the task is opened again": {book: "{rule: close_date_past, mode: task}", most: 8, listed: true, begin: map[string]any{"expected_close_date": past}, answer: func(f *fighter, t *testing.T, w written) {
			switch {
			case w.method == http.MethodPost:
				f.patch(t, map[string]any{"expected_close_date": nil})
			case strings.Contains(w.path, "/activities/"):
				f.does(t, "PATCH", w.path, map[string]any{"done": false})
			}
		}},
		"the task mends and breaks": {book: "{rule: close_date_past, mode: task}", most: 50, listed: true, begin: map[string]any{"expected_close_date": past}, answer: func(f *fighter, t *testing.T, w written) {
			if strings.Contains(w.path, "/activities") {
				f.patch(t, map[string]any{"expected_close_date": map[bool]any{true: past}[w.method == http.MethodPatch]})
			}
		}},
		"the deal is moved on again": {book: "{rule: day_known, mode: revert}", most: 6, move: true, answer: func(f *fighter, t *testing.T, w written) {
			if w.body.Get("stage_id").Exists() {
				f.patch(t, map[string]any{"stage_id": json.Number(f.stage[1])})
			}
		}},
		"the deal is moved on elsewhere": {book: "{rule: day_known, mode: revert}", most: 10, move: true, answer: func(f *fighter, t *testing.T, w written) {
			if w.body.Get("stage_id").Exists() {
				f.patch(t, map[string]any{"stage_id": json.Number(f.stages[1+len(f.writes)%2])})
			}
		}},
		"the deal is lost again": {book: "{rule: loss_without_reason, mode: revert}", most: 6, begin: map[string]any{"status": "lost"}, answer: func(f *fighter, t *testing.T, w written) {
			if w.body.Get("status").Exists() {
				f.patch(t, map[string]any{"status": "lost"})
			}
		}},
	}
}

type fight struct {
	book   string
	begin  map[string]any // how the deal comes to break the book
	move   bool           // by being moved to the second stage
	most   int            // writes of ours until it is over
	listed bool           // among the failures
	answer func(f *fighter, t *testing.T, w written)
}

// written is what we wrote.
type written struct {
	method, path string
	body         gjson.Result
}

// card tells whether it was on the deal's card.
func (w written) card(f *fighter) bool { return w.body.Get("custom_fields." + f.siege.card).Exists() }

func (f *fighter) patch(t *testing.T, fields map[string]any) {
	f.does(t, "PATCH", "/api/v2/deals/"+f.deal, fields)
}

// fought lets the fighter see what we write, and answer.
func (f *fighter) fought(t *testing.T, answer func(*fighter, *testing.T, written)) {
	f.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.Method == http.MethodGet {
			return http.DefaultTransport.RoundTrip(r)
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err == nil {
			f.writes = append(f.writes, r.Method+" "+r.URL.Path)
			f.later(t, 3*time.Second)
			answer(f, t, written{r.Method, r.URL.Path, gjson.ParseBytes(body)})
			f.later(t, 3*time.Second)
		}
		return resp, err
	})
}

// TestChaosFights: whoever changes back at once what we write has his way within few
// writes, and what is given up is listed or told.
func TestChaosFights(t *testing.T) {
	t.Parallel()
	for name, c := range fights() {
		if c.most > 10 && rounds() <= 20 {
			continue // two dozen writings belong into `make chaos`
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fighter{siege: beleaguered(t, writable(t, 1), func(*siege) string { return "  - " + c.book })}
			f.deal = f.deals[0]
			f.agree(t)
			f.fought(t, c.answer)
			f.later(t, 3*time.Second)
			if c.move {
				c.begin = map[string]any{"stage_id": json.Number(f.stage[1])}
			}
			if c.begin != nil {
				f.patch(t, c.begin)
			}
			for rounds := 0; ; rounds++ {
				f.comesBack(t)
				f.evaluate(t)
				f.push(t)
				f.later(t, 10*time.Second)
				if f.atRest(t) {
					break
				}
				if rounds > 2*c.most {
					t.Fatalf("it never ends: %q", f.writes)
				}
			}
			if n := len(f.writes); n > c.most || n == 0 {
				t.Errorf("%d writes, want at most %d: %q\n%s", n, c.most, f.writes, strings.Join(f.log, "\n"))
			}
			if n := one[int](t, f.bundle, `SELECT count(*) FROM failures WHERE kind = 'fight' AND resolved_at IS NULL`); (n > 0) != c.listed {
				t.Errorf("%d fights are listed: %q", n, f.writes)
			}
			f.attributed(t)
		})
	}
}

// TestChaosInTheLastMoment: a person moves a deal between our reading and our
// writing, and then the worker is killed. His move is found, given back and
// reported once.
func TestChaosInTheLastMoment(t *testing.T) {
	t.Parallel()
	d := furnish(t, setup(t, 0, pipedrive.Options{}), 1)
	d.receive(t)
	d.set(t, d.deals[0], map[string]any{"title": "Dom 1a"})
	d.run(t, `UPDATE connections SET writes_share = 100`)
	third := d.third(t)
	for name, die := range map[string]boundary{
		"called, and no receipt":               {"answer", "/deals/", 2},
		"right before the COMMIT of a receipt": {"commit", "SET state = 'done'", 1},
		"right after the COMMIT of a receipt":  {"committed", "SET state = 'done'", 1},
		"before it is looked up":               {"request", "/changelog", 1},
		"looked up, nothing noted":             {"answer", "/changelog", 1},
		"right before it is noted":             {"commit", "SET checked_at", 1},
		"right after it was noted":             {"committed", "SET checked_at", 1},
		"it was given back, and no receipt":    {"answer", "/deals/", 4},
	} {
		deal := fmt.Sprint(d.tell(t, "POST", "/api/v2/deals", map[string]any{"title": "Dom", "stage_id": json.Number(d.stage[0])}))
		d.comesBack(t)
		one[int](t, d.bundle, `WITH u AS (UPDATE deals SET added_at = now() - interval '1 day', stage_entered_at = now() - interval '1 hour' WHERE external_id = $1 RETURNING 1) SELECT count(*) FROM u`, deal)
		d.set(t, deal, map[string]any{"stage_id": json.Number(d.stage[1])})
		d.comesBack(t)
		id := d.moveBack(t, deal)
		happened := d.sim.Before("PATCH", "/deals/"+deal, func() { d.set(t, deal, map[string]any{"stage_id": json.Number(third)}) })
		w := d.work("push")
		w.Die = die
		d.dies(t, w, name, true)
		if err := pushToTheEnd(t.Context(), d.Pipeline, w); err != nil || !happened() {
			t.Fatalf("after a death at %q: %v, he moved it: %v", name, err, happened())
		}
		d.comesBack(t)
		d.drift(t)
		if got := d.at(t, deal, "stage_id"); got != third {
			t.Errorf("the deal is in stage %s, want %s, where somebody put it", got, third)
		}
		got := one[string](t, d.bundle, `SELECT string_agg(what || ' ' || state || ' ' || COALESCE(lost::text, '-'), ', ' ORDER BY id) FROM edits WHERE external_id = $1`, deal)
		if want := fmt.Sprintf(`revert done {"stage_id": "%s"}, note done -, restore done -`, third); got != want {
			t.Errorf("edits of %d are %s, want %s", id, got, want)
		}
		if n := d.truth("notes", one[string](t, d.bundle, `SELECT mark FROM edits WHERE external_id = $1 AND what = 'note'`, deal)); n != 1 {
			t.Errorf("%d notes", n)
		}
		if t.Failed() {
			t.Fatalf("after a death at %q", name)
		}
	}
}
