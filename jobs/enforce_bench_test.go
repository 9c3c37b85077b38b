package jobs_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/tidwall/gjson"

	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sandbox/pipedrive"
	"salesbook.dev/jobs"
)

// acting is a company of so many deals, whose book has everything shown on cards
// and wants tasks. With old, what is broken is its backlog.
func acting(b *testing.B, deals int, old bool) *bundle {
	v := setup(b, deals, pipedrive.Options{})
	answer, err := v.sim.Do(1, "POST", "/api/v2/dealFields", map[string]any{"field_name": "What is missing", "field_type": "text"})
	if err != nil {
		b.Fatal(err)
	}
	v.pull(b)
	v.in(b, func(tx pgx.Tx) error {
		return postgres.SetCardField(b.Context(), tx, v.ws, v.conn, gjson.GetBytes(answer, "data.field_code").String())
	})
	v.activate(b, strings.Replace(example(b), "{rule: all, mode: observe}", "{rule: all, mode: task}", 1))
	if !old {
		v.run(b, `UPDATE books SET active_at = '2000-01-01'`)
		v.run(b, `UPDATE rollouts SET since = '2000-01-01'`)
		v.run(b, `UPDATE connections SET created_at = '2000-01-01', read_at = '2000-01-01'`)
	}
	return v
}

// BenchmarkEnforce judges everything that is stored, all of it news, and works out
// and stores what is to be done: in a dry run, so that nothing is called.
func BenchmarkEnforce(b *testing.B) {
	v := acting(b, 5000, false)
	n := 0
	for b.Loop() {
		b.StopTimer()
		v.run(b, `DELETE FROM edits`)
		v.run(b, `DELETE FROM violations`)
		v.in(b, func(tx pgx.Tx) error { return postgres.MarkAllDirty(b.Context(), tx, v.ws) })
		b.StartTimer()
		v.evaluate(b)
		n += one[int](b, v, `SELECT count(*) FROM judgements`)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "subjects/s")
	b.ReportMetric(float64(one[int](b, v, `SELECT count(*) FROM edits`)), "edits")
}

// BenchmarkPush fills the cards of a company: each is read again, intended,
// written and receipted.
func BenchmarkPush(b *testing.B) {
	v := acting(b, 1000, true)
	v.switchTo(b, jobs.Switch{Mode: "live", By: "test", Hourly: 1_000_000, Share: 100})
	v.evaluate(b)
	n := one[int](b, v, `SELECT count(*) FROM edits WHERE state = 'ready'`)
	if n == 0 {
		b.Fatal("nothing is to be written")
	}
	b.ResetTimer()
	v.push(b)
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "edits/s")
	b.ReportMetric(0, "ns/op")
	if left := one[int](b, v, `SELECT count(*) FROM edits WHERE state <> 'done'`); left > 0 {
		b.Fatalf("%d of %d are not done", left, n)
	}
}
