package postgres_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// fillAll gives every table that belongs to workspaces one row of each. Values
// follow from the columns' types and checks, so that new tables are filled, too.
// Equal columns get equal values, wherever they stand: references fit together.
func fillAll(t *testing.T, admin *pgx.Conn, workspaces ...int64) {
	t.Helper()
	// Without triggers, foreign keys do not ask for an order.
	if _, err := admin.Exec(t.Context(), "SET session_replication_role = replica"); err != nil {
		t.Fatal(err)
	}
	for _, table := range isolatedTables(t, admin) {
		if table == "workspaces" {
			continue // they are there
		}
		columns := columnsOf(t, admin, table)
		for _, w := range workspaces {
			if _, err := admin.Exec(t.Context(), insertFilled(t, table, columns, w)); err != nil {
				t.Fatalf("fill %s: %v", table, err)
			}
		}
	}
	if _, err := admin.Exec(t.Context(), "SET session_replication_role = origin"); err != nil {
		t.Fatal(err)
	}
}

type filledColumn struct {
	Name, Type string
	Checks     string // of the table, on this column
	Bound      string // of the partition, if this is the partition key
}

func columnsOf(t *testing.T, admin *pgx.Conn, table string) []filledColumn {
	t.Helper()
	rows, err := admin.Query(t.Context(), `
		SELECT a.attname, format_type(a.atttypid, a.atttypmod),
			COALESCE((SELECT string_agg(pg_get_constraintdef(k.oid), ' ') FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'c' AND a.attnum = ANY (k.conkey)), ''),
			COALESCE((SELECT pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i JOIN pg_partitioned_table p ON p.partrelid = i.inhparent
				JOIN pg_attribute key ON key.attrelid = p.partrelid AND key.attnum = p.partattrs[0]
				WHERE i.inhrelid = c.oid AND key.attname = a.attname), '')
		FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
		WHERE c.relnamespace = 'salesbook'::regnamespace AND c.relname = $1 AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY a.attnum`, table)
	if err != nil {
		t.Fatal(err)
	}
	columns, err := pgx.CollectRows(rows, pgx.RowToStructByPos[filledColumn])
	if err != nil {
		t.Fatal(err)
	}
	return columns
}

func insertFilled(t *testing.T, table string, columns []filledColumn, workspace int64) string {
	t.Helper()
	var names, values []string
	for _, c := range columns {
		names = append(names, pgx.Identifier{c.Name}.Sanitize())
		values = append(values, c.value(t, table, workspace))
	}
	return fmt.Sprintf("INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE VALUES (%s)", table, strings.Join(names, ", "), strings.Join(values, ", "))
}

var (
	firstChoice = regexp.MustCompile(`ARRAY\[('[^']*')`)
	lowerBound  = regexp.MustCompile(`FROM \(('[^']*')`)
)

// value returns an SQL literal that the column accepts.
func (c filledColumn) value(t *testing.T, table string, workspace int64) string {
	t.Helper()
	if c.Name == "workspace_id" {
		return fmt.Sprint(workspace)
	}
	if c.Bound == "DEFAULT" {
		return "'1999-01-01'" // before every month that has a partition
	}
	if m := lowerBound.FindStringSubmatch(c.Bound); m != nil {
		return m[1]
	}
	if m := firstChoice.FindStringSubmatch(c.Checks); m != nil {
		return m[1]
	}
	switch c.Type {
	case "bigint", "integer", "smallint", "numeric", "real", "double precision":
		return "1"
	case "boolean":
		return "true"
	case "text":
		return fmt.Sprintf("'w%d'", workspace)
	case "bytea":
		return fmt.Sprintf(`'\x%02x'`, workspace)
	case "jsonb":
		return "'{}'"
	case "text[]", "bigint[]":
		return "'{}'"
	case "timestamp with time zone", "date":
		return "now()"
	case "interval":
		return "'1 hour'"
	case "uuid":
		return fmt.Sprintf("'00000000-0000-0000-0000-%012d'", workspace)
	}
	t.Fatalf("column %s.%s has the type %s: teach this test a value of it", table, c.Name, c.Type)
	return ""
}
