package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/fault"
	"salesbook.dev/migrations"
)

// SchemaVersion returns the number of the newest migration that has run on the
// database, 0 on one that was never migrated.
func SchemaVersion(ctx context.Context, db *DB) (int64, error) {
	var version int64
	err := db.pool.QueryRow(ctx, "SELECT schema_version()").Scan(&version)
	if code(err) == "42883" { // no such function
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read the schema's version: %w", err)
	}
	return version, nil
}

// CheckSchema refuses to work on a schema that this binary does not know: it
// runs on its own version and, during a rolling upgrade, on the next.
func CheckSchema(ctx context.Context, db *DB) error {
	newest, err := newestVersion(migrations.FS)
	if err != nil {
		return err
	}
	version, err := SchemaVersion(ctx, db)
	if err != nil {
		return err
	}
	if version < newest {
		return fault.New(fault.Invalid, "the database schema is at version %d, this binary needs %d: run `salesbook migrate`", version, newest)
	}
	return refuseNewer(version, newest)
}

func refuseNewer(version, newest int64) error {
	if version > newest+1 {
		return fault.New(fault.Invalid, "the database schema is at version %d, made by a newer release; this binary knows versions up to %d and runs on %d: install the newer release", version, newest, newest+1)
	}
	return nil
}

// versions reads the versions of our schema and of River's into s, each as the
// role that owns it, and refuses a schema that is too new.
func (m *migrator) versions(ctx context.Context, conn *pgx.Conn, s *state) error {
	err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if s.tables {
			if err := readAs(ctx, tx, ownerRole, "SELECT COALESCE(max(version_id), 0) FROM salesbook.goose_db_version WHERE is_applied", &s.version); err != nil {
				return err
			}
		}
		if s.queue {
			return readAs(ctx, tx, riverRole, "SELECT COALESCE(max(version), 0) FROM river.river_migration", &s.river)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the schema's version: %w", err)
	}
	return refuseNewer(s.version, m.newest)
}

func readAs(ctx context.Context, tx pgx.Tx, role, sql string, to any) error {
	if _, err := tx.Exec(ctx, "SET LOCAL ROLE "+role); err != nil {
		return fmt.Errorf("work as %s: %w", role, err)
	}
	if err := tx.QueryRow(ctx, sql).Scan(to); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "RESET ROLE")
	return err
}
