package jobs_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sales"
	"salesbook.dev/internal/sandbox/pipedrive"
)

// rounds is how much chaos there is: SALESBOOK_CHAOS_ROUNDS, or what
// `make test` has time for.
func rounds() int {
	n, err := strconv.Atoi(os.Getenv("SALESBOOK_CHAOS_ROUNDS"))
	if err != nil {
		return 20
	}
	return n
}

// dice returns the dice of a test. Their seed is printed; SALESBOOK_CHAOS_SEED
// throws the same again.
func dice(t *testing.T) (*rand.Rand, uint64) {
	t.Helper()
	seed, err := strconv.ParseUint(os.Getenv("SALESBOOK_CHAOS_SEED"), 10, 64)
	if err != nil {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("again with SALESBOOK_CHAOS_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0)), seed
}

// TestChaosKilledWorkers kills worker processes at random instants of a load.
// Nothing may be lost, and nothing written twice.
func TestChaosKilledWorkers(t *testing.T) {
	t.Parallel()
	rng, _ := dice(t)
	b := setup(t, 400, pipedrive.Options{})
	for killed := 0; killed < max(1, rounds()/2); {
		p := start(t, b.work("pull"))
		alarm := time.AfterFunc(time.Duration(rng.IntN(700))*time.Millisecond, func() { _ = p.cmd.Process.Kill() })
		status := p.wait()
		alarm.Stop()
		switch {
		case status < 0:
			killed++
		case status > 0:
			t.Fatalf("a worker failed: %s", p.errors())
		default: // it was done: let the next one start over
			b.drift(t)
			startOver(t, b)
		}
	}
	b.finish(t)
	b.sound(t)
	if n := len(b.changes(t)); n != 0 {
		t.Errorf("%d changes were recorded though nothing changed", n)
	}
}

// finish works off what killed processes have left.
func (b *bundle) finish(t testing.TB) {
	t.Helper()
	w := childWork{Workspace: b.ws, Conn: b.conn}
	for _, do := range []deed{pullToTheEnd, emptyInbox} {
		if err := do(t.Context(), b.Pipeline, w); err != nil {
			t.Fatal(err)
		}
	}
}

// scene is a kind of work with all boundaries between its steps.
type scene struct {
	do         string
	prepare    func(t *testing.T, b *bundle) // before each kill: there must be something to do
	boundaries map[string]boundary
	meanwhile  func(t *testing.T, b *bundle) // after each kill, before anybody goes on
	check      func(t *testing.T, b *bundle) // after each kill and all that was finished
}

// scenes are those at Pipedrive.
func scenes() map[string]scene {
	return map[string]scene{
		"pull": {do: "pull", prepare: startOver, boundaries: map[string]boundary{
			"before the first page is asked for":  {"request", "/deals", 1},
			"page fetched, nothing written":       {"answer", "/deals", 1},
			"records of a page being written":     {"statement", "INSERT INTO deals", 1},
			"page written, its cursor not moved":  {"statement", "UPDATE cursors", 13},
			"right before the COMMIT of a page":   {"commit", "INSERT INTO deals", 1},
			"right after the COMMIT of a page":    {"committed", "INSERT INTO deals", 1},
			"before the COMMIT of the last page":  {"commit", "INSERT INTO notes", 1},
			"everything read, lease not released": {"statement", "UPDATE leases SET until = '-infinity'", 1},
		}},
		"receive": {do: "receive", prepare: pilesUp, boundaries: map[string]boundary{
			"delivery seen, nothing asked":              {"request", "/deals", 1},
			"record fetched again, nothing written":     {"answer", "/deals", 1},
			"right before the COMMIT of the records":    {"commit", "INSERT INTO deals", 1},
			"records committed, delivery still waiting": {"committed", "INSERT INTO deals", 1},
			"right before the delivery's own COMMIT":    {"commit", "UPDATE inbox SET done_at", 1},
			"right after the delivery's own COMMIT":     {"committed", "UPDATE inbox SET done_at", 1},
		}},
		"history": {do: "history", prepare: forgetHistory, boundaries: map[string]boundary{
			"changelog fetched, nothing written":    {"answer", "/changelog", 1},
			"right before the COMMIT of changelogs": {"commit", "INSERT INTO parents_read", 1},
			"right after the COMMIT of changelogs":  {"committed", "INSERT INTO parents_read", 1},
		}, check: historyIsWhole},
		"replay": {do: "replay", prepare: remap, boundaries: map[string]boundary{
			"in the middle of a page":              {"statement", "INSERT INTO deals", 1},
			"right before the COMMIT of a page":    {"commit", "INSERT INTO deals", 1},
			"right after the COMMIT of a page":     {"committed", "INSERT INTO deals", 1},
			"all replayed, but not yet said to be": {"commit", "SET replayed", 1},
		}, check: replayIsDone},
		"sweep": {do: "sweep", prepare: losePerson, boundaries: map[string]boundary{
			"page fetched, nothing compared":               {"answer", "/persons", 1},
			"right before the COMMIT of a compared page":   {"commit", "INSERT INTO sweep_ids", 1},
			"right after the COMMIT of a compared page":    {"committed", "INSERT INTO sweep_ids", 1},
			"what was not shown is gathered, not asked":    {"committed", "'missed', m.n", 1},
			"the vendor says that he is gone, not written": {"answer", "/persons/", 1},
			"right before the COMMIT of the tombstone":     {"commit", "INSERT INTO people", 2},
			"right after the COMMIT of the tombstone":      {"committed", "INSERT INTO people", 2},
			"right before the COMMIT of a proof":           {"commit", "INSERT INTO proofs", 3},
			"right after the COMMIT of a proof":            {"committed", "INSERT INTO proofs", 3},
		}, check: sweptOnce},
		"evaluate": {do: "evaluate", prepare: judgeAnew, boundaries: map[string]boundary{
			"taken off the list, nothing judged":       {"statement", "FROM deals", 1},
			"judged, violations not written":           {"statement", "INSERT INTO violations", 1},
			"right before the COMMIT of what is found": {"commit", "INSERT INTO violations", 1},
			"right after the COMMIT of what is found":  {"committed", "INSERT INTO violations", 1},
		}, check: judgedAsRecomputed},
		"watch": {do: "watch", prepare: unsubscribe, boundaries: map[string]boundary{
			"before the vendor is asked to subscribe us": {"request", "/webhooks", 2},
			"subscribed, but not noted":                  {"commit", "INSERT INTO subscriptions", 1},
			"noted, lease not released":                  {"committed", "INSERT INTO subscriptions", 1},
		}, check: subscribedOnce},
		"watch again": {do: "watch", prepare: loseSubscriptions, boundaries: map[string]boundary{
			"subscribed again, but not noted": {"commit", "INSERT INTO subscriptions", 1},
			"noted, lease not released":       {"committed", "INSERT INTO subscriptions", 1},
		}, check: subscribedOnce},
	}
}

// company is a simulated one, and the kinds of work that are killed there, one after
// the other.
type company struct {
	open   func(t *testing.T) *bundle
	scenes map[string]scene
}

func companies() map[string]company {
	all := zohoCompanies()
	for name, s := range scenes() {
		all["pipedrive "+name] = company{pipedriveCompany, map[string]scene{name: s}}
	}
	return all
}

func pipedriveCompany(t *testing.T) *bundle {
	t.Helper()
	return setup(t, 20, pipedrive.Options{})
}

// boundaries counts those of all scenes.
func boundaries() (n int) {
	for _, c := range companies() {
		for _, s := range c.scenes {
			n += len(s.boundaries)
		}
	}
	return n
}

// TestChaosKilledAtBoundaries kills a worker process at each boundary between
// the steps of each kind of work.
func TestChaosKilledAtBoundaries(t *testing.T) {
	t.Parallel()
	for name, c := range companies() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rng, _ := dice(t)
			b := c.open(t)
			b.receive(t)
			b.finish(t)
			calls := b.db.Connect(t, b.db.AdminURL)
			for _, s := range c.scenes {
				for name, die := range s.boundaries {
					b.dieAt(t, s, name, die)
					b.callsEnd(t, calls)
				}
			}
			for range (rounds()/2 - boundaries()) / boundaries() { // only in `make chaos`
				for _, s := range c.scenes {
					for name, die := range s.boundaries {
						die.Nth += rng.IntN(4)
						b.dieAt(t, s, name, die)
						b.callsEnd(t, calls)
					}
				}
			}
			b.finish(t)
			b.sound(t)
		})
	}
}

