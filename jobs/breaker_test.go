package jobs_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sandbox/pipedrive"
	"salesbook.dev/jobs"
)

// outage is a vendor that can be down. Its answers ask for more than the client
// waits in place, so that each failure is one call.
type outage struct {
	down    atomic.Bool
	refused atomic.Int64 // calls that were made while it was down
}

// RoundTrip implements http.RoundTripper.
func (o *outage) RoundTrip(r *http.Request) (*http.Response, error) {
	if !o.down.Load() {
		return http.DefaultTransport.RoundTrip(r)
	}
	o.refused.Add(1)
	return &http.Response{StatusCode: http.StatusServiceUnavailable, Status: "503 Service Unavailable", Request: r,
		Header: http.Header{"Retry-After": {"3"}}, Body: io.NopCloser(strings.NewReader("down"))}, nil
}

// worker works off the bundle's jobs, step by step.
type worker struct {
	*bundle
	client *river.Client[pgx.Tx]
	events <-chan *river.Event
}

// working starts a worker whose only ticks are those that the test asks for,
// besides the queue's own.
func (b *bundle) working(t *testing.T) *worker {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), b.db.DirectURL) // through a pooler each job would start up to a second late
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	w := &worker{bundle: b}
	if w.client, err = jobs.NewClient(b.Pipeline, pool, jobs.ClientOptions{Workers: 4, PollEvery: 100 * time.Millisecond, Log: b.Log}); err != nil {
		t.Fatal(err)
	}
	b.Queue = w.client
	var stop func()
	w.events, stop = w.client.Subscribe(river.EventKindJobCompleted, river.EventKindJobSnoozed, river.EventKindJobCancelled, river.EventKindJobFailed)
	t.Cleanup(stop)
	if err := w.client.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.client.StopAndCancel(context.Background()) }) // it ends with the test either way
	return w
}

