package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// accessRules let in whoever can reach the socket, which is the account and
// root: its directory is closed to all others, and there is no TCP.
const accessRules = "local all all trust\n"

// tuning is written once, at the end of postgresql.conf: an operator may edit
// it there or override it by ALTER SYSTEM. log_error_verbosity keeps the values
// of rows out of the log.
const tuning = `
# salesbook: settings of a small dedicated server; yours to change.
max_connections = 200
shared_buffers = 256MB
work_mem = 16MB
maintenance_work_mem = 128MB
max_wal_size = 2GB
random_page_cost = 1.1
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] '
log_error_verbosity = terse
log_lock_waits = on
log_rotation_age = 1d
log_rotation_size = 10MB
`

// initdb makes a cluster at dir, which must not exist. The lock goes to initdb,
// so that nobody else begins before it has ended even if we are killed. durable
// says whether the files must survive a crash of the machine.
func (h host) initdb(ctx context.Context, bin binaries, dir string, lock *os.File, durable bool) error {
	var out string
	var err error
	for _, locale := range localeChoices(bin.major) {
		args := append([]string{"--pgdata", dir, "--username", adminRole, "--encoding", "UTF8",
			"--auth", "trust", "--data-checksums", "--no-instructions"}, locale...)
		if !durable {
			args = append(args, "--no-sync")
		}
		var raw []byte
		raw, err = h.command(ctx, lock, syscall.SIGKILL, bin.path("initdb"), args...).CombinedOutput()
		out = complaint(string(raw))
		if !strings.Contains(string(raw), "invalid locale name") {
			break
		}
	}
	if err != nil {
		return h.explain("create the database in "+string(h.home), bin.path("initdb"), err, out)
	}
	return h.configure(dir)
}

// localeChoices are the options for a cluster whose text sorts by code point
// and knows the letters of all languages, first with the machine's C.UTF-8 and
// then for machines that lack it.
func localeChoices(major int) [][]string {
	if major >= 17 {
		return [][]string{
			{"--locale-provider=builtin", "--locale=C.UTF-8"},
			{"--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"},
		}
	}
	return [][]string{{"--locale=C.UTF-8"}, {"--locale=C"}}
}

// configure writes our access rules and settings into a new cluster. It belongs
// to another user when we are root: os.Root keeps a link in it from leading out.
func (h host) configure(dir string) (err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	if err := root.WriteFile("pg_hba.conf", []byte(accessRules), 0o600); err != nil {
		return fmt.Errorf("write the database's access rules: %w", err)
	}
	f, err := root.OpenFile("postgresql.conf", os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return fmt.Errorf("write the database's settings: %w", err)
	}
	_, err = f.WriteString(tuning)
	return errors.Join(err, f.Sync(), f.Close())
}

// ensureCluster makes the cluster unless there is one. It appears under its
// name only when it is whole: what a killed initdb left is thrown away.
func (h host) ensureCluster(ctx context.Context, binDir string, lock *os.File, durable bool) (binaries, error) {
	if err := h.finishUpgrade(); err != nil {
		return binaries{}, err
	}
	major, err := h.home.major()
	if err != nil {
		return binaries{}, err
	}
	bin, err := h.findServer(ctx, binDir, major)
	if err != nil || major != 0 {
		return bin, err
	}
	if err := os.RemoveAll(h.home.staging()); err != nil {
		return binaries{}, fmt.Errorf("clear what an interrupted start left: %w", err)
	}
	if err := h.makeWritable(h.home.staging()); err != nil {
		return binaries{}, err
	}
	if err := h.initdb(ctx, bin, h.home.staging(), lock, durable); err != nil {
		return binaries{}, errors.Join(err, os.RemoveAll(h.home.staging()))
	}
	if err := os.Rename(h.home.staging(), h.home.data()); err != nil {
		return binaries{}, fmt.Errorf("create the database: %w", err)
	}
	return bin, syncDir(string(h.home))
}

// makeWritable creates an empty directory for initdb to fill: the account may
// not create one in a directory of root's.
func (h host) makeWritable(dir string) error {
	if err := h.who.ensurePrivate(dir); err != nil {
		return h.explain("create the database", dir, err, "")
	}
	return nil
}

// syncDir makes the renames in a directory survive a crash of the machine.
func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
