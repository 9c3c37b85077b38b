package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/postgres/pgtest"
	"salesbook.dev/migrations"
)

func TestMigrateOnceAndAgain(t *testing.T) {
	t.Parallel()
	d := pgtest.Empty(t)
	names, err := fs.Glob(migrations.FS, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	newest := versionOf(t, names[len(names)-1])

	pending, err := postgres.Pending(t.Context(), d.AdminURL)
	if err != nil {
		t.Fatal(err)
	}
	first := migrate(t, d.AdminURL)
	want := postgres.Report{Setup: first.Setup, To: newest, Applied: names, RiverTo: first.RiverTo}
	if diff := cmp.Diff(want, first); diff != "" || first.RiverTo < 8 {
		t.Errorf("first migration, River at %d (-want +got):\n%s", first.RiverTo, diff)
	}
	if diff := cmp.Diff(first, pending); diff != "" {
		t.Errorf("what was done and what had been announced (-done +announced):\n%s", diff)
	}

	second := migrate(t, d.AdminURL)
	want = postgres.Report{From: newest, To: newest, RiverFrom: first.RiverTo, RiverTo: first.RiverTo}
	if diff := cmp.Diff(want, second); diff != "" {
		t.Errorf("second migration (-want +got):\n%s", diff)
	}
	db, err := postgres.Open(t.Context(), d.URL, postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := postgres.CheckSchema(t.Context(), db); err != nil {
		t.Error(err)
	}
}

func migrate(t *testing.T, url string) postgres.Report {
	t.Helper()
	r, err := postgres.Migrate(t.Context(), url, postgres.MigrateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRacingMigratorsAllSucceed(t *testing.T) {
	t.Parallel()
	d := pgtest.Empty(t)
	race(t, d.AdminURL, d.AdminURL, d.AdminURL)
}

// race migrates all at once and expects each database to be migrated once.
func race(t *testing.T, urls ...string) {
	t.Helper()
	type outcome struct {
		url string
		postgres.Report
		err error
	}
	outcomes := make(chan outcome)
	for _, url := range urls {
		go func() {
			r, err := postgres.Migrate(t.Context(), url, postgres.MigrateOptions{})
			outcomes <- outcome{url, r, err}
		}()
	}
	applied := map[string]int{}
	for range urls {
		o := <-outcomes
		if o.err != nil {
			t.Error(o.err)
		}
		applied[o.url] += len(o.Applied)
	}
	names, err := fs.Glob(migrations.FS, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for url, n := range applied {
		if n != len(names) {
			t.Errorf("%d migrations were applied to %s, want %d", n, url, len(names))
		}
	}
}

func TestMigrateIntoTheFuture(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	known := migrate(t, d.AdminURL).To
	admin := d.Connect(t, d.AdminURL)
	for beyond, wantErr := range map[int64]bool{1: false, 2: true} {
		if _, err := admin.Exec(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES ($1, true)", known+beyond); err != nil {
			t.Fatal(err)
		}
		_, migrateErr := postgres.Migrate(t.Context(), d.AdminURL, postgres.MigrateOptions{})
		for what, err := range map[string]error{"Migrate": migrateErr, "CheckSchema": postgres.CheckSchema(t.Context(), d.DB)} {
			if (err != nil) != wantErr || wantErr && !strings.Contains(err.Error(), fmt.Sprintf("version %d, made by a newer release", known+beyond)) {
				t.Errorf("%s on a schema %d ahead: %v; want an error: %v", what, beyond, err, wantErr)
			}
		}
		if _, err := admin.Exec(t.Context(), "DELETE FROM goose_db_version WHERE version_id = $1", known+beyond); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCheckSchemaOnAnOldOne(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	known := migrate(t, d.AdminURL).To
	admin := d.Connect(t, d.AdminURL)
	if _, err := admin.Exec(t.Context(), "DELETE FROM goose_db_version WHERE version_id = $1", known); err != nil {
		t.Fatal(err)
	}
	var before int64
	if err := admin.QueryRow(t.Context(), "SELECT max(version_id) FROM goose_db_version").Scan(&before); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("the database schema is at version %d, this binary needs %d: run `salesbook migrate`", before, known)
	if err := postgres.CheckSchema(t.Context(), d.DB); err == nil || err.Error() != want {
		t.Errorf("CheckSchema: %v; want: %s", err, want)
	}
	if _, err := admin.Exec(t.Context(), "DROP SCHEMA salesbook CASCADE"); err != nil {
		t.Fatal(err)
	}
	if v, err := postgres.SchemaVersion(t.Context(), d.DB); v != 0 || err != nil {
		t.Errorf("SchemaVersion without a schema: %d, %v; want 0, nil", v, err)
	}
}

// versionOf reads the number at the beginning of a migration's name.
func versionOf(t *testing.T, name string) int64 {
	t.Helper()
	number, _, _ := strings.Cut(name, "_")
	version, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return version
}

// later adds migrations to those of the binary.
func later(t *testing.T, sql ...string) fs.FS {
	t.Helper()
	files := fstest.MapFS{}
	names, err := fs.Glob(migrations.FS, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		data, err := fs.ReadFile(migrations.FS, name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: data}
	}
	for i, text := range sql {
		files[fmt.Sprintf("%04d_later.sql", versionOf(t, names[len(names)-1])+1+int64(i))] = &fstest.MapFile{Data: []byte(text)}
	}
	return files
}

func TestMigrationThatMeetsALock(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	files := later(t, "-- +goose Up\nALTER TABLE workspaces ADD extra int;", "-- +goose Up\nALTER TABLE teams ADD extra int;")
	holder := d.Connect(t, d.AdminURL)
	tx, err := holder.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "LOCK TABLE teams IN ACCESS SHARE MODE"); err != nil {
		t.Fatal(err)
	}
	r, err := postgres.MigrateFiles(t.Context(), d.AdminURL, files, 20*time.Millisecond)
	if fault.KindOf(err) != fault.Conflict || !strings.Contains(err.Error(), "_later.sql gave up waiting for a lock") {
		t.Errorf("migrating a table in use: %v; want a conflict", err)
	}
	if len(r.Applied) != 1 {
		t.Errorf("applied before it: %q; want the file before", r.Applied)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	r, err = postgres.MigrateFiles(t.Context(), d.AdminURL, files, 20*time.Millisecond)
	if err != nil || len(r.Applied) != 1 || r.To != r.From+1 {
		t.Errorf("with the table free: %+v, %v; want the one file that was left", r, err)
	}
}

// TestIndexesCanBeMadeConcurrently fails if waiting migrators wait with a
// snapshot, or if the lock is held in a transaction.
func TestIndexesCanBeMadeConcurrently(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	files := later(t, "-- +goose NO TRANSACTION\n-- +goose Up\nDROP INDEX CONCURRENTLY IF EXISTS later;\nCREATE INDEX CONCURRENTLY later ON notes (workspace_id, author_id);")
	errs := make(chan error)
	for range 3 {
		go func() {
			_, err := postgres.MigrateFiles(t.Context(), d.AdminURL, files, 3*time.Second)
			errs <- err
		}()
	}
	for range 3 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

func TestWaitForAnotherMigrationEndsWithItsContext(t *testing.T) {
	t.Parallel()
	d := pgtest.Empty(t)
	// The key is what makes versions of the binary wait for each other.
	if _, err := d.Connect(t, d.AdminURL).Exec(t.Context(), "SELECT pg_advisory_lock(x'73616c6573626f6f'::bigint)"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	log := slog.New(cancelling{slog.DiscardHandler, cancel})
	_, err := postgres.Migrate(ctx, d.AdminURL, postgres.MigrateOptions{Log: log})
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "another process is still migrating") {
		t.Errorf("while another migrates: %v", err)
	}
}

// cancelling ends a context once anything is logged.
type cancelling struct {
	slog.Handler
	cancel context.CancelFunc
}

func (cancelling) Enabled(context.Context, slog.Level) bool { return true }

func (c cancelling) Handle(context.Context, slog.Record) error {
	c.cancel()
	return nil
}

func TestNothingToDoNeedsNoLock(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	if _, err := d.Connect(t, d.AdminURL).Exec(t.Context(), "SELECT pg_advisory_lock(x'73616c6573626f6f'::bigint)"); err != nil {
		t.Fatal(err)
	}
	migrate(t, d.AdminURL)
}

func TestMigrationsRefuseAPooler(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	if !d.Pooled {
		t.Skip("runs with SALESBOOK_TEST_POOLER=1")
	}
	pooled := strings.Replace(d.URL, "user=salesbook_app", "user=salesbook_admin", 1)
	for range 5 {
		_, err := postgres.Migrate(t.Context(), pooled, postgres.MigrateOptions{})
		if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "DATABASE_DIRECT_URL") {
			t.Fatalf("through a pooler: %v; want a word about DATABASE_DIRECT_URL", err)
		}
	}
}

func TestBadAdminURLs(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"postgres://u:hunter2@[broken/x", "postgres://u:hunter2@127.0.0.1:1/x?connect_timeout=2"} {
		_, err := postgres.Migrate(t.Context(), url, postgres.MigrateOptions{})
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v; want an error without the password", err)
		}
	}
}

func TestQueueTablesServeTheApplication(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	app := d.Connect(t, d.URL)
	for _, sql := range []string{
		"INSERT INTO river.river_job (kind, args, max_attempts) VALUES ('probe', '{}', 1)",
		"UPDATE river.river_job SET priority = 2",
		"INSERT INTO river.river_queue (name, updated_at) VALUES ('probe', now())",
		"DELETE FROM river.river_job WHERE kind = 'probe'",
	} {
		tag, err := app.Exec(t.Context(), sql)
		if err != nil || tag.RowsAffected() != 1 {
			t.Errorf("%s: %v, %v; want one row", sql, tag, err)
		}
	}
	rows, err := app.Query(t.Context(), `SELECT relname FROM pg_class WHERE relnamespace = 'river'::regnamespace AND
		CASE relkind WHEN 'r' THEN NOT has_table_privilege(oid, 'SELECT') OR NOT has_table_privilege(oid, 'INSERT')
			OR NOT has_table_privilege(oid, 'UPDATE') OR NOT has_table_privilege(oid, 'DELETE')
		WHEN 'S' THEN NOT has_sequence_privilege(oid, 'USAGE') END`)
	if err != nil {
		t.Fatal(err)
	}
	closed, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(closed) > 0 {
		t.Errorf("of the queue, salesbook_app may not use %q, %v", closed, err)
	}
}

func TestPatiently(t *testing.T) {
	t.Parallel()
	busy, broken := errors.New("busy"), errors.New("broken")
	tests := []struct {
		name  string
		fails []error
		want  error
		calls int
	}{
		{"succeeds at once", nil, nil, 1},
		{"succeeds in the end", []error{busy, busy}, nil, 3},
		{"is busy for too long", slices.Repeat([]error{busy}, 9), busy, 4},
		{"does not repeat what cannot help", []error{busy, broken}, broken, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			err := postgres.Patiently(t.Context(), 4, time.Microsecond, func(err error) bool { return errors.Is(err, busy) }, func() error {
				calls++
				if calls > len(tt.fails) {
					return nil
				}
				return tt.fails[calls-1]
			})
			if !errors.Is(err, tt.want) || calls != tt.calls {
				t.Errorf("%v after %d calls; want %v after %d", err, calls, tt.want, tt.calls)
			}
		})
	}
}
