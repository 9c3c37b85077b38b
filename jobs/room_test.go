package jobs_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sandbox/pipedrive"
	"salesbook.dev/jobs"
)

// disk is one that a test fills and empties.
type disk struct {
	percentFree atomic.Int64
	looks       atomic.Int64
	fullAfter   atomic.Int64 // so many looks from the start on; 0: never
}

func (d *disk) free() (float64, error) {
	if n := d.fullAfter.Load(); d.looks.Add(1) > n && n > 0 {
		return 0.01, nil
	}
	return float64(d.percentFree.Load()) / 100, nil
}

// wantRoom checks that work waited for room, for a while.
func wantRoom(t *testing.T, what string, err error) {
	t.Helper()
	if fault.KindOf(err) != fault.Limited || fault.RetryAfter(err) < 10*time.Second || !strings.Contains(err.Error(), "nearly full") {
		t.Errorf("%s on a full disk: %v; want it to wait for room", what, err)
	}
}

func TestOnAFullDiskOnlyNewsIsTakenIn(t *testing.T) {
	t.Parallel()
	b := setup(t, 60, pipedrive.Options{})
	d := &disk{}
	b.FreeDisk = d.free
	d.percentFree.Store(4)
	_, err := b.Pull(t.Context(), b.ws, b.conn, jobs.PullOptions{Force: true})
	wantRoom(t, "a first load", err)
	if n := one[int](t, b, `SELECT count(*) FROM records`); n > 0 {
		t.Errorf("a first load wrote %d records to a full disk", n)
	}
	d.percentFree.Store(5)
	b.pull(t)

	d.percentFree.Store(4)
	wantRoom(t, "history", b.History(t.Context(), b.ws, b.conn))
	_, err = b.Sweep(t.Context(), b.ws, b.conn, jobs.SweepOptions{Since: time.Now()})
	wantRoom(t, "a sweep", err)
	if n := one[int](t, b, `SELECT count(*) FROM deal_events`); n > 0 {
		t.Errorf("history wrote %d rows to a full disk", n)
	}
	for id, title := range map[string]string{"3": "Przyszło", "4": "Przeczytane"} {
		if _, err := b.sim.Do(1, "PATCH", "/api/v2/deals/"+id, map[string]any{"title": title}); err != nil {
			t.Fatal(err)
		}
	}
	letter := postgres.Letter{Workspace: b.ws, Connection: b.conn, At: time.Now(), Key: "test", Reads: []connectors.Ref{{Object: "deals", ID: "3"}}, Body: []byte("{}")}
	if err := b.DB.StoreLetters(t.Context(), []postgres.Letter{letter}, func(pgx.Tx, [][2]int64) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if err := b.Receive(t.Context(), b.ws, b.conn); err != nil {
		t.Errorf("a delivery on a full disk: %v", err)
	}
	b.pull(t) // what changed
	for id, want := range map[string]string{"3": "Przyszło", "4": "Przeczytane"} {
		if got := one[string](t, b, `SELECT title FROM deals WHERE external_id = $1`, id); got != want {
			t.Errorf("deal %s is called %q, want %q", id, got, want)
		}
	}
	d.percentFree.Store(50)
	if err := b.History(t.Context(), b.ws, b.conn); err != nil {
		t.Error(err)
	}
	if n := one[int](t, b, `SELECT count(*) FROM deal_events`); n == 0 {
		t.Error("with room again no history was read")
	}
}

func TestALoadThatFillsTheDiskStopsAndGoesOn(t *testing.T) {
	t.Parallel()
	b := setup(t, 200, pipedrive.Options{})
	b.Transport = shortPages{http.DefaultTransport}
	d := &disk{}
	d.percentFree.Store(50)
	b.FreeDisk = d.free
	d.fullAfter.Store(20)
	_, err := b.Pull(t.Context(), b.ws, b.conn, jobs.PullOptions{})
	wantRoom(t, "a load that fills it", err)
	loaded := one[int](t, b, `SELECT count(*) FROM records`)
	if open := one[int](t, b, `SELECT count(*) FROM cursors WHERE loaded_at IS NULL AND seen > 0`); loaded == 0 || open != 1 {
		t.Fatalf("%d records, and %d walks stopped on the way: want one", loaded, open)
	}
	d.fullAfter.Store(0)
	b.pull(t)
	b.drift(t)
}

func TestWorkThatLacksRoomComesBackByItself(t *testing.T) {
	t.Parallel()
	b := setup(t, 20, pipedrive.Options{})
	d := &disk{}
	b.FreeDisk = d.free
	w := b.working(t)
	w.tick(t)
	for _, kind := range []string{"pull", "history", "sweep"} {
		if wait := one[time.Duration](t, b, `SELECT next_at - now() FROM schedules WHERE kind = $1`, kind); wait <= 5*time.Second || wait > 2*time.Minute {
			t.Errorf("%s comes back in %s, want in about a minute", kind, wait)
		}
	}
	if n := one[int](t, b, `SELECT count(*) FROM failures`) + one[int](t, b, `SELECT count(*) FROM breakers`); n > 0 {
		t.Errorf("%d failures or breakers, though the vendor did nothing wrong", n)
	}
	d.percentFree.Store(50)
	b.pass(t, 2*time.Minute)
	w.tick(t)
	if n := one[int](t, b, `SELECT count(*) FROM deals`); n == 0 {
		t.Error("with room again nothing was loaded")
	}
}
