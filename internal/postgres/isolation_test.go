package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"salesbook.dev/internal/postgres/pgtest"
)

// The isolation of workspaces is tested twice: by what the catalog says of every
// table, and by what salesbook_app can do to rows of two workspaces in every
// table. No list of tables is kept here: a new one is covered by being there.

func TestCatalogShowsNoHole(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	if diff := cmp.Diff([]string(nil), catalogHoles(t, d.Connect(t, d.AdminURL))); diff != "" {
		t.Errorf("holes in the isolation of workspaces (-want +got):\n%s", diff)
	}
}

func TestWorkspacesAreIsolated(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	if diff := cmp.Diff([]string(nil), behaviourHoles(t, d)); diff != "" {
		t.Errorf("salesbook_app could do what it must not (-want +got):\n%s", diff)
	}
}

// TestHolesAreNoticed makes holes and expects the two tests above to see them.
func TestHolesAreNoticed(t *testing.T) {
	t.Parallel()
	const newTable = `CREATE TABLE salesbook.forgotten (workspace_id bigint PRIMARY KEY, note text);
		ALTER TABLE salesbook.forgotten OWNER TO salesbook_owner;
		GRANT ALL ON salesbook.forgotten TO salesbook_app;`
	tests := []struct {
		name, sql, catalog, behaviour string
	}{
		{"a table without row-level security", newTable, "forgotten: row-level security is not", "forgotten: copies rows in"},
		{"a table that does not force it", `ALTER TABLE deals NO FORCE ROW LEVEL SECURITY`, "deals: row-level security is not", ""},
		{"a policy that lets everything through", `CREATE POLICY open ON deals USING (true)`, "deals: policy open", "deals: reads rows of another workspace"},
		{"a policy without a check on what is written", `DROP POLICY workspace ON notes; CREATE POLICY workspace ON notes
			USING (workspace_id = NULLIF(current_setting('salesbook.workspace', true), '')::bigint) WITH CHECK (true)`,
			"notes: policy workspace", "notes: inserts for another workspace"},
		{"a secluded table that the application may read", `GRANT SELECT ON vendor_accounts TO salesbook_app`, "vendor_accounts: salesbook_app has SELECT", ""},
		{"a table that everybody may read", `GRANT SELECT ON deals TO PUBLIC`, "deals: PUBLIC has SELECT", ""},
		{"an audit that can be rewritten", `GRANT UPDATE ON audit TO salesbook_app`, "", "audit: updates"},
		{"a foreign key that reaches across", `CREATE UNIQUE INDEX ON teams (id); ALTER TABLE team_reps ADD CONSTRAINT across FOREIGN KEY (team_id) REFERENCES teams (id)`,
			"team_reps: foreign key across", ""},
		{"a key that all workspaces share", `CREATE UNIQUE INDEX shared ON deals (external_id)`, "deals: unique index shared", ""},
		{"a view", `CREATE VIEW salesbook.everything AS SELECT * FROM deals`, "everything: views", ""},
		{"a table of the application's", `CREATE TABLE public.mine (); ALTER TABLE public.mine OWNER TO salesbook_app`, "salesbook_app owns", ""},
		{"a system function that everybody may run", `GRANT EXECUTE ON FUNCTION create_workspace(text) TO PUBLIC`, "create_workspace: PUBLIC", ""},
		{"a system function with the caller's search path", `ALTER FUNCTION list_workspaces() RESET search_path`, "list_workspaces: search_path", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := pgtest.New(t)
			admin := d.Connect(t, d.AdminURL)
			if _, err := admin.Exec(t.Context(), tt.sql, pgx.QueryExecModeSimpleProtocol); err != nil {
				t.Fatal(err)
			}
			if tt.catalog != "" {
				wantPrefix(t, "the catalog", tt.catalog, catalogHoles(t, admin))
			}
			if tt.behaviour != "" {
				wantPrefix(t, "the behaviour", tt.behaviour, behaviourHoles(t, d))
			}
		})
	}
}

func wantPrefix(t *testing.T, where, prefix string, holes []string) {
	t.Helper()
	if !slices.ContainsFunc(holes, func(h string) bool { return strings.HasPrefix(h, prefix) }) {
		t.Errorf("%s shows %q; want a hole beginning with %q", where, holes, prefix)
	}
}

// catalogHoles returns what the catalog says against the isolation, sorted.
func catalogHoles(t *testing.T, admin *pgx.Conn) []string {
	t.Helper()
	var holes []string
	for _, sql := range []string{tableHoles, policyHoles, privilegeHoles, foreignKeyHoles, uniqueHoles, viewHoles, ownerHoles, functionHoles} {
		rows, err := admin.Query(t.Context(), sql)
		if err != nil {
			t.Fatal(err)
		}
		found, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatalf("%v, in%s", err, sql)
		}
		holes = append(holes, found...)
	}
	slices.Sort(holes)
	return holes
}

