package jobs_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"

	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/postgres/pgtest"
	"salesbook.dev/internal/sandbox/pipedrive"
	"salesbook.dev/jobs"
)

// TestChaosPostgresKilled kills PostgreSQL while workers load and deliveries
// arrive. All goes on by itself, what was answered with success is there, and
// no crash fills the quota.
func TestChaosPostgresKilled(t *testing.T) {
	t.Parallel()
	for n := range max(1, rounds()/100) {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			rng, _ := dice(t)
			server := pgtest.Own(t)
			limits := pipedrive.Limits{Burst: 240, DailyTokens: 20_000}
			b := setupOn(t, server.Database, 120, pipedrive.Options{Limits: limits})
			b.Pipeline.LeaseTTL = time.Second
			b.receive(t)
			stop := b.workHere(t)
			for range 3 {
				if _, err := b.sim.Trickle(rng, 15); err != nil {
					t.Fatal(err)
				}
				b.calling(t, int64(1+rng.IntN(25)))
				server.Kill(t)
				b.notRefilled(t, limits)
			}
			b.drained(t)
			stop()
			b.reconcile(t)
			b.sound(t)
			b.hardlyRefused(t)
		})
	}
}

// workHere works off jobs in this process until stop is called.
func (b *bundle) workHere(t testing.TB) (stop func()) {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), b.db.RiverURL)
	if err != nil {
		t.Fatal(err)
	}
	client, err := jobs.NewClient(b.Pipeline, pool, jobs.ClientOptions{Workers: 4, PollEvery: 100 * time.Millisecond, Log: b.Log})
	if err != nil {
		t.Fatal(err)
	}
	b.Pipeline.Queue = client
	if err := client.Start(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := client.StopAndCancel(ctx); err != nil {
			t.Error(err)
		}
		pool.Close()
	})
	t.Cleanup(stop) // of a test that failed before it came so far
	return stop
}

// calling waits until the vendor has got n more requests, or has got none for
// want of something to do.
func (b *bundle) calling(t *testing.T, n int64) {
	t.Helper()
	rung := make(chan struct{})
	defer b.after(n, func() { close(rung) })()
	b.ask(t, jobs.ReceiveArgs{Workspace: b.ws, Connection: b.conn})
	select {
	case <-rung:
	case <-time.After(time.Second): // any instant is good for a crash
	}
}

// ask inserts a job. Connections that died with the server fail once each.
func (b *bundle) ask(t *testing.T, args river.JobArgs) {
	t.Helper()
	eventually(t, "a job to be taken", func() bool {
		return b.DB.In(t.Context(), b.ws, func(tx pgx.Tx) error {
			_, err := b.Queue.InsertTx(t.Context(), tx, args, nil)
			return err
		}) == nil
	})
}

// notRefilled: we never believe that more of the day is left than there is,
// but for the calls under way.
func (b *bundle) notRefilled(t *testing.T, limits pipedrive.Limits) {
	t.Helper()
	left := limits.DailyTokens - b.sim.Spent()
	var q postgres.QuotaStatus
	eventually(t, "the quota to be told", func() bool {
		return b.DB.In(t.Context(), b.ws, func(tx pgx.Tx) error {
			c, err := postgres.ConnectionByID(t.Context(), tx, b.ws, b.conn)
			if err == nil {
				q, err = b.DB.Quota(t.Context(), *c.VendorAccountID)
			}
			return err
		}) == nil
	})
	const underWay = 4 * 40
	if q.DailyLeft == nil || int64(*q.DailyLeft) > left+underWay {
		t.Errorf("after a crash we believe in %v tokens, the vendor has %d left", q.DailyLeft, left)
	}
}

// drained waits until the workers have emptied the inbox.
func (b *bundle) drained(t *testing.T) {
	t.Helper()
	if err := b.sim.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the inbox to be empty", func() (empty bool) {
		b.in(t, func(tx pgx.Tx) error {
			waiting, err := postgres.AnyWaiting(t.Context(), tx, b.ws, b.conn)
			empty = !waiting
			return err
		})
		return empty
	})
}

// eventually waits until other processes have brought something about.
func eventually(t testing.TB, what string, so func() bool) {
	t.Helper()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for range 2 * time.Minute / lookEvery {
		if so() {
			return
		}
		<-look.C
	}
	t.Fatalf("waited in vain for %s", what)
}

// hardlyRefused: governed processes keep to the vendor's limits as the vendor
// counts. Of a hundred calls one may be early: they do not travel equally fast,
// least of all on a busy machine.
func (b *bundle) hardlyRefused(t *testing.T) {
	t.Helper()
	r := b.sim.Refused()
	if r.Daily > 0 || r.Burst > 1+b.calls.Load()/100 {
		t.Errorf("of %d calls the vendor refused: %+v", b.calls.Load(), r)
	}
}
