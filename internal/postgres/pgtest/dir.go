package pgtest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

const dirPrefix = "salesbook-pgtest-"

// tempDir makes the directory of the private server, removed at the end, and
// removes what test binaries left behind that were killed.
func (c *cluster) tempDir() (string, error) {
	base := baseDir()
	sweep(base)
	dir, err := os.MkdirTemp(base, dirPrefix)
	if err != nil {
		return "", fmt.Errorf("directory for the private PostgreSQL: %w", err)
	}
	c.stops = append(c.stops, func() error { return os.RemoveAll(dir) })
	lock, err := os.Create(filepath.Join(dir, "pgtest.lock"))
	if err != nil {
		return "", err
	}
	c.stops = append(c.stops, lock.Close)
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", fmt.Errorf("lock %s: %w", dir, err)
	}
	// Root's PostgreSQL runs under another account, which must get through; the
	// directories within are closed on their own.
	if os.Geteuid() == 0 {
		err = os.Chmod(dir, 0o755)
	}
	return dir, err
}

// baseDir is $TMPDIR if set and not too long for the path of a socket, which
// has little more than 100 bytes. Otherwise it is the memory's file system
// where that is large enough: a clone is some 900 small files, which took 450 ms
// in /tmp (ext4) and 40 ms there.
func baseDir() string {
	if dir := os.Getenv("TMPDIR"); dir != "" && len(dir) <= 40 {
		return dir
	}
	const memory = "/dev/shm"
	var fs syscall.Statfs_t
	if err := syscall.Statfs(memory, &fs); err == nil && uint64(fs.Bavail)*uint64(fs.Bsize) >= 2<<30 {
		return memory
	}
	return "/tmp"
}

// sweep removes directories of dead test binaries. It is best effort: others
// may be sweeping, or own what is there.
func sweep(base string) {
	dirs, _ := filepath.Glob(filepath.Join(base, dirPrefix+"*"))
	for _, dir := range dirs {
		info, err := os.Stat(dir)
		// A minute gives a new directory the time to be locked.
		if err != nil || time.Since(info.ModTime()) < time.Minute {
			continue
		}
		if abandoned(filepath.Join(dir, "pgtest.lock")) && abandoned(filepath.Join(dir, "server.lock")) {
			_ = os.RemoveAll(dir)
		}
	}
}

// abandoned tells that no living process holds the lock.
func abandoned(path string) bool {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return true
	}
	if err != nil {
		return false
	}
	defer f.Close()
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}
