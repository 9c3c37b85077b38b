package postgres_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sales"
)

func TestRowsAreCountedByKindAndPrefix(t *testing.T) {
	t.Parallel()
	b := newStore(t)
	fields, _ := sales.KindByName("fields")
	row := func(id string, gone bool) postgres.CanonicalRow {
		r := postgres.CanonicalRow{Row: sales.Row{ID: id, Values: make([]any, len(fields.Fields))}, Deleted: gone}
		for _, name := range []string{"object", "code", "name", "type"} {
			r.Values[fields.Index(name)] = "x"
		}
		r.Values[fields.Index("custom")] = true
		return r
	}
	var got []postgres.Rows
	b.in(t, func(tx pgx.Tx) error {
		rows := []postgres.CanonicalRow{row("deals.a", false), row("deals.b", false), row("deals.c", true), row("dealsX", false), row("people.a", false)}
		if _, err := postgres.WriteRows(t.Context(), tx, b.ws, b.conn, fields, 1, rows); err != nil {
			return err
		}
		deals, _ := sales.KindByName("deals")
		var err error
		got, err = postgres.CountRows(t.Context(), tx, b.ws, b.conn, []postgres.Counted{{Kind: deals}, {Kind: fields, Prefix: "deals."}, {Kind: fields}, {Kind: fields, Prefix: "leads."}})
		return err
	})
	want := []postgres.Rows{{}, {Living: 2, Gone: 1}, {Living: 4, Gone: 1}, {}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("counts (-want +got):\n%s", d)
	}
}

func TestATroubleIsOneUntilTheNextSuccess(t *testing.T) {
	t.Parallel()
	b := newStore(t)
	run := func(kind, object, outcome, text string) {
		b.in(t, func(tx pgx.Tx) error {
			id, err := postgres.BeginRun(t.Context(), tx, b.ws, b.conn, kind, object)
			if err != nil || outcome == "" {
				return err
			}
			return postgres.EndRun(t.Context(), tx, b.ws, id, outcome, text)
		})
	}
	run("pull", "deals", "temporary", "the vendor was away")
	run("pull", "deals", "done", "")
	run("pull", "notes", "done", "")
	run("pull", "notes", "limited", "the day is spent")
	run("pull", "notes", "interrupted", "")
	run("pull", "notes", "", "")
	run("watch", "", "forbidden", "no webhooks for this user")
	var got []postgres.Trouble
	b.in(t, func(tx pgx.Tx) (err error) {
		got, err = postgres.Troubles(t.Context(), tx, b.ws, b.conn)
		return err
	})
	want := []postgres.Trouble{
		{Kind: "watch", Outcome: "forbidden", Error: "no webhooks for this user"},
		{Kind: "pull", Object: "notes", Outcome: "limited", Error: "the day is spent"},
	}
	if d := cmp.Diff(want, got, cmpopts.IgnoreFields(postgres.Trouble{}, "At")); d != "" {
		t.Errorf("troubles (-want +got):\n%s", d)
	}
}

func TestTheStandingNamesWhatIsWorkedOn(t *testing.T) {
	t.Parallel()
	b := newStore(t)
	for _, l := range []postgres.Lease{{Kind: "pull"}, {Kind: "watch"}, {Kind: "refresh"}} {
		l.Workspace, l.Subject, l.Holder, l.TTL = b.ws, fmt.Sprint(b.conn), "test", time.Minute
		if mine, err := b.Claim(t.Context(), &l); err != nil || !mine {
			t.Fatal(mine, err)
		}
		if l.Kind == "watch" {
			b.in(t, func(tx pgx.Tx) error { return l.Release(t.Context(), tx) })
		}
	}
	var s postgres.Standing
	b.in(t, func(tx pgx.Tx) (err error) {
		s, err = postgres.StandingOf(t.Context(), tx, b.ws, b.conn, "dealChanges", nil)
		return err
	})
	if d := cmp.Diff([]string{"pull"}, s.Working); d != "" {
		t.Errorf("at work (-want +got):\n%s", d)
	}
	if s.HistoryAll != 0 || s.Waiting != 0 || s.Now.IsZero() {
		t.Errorf("standing of an empty connection: %+v", s)
	}
}

func TestRevokedLeasesCommitNothingMore(t *testing.T) {
	t.Parallel()
	b := newStore(t)
	l := postgres.Lease{Workspace: b.ws, Kind: "pull", Subject: fmt.Sprint(b.conn), Holder: "test", TTL: time.Minute}
	if mine, err := b.Claim(t.Context(), &l); err != nil || !mine {
		t.Fatal(mine, err)
	}
	b.in(t, func(tx pgx.Tx) error { return l.Hold(t.Context(), tx) })
	b.in(t, func(tx pgx.Tx) error { return postgres.RevokeLeases(t.Context(), tx, b.ws, b.conn) })
	err := b.In(t.Context(), b.ws, func(tx pgx.Tx) error { return l.Hold(t.Context(), tx) })
	if fault.KindOf(err) != fault.Lost {
		t.Errorf("a commit under a revoked lease: %v, want fault.Lost", err)
	}
}

// TestHeldRecordsDoNotChange makes sure that a replay never writes rows from
// older bytes over those that a pull has just written from newer ones.
func TestHeldRecordsDoNotChange(t *testing.T) {
	t.Parallel()
	b := newStore(t)
	b.put(t, sighting("1", `{"v":1}`, 10, 1))
	newer := make(chan struct{})
	b.in(t, func(tx pgx.Tx) error {
		held, err := postgres.HoldRecords(t.Context(), tx, b.ws, b.conn, "deals", "", 10, b.z)
		if err != nil || len(held) != 1 || string(held[0].Raw) != `{"v":1}` {
			return fmt.Errorf("held %v: %w", held, err)
		}
		go func() {
			defer close(newer)
			b.put(t, sighting("1", `{"v":2}`, 11, 2))
		}()
		b.awaitBlocked(t, tx)
		return nil
	})
	<-newer
	if raw, _ := b.raw(t, "1"); raw != `{"v":2}` {
		t.Errorf("stored %s after the hold, want the newer bytes", raw)
	}
}

// awaitBlocked waits until somebody waits for a lock that tx holds.
func (b storeBundle) awaitBlocked(t *testing.T, tx pgx.Tx) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		var blocked bool
		err := tx.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid)))`).Scan(&blocked)
		if err != nil {
			t.Fatal(err)
		}
		if blocked {
			return
		}
	}
	t.Fatal("nobody waited for the held records")
}

func TestProgressIsKeptAsAFraction(t *testing.T) {
	t.Parallel()
	b := newStore(t)
	var got []float64
	b.in(t, func(tx pgx.Tx) error {
		got = nil
		if _, err := postgres.PlaceOf(t.Context(), tx, b.ws, b.conn, "deals"); err != nil {
			return err
		}
		for i, m := range []postgres.Move{{Progress: 0.25}, {Progress: -1}, {Progress: 0.5, Done: true}} {
			m.Object, m.From = "deals", int64(i)
			if err := postgres.MoveCursor(t.Context(), tx, b.ws, b.conn, m); err != nil {
				return err
			}
			place, err := postgres.PlaceOf(t.Context(), tx, b.ws, b.conn, "deals")
			if err != nil {
				return err
			}
			got = append(got, place.Progress)
		}
		return nil
	})
	if d := cmp.Diff([]float64{0.25, -1, 1}, got); d != "" {
		t.Errorf("progress (-want +got):\n%s", d)
	}
}
