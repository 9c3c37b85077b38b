package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

const (
	oldestMajor = 14
	newestMajor = 18
)

var (
	// ErrNoBinaries says that there is no PostgreSQL to run on this machine.
	ErrNoBinaries = errors.New("no PostgreSQL found")

	// ErrWrongVersion says that there is a PostgreSQL, but not of the major
	// version that made the data.
	ErrWrongVersion = errors.New("wrong version of PostgreSQL")
)

// binaries is one installation of PostgreSQL.
type binaries struct {
	dir   string
	major int
}

func (b binaries) path(name string) string { return filepath.Join(b.dir, name) }

// findServer returns the installation to run: of the given major version, or
// with major 0 the first that we support. binDir, if not empty, is the only
// place to look.
func (h host) findServer(ctx context.Context, binDir string, major int) (binaries, error) {
	found, err := h.installed(ctx, binDir)
	if err != nil {
		return binaries{}, err
	}
	return choose(h.home, found, major)
}

// choose returns the first of the major version, or says what is missing.
func choose(h home, found []binaries, major int) (binaries, error) {
	for _, b := range found {
		if major == 0 || b.major == major {
			return b, nil
		}
	}
	if len(found) == 0 {
		return binaries{}, fmt.Errorf("%w (versions %d to %d): run `apt-get install postgresql` or `salesbook db install`, or set SALESBOOK_PG_BIN to the directory of the postgres binary",
			ErrNoBinaries, oldestMajor, newestMajor)
	}
	return binaries{}, fmt.Errorf("%w: the database in %s was made by PostgreSQL %d, but here is only %s: install PostgreSQL %d again (apt-get install postgresql-%d), and to move to the newer version run `salesbook db upgrade`",
		ErrWrongVersion, h, major, describe(found), major, major)
}

// installed returns the installations of versions we support, in the order in
// which they are preferred for a new cluster.
func (h host) installed(ctx context.Context, binDir string) ([]binaries, error) {
	if binDir == "" {
		binDir = os.Getenv("SALESBOOK_PG_BIN")
	}
	if binDir != "" {
		b, err := h.inspect(ctx, binDir)
		if err != nil {
			return nil, fmt.Errorf("%w in %s, as SALESBOOK_PG_BIN asks: %w", ErrNoBinaries, binDir, err)
		}
		return []binaries{b}, nil
	}
	return h.search(ctx, candidates(h.home)), nil
}

// search inspects each directory once and leaves out what cannot be used.
func (h host) search(ctx context.Context, dirs []string) []binaries {
	var found []binaries
	for _, dir := range dirs {
		b, err := h.inspect(ctx, dir)
		if err == nil && !slices.Contains(found, b) {
			found = append(found, b)
		}
	}
	return found
}

// candidates lists where a server may be: where the system has it, and last what
// Install fetched for this directory or for all of the user's.
func candidates(h home) []string {
	dirs := append(shipped("postgres"), fetched(h)...)
	if dir, err := DefaultDir(); err == nil {
		dirs = append(dirs, fetched(home(dir))...)
	}
	return dirs
}

// shipped lists where a program of PostgreSQL's is put by those who ship it:
// what the user has on PATH, then Debian, Red Hat, Homebrew, Postgres.app.
func shipped(program string) []string {
	var dirs []string
	if path, err := exec.LookPath(program); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			dirs = append(dirs, filepath.Dir(path))
		}
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/%d/bin",
		"/usr/pgsql-%d/bin",
		"/opt/homebrew/opt/postgresql@%d/bin",
		"/usr/local/opt/postgresql@%d/bin",
		"/home/linuxbrew/.linuxbrew/opt/postgresql@%d/bin",
		"/Applications/Postgres.app/Contents/Versions/%d/bin",
	} {
		for major := newestMajor; major >= oldestMajor; major-- {
			dirs = append(dirs, fmt.Sprintf(pattern, major))
		}
	}
	return dirs
}

// fetched lists what Install left in h, the newest first.
func fetched(h home) []string {
	dirs, _ := filepath.Glob(filepath.Join(h.installs(), "[0-9]*", "bin"))
	slices.Sort(dirs)
	slices.Reverse(dirs)
	return dirs
}

// inspect asks the binaries in dir for their version.
func (h host) inspect(ctx context.Context, dir string) (binaries, error) {
	if _, err := exec.LookPath(filepath.Join(dir, "initdb")); err != nil {
		return binaries{}, err
	}
	major, err := h.majorOf(ctx, filepath.Join(dir, "postgres"))
	if err != nil {
		return binaries{}, err
	}
	if major < oldestMajor || major > newestMajor {
		return binaries{}, fmt.Errorf("PostgreSQL %d is not one of %d to %d", major, oldestMajor, newestMajor)
	}
	return binaries{dir: dir, major: major}, nil
}

// majorOf runs a program of PostgreSQL's with --version, as the account: the
// directory may belong to a user whose programs root should not run. All of
// them answer like "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)".
func (h host) majorOf(ctx context.Context, program string) (int, error) {
	cmd := h.command(ctx, nil, syscall.SIGKILL, program, "--version")
	cmd.Dir = "/"
	out, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("%s --version: %w", program, err)
	}
	match := regexp.MustCompile(`\(PostgreSQL\) (\d+)`).FindSubmatch(out)
	if match == nil {
		return 0, fmt.Errorf("%s --version says %q", program, out)
	}
	return strconv.Atoi(string(match[1]))
}

func describe(found []binaries) string {
	var words []string
	for _, b := range found {
		words = append(words, fmt.Sprintf("%d (%s)", b.major, b.dir))
	}
	return strings.Join(words, ", ")
}
