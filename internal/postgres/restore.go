package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/fault"
)

// A dump is restored by psql, as one script: RestoreBegin, what pg_restore
// writes, RestoreEnd. It is one transaction: whatever ends it early, kill -9
// included, leaves everything as it was. Connections end paused and channels
// stopped, so that a copy of a production does not begin to talk to its vendors
// and people, and none writes to its vendor until a person says so: edits of the
// dump may have been made since. Dumps of older releases know none of these. What
// recognises erased persons is kept over it: the dump may be older than an erasure.
const (
	RestoreBegin = `BEGIN;
CREATE SCHEMA IF NOT EXISTS salesbook_kept;
CREATE TABLE IF NOT EXISTS salesbook_kept.erasure_keys (workspace_id bigint PRIMARY KEY, sealed bytea NOT NULL, key_id bigint NOT NULL);
CREATE TABLE IF NOT EXISTS salesbook_kept.suppressions (workspace_id bigint, digest bytea, erased_at timestamptz NOT NULL, PRIMARY KEY (workspace_id, digest));
CREATE TABLE IF NOT EXISTS salesbook_kept.installation (created_at timestamptz PRIMARY KEY, accounts bigint NOT NULL);
INSERT INTO salesbook_kept.installation SELECT created_at, COALESCE((SELECT max(id) FROM salesbook.vendor_accounts), 0) FROM salesbook.installation ON CONFLICT DO NOTHING;
INSERT INTO salesbook_kept.erasure_keys SELECT workspace_id, sealed, key_id FROM salesbook.erasure_keys ON CONFLICT DO NOTHING;
INSERT INTO salesbook_kept.suppressions SELECT workspace_id, digest, erased_at FROM salesbook.suppressions ON CONFLICT DO NOTHING;
DROP SCHEMA IF EXISTS salesbook CASCADE;
DROP SCHEMA IF EXISTS river CASCADE;
`
	RestoreEnd = `
UPDATE salesbook.connections SET state = 'paused', state_why = 'restored from a dump', state_at = now() WHERE state NOT IN ('paused', 'removing');
DO $$ BEGIN
  IF EXISTS (SELECT FROM information_schema.columns WHERE (table_schema, table_name, column_name) = ('salesbook', 'connections', 'writes')) THEN
    UPDATE salesbook.connections SET writes = 'stopped', writes_why = 'restored from a dump', writes_by = 'salesbook', writes_at = now();
  END IF;
END $$;
UPDATE salesbook.installation SET restored_at = now();
DO $$ BEGIN
  IF to_regclass('salesbook.channels') IS NOT NULL THEN
    UPDATE salesbook.channels SET state = 'stopped', why = 'restored from a dump' WHERE state = 'active';
    UPDATE salesbook.mail_servers SET state = 'stopped', why = 'restored from a dump' WHERE state = 'active';
  END IF;
END $$;
COMMIT;
`
)

// PrepareRestore makes sure that a dump can be restored into the database at
// adminURL and makes the roles that own it. A database that holds connections
// is fault.Conflict unless forced, one on which workers run always.
func PrepareRestore(ctx context.Context, adminURL string, force bool) error {
	if _, err := Migrate(ctx, adminURL, MigrateOptions{}); err != nil {
		return err
	}
	return asAdmin(ctx, adminURL, func(conn *pgx.Conn) error {
		if err := mayCopyAll(ctx, conn); err != nil {
			return err
		}
		var connections int64
		var working bool
		err := conn.QueryRow(ctx, `SELECT (SELECT count(*) FROM salesbook.connections), EXISTS (SELECT FROM river.river_leader WHERE expires_at > now())`).Scan(&connections, &working)
		switch {
		case err != nil:
			return err
		case working:
			return fault.New(fault.Conflict, "workers are running on this database: stop every salesbook process first")
		case connections > 0 && !force:
			return fault.New(fault.Conflict, "the database is not empty (connections: %d, with what was read through them); restore into another one, or replace all of it with --force", connections)
		}
		return nil
	})
}

// keptBack brings back what was kept over a restore. If the dump is of the same
// installation, which its first instant tells, what was kept is all that there
// is: a secret that the dump has beside it was given up since. What was kept of
// another installation speaks of other companies.
const keptBack = `
	CREATE TEMP TABLE kept_of AS SELECT k.workspace_id, k.sealed, k.key_id FROM salesbook_kept.erasure_keys k
		JOIN salesbook.workspaces w ON w.id = k.workspace_id
		JOIN salesbook_kept.installation b ON true JOIN salesbook.installation i ON i.created_at = b.created_at;
	DELETE FROM salesbook.suppressions s USING kept_of k WHERE s.workspace_id = k.workspace_id;
	DELETE FROM salesbook.erasure_keys e USING kept_of k WHERE e.workspace_id = k.workspace_id;
	INSERT INTO salesbook.erasure_keys SELECT workspace_id, sealed, key_id FROM kept_of;
	INSERT INTO salesbook.suppressions SELECT s.workspace_id, s.digest, s.erased_at FROM salesbook_kept.suppressions s JOIN kept_of USING (workspace_id);
	SELECT setval(pg_get_serial_sequence('salesbook.vendor_accounts', 'id'), greatest(b.accounts, (SELECT max(id) FROM salesbook.vendor_accounts)))
		FROM salesbook_kept.installation b WHERE greatest(b.accounts, (SELECT max(id) FROM salesbook.vendor_accounts)) > 0;
	DROP TABLE kept_of;
	DROP SCHEMA salesbook_kept CASCADE`

// FinishRestore brings what was restored up to this binary's schema, and
// returns how many connections wait to be resumed.
func FinishRestore(ctx context.Context, adminURL string) (paused int64, err error) {
	if _, err := Migrate(ctx, adminURL, MigrateOptions{}); err != nil {
		return 0, err
	}
	err = asAdmin(ctx, adminURL, func(conn *pgx.Conn) error {
		if _, err := conn.Exec(ctx, keptBack); err != nil {
			return fmt.Errorf("bring back what recognises erased persons: %w", err)
		}
		return conn.QueryRow(ctx, `SELECT count(*) FROM salesbook.connections WHERE state = 'paused'`).Scan(&paused)
	})
	return paused, err
}

// MayCopyAll tells whether the admin at adminURL sees all rows: dumps and
// restores must not be bound by row-level security.
func MayCopyAll(ctx context.Context, adminURL string) error {
	return asAdmin(ctx, adminURL, func(conn *pgx.Conn) error { return mayCopyAll(ctx, conn) })
}

func mayCopyAll(ctx context.Context, conn *pgx.Conn) error {
	var role string
	var free bool
	err := conn.QueryRow(ctx, `SELECT current_user, rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user`).Scan(&role, &free)
	if err == nil && !free {
		err = fault.New(fault.Forbidden, "the role %q is bound by row-level security, so a dump made or restored by it would not hold everything; use a superuser, or have one run: ALTER ROLE %s BYPASSRLS", role, role)
	}
	return err
}

func asAdmin(ctx context.Context, adminURL string, do func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, adminURL)
	if err != nil {
		return fmt.Errorf("connect to the database as its admin: %w", err)
	}
	defer hangUp(ctx, conn)
	return do(conn)
}
