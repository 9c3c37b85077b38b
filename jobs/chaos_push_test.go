package jobs_test

import (
	"encoding/json"
	"testing"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sandbox/zoho"
)

// pushBoundaries are those between the steps of the edits that are wanted of one
// deal: a move that is taken back with a note, and a task. They stand at reading the
// deal, at writing it, and at making activities and notes.
func pushBoundaries(read, write, tasks, notes boundary) map[string]boundary {
	at := func(when string, b boundary) boundary { return boundary{when, b.Of, b.Nth} }
	return map[string]boundary{
		"read again, nothing decided":                        at("answer", read),
		"right before the COMMIT of an intent":               {"commit", "SET state = 'sent'", 1},
		"right after the COMMIT of an intent":                {"committed", "SET state = 'sent'", 1},
		"right before the call":                              at("request", write),
		"called, and no receipt":                             at("answer", write),
		"the receipt is being written":                       {"statement", "SET state = 'done'", 1},
		"right before the COMMIT of a receipt":               {"commit", "SET state = 'done'", 1},
		"right after the COMMIT of a receipt":                {"committed", "SET state = 'done'", 1},
		"right before a task is made":                        at("request", tasks),
		"a task is made, and there is no receipt":            at("answer", tasks),
		"right before the note":                              at("request", notes),
		"the note is made, and there is no receipt":          at("answer", notes),
		"everything is done, and the lease was not released": {"statement", "UPDATE leases SET until = '-infinity'", 1},
	}
}

func pipedriveBoundaries() map[string]boundary {
	out := pushBoundaries(boundary{Of: "/deals/", Nth: 1}, boundary{Of: "/deals/", Nth: 2}, boundary{Of: "/activities", Nth: 1}, boundary{Of: "/notes", Nth: 1})
	out["right before it is noted what was written over"] = boundary{"commit", "SET checked_at", 1}
	out["right after it was noted what was written over"] = boundary{"committed", "SET checked_at", 1}
	return out
}

// zohoBoundaries are those of Zoho's, whose answers to writes do not show the
// record: it is read again before the receipt.
func zohoBoundaries() map[string]boundary {
	out := pushBoundaries(boundary{Of: "/v8/Deals", Nth: 1}, boundary{Of: "/Deals/", Nth: 1}, boundary{Of: "/v8/Tasks", Nth: 1}, boundary{Of: "/v8/Notes", Nth: 1})
	out["called, and not read again"] = boundary{"request", "/v8/Deals", 3}
	out["read again, and no receipt"] = boundary{"answer", "/v8/Deals", 3}
	out["a task is made, and not read again"] = boundary{"request", "/v8/Tasks", 2}
	out["the note is made, and not read again"] = boundary{"request", "/v8/Notes", 2}
	return out
}

// transitionBoundaries are those of taking a deal back by the transition of a
// Blueprint.
func transitionBoundaries() map[string]boundary {
	return map[string]boundary{
		"the Blueprint was asked":             {"answer", "/actions/blueprint", 1},
		"right before the transition":         {"request", "/actions/blueprint", 2},
		"the transition is made, no receipt":  {"answer", "/actions/blueprint", 2},
		"right after the COMMIT of a receipt": {"committed", "SET state = 'done'", 1},
	}
}

// echoBoundaries are those between the steps of reading what comes back of an
// edit that has no receipt yet.
func echoBoundaries(deals string) map[string]boundary {
	return map[string]boundary{
		"read, nothing written":                         {"answer", deals, 1},
		"right before the COMMIT of what came back":     {"commit", "SET echoed_at", 1},
		"right after the COMMIT of what came back":      {"committed", "SET echoed_at", 1},
		"right before the COMMIT of the delivery's end": {"commit", "UPDATE inbox SET done_at", 1},
	}
}

// fire is a desk at which processes are killed, and at which boundaries; in the tests
// of every day at so many of them, whichever these are.
type fire struct {
	desk           furnisher
	pushes, echoes map[string]boundary
	pushesDaily    int
	echoesDaily    int
}

func underFire() map[string]fire {
	return map[string]fire{
		"pipedrive":           {writable, pipedriveBoundaries(), echoBoundaries("/deals/"), 15, 4},
		"zoho":                {zohoDesk, zohoBoundaries(), echoBoundaries("/v8/Deals"), 5, 1},
		"zoho in a Blueprint": {inABlueprint, transitionBoundaries(), nil, 1, 0},
	}
}

// inABlueprint is zohoDesk with a Blueprint, by which a deal goes back from the second
// stage to the first.
func inABlueprint(t *testing.T, deals int) *desk {
	t.Helper()
	d := zohoDesk(t, deals)
	back := zoho.Transition{Name: "Wróć", From: []string{stageName(d.stage[1])}, To: stageName(d.stage[0])}
	if err := d.crm.(*zohoCRM).AddBlueprint("", "Sprzedaż", back); err != nil {
		t.Fatal(err)
	}
	return d
}

// TestChaosKilledPushes kills a process at each boundary of an edit. Whatever was
// wanted has its effect once, and nothing that comes back is a person's change.
func TestChaosKilledPushes(t *testing.T) {
	t.Parallel()
	for vendor, fire := range underFire() {
		t.Run(vendor, func(t *testing.T) {
			t.Parallel()
			d := killable(t, fire.desk)
			rng, _ := dice(t)
			deaths, most := 0, fire.pushesDaily
			if rounds() > 20 { // in `make chaos`
				most = max(rounds(), len(fire.pushes))
			}
			for round := 0; deaths < most; round++ {
				for name, die := range fire.pushes {
					if deaths++; deaths > most {
						break
					}
					if round > 0 {
						die.Nth += rng.IntN(3)
					}
					deal := d.misstep(t)
					w := d.work("push")
					w.Die = die
					d.dies(t, w, name, round == 0)
					d.afterwards(t, deal, name)
				}
			}
		})
	}
}

// TestChaosKilledWhileEchoesReturn kills the process that reads what comes back
// of an edit whose receipt was lost.
func TestChaosKilledWhileEchoesReturn(t *testing.T) {
	t.Parallel()
	for vendor, fire := range underFire() {
		if len(fire.echoes) == 0 {
			continue
		}
		t.Run(vendor, func(t *testing.T) {
			t.Parallel()
			d := killable(t, fire.desk)
			deaths, most := 0, fire.echoesDaily
			if rounds() > 20 {
				most = max(rounds()/10, len(fire.echoes))
			}
			for deaths < most {
				for name, die := range fire.echoes {
					if deaths++; deaths > most {
						break
					}
					deal := d.misstep(t)
					d.Transport = failing(d.updates(), true, once())
					d.ignoring(t)
					d.Transport = nil
					if err := d.crm.Settle(t.Context()); err != nil {
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
		})
	}
}

func killable(t *testing.T, writable furnisher) *desk {
	t.Helper()
	d := writable(t, 1)
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
	deal = d.offer(t, map[string]any{"title": "Dom", "stage_id": json.Number(d.stage[0])})
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