// dieAt has a process die at the boundary, and this one finish its work.
func (b *bundle) dieAt(t *testing.T, s scene, name string, die boundary) {
	t.Helper()
	s.prepare(t, b)
	w := b.work(s.do)
	w.Die, w.Since = die, one[time.Time](t, b, `SELECT clock_timestamp()`)
	p := start(t, w)
	if status := p.wait(); status >= 0 && (status > 0 || s.boundaries[name] == die) {
		t.Fatalf("%s: the boundary was not reached, exit status %d: %s", name, status, p.errors())
	}
	if s.meanwhile != nil {
		s.meanwhile(t, b)
	}
	if err := childDeeds()[s.do](t.Context(), b.Pipeline, w); err != nil {
		t.Fatalf("after a death at %q: %v", name, err)
	}
	b.drift(t) // no later pull has mended anything yet
	if s.check != nil {
		s.check(t, b)
	}
	if t.Failed() {
		t.Fatalf("after a death at %q", name)
	}
}

// startOver makes everything new to us.
func startOver(t *testing.T, b *bundle) {
	t.Helper()
	b.in(t, resetAll(t, b))
	b.in(t, func(tx pgx.Tx) error {
		tables := []string{"records", "deal_stages", "parents_read"}
		for _, k := range sales.Kinds() {
			tables = append(tables, k.Name)
		}
		for _, table := range tables {
			if _, err := tx.Exec(t.Context(), "DELETE FROM "+table); err != nil {
				return err
			}
		}
		return nil
	})
}

