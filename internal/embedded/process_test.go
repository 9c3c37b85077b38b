package embedded_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func sysProc(c *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: c}
}

// writePID leaves a postmaster.pid as a server would that died with the machine.
func writePID(t *testing.T, dir string, pid int) {
	t.Helper()
	data := filepath.Join(dir, "data")
	text := fmt.Sprintf("%d\n%s\n1767225600\n5432\n%s\n\n  5432001  99999\nready   \n", pid, data, filepath.Join(dir, "run"))
	path := filepath.Join(data, "postmaster.pid")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(data)
	if err != nil {
		t.Fatal(err)
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		if err := os.Chown(path, int(stat.Uid), int(stat.Gid)); err != nil {
			t.Fatal(err)
		}
	}
}

// postmaster returns the process id of the server in dir.
func postmaster(t *testing.T, dir string) int {
	t.Helper()
	pid, err := postmasterPID(dir)
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func postmasterPID(dir string) (int, error) {
	text, err := os.ReadFile(filepath.Join(dir, "data", "postmaster.pid"))
	if err != nil {
		return 0, err
	}
	first, _, _ := strings.Cut(string(text), "\n")
	return strconv.Atoi(first)
}

// kill9 kills a process of which we know the id only.
func kill9(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// holdLock takes a lock as a process would that does nothing else.
func holdLock(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		t.Fatal(err)
	}
	return f
}
