package jobs_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sandbox"
	"salesbook.dev/internal/sandbox/pipedrive"
	"salesbook.dev/jobs"
)

// swept is a bundle whose vendor's clock is moved by the test: what happens
// before a pull is certainly older than what the pull holds us to.
type swept struct {
	*bundle
	clock *sandbox.Manual
}

func setupSwept(t testing.TB, deals int) *swept {
	t.Helper()
	clock := sandbox.NewManual(time.Now())
	s := &swept{setup(t, deals, pipedrive.Options{Clock: clock}), clock}
	s.settle(t)
	return s
}

// settle passes a minute at the vendor and pulls: we then claim to know all.
func (s *swept) settle(t testing.TB) {
	t.Helper()
	s.clock.Advance(time.Minute)
	s.pull(t)
}

// claim says that all has been pulled up to now though nothing was: as if
// what the vendor changed had been lost on the way.
func (s *swept) claim(t testing.TB) {
	t.Helper()
	s.clock.Advance(time.Minute)
	one[int](t, s.bundle, `WITH u AS (UPDATE cursors SET as_of = $1 RETURNING 1) SELECT count(*) FROM u`, s.clock.Now())
	s.clock.Advance(time.Minute)
}

// do lets somebody at the vendor do something.
func (s *swept) do(t testing.TB, method, path string, body any) {
	t.Helper()
	if _, err := s.sim.Do(1, method, path, body); err != nil {
		t.Fatal(err)
	}
}

// sweep proves everything anew and returns the proofs by object.
func (b *bundle) sweep(t testing.TB, o jobs.SweepOptions) map[string]postgres.Proof {
	t.Helper()
	if o.Since.IsZero() {
		o.Since = one[time.Time](t, b, `SELECT now()`)
	}
	complete, err := b.Sweep(t.Context(), b.ws, b.conn, o)
	if err != nil || !complete {
		t.Fatalf("sweep: complete=%v: %v", complete, err)
	}
	return b.proofs(t)
}

func (b *bundle) proofs(t testing.TB) (p map[string]postgres.Proof) {
	t.Helper()
	b.in(t, func(tx pgx.Tx) (err error) {
		p, err = postgres.Proofs(t.Context(), tx, b.ws, b.conn)
		return err
	})
	return p
}

// found is what a proof counts as drift, by object; objects without are left out.
func found(proofs map[string]postgres.Proof) map[string]postgres.Figures {
	out := map[string]postgres.Figures{}
	for object, p := range proofs {
		if p.Figures.Drift() > 0 || p.Figures.Unrepaired > 0 {
			out[object] = p.Figures
		}
	}
	return out
}

// onlyDrift compares the kinds of drift alone.
func onlyDrift() cmp.Option {
	return cmpopts.IgnoreFields(postgres.Figures{}, "Sides", "News", "Reworded", "Aside", "Months", "Stages", "Examples")
}

func (b *bundle) wantDrift(t *testing.T, proofs map[string]postgres.Proof, want map[string]postgres.Figures) {
	t.Helper()
	if d := cmp.Diff(want, found(proofs), onlyDrift()); d != "" {
		t.Errorf("drift (-want +got):\n%s", d)
		for object, f := range found(proofs) {
			t.Logf("%s: %+v", object, f.Examples)
		}
	}
	b.drift(t)
}

