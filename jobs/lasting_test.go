package jobs_test

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sandbox"
	"salesbook.dev/internal/sandbox/pipedrive"
	"salesbook.dev/internal/seal"
	"salesbook.dev/jobs"
)

// These tests are about failures that do not pass: one thing that the vendor
// refuses, or at which it fails for good, must not keep the others waiting.

// failingAt lets the vendor answer with a status whatever a request matches,
// and counts how often it was asked for that.
func failingAt(status int, asked *atomic.Int64, match func(r *http.Request) bool) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		if !match(r) {
			return http.DefaultTransport.RoundTrip(r)
		}
		asked.Add(1)
		return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
			Body: io.NopCloser(strings.NewReader(`{"success":false,"error":"no"}`))}, nil
	})
}

// at matches requests whose path ends so.
func at(path string) func(*http.Request) bool {
	return func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, path) }
}

// of matches requests that read this deal, alone or among others.
func of(deal string) func(*http.Request) bool {
	return func(r *http.Request) bool {
		ids := "," + r.URL.Query().Get("ids") + ","
		return strings.HasSuffix(r.URL.Path, "/deals/"+deal) || strings.Contains(ids, ","+deal+",")
	}
}

func TestARefusedObjectKeepsNoProofFromTheOthers(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	clock := sandbox.NewManual(time.Now())
	b := &swept{setup(t, 60, pipedrive.Options{Clock: clock}), clock}
	b.Transport = failingAt(http.StatusForbidden, &asked, at("/api/v2/products"))
	clock.Advance(time.Minute)
	if complete, err := b.Pull(t.Context(), b.ws, b.conn, jobs.PullOptions{}); complete || fault.KindOf(err) != fault.Forbidden {
		t.Fatalf("want a pull that names what is forbidden, got %v, %v", complete, err)
	}
	proofs := b.sweep(t, jobs.SweepOptions{})
	if _, ok := proofs["products"]; ok {
		t.Error("products that nobody may read are proven")
	}
	for _, object := range []string{"deals", "persons", "notes", "leads"} {
		if _, ok := proofs[object]; !ok {
			t.Errorf("%s are not proven because products are forbidden", object)
		}
	}
}

func TestARefusedObjectIsNotAskedForAgainAtOnce(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	b := setup(t, 20, pipedrive.Options{})
	b.Transport = failingAt(http.StatusForbidden, &asked, at("/api/v2/products"))
	pull := func(o jobs.PullOptions) error {
		_, err := b.Pull(t.Context(), b.ws, b.conn, o)
		return err
	}
	first := pull(jobs.PullOptions{})
	if err := pull(jobs.PullOptions{}); fault.KindOf(err) != fault.Forbidden || err.Error() != first.Error() {
		t.Errorf("the refusal is told no more: %v, want %v", err, first)
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("asked %d times within a moment, want once", n)
	}
	_ = pull(jobs.PullOptions{Force: true}) // refused again
	if n := asked.Load(); n != 2 {
		t.Errorf("asked %d times, though a person wanted it", n)
	}
	one[int](t, b, `WITH u AS (UPDATE runs SET started_at = started_at - interval '1 hour', finished_at = finished_at - interval '1 hour' RETURNING 1) SELECT count(*) FROM u`)
	_ = pull(jobs.PullOptions{})
	if n := asked.Load(); n != 3 {
		t.Errorf("asked %d times, want once more after an hour", n)
	}
}

func TestAnObjectThatFailsForGoodKeepsNoOtherWaiting(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	b := setup(t, 60, pipedrive.Options{})
	b.Transport = failingAt(http.StatusInternalServerError, &asked, at("/api/v2/organizations"))
	complete, err := b.Pull(t.Context(), b.ws, b.conn, jobs.PullOptions{})
	if complete || fault.KindOf(err) != fault.Temporary || !strings.Contains(err.Error(), "organizations") {
		t.Fatalf("want an incomplete pull that names what failed, got %v, %v", complete, err)
	}
	for _, table := range []string{"deals", "people", "notes"} {
		if n := one[int](t, b, `SELECT count(*) FROM `+table); n == 0 {
			t.Errorf("no %s were read because organizations fail", table)
		}
	}
	b.Transport = nil
	b.pull(t)
	b.drift(t)
}

