package embedded_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"salesbook.dev/internal/embedded"
)

// patience is how long a test waits for something that should take a moment.
const patience = time.Minute

const childEnv = "SALESBOOK_EMBEDDED_TEST_CHILD"

// TestMain lets a test start real processes: this binary with childEnv set.
func TestMain(m *testing.M) {
	if spec := os.Getenv(childEnv); spec != "" {
		os.Exit(beChild(spec))
	}
	os.Exit(m.Run())
}

// beChild holds a server until it reads "stop" or its parent is gone, and
// reports on standard output: ready owner, ready attached, owner (took over),
// done, stopped, error.
func beChild(spec string) int {
	var cfg embedded.Config
	if err := json.Unmarshal([]byte(spec), &cfg); err != nil {
		fmt.Println("error", err)
		return 2
	}
	cfg.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s, err := embedded.Start(ctx, cfg)
	if err != nil {
		fmt.Println("error", strings.ReplaceAll(err.Error(), "\n", " "))
		return 1
	}
	if s.Owner() {
		fmt.Println("ready owner")
	} else {
		fmt.Println("ready attached")
	}
	go report(s)
	line, _ := bufio.NewReader(os.Stdin).ReadString('\n')
	if err := s.Stop(context.Background()); err != nil {
		fmt.Println("error", err)
		return 1
	}
	fmt.Println("stopped", line)
	return 0
}

func report(s *embedded.Server) {
	for tick := time.NewTicker(time.Millisecond); ; {
		select {
		case <-tick.C:
			if s.Owner() {
				fmt.Println("owner")
				tick.Stop()
			}
		case <-s.Done():
			fmt.Println("done", s.Err())
			return
		}
	}
}

// child is a process that holds a server.
type child struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	lines chan string
}

// startChild starts a process with the configuration; as, if not nil, is who it
// runs as.
func startChild(t *testing.T, cfg embedded.Config, as *user.User, env ...string) *child {
	t.Helper()
	cfg.Log = nil
	spec, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program)
	if as != nil {
		cmd.Path = reachable(t, program)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: credential(t, as)}
		cmd.Dir = "/"
	}
	cmd.Env = append(append(os.Environ(), childEnv+"="+string(spec)), env...)
	cmd.Stderr = t.Output()
	return runChild(t, cmd)
}

func runChild(t *testing.T, cmd *exec.Cmd) *child {
	t.Helper()
	c := &child{cmd: cmd, lines: make(chan string, 100)}
	var err error
	if c.stdin, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer close(c.lines)
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			c.lines <- lines.Text()
		}
	}()
	t.Cleanup(func() {
		c.stdin.Close()
		<-ended
		_ = cmd.Wait() // the tests that care look at what it said
	})
	return c
}

// expect waits for a line that begins with one of the prefixes and returns it.
func (c *child) expect(t *testing.T, prefixes ...string) string {
	t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case line, open := <-c.lines:
			if !open {
				t.Fatalf("the process ended without saying %q", prefixes)
			}
			for _, prefix := range prefixes {
				if strings.HasPrefix(line, prefix) {
					return line
				}
			}
			t.Logf("process %d: %s", c.cmd.Process.Pid, line)
		case <-deadline:
			t.Fatalf("the process did not say %q", prefixes)
		}
	}
}

func (c *child) stop(t *testing.T) {
	t.Helper()
	if _, err := io.WriteString(c.stdin, "stop\n"); err != nil {
		t.Fatal(err)
	}
	c.expect(t, "stopped")
}

// kill is kill -9.
func (c *child) kill(t *testing.T) {
	t.Helper()
	if err := c.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
}

// reachable copies a program to where every user may run it: go test builds in
// a directory closed to others.
func reachable(t *testing.T, program string) string {
	t.Helper()
	path := filepath.Join(dataDir(t), "child")
	// Copied by another process: a child that a parallel test forks while we had
	// the file open for writing would keep it open, and it could not be run.
	if out, err := exec.Command("cp", program, path).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := os.Chmod(path, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// ordinary returns an ordinary user and a directory of his, and skips the test
// when we are not root and so cannot become him.
func ordinary(t *testing.T) (*user.User, string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root to run a process as another user")
	}
	u, err := user.Lookup("games")
	if err != nil {
		t.Skip("there is no user games on this machine")
	}
	dir := dataDir(t)
	c := credential(t, u)
	if err := os.Chown(dir, int(c.Uid), int(c.Gid)); err != nil {
		t.Fatal(err)
	}
	return u, dir
}

func credential(t *testing.T, u *user.User) *syscall.Credential {
	t.Helper()
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// dataDir is a directory that the account PostgreSQL runs as can reach even
// when root runs the tests: the parent of t.TempDir is closed to others.
func dataDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o711); err != nil {
		t.Fatal(err)
	}
	return dir
}

// quick is a configuration for tests that do not crash the machine.
func quick(t *testing.T, dir string) embedded.Config {
	t.Helper()
	return embedded.Config{
		Dir: dir, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		Settings: map[string]string{"fsync": "off"},
	}
}

// start starts a server in this process and stops it at the test's end.
func start(t *testing.T, cfg embedded.Config) *embedded.Server {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	s, err := embedded.Start(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, s) })
	return s
}

func stop(t *testing.T, s *embedded.Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		t.Error(err)
	}
}
