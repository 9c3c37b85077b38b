package web_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/internal/sandbox"
	"salesbook.dev/internal/sandbox/pipedrive"
)

// holdInbox lets nobody write to the inbox until the function that it returns
// is called, so that what arrives meanwhile gathers for one commit.
func (b *bundle) holdInbox(t *testing.T) (release func()) {
	t.Helper()
	admin := b.Connect(t, b.AdminURL)
	b.run(t, admin, `BEGIN`)
	b.run(t, admin, `LOCK TABLE salesbook.inbox IN SHARE MODE`)
	return func() { b.run(t, admin, `COMMIT`) }
}

// awaitHeld waits until a commit hangs on the inbox.
func (b *bundle) awaitHeld(t *testing.T) {
	t.Helper()
	admin := b.Connect(t, b.AdminURL)
	await(t, "a commit waits for the inbox", func() bool {
		var held bool
		if err := admin.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'salesbook.inbox'::regclass)`).Scan(&held); err != nil {
			t.Fatal(err)
		}
		return held
	})
}

// inOneCommit delivers all bodies so that, after the first, one commit takes
// them together, and returns their statuses.
func (b *bundle) inOneCommit(t *testing.T, letters map[string]hook) map[string]int {
	t.Helper()
	release := b.holdInbox(t)
	statuses := map[string]int{}
	var mu sync.Mutex
	var all sync.WaitGroup
	send := func(id string, h hook) {
		all.Go(func() {
			a := b.deliver(t, h, event(id))
			mu.Lock()
			defer mu.Unlock()
			statuses[id] = a.status
		})
	}
	first := true
	for id, h := range letters {
		send(id, h)
		if first {
			b.awaitHeld(t)
			first = false
		}
	}
	await(t, "all others wait", func() bool { return b.metric(t, "salesbook_deliveries_queued") == float64(len(letters)-1) })
	release()
	all.Wait()
	return statuses
}

func TestWorkspacesInOneCommit(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	acme, globex := b.connect(t, "acme"), b.connect(t, "globex")
	letters, want := map[string]hook{}, map[string]int{}
	inbox := map[int64]map[string]int{acme.workspace: {}, globex.workspace: {}}
	for i := range 20 {
		for _, h := range []hook{acme, globex} {
			id := fmt.Sprintf("%d-%d", h.workspace, i)
			letters[id], want[id], inbox[h.workspace][id] = h, 200, 1
		}
	}
	before := b.metric(t, "salesbook_deliveries_commit_size")
	if d := cmp.Diff(want, b.inOneCommit(t, letters)); d != "" {
		t.Errorf("statuses (-want +got):\n%s", d)
	}
	if n := b.metric(t, "salesbook_deliveries_commit_size") - before; n != 2 {
		t.Errorf("want one commit after the first, got %v in all", n)
	}
	for ws, want := range inbox {
		if d := cmp.Diff(want, b.stored(t, ws)); d != "" {
			t.Errorf("inbox of workspace %d (-want +got):\n%s", ws, d)
		}
	}
	jobs, boxes := b.looks(t, 2)
	if jobs > 3 || boxes != 2 { // for the first, and for both of the second commit
		t.Errorf("%d jobs for %d connections, want at most one for each connection and commit", jobs, boxes)
	}
}

// looks waits until jobs have been asked to look at so many inboxes, and
// returns how many jobs and inboxes there are.
func (b *bundle) looks(t *testing.T, want int) (jobs, boxes int) {
	t.Helper()
	admin := b.Connect(t, b.AdminURL)
	await(t, "jobs are to look at inboxes", func() bool {
		if err := admin.QueryRow(t.Context(), `SELECT count(*), count(DISTINCT args) FROM river.river_job WHERE kind = 'receive'`).Scan(&jobs, &boxes); err != nil {
			t.Fatal(err)
		}
		return boxes >= want
	})
	return jobs, boxes
}

// TestDeliveriesAreTakenWithoutTheQueue: a delivery is safe once it is in the
// inbox. What no job was asked to look at, the tick finds.
func TestDeliveriesAreTakenWithoutTheQueue(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	h := b.connect(t, "acme")
	admin := b.Connect(t, b.AdminURL)
	b.run(t, admin, `ALTER TABLE river.river_job RENAME TO away`)
	if a := b.deliver(t, h, event("early")); a.status != 200 {
		t.Errorf("answered %d, though it could be stored", a.status)
	}
	await(t, "the missing queue is logged", func() bool { return strings.Contains(b.log.String(), "the tick finds them") })
	b.run(t, admin, `ALTER TABLE river.away RENAME TO river_job`)
	if d := cmp.Diff(map[string]int{"early": 1}, b.stored(t, h.workspace)); d != "" {
		t.Errorf("inbox (-want +got):\n%s", d)
	}
	if err := b.pipeline.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	if jobs, _ := b.looks(t, 1); jobs != 1 {
		t.Errorf("the tick asked for %d looks, want 1", jobs)
	}
}

// TestALookFollowsEveryCommit: no delivery waits for the tick.
func TestALookFollowsEveryCommit(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	h := b.connect(t, "acme")
	admin := b.Connect(t, b.AdminURL)
	for i := range 20 {
		if a := b.deliver(t, h, event(fmt.Sprint(i))); a.status != 200 {
			t.Fatal(a)
		}
		b.looks(t, 1)
		b.run(t, admin, `DELETE FROM river.river_job`)
	}
}

func TestOneBadLetterDoesNotTakeTheOthersWithIt(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		code   string // what the database says to it
		status int
	}{
		"that can never be stored": {"22P05", 400},
		"that may be stored later": {"P0001", 503},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, nil)
			h := b.connect(t, "acme")
			admin := b.Connect(t, b.AdminURL)
			b.run(t, admin, `
				CREATE FUNCTION salesbook.poison() RETURNS trigger LANGUAGE plpgsql AS $$
				BEGIN IF NEW.key = 'bad' THEN RAISE EXCEPTION 'poison' USING ERRCODE = '`+tc.code+`'; END IF; RETURN NEW; END $$`)
			b.run(t, admin, `CREATE TRIGGER poison BEFORE INSERT ON salesbook.inbox FOR EACH ROW EXECUTE FUNCTION salesbook.poison()`)
			letters, want, inbox := map[string]hook{"bad": h}, map[string]int{"bad": tc.status}, map[string]int{}
			for i := range 30 {
				id := fmt.Sprint("good-", i)
				letters[id], want[id], inbox[id] = h, 200, 1
			}
			if d := cmp.Diff(want, b.inOneCommit(t, letters)); d != "" {
				t.Errorf("statuses (-want +got):\n%s", d)
			}
			if d := cmp.Diff(inbox, b.stored(t, h.workspace)); d != "" {
				t.Errorf("inbox (-want +got):\n%s", d)
			}
		})
	}
}

// TestNothingIsAnsweredThatIsNotStored breaks the database in several ways.
func TestNothingIsAnsweredThatIsNotStored(t *testing.T) {
	t.Parallel()
	const cut = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`
	cases := map[string]struct{ breaks, mends string }{
		"the table is gone":    {`ALTER TABLE salesbook.inbox RENAME TO away`, `ALTER TABLE salesbook.away RENAME TO inbox`},
		"it may only be read":  {`REVOKE INSERT ON salesbook.inbox FROM salesbook_app`, `GRANT INSERT ON salesbook.inbox TO salesbook_app`},
		"nobody can connect":   {`ALTER DATABASE %s CONNECTION LIMIT 0; ` + cut, `ALTER DATABASE %s CONNECTION LIMIT -1`},
		"connections break":    {cut, `SELECT 1`},
		"a commit is refused":  {`CREATE FUNCTION salesbook.no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''no''; END'; CREATE CONSTRAINT TRIGGER no AFTER INSERT ON salesbook.inbox DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION salesbook.no()`, `DROP TRIGGER no ON salesbook.inbox`},
		"it takes for ever":    {`CREATE FUNCTION salesbook.slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(60); RETURN NEW; END'; CREATE TRIGGER slow BEFORE INSERT ON salesbook.inbox FOR EACH ROW EXECUTE FUNCTION salesbook.slow()`, `DROP TRIGGER slow ON salesbook.inbox`},
		"a row goes elsewhere": {`CREATE FUNCTION salesbook.none() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION USING ERRCODE = ''23514''; END'; CREATE TRIGGER none BEFORE INSERT ON salesbook.inbox FOR EACH ROW EXECUTE FUNCTION salesbook.none()`, `DROP TRIGGER none ON salesbook.inbox`},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, nil)
			if b.Pooled && name == "nobody can connect" {
				t.Skip("a pooler holds on to connections and keeps clients waiting")
			}
			h := b.connect(t, "acme")
			if a := b.deliver(t, h, event("before")); a.status != 200 {
				t.Fatal(a)
			}
			admin := b.Connect(t, b.AdminURL)
			run := func(sql string) {
				if name == "nobody can connect" {
					sql = fmt.Sprintf(sql, b.Name)
				}
				b.run(t, admin, sql)
			}
			run(tc.breaks)
			start := time.Now()
			if a := b.deliver(t, h, event("lost")); time.Since(start) > 10*time.Second {
				t.Errorf("answered after %v, when the vendor has given up", time.Since(start))
			} else if a.status/100 == 2 && name != "connections break" {
				t.Errorf("answered %d though nothing can be stored", a.status)
			}
			run(tc.mends)
			await(t, "deliveries are taken again", func() bool { return b.deliver(t, h, event("after")).status == 200 })
			want := map[string]int{"before": 1, "after": 1}
			got := b.stored(t, h.workspace)
			if name == "connections break" {
				delete(got, "lost")
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("inbox (-want +got):\n%s", d)
			}
		})
	}
}