// ourTables are all that can hold rows.
const ourTables = `SELECT c.oid, c.relname AS name, c.relacl, c.relowner, c.relrowsecurity, c.relforcerowsecurity,
	EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'workspace') AS isolated
	FROM pg_class c WHERE c.relnamespace = 'salesbook'::regnamespace AND c.relkind IN ('r', 'p', 'f')`

const tableHoles = `
	SELECT name || ': row-level security is not enabled and forced' FROM (` + ourTables + `) t WHERE NOT (relrowsecurity AND relforcerowsecurity)
	UNION ALL
	SELECT name || ': not owned by salesbook_owner' FROM (` + ourTables + `) t WHERE relowner <> 'salesbook_owner'::regrole`

// Exactly two policies are known; policies add up, so that any other widens.
const policyHoles = `
	SELECT t.name || ': policy ' || p.polname || ' is none of isolate() or seclude()' FROM (` + ourTables + `) t JOIN pg_policy p ON p.polrelid = t.oid
	WHERE NOT CASE p.polname
		WHEN 'system' THEN p.polroles = ARRAY['salesbook_owner'::regrole::oid] AND p.polpermissive
		WHEN 'workspace' THEN p.polcmd = '*' AND p.polroles = ARRAY[0::oid]
			AND pg_get_expr(p.polqual, p.polrelid) = pg_get_expr(p.polwithcheck, p.polrelid)
			AND pg_get_expr(p.polqual, p.polrelid) = CASE t.name WHEN 'workspaces' THEN '(id = current_workspace())'
				ELSE '(workspace_id = (NULLIF(current_setting(''salesbook.workspace''::text, true), ''''::text))::bigint)' END
		ELSE false END`

const privilegeHoles = `
	SELECT t.name || ': ' || CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END || ' has ' || a.privilege_type
	FROM (` + ourTables + `) t, aclexplode(t.relacl) a
	WHERE a.grantee <> t.relowner
		AND NOT (t.isolated AND a.grantee = 'salesbook_app'::regrole AND a.privilege_type IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE'))
	UNION ALL
	SELECT t.name || ': privileges on the column ' || a.attname FROM (` + ourTables + `) t JOIN pg_attribute a ON a.attrelid = t.oid WHERE a.attacl IS NOT NULL`

// Foreign keys are checked without row-level security: only their columns keep
// them inside a workspace.
const foreignKeyHoles = `
	SELECT t.name || ': foreign key ' || k.conname || ' does not lead from workspace_id to workspace_id'
	FROM (` + ourTables + `) t JOIN pg_constraint k ON k.conrelid = t.oid AND k.contype = 'f'
		JOIN pg_attribute here ON here.attrelid = k.conrelid AND here.attnum = k.conkey[1]
		JOIN pg_attribute there ON there.attrelid = k.confrelid AND there.attnum = k.confkey[1]
	WHERE here.attname <> 'workspace_id'
		OR there.attname <> CASE k.confrelid WHEN 'salesbook.workspaces'::regclass THEN 'id' ELSE 'workspace_id' END`

// A unique key over all workspaces would tell one what another has.
const uniqueHoles = `
	SELECT t.name || ': unique index ' || i.indexrelid::regclass::name || ' does not begin with workspace_id'
	FROM (` + ourTables + `) t JOIN pg_index i ON i.indrelid = t.oid AND i.indisunique
		JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = i.indkey[0]
	WHERE t.isolated AND a.attname <> 'workspace_id'
		AND NOT (t.name = 'workspaces') -- what all others hang on
		AND NOT (t.name = 'connections' AND a.attname = 'hook_hash') -- a hash of random bytes, found before the workspace is known`

// A view reads with its owner's rights, for whom there is the policy "system".
const viewHoles = `
	SELECT relname || ': views pass row-level security; write a function with a reason' FROM pg_class
	WHERE relnamespace = 'salesbook'::regnamespace AND relkind IN ('v', 'm')`

const ownerHoles = `
	SELECT 'salesbook_app owns ' || pg_describe_object(classid, objid, objsubid) FROM pg_shdepend
	WHERE refclassid = 'pg_authid'::regclass AND refobjid = 'salesbook_app'::regrole AND deptype = 'o'
		AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
	UNION ALL
	SELECT 'salesbook_app is ' || what FROM pg_roles, LATERAL (VALUES ('a superuser', rolsuper), ('BYPASSRLS', rolbypassrls), ('CREATEROLE', rolcreaterole)) v (what, so)
	WHERE rolname = 'salesbook_app' AND so
	UNION ALL
	SELECT 'salesbook_app is a member of ' || roleid::regrole FROM pg_auth_members WHERE member = 'salesbook_app'::regrole`

