package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/jackc/pgx/v5"
	"golang.org/x/sys/unix"

	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/postgres/pgtest"
	"salesbook.dev/internal/seal"
)

// atTerminal is set in the environment of a test binary that is to be the program.
const atTerminal = "SALESBOOK_TEST_AT_TERMINAL"

// Keys that a terminal makes something of.
const ctrlC, ctrlD = "\x03", "\x04"

// sitting is somebody at a terminal in which the program runs.
type sitting struct {
	t         *testing.T
	keys, tty *os.File // what is typed into, and what the program has
	shown     chan []byte
	screen    bytes.Buffer
	program   *exec.Cmd
}

// sit starts the program at a terminal of its own, with a database of the test.
func sit(t *testing.T, d *pgtest.Database, dir string, args ...string) *sitting {
	t.Helper()
	keys, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	s := &sitting{t: t, keys: keys, tty: tty, shown: make(chan []byte, 100), program: exec.Command(os.Args[0], args...)}
	s.program.Dir = dir
	s.program.Env = append(os.Environ(), atTerminal+"=1", "DATABASE_URL="+d.URL, "DATABASE_DIRECT_URL="+d.AdminURL, "DATABASE_RIVER_URL="+d.RiverURL,
		"SALESBOOK_KEY_FILE="+filepath.Join(dir, "key"), "SALESBOOK_WORKSPACE=default")
	if d.Pooled {
		s.program.Env = append(s.program.Env, "SALESBOOK_POOLER=true")
	}
	s.program.Stdin, s.program.Stdout, s.program.Stderr = tty, tty, tty
	s.program.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := s.program.Start(); err != nil {
		t.Fatal(err)
	}
	go s.look()
	t.Cleanup(func() {
		_ = s.program.Process.Kill() // where the test has failed
		_ = tty.Close()
		_ = keys.Close()
	})
	return s
}

// look passes on what the program shows, until the terminal is closed.
func (s *sitting) look() {
	for {
		some := make([]byte, 1<<10)
		n, err := s.keys.Read(some)
		if err != nil {
			return
		}
		s.shown <- some[:n]
	}
}

// until waits for the program to show something.
func (s *sitting) until(text string) {
	s.t.Helper()
	late := time.After(30 * time.Second)
	for !strings.Contains(s.screen.String(), text) {
		select {
		case some := <-s.shown:
			s.screen.Write(some)
		case <-late:
			s.t.Fatalf("it never shows %q:\n%s", text, s.screen.String())
		}
	}
}

// types answers questions, each once it is asked.
func (s *sitting) types(questionsAndAnswers ...string) {
	s.t.Helper()
	for i := 0; i < len(questionsAndAnswers); i += 2 {
		s.until(questionsAndAnswers[i])
		if _, err := s.keys.WriteString(questionsAndAnswers[i+1]); err != nil {
			s.t.Fatal(err)
		}
	}
}

// ends waits for the program to end by itself, having said something, and for the
// terminal to be as it was.
func (s *sitting) ends(status int, saying string) {
	s.t.Helper()
	done := make(chan error, 1)
	go func() { done <- s.program.Wait() }()
	var err error
	select {
	case err = <-done:
	case <-time.After(30 * time.Second):
		s.t.Fatalf("it goes on:\n%s", s.screen.String())
	}
	if exit, _ := errors.AsType[*exec.ExitError](err); exit == nil || exit.ExitCode() != status {
		s.t.Errorf("ended with %v, want status %d", err, status)
	}
	s.until(saying)
	now, err := unix.IoctlGetTermios(int(s.tty.Fd()), getTermios)
	if err != nil {
		s.t.Fatal(err)
	}
	if now.Lflag&unix.ECHO == 0 || now.Lflag&unix.ICANON == 0 {
		s.t.Errorf("the terminal no longer shows what is typed, or no longer by lines: %#x", now.Lflag)
	}
}