func TestASweepProvesWhatIsEqual(t *testing.T) {
	t.Parallel()
	b := setupSwept(t, 200)
	before := one[string](t, b.bundle, `SELECT md5(string_agg(t::text, '' ORDER BY external_id)) FROM deals t`)
	proofs := b.sweep(t, jobs.SweepOptions{})
	b.wantDrift(t, proofs, map[string]postgres.Figures{})
	for object, p := range proofs {
		f := p.Figures
		if f.There != f.Here || f.News+f.Reworded+f.Aside > 0 {
			t.Errorf("%s: want both sides equal, got %+v", object, f)
		}
		for month, s := range f.Months {
			if s.There != s.Here {
				t.Errorf("%s: %s differs: %+v", object, month, s)
			}
		}
	}
	var want []string
	for _, o := range b.Catalog[0].Objects {
		if jobs.Swept(o) || o.Name == "dealProducts" {
			want = append(want, o.Name)
		}
	}
	slices.Sort(want)
	if d := cmp.Diff(want, slices.Sorted(maps.Keys(proofs))); d != "" {
		t.Errorf("proven objects (-want +got):\n%s", d)
	}
	for _, o := range []string{"deals", "persons", "dealProducts", "leads", "users"} {
		living := one[int64](t, b.bundle, `SELECT count(*) FROM records WHERE object = $1 AND deleted_at IS NULL`, o)
		if f := proofs[o].Figures; f.There.Count != living || living == 0 {
			t.Errorf("%s: want all %d counted, got %d", o, living, f.There.Count)
		}
	}
	if n := one[int](t, b.bundle, `SELECT (SELECT count(*) FROM sweeps) + (SELECT count(*) FROM sweep_ids)`); n != 0 {
		t.Errorf("%d rows of finished sweeps were left", n)
	}
	if after := one[string](t, b.bundle, `SELECT md5(string_agg(t::text, '' ORDER BY external_id)) FROM deals t`); after != before {
		t.Error("a sweep without drift touched rows")
	}
	if n := one[int](t, b.bundle, `SELECT sum(written) FROM runs WHERE kind = 'sweep'`); n != 0 {
		t.Errorf("a sweep without drift wrote %d records", n)
	}
}

func TestLargeASweepFindsDeletionsThatNoListShows(t *testing.T) {
	t.Parallel()
	b := setupSwept(t, 200)
	lead := one[string](t, b.bundle, `SELECT min(external_id) FROM records WHERE object = 'leads' AND deleted_at IS NULL`)
	b.do(t, "DELETE", "/api/v2/persons/1", nil)
	b.do(t, "PUT", "/api/v1/persons/2/merge", map[string]any{"merge_with_id": 3})
	b.do(t, "PUT", "/api/v1/organizations/2/merge", map[string]any{"merge_with_id": 3})
	b.do(t, "PUT", "/api/v1/deals/2/merge", map[string]any{"merge_with_id": 3})
	b.do(t, "DELETE", "/api/v2/activities/5", nil)
	b.do(t, "DELETE", "/api/v1/notes/5", nil)
	b.do(t, "DELETE", "/api/v2/products/4", nil)
	b.do(t, "DELETE", "/api/v1/leads/"+lead, nil)
	b.settle(t)
	if n := one[int](t, b.bundle, `SELECT count(*) FROM records WHERE object = 'persons' AND external_id IN ('1', '2') AND deleted_at IS NULL`); n != 2 {
		t.Fatal("the vendor's lists told of deleted persons: this test needs another way to hide them")
	}
	changes := one[int](t, b.bundle, `SELECT count(*) FROM changes`)
	b.wantDrift(t, b.sweep(t, jobs.SweepOptions{}), map[string]postgres.Figures{
		"persons": {Gone: 2}, "organizations": {Gone: 1}, "activities": {Gone: 1}, "notes": {Gone: 1}, "products": {Gone: 1}, "leads": {Gone: 1}})
	if n := one[int](t, b.bundle, `SELECT count(*) FROM people WHERE external_id IN ('1', '2') AND deleted_why = 'deleted'`); n != 2 {
		t.Errorf("want two tombstones of people, got %d", n)
	}
	if n := one[int](t, b.bundle, `SELECT count(*) FROM changes WHERE origin = 'sweep' AND fields ? 'deleted_at'`); n != 7 {
		t.Errorf("want each of the 7 deletions as a change, got %d", n)
	}
	if n := one[int](t, b.bundle, `SELECT count(*) FROM changes`); n < changes+7 {
		t.Errorf("history was lost: %d changes, then %d", changes, n)
	}
	b.wantDrift(t, b.sweep(t, jobs.SweepOptions{}), map[string]postgres.Figures{})
}