func TestAVendorThatIsDownIsNotAskedForEverything(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	b := setup(t, 20, pipedrive.Options{})
	b.Transport = failingAt(http.StatusInternalServerError, &asked, func(r *http.Request) bool { return r.Method == http.MethodGet })
	if _, err := b.Pull(t.Context(), b.ws, b.conn, jobs.PullOptions{}); fault.KindOf(err) != fault.Temporary {
		t.Fatal(err)
	}
	objects := one[int](t, b, `SELECT count(DISTINCT object) FROM runs WHERE kind = 'pull'`)
	if objects != 2 {
		t.Errorf("%d objects were tried, want two", objects)
	}
}

// named stores a delivery that names deals.
func (b *bundle) named(t *testing.T, key string, deals ...string) {
	t.Helper()
	l := postgres.Letter{Workspace: b.ws, Connection: b.conn, At: time.Now(), Key: key, Body: []byte("{}")}
	for _, id := range deals {
		l.Reads = append(l.Reads, connectors.Ref{Object: "deals", ID: id})
	}
	if err := b.DB.StoreLetters(t.Context(), []postgres.Letter{l}, func(pgx.Tx, [][2]int64) error { return nil }); err != nil {
		t.Fatal(err)
	}
}

// retitle changes deals at the vendor.
func (b *bundle) retitle(t *testing.T, title string, deals ...string) {
	t.Helper()
	for _, id := range deals {
		if _, err := b.sim.Do(1, "PATCH", "/api/v2/deals/"+id, map[string]any{"title": title}); err != nil {
			t.Fatal(err)
		}
	}
}

// titled returns how many deals have a title here.
func (b *bundle) titled(t *testing.T, title string) int {
	t.Helper()
	return one[int](t, b, `SELECT count(*) FROM deals WHERE title = $1`, title)
}

// dealsHere are the ids of so many living deals.
func (b *bundle) dealsHere(t *testing.T, n int) []string {
	t.Helper()
	ids := one[[]string](t, b, fmt.Sprintf(`SELECT array_agg(external_id) FROM (SELECT external_id FROM deals WHERE deleted_at IS NULL ORDER BY external_id LIMIT %d) d`, n))
	if len(ids) != n {
		t.Fatalf("only %d deals here", len(ids))
	}
	return ids
}

const waitingLetters = `SELECT count(*) FROM inbox WHERE done_at IS NULL`

func TestADealThatIsRefusedKeepsNoOtherDeliveryWaiting(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	b := setup(t, 60, pipedrive.Options{})
	b.pull(t)
	deals := b.dealsHere(t, 5)
	b.retitle(t, "Новое имя", deals...)
	b.named(t, "five", deals...)
	b.Transport = failingAt(http.StatusForbidden, &asked, of(deals[2]))
	if err := b.Receive(t.Context(), b.ws, b.conn); err != nil {
		t.Fatal(err)
	}
	if n := b.titled(t, "Новое имя"); n != 4 {
		t.Errorf("%d of the other 4 deals were read", n)
	}
	list := b.failures(t)
	if len(list) != 1 || list[0].Kind != "delivery" || list[0].ExternalID != deals[2] {
		t.Fatalf("failures: %+v; want the one that is refused", list)
	}
	// Once it may be read again, whatever reads it closes the failure.
	b.Transport = nil
	b.pull(t)
	if left := b.failures(t); len(left) > 0 || b.titled(t, "Новое имя") != 5 {
		t.Errorf("failures stay open: %+v", left)
	}
}

