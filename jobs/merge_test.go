package jobs_test

import (
	"net/http"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/internal/sandbox/pipedrive"
)

// TestAMergeTellsItsSurvivor: only the delivery says into what a record was
// merged. It may come before anything else tells that the record is gone, or
// after.
func TestAMergeTellsItsSurvivor(t *testing.T) {
	t.Parallel()
	b := setup(t, 100, pipedrive.Options{})
	b.pull(t)
	b.receive(t)
	for _, path := range []string{"persons/2", "organizations/2", "deals/2"} {
		if _, err := b.sim.Do(1, "PUT", "/api/v1/"+path+"/merge", map[string]any{"merge_with_id": 3}); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.sim.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.pull(t)
	if why := one[string](t, b, `SELECT deleted_why FROM deals WHERE external_id = '2'`); why != "deleted" {
		t.Fatalf("the pull tells that the deal is %q: this test needs another object that is buried before its delivery is read", why)
	}
	tombstones := `SELECT string_agg(k || ' ' || d.deleted_why || ' ' || r.deleted_why || ' into ' || r.merged_into || ' ' || d.merged_into, ', ' ORDER BY k) FROM records r
		JOIN (SELECT 'deals' k, external_id, deleted_why, merged_into FROM deals UNION ALL SELECT 'persons', external_id, deleted_why, merged_into FROM people UNION ALL SELECT 'organizations', external_id, deleted_why, merged_into FROM companies) d
			ON d.k = r.object AND d.external_id = r.external_id
		WHERE r.merged_into IS NOT NULL AND r.deleted_at IS NOT NULL`
	changes := `SELECT string_agg(kind || ' ' || external_id || ' ' || (fields ->> 'merged_into'), ', ' ORDER BY kind, id) FROM changes WHERE fields ? 'merged_into'`
	check := func(when string) {
		t.Helper()
		want := "deals merged merged into 3 3, organizations merged merged into 3 3, persons merged merged into 3 3"
		if d := cmp.Diff(want, one[string](t, b, tombstones)); d != "" {
			t.Errorf("tombstones %s (-want +got):\n%s", when, d)
		}
		news := `companies 2 {"new": "3", "old": null}, deals 2 {"new": "3", "old": null}, people 2 {"new": "3", "old": null}`
		if d := cmp.Diff(news, one[string](t, b, changes)); d != "" {
			t.Errorf("changes %s (-want +got):\n%s", when, d)
		}
	}
	for _, when := range []string{"after the deliveries", "after the same deliveries again"} {
		if err := b.Receive(t.Context(), b.ws, b.conn); err != nil {
			t.Fatal(err)
		}
		check(when)
		one[int](t, b, `WITH u AS (UPDATE inbox SET done_at = NULL RETURNING 1) SELECT count(*) FROM u`)
	}
	one[int](t, b, `WITH d AS (DELETE FROM deals WHERE external_id = '2' RETURNING 1) SELECT count(*) FROM d`)
	if _, err := b.Replay(t.Context(), b.ws, b.conn); err != nil {
		t.Fatal(err)
	}
	check("after a replay")
	b.pull(t)
	b.drift(t)
}

// TestLargeItemsThatMoveToADealOnAnotherPage: two pages are on their way into the
// database at once. What one shows with its new deal, the other misses from the
// old one, and neither may keep the other waiting for ever.
func TestLargeItemsThatMoveToADealOnAnotherPage(t *testing.T) {
	t.Parallel()
	b := setup(t, 300, pipedrive.Options{})
	b.Transport = shortPages{http.DefaultTransport}
	b.pull(t)
	moved, deals := 0, b.dealsHere(t, 200)
	for i, deal := range deals[:60] {
		moved += one[int](t, b, `SELECT count(*) FROM deal_items WHERE deal_id = $1 AND deleted_at IS NULL`, deal)
		into, err := strconv.Atoi(deals[len(deals)-1-i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.sim.Do(1, "PUT", "/api/v1/deals/"+deal+"/merge", map[string]any{"merge_with_id": into}); err != nil {
			t.Fatal(err)
		}
	}
	if moved == 0 {
		t.Fatal("no deal that was merged had items, which proves nothing")
	}
	b.pull(t)
	b.drift(t)
}
