package postgres_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/rest"
)

// TestAReserveIsLeftToOthers: with a reserve of its own no lane goes below it,
// and each still leaves something to the more urgent ones.
func TestAReserveIsLeftToOthers(t *testing.T) {
	t.Parallel()
	want := []struct {
		lane  rest.Lane
		spent int // of a day of 1000 under a reserve of 55 %, which halves what there was to divide
	}{{rest.History, 300}, {rest.Backfill, 350}, {rest.Sweep, 400}, {rest.Incremental, 420}, {rest.SLA, 430}, {rest.WriteBack, 440}, {rest.Webhook, 450}, {rest.Interactive, 980}}
	b := setupQuota(t, budget{daily: 1000})
	spent := 0
	for _, w := range want {
		g := postgres.Governor{DB: b.DB, Account: b.account, Lane: w.lane, Reserve: 0.55}
		for {
			_, wait, reason, err := g.Try(t.Context(), rest.Price{Cost: 1, Burst: 1})
			if err != nil {
				t.Fatal(err)
			}
			if wait > 0 {
				if reason != "day" {
					t.Fatalf("%s has to wait %v, though not for the day", w.lane, wait)
				}
				break
			}
			spent++
		}
		if spent < w.spent-1 || spent > w.spent {
			t.Errorf("%d of the day were spent once %s had to wait, want %d", spent, w.lane, w.spent)
		}
	}
}

func TestOldMonthsAreDropped(t *testing.T) {
	t.Parallel()
	b := setupQuota(t, budget{})
	ws := b.Database.Workspace(t, "a")
	month := func(parent string, ago int, row string) string {
		t.Helper()
		var name string
		if err := b.admin.QueryRow(t.Context(), `SELECT $1 || to_char(date_trunc('month', now() AT TIME ZONE 'UTC') - make_interval(months => $2), '_YYYY_MM')`, parent, ago).Scan(&name); err != nil {
			t.Fatal(err)
		}
		var from, to time.Time
		if err := b.admin.QueryRow(t.Context(), `SELECT f AT TIME ZONE 'UTC', (f + interval '1 month') AT TIME ZONE 'UTC' FROM (SELECT date_trunc('month', now() AT TIME ZONE 'UTC') - make_interval(months => $1)) AS m(f)`, ago).Scan(&from, &to); err != nil {
			t.Fatal(err)
		}
		b.run(`CREATE TABLE salesbook.` + name + ` PARTITION OF salesbook.` + parent + ` FOR VALUES FROM ('` + from.Format(time.RFC3339) + `') TO ('` + to.Format(time.RFC3339) + `')`)
		b.run(`ALTER TABLE salesbook.` + name + ` OWNER TO salesbook_owner`)
		b.run(row, ws, from)
		return name
	}
	const change = `INSERT INTO salesbook.changes (workspace_id, connection_id, kind, external_id, at, seen_at, fields, origin) VALUES ($1, 1, 'deals', '1', $2, $2, '{}', 'pull')`
	const read = `INSERT INTO salesbook.inbox (workspace_id, connection_id, at, key, reads, body, done_at) VALUES ($1, 1, $2, 'k', '[]', '', now())`
	const unread = `INSERT INTO salesbook.inbox (workspace_id, connection_id, at, key, reads, body) VALUES ($1, 1, $2, 'k', '[]', '')`
	stays := map[string]bool{
		month("changes", 24, change): true, month("changes", 27, change): false,
		month("inbox", 1, read): true, month("inbox", 4, read): false, month("inbox", 5, unread): true,
	}
	// One company keeps deliveries for longer than the others.
	b.Database.Workspace(t, "another")
	err := b.DB.In(t.Context(), ws, func(tx pgx.Tx) error { return postgres.SetRetention(t.Context(), tx, ws, "deliveries", 60) })
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // twice does no harm
		if err := b.DB.KeepPartitions(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range stays {
		var there bool
		if err := b.admin.QueryRow(t.Context(), `SELECT to_regclass('salesbook.' || $1) IS NOT NULL`, name).Scan(&there); err != nil {
			t.Fatal(err)
		}
		if there != want {
			t.Errorf("%s is there: %v, want %v", name, there, want)
		}
	}
}