// pilesUp changes deals at the vendor; the deliveries wait.
func pilesUp(t *testing.T, b *bundle) {
	t.Helper()
	pilesUpAt(t, b, b.dealsHere(t, 3)...)
}

// pilesUpAt changes these deals and waits until the vendor has told us once.
func pilesUpAt(t *testing.T, b *bundle, deals ...string) {
	t.Helper()
	for _, id := range deals {
		if err := b.crm.set(id, map[string]any{"title": fmt.Sprintf("Переименована %d", time.Now().UnixNano())}); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.crm.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// callsEnd lets the calls of a killed process count no more, as after half a minute:
// nobody can know before that they are not under way.
func (b *bundle) callsEnd(t *testing.T, admin *pgx.Conn) {
	t.Helper()
	var late int
	sql := `WITH over AS (DELETE FROM salesbook.vendor_permits RETURNING until) SELECT count(*) FILTER (WHERE until > now() + interval '35 seconds') FROM over`
	if err := admin.QueryRow(t.Context(), sql).Scan(&late); err != nil || late > 0 {
		t.Errorf("%d calls of a process that is dead count for longer than calls take: %v", late, err)
	}
}

// forgetHistory makes every deal's past unknown.
func forgetHistory(t *testing.T, b *bundle) {
	t.Helper()
	b.in(t, func(tx pgx.Tx) error {
		for _, rows := range []string{"deal_events", "deal_stages", "parents_read", "records WHERE object IN ('dealChanges', 'Stage_History')"} {
			if _, err := tx.Exec(t.Context(), "DELETE FROM "+rows); err != nil {
				return err
			}
		}
		return nil
	})
}

// pasts is what is known of deals' pasts.
func (b *bundle) pasts(t *testing.T) string {
	t.Helper()
	events := one[string](t, b, `SELECT COALESCE(string_agg(concat_ws(' ', external_id, deal_id, field, old_value, new_value, actor_id, at, deleted_at), E'\n' ORDER BY external_id), '') FROM deal_events`)
	stages := one[string](t, b, `SELECT COALESCE(string_agg(concat_ws(' ', deal_id, at, stage_id, from_stage_id, actor_id, source), E'\n' ORDER BY deal_id, at, stage_id), '') FROM deal_stages`)
	return events + "\n\n" + stages
}

// historyIsWhole: what is known is what an undisturbed reading tells.
func historyIsWhole(t *testing.T, b *bundle) {
	t.Helper()
	got := b.pasts(t)
	forgetHistory(t, b)
	if err := readHistory(t.Context(), b.Pipeline, b.work("history")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(b.pasts(t), got); diff != "" {
		t.Errorf("the past (-undisturbed +killed):\n%s", diff)
	}
	if n := one[int](t, b, `SELECT count(*) FROM deals d WHERE deleted_at IS NULL AND NOT EXISTS (SELECT FROM parents_read p WHERE p.parent = d.external_id)`); n != 0 {
		t.Errorf("%d deals have no known history", n)
	}
	if n := one[int](t, b, `SELECT count(*) FROM (SELECT FROM deal_stages GROUP BY deal_id, at, stage_id HAVING count(*) > 1) d`); n != 0 {
		t.Errorf("%d entries into a stage stand twice", n)
	}
}

// losePerson deletes somebody at the vendor, of which no list tells. Somebody
// else comes, so that there are people left however often it is done.
func losePerson(t *testing.T, b *bundle) {
	t.Helper()
	if _, err := b.sim.Do(1, "POST", "/api/v2/persons", map[string]any{"name": "Нова Особа"}); err != nil {
		t.Fatal(err)
	}
	id := one[string](t, b, `SELECT min(external_id) FROM people WHERE deleted_at IS NULL`)
	if _, err := b.sim.Do(1, "DELETE", "/api/v2/persons/"+id, nil); err != nil {
		t.Fatal(err)
	}
}

// sweptOnce: no place and no id is left of a sweep, and no object was proven
// twice by it.
func sweptOnce(t *testing.T, b *bundle) {
	t.Helper()
	if n := one[int](t, b, `SELECT (SELECT count(*) FROM sweeps) + (SELECT count(*) FROM sweep_ids)`); n != 0 {
		t.Errorf("%d rows are left of sweeps that are over", n)
	}
	if n := one[int](t, b, `SELECT max(n) - min(n) FROM (SELECT count(*) AS n FROM proofs GROUP BY object) o`); n != 0 {
		t.Errorf("some objects were proven %d times more often than others", n)
	}
}

// remap loses canonical rows, which a replay makes anew, and makes one due.
func remap(t *testing.T, b *bundle) {
	t.Helper()
	one[int](t, b, `WITH d AS (DELETE FROM deals RETURNING 1) SELECT count(*) FROM d`)
	one[int](t, b, `WITH u AS (UPDATE maps SET replayed = 0 RETURNING 1) SELECT count(*) FROM u`)
}

func replayIsDone(t *testing.T, b *bundle) {
	t.Helper()
	b.in(t, func(tx pgx.Tx) error {
		due, _, err := postgres.ReplayDue(t.Context(), tx, b.ws, b.conn)
		if due {
			t.Error("a replay is still due")
		}
		return err
	})
}

// unsubscribe ends our subscriptions, at the vendor and here.
func unsubscribe(t *testing.T, b *bundle) {
	t.Helper()
	loseSubscriptions(t, b)
	one[int](t, b, `WITH d AS (DELETE FROM subscriptions RETURNING 1) SELECT count(*) FROM d`)
}

// loseSubscriptions ends those at the vendor, behind our back.
func loseSubscriptions(t *testing.T, b *bundle) {
	t.Helper()
	s, err := b.Open(t.Context(), b.ws, b.conn)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Unwatch(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	b.noPullAsked(t)
}

// noPullAsked forgets pulls that wait for workers, of which there are none here.
func (b *bundle) noPullAsked(t testing.TB) {
	t.Helper()
	one[int](t, b, `WITH d AS (DELETE FROM river.river_job WHERE kind = 'pull' RETURNING 1) SELECT count(*) FROM d`)
}

// pullAsked tells whether a pull waits for a worker.
func (b *bundle) pullAsked(t testing.TB) bool {
	t.Helper()
	return one[bool](t, b, `SELECT EXISTS (SELECT FROM river.river_job WHERE kind = 'pull')`)
}

// subscribedOnce: one subscription stands, at the vendor and here, and what happened
// while none did will be read.
func subscribedOnce(t *testing.T, b *bundle) {
	t.Helper()
	if !b.pullAsked(t) {
		t.Error("nobody reads what happened while nothing was delivered")
	}
	b.in(t, func(tx pgx.Tx) error {
		subs, err := postgres.Subscriptions(t.Context(), tx, b.ws, b.conn)
		if len(subs) != 1 || !subs[0].Active {
			t.Errorf("subscriptions: %+v, want one that is active", subs)
		}
		return err
	})
	answer, err := b.sim.Do(1, "GET", "/api/v1/webhooks", nil)
	if err != nil {
		t.Fatal(err)
	}
	if n := countOf(answer, `"subscription_url"`); n != 1 {
		t.Errorf("the vendor delivers to us %d times", n)
	}
}

// letters stores deliveries of our own that name records.
func (b *bundle) letters(ctx context.Context, key string, reads []connectors.Ref) error {
	l := postgres.Letter{Workspace: b.ws, Connection: b.conn, At: time.Now(), Key: key, Reads: reads, Body: []byte("{}")}
	return b.DB.StoreLetters(ctx, []postgres.Letter{l}, func(pgx.Tx, [][2]int64) error { return nil })
}
