package jobs_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sandbox/pipedrive"
	"salesbook.dev/jobs"
)

// TestTheOverviewCountsWhatItLists: each figure counts what is behind it, and
// what simple queries count; one that somebody excuses counts no more.
func TestTheOverviewCountsWhatItLists(t *testing.T) {
	t.Parallel()
	b := setup(t, 600, pipedrive.Options{})
	if _, err := b.Overview(t.Context(), b.ws); fault.KindOf(err) != fault.NotFound {
		t.Fatalf("without a book: %v", err)
	}
	b.pull(t)
	if err := b.Start(t.Context(), b.ws); err != nil {
		t.Fatal(err)
	}
	b.evaluate(t)
	o, err := b.Overview(t.Context(), b.ws)
	if err != nil {
		t.Fatal(err)
	}
	if o.Portfolio.Unjudged != 0 {
		t.Errorf("%d subjects are not judged", o.Portfolio.Unjudged)
	}
	const broken = `SELECT count(DISTINCT (v.kind, v.external_id)) FROM violations v WHERE v.mended_at IS NULL AND v.closed_at IS NULL AND v.cannot IS NULL AND `
	wants := map[jobs.Figure]int{
		jobs.Hanging: one[int](t, b, broken+`v.kind = 'deals' AND v.rule IN ('no_next_step', 'next_step_overdue', 'close_date_past', 'no_touch', 'over_limit')
			AND EXISTS (SELECT FROM deals d WHERE d.external_id = v.external_id AND d.status = 'open' AND NOT d.archived AND d.deleted_at IS NULL)`),
		jobs.Reasonless: one[int](t, b, broken+`v.rule IN ('loss_without_reason', 'loss_reason_refused')
			AND EXISTS (SELECT FROM deals d WHERE d.external_id = v.external_id AND d.status = 'lost' AND d.deleted_at IS NULL)`),
		jobs.Untouched: one[int](t, b, `SELECT count(*) FROM (
			SELECT FROM leads l WHERE NOT l.archived AND l.deleted_at IS NULL AND EXISTS (SELECT FROM violations v WHERE v.kind = 'leads' AND v.external_id = l.external_id AND v.rule = 'first_response' AND v.mended_at IS NULL AND v.closed_at IS NULL)
			UNION ALL
			SELECT FROM deals d WHERE d.status = 'open' AND NOT d.archived AND d.deleted_at IS NULL AND EXISTS (SELECT FROM violations v WHERE v.kind = 'deals' AND v.external_id = d.external_id AND v.rule = 'first_response' AND v.mended_at IS NULL AND v.closed_at IS NULL)) s`),
		jobs.LosesMost: one[int](t, b, `SELECT max(n) FROM (SELECT count(*) AS n FROM deals WHERE status = 'lost' AND deleted_at IS NULL GROUP BY stage_id) s`),
	}
	for figure, worths := range map[jobs.Figure][]postgres.Worth{jobs.Hanging: o.Hanging, jobs.Reasonless: o.Reasonless, jobs.Untouched: o.Untouched, jobs.LosesMost: o.LosesMost} {
		n := 0
		for _, w := range worths {
			n += w.Count
		}
		list, err := b.Behind(t.Context(), b.ws, figure, 10_000)
		if err != nil {
			t.Fatal(err)
		}
		if n != wants[figure] || len(list) != n || n == 0 {
			t.Errorf("%s: %d counted, %d listed, %d by SQL", figure, n, len(list), wants[figure])
		}
	}
	if o.Portfolio.Open != one[int](t, b, `SELECT count(*) FROM deals WHERE status = 'open' AND NOT archived AND deleted_at IS NULL`) {
		t.Errorf("%d open deals", o.Portfolio.Open)
	}
	one[int](t, b, `WITH u AS (UPDATE violations SET excused_until = now() + interval '1 day', excused_by = 'a', excused_why = 'b' RETURNING 1) SELECT count(*) FROM u`)
	b.in(t, func(pgx.Tx) error {
		list, err := b.Behind(t.Context(), b.ws, jobs.Hanging, 10)
		if err == nil && len(list) > 0 {
			t.Error("what somebody lets pass is counted")
		}
		return err
	})
}
