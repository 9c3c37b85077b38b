package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/fault"
)

// The roles. Tables belong to ownerRole, which nobody can log in as; row-level
// security is forced on it, too. appRole serves and works and owns nothing.
// riverRole owns the schema of the queue, which rebuilds its indexes itself.
const (
	ownerRole = "salesbook_owner"
	appRole   = "salesbook_app"
	riverRole = "salesbook_river"
)

// oldestServer is the first supported version, as server_version_num counts.
const oldestServer = 14_00_00

// state is what Migrate finds.
type state struct {
	role     string // who we are
	database string
	server   int // server_version_num
	setup    []statement
	tables   bool // our schema's versions can be looked up
	queue    bool // and River's
	version  int64
	river    int
}

// statement is SQL of the setup and the role that has to run it; empty is the
// admin.
type statement struct{ As, SQL string }

func (s state) report() Report {
	r := Report{From: s.version, To: s.version, RiverFrom: s.river, RiverTo: s.river}
	for _, st := range s.setup {
		r.Setup = append(r.Setup, st.SQL)
	}
	return r
}

// survey finds out what is there, and refuses servers on which Migrate cannot
// work. It needs no privileges beyond those to log in.
func (m *migrator) survey(ctx context.Context, conn *pgx.Conn) (state, error) {
	var s state
	var backend uint32
	err := conn.QueryRow(ctx, findServer).Scan(&s.role, &s.database, &s.server, &backend, &s.tables, &s.queue)
	if err != nil {
		return s, fmt.Errorf("look at the database: %w", err)
	}
	if err := m.refusePooler(ctx, conn, backend); err != nil {
		return s, err
	}
	if s.server < oldestServer {
		return s, fault.New(fault.Invalid, "the database server is PostgreSQL %d; salesbook needs %d or newer", s.server/10000, oldestServer/10000)
	}
	if s.setup, err = missingSetup(ctx, conn, s.server); err != nil {
		return s, err
	}
	// While a role or a grant is missing we may not be able to read versions.
	if len(s.setup) > 0 {
		return s, nil
	}
	return s, m.versions(ctx, conn, &s)
}

const findServer = `
	SELECT current_user, current_database(), current_setting('server_version_num')::int, pg_backend_pid(),
		EXISTS (SELECT FROM pg_tables WHERE schemaname = 'salesbook' AND tablename = 'goose_db_version'),
		EXISTS (SELECT FROM pg_tables WHERE schemaname = 'river' AND tablename = 'river_migration')`

// findSetup returns the statements that are missing, in the order in which they
// must run, so that they are at once the work to do and the advice to give to
// somebody with more rights. Settings and privileges hang on roles, not on
// sessions: they hold behind a pooler. $1 is the privilege to SET ROLE, which
// has a name of its own since PostgreSQL 16.
const findSetup = `
	WITH had AS (SELECT
		(SELECT oid FROM pg_roles WHERE rolname = 'salesbook_owner') AS owner,
		(SELECT oid FROM pg_roles WHERE rolname = 'salesbook_app') AS app,
		(SELECT oid FROM pg_roles WHERE rolname = 'salesbook_river') AS river,
		(SELECT oid FROM pg_namespace WHERE nspname = 'salesbook') AS ours,
		(SELECT oid FROM pg_namespace WHERE nspname = 'river') AS queue,
		(SELECT oid FROM pg_database WHERE datname = current_database()) AS db,
		(SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS super)
	SELECT step.run_as, step.sql FROM had, LATERAL (VALUES
		(1, '', 'CREATE ROLE salesbook_owner NOLOGIN', owner IS NULL),
		(2, '', 'CREATE ROLE salesbook_app LOGIN', app IS NULL),
		(3, '', 'CREATE ROLE salesbook_river LOGIN', river IS NULL),
		(4, '', 'ALTER ROLE salesbook_app LOGIN NOSUPERUSER NOBYPASSRLS',
			EXISTS (SELECT FROM pg_roles WHERE oid = app AND (rolsuper OR rolbypassrls OR NOT rolcanlogin))),
		(5, '', 'ALTER ROLE salesbook_river LOGIN NOSUPERUSER NOBYPASSRLS',
			EXISTS (SELECT FROM pg_roles WHERE oid = river AND (rolsuper OR rolbypassrls OR NOT rolcanlogin))),
		(6, '', 'REVOKE salesbook_owner FROM salesbook_app', EXISTS (SELECT FROM pg_auth_members WHERE roleid = owner AND member = app)),
		(7, '', format('GRANT salesbook_owner TO %I', current_user), NOT super AND pg_has_role(owner, $1) IS NOT TRUE),
		(8, '', format('GRANT salesbook_river TO %I', current_user), NOT super AND pg_has_role(river, $1) IS NOT TRUE),
		(9, '', 'ALTER ROLE salesbook_owner SET search_path = salesbook', NOT EXISTS (
			SELECT FROM pg_db_role_setting WHERE setrole = owner AND setdatabase = 0 AND 'search_path=salesbook' = ANY (setconfig))),
		(10, '', 'ALTER ROLE salesbook_app SET search_path = salesbook', NOT EXISTS (
			SELECT FROM pg_db_role_setting WHERE setrole = app AND setdatabase = 0 AND 'search_path=salesbook' = ANY (setconfig))),
		(11, '', 'ALTER ROLE salesbook_river SET search_path = river', NOT EXISTS (
			SELECT FROM pg_db_role_setting WHERE setrole = river AND setdatabase = 0 AND 'search_path=river' = ANY (setconfig))),
		-- For people at a psql prompt: nothing of ours needs it, so a setting of somebody else's stays.
		(12, '', format('ALTER DATABASE %I SET search_path = salesbook, public', current_database()),
			pg_has_role((SELECT datdba FROM pg_database WHERE oid = db), 'USAGE') AND NOT EXISTS (
			SELECT FROM pg_db_role_setting, unnest(setconfig) one WHERE setrole = 0 AND setdatabase = db AND one LIKE 'search_path=%')),
		(13, '', 'CREATE SCHEMA salesbook AUTHORIZATION salesbook_owner', ours IS NULL),
		(14, '', 'CREATE SCHEMA river AUTHORIZATION salesbook_river', queue IS NULL),
		(15, '', 'ALTER SCHEMA salesbook OWNER TO salesbook_owner', EXISTS (SELECT FROM pg_namespace WHERE oid = ours AND nspowner IS DISTINCT FROM owner)),
		(16, '', 'ALTER SCHEMA river OWNER TO salesbook_river', EXISTS (SELECT FROM pg_namespace WHERE oid = queue AND nspowner IS DISTINCT FROM river)),
		(17, 'salesbook_owner', 'GRANT USAGE ON SCHEMA salesbook TO salesbook_app', has_schema_privilege(app, ours, 'USAGE') IS NOT TRUE),
		(18, 'salesbook_river', 'GRANT USAGE ON SCHEMA river TO salesbook_app', has_schema_privilege(app, queue, 'USAGE') IS NOT TRUE),
		-- Jobs are inserted in the transactions of the application.
		(19, 'salesbook_river', 'ALTER DEFAULT PRIVILEGES FOR ROLE salesbook_river IN SCHEMA river GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO salesbook_app',
			NOT EXISTS (SELECT FROM pg_default_acl d, aclexplode(d.defaclacl) a WHERE d.defaclrole = river AND d.defaclnamespace = queue
				AND d.defaclobjtype = 'r' AND a.grantee = app AND a.privilege_type = 'DELETE')),
		(20, 'salesbook_river', 'ALTER DEFAULT PRIVILEGES FOR ROLE salesbook_river IN SCHEMA river GRANT USAGE, SELECT ON SEQUENCES TO salesbook_app',
			NOT EXISTS (SELECT FROM pg_default_acl d, aclexplode(d.defaclacl) a WHERE d.defaclrole = river AND d.defaclnamespace = queue
				AND d.defaclobjtype = 'S' AND a.grantee = app AND a.privilege_type = 'USAGE')),
		(21, '', format('GRANT CONNECT ON DATABASE %I TO salesbook_app, salesbook_river', current_database()),
			NOT has_database_privilege('public', db, 'CONNECT') AND
			(has_database_privilege(app, db, 'CONNECT') AND has_database_privilege(river, db, 'CONNECT')) IS NOT TRUE)
	) AS step (place, run_as, sql, missing) WHERE step.missing ORDER BY step.place`

