package jobs_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sandbox/pipedrive"
	"salesbook.dev/jobs"
)

func TestAFirstPullLoadsEverything(t *testing.T) {
	t.Parallel()
	b := setup(t, 300, pipedrive.Options{})
	b.pull(t)
	b.drift(t)
	if n := one[int](t, b, `SELECT count(*) FROM changes`); n != 0 {
		t.Errorf("a first sight is no change, got %d", n)
	}
	if n := one[int](t, b, `SELECT count(*) FROM dirty WHERE kind = 'connections'`); n != 1 {
		t.Errorf("want one dirty row for all subjects after the first load, got %d", n)
	}
}

func TestAPullWithoutNewsWritesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t, 200, pipedrive.Options{})
	b.pull(t)
	before := one[string](t, b, `SELECT md5(string_agg(t::text, '' ORDER BY external_id)) FROM deals t`)
	written := one[int](t, b, `SELECT sum(written) FROM runs`)
	b.pull(t)
	if after := one[string](t, b, `SELECT md5(string_agg(t::text, '' ORDER BY external_id)) FROM deals t`); after != before {
		t.Error("rows were touched by a pull without news")
	}
	if n := one[int](t, b, `SELECT sum(written) FROM runs`); n != written {
		t.Errorf("a pull without news wrote %d records", n-written)
	}
}

func TestDeliveriesBringChanges(t *testing.T) {
	t.Parallel()
	b := setup(t, 200, pipedrive.Options{})
	b.pull(t)
	b.receive(t)
	if _, err := b.sim.Trickle(rand.New(rand.NewPCG(7, 7)), 120); err != nil {
		t.Fatal(err)
	}
	if err := b.sim.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := one[int](t, b, `SELECT count(*) FROM inbox WHERE done_at IS NULL`); n == 0 {
		t.Fatal("no delivery was stored")
	}
	if err := b.Receive(t.Context(), b.ws, b.conn); err != nil {
		t.Fatal(err)
	}
	if n := one[int](t, b, `SELECT count(*) FROM inbox WHERE done_at IS NULL`); n != 0 {
		t.Errorf("%d deliveries were left lying", n)
	}
	changes := one[int](t, b, `SELECT count(*) FROM changes`)
	if changes == 0 {
		t.Error("no change was recorded")
	}
	b.pull(t)
	b.drift(t)
	if n := one[int](t, b, `SELECT count(*) FROM (SELECT kind, external_id, fields FROM changes GROUP BY 1, 2, 3, at HAVING count(*) > 1) d`); n != 0 {
		t.Errorf("%d changes were written twice", n)
	}
}

func TestRepeatedDeliveriesDoNoHarm(t *testing.T) {
	t.Parallel()
	b := setup(t, 100, pipedrive.Options{})
	b.pull(t)
	b.receive(t)
	if _, err := b.sim.Do(1, "PATCH", "/api/v2/deals/1", map[string]any{"title": "Переименована"}); err != nil {
		t.Fatal(err)
	}
	if err := b.sim.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		one[int](t, b, `WITH u AS (UPDATE inbox SET done_at = NULL RETURNING 1) SELECT count(*) FROM u`)
		if err := b.Receive(t.Context(), b.ws, b.conn); err != nil {
			t.Fatal(err)
		}
	}
	if n := one[int](t, b, `SELECT count(*) FROM changes WHERE fields ? 'title'`); n != 1 {
		t.Errorf("want one change of the title however often it was delivered, got %d", n)
	}
	b.drift(t)
}

