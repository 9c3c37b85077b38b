package jobs_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sandbox/pipedrive"
)

// BenchmarkEvaluateOne judges one deal that has changed, as after a delivery.
func BenchmarkEvaluateOne(b *testing.B) {
	v := setup(b, 2000, pipedrive.Options{})
	v.pull(b)
	v.activate(b, example(b))
	v.evaluate(b)
	ids := one[[]string](b, v, `SELECT array_agg(external_id ORDER BY external_id) FROM deals WHERE status = 'open' AND deleted_at IS NULL`)
	for i := 0; b.Loop(); i++ {
		b.StopTimer()
		v.in(b, func(tx pgx.Tx) error {
			return postgres.MarkDirty(b.Context(), tx, v.ws, v.conn, "deals", []string{ids[i%len(ids)]})
		})
		b.StartTimer()
		if n, err := v.Evaluate(b.Context(), v.ws); n != 1 || err != nil {
			b.Fatal(n, err)
		}
	}
}

// BenchmarkClock lets the time of 1,000 open deals come, of 1,000,000 that have
// been judged (SALESBOOK_BENCH_OPEN sets another number), and looks again when
// nothing is due.
func BenchmarkClock(b *testing.B) {
	open, err := strconv.Atoi(os.Getenv("SALESBOOK_BENCH_OPEN"))
	if err != nil {
		open = 1_000_000
	}
	const due = 1000
	v := setup(b, 500, pipedrive.Options{})
	v.pull(b)
	v.activate(b, example(b))
	v.evaluate(b)
	admin := v.db.Connect(b, v.db.AdminURL)
	multiply(b, v, admin, open)
	look := func(b *testing.B, want int) {
		if n, err := v.Evaluate(b.Context(), v.ws); n != want || err != nil {
			b.Fatal(n, err)
		}
	}
	b.Run("due", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			b.StopTimer()
			_, err := admin.Exec(b.Context(), `UPDATE salesbook.judgements SET due_at = now() - interval '1 s' WHERE workspace_id = $1 AND kind = 'deals' AND external_id IN (
				SELECT (10000000 + (n * 7919 + $2) % $3)::text FROM generate_series(1, $4) n)`, v.ws, i, open, due)
			if err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
			look(b, due)
		}
	})
	b.Run("nothing", func(b *testing.B) {
		for b.Loop() {
			look(b, 0)
		}
	})
}

// BenchmarkDeliveryToViolation loses 200 deals without a reason, twenty a second,
// on an account with some thousand: how long after each the violation is stored,
// by way of the vendor's webhook, our receiver, and a worker.
func BenchmarkDeliveryToViolation(b *testing.B) {
	v := setup(b, 3000, pipedrive.Options{})
	v.receive(b)
	v.pull(b)
	v.activate(b, example(b))
	v.evaluate(b)
	v.workHere(b)
	const deals = 200
	var took []time.Duration
	for b.Loop() {
		ids := one[[]string](b, v, `SELECT array_agg(external_id) FROM (SELECT external_id FROM deals WHERE status = 'open' AND NOT archived AND deleted_at IS NULL ORDER BY random() LIMIT $1) d`, deals)
		began := map[string]time.Time{}
		every := time.NewTicker(50 * time.Millisecond)
		for len(ids) > 0 || len(began) > 0 {
			select {
			case <-every.C:
				if len(ids) == 0 {
					continue
				}
				began[ids[0]] = time.Now()
				if _, err := v.sim.Do(1, "PATCH", "/api/v2/deals/"+ids[0], map[string]any{"status": "lost"}); err != nil {
					b.Fatal(err)
				}
				ids = ids[1:]
			default:
				for _, id := range one[[]string](b, v, `SELECT COALESCE(array_agg(deal), '{}') FROM unnest($1::text[]) deal
					WHERE EXISTS (SELECT FROM violations WHERE (kind, external_id, rule) = ('deals', deal, 'loss_without_reason'))`, slices.Collect(maps.Keys(began))) {
					took = append(took, time.Since(began[id]))
					delete(began, id)
				}
				time.Sleep(2 * time.Millisecond)
			}
		}
		every.Stop()
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Milliseconds()), "ms-median")
	b.ReportMetric(float64(took[len(took)*95/100].Milliseconds()), "ms-p95")
	b.ReportMetric(0, "ns/op")
}

// multiply makes so many copies of the open deals that are stored, each with a
// stage, an activity, a judgement that is due tomorrow and a violation.
func multiply(b *testing.B, v *bundle, admin *pgx.Conn, n int) {
	b.Helper()
	run := func(sql string, args ...any) {
		b.Helper()
		if _, err := admin.Exec(b.Context(), sql, args...); err != nil {
			b.Fatal(err)
		}
	}
	others := func(table string, but ...string) string {
		b.Helper()
		var columns string
		err := admin.QueryRow(b.Context(), `SELECT string_agg(attname, ', ' ORDER BY attnum) FROM pg_attribute
			WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attname <> ALL($2)`, "salesbook."+table, but).Scan(&columns)
		if err != nil {
			b.Fatal(err)
		}
		return columns
	}
	run(`SET search_path = salesbook`)
	run(`CREATE TEMP TABLE model AS SELECT row_number() OVER () - 1 AS i, external_id AS id FROM deals d WHERE status = 'open' AND NOT archived AND deleted_at IS NULL
		AND EXISTS (SELECT FROM activities a WHERE a.deal_id = d.external_id AND NOT a.done AND a.deleted_at IS NULL)`)
	run(fmt.Sprintf(`CREATE TEMP TABLE copy AS SELECT (10000000 + n)::text COLLATE "C" AS id, model.id AS of
		FROM generate_series(0, %d - 1) n JOIN model ON model.i = n %% (SELECT count(*) FROM model)`, n))
	deal := others("deals", "external_id")
	run(`INSERT INTO deals (external_id, ` + deal + `) SELECT copy.id, ` + prefixed("d", deal) + ` FROM copy JOIN deals d ON d.external_id = copy.of`)
	stage := others("deal_stages", "deal_id")
	run(`INSERT INTO deal_stages (deal_id, ` + stage + `) SELECT copy.id, ` + prefixed("s", stage) + ` FROM copy JOIN LATERAL (
		SELECT * FROM deal_stages WHERE deal_id = copy.of ORDER BY at DESC LIMIT 1) s ON true`)
	activity := others("activities", "external_id", "deal_id")
	run(`INSERT INTO activities (external_id, deal_id, ` + activity + `) SELECT copy.id, copy.id, ` + prefixed("a", activity) + ` FROM copy JOIN (
		SELECT DISTINCT ON (deal_id) * FROM activities WHERE NOT done AND deleted_at IS NULL ORDER BY deal_id, due_on DESC) a ON a.deal_id = copy.of`)
	run(`INSERT INTO judgements (workspace_id, connection_id, kind, external_id, book, judged_at, due_at)
		SELECT $1, $2, 'deals', id, 1, now(), now() + interval '1 day' + random() * interval '30 days' FROM copy`, v.ws, v.conn)
	run(`INSERT INTO violations (workspace_id, connection_id, kind, external_id, rule, detail, opened_at, book, assumed, place, owner)
		SELECT $1, $2, 'deals', id, 'no_owner', '', now() - random() * interval '30 days', 1, false, '', '' FROM copy`, v.ws, v.conn)
	run(`UPDATE judgements SET due_at = now() + interval '1 day' WHERE due_at < now() + interval '1 day'`)
}

// prefixed names columns of a table.
func prefixed(table, columns string) string {
	return table + "." + strings.ReplaceAll(columns, ", ", ", "+table+".")
}