const functionHoles = `
	SELECT proname || ': PUBLIC may run it' FROM pg_proc
	WHERE pronamespace = 'salesbook'::regnamespace AND prosecdef
		AND EXISTS (SELECT FROM aclexplode(COALESCE(proacl, acldefault('f', proowner))) a WHERE a.grantee = 0)
	UNION ALL
	SELECT proname || ': search_path is not fixed' FROM pg_proc
	WHERE pronamespace = 'salesbook'::regnamespace AND prosecdef AND NOT COALESCE('search_path=salesbook, pg_temp' = ANY (proconfig), false)
	UNION ALL
	SELECT proname || ': not owned by salesbook_owner' FROM pg_proc
	WHERE pronamespace = 'salesbook'::regnamespace AND proowner <> 'salesbook_owner'::regrole`

// behaviourHoles fills every table with a row of each of two workspaces and
// returns what salesbook_app can do to them that it must not, sorted.
func behaviourHoles(t *testing.T, d *pgtest.Database) []string {
	t.Helper()
	a, b := d.Workspace(t, "a"), d.Workspace(t, "b")
	admin := d.Connect(t, d.AdminURL)
	fillAll(t, admin, a, b)
	p := probe{t: t, app: d.Connect(t, d.URL), a: a, b: b}
	for _, table := range isolatedTables(t, admin) {
		p.table(table)
	}
	slices.Sort(p.holes)
	return p.holes
}

