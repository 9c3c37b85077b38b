// Package postgres holds all SQL: one file per aggregate, and the one way to
// a transaction inside a workspace. It also implements what other packages
// ask of the database: the governor of rest, token sources, leases.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"salesbook.dev/internal/fault"
)

// DB is the application's pool. It serves as salesbook_app, which row-level
// security binds: outside In nothing of any workspace can be seen.
type DB struct {
	pool *pgxpool.Pool
}

// Options tune Open.
type Options struct {
	MaxConns int             // 0: 16
	Pooler   bool            // a transaction pooler stands between: no prepared statements, no session state
	Tracer   pgx.QueryTracer // is told of every statement, see NewTracer; nil: nobody is
}

// Open connects and refuses a role that row-level security would not bind.
// The URL's role should be salesbook_app, see migrations/README.md.
func Open(ctx context.Context, url string, o Options) (*DB, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fault.New(fault.Invalid, "the database URL cannot be read (its text is not shown, it may hold a password)")
	}
	cfg.MaxConns = 16
	if o.MaxConns > 0 {
		cfg.MaxConns = int32(o.MaxConns)
	}
	if o.Pooler {
		// Statements are described unnamed and then sent whole each time, so any
		// server connection can run them; their types are still known.
		cfg.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	}
	cfg.ConnConfig.Tracer = o.Tracer
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to the database: %w", err)
	}
	db := &DB{pool: pool}
	if err := db.checkRole(ctx); err != nil {
		pool.Close()
		return nil, err
	}
	return db, nil
}

// checkRole refuses to serve under a role for which isolation would not hold.
func (db *DB) checkRole(ctx context.Context) error {
	var role string
	var super, bypass, owns bool
	err := db.pool.QueryRow(ctx, `
		SELECT current_user, r.rolsuper, r.rolbypassrls, EXISTS (
			SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE n.nspname = 'salesbook' AND pg_has_role(current_user, c.relowner, 'MEMBER'))
		FROM pg_roles r WHERE r.rolname = current_user`).Scan(&role, &super, &bypass, &owns)
	if err != nil {
		return fmt.Errorf("connect to the database: %w", err)
	}
	if super || bypass || owns {
		return fault.New(fault.Invalid, "the database role %q is not bound by row-level security (superuser, BYPASSRLS or owner of the tables); connect as salesbook_app, which `salesbook migrate` makes", role)
	}
	return nil
}

// Close waits for running queries and closes the pool.
func (db *DB) Close() { db.pool.Close() }

// Ping asks the database for a sign of life.
func (db *DB) Ping(ctx context.Context) error { return db.pool.Ping(ctx) }

// Now returns the database's clock, which leases, schedules and tokens go by.
func (db *DB) Now(ctx context.Context) (time.Time, error) {
	var t time.Time
	err := db.pool.QueryRow(ctx, "SELECT now()").Scan(&t)
	return t, err
}

// In runs f in a transaction that sees one workspace. It commits when f
// returns nil. After a deadlock, a serialization failure or a lock that was not
// to be had within three seconds f runs once more, so f must not keep results
// of a failed try. The last of these also ends waits in circles that PostgreSQL
// cannot see, because a part of them is in this process: a page that waits for
// the one before it to commit.
func (db *DB) In(ctx context.Context, workspace int64, f func(tx pgx.Tx) error) error {
	return db.in(ctx, workspace, enterSQL, f)
}

// InByKey is In for pages of records, whose statements look many rows up by
// their keys. The planner may not read whole tables for them: a session plans a
// statement once, and a table that is small when a load begins does not stay so.
func (db *DB) InByKey(ctx context.Context, workspace int64, f func(tx pgx.Tx) error) error {
	return db.in(ctx, workspace, enterSQL+`, set_config('enable_seqscan', 'off', true)`, f)
}

func (db *DB) in(ctx context.Context, workspace int64, enter string, f func(tx pgx.Tx) error) error {
	const tries = 4
	var err error
	for range tries {
		err = pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, enter, workspace); err != nil {
				return err
			}
			return f(tx)
		})
		if !isContention(err) {
			return err
		}
	}
	return err
}

// enterSQL binds a transaction to a workspace until it ends.
const enterSQL = "SELECT set_config('salesbook.workspace', $1::bigint::text, true), set_config('lock_timeout', '3s', true)"

// isContention tells failures that vanish when the transaction is repeated.
func isContention(err error) bool {
	pe, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (pe.Code == "40001" || pe.Code == "40P01" || pe.Code == "55P03")
}

// notFound gives a missing row its kind and words.
func notFound(err error, format string, args ...any) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return fault.New(fault.NotFound, format, args...)
	}
	return err
}
