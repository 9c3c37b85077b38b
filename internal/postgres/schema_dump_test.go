package postgres_test

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/postgres/pgtest"
)

var update = flag.Bool("update", false, "write migrations/schema.txt anew")

const schemaFile = "../../migrations/schema.txt"

// TestSchemaDump keeps the schema in a form to read and to compare in reviews.
// It is made from the catalogs: pg_dump may be missing, or another version's.
func TestSchemaDump(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	got := dumpSchema(t, d.Connect(t, d.AdminURL))
	if *update {
		if err := os.WriteFile(schemaFile, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		file, database := strings.Split(string(want), "\n"), strings.Split(got, "\n")
		t.Errorf("migrations/schema.txt is not the schema of the migrations; run\n\n\tgo test ./internal/postgres -run TestSchemaDump -update\n\nonly in the file:\n%s\nonly in the database:\n%s",
			strings.Join(without(file, database), "\n"), strings.Join(without(database, file), "\n"))
	}
}

// without returns the lines of a that are not in b.
func without(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(line string) bool { return slices.Contains(b, line) })
}

const dumpHead = `The schema "salesbook" as the migrations make it, for reading; the queue's
tables are in the schema "river" and documented there. Made by
go test ./internal/postgres -run TestSchemaDump -update
`

func dumpSchema(t *testing.T, admin *pgx.Conn) string {
	t.Helper()
	var out strings.Builder
	out.WriteString(dumpHead)
	object := ""
	for _, sql := range []string{dumpTables, dumpFunctions} {
		rows, err := admin.Query(t.Context(), sql)
		if err != nil {
			t.Fatal(err)
		}
		var name, line string
		_, err = pgx.ForEachRow(rows, []any{&name, nil, nil, &line}, func() error {
			if name != object {
				object = name
				out.WriteByte('\n')
			}
			out.WriteString(strings.TrimRight(tidy(line), " ") + "\n")
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out.String()
}

// tidy shortens what PostgreSQL spells out, and names the two policies that
// isolate() and seclude() make; any other is shown in full.
func tidy(line string) string {
	const ours = "(workspace_id = (NULLIF(current_setting('salesbook.workspace', true), ''))::bigint)"
	line = strings.NewReplacer("timestamp with time zone", "timestamptz", "timestamp without time zone", "timestamp",
		"::text[]", "::text[]", "::text", "", "USING btree ", "").Replace(line)
	return strings.NewReplacer("POLICY workspace USING "+ours+" WITH CHECK "+ours, "POLICY workspace: rows of the transaction's workspace",
		"POLICY system TO salesbook_owner USING true WITH CHECK true", "POLICY system: all rows for salesbook_owner").Replace(line)
}

// dumpTables yields table, section, order and line. Partitions of months come
// and go with the calendar; only the standing one is shown.
const dumpTables = `
	WITH tables AS (
		SELECT c.*, c.relname COLLATE "C" AS name FROM pg_class c
		WHERE c.relnamespace = 'salesbook'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname !~ '_\d{4}_\d{2}$')
	SELECT name, 0 AS section, '' COLLATE "C" AS place, concat_ws(' ', CASE relpersistence WHEN 'u' THEN 'UNLOGGED' END, 'TABLE', name,
		CASE WHEN relkind = 'p' THEN 'PARTITION BY ' || pg_get_partkeydef(oid) END,
		(SELECT 'PARTITION OF ' || inhparent::regclass FROM pg_inherits WHERE inhrelid = oid AND relispartition),
		CASE WHEN relispartition THEN pg_get_expr(relpartbound, oid) END,
		'WITH (' || array_to_string(reloptions, ', ') || ')') AS line FROM tables
	UNION ALL SELECT name, 1, '', '  ' || obj_description(oid, 'pg_class') FROM tables
	UNION ALL
	SELECT name, 2, to_char(a.attnum, '0000'), concat_ws(' ', format('  %-20s', a.attname), format_type(a.atttypid, a.atttypmod),
		CASE WHEN l.collname <> 'default' THEN 'COLLATE ' || l.collname END,
		CASE a.attstorage WHEN y.typstorage THEN NULL WHEN 'e' THEN 'EXTERNAL' ELSE 'STORAGE ' || a.attstorage::text END,
		CASE WHEN a.attnotnull THEN 'NOT NULL' END,
		CASE a.attidentity WHEN 'a' THEN 'IDENTITY' WHEN 'd' THEN 'IDENTITY BY DEFAULT' END,
		'DEFAULT ' || pg_get_expr(f.adbin, f.adrelid), '-- ' || col_description(t.oid, a.attnum))
	FROM tables t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped JOIN pg_type y ON y.oid = a.atttypid
		LEFT JOIN pg_collation l ON l.oid = a.attcollation LEFT JOIN pg_attrdef f ON f.adrelid = t.oid AND f.adnum = a.attnum
	WHERE NOT t.relispartition
	UNION ALL
	SELECT name, 3, array_position(ARRAY['p', 'u', 'f', 'c', 'x'], k.contype::text) || k.conname, '  ' || pg_get_constraintdef(k.oid)
	FROM tables t JOIN pg_constraint k ON k.conrelid = t.oid AND k.contype IN ('p', 'u', 'f', 'c', 'x') WHERE NOT t.relispartition
	UNION ALL
	SELECT name, 4, i.indexrelid::regclass::text, '  ' || regexp_replace(pg_get_indexdef(i.indexrelid), ' ON (ONLY )?\S+', '')
	FROM tables t JOIN pg_index i ON i.indrelid = t.oid
	WHERE NOT t.relispartition AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
	UNION ALL
	SELECT name, 5, p.polname, concat_ws(' ', '  POLICY', p.polname, 'TO ' || NULLIF((SELECT string_agg(r::regrole::text, ', ') FROM unnest(p.polroles) r), '-'),
		'USING ' || pg_get_expr(p.polqual, t.oid), 'WITH CHECK ' || pg_get_expr(p.polwithcheck, t.oid)) FROM tables t JOIN pg_policy p ON p.polrelid = t.oid
	UNION ALL
	SELECT name, 6, '', '  GRANT ' || string_agg(a.privilege_type, ', ' ORDER BY a.privilege_type) || ' TO ' || a.grantee::regrole
	FROM tables t, aclexplode(t.relacl) a WHERE a.grantee <> t.relowner GROUP BY name, a.grantee
	ORDER BY name, section, place`

const dumpFunctions = `
	SELECT p.oid::text, 0, '', concat_ws(' ', CASE p.prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END,
		p.proname || '(' || pg_get_function_arguments(p.oid) || ')', 'RETURNS ' || pg_get_function_result(p.oid),
		CASE p.provolatile WHEN 's' THEN 'STABLE' WHEN 'i' THEN 'IMMUTABLE' END,
		CASE WHEN p.prosecdef THEN 'SECURITY DEFINER' END, 'SET ' || array_to_string(p.proconfig, ', '),
		'GRANT TO ' || (SELECT string_agg(CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END, ', ' ORDER BY a.grantee)
			FROM aclexplode(COALESCE(p.proacl, acldefault('f', p.proowner))) a WHERE a.grantee <> p.proowner),
		'-- ' || obj_description(p.oid, 'pg_proc'))
	FROM pg_proc p WHERE p.pronamespace = 'salesbook'::regnamespace
	ORDER BY p.proname COLLATE "C", pg_get_function_identity_arguments(p.oid)`