// TestQuestionsCanBeLeft: at a terminal, Ctrl-C and Ctrl-D leave at once, whatever is
// asked, and what was typed unseen is nowhere to be seen.
func TestQuestionsCanBeLeft(t *testing.T) {
	t.Parallel()
	d, dir := pgtest.New(t), t.TempDir()
	if _, err := seal.Create(filepath.Join(dir, "key")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "secret"), []byte("hush"), 0o600); err != nil {
		t.Fatal(err)
	}
	ws := d.Workspace(t, "default")
	err := d.DB.In(t.Context(), ws, func(tx pgx.Tx) error {
		_, err := postgres.AddConnection(t.Context(), tx, ws, postgres.Connection{Name: "old", Vendor: "zoho", Settings: map[string]string{}})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	const interrupted, unanswered = "interrupted; run the command again to go on", "the questions were not answered to the end"
	led := []string{"connect", "zoho", "acme", "--base-url", "http://127.0.0.1:1"}
	paste := append(led[:len(led):len(led)], "--set", "client_id=1000.X", "--secret", "client_secret=@secret", "--paste")
	toSecret := []string{"Which one? [1]", "1\n", "Which one? [us]", "eu\n", "client_id: ", "1000.X\n"}
	toCode := append(toSecret[:len(toSecret):len(toSecret)], "client_secret (is not shown): ", "hush-hush\n")
	tests := []struct {
		name    string
		args    []string
		answers []string // questions with their answers
		asked   string   // the last question
		key     string
		status  int
		says    string
	}{
		{"a choice, Ctrl-C", led, nil, "Which one? [1]", ctrlC, exitIncomplete, interrupted},
		{"a choice, Ctrl-D", led, nil, "Which one? [1]", ctrlD, exitFailed, unanswered},
		{"a line, Ctrl-C", led, toSecret[:4], "client_id: ", ctrlC, exitIncomplete, interrupted},
		{"a begun line, Ctrl-C", led, toSecret[:4], "client_id: ", "100" + ctrlC, exitIncomplete, interrupted},
		{"a line, Ctrl-D", led, toSecret[:4], "client_id: ", ctrlD, exitFailed, unanswered},
		{"a secret, Ctrl-C", led, toSecret, "client_secret (is not shown): ", ctrlC, exitIncomplete, interrupted},
		{"a begun secret, Ctrl-C", led, toSecret, "client_secret (is not shown): ", "hush-hush" + ctrlC, exitIncomplete, interrupted},
		{"a secret, Ctrl-D", led, toSecret, "client_secret (is not shown): ", ctrlD, exitFailed, unanswered},
		{"a code, Ctrl-C", led, toCode, "code (is not shown): ", ctrlC, exitIncomplete, interrupted},
		{"a code, Ctrl-D", led, toCode, "code (is not shown): ", ctrlD, exitFailed, unanswered},
		{"an address, Ctrl-C", paste, nil, "and is not shown):", "http://localhost/?code=hush-hush" + ctrlC, exitIncomplete, interrupted},
		{"an address, Ctrl-D", paste, nil, "and is not shown):", ctrlD, exitFailed, "nothing was pasted"},
		{"a secret by flag, Ctrl-C", append(led[:len(led):len(led)], "--secret", "client_secret=-"), nil, "client_secret: ", ctrlC, exitIncomplete, interrupted},
		{"a secret by flag, Ctrl-D", append(led[:len(led):len(led)], "--secret", "client_secret=-"), nil, "client_secret: ", ctrlD, exitFailed, "nothing was entered"},
		{"a confirmation, Ctrl-C", []string{"connections", "remove", "old"}, nil, "[y/N]", ctrlC, exitIncomplete, interrupted},
		{"a confirmation, Ctrl-D", []string{"connections", "remove", "old"}, nil, "[y/N]", ctrlD, exitFailed, "nothing was done"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := sit(t, d, dir, tt.args...)
			s.types(append(tt.answers[:len(tt.answers):len(tt.answers)], tt.asked, tt.key)...)
			s.ends(tt.status, tt.says)
			if strings.Contains(s.screen.String(), "hush") {
				t.Errorf("what was to be unseen is shown:\n%s", s.screen.String())
			}
		})
	}
	t.Run("a secret, ended from outside", func(t *testing.T) {
		t.Parallel()
		s := sit(t, d, dir, led...)
		s.types(toSecret...)
		s.until("client_secret (is not shown): ")
		if err := s.program.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		s.ends(exitIncomplete, interrupted)
	})
}
