package jobs_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/sandbox/pipedrive"
	"salesbook.dev/jobs"
)

func parseBook(t testing.TB, text string) *book.Book {
	t.Helper()
	b, err := book.Parse("book.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestRealDealsAreStaleAsTheCSVSays: with a limit of 90 days in Engaging exactly
// those deals of the published data set are over it that the CSV gives, at
// several dates.
func TestRealDealsAreStaleAsTheCSVSays(t *testing.T) {
	t.Parallel()
	data := readOpportunities(t)
	b := setup(t, 0, pipedrive.Options{})
	if err := b.sim.Seed(bytes.NewReader(data.seed(t))); err != nil {
		t.Fatal(err)
	}
	b.pull(t)
	draft := parseBook(t, `
book: 1
name: Real
calendars: [{id: utc, zone: UTC}]
funnels:
  - id: sales
    name: Sales
    crm: [{pipeline: Sales}]
    stages:
      - {id: prospecting, name: Prospecting}
      - {id: engaging, name: Engaging, limit: 90d, tell: head}
`)
	for _, day := range []string{"2016-12-31", "2017-03-08", "2017-06-30", "2017-12-31", "2018-06-01"} {
		now, err := time.Parse(time.RFC3339, day+"T13:00:00Z")
		if err != nil {
			t.Fatal(err)
		}
		want, got := []string{}, []string{}
		for _, d := range data.deals {
			engaged, err := time.Parse(time.DateOnly, d.engaged)
			if err != nil || d.stage == "Prospecting" {
				continue
			}
			open := d.closed == "" || d.closed > day
			if open && !engaged.AddDate(0, 0, 90).After(now) {
				want = append(want, d.id)
			}
		}
		err = b.JudgeStored(t.Context(), b.ws, draft, now, func(f *book.Facts, j *book.Judgement) {
			if slices.ContainsFunc(j.Verdicts, func(v book.Verdict) bool { return v.Rule == book.OverLimit }) {
				got = append(got, f.Title)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(want)
		slices.Sort(got)
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("stale on %s (-CSV +book):\n%s", day, d)
		}
		if day > "2017" && len(want) == 0 {
			t.Errorf("nothing is stale on %s, which proves nothing", day)
		}
	}
}

// TestARehearsalCountsWhatSQLCounts compares a rehearsal on a made-up company
// with queries on the canonical tables.
func TestARehearsalCountsWhatSQLCounts(t *testing.T) {
	t.Parallel()
	b := setup(t, 600, pipedrive.Options{})
	b.pull(t)
	text, err := book.Example("developer")
	if err != nil {
		t.Fatal(err)
	}
	before := one[string](t, b, `SELECT md5(string_agg(t::text, '' ORDER BY external_id)) FROM deals t`)
	r, err := b.Rehearse(t.Context(), b.ws, parseBook(t, string(text)), jobs.RehearseOptions{})
	if err != nil {
		t.Fatal(err)
	}
	broken := map[book.Rule]int{}
	for _, c := range r.Rules {
		broken[c.Rule] = c.Subjects
	}
	const open = `d.status = 'open' AND d.deleted_at IS NULL AND NOT d.archived`
	for rule, sql := range map[book.Rule]string{
		book.OwnerLeft:         `SELECT count(*) FROM (SELECT owner_id FROM deals d WHERE ` + open + ` UNION ALL SELECT owner_id FROM leads WHERE NOT archived AND deleted_at IS NULL) d JOIN reps r ON r.external_id = d.owner_id WHERE NOT r.active`,
		book.LossWithoutReason: `SELECT count(*) FROM deals d WHERE status = 'lost' AND (deleted_at IS NULL OR deleted_why = 'deleted') AND COALESCE(btrim(lost_reason), '') = ''`,
		book.WonWithoutAmount:  `SELECT count(*) FROM deals d WHERE status = 'won' AND COALESCE(amount, 0) = 0`,
		book.NoNextStep: `SELECT count(*) FROM (SELECT external_id AS deal, NULL AS lead FROM deals d WHERE ` + open + ` UNION ALL SELECT NULL, external_id FROM leads WHERE NOT archived AND deleted_at IS NULL) s
			WHERE NOT EXISTS (SELECT FROM activities a WHERE (a.deal_id = s.deal OR a.lead_id = s.lead) AND NOT a.done AND a.deleted_at IS NULL AND (a.due_at IS NOT NULL OR a.due_on IS NOT NULL))`,
		book.CloseDatePast: `SELECT count(*) FROM deals d WHERE ` + open + ` AND expected_close < (now() AT TIME ZONE 'Europe/Moscow')::date`,
	} {
		if want := one[int](t, b, sql); broken[rule] != want || want == 0 {
			t.Errorf("%s: %d, by SQL %d", rule, broken[rule], want)
		}
	}
	if n := one[int](t, b, `SELECT count(*) FROM deals WHERE deleted_at IS NULL OR deleted_why = 'deleted'`); r.Deals != n {
		t.Errorf("%d deals were judged, want %d", r.Deals, n)
	}
	if after := one[string](t, b, `SELECT md5(string_agg(t::text, '' ORDER BY external_id)) FROM deals t`); after != before {
		t.Error("a rehearsal changed deals")
	}
}

// TestABookThatFitsNoPipelineSaysSo: what the CRM does not have is told with
// its line.
func TestABookThatFitsNoPipelineSaysSo(t *testing.T) {
	t.Parallel()
	b := setup(t, 20, pipedrive.Options{})
	b.pull(t)
	draft := parseBook(t, "book: 1\nname: x\nfunnels:\n  - {id: f, name: F, crm: [{pipeline: Жилье}], stages: [{id: a, name: A}]}\n")
	_, err := b.Rehearse(t.Context(), b.ws, draft, jobs.RehearseOptions{})
	if want := `book.yaml:4:28: funnels › f: the CRM has no such pipeline (found "Жилье"); did you mean "Жильё"?`; fmt.Sprint(err) != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// BenchmarkRehearse rehearses a book on an account of SALESBOOK_BENCH_DEALS.
func BenchmarkRehearse(b *testing.B) {
	n := benchDeals(b)
	v := setup(b, 0, pipedrive.Options{})
	if err := v.sim.Generate(1, pipedrive.ScaleOf(n)); err != nil {
		b.Fatal(err)
	}
	v.pull(b)
	v.in(b, func(tx pgx.Tx) error { _, err := tx.Exec(b.Context(), "SELECT 1"); return err })
	text, err := book.Example("developer")
	if err != nil {
		b.Fatal(err)
	}
	draft := parseBook(b, string(text))
	for b.Loop() {
		start := time.Now()
		if _, err := v.Rehearse(b.Context(), v.ws, draft, jobs.RehearseOptions{}); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(n)/time.Since(start).Seconds(), "deals/s")
		b.ReportMetric(0, "ns/op")
	}
}
