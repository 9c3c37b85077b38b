package postgres_test

import (
	"context"
	"strings"
	"testing"

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
	sql := record(t, "Unseen", func(ctx context.Context, tx pgx.Tx) {
		_, _, _ = postgres.Unseen(ctx, tx, 1, 1, []postgres.Sighting{sighting("1", "{}", 1, 1)})
	})[0].sql
	var lines []string
	err := b.InByKey(t.Context(), b.ws, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), "SET LOCAL plan_cache_mode = force_generic_plan"); err != nil {
			return err
		}
		if _, err := tx.Exec(t.Context(), "PREPARE unseen AS "+sql); err != nil {
			return err
		}
		rows, err := tx.Query(t.Context(), "EXPLAIN (COSTS OFF) EXECUTE unseen(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)")
		if err != nil {
			return err
		}
		lines, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var looks []string
	for _, line := range lines {
		line = strings.TrimSpace(line)
		if strings.Contains(line, "Materialize") || strings.Contains(line, "Seq Scan") || strings.Contains(line, "Hash") {
			t.Errorf("the plan has %q", line)
		}
		if strings.HasPrefix(line, "Index Cond:") {
			looks = append(looks, line)
		}
	}
	want := []string{"Index Cond: ((workspace_id = $1) AND (connection_id = $2) AND (object = e.object) AND (external_id = e.id))"}
	if d := cmp.Diff(want, looks); d != "" {
		t.Errorf("lookups (-want +got):\n%s\n%s", d, strings.Join(lines, "\n"))
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