func TestReplayGivesTheSameRows(t *testing.T) {
	t.Parallel()
	b := setup(t, 200, pipedrive.Options{})
	b.pull(t)
	r, err := b.Replay(t.Context(), b.ws, b.conn)
	if err != nil || !r.Complete {
		t.Fatalf("replay: %+v: %v", r, err)
	}
	if len(r.Differences) != 0 || r.Made != 0 || r.Records == 0 {
		t.Errorf("an unchanged map gives no difference, got %+v", r)
	}
	tombstones := `SELECT COALESCE(string_agg(external_id || ' ' || deleted_at || ' ' || deleted_why, ', ' ORDER BY external_id), '') FROM deals WHERE deleted_at IS NOT NULL`
	before := one[string](t, b, tombstones)
	one[int](t, b, `WITH d AS (DELETE FROM deals RETURNING 1) SELECT count(*) FROM d`)
	r, err = b.Replay(t.Context(), b.ws, b.conn)
	if err != nil || r.Made == 0 {
		t.Errorf("want lost rows made anew, got %+v: %v", r, err)
	}
	if d := cmp.Diff(before, one[string](t, b, tombstones)); d != "" || before == "" {
		t.Errorf("tombstones that were made anew (-want +got):\n%s", d)
	}
	b.drift(t)
}

// TestReplayNeedsNoCredentials: stored records are read with the vendor's
// dialect alone, whatever became of the consent.
func TestReplayNeedsNoCredentials(t *testing.T) {
	t.Parallel()
	execute := func(sql string) func(*testing.T, *bundle) {
		return func(t *testing.T, b *bundle) {
			b.in(t, func(tx pgx.Tx) error { _, err := tx.Exec(t.Context(), sql); return err })
		}
	}
	for name, lose := range map[string]func(*testing.T, *bundle){
		"sealed with another key": execute(`UPDATE credentials SET sealed = '\x00'`),
		"deleted":                 execute(`DELETE FROM credentials`),
		"emptied": func(t *testing.T, b *bundle) { // as `key reset` does
			b.in(t, func(tx pgx.Tx) error {
				c, err := b.Vault.Load(t.Context(), tx, b.ws, b.conn)
				if err != nil {
					return err
				}
				_, err = b.Vault.Save(t.Context(), tx, b.ws, b.conn, postgres.Credentials{Version: c.Version})
				return err
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, 30, pipedrive.Options{})
			b.pull(t)
			lose(t, b)
			b.in(t, func(tx pgx.Tx) error {
				_, err := postgres.SetState(t.Context(), tx, b.ws, b.conn, "needs consent", "test")
				return err
			})
			one[int](t, b, `WITH d AS (DELETE FROM deals RETURNING 1) SELECT count(*) FROM d`)
			b.vendor.Close()
			if r, err := b.Replay(t.Context(), b.ws, b.conn); err != nil || !r.Complete || r.Made == 0 {
				t.Errorf("replay: %+v: %v", r, err)
			}
			b.drift(t)
		})
	}
}

func TestLargeAnInterruptedPullGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	b := setup(t, 1500, pipedrive.Options{})
	for stop := int64(8); ; stop += 7 {
		ctx, cancel := context.WithCancel(t.Context())
		b.Transport = cutAfter(b, stop, cancel)
		complete, err := b.Pull(ctx, b.ws, b.conn, jobs.PullOptions{})
		interrupted := ctx.Err() != nil
		cancel()
		if complete && err == nil {
			break
		}
		if !interrupted {
			t.Fatalf("complete=%v without an interruption: %v", complete, err)
		}
	}
	b.Transport = nil
	b.drift(t)
	if n := one[int](t, b, `SELECT count(*) FROM changes`); n != 0 {
		t.Errorf("interruptions made %d changes", n)
	}
}

func TestTwoPullsOfOneConnectionDoNotMeet(t *testing.T) {
	t.Parallel()
	b := setup(t, 300, pipedrive.Options{})
	var lost int
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if _, err := b.Pull(t.Context(), b.ws, b.conn, jobs.PullOptions{}); fault.KindOf(err) == fault.Lost {
				mu.Lock()
				lost++
				mu.Unlock()
			} else if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if lost == 0 {
		t.Error("all pulls ran at once")
	}
	b.pull(t)
	b.drift(t)
}

