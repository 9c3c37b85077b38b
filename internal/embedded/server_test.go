package embedded_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/embedded"
)

// query returns one text value.
func query(t *testing.T, s *embedded.Server, sql string) string {
	t.Helper()
	return queryURL(t, s.URL("salesbook_admin", "salesbook"), sql)
}

func queryURL(t *testing.T, url, sql string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn := connect(ctx, t, url)
	defer conn.Close(context.Background())
	var value string
	if err := conn.QueryRow(ctx, sql).Scan(&value); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return value
}

func connect(ctx context.Context, t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestRestartKeepsTheData(t *testing.T) {
	t.Parallel()
	cfg := quick(t, dataDir(t))
	cfg.Settings = nil // as an installation has it: durable
	s := start(t, cfg)
	execute(t, s.URL("salesbook_admin", "salesbook"), "create table a as select 'Żółw'::text as x")
	for range 2 {
		stop(t, s)
		s = start(t, cfg)
		if got := query(t, s, "select x from a"); got != "Żółw" {
			t.Errorf("got %q after a restart, want Żółw", got)
		}
	}
	if !s.Owner() || s.Err() != nil {
		t.Errorf("got owner %v, error %v, want an owner without error", s.Owner(), s.Err())
	}
}

func TestClusterIsAsPromised(t *testing.T) {
	t.Parallel()
	cfg := quick(t, dataDir(t))
	cfg.Settings["work_mem"] = "7MB"
	s := start(t, cfg)
	for _, c := range []struct{ sql, want string }{
		{"show server_encoding", "UTF8"},
		{"show timezone", "UTC"},
		{"show listen_addresses", ""},
		{"show max_connections", "200"},
		{"show work_mem", "7MB"},
		{"show data_checksums", "on"},
		{"show unix_socket_directories", `"` + filepath.Join(cfg.Dir, "run") + `"`},
		{"select lower('ЖУК ŁÓDŹ')", "жук łódź"},
		{"select ('Z' < 'a')::text", "true"},
		{"select current_user::text", "salesbook_admin"},
		{"select rolsuper::text from pg_roles where rolname = current_user", "true"},
		{"select string_agg(concat_ws(' ', type, database::text, user_name::text, auth_method), ';') from pg_hba_file_rules", "local {all} {all} trust"},
	} {
		if diff := cmp.Diff(c.want, query(t, s, c.sql)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.sql, diff)
		}
	}
	for _, private := range []string{"data", "run", "log"} {
		info, err := os.Stat(filepath.Join(cfg.Dir, private))
		if err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: got %v (%v), want mode 0700", private, info.Mode(), err)
		}
	}
}

func TestURLIsReadByLibpqAsWell(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(dataDir(t), "żółw & co +1")
	s := start(t, quick(t, dir))
	psql, err := s.Tool("psql")
	if err != nil {
		t.Skip("no psql: ", err)
	}
	out, err := exec.Command(psql, "-XAt", "-d", s.URL("salesbook_admin", "salesbook"), "-c", "select current_database()").CombinedOutput()
	if diff := cmp.Diff("salesbook\n", string(out)); err != nil || diff != "" {
		t.Errorf("psql: %v (-want +got):\n%s", err, diff)
	}
	if got := query(t, s, "select current_database()::text"); got != "salesbook" {
		t.Errorf("pgx: got %q, want salesbook", got)
	}
}

func TestStopLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	cfg := quick(t, dataDir(t))
	s := start(t, cfg)
	stop(t, s)
	stop(t, s) // again: nothing to do
	for _, left := range []string{"data/postmaster.pid", "run/.s.PGSQL.5432", "run/.s.PGSQL.5432.lock", "data.new"} {
		if _, err := os.Lstat(filepath.Join(cfg.Dir, left)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is left behind (%v)", left, err)
		}
	}
	if pids := processesIn(filepath.Join(cfg.Dir, "data")); len(pids) != 0 {
		t.Errorf("processes %v are left behind", pids)
	}
	if s.Owner() || s.Err() != nil {
		t.Errorf("got owner %v, error %v, want neither after a stop", s.Owner(), s.Err())
	}
}

// processesIn lists the living processes that work in a directory.
func processesIn(dir string) []string {
	var pids []string
	links, _ := filepath.Glob("/proc/[0-9]*/cwd")
	for _, link := range links {
		if cwd, err := os.Readlink(link); err == nil && cwd == dir {
			pids = append(pids, filepath.Base(filepath.Dir(link)))
		}
	}
	return pids
}

func TestStopReportsAnEndedContext(t *testing.T) {
	t.Parallel()
	s := start(t, quick(t, dataDir(t)))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Stop(ended); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "still shutting down") {
		t.Errorf("got %v, want that it is still shutting down", err)
	}
	stop(t, s)
}

func TestInterruptedInitdbIsForgotten(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	if err := os.MkdirAll(filepath.Join(dir, "data.new", "base"), 0o700); err != nil {
		t.Fatal(err)
	}
	s := start(t, quick(t, dir))
	if got := query(t, s, "select 1::text"); got != "1" {
		t.Errorf("got %q, want 1", got)
	}
}

func TestDeepDirectoryGetsAShortSocket(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(dataDir(t), strings.Repeat("deep-", 20), strings.Repeat("deeper-", 20))
	s := start(t, quick(t, dir))
	target, err := os.Readlink(filepath.Join(dir, "socket"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(target) })
	if info, err := os.Stat(target); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory of the socket: %v, %v, want mode 0700", info, err)
	}
	execute(t, s.URL("salesbook_admin", "salesbook"), "create table a as select 'here'::text as x")

	// Another process with another TMPDIR finds the same socket.
	other := startChild(t, quick(t, dir), nil, "TMPDIR="+t.TempDir())
	other.expect(t, "ready attached")
	stop(t, s)
	other.expect(t, "owner")
	again := start(t, quick(t, dir))
	if got := query(t, again, "select x from a"); got != "here" {
		t.Errorf("got %q, want here", got)
	}
}

func TestStalePidFileOfAnotherProcess(t *testing.T) {
	t.Parallel()
	as, dir := ordinary(t)
	c := startChild(t, quick(t, dir), as)
	c.expect(t, "ready owner")
	c.stop(t)
	// The machine was restarted; the number is now that of some process of the
	// same user.
	sleeper := exec.Command("sleep", "60")
	sleeper.SysProcAttr = sysProc(credential(t, as))
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sleeper.Process.Kill(); _ = sleeper.Wait() })
	writePID(t, dir, sleeper.Process.Pid)
	c = startChild(t, quick(t, dir), as)
	c.expect(t, "ready owner")
	c.stop(t)
}

func TestOrdinaryUser(t *testing.T) {
	t.Parallel()
	as, dir := ordinary(t)
	c := startChild(t, quick(t, dir), as)
	c.expect(t, "ready owner")
	second := startChild(t, quick(t, dir), as)
	second.expect(t, "ready attached")
	c.kill(t)
	second.expect(t, "owner")
	second.stop(t)

	// Root finds the user's cluster and runs it as the user.
	s := start(t, quick(t, dir))
	if got := query(t, s, "select 1::text"); got != "1" {
		t.Errorf("got %q, want 1", got)
	}
	stop(t, s)
	c = startChild(t, quick(t, dir), as)
	c.expect(t, "ready owner")
	c.stop(t)
}
