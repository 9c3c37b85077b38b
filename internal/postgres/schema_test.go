package postgres_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/postgres/pgtest"
	"salesbook.dev/internal/sales"
)

// tableColumn is a column as the catalog has it.
type tableColumn struct {
	Name, Type, Collation string
	NotNull               bool
	Comment               string
}

func TestCanonicalTablesMatchTheKinds(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	admin := d.Connect(t, d.AdminURL)
	for _, kind := range sales.Kinds() {
		t.Run(kind.Name, func(t *testing.T) {
			if diff := cmp.Diff(wantColumns(kind), tableColumns(t, admin, kind.Name)); diff != "" {
				t.Errorf("columns of %s (-sales.Kinds +database):\n%s", kind.Name, diff)
			}
			var comment string
			err := admin.QueryRow(t.Context(), "SELECT COALESCE(obj_description(to_regclass($1)), '')", kind.Name).Scan(&comment)
			if err != nil || comment != kind.Doc {
				t.Errorf("comment %q, %v; want %q", comment, err, kind.Doc)
			}
		})
	}
}

// wantColumns says how a kind is stored.
func wantColumns(kind *sales.Kind) []tableColumn {
	columns := []tableColumn{
		{Name: "workspace_id", Type: "bigint", NotNull: true},
		{Name: "connection_id", Type: "bigint", NotNull: true},
		{Name: "external_id", Type: "text", Collation: "C", NotNull: true, Comment: "The vendor's id."},
	}
	for _, f := range kind.Fields {
		c := tableColumn{Name: f.Name, Type: storedAs(f.Type), NotNull: f.Required, Comment: f.Doc}
		if f.Type == sales.Ref || f.Enum != nil {
			c.Collation = "C" // compared byte by byte, never sorted for people
		}
		columns = append(columns, c)
	}
	if kind.Custom {
		columns = append(columns, tableColumn{Name: "custom", Type: "jsonb", Comment: "Custom and unmapped fields by the vendor's code, see fields; options are ids."})
	}
	const instant = "timestamp with time zone"
	return append(columns,
		tableColumn{Name: "map_version", Type: "bigint", NotNull: true, Comment: "Hash of the field map and field definitions it was mapped by; another one makes it due for replay."},
		tableColumn{Name: "first_seen_at", Type: instant, NotNull: true, Comment: "When we first stored it."},
		tableColumn{Name: "changed_at", Type: instant, NotNull: true, Comment: "When we last wrote it."},
		tableColumn{Name: "deleted_at", Type: instant, Comment: "Tombstone: when we learnt that it is gone; null while it exists."},
		tableColumn{Name: "deleted_why", Type: "text", Collation: "C", Comment: "deleted, merged, not visible, or erased: a person who asked for it, and never stored again."},
		tableColumn{Name: "merged_into", Type: "text", Collation: "C", Comment: "External id of the one that took it in; null unless deleted_why is merged."})
}

func storedAs(t sales.Type) string {
	return map[sales.Type]string{
		sales.Text: "text", sales.Ref: "text", sales.Integer: "bigint", sales.Decimal: "numeric", sales.Bool: "boolean",
		sales.Instant: "timestamp with time zone", sales.Date: "date", sales.Texts: "text[]", sales.JSON: "jsonb",
	}[t]
}

func tableColumns(t *testing.T, admin *pgx.Conn, table string) []tableColumn {
	t.Helper()
	rows, err := admin.Query(t.Context(), `
		SELECT a.attname, format_type(a.atttypid, a.atttypmod), CASE WHEN l.collname <> 'default' THEN l.collname::text ELSE '' END,
			a.attnotnull, COALESCE(col_description(a.attrelid, a.attnum), '')
		FROM pg_attribute a LEFT JOIN pg_collation l ON l.oid = a.attcollation
		WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`, table)
	if err != nil {
		t.Fatal(err)
	}
	columns, err := pgx.CollectRows(rows, pgx.RowToStructByPos[tableColumn])
	if err != nil {
		t.Fatal(err)
	}
	return columns
}

func TestEverythingIsCommented(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	rows, err := d.Connect(t, d.AdminURL).Query(t.Context(), `
		SELECT relname FROM pg_class WHERE relnamespace = 'salesbook'::regnamespace AND relkind IN ('r', 'p') AND obj_description(oid, 'pg_class') IS NULL
		UNION ALL
		SELECT proname FROM pg_proc WHERE pronamespace = 'salesbook'::regnamespace AND obj_description(oid, 'pg_proc') IS NULL
		UNION ALL
		SELECT c.relname || '.' || a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
		WHERE c.relnamespace = 'salesbook'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> 'goose_db_version'
			AND a.attnum > 0 AND NOT a.attisdropped AND col_description(c.oid, a.attnum) IS NULL AND NOT a.attname = ANY ($1)
		ORDER BY 1`, obvious())
	if err != nil {
		t.Fatal(err)
	}
	bare, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	if len(bare) > 0 {
		t.Errorf("without a comment, and not obvious by its name: %q", bare)
	}
}

// obvious are names of columns that need no words: they say it themselves, and
// mean the same in every table.
func obvious() []string {
	return []string{
		// Whose a row is, and which one.
		"workspace_id", "connection_id", "account_id", "id", "external_id", "name", "title", "subject", "vendor", "object",
		// References, by the name of what they point to.
		"owner_id", "creator_id", "author_id", "actor_id", "company_id", "person_id", "deal_id", "lead_id", "pipeline_id", "stage_id", "product_id", "rep_id", "team_id",
		// Instants, by what happened then.
		"at", "created_at", "added_at", "updated_at", "started_at", "finished_at", "received_at", "read_at", "checked_at", "first_at", "last_at", "state_at",
		"closed_at", "won_at", "lost_at", "archived_at", "done_at", "last_login_at", "due_on", "expected_close",
		// The words of the trade, and of a change.
		"first_name", "last_name", "job_title", "active", "archived", "done", "category", "unit", "quantity", "discount", "discount_type", "amount",
		"old_value", "new_value", "deleted", "reason", "state", "content",
		// Kinds' fields that a kind of their own explains.
		"custom", "burst_window", "only_one",
	}
}
