package postgres_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/postgres"
)

// TestPagesAreComparedByKey looks at the plan that a session keeps when it is
// made while the table is empty, as on the first page of a connection. Anything
// but a lookup by the whole key compares each page with all that was loaded.
func TestPagesAreComparedByKey(t *testing.T) {
	t.Parallel()
	b := newStore(t)
	lines := planOf(t, b, record(t, "Unseen", func(ctx context.Context, tx pgx.Tx) {
		_, _, _ = postgres.Unseen(ctx, tx, 1, 1, []postgres.Sighting{sighting("1", "{}", 1, 1)})
	})[0].sql)
	want := []string{"Index Cond: ((workspace_id = $1) AND (connection_id = $2) AND (object = e.object) AND (external_id = e.id))"}
	if d := cmp.Diff(want, lookups(t, lines)); d != "" {
		t.Errorf("lookups (-want +got):\n%s\n%s", d, strings.Join(lines, "\n"))
	}
}

// planOf is the plan of a statement that a session keeps when it is made now.
func planOf(t *testing.T, b storeBundle, sql string) (lines []string) {
	t.Helper()
	holes := 0
	for strings.Contains(sql, fmt.Sprintf("$%d", holes+1)) {
		holes++
	}
	err := b.InByKey(t.Context(), b.ws, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), "SET LOCAL plan_cache_mode = force_generic_plan"); err != nil {
			return err
		}
		if _, err := tx.Exec(t.Context(), "PREPARE planned AS "+sql); err != nil {
			return err
		}
		rows, err := tx.Query(t.Context(), "EXPLAIN (COSTS OFF) EXECUTE planned("+strings.TrimSuffix(strings.Repeat("NULL, ", holes), ", ")+")")
		if err != nil {
			return err
		}
		if lines, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
			return err
		}
		_, err = tx.Exec(t.Context(), "DEALLOCATE planned")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// lookups are the conditions by which a plan finds rows.
func lookups(t *testing.T, lines []string) (looks []string) {
	t.Helper()
	for _, line := range lines {
		line = strings.TrimSpace(line)
		if strings.Contains(line, "Materialize") || strings.Contains(line, "Seq Scan") || strings.Contains(line, "Hash") {
			t.Errorf("the plan has %q", line)
		}
		if strings.HasPrefix(line, "Index Cond:") || strings.HasPrefix(line, "TID Cond:") {
			looks = append(looks, line)
		}
	}
	return looks
}

// TestJudgingCostsNoMoreOnALargeAccount: whatever is read and written for some
// deals is found by keys, also by plans that are as old as the account.
func TestJudgingCostsNoMoreOnALargeAccount(t *testing.T) {
	t.Parallel()
	b := newStore(t)
	ids, now := []string{"1"}, time.Now()
	const subject = "(workspace_id = $1) AND (connection_id = $2) AND (external_id = w.id)"
	cases := map[string]struct {
		call func(context.Context, pgx.Tx)
		want []string // of all statements
	}{
		"DealsByID": {func(ctx context.Context, tx pgx.Tx) { _, _ = postgres.DealsByID(ctx, tx, 1, 1, ids) },
			[]string{"Index Cond: (" + subject + ")"}},
		"LeadsByID": {func(ctx context.Context, tx pgx.Tx) { _, _ = postgres.LeadsByID(ctx, tx, 1, 1, ids) },
			[]string{"Index Cond: (" + subject + ")"}},
		"Touched": {func(ctx context.Context, tx pgx.Tx) {
			_, _, _ = postgres.Touched(ctx, tx, 1, 1, "activities", ids)
			_, _, _ = postgres.Touched(ctx, tx, 1, 1, "notes", ids)
		}, []string{"Index Cond: (" + subject + ")", "Index Cond: (" + subject + ")"}},
		"ClaimDirty": {func(ctx context.Context, tx pgx.Tx) { _, _ = postgres.ClaimDirty(ctx, tx, 1, []int64{1}, 1) },
			[]string{"Index Cond: ((workspace_id = $1) AND (connection_id = c.id))", "TID Cond: (ctid = o.ctid)"}},
		"MarkDue": {func(ctx context.Context, tx pgx.Tx) { _ = postgres.MarkDue(ctx, tx, 1, now, 1) },
			[]string{"Index Cond: ((workspace_id = $1) AND (due_at <= $2))", "TID Cond: (ctid = due.ctid)"}},
		"violationsOf": {func(ctx context.Context, tx pgx.Tx) {
			_, _ = postgres.ViolationsOf(ctx, tx, 1, []postgres.Judged{{Subject: postgres.SubjectKey{Connection: 1, Kind: "deals", ID: "1"}}})
		}, []string{"Index Cond: ((workspace_id = $1) AND (connection_id = w.connection) AND (kind = w.kind) AND (external_id = w.id))"}},
	}
	for name, tc := range cases {
		var looks, plan []string
		for _, s := range record(t, name, tc.call) {
			lines := planOf(t, b, s.sql)
			plan, looks = append(plan, lines...), append(looks, lookups(t, lines)...)
		}
		if d := cmp.Diff(tc.want, looks); d != "" {
			t.Errorf("lookups of %s (-want +got):\n%s\n%s", name, d, strings.Join(plan, "\n"))
		}
	}
}

// TestDealsOfClientsAreFoundByIndex: the cost of a changed person or company grows
// with his deals, not with all that there are.
func TestDealsOfClientsAreFoundByIndex(t *testing.T) {
	t.Parallel()
	b := newStore(t)
	for kind, spread := range map[string]func(context.Context, pgx.Tx, int64) error{"person": postgres.SpreadPeople, "company": postgres.SpreadCompanies} {
		sql := record(t, "Spread", func(ctx context.Context, tx pgx.Tx) { _ = spread(ctx, tx, 1) })[0].sql
		var plan []string
		err := b.InByKey(t.Context(), b.ws, func(tx pgx.Tx) error {
			rows, err := tx.Query(t.Context(), "EXPLAIN (COSTS OFF) "+sql, b.ws, "people")
			if err != nil {
				return err
			}
			plan, err = pgx.CollectRows(rows, pgx.RowTo[string])
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Join(plan, "\n")
		for _, table := range []string{"deals", "leads"} {
			if !strings.Contains(text, table+"_of_"+kind) || strings.Contains(text, "Seq Scan on "+table) {
				t.Errorf("%s of a %s:\n%s", table, kind, text)
			}
		}
	}
}
