package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// openPrivate opens a file of ours for writing, giving it to the account. A
// symbolic link is refused: root must not be led elsewhere by a directory that
// belongs to an ordinary user.
func openPrivate(path string, who account, flags int) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW|flags, 0o600)
	if err != nil {
		return nil, unusable(err)
	}
	if who.other {
		if err := f.Chown(who.uid, who.gid); err != nil {
			return nil, errors.Join(fmt.Errorf("data directory: %w", err), f.Close())
		}
	}
	return f, nil
}

// unusable says what to do about a data directory that we cannot write in.
func unusable(err error) error {
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		return fmt.Errorf("the data directory is not writable for this user: %w; choose another with --data, or run as the user that made it", err)
	}
	return fmt.Errorf("data directory: %w", err)
}

// tryLock takes the flock without waiting and reports whether it did. The lock
// belongs to the open file: it ends when every process that inherited it has
// closed it or died.
func tryLock(f *os.File) (bool, error) {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, syscall.EWOULDBLOCK):
			return false, nil
		case !errors.Is(err, syscall.EINTR):
			return false, fmt.Errorf("lock %s: %w (is it on a network file system without locks?)", f.Name(), err)
		}
	}
}

// pause waits for d and reports false when the context ended first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// awaitPredecessor returns the server's lock: nothing of an earlier server is
// alive then.
func (h host) awaitPredecessor(ctx context.Context) (*os.File, error) {
	lock, err := openPrivate(h.home.serverLock(), h.who, 0)
	if err != nil {
		return nil, err
	}
	for waited := time.Duration(0); ; waited += readyPoll {
		free, err := tryLock(lock)
		if free {
			return lock, nil
		}
		if err == nil && waited > 0 && waited%time.Second == 0 {
			h.log.Info("waiting for the last PostgreSQL server to end", "waited", waited)
			err = endLeftovers(h.home.data())
		}
		if err == nil && !pause(ctx, readyPoll) {
			err = context.Cause(ctx)
		}
		if err != nil {
			lock.Close()
			return nil, err
		}
	}
}

// send signals a process of the last server; one that has ended is fine.
func send(pid int, signal syscall.Signal) error {
	if err := syscall.Kill(pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("end process %d left over from the last PostgreSQL server: %w", pid, err)
	}
	return nil
}