func TestADealThatAlwaysFailsIsSetAside(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	b := setup(t, 60, pipedrive.Options{})
	b.pull(t)
	deals := b.dealsHere(t, 5)
	b.retitle(t, "Новое имя", deals...)
	for _, id := range deals {
		b.named(t, id, id)
	}
	b.Transport = failingAt(http.StatusInternalServerError, &asked, of(deals[0]))
	if err := b.Receive(t.Context(), b.ws, b.conn); fault.KindOf(err) != fault.Temporary {
		t.Fatalf("want fault.Temporary for what waits on, got %v", err)
	}
	if n := b.titled(t, "Новое имя"); n != 4 {
		t.Errorf("%d of the other 4 deals were read", n)
	}
	if n := one[int](t, b, waitingLetters); n != 1 {
		t.Errorf("%d deliveries wait, want the one whose deal fails", n)
	}
	if list := b.failures(t); len(list) > 0 {
		t.Errorf("given up at once: %+v", list)
	}
	// It has waited for long, and the vendor answers for another.
	one[int](t, b, `WITH u AS (UPDATE inbox SET received_at = received_at - interval '1 hour' RETURNING 1) SELECT count(*) FROM u`)
	b.named(t, "another", deals[1])
	if err := b.Receive(t.Context(), b.ws, b.conn); err != nil {
		t.Fatal(err)
	}
	list := b.failures(t)
	if len(list) != 1 || list[0].Kind != "delivery" || list[0].ExternalID != deals[0] {
		t.Fatalf("failures: %+v; want the deal that fails", list)
	}
	if n := one[int](t, b, waitingLetters); n != 0 {
		t.Errorf("%d deliveries wait on", n)
	}
}

