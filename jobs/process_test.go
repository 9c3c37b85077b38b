package jobs_test

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// process is a running child.
type process struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	said *os.File // its standard error
	done bool
}

// work describes what a child is to do on the bundle.
func (b *bundle) work(do string) childWork {
	return childWork{Do: do, URL: b.db.URL, RiverURL: b.db.RiverURL, Key: b.key, Workspace: b.ws, Conn: b.conn}
}

// start runs a child; what is left of it is killed when the test ends.
func start(t *testing.T, w childWork) *process {
	t.Helper()
	args, err := json.Marshal(w)
	if err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: exec.Command(os.Args[0])}
	p.cmd.Env = append(os.Environ(), childEnv+"="+string(args), "GORACE=atexit_sleep_ms=0")
	if p.said, err = os.CreateTemp(t.TempDir(), "child"); err != nil {
		t.Fatal(err)
	}
	p.cmd.Stderr = p.said
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.out = bufio.NewReader(stdout)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !p.done {
			_ = p.cmd.Process.Kill()
			_ = p.cmd.Wait() // it was killed
		}
		_ = p.said.Close()
	})
	return p
}

// line returns the next line that the child prints, empty once it has ended.
func (p *process) line() string {
	text, _ := p.out.ReadString('\n') // the end of a child is no error here
	return strings.TrimSpace(text)
}

// ready waits until the child says that it is.
func (p *process) ready(t *testing.T) {
	t.Helper()
	if got := p.line(); got != "ready" {
		t.Fatalf("a child said %q and not that it is ready: %s", got, p.errors())
	}
}

// errors returns what the child has written to standard error.
func (p *process) errors() string {
	text, err := os.ReadFile(p.said.Name())
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// lifetime is how long a child may go on before a test that waits for its end
// says that it does not come to one.
const lifetime = 4 * time.Minute

// wait returns the exit status once the child has ended, -1 if it was killed,
// childOverdue if it did not end by itself.
func (p *process) wait() int {
	var overdue atomic.Bool
	alarm := time.AfterFunc(lifetime, func() {
		overdue.Store(true)
		_ = p.cmd.Process.Kill() // it may have ended this instant
	})
	defer alarm.Stop()
	_, _ = io.Copy(io.Discard, p.out) // ends with the child
	_ = p.cmd.Wait()                  // its status tells
	p.done = true
	if overdue.Load() {
		return childOverdue
	}
	return p.cmd.ProcessState.ExitCode()
}

// kill ends the child at once, unless it has ended by itself; it reports
// whether it was alive.
func (p *process) kill(t *testing.T) (killed bool) {
	t.Helper()
	_ = p.cmd.Process.Kill() // it may have ended this instant
	status := p.wait()
	if status > 0 {
		t.Fatalf("a child failed with status %d: %s", status, p.errors())
	}
	return status < 0
}

// say gives the child a line.
func (p *process) say(t *testing.T, text string) {
	t.Helper()
	if _, err := io.WriteString(p.in, text+"\n"); err != nil {
		t.Fatalf("a child listens no more: %v: %s", err, p.errors())
	}
}

// ask tells the child to end in good order.
func (p *process) ask(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
}

// countOf counts a text in a document.
func countOf(doc []byte, text string) int { return strings.Count(string(doc), text) }
