package jobs_test

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/sandbox/pipedrive"
	"salesbook.dev/jobs"
)

// benchDeals is the size of the account that is loaded; SALESBOOK_BENCH_DEALS
// sets another.
func benchDeals(b *testing.B) int {
	n, err := strconv.Atoi(os.Getenv("SALESBOOK_BENCH_DEALS"))
	if err != nil {
		return 20_000
	}
	return n
}

// BenchmarkDeals measures the first load of an account's deals, end to end
// (HTTP, raw records, decoding, mapping, canonical rows, cursors, row-level
// security), and a pull of everything again without changes.
func BenchmarkDeals(b *testing.B) {
	n := benchDeals(b)
	v := setup(b, 0, pipedrive.Options{})
	if err := v.sim.Generate(1, pipedrive.Scale{Deals: n}); err != nil {
		b.Fatal(err)
	}
	for _, object := range []string{"dealFields", "pipelines", "stages", "users"} {
		if _, err := v.Pull(b.Context(), v.ws, v.conn, jobs.PullOptions{Object: object}); err != nil {
			b.Fatal(err)
		}
	}
	load := func(b *testing.B) {
		start := time.Now()
		complete, err := v.Pull(b.Context(), v.ws, v.conn, jobs.PullOptions{Object: "deals", Force: true})
		if err != nil || !complete {
			b.Fatalf("complete=%v: %v", complete, err)
		}
		b.ReportMetric(float64(n)/time.Since(start).Seconds(), "records/s")
		b.ReportMetric(0, "ns/op")
	}
	b.Run("first-load", func(b *testing.B) {
		for b.Loop() {
			empty(b, v)
			load(b)
		}
	})
	b.Run("unchanged", func(b *testing.B) {
		for b.Loop() {
			v.in(b, resetAll(b, v))
			load(b)
		}
	})
}

// empty forgets everything about deals.
func empty(t testing.TB, b *bundle) {
	b.in(t, func(tx pgx.Tx) error {
		for _, table := range []string{"deals", "deal_items", "records"} {
			if _, err := tx.Exec(t.Context(), "DELETE FROM "+table); err != nil {
				return err
			}
		}
		return resetAll(t, b)(tx)
	})
}
