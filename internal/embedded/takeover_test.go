package embedded_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"salesbook.dev/internal/embedded"
)

// durable is quick's configuration as an installation has it.
func durable(t *testing.T, dir string) embedded.Config {
	cfg := quick(t, dir)
	cfg.Settings = nil
	return cfg
}

func TestTwoStartsOnAnEmptyDirectory(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	one, two := startChild(t, quick(t, dir), nil), startChild(t, quick(t, dir), nil)
	got := map[string]int{}
	got[one.expect(t, "ready", "error")]++
	got[two.expect(t, "ready", "error")]++
	if diff := cmp.Diff(map[string]int{"ready owner": 1, "ready attached": 1}, got); diff != "" {
		t.Errorf("two starts at once (-want +got):\n%s", diff)
	}
}

// TestNothingAcknowledgedIsLost writes through one connection pool while the
// owner, or the server under it, is ended in each way, and then looks for every
// row whose insert was acknowledged.
func TestNothingAcknowledgedIsLost(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		end  func(t *testing.T, owner *child, dir string)
		next string // what the attached process says when it is over
	}{
		{"the owner stops", func(t *testing.T, owner *child, _ string) { owner.stop(t) }, "owner"},
		{"the owner is killed", func(t *testing.T, owner *child, _ string) { owner.kill(t) }, "owner"},
		{"the server is killed", func(t *testing.T, _ *child, dir string) { kill9(t, postmaster(t, dir)) }, ""},
		{"both are killed", func(t *testing.T, owner *child, dir string) {
			kill9(t, postmaster(t, dir))
			owner.kill(t)
		}, "owner"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := dataDir(t)
			owner := startChild(t, durable(t, dir), nil)
			owner.expect(t, "ready owner")
			attached := startChild(t, durable(t, dir), nil)
			attached.expect(t, "ready attached")
			here := start(t, durable(t, dir))

			w := startWriter(t, here.URL("salesbook_admin", "salesbook"))
			w.await(t, 50)
			before := postmaster(t, dir)
			c.end(t, owner, dir)
			awaitSuccessor(t, dir, before)
			w.await(t, 50)
			w.stop()
			if c.next == "owner" && !here.Owner() {
				attached.expect(t, "owner")
			}
			if diff := cmp.Diff(w.acknowledged, w.stored(t)); diff != "" {
				t.Errorf("rows (-acknowledged +stored):\n%s", diff)
			}
			if here.Err() != nil {
				t.Errorf("got %v, want no error", here.Err())
			}
		})
	}
}

// writer inserts rows one by one through a pool and keeps the numbers of those
// whose insert was acknowledged.
type writer struct {
	pool         *pgxpool.Pool
	stop         func()
	one          chan struct{} // one for each acknowledged row
	acknowledged []int
}

func startWriter(t *testing.T, url string) *writer {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	if _, err := pool.Exec(t.Context(), "create table written (n int)"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	w := &writer{pool: pool, one: make(chan struct{})}
	var running sync.WaitGroup
	w.stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	t.Cleanup(w.stop)
	running.Go(func() { w.write(ctx) })
	return w
}

func (w *writer) write(ctx context.Context) {
	for n := 1; ctx.Err() == nil; n++ {
		// A cancelled insert may be stored without having been acknowledged:
		// the last one is let through.
		if _, err := w.pool.Exec(context.WithoutCancel(ctx), "insert into written values ($1)", n); err != nil {
			continue
		}
		w.acknowledged = append(w.acknowledged, n)
		select {
		case w.one <- struct{}{}:
		case <-ctx.Done():
		}
	}
}

// await waits for further acknowledged rows.
func (w *writer) await(t *testing.T, rows int) {
	t.Helper()
	deadline := time.After(patience)
	for range rows {
		select {
		case <-w.one:
		case <-deadline:
			t.Fatal("no writes went through any more")
		}
	}
}

// stored returns the acknowledged ones of the rows that are there. A row may be
// there without: its acknowledgement can be lost with the connection.
func (w *writer) stored(t *testing.T) []int {
	t.Helper()
	rows, err := w.pool.Query(t.Context(), "select n from written where n = any ($1) order by n", w.acknowledged)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		t.Fatal(err)
	}
	return stored
}

// TestServerEndsWithItsOwner kills an owner whom nobody succeeds: the server
// must not stay behind alone.
func TestServerEndsWithItsOwner(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("elsewhere the next start ends the server")
	}
	dir := dataDir(t)
	owner := startChild(t, quick(t, dir), nil)
	owner.expect(t, "ready owner")
	owner.kill(t)
	await(t, "the end of the server", func() bool {
		_, err := os.Stat(filepath.Join(dir, "data", "postmaster.pid"))
		return errors.Is(err, os.ErrNotExist)
	})
}

func TestServerKilledUnderABusyBackend(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	s := start(t, quick(t, dir))
	conn, err := pgx.Connect(t.Context(), s.URL("salesbook_admin", "salesbook"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var busy int
	if err := conn.QueryRow(t.Context(), "select pg_backend_pid()").Scan(&busy); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		// It computes without ever waiting, and so does not notice that its
		// postmaster is gone.
		_, err := conn.Exec(t.Context(), "do $$ begin loop end loop; end $$")
		ended <- err
	}()
	awaitRow(t, s, "select 'x' from pg_stat_activity where state = 'active' and query like 'do %'")
	kill9(t, postmaster(t, dir))
	if err := <-ended; err == nil {
		t.Error("the busy backend ended without an error, want it killed")
	}
	awaitRow(t, s, "select 'up'")
	if !s.Owner() || s.Err() != nil {
		t.Errorf("got owner %v, error %v, want an owner without error", s.Owner(), s.Err())
	}
}

// awaitSuccessor waits until another server runs than that process. Its backends
// may go on for a moment and even acknowledge rows.
func awaitSuccessor(t *testing.T, dir string, before int) {
	t.Helper()
	await(t, "another server", func() bool {
		now, err := postmasterPID(dir)
		return err == nil && now != before
	})
}

// awaitRow waits until a query gives a row.
func awaitRow(t *testing.T, s *embedded.Server, sql string) {
	t.Helper()
	await(t, sql, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		conn, err := pgx.Connect(ctx, s.URL("salesbook_admin", "salesbook"))
		if err != nil {
			return false
		}
		defer conn.Close(context.Background())
		var value string
		return conn.QueryRow(ctx, sql).Scan(&value) == nil
	})
}

// await waits until something is so.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	deadline := time.After(patience)
	for tick := time.Tick(5 * time.Millisecond); !so(); {
		select {
		case <-tick:
		case <-deadline:
			t.Fatalf("waited %v in vain for %s", patience, what)
		}
	}
}

func TestServerThatKeepsDyingIsGivenUp(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	s := start(t, quick(t, dir))
	if err := os.Rename(filepath.Join(dir, "data", "global"), filepath.Join(dir, "data", "gone")); err != nil {
		t.Fatal(err)
	}
	kill9(t, postmaster(t, dir))
	select {
	case <-s.Done():
	case <-time.After(patience):
		t.Fatal("Done was not closed")
	}
	if err := s.Err(); err == nil || !strings.Contains(err.Error(), "global/pg_control") {
		t.Errorf("got %v, want the server's reason: global/pg_control", err)
	}
}

func TestAttachedWithoutAnswerEndsWithItsContext(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	held := holdLock(t, filepath.Join(dir, "owner.lock"))
	defer held.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	s, err := embedded.Start(ctx, quick(t, dir))
	if s != nil || err == nil || !strings.Contains(err.Error(), "deadline") {
		t.Errorf("got %v, %v, want the deadline", s, err)
	}
}