func TestWhatTheVendorHasForgottenBecomesATombstone(t *testing.T) {
	t.Parallel()
	b := setupSwept(t, 200)
	living := `SELECT min(r.parent) FROM records r JOIN deals d ON d.external_id = r.parent WHERE r.object = 'dealProducts' AND r.deleted_at IS NULL AND d.deleted_at IS NULL`
	// One is known to be deleted while the vendor shows it still, with its items.
	b.do(t, "DELETE", "/api/v2/deals/"+one[string](t, b.bundle, living), nil)
	b.settle(t)
	deal := one[string](t, b.bundle, living)
	if err := b.History(t.Context(), b.ws, b.conn); err != nil {
		t.Fatal(err)
	}
	kept := `SELECT (SELECT count(*) FROM deal_events WHERE deal_id = $1 AND deleted_at IS NULL) || ' ' || (SELECT count(*) FROM deal_stages WHERE deal_id = $1)`
	before := one[string](t, b.bundle, kept, deal)
	b.do(t, "DELETE", "/api/v2/deals/"+deal, nil)
	b.do(t, "DELETE", "/api/v2/persons/1", nil)
	b.clock.Advance(31 * 24 * time.Hour) // deleted for good: no list shows them, and reading them is 404
	b.settle(t)
	proofs := b.sweep(t, jobs.SweepOptions{})
	if g := proofs["deals"].Figures.Gone; g != 1 {
		t.Errorf("want one deal gone, got %d", g)
	}
	if g := proofs["persons"].Figures.Gone; g != 1 {
		t.Errorf("want one person gone, got %d", g)
	}
	b.drift(t)
	if n := one[int](t, b.bundle, `SELECT count(*) FROM deal_items WHERE deal_id = $1 AND deleted_at IS NULL`, deal); n != 0 {
		t.Errorf("%d items of a deal that is gone live on", n)
	}
	if after := one[string](t, b.bundle, kept, deal); after != before {
		t.Errorf("history of a deal that is gone: want %q, got %q", before, after)
	}
}

func TestALostChangeIsRepairedAndCounted(t *testing.T) {
	t.Parallel()
	b := setupSwept(t, 200)
	// What a deal with products is worth follows from them.
	deal := one[string](t, b.bundle, `SELECT min(external_id) FROM deals d WHERE deleted_at IS NULL AND amount <> 4711
		AND NOT EXISTS (SELECT FROM deal_items i WHERE i.deal_id = d.external_id)`)
	b.do(t, "PATCH", "/api/v2/persons/1", map[string]any{"name": "Żółć"})
	b.do(t, "PATCH", "/api/v2/deals/"+deal, map[string]any{"value": 4711})
	b.do(t, "POST", "/api/v2/organizations", map[string]any{"name": "Новая"})
	b.claim(t)
	// This one is news: nobody claims to know it.
	b.do(t, "PATCH", "/api/v2/persons/4", map[string]any{"name": "Ёж"})
	proofs := b.sweep(t, jobs.SweepOptions{})
	b.wantDrift(t, proofs, map[string]postgres.Figures{"persons": {Differing: 1}, "deals": {Differing: 1}, "organizations": {Missing: 1}})
	if n := proofs["persons"].Figures.News; n != 1 {
		t.Errorf("want one person counted as news, got %d", n)
	}
	if d := cmp.Diff([]postgres.Found{{Object: "deals", ID: deal, What: "differing"}}, proofs["deals"].Figures.Examples); d != "" {
		t.Errorf("examples (-want +got):\n%s", d)
	}
	if n := one[int](t, b.bundle, `SELECT count(*) FROM changes WHERE kind = 'deals' AND external_id = $1 AND origin = 'sweep' AND fields ? 'amount'`, deal); n != 1 {
		t.Errorf("want the repair recorded as a change, got %d", n)
	}
}

func TestArchivedRecordsAreLiving(t *testing.T) {
	t.Parallel()
	b := setupSwept(t, 100)
	open := one[string](t, b.bundle, `SELECT min(external_id) FROM deals WHERE NOT archived AND deleted_at IS NULL`)
	b.do(t, "PATCH", "/api/v2/deals/"+open, map[string]any{"is_archived": true})
	b.claim(t)
	b.wantDrift(t, b.sweep(t, jobs.SweepOptions{}), map[string]postgres.Figures{"deals": {Differing: 1}})
	if ok := one[bool](t, b.bundle, `SELECT archived AND deleted_at IS NULL FROM deals WHERE external_id = $1`, open); !ok {
		t.Error("an archived deal must be living and marked as archived")
	}
}