// TestTheVendorRepeatsWhatWasNotStored goes through an outage with the
// simulated vendor's own retries.
func TestTheVendorRepeatsWhatWasNotStored(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	h := b.connect(t, "acme")
	clock := sandbox.NewManual(time.Now())
	sim, err := pipedrive.Open(pipedrive.Options{Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	do := func(method, path string, body map[string]any) {
		t.Helper()
		if _, err := sim.Do(1, method, path, body); err != nil {
			t.Fatal(err)
		}
	}
	do("POST", "/v1/webhooks", map[string]any{"subscription_url": b.url + "/in/" + h.Path, "event_action": "*", "event_object": "*", "name": "test", "version": "2.0",
		"http_auth_user": h.User, "http_auth_password": h.Password})
	admin := b.Connect(t, b.AdminURL)
	b.run(t, admin, `ALTER TABLE salesbook.inbox RENAME TO away`)
	for i := range 5 {
		do("POST", "/api/v2/organizations", map[string]any{"name": fmt.Sprint("Łódź ", i)})
	}
	settle := func() {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		if err := sim.Settle(ctx); err != nil {
			t.Fatal(err)
		}
	}
	settle()
	if n := b.metric(t, "salesbook_deliveries_total", "failed"); n != 5 {
		t.Errorf("%v deliveries failed, want all 5", n)
	}
	clock.Advance(3 * time.Second)
	settle()
	b.run(t, admin, `ALTER TABLE salesbook.away RENAME TO inbox`)
	clock.Advance(30 * time.Second)
	settle()
	if n := len(b.stored(t, h.workspace)); n != 5 {
		t.Errorf("%d of 5 deliveries are stored after the outage", n)
	}
}
