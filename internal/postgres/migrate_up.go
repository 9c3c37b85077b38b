package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"salesbook.dev/internal/fault"
)

// roleRacePause is short: the other side's transaction takes milliseconds.
const roleRacePause = 20 * time.Millisecond

// up runs our migrations beyond version from and returns their file names, also
// those that ran before one failed.
func (m *migrator) up(ctx context.Context, from int64) ([]string, error) {
	if from >= m.newest {
		return nil, nil
	}
	db := stdlib.OpenDB(*m.sessionConfig(), stdlib.OptionAfterConnect(func(ctx context.Context, c *pgx.Conn) error {
		return m.become(ctx, c, ownerRole, "salesbook")
	}))
	defer db.Close()
	provider, err := goose.NewProvider(goose.DialectPostgres, db, m.files,
		goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return nil, fmt.Errorf("read the migrations: %w", err)
	}
	var applied []string
	err = patiently(ctx, m.tries, m.pause, isLockedOut, func() error {
		results, err := provider.Up(ctx)
		failed := ""
		if part, ok := errors.AsType[*goose.PartialError](err); ok {
			results, failed = part.Applied, part.Failed.Source.Path
		}
		for _, r := range results {
			applied = append(applied, r.Source.Path)
			m.Log.Info("migrated", "file", r.Source.Path, "took", r.Duration)
		}
		return m.explain(failed, err)
	})
	return applied, err
}

// riverUp runs River's migrations beyond version from.
func (m *migrator) riverUp(ctx context.Context, from int) error {
	if from >= m.river {
		return nil
	}
	config, err := pgxpool.ParseConfig(m.config.ConnString())
	if err != nil {
		return fault.New(fault.Invalid, "the admin's database URL cannot be read")
	}
	config.ConnConfig = m.sessionConfig()
	config.MaxConns = 2
	config.AfterConnect = func(ctx context.Context, c *pgx.Conn) error { return m.become(ctx, c, riverRole, "river") }
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("connect to migrate the queue: %w", err)
	}
	defer pool.Close()
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Schema: "river", Logger: m.Log})
	if err != nil {
		return fmt.Errorf("read the queue's migrations: %w", err)
	}
	return patiently(ctx, m.tries, m.pause, isLockedOut, func() error {
		_, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
		return m.explain("of the queue", err)
	})
}

// sessionConfig is for connections that are known to be direct.
func (m *migrator) sessionConfig() *pgx.ConnConfig {
	config := m.config.Copy()
	config.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	return config
}

func (m *migrator) explain(migration string, err error) error {
	if isLockedOut(err) {
		return fault.New(fault.Conflict, "migration %s gave up waiting for a lock on a table that another session holds, %d times: "+
			"end long transactions (SELECT pid, xact_start, query FROM pg_stat_activity WHERE xact_start < now() - interval '3 s') or migrate at a quieter time: %w", migration, m.tries, err)
	}
	if err != nil {
		return fmt.Errorf("migration %s: %w", migration, err)
	}
	return nil
}

// isLockedOut tells lock_timeout and deadlock: nothing of the migration has
// happened, another try may find the table free.
func isLockedOut(err error) bool {
	c := code(err)
	return c == "55P03" || c == "40P01"
}

// patiently repeats f while it fails transiently, at most tries times in all,
// with pauses that double.
func patiently(ctx context.Context, tries int, pause time.Duration, transient func(error) bool, f func() error) error {
	for ; ; tries, pause = tries-1, 2*pause {
		err := f()
		if tries <= 1 || !transient(err) {
			return err
		}
		if slept := sleep(ctx, pause); slept != nil {
			return errors.Join(err, slept)
		}
	}
}

// newestVersion returns the number of the last migration.
func newestVersion(files fs.FS) (int64, error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil || len(names) == 0 {
		return 0, fmt.Errorf("no migrations in this binary: %w", err)
	}
	return goose.NumericComponent(names[len(names)-1])
}

// between returns the names of the migrations beyond from, up to to.
func (m *migrator) between(from, to int64) ([]string, error) {
	names, err := fs.Glob(m.files, "*.sql")
	if err != nil {
		return nil, err
	}
	var between []string
	for _, name := range names {
		v, err := goose.NumericComponent(name)
		if err != nil {
			return nil, err
		}
		if v > from && v <= to {
			between = append(between, name)
		}
	}
	return between, nil
}

// newestRiver returns the version of River's schema that its library needs.
func newestRiver() (int, error) {
	migrator, err := rivermigrate.New(riverpgxv5.New(nil), nil)
	if err != nil {
		return 0, fmt.Errorf("read the queue's migrations: %w", err)
	}
	all := migrator.AllVersions()
	return all[len(all)-1].Version, nil
}
