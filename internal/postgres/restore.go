package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/fault"
)

// aside is what our schemas are called while a restore fills new ones.
const aside = "_before_restore"

// Restoration is a database whose schemas are being restored from a dump. What
// was there before stands aside until Finish, and comes back with Abandon.
type Restoration struct {
	conn *pgx.Conn
}

// BeginRestore makes room for a dump in the database at adminURL: roles are
// made, and our schemas put aside. A database that holds connections is
// fault.Conflict unless forced. The admin must be able to write all rows.
func BeginRestore(ctx context.Context, adminURL string, force bool) (*Restoration, error) {
	// A newer dump brings its own schema; an older one is migrated afterwards.
	if _, err := Migrate(ctx, adminURL, MigrateOptions{}); err != nil {
		return nil, err
	}
	conn, err := pgx.Connect(ctx, adminURL)
	if err != nil {
		return nil, fmt.Errorf("connect to the database as its admin: %w", err)
	}
	r := &Restoration{conn}
	if err := r.prepare(ctx, force); err != nil {
		hangUp(ctx, conn)
		return nil, err
	}
	return r, nil
}

func (r *Restoration) prepare(ctx context.Context, force bool) error {
	if err := mayCopyAll(ctx, r.conn); err != nil {
		return err
	}
	var connections int64
	var working bool
	err := r.conn.QueryRow(ctx, `SELECT (SELECT count(*) FROM salesbook.connections), EXISTS (SELECT FROM river.river_leader WHERE expires_at > now())`).Scan(&connections, &working)
	if err != nil {
		return err
	}
	if working {
		return fault.New(fault.Conflict, "workers are running on this database: stop every salesbook process first")
	}
	if connections > 0 && !force {
		return fault.New(fault.Conflict, "the database is not empty (connections: %d, with what was read through them); restore into another one, or replace all of it with --force", connections)
	}
	return pgx.BeginFunc(ctx, r.conn, func(tx pgx.Tx) error {
		for _, schema := range []string{"salesbook", "river"} {
			if _, err := tx.Exec(ctx, "DROP SCHEMA IF EXISTS "+schema+aside+" CASCADE"); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, "ALTER SCHEMA "+schema+" RENAME TO "+schema+aside); err != nil {
				return fmt.Errorf("put the schema %s aside: %w (is another process using the database?)", schema, err)
			}
		}
		return nil
	})
}

// MayCopyAll tells whether the admin at adminURL sees all rows: dumps and
// restores must not be bound by row-level security.
func MayCopyAll(ctx context.Context, adminURL string) error {
	conn, err := pgx.Connect(ctx, adminURL)
	if err != nil {
		return fmt.Errorf("connect to the database as its admin: %w", err)
	}
	defer hangUp(ctx, conn)
	return mayCopyAll(ctx, conn)
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

// Finish pauses every connection that was restored, notes the restore, drops
// what stood aside, and brings the schema up to this binary.
func (r *Restoration) Finish(ctx context.Context, adminURL string) (paused int64, err error) {
	defer hangUp(ctx, r.conn)
	err = pgx.BeginFunc(ctx, r.conn, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE salesbook.connections SET state = 'paused', state_why = 'restored from a dump', state_at = now() WHERE state <> 'paused'`)
		if err != nil {
			return err
		}
		paused = tag.RowsAffected()
		if _, err := tx.Exec(ctx, `UPDATE salesbook.installation SET restored_at = now()`); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "DROP SCHEMA salesbook"+aside+" CASCADE; DROP SCHEMA river"+aside+" CASCADE", pgx.QueryExecModeSimpleProtocol)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("finish the restore: %w", errors.Join(err, r.back(ctx)))
	}
	_, err = Migrate(ctx, adminURL, MigrateOptions{})
	return paused, err
}

// Abandon puts back what was there before the restore.
func (r *Restoration) Abandon(ctx context.Context) error {
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	defer hangUp(late, r.conn)
	return r.back(late)
}

func (r *Restoration) back(ctx context.Context) error {
	return pgx.BeginFunc(ctx, r.conn, func(tx pgx.Tx) error {
		for _, schema := range []string{"salesbook", "river"} {
			if _, err := tx.Exec(ctx, "DROP SCHEMA IF EXISTS "+schema+" CASCADE"); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, "ALTER SCHEMA "+schema+aside+" RENAME TO "+schema); err != nil {
				return err
			}
		}
		return nil
	})
}
