package embedded_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"salesbook.dev/internal/embedded"
)

func TestStartSaysWhatIsWrongAndWhatToDo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		setup func(t *testing.T, dir string, cfg *embedded.Config)
		is    error
		want  []string
	}{
		{
			"the binaries are not where SALESBOOK_PG_BIN says",
			func(_ *testing.T, dir string, cfg *embedded.Config) { cfg.BinDir = dir },
			embedded.ErrNoBinaries, []string{"SALESBOOK_PG_BIN"},
		},
		{
			"the binaries are too old",
			func(t *testing.T, dir string, cfg *embedded.Config) { cfg.BinDir = fakeServer(t, "9.6.24") },
			embedded.ErrNoBinaries, []string{"PostgreSQL 9 is not one of 14 to 18"},
		},
		{
			"the data were made by a version that is not installed",
			func(t *testing.T, dir string, cfg *embedded.Config) {
				writeFile(t, filepath.Join(dir, "data", "PG_VERSION"), "14\n")
				cfg.BinDir = fakeServer(t, "17.2")
			},
			embedded.ErrWrongVersion, []string{"made by PostgreSQL 14", "only 17 (", "apt-get install postgresql-14", "salesbook db upgrade"},
		},
		{
			"data is something else",
			func(t *testing.T, dir string, _ *embedded.Config) {
				writeFile(t, filepath.Join(dir, "data", "photo.jpg"), "x")
			},
			nil, []string{"is not a PostgreSQL cluster", "--data"},
		},
		{
			"data has no readable version",
			func(t *testing.T, dir string, _ *embedded.Config) {
				writeFile(t, filepath.Join(dir, "data", "PG_VERSION"), "new")
			},
			nil, []string{`holds "new"`},
		},
		{
			"the directory is a file",
			func(t *testing.T, dir string, cfg *embedded.Config) {
				cfg.Dir = filepath.Join(dir, "file")
				writeFile(t, cfg.Dir, "")
			},
			nil, []string{"data directory", "not a directory"},
		},
		{
			"a setting would move the socket",
			func(_ *testing.T, _ string, cfg *embedded.Config) {
				cfg.Settings = map[string]string{"listen_addresses": "*"}
			},
			nil, []string{"listen_addresses", "DATABASE_URL"},
		},
		{
			"a setting is unknown to the server",
			func(_ *testing.T, _ string, cfg *embedded.Config) {
				cfg.Settings = map[string]string{"fsync": "off", "no_such_thing": "1"}
			},
			nil, []string{"start PostgreSQL", "no_such_thing"},
		},
		{
			"a lock is a link to somewhere else",
			func(t *testing.T, dir string, _ *embedded.Config) {
				elsewhere := filepath.Join(t.TempDir(), "elsewhere")
				writeFile(t, elsewhere, "")
				if err := os.Symlink(elsewhere, filepath.Join(dir, "owner.lock")); err != nil {
					t.Fatal(err)
				}
			},
			nil, []string{"owner.lock"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cfg := quick(t, dataDir(t))
			c.setup(t, cfg.Dir, &cfg)
			refused(t, cfg, c.is, c.want...)
		})
	}
}

// refused starts a server and wants an error with all the words.
func refused(t *testing.T, cfg embedded.Config, is error, want ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	s, err := embedded.Start(ctx, cfg)
	if err == nil {
		stop(t, s)
		t.Fatal("got a server, want an error")
	}
	if is != nil && !errors.Is(err, is) {
		t.Errorf("got %q, want it to be %q", err, is)
	}
	for _, words := range want {
		if !strings.Contains(err.Error(), words) {
			t.Errorf("got %q, want it to say %q", err, words)
		}
	}
}

func TestNoBinariesNamesBothWaysOut(t *testing.T) {
	t.Parallel()
	_, err := embedded.FindAmong(t.Context(), dataDir(t))
	if !errors.Is(err, embedded.ErrNoBinaries) {
		t.Fatalf("got %v, want ErrNoBinaries", err)
	}
	for _, way := range []string{"apt-get install postgresql", "salesbook db install", "SALESBOOK_PG_BIN"} {
		if !strings.Contains(err.Error(), way) {
			t.Errorf("got %q, want it to name %q", err, way)
		}
	}
}

func TestRootUnderAClosedDirectory(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root starts the server as another user")
	}
	closed := t.TempDir()
	if err := os.Chmod(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	refused(t, quick(t, filepath.Join(closed, "salesbook")), nil, "user postgres", "may not enter", "/var/lib/salesbook")
}

func TestDirectoryOfAnotherUser(t *testing.T) {
	t.Parallel()
	as, _ := ordinary(t)
	dir := dataDir(t) // root's
	c := startChild(t, quick(t, dir), as)
	said := c.expect(t, "error", "ready")
	for _, words := range []string{"not writable", "--data"} {
		if !strings.Contains(said, words) {
			t.Errorf("got %q, want it to say %q", said, words)
		}
	}
}

func TestDiskFull(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("needs root to mount a small disk")
	}
	dir := dataDir(t)
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=10m,mode=0755", "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("mounting is not allowed here: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	})
	refused(t, quick(t, dir), nil, "disk", "is full", "50 MB")
	if _, err := os.Stat(filepath.Join(dir, "data.new")); !errors.Is(err, os.ErrNotExist) {
		t.Error("what initdb had written still fills the disk")
	}
}

func TestFailedUpgradeLeavesTheDatabaseAsItWas(t *testing.T) {
	t.Parallel()
	cfg := quick(t, dataDir(t))
	s := start(t, cfg)
	execute(t, s.URL("salesbook_admin", "salesbook"), "create table a as select 'here'::text as x")
	version := query(t, s, "show server_version_num")
	if version >= "180000" {
		t.Skip("the machine's own PostgreSQL is not older than 18")
	}
	stop(t, s)
	broken := cfg
	broken.BinDir = fakeServer(t, "18.4")
	_, err := embedded.Upgrade(t.Context(), broken)
	if err == nil || !strings.Contains(err.Error(), "left the database as it was") {
		t.Errorf("got %v, want a failure that left the database as it was", err)
	}
	if got := query(t, start(t, cfg), "select x from a"); got != "here" {
		t.Errorf("got %q, want here", got)
	}
	for _, scrap := range []string{"data.new", "data.upgraded", "data.old-" + version[:2]} {
		if _, err := os.Lstat(filepath.Join(cfg.Dir, scrap)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is left behind (%v)", scrap, err)
		}
	}
}

func TestChangedAccessRules(t *testing.T) {
	t.Parallel()
	cfg := quick(t, dataDir(t))
	stop(t, start(t, cfg))
	rules := filepath.Join(cfg.Dir, "data", "pg_hba.conf")
	if err := os.WriteFile(rules, []byte("local all all reject\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	refused(t, cfg, nil, "pg_hba.conf", "local all all trust")
}

func TestUpgradeWithoutADatabase(t *testing.T) {
	t.Parallel()
	_, err := embedded.Upgrade(t.Context(), quick(t, dataDir(t)))
	if err == nil || !strings.Contains(err.Error(), "there is no database") {
		t.Errorf("got %v, want that there is no database", err)
	}
}

// fakeServer is a directory of binaries that only know their version.
func fakeServer(t *testing.T, version string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"postgres", "initdb"} {
		path := filepath.Join(dir, name)
		writeFile(t, path, "#!/bin/sh\necho '"+name+" (PostgreSQL) "+version+"'\n")
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