func TestWhatWasBuriedByMistakeRevives(t *testing.T) {
	t.Parallel()
	b := setupSwept(t, 100)
	// A record and its row; a row alone; a record that nobody stored.
	for _, sql := range []string{
		`UPDATE records SET deleted_at = now(), deleted_why = 'deleted' WHERE object = 'persons' AND external_id = '1'`,
		`UPDATE people SET deleted_at = now(), deleted_why = 'deleted' WHERE external_id IN ('1', '3')`,
		`DELETE FROM records WHERE object = 'persons' AND external_id = '4'`, `DELETE FROM people WHERE external_id = '4'`,
	} {
		b.in(t, func(tx pgx.Tx) error { _, err := tx.Exec(t.Context(), sql); return err })
	}
	b.wantDrift(t, b.sweep(t, jobs.SweepOptions{}), map[string]postgres.Figures{"persons": {Missing: 3}})
	if n := one[int](t, b.bundle, `SELECT count(*) FROM people WHERE external_id IN ('1', '3', '4') AND deleted_at IS NULL AND deleted_why IS NULL`); n != 3 {
		t.Errorf("want three people living again, got %d", n)
	}
	if n := one[int](t, b.bundle, `SELECT count(*) FROM changes WHERE kind = 'people' AND origin = 'sweep' AND fields ? 'deleted_at'`); n != 2 {
		t.Errorf("want two revivals recorded, got %d", n)
	}
}