// isolatedTables are those of which the application may use any row at all.
func isolatedTables(t *testing.T, admin *pgx.Conn) []string {
	t.Helper()
	rows, err := admin.Query(t.Context(), `SELECT name FROM (`+ourTables+`) t WHERE has_table_privilege('salesbook_app', oid, 'SELECT') ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	if len(tables) < 30 {
		t.Fatalf("only %d tables found: %q", len(tables), tables)
	}
	return tables
}

// probe tries, as salesbook_app, what must fail.
type probe struct {
	t     *testing.T
	app   *pgx.Conn
	a, b  int64
	holes []string
}

func (p *probe) table(name string) {
	key := "workspace_id"
	if name == "workspaces" {
		key = "id"
	}
	theirs := fmt.Sprintf("%s = %d", key, p.b)
	insert := func(to int64) string { return fmt.Sprintf("INSERT INTO %s (%s) VALUES (%d)", name, key, to) }
	p.must(name, "does not see its own row", p.count(p.a, name, "true") > 0)
	p.must(name, "reads without a workspace", p.count(0, name, "true") == 0)
	p.must(name, "inserts without a workspace", p.refused(0, insert(p.a)))
	p.must(name, "reads rows of another workspace", p.count(p.a, name, theirs) == 0)
	p.must(name, "updates rows of another workspace", p.refused(p.a, "UPDATE "+name+" SET "+key+" = DEFAULT WHERE "+theirs))
	p.must(name, "deletes rows of another workspace", p.refused(p.a, "DELETE FROM "+name+" WHERE "+theirs))
	p.must(name, "inserts for another workspace", p.refused(p.a, insert(p.b)))
	p.must(name, "moves a row to another workspace", p.refused(p.a, fmt.Sprintf("UPDATE %s SET %s = %d", name, key, p.b)))
	p.must(name, "copies rows in", p.copyRefused(p.a, name))
	p.must(name, "truncates", p.refused(p.a, "TRUNCATE "+name))
	if name == "audit" {
		p.must(name, "updates its own rows", p.refused(p.a, "UPDATE audit SET actor = 'nobody'"))
		p.must(name, "deletes its own rows", p.refused(p.a, "DELETE FROM audit"))
	}
}

func (p *probe) must(table, hole string, ok bool) {
	if !ok {
		p.holes = append(p.holes, table+": "+hole)
	}
}

// count counts rows as workspace sees them; workspace 0 is none.
func (p *probe) count(workspace int64, table, where string) (n int) {
	p.t.Helper()
	err := p.inside(workspace, func(tx pgx.Tx) error {
		return tx.QueryRow(p.t.Context(), "SELECT count(*) FROM "+table+" WHERE "+where).Scan(&n)
	})
	if err != nil {
		p.t.Fatalf("count %s: %v", table, err)
	}
	return n
}

// refused tells that a statement was refused for want of rights, or that it
// found no row to touch. Any other failure would prove nothing.
func (p *probe) refused(workspace int64, sql string) bool {
	p.t.Helper()
	var touched int64
	err := p.inside(workspace, func(tx pgx.Tx) error {
		tag, err := tx.Exec(p.t.Context(), sql)
		touched = tag.RowsAffected()
		return err
	})
	switch state := sqlState(err); {
	case state == "":
		return touched == 0
	case state == "42501": // insufficient_privilege: no grant, or the policy
		return true
	case state == "428C9": // an identity column is never set
		return true
	case strings.HasPrefix(state, "23"): // constraints are looked at after the policy let the row through
		return false
	}
	p.t.Fatalf("%s: %v", sql, err)
	return false
}

// copyRefused tells that COPY, which would not look at policies, is refused.
func (p *probe) copyRefused(workspace int64, table string) bool {
	p.t.Helper()
	err := p.inside(workspace, func(tx pgx.Tx) error {
		_, err := tx.Conn().PgConn().CopyFrom(p.t.Context(), strings.NewReader(""), "COPY "+table+" FROM STDIN")
		return err
	})
	state := sqlState(err)
	return state == "0A000" || state == "42501" // feature_not_supported, insufficient_privilege
}

// inside runs f in a transaction that is rolled back.
func (p *probe) inside(workspace int64, f func(pgx.Tx) error) error {
	ctx := p.t.Context()
	tx, err := p.app.Begin(ctx)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // whatever happened in it is not kept
	if workspace != 0 {
		if _, err := tx.Exec(ctx, "SELECT set_config('salesbook.workspace', $1, true)", fmt.Sprint(workspace)); err != nil {
			p.t.Fatal(err)
		}
	}
	return f(tx)
}

func sqlState(err error) string {
	if err == nil {
		return ""
	}
	if pe, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pe.Code
	}
	return err.Error()
}

func TestForeignKeysStayInsideAWorkspace(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	p := probe{t: t, app: d.Connect(t, d.URL), a: d.Workspace(t, "a"), b: d.Workspace(t, "b")}
	var connection int64
	err := d.Connect(t, d.AdminURL).QueryRow(t.Context(),
		"INSERT INTO connections (workspace_id, name, vendor) VALUES ($1, 'theirs', 'pipedrive') RETURNING id", p.b).Scan(&connection)
	if err != nil {
		t.Fatal(err)
	}
	insert := fmt.Sprintf("INSERT INTO credentials (workspace_id, connection_id, sealed, key_id) VALUES ($1, %d, '', 1)", connection)
	for workspace, want := range map[int64]string{p.a: "23503", p.b: ""} {
		err := p.inside(workspace, func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), insert, workspace)
			return err
		})
		if got := sqlState(err); got != want {
			t.Errorf("credentials of workspace %d for a connection of %d: SQLSTATE %q, want %q", workspace, p.b, got, want)
		}
	}
}

func TestApplicationCannotBecomeOthers(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	for _, url := range []string{d.URL, d.RiverURL} {
		conn := d.Connect(t, url)
		for _, sql := range []string{"SET ROLE salesbook_owner", "SET ROLE salesbook_admin", "ALTER TABLE salesbook.deals DISABLE ROW LEVEL SECURITY",
			"SELECT FROM salesbook.vendor_accounts", "CALL salesbook.isolate('salesbook.deals')", "CREATE TABLE salesbook.mine ()"} {
			_, err := conn.Exec(t.Context(), sql)
			if got := sqlState(err); got != "42501" && got != "22023" { // 22023: the role is not on this server
				t.Errorf("%s: SQLSTATE %q, want 42501", sql, got)
			}
		}
	}
	if _, err := d.Connect(t, d.RiverURL).Exec(t.Context(), "SELECT FROM salesbook.deals"); sqlState(err) != "42501" {
		t.Errorf("salesbook_river reads deals: %v", err)
	}
}

func TestSystemFunctionsHaveReasons(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	rows, err := d.Connect(t, d.AdminURL).Query(t.Context(), "SELECT proname FROM pg_proc WHERE pronamespace = 'salesbook'::regnamespace AND prosecdef ORDER BY 1")
	if err != nil {
		t.Fatal(err)
	}
	want, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../migrations/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "## Functions that pass row-level security")
	var got []string
	for _, m := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\| \\S.{10,} \\|$").FindAllStringSubmatch(section, -1) {
		got = append(got, m[1])
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("SECURITY DEFINER functions and those that migrations/README.md gives a reason for (-database +README):\n%s", diff)
	}
}
