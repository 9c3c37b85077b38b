package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"salesbook.dev/internal/fault"
)

// migrationLock is the key of the advisory lock under which everything that
// Migrate changes is changed: our schema and River's, whose migrator has no
// lock of its own and fails when two begin on an empty database.
const migrationLock int64 = 0x73616c6573626f6f // "salesboo"

// lockTimeout ends a statement that needs a lock on a table which is in use:
// whoever comes after it would have to wait behind it.
const lockTimeout = 3 * time.Second

// unlimited lets a session outlive what the server may impose on sessions of
// the application.
const unlimited = "SET statement_timeout = 0; SET idle_session_timeout = 0; SET idle_in_transaction_session_timeout = 0"

// lock waits until no other migration of this database runs, for as long as ctx
// allows. It asks again and again instead of waiting in pg_advisory_lock: a
// session that waits inside a statement holds a snapshot, and CREATE INDEX
// CONCURRENTLY in the migration it waits for would wait for that snapshot.
func (m *migrator) lock(ctx context.Context, conn *pgx.Conn) error {
	if err := script(ctx, conn, unlimited); err != nil {
		return fmt.Errorf("prepare to migrate: %w", err)
	}
	for tries := 0; ; tries++ {
		var mine bool
		err := conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", migrationLock).Scan(&mine)
		if err == nil && mine {
			return nil
		}
		if err == nil && tries == 0 {
			m.Log.Info("another process is migrating this database, waiting for it")
		}
		if err == nil {
			err = sleep(ctx, 50*time.Millisecond)
		}
		if ctx.Err() != nil {
			return fmt.Errorf("another process is still migrating this database: %w", context.Cause(ctx))
		}
		if err != nil {
			return fmt.Errorf("take the migration lock: %w", err)
		}
	}
}

// script runs statements that return nothing, separated by semicolons.
func script(ctx context.Context, conn *pgx.Conn, sql string) error {
	return conn.PgConn().Exec(ctx, sql).Close()
}

// sleep returns the cause when ctx ends first.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// refusePooler fails when conn leads through a transaction pooler, where a
// session's lock and settings land on whichever server connection is free.
//
// A direct connection is told its backend's process id when it opens, so equal
// ids are proof. Poolers invent one, but so do proxies that keep a session
// together (for their cancel keys): those have to show it.
func (m *migrator) refusePooler(ctx context.Context, conn *pgx.Conn, backend uint32) error {
	if conn.PgConn().PID() == backend {
		return nil
	}
	mark := fmt.Sprintf("probe-%x", rand.Uint64())
	if _, err := conn.Exec(ctx, "SELECT set_config('salesbook.probe', $1, false)", mark); err != nil {
		return fmt.Errorf("look for a connection pooler: %w", err)
	}
	other, err := pgx.ConnectConfig(ctx, m.config)
	if err != nil {
		return fmt.Errorf("look for a connection pooler: %w", err)
	}
	defer hangUp(ctx, other)
	// An open transaction keeps a server connection to itself. If it is the one
	// with our mark, or if ours must do without that now, a pooler mixes them.
	shared := false
	err = pgx.BeginFunc(ctx, other, func(tx pgx.Tx) error {
		var theirs, ours string
		if err := tx.QueryRow(ctx, readMark).Scan(&theirs); err != nil {
			return err
		}
		if theirs == mark {
			shared = true
			_, err := tx.Exec(ctx, "SELECT set_config('salesbook.probe', '', false)")
			return err
		}
		err := conn.QueryRow(ctx, readMark).Scan(&ours)
		shared = ours != mark
		return err
	})
	if err != nil {
		return fmt.Errorf("look for a connection pooler: %w", err)
	}
	if shared {
		return fault.New(fault.Invalid, "a transaction pooler stands between salesbook and the database; migrations need a session of their own: set DATABASE_DIRECT_URL to the server itself (serve and work may keep using the pooler)")
	}
	return nil
}

const readMark = "SELECT COALESCE(current_setting('salesbook.probe', true), '')"

// become makes a session work as one of our roles, finding its tables.
func (m *migrator) become(ctx context.Context, conn *pgx.Conn, role, schema string) error {
	sql := fmt.Sprintf("%s; SET lock_timeout = %d; SET ROLE %s; SET search_path = %s", unlimited, m.lockTimeout.Milliseconds(), role, schema)
	if err := script(ctx, conn, sql); err != nil {
		return fmt.Errorf("work as %s: %w", role, err)
	}
	return nil
}

// code returns the SQLSTATE of err, or "".
func code(err error) string {
	if pe, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pe.Code
	}
	return ""
}
