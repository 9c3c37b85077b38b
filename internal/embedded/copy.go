package embedded

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"
)

// clients are the programs that copy one cluster into another, all of one
// installation: a psql older than the pg_dump may not read what it writes.
type clients struct {
	dir   string
	major int
}

// findClients returns the newest set that understands the old server and writes
// what the new one reads: a version from the old to the new.
func (h host) findClients(ctx context.Context, binDir string, from, to int) (clients, error) {
	var best clients
	for _, t := range h.tools(ctx, binDir, "pg_dump") {
		c := clients{dir: filepath.Dir(t.path), major: t.major}
		if t.major >= from && t.major <= to && t.major > best.major && c.complete() {
			best = c
		}
	}
	if best.major == 0 {
		return best, fmt.Errorf("no pg_dump, pg_dumpall, pg_restore and psql of PostgreSQL %d to %d found, which copy the data: run `apt-get install postgresql-client-%d`",
			from, to, from)
	}
	return best, nil
}

func (c clients) path(name string) string { return filepath.Join(c.dir, name) }

func (c clients) complete() bool {
	for _, name := range []string{"pg_dumpall", "pg_restore", "psql"} {
		if _, err := exec.LookPath(c.path(name)); err != nil {
			return false
		}
	}
	return true
}

// copyAll copies the roles and every database.
func (u upgrade) copyAll(ctx context.Context, source, target address) error {
	if err := u.copyRoles(ctx, source, target); err != nil {
		return fmt.Errorf("copy the roles: %w", err)
	}
	names, err := databases(ctx, source)
	if err != nil {
		return err
	}
	for _, name := range names {
		u.log.Info("copying a database", "database", name)
		if err := u.copyDatabase(ctx, name, source, target); err != nil {
			return fmt.Errorf("copy the database %s: %w", name, err)
		}
	}
	return nil
}

// databases lists what a cluster holds beside the templates.
func databases(ctx context.Context, at address) (names []string, err error) {
	conn, err := pgx.Connect(ctx, at.url(adminRole, "postgres"))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	rows, err := conn.Query(ctx, "select datname::text from pg_database where datallowconn and not datistemplate order by 1")
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

func (u upgrade) copyRoles(ctx context.Context, source, target address) error {
	dump := u.client(ctx, "pg_dumpall", "--globals-only", "--dbname", source.url(adminRole, "postgres"))
	var script, complaints bytes.Buffer
	dump.Stdout, dump.Stderr = &script, &complaints
	if err := dump.Run(); err != nil {
		return u.explain("pg_dumpall", dump.Path, err, complaints.String())
	}
	complaints.Reset()
	load := u.client(ctx, "psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--dbname", target.url(adminRole, "postgres"))
	// initdb has made the superuser already.
	load.Stdin = strings.NewReader(strings.ReplaceAll(script.String(), "CREATE ROLE "+adminRole+";\n", ""))
	load.Stderr = &complaints
	if err := load.Run(); err != nil {
		return u.explain("psql", load.Path, err, complaints.String())
	}
	return nil
}

// copyDatabase copies one database and has the new server look at the data, so
// that its first plans are good ones.
func (u upgrade) copyDatabase(ctx context.Context, name string, source, target address) (err error) {
	dump := u.client(ctx, "pg_dump", "--format=custom", "--compress=0", "--dbname", source.url(adminRole, name))
	args := []string{"--exit-on-error", "--dbname", target.url(adminRole, "postgres")}
	if name != "postgres" {
		args = append(args, "--create")
	}
	if err := u.pipe(dump, u.client(ctx, "pg_restore", args...)); err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, target.url(adminRole, name))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	_, err = conn.Exec(ctx, "analyze")
	return err
}

func (u upgrade) client(ctx context.Context, name string, args ...string) *exec.Cmd {
	return u.command(ctx, u.lock, syscall.SIGTERM, u.tools.path(name), args...)
}

// pipe runs two programs, the output of one being the input of the other.
func (u upgrade) pipe(from, to *exec.Cmd) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	var complaints [2]bytes.Buffer
	from.Stdout, from.Stderr = w, &complaints[0]
	to.Stdin, to.Stderr = r, &complaints[1]
	fromErr, toErr := from.Start(), to.Start()
	// Each end must be open in its program only, or neither sees the other end.
	err = errors.Join(w.Close(), r.Close())
	for i, cmd := range []*exec.Cmd{from, to} {
		started := []error{fromErr, toErr}[i]
		if started == nil {
			started = cmd.Wait()
		}
		if started != nil {
			err = errors.Join(err, u.explain(filepath.Base(cmd.Path), cmd.Path, started, strings.TrimSpace(complaints[i].String())))
		}
	}
	return err
}