// tick has what is due done, and returns when nothing is at work any more.
func (w *worker) tick(t *testing.T) {
	t.Helper()
	job, err := w.client.Insert(t.Context(), jobs.TickArgs{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for ticked := false; ; {
		select {
		case e := <-w.events:
			ticked = ticked || e.Job.ID == job.Job.ID
		case <-time.After(20 * time.Second):
			t.Fatal("the queue does not come to rest")
		}
		if ticked && w.underWay(t) == 0 {
			return
		}
	}
}

func (w *worker) underWay(t *testing.T) int {
	t.Helper()
	return one[int](t, w.bundle, `SELECT count(*) FROM river.river_job WHERE state IN ('available', 'running') OR state IN ('scheduled', 'retryable') AND scheduled_at <= now()`)
}

// pass lets time pass for everything that is planned or remembered here: the
// clock of all of it is the database's, which cannot be moved, so the instants
// are.
func (b *bundle) pass(t *testing.T, d time.Duration) {
	t.Helper()
	b.in(t, func(tx pgx.Tx) error {
		for table, columns := range map[string]string{
			"schedules": "next_at", "connections": "rest_until", "breakers": "since at rest_until", "runs": "started_at finished_at",
			"cursors": "moved_at loaded_at", "sweeps": "moved_at", "proofs": "started_at finished_at",
		} {
			var set []string
			for column := range strings.FieldsSeq(columns) {
				set = append(set, fmt.Sprintf("%s = %s - $1::interval", column, column))
			}
			if _, err := tx.Exec(t.Context(), "UPDATE "+table+" SET "+strings.Join(set, ", "), d); err != nil {
				return err
			}
		}
		_, err := tx.Exec(t.Context(), `UPDATE river.river_job SET scheduled_at = scheduled_at - $1::interval WHERE state = 'scheduled'`, d)
		return err
	})
}

func (b *bundle) breaker(t *testing.T) (k *postgres.Breaker) {
	t.Helper()
	b.in(t, func(tx pgx.Tx) (err error) {
		k, err = postgres.BreakerOf(t.Context(), tx, b.ws, b.conn)
		return err
	})
	return k
}

func TestAVendorThatIsDownForADayIsLeftAlone(t *testing.T) {
	t.Parallel()
	b := setup(t, 30, pipedrive.Options{})
	down := &outage{}
	b.Transport = down
	b.pull(t)
	w := b.working(t)
	w.tick(t)

	down.down.Store(true)
	letter := postgres.Letter{Workspace: b.ws, Connection: b.conn, At: time.Now(), Key: "test", Reads: []connectors.Ref{{Object: "deals", ID: "3"}}, Body: []byte("{}")}
	if err := b.DB.StoreLetters(t.Context(), []postgres.Letter{letter}, func(pgx.Tx, [][2]int64) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := b.sim.Do(1, "PATCH", "/api/v2/deals/3", map[string]any{"title": "Po awarii"}); err != nil {
		t.Fatal(err)
	}
	const step = 30 * time.Minute
	piled := 0
	for range 23 * time.Hour / step { // the daily sweep comes later
		b.pass(t, step)
		w.tick(t)
		piled = max(piled, one[int](t, b, `SELECT count(*) FROM river.river_job WHERE state NOT IN ('completed', 'cancelled', 'discarded')`))
	}
	k := b.breaker(t)
	if k == nil || k.Strikes < 12 || !strings.Contains(k.Why, "503") || time.Until(k.RestUntil) > 17*time.Minute {
		t.Errorf("after a day: %+v; want a rest of a quarter of an hour at most, after many failures, with the reason", k)
	}
	// One pull each time that a rest is over, which reads two objects side by side, or none where the first to try had
	// nobody to call; and a few more until it rests so long. Without rests there are some 250.
	if n := down.refused.Load(); n < 20 || n > 2*46+15 {
		t.Errorf("the vendor was called %d times in the day that it was down", n)
	}
	if piled > 3 {
		t.Errorf("%d jobs piled up", piled)
	}
	if n := one[int](t, b, `SELECT count(*) FROM inbox WHERE done_at IS NULL`); n != 1 {
		t.Errorf("%d deliveries wait, want 1", n)
	}
	if n := one[int](t, b, `SELECT count(*) FROM failures`); n > 0 {
		t.Errorf("%d failures ask for a person, though waiting mends it", n)
	}

	down.down.Store(false)
	for range 8 { // the rest ends, one tries, the others follow
		b.pass(t, step)
		w.tick(t)
	}
	if k := b.breaker(t); k != nil {
		t.Errorf("it still rests: %+v", k)
	}
	if n := one[int](t, b, `SELECT count(*) FROM inbox WHERE done_at IS NULL`); n != 0 {
		t.Errorf("%d deliveries still wait", n)
	}
	if title := one[string](t, b, `SELECT title FROM deals WHERE external_id = '3'`); title != "Po awarii" {
		t.Errorf("the deal is called %q", title)
	}
	b.drift(t)
}

func TestOneJobTriesWhenARestIsOver(t *testing.T) {
	t.Parallel()
	b := setup(t, 0, pipedrive.Options{})
	may := func() (rest time.Duration) {
		b.in(t, func(tx pgx.Tx) (err error) {
			rest, err = postgres.MayCall(t.Context(), tx, b.ws, b.conn, time.Minute)
			return err
		})
		return rest
	}
	strike := func() (n int) {
		b.in(t, func(tx pgx.Tx) (err error) {
			n, err = postgres.Strike(t.Context(), tx, b.ws, b.conn, "down")
			return err
		})
		return n
	}
	if r := may(); r != 0 {
		t.Errorf("a connection without failures rests for %s", r)
	}
	if a, c := strike(), strike(); a != 1 || c != 1 {
		t.Errorf("two failures at once count %d and %d, want 1: jobs that were under way together fail together", a, c)
	}
	b.pass(t, time.Minute)
	if n := strike(); n != 2 {
		t.Errorf("the next failure is number %d, want 2", n)
	}
	b.in(t, func(tx pgx.Tx) error {
		_, err := postgres.RestFor(t.Context(), tx, b.ws, b.conn, time.Hour)
		return err
	})
	if r := may(); r < 59*time.Minute {
		t.Errorf("while it rests: %s left, want an hour", r)
	}
	b.pass(t, time.Hour)
	if r := may(); r != 0 {
		t.Errorf("the first after the rest is kept away for %s", r)
	}
	if r := may(); r < 59*time.Second {
		t.Errorf("the second after the rest is kept away for %s, want as long as the first may try", r)
	}
	b.in(t, func(tx pgx.Tx) error { // work begins, and nobody has been asked for anything yet
		if _, err := postgres.PlaceOf(t.Context(), tx, b.ws, b.conn, "deals"); err != nil {
			return err
		}
		_, err := postgres.BeginSweep(t.Context(), tx, b.ws, b.conn, "deals", time.Now())
		return err
	})
	if r := may(); r < 59*time.Second {
		t.Errorf("the mere beginning of a walk counts as an answer: %s left", r)
	}
	b.pull(t) // the vendor answers
	if k, r := b.breaker(t), may(); k != nil || r != 0 {
		t.Errorf("after an answer: %+v, %s", k, r)
	}
	if n := strike(); n != 1 {
		t.Errorf("a failure after an answer is number %d, want 1", n)
	}
}

func TestAFailureAtOneObjectIsNoOutage(t *testing.T) {
	t.Parallel()
	b := setup(t, 30, pipedrive.Options{})
	b.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		if !strings.HasSuffix(r.URL.Path, "/leads") {
			return http.DefaultTransport.RoundTrip(r)
		}
		return &http.Response{StatusCode: http.StatusServiceUnavailable, Request: r, Header: http.Header{"Retry-After": {"3"}}, Body: http.NoBody}, nil
	})
	w := b.working(t)
	for range 7 {
		b.pass(t, 10*time.Minute)
		w.tick(t)
	}
	if n := one[int](t, b, `SELECT count(*) FROM runs WHERE outcome = 'temporary' AND object = 'leads'`); n < 5 {
		t.Fatalf("leads failed %d times, which proves nothing", n)
	}
	if k := b.breaker(t); k != nil {
		t.Errorf("the connection rests though the vendor answers for all but leads: %+v", k)
	}
}