func TestDealsThatAllFailKeepNothingElseWaiting(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	b := setup(t, 60, pipedrive.Options{})
	b.pull(t)
	deals := b.dealsHere(t, 5)
	b.named(t, "deals", deals...)
	person := one[string](t, b, `SELECT external_id FROM people WHERE deleted_at IS NULL LIMIT 1`)
	l := postgres.Letter{Workspace: b.ws, Connection: b.conn, At: time.Now(), Key: "person", Body: []byte("{}"), Reads: []connectors.Ref{{Object: "persons", ID: person}}}
	if err := b.DB.StoreLetters(t.Context(), []postgres.Letter{l}, func(pgx.Tx, [][2]int64) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := b.sim.Do(1, "PATCH", "/api/v2/persons/"+person, map[string]any{"name": "Новое имя"}); err != nil {
		t.Fatal(err)
	}
	b.Transport = failingAt(http.StatusInternalServerError, &asked, func(r *http.Request) bool { return strings.Contains(r.URL.Path, "/deals") })
	if err := b.Receive(t.Context(), b.ws, b.conn); fault.KindOf(err) != fault.Temporary {
		t.Fatalf("want fault.Temporary for what waits on, got %v", err)
	}
	if name := one[string](t, b, `SELECT name FROM people WHERE external_id = $1`, person); name != "Новое имя" {
		t.Error("a person was not read because all deals fail")
	}
	if left := one[string](t, b, `SELECT string_agg(key, ' ') FROM inbox WHERE done_at IS NULL`); left != "deals" {
		t.Errorf("waiting: %q, want the deals", left)
	}
}

// TestDealsThatAlwaysFailDoNotBlockTheInbox: they come first in every list,
// and the letters name nothing that the vendor has answered for yet.
func TestDealsThatAlwaysFailDoNotBlockTheInbox(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	b := setup(t, 60, pipedrive.Options{})
	b.pull(t)
	deals := b.dealsHere(t, 6)
	slices.Sort(deals)
	b.retitle(t, "Новое имя", deals[:5]...)
	b.named(t, "bad", deals[:3]...)
	b.named(t, "good", deals[3:5]...)
	first, second, third := of(deals[0]), of(deals[1]), of(deals[2])
	b.Transport = failingAt(http.StatusInternalServerError, &asked, func(r *http.Request) bool { return first(r) || second(r) || third(r) })
	if err := b.Receive(t.Context(), b.ws, b.conn); fault.KindOf(err) != fault.Temporary {
		t.Fatalf("want fault.Temporary for what waits on, got %v", err)
	}
	if left := one[string](t, b, `SELECT string_agg(key, ' ') FROM inbox WHERE done_at IS NULL`); left != "bad" || b.titled(t, "Новое имя") != 2 {
		t.Errorf("waiting: %q, and %d of the other 2 deals were read", left, b.titled(t, "Новое имя"))
	}
	one[int](t, b, `WITH u AS (UPDATE inbox SET received_at = received_at - interval '1 hour' RETURNING 1) SELECT count(*) FROM u`)
	if err := b.Receive(t.Context(), b.ws, b.conn); err != nil {
		t.Fatal(err)
	}
	if list := b.failures(t); len(list) != 3 || list[0].ExternalID == list[1].ExternalID {
		t.Errorf("failures: %+v; want all three deals", list)
	}
	if n := one[int](t, b, waitingLetters); n != 0 {
		t.Errorf("%d deliveries wait on", n)
	}
}

func TestDeliveriesOutlastAVendorThatIsDown(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	b := setup(t, 60, pipedrive.Options{})
	b.pull(t)
	deals := b.dealsHere(t, 5)
	b.retitle(t, "Новое имя", deals...)
	b.named(t, "five", deals...)
	one[int](t, b, `WITH u AS (UPDATE inbox SET received_at = received_at - interval '1 day' RETURNING 1) SELECT count(*) FROM u`)
	b.Transport = failingAt(http.StatusInternalServerError, &asked, func(r *http.Request) bool { return r.Method == http.MethodGet })
	if err := b.Receive(t.Context(), b.ws, b.conn); fault.KindOf(err) != fault.Temporary {
		t.Fatal(err)
	}
	if list := b.failures(t); len(list) > 0 {
		t.Errorf("given up though the vendor is down: %+v", list)
	}
	b.Transport = nil
	if err := b.Receive(t.Context(), b.ws, b.conn); err != nil {
		t.Fatal(err)
	}
	if n := b.titled(t, "Новое имя"); n != 5 {
		t.Errorf("%d of 5 deals were read after the outage", n)
	}
}

func TestAHistoryThatIsRefusedKeepsNoOtherWaiting(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	b := setup(t, 60, pipedrive.Options{})
	b.pull(t)
	hidden := one[string](t, b, `SELECT external_id FROM deals WHERE deleted_at IS NULL AND status = 'open' ORDER BY external_id LIMIT 1`)
	b.Transport = failingAt(http.StatusForbidden, &asked, at("/deals/"+hidden+"/changelog"))
	if err := b.History(t.Context(), b.ws, b.conn); err != nil {
		t.Fatal(err)
	}
	if n := one[int](t, b, `SELECT count(*) FROM deals d WHERE deleted_at IS NULL AND NOT EXISTS (SELECT FROM parents_read p WHERE p.parent = d.external_id)`); n != 0 {
		t.Errorf("%d deals would be asked for again and again", n)
	}
	if n := one[int](t, b, `SELECT count(*) FROM deal_stages WHERE deal_id <> $1`, hidden); n == 0 {
		t.Error("no other deal has a history")
	}
}

// TestACopyOfTheKeyFileIsWaitedFor: a machine to which a rotated key file has
// not been copied yet stops no connection for everybody.
func TestACopyOfTheKeyFileIsWaitedFor(t *testing.T) {
	t.Parallel()
	b := setup(t, 5, pipedrive.Options{})
	old, err := seal.Create(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := &jobs.Pipeline{DB: b.DB, Vault: postgres.Vault{Keys: old}, Compressor: b.Compressor, Catalog: b.Catalog, Queue: b.Queue, Now: b.Now, Log: b.Log, Holder: "elsewhere"}
	_, err = elsewhere.Pull(t.Context(), b.ws, b.conn, jobs.PullOptions{Force: true})
	if fault.KindOf(err).Outcome() != fault.Retry || !strings.Contains(err.Error(), "copy the key file") {
		t.Errorf("want a failure that passes and says what to do, got %v (%v)", err, fault.KindOf(err))
	}
	b.pull(t)
}

// TestRowsThatWaitForAReplayAreNotProven: not even while one is under way.
func TestRowsThatWaitForAReplayAreNotProven(t *testing.T) {
	t.Parallel()
	b := setupSwept(t, 20)
	one[int](t, b.bundle, `WITH u AS (UPDATE maps SET replayed = 1 RETURNING 1) SELECT count(*) FROM u`) // with an older map
	l := postgres.Lease{Workspace: b.ws, Kind: "replay", Subject: fmt.Sprint(b.conn), Holder: "another", TTL: time.Minute}
	if ok, err := b.DB.Claim(t.Context(), &l); err != nil || !ok {
		t.Fatal(ok, err)
	}
	complete, err := b.Sweep(t.Context(), b.ws, b.conn, jobs.SweepOptions{})
	if complete || err == nil || !strings.Contains(err.Error(), "mapped anew") {
		t.Errorf("swept while rows are mapped with another map: %v, %v", complete, err)
	}
}

// TestAFenceIsNeverUsedAgain: not even that of a worker suspended for a day.
func TestAFenceIsNeverUsedAgain(t *testing.T) {
	t.Parallel()
	b := setup(t, 0, pipedrive.Options{})
	suspended := postgres.Lease{Workspace: b.ws, Kind: "pull", Subject: "1", Holder: "suspended", TTL: time.Minute}
	if ok, err := b.DB.Claim(t.Context(), &suspended); err != nil || !ok {
		t.Fatal(ok, err)
	}
	one[int](t, b, `WITH u AS (UPDATE leases SET until = until - interval '10 days' RETURNING 1) SELECT count(*) FROM u`)
	if err := b.Retain(t.Context(), b.ws); err != nil {
		t.Fatal(err)
	}
	next := postgres.Lease{Workspace: b.ws, Kind: "pull", Subject: "1", Holder: "next", TTL: time.Minute}
	if ok, err := b.DB.Claim(t.Context(), &next); err != nil || !ok {
		t.Fatal(ok, err)
	}
	if err := b.DB.Renew(t.Context(), suspended); fault.KindOf(err) != fault.Lost {
		t.Errorf("both may commit: %v", err)
	}
}

// TestDeliveriesOfARemovedConnectionGo: they would keep their month for ever.
func TestDeliveriesOfARemovedConnectionGo(t *testing.T) {
	t.Parallel()
	b := setup(t, 0, pipedrive.Options{})
	b.named(t, "kept", "1")
	removed := b.conn
	b.conn = removed + 1000
	b.named(t, "orphan", "1")
	one[int](t, b, `WITH u AS (UPDATE inbox SET received_at = received_at - interval '2 hours' RETURNING 1) SELECT count(*) FROM u`)
	if err := b.Retain(t.Context(), b.ws); err != nil {
		t.Fatal(err)
	}
	if left := one[string](t, b, `SELECT string_agg(key, ' ') FROM inbox`); left != "kept" {
		t.Errorf("deliveries that are left: %q, want only that of a connection", left)
	}
}

// TestAReplayKeepsItsPlace: a replay that was begun from the start meanwhile
// neither ends one that is further, nor is run to its end once that has ended.
func TestAReplayKeepsItsPlace(t *testing.T) {
	t.Parallel()
	b := setup(t, 20, pipedrive.Options{})
	b.pull(t)
	w := b.working(t)
	ask := func(args jobs.ReplayArgs, want river.EventKind) {
		t.Helper()
		args.Workspace, args.Connection = b.ws, b.conn
		job, err := w.client.Insert(t.Context(), args, nil)
		if err != nil {
			t.Fatal(err)
		}
		for {
			select {
			case e := <-w.events:
				if e.Job.ID != job.Job.ID {
					continue
				}
				if e.Kind != want {
					t.Errorf("%+v: %s, want %s", args, e.Kind, want)
				}
				return
			case <-time.After(20 * time.Second):
				t.Fatal("the job does not end")
			}
		}
	}
	l := postgres.Lease{Workspace: b.ws, Kind: "replay", Subject: fmt.Sprint(b.conn), Holder: "another", TTL: time.Minute}
	if ok, err := b.DB.Claim(t.Context(), &l); err != nil || !ok {
		t.Fatal(ok, err)
	}
	ask(jobs.ReplayArgs{Version: 1, Object: "persons", After: "5"}, river.EventKindJobSnoozed)
	ask(jobs.ReplayArgs{}, river.EventKindJobCompleted)
	b.in(t, func(tx pgx.Tx) error { return l.Release(t.Context(), tx) })
	ask(jobs.ReplayArgs{}, river.EventKindJobCompleted)
	if n := one[int](t, b, `SELECT count(*) FROM runs WHERE kind = 'replay'`); n != 0 {
		t.Errorf("%d replays ran though all rows are mapped with the present map", n)
	}
}
