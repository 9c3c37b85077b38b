// Package embedded runs a private PostgreSQL server as a child process: the
// database of an installation that was given no DATABASE_URL.
//
// # One owner, any number of guests
//
// The first process to start on a directory owns the server: it creates the
// cluster if there is none, starts the postmaster and stops it when it ends.
// Every further process attaches to the running server. Two flocks decide all
// of it, and no process id is ever trusted:
//
//   - owner.lock is held by the owning process for as long as it lives.
//   - server.lock is inherited by the postmaster and by each process that it
//     forks. While it is held, something of the last server still lives, even
//     if the process that started it is long dead.
//
// When the owner stops or dies, an attached process finds owner.lock free,
// waits for server.lock, and starts the server again under the same socket, so
// that connection pools simply reconnect. On Linux the kernel tells the
// postmaster to shut down when its owner dies (Pdeathsig); elsewhere the next
// owner does.
//
// When the postmaster dies under a living owner, the owner starts it again, a
// bounded number of times; after that [Server.Done] is closed and [Server.Err]
// says why.
//
// # What lies in the directory
//
//	data/            the cluster; data.new while it is being made
//	data.old-15/     the cluster that an upgrade from 15 left behind
//	run/             the socket, reachable by the owner's account only
//	socket           instead of run: a link to a shorter path, see socket.go
//	log/             the server's log, a file a day and at most 10 MB each
//	pgsql/           binaries fetched by Install
//	startup.log      what the server said before its log began
//	owner.lock, server.lock
package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	adminRole = "salesbook_admin"
	database  = "salesbook"
)

// Config says where the private server lives and how it is run. The zero value
// is the default installation.
type Config struct {
	// Dir holds everything: data, socket, locks, logs. Empty: DefaultDir.
	Dir string

	// BinDir is the directory of the postgres and initdb binaries. Empty:
	// $SALESBOOK_PG_BIN, and without it the places listed in
	// docs/embedded-postgres.md are searched.
	BinDir string

	// Log receives starts, stops and take-overs. Nil: nothing is logged.
	Log *slog.Logger

	// Settings are postgresql.conf settings that win over all others, such as
	// fsync=off in tests. Those that place the socket are refused.
	Settings map[string]string
}

// DefaultDir returns the directory used when none is configured:
// /var/lib/salesbook for root (root's home is closed to the account that
// PostgreSQL runs as), else $XDG_DATA_HOME/salesbook, else
// ~/.local/share/salesbook.
func DefaultDir() (string, error) {
	if os.Geteuid() == 0 {
		return "/var/lib/salesbook", nil
	}
	if base := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(base) {
		return filepath.Join(base, "salesbook"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("no default data directory: %w; name one with --data", err)
	}
	return filepath.Join(home, ".local", "share", "salesbook"), nil
}

// home is the absolute path, free of symbolic links, of a Config's Dir.
type home string

func (h home) data() string       { return filepath.Join(string(h), "data") }
func (h home) staging() string    { return filepath.Join(string(h), "data.new") }
func (h home) upgraded() string   { return filepath.Join(string(h), "data.upgraded") }
func (h home) run() string        { return filepath.Join(string(h), "run") }
func (h home) socketLink() string { return filepath.Join(string(h), "socket") }
func (h home) logs() string       { return filepath.Join(string(h), "log") }
func (h home) startupLog() string { return filepath.Join(string(h), "startup.log") }
func (h home) ownerLock() string  { return filepath.Join(string(h), "owner.lock") }
func (h home) serverLock() string { return filepath.Join(string(h), "server.lock") }
func (h home) installs() string   { return filepath.Join(string(h), "pgsql") }

// kept is where an upgrade leaves the cluster of the old major version.
func (h home) kept(major int) string {
	return filepath.Join(string(h), fmt.Sprintf("data.old-%d", major))
}

// major returns the major version that the cluster in data was made by, and 0
// when there is no cluster yet.
func (h home) major() (int, error) {
	path := filepath.Join(h.data(), "PG_VERSION")
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, h.refuseForeignData()
	}
	if err != nil {
		return 0, fmt.Errorf("read the version of the database: %w", err)
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("%s holds %q instead of a major version: %s is not a PostgreSQL cluster", path, text, h.data())
	}
	return major, nil
}

// refuseForeignData fails when data exists without being a cluster: initdb's
// result is renamed there whole, so it is somebody else's directory.
func (h home) refuseForeignData() error {
	entries, err := os.ReadDir(h.data())
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for the database: %w", err)
	}
	return fmt.Errorf("%s exists but is not a PostgreSQL cluster (no PG_VERSION): move it away, or choose another directory with --data", h.data())
}

// openHome makes sure that the directory exists, and that the account of
// PostgreSQL can pass through it when root makes or made it: what is private in
// it (data, run, log) is closed on its own. It returns the real path.
func openHome(dir string) (home, error) {
	if dir == "" {
		var err error
		if dir, err = DefaultDir(); err != nil {
			return "", err
		}
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("data directory %s: %w", dir, err)
	}
	mode := os.FileMode(0o700)
	if os.Geteuid() == 0 {
		mode = 0o755
	}
	if err := os.MkdirAll(abs, mode); err != nil {
		return "", unusable(err)
	}
	if abs, err = filepath.EvalSymlinks(abs); err != nil {
		return "", fmt.Errorf("data directory: %w", err)
	}
	return home(abs), home(abs).letThrough()
}

// letThrough opens a directory of root's own to passers-by, not to readers.
func (h home) letThrough() error {
	owner, ok := ownerOf(string(h))
	if os.Geteuid() != 0 || !ok || owner != 0 {
		return nil
	}
	info, err := os.Stat(string(h))
	if err != nil || info.Mode()&0o001 != 0 {
		return err
	}
	return os.Chmod(string(h), info.Mode().Perm()|0o011)
}
