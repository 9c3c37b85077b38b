package jobs_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sandbox/pipedrive"
)

// pushBoundaries are those between the steps of the edits that are wanted of one
// deal: a move that is taken back with a note, and a task.
func pushBoundaries() map[string]boundary {
	return map[string]boundary{
		"read again, nothing decided":                        {"answer", "/deals/", 1},
		"right before the COMMIT of an intent":               {"commit", "SET state = 'sent'", 1},
		"right after the COMMIT of an intent":                {"committed", "SET state = 'sent'", 1},
		"right before the call":                              {"request", "/deals/", 2},
		"called, and no receipt":                             {"answer", "/deals/", 2},
		"the receipt is being written":                       {"statement", "SET state = 'done'", 1},
		"right before the COMMIT of a receipt":               {"commit", "SET state = 'done'", 1},
		"right after the COMMIT of a receipt":                {"committed", "SET state = 'done'", 1},
		"right before a task is made":                        {"request", "/activities", 1},
		"a task is made, and there is no receipt":            {"answer", "/activities", 1},
		"right before the note":                              {"request", "/notes", 1},
		"the note is made, and there is no receipt":          {"answer", "/notes", 1},
		"right before it is noted what was written over":     {"commit", "SET checked_at", 1},
		"right after it was noted what was written over":     {"committed", "SET checked_at", 1},
		"everything is done, and the lease was not released": {"statement", "UPDATE leases SET until = '-infinity'", 1},
	}
}

// echoBoundaries are those between the steps of reading what comes back of an
// edit that has no receipt yet.
func echoBoundaries() map[string]boundary {
	return map[string]boundary{
		"read, nothing written":                         {"answer", "/deals/", 1},
		"right before the COMMIT of what came back":     {"commit", "SET echoed_at", 1},
		"right after the COMMIT of what came back":      {"committed", "SET echoed_at", 1},
		"right before the COMMIT of the delivery's end": {"commit", "UPDATE inbox SET done_at", 1},
	}
}

// TestChaosKilledPushes kills a process at each boundary of an edit. Whatever was
// wanted has its effect once, and nothing that comes back is a person's change.
func TestChaosKilledPushes(t *testing.T) {
	t.Parallel()
	d := killable(t)
	rng, _ := dice(t)
	boundaries := pushBoundaries()
	for round := range max(1, rounds()/len(boundaries)) {
		for name, die := range boundaries {
			if round > 0 { // only in `make chaos`
				die.Nth += rng.IntN(3)
			}
			deal := d.misstep(t)
			w := d.work("push")
			w.Die = die
			d.dies(t, w, name, round == 0)
			d.afterwards(t, deal, name)
		}
	}
}

// TestChaosKilledWhileEchoesReturn kills the process that reads what comes back
// of an edit whose receipt was lost.
func TestChaosKilledWhileEchoesReturn(t *testing.T) {
	t.Parallel()
	d := killable(t)
	boundaries := echoBoundaries()
	for range max(1, rounds()/10/len(boundaries)) {
		for name, die := range boundaries {
			deal := d.misstep(t)
			d.Transport = failing("PATCH", true, once())
			d.ignoring(t)
			d.Transport = nil
			if err := d.sim.Settle(t.Context()); err != nil {
				t.Fatal(err)
			}
			w := d.work("receive")
			w.Die = die
			d.dies(t, w, name, true)
			d.comesBack(t)
			d.later(t)
			d.afterwards(t, deal, name)
		}
	}
}

func killable(t *testing.T) *desk {
	t.Helper()
	d := furnish(t, setup(t, 0, pipedrive.Options{}), 1)
	d.receive(t)
	d.set(t, d.deals[0], map[string]any{"title": "Dom 1a"}) // the row is the vendor's again
	d.in(t, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `UPDATE connections SET writes_share = 100, writes_hourly = 1000000`)
		return err
	})
	return d
}

// misstep has a new deal moved on too early, and wants that taken back, and a
// task.
func (d *desk) misstep(t *testing.T) (deal string) {
	t.Helper()
	deal = fmt.Sprint(d.tell(t, "POST", "/api/v2/deals", map[string]any{"title": "Dom", "stage_id": json.Number(d.stage[0])}))
	d.comesBack(t)
	one[int](t, d.bundle, `WITH u AS (UPDATE deals SET added_at = now() - interval '1 day', stage_entered_at = now() - interval '1 hour' WHERE external_id = $1 RETURNING 1) SELECT count(*) FROM u`, deal)
	d.set(t, deal, map[string]any{"stage_id": json.Number(d.stage[1])})
	d.comesBack(t)
	d.moveBack(t, deal)
	d.task(t, deal)
	return deal
}

// dies has a process die at a boundary.
func (d *desk) dies(t *testing.T, w childWork, name string, must bool) {
	t.Helper()
	p := start(t, w)
	if status := p.wait(); status > 0 || status == 0 && must {
		t.Fatalf("%s: the boundary was not reached, exit status %d: %s", name, status, p.errors())
	}
}

// afterwards has this process go on, and looks at what became of a deal.
func (d *desk) afterwards(t *testing.T, deal, when string) {
	t.Helper()
	w := d.work("push")
	if err := pushToTheEnd(t.Context(), d.Pipeline, w); err != nil {
		t.Fatalf("after a death at %q: %v", when, err)
	}
	d.comesBack(t)
	d.drift(t)
	var list []postgres.Edit
	d.in(t, func(tx pgx.Tx) (err error) {
		list, err = postgres.EditsAbout(t.Context(), tx, d.ws, d.conn, "deals", []string{deal})
		return err
	})
	for _, e := range list {
		made := d.truth("activities", e.Mark) + d.truth("notes", e.Mark)
		if e.State != "done" || e.Attempts == 0 || e.Makes() && made != 1 || e.Lost != nil {
			t.Errorf("%s %s, made %d times: %+v", e.What, e.State, made, e)
		}
	}
	if len(list) != 3 || d.at(t, deal, "stage_id") != d.stage[0] {
		t.Errorf("%d edits, the deal is in stage %s", len(list), d.at(t, deal, "stage_id"))
	}
	d.onlyOurs(t)
	if t.Failed() {
		t.Fatalf("after a death at %q", when)
	}
}
