package jobs_test

import (
	"fmt"
	"slices"
	"strings"
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

// staleAsTheCSVSays: with a limit of 90 days in Engaging exactly those deals of
// the published data set are over it that the CSV gives, at several dates.
func (b *bundle) staleAsTheCSVSays(t *testing.T, data opportunities, days ...string) {
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
	for _, day := range days {
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

// TestLargeARehearsalCountsWhatSQLCounts compares a rehearsal on a made-up company
// with queries on the canonical tables.
func TestLargeARehearsalCountsWhatSQLCounts(t *testing.T) {
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

// BenchmarkRehearse rehearses a book of some thirty rules on an account of
// SALESBOOK_BENCH_DEALS, each with its history and twenty activities: alone, and
// beside a book in force.
func BenchmarkRehearse(b *testing.B) {
	n := benchDeals(b)
	v := setup(b, 0, pipedrive.Options{})
	if err := v.sim.Generate(1, pipedrive.Scale{Deals: n}); err != nil {
		b.Fatal(err)
	}
	v.pull(b)
	busyYear(b, v)
	draft := strings.Replace(example(b), "limit: 5wd", "limit: 3wd", 1)
	run := func(b *testing.B) {
		for b.Loop() {
			start := time.Now()
			r, err := v.Rehearse(b.Context(), v.ws, parseBook(b, draft), jobs.RehearseOptions{Since: time.Now().AddDate(-1, 0, 0)})
			if err != nil || r.Deals < n*9/10 {
				b.Fatal(r.Deals, err)
			}
			took := time.Since(start).Seconds()
			b.ReportMetric(float64(n)/took, "deals/s")
			b.ReportMetric(took, "s")
			b.ReportMetric(0, "ns/op")
		}
	}
	b.Run("alone", run)
	v.activate(b, example(b))
	b.Run("beside the book in force", run)
}

// busyYear gives each deal the stages up to its present one, and twenty
// activities.
func busyYear(b *testing.B, v *bundle) {
	for _, sql := range []string{`
		INSERT INTO deal_stages (workspace_id, connection_id, deal_id, at, stage_id, actor_id, source)
		SELECT d.workspace_id, d.connection_id, d.external_id, d.added_at + (s.position - 1) * interval '4 days', s.external_id, d.owner_id, 'history'
		FROM deals d JOIN stages now ON now.external_id = d.stage_id JOIN stages s ON s.pipeline_id = now.pipeline_id AND s.position <= now.position
		ON CONFLICT DO NOTHING`, `
		INSERT INTO activities (workspace_id, connection_id, external_id, subject, type, owner_id, deal_id, due_at, done, done_at, added_at, updated_at, map_version)
		SELECT d.workspace_id, d.connection_id, d.external_id || '-' || n, 'договор ' || n, (ARRAY['call', 'meeting', 'task', 'email'])[1 + n % 4], d.owner_id, d.external_id,
			d.added_at + n * interval '50 hours', n < 19, CASE WHEN n < 19 THEN d.added_at + n * interval '50 hours' END, d.added_at + (n - 1) * interval '50 hours', d.added_at, 1
		FROM deals d, generate_series(0, 19) n`,
	} {
		v.in(b, func(tx pgx.Tx) error { _, err := tx.Exec(b.Context(), sql); return err })
	}
}