func TestChecksumsDifferWhereRowsWereTamperedWith(t *testing.T) {
	t.Parallel()
	b := setupSwept(t, 200)
	type deal struct{ id, stage, other, month string }
	var bytes, row deal
	b.in(t, func(tx pgx.Tx) error {
		const of = `SELECT external_id, stage_id, (SELECT s.external_id FROM stages s WHERE s.external_id <> d.stage_id ORDER BY 1 LIMIT 1), to_char(updated_at AT TIME ZONE 'UTC', 'YYYY-MM')
			FROM deals d WHERE deleted_at IS NULL ORDER BY d.external_id `
		if err := tx.QueryRow(t.Context(), of+`LIMIT 1`).Scan(&bytes.id, &bytes.stage, &bytes.other, &bytes.month); err != nil {
			return err
		}
		return tx.QueryRow(t.Context(), of+`DESC LIMIT 1`).Scan(&row.id, &row.stage, &row.other, &row.month)
	})
	for _, change := range []struct {
		sql  string
		args []any
	}{
		{`UPDATE records SET hash = '\x00' WHERE object = 'deals' AND external_id = $1`, []any{bytes.id}},
		{`UPDATE deals SET amount = amount + 1 WHERE external_id = $1`, []any{bytes.id}},
		{`UPDATE deals SET stage_id = $2 WHERE external_id = $1`, []any{row.id, row.other}},
	} {
		b.in(t, func(tx pgx.Tx) error { _, err := tx.Exec(t.Context(), change.sql, change.args...); return err })
	}
	proofs := b.sweep(t, jobs.SweepOptions{})
	b.wantDrift(t, proofs, map[string]postgres.Figures{"deals": {Differing: 2, Silent: 1}})
	differ := func(groups map[string]postgres.Sides) (out []string) {
		for key, s := range groups {
			if s.There != s.Here {
				out = append(out, key)
			}
		}
		slices.Sort(out)
		return out
	}
	stages := []string{bytes.stage, row.stage, row.other}
	slices.Sort(stages)
	if d := cmp.Diff(slices.Compact(stages), differ(proofs["deals"].Figures.Stages)); d != "" {
		t.Errorf("stages whose checksums differ (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{bytes.month}, differ(proofs["deals"].Figures.Months)); d != "" {
		t.Errorf("months whose checksums differ (-want +got):\n%s", d)
	}
	for key, s := range b.sweep(t, jobs.SweepOptions{})["deals"].Figures.Stages {
		if s.There != s.Here {
			t.Errorf("stage %s differs still: %+v", key, s)
		}
	}
}

func TestOtherBytesWithTheSameContentAreNoDrift(t *testing.T) {
	t.Parallel()
	b := setupSwept(t, 100)
	// A new field shows on every record and touches no instant.
	b.do(t, "POST", "/api/v2/personFields", map[string]any{"field_name": "Shoe size", "field_type": "double"})
	b.settle(t)
	if r, err := b.Replay(t.Context(), b.ws, b.conn); err != nil || !r.Complete {
		t.Fatal(r, err)
	}
	proofs := b.sweep(t, jobs.SweepOptions{})
	b.wantDrift(t, proofs, map[string]postgres.Figures{})
	living := one[int64](t, b.bundle, `SELECT count(*) FROM people WHERE deleted_at IS NULL`)
	if n := proofs["persons"].Figures.Reworded; n != living {
		t.Errorf("want all %d people reworded, got %d", living, n)
	}
}

func TestRecordsThatDoNotFitTheMapAreToldApart(t *testing.T) {
	t.Parallel()
	b := setup(t, 100, pipedrive.Options{})
	b.Transport = rewrite(`"status":"open"`, `"status":"hibernating"`, 3)
	b.pull(t)
	proofs := b.sweep(t, jobs.SweepOptions{})
	aside := one[int64](t, b, `SELECT count(*) FROM failures WHERE resolved_at IS NULL`)
	if f := proofs["deals"].Figures; f.Aside != aside || aside == 0 || f.Drift() != 0 {
		t.Errorf("want %d deals put aside and no drift, got %+v", aside, f)
	}
}

func TestLargeChangesDuringTheWalkAreNoDrift(t *testing.T) {
	t.Parallel()
	b := setupSwept(t, 600)
	last := one[string](t, b.bundle, `SELECT max(external_id::bigint)::text FROM records WHERE object = 'persons'`)
	lead := one[string](t, b.bundle, `SELECT max(external_id) FROM records WHERE object = 'leads' AND deleted_at IS NULL`)
	b.clock.Advance(time.Minute)
	for _, n := range []int{16, 22, 30} { // among persons, deals, archived deals
		b.Transport = afterCalls(n, func() {
			b.do(t, "POST", "/api/v2/persons", map[string]any{"name": "Nowa"})
			b.do(t, "PATCH", "/api/v2/persons/1", map[string]any{"name": fmt.Sprint("Zmieniona ", n)})
			b.do(t, "PATCH", "/api/v2/deals/3", map[string]any{"value": n})
			if n == 16 {
				b.do(t, "DELETE", "/api/v2/persons/"+last, nil)
				b.do(t, "DELETE", "/api/v1/leads/"+lead, nil)
				b.do(t, "PATCH", "/api/v2/deals/5", map[string]any{"is_archived": true})
				b.do(t, "PUT", "/api/v1/organizations/2/merge", map[string]any{"merge_with_id": 3})
			}
		})
		proofs := b.sweep(t, jobs.SweepOptions{})
		for object, f := range found(proofs) {
			// A lead is deleted at once: the vendor cannot tell when it was.
			if object != "leads" || f.Gone > 1 || f.Unrepaired > 0 {
				t.Errorf("%d calls: changes under way were taken for drift of %s: %+v", n, object, f)
			}
		}
	}
	b.Transport = nil
	b.pull(t)
	b.sweep(t, jobs.SweepOptions{})
	b.drift(t)
}

// restore brings a buried record and its row back to life.
func restore(t testing.TB, object, kind, id string) func(pgx.Tx) error {
	return func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), `UPDATE records SET deleted_at = NULL, deleted_why = NULL WHERE object = $1 AND external_id = $2`, object, id); err != nil {
			return err
		}
		_, err := tx.Exec(t.Context(), `UPDATE `+kind+` SET deleted_at = NULL, deleted_why = NULL WHERE external_id = $1`, id)
		return err
	}
}