func TestHistoryMakesStages(t *testing.T) {
	t.Parallel()
	b := setup(t, 60, pipedrive.Options{})
	b.pull(t)
	if err := b.History(t.Context(), b.ws, b.conn); err != nil {
		t.Fatal(err)
	}
	if n := one[int](t, b, `SELECT count(*) FROM deals d WHERE deleted_at IS NULL AND NOT EXISTS (SELECT FROM parents_read p WHERE p.parent = d.external_id)`); n != 0 {
		t.Errorf("%d deals have no known history", n)
	}
	// The last stage of the history is the one the deal stands in.
	wrong := one[int](t, b, `
		SELECT count(*) FROM deals d JOIN LATERAL (SELECT stage_id FROM deal_stages s WHERE s.deal_id = d.external_id ORDER BY at DESC LIMIT 1) s ON true
		WHERE d.deleted_at IS NULL AND s.stage_id <> d.stage_id`)
	if wrong != 0 {
		t.Errorf("%d deals stand in another stage than their history ends in", wrong)
	}
}

func TestTheHistoryOfADealThatIsGoneStays(t *testing.T) {
	t.Parallel()
	b := setup(t, 60, pipedrive.Options{})
	b.pull(t)
	if err := b.History(t.Context(), b.ws, b.conn); err != nil {
		t.Fatal(err)
	}
	known := `SELECT count(*) FROM deal_events WHERE deleted_at IS NULL`
	moves := `SELECT count(*) FROM deal_stages`
	before, stages := one[int](t, b, known), one[int](t, b, moves)
	// Asked for again when the vendor shows no deal any more.
	forgotten := one[int](t, b, `WITH d AS (DELETE FROM parents_read RETURNING 1) SELECT count(*) FROM d`)
	b.Transport = missingAt("/changelog")
	if err := b.History(t.Context(), b.ws, b.conn); err != nil {
		t.Fatal(err)
	}
	if n := one[int](t, b, `SELECT count(*) FROM parents_read`); n != forgotten {
		t.Errorf("%d of %d deals would be asked for again and again", forgotten-n, forgotten)
	}
	if n := one[int](t, b, known); before == 0 || n != before {
		t.Errorf("of %d known events %d are left", before, n)
	}
	if n := one[int](t, b, moves); stages == 0 || n != stages {
		t.Errorf("of %d stage entries %d are left", stages, n)
	}
}

func TestRefusedCredentialsStopTheConnectionOnce(t *testing.T) {
	t.Parallel()
	b := setup(t, 0, pipedrive.Options{Token: "token"})
	b.Transport = forgetfulOf("token")
	_, err := b.Pull(t.Context(), b.ws, b.conn, jobs.PullOptions{})
	if fault.KindOf(err) != fault.Auth {
		t.Fatalf("want fault.Auth, got %v", err)
	}
}

func TestRecordsThatCannotBeMappedAreKeptAside(t *testing.T) {
	t.Parallel()
	b := setup(t, 100, pipedrive.Options{})
	b.Transport = rewrite(`"status":"open"`, `"status":"hibernating"`, 3)
	b.pull(t)
	got := one[string](t, b, `SELECT string_agg(DISTINCT object || ' ' || place, ', ') FROM failures WHERE resolved_at IS NULL`)
	if d := cmp.Diff("deals status", got); d != "" {
		t.Errorf("quarantined (-want +got):\n%s", d)
	}
	n := one[int](t, b, `SELECT count(*) FROM failures WHERE resolved_at IS NULL`)
	deals := one[int](t, b, `SELECT count(*) FROM deals`)
	records := one[int](t, b, `SELECT count(*) FROM records WHERE object = 'deals'`)
	if n == 0 || deals+n != records {
		t.Errorf("want the rest of the page let through: %d records, %d rows, %d aside", records, deals, n)
	}
	b.Transport = nil
	b.in(t, resetAll(t, b))
	b.pull(t)
	if n := one[int](t, b, `SELECT count(*) FROM failures WHERE resolved_at IS NULL`); n != 0 {
		t.Errorf("%d failures stay open though the records map now", n)
	}
	b.drift(t)
}