func missingSetup(ctx context.Context, conn *pgx.Conn, server int) ([]statement, error) {
	privilege := "MEMBER"
	if server >= 16_00_00 {
		privilege = "SET"
	}
	rows, err := conn.Query(ctx, findSetup, privilege)
	if err != nil {
		return nil, fmt.Errorf("look at roles and schemas: %w", err)
	}
	missing, err := pgx.CollectRows(rows, pgx.RowToStructByPos[statement])
	if err != nil {
		return nil, fmt.Errorf("look at roles and schemas: %w", err)
	}
	return missing, nil
}

// setUp runs what is missing, all or nothing.
func (m *migrator) setUp(ctx context.Context, conn *pgx.Conn, s state) error {
	err := patiently(ctx, m.tries, roleRacePause, isRoleRace, func() error {
		missing, err := missingSetup(ctx, conn, s.server)
		if err != nil {
			return err
		}
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { return runSetup(ctx, tx, missing) })
	})
	if code(err) == insufficientPrivilege {
		return s.advice(err)
	}
	return err
}

func runSetup(ctx context.Context, tx pgx.Tx, todo []statement) error {
	for _, st := range todo {
		if st.As != "" {
			if _, err := tx.Exec(ctx, "SET LOCAL ROLE "+st.As); err != nil {
				return fmt.Errorf("work as %s: %w", st.As, err)
			}
		}
		if _, err := tx.Exec(ctx, st.SQL); err != nil {
			return fmt.Errorf("%s: %w", st.SQL, err)
		}
		if st.As != "" {
			if _, err := tx.Exec(ctx, "RESET ROLE"); err != nil {
				return err
			}
		}
	}
	return nil
}

// advice turns a refusal into what a superuser has to type.
func (s state) advice(cause error) error {
	var sql strings.Builder
	for _, st := range s.setup {
		fmt.Fprintf(&sql, "\n  %s;", st.SQL)
	}
	return fault.New(fault.Forbidden, "the role %q may not set up the database: %w\nHave a superuser run this in the database %q, then migrate again:%s",
		s.role, cause, s.database, sql.String())
}

// isRoleRace tells failures that vanish when the setup is looked at again:
// roles belong to the whole server, and a migration of another database there,
// which our lock does not cover, may be making the same ones.
func isRoleRace(err error) bool {
	switch code(err) {
	case "23505", "42710": // it was created meanwhile
		return true
	case "XX000":
		return strings.Contains(err.Error(), "concurrently updated")
	}
	return false
}

const insufficientPrivilege = "42501"
