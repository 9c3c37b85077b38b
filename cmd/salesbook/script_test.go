package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/tidwall/gjson"

	"salesbook.dev/internal/notify/notifytest"
	"salesbook.dev/internal/postgres/pgtest"
	"salesbook.dev/internal/seal"
)

// TestScripts runs the real program, built as it ships, against the simulator,
// itself a process of the program, and a real PostgreSQL. Scripts whose name
// begins with private_ start the private server; the others have a database of
// a shared one. The race detector watches over the tests of the packages that
// the program consists of.
func TestScripts(t *testing.T) {
	t.Parallel()
	bin := t.TempDir()
	build := exec.Command("go", "build", "-buildvcs=false", "-o", bin, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", build, err, out)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               func(e *testscript.Env) error { return setup(e, bin) },
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "json": jsonValue, "sandbox": startSandbox, "vendor": askVendor, "consent": giveConsent, "until": until, "newkey": newKey,
			"shows": shows, "collector": startCollector, "mailed": mailed,
		},
	})
}

// setup gives a script its database, its key file and the program.
func setup(e *testscript.Env, bin string) error {
	t := e.T().(testing.TB)
	e.Setenv("BIN", bin)
	e.Setenv("PATH", bin+string(filepath.ListSeparator)+os.Getenv("PATH"))
	e.Setenv("USER", "tester")
	company, err := filepath.Abs("testdata/company.jsonl")
	if err != nil {
		return err
	}
	e.Setenv("COMPANY", company)
	for _, name := range []string{"PORT", "PORT2"} {
		port, err := freePort()
		if err != nil {
			return err
		}
		e.Setenv(name, port)
	}
	if strings.Contains(t.Name(), "/notify") {
		mail := notifytest.NewMailServer(t, notifytest.Options{})
		e.Values[mailServer{}] = mail
		e.Setenv("MAILPORT", strconv.Itoa(mail.Port))
	}
	if strings.Contains(t.Name(), "/private_") {
		dir, err := privateData()
		if err != nil {
			return err
		}
		e.Defer(func() { _ = os.RemoveAll(dir) })
		e.Setenv("SALESBOOK_DATA", dir)
		return nil
	}
	d := pgtest.New(t)
	key := filepath.Join(e.WorkDir, "key")
	if _, err := seal.Create(key); err != nil {
		return err
	}
	for name, value := range map[string]string{"DATABASE_URL": d.URL, "DATABASE_DIRECT_URL": d.AdminURL, "DATABASE_RIVER_URL": d.RiverURL,
		"SALESBOOK_POOLER": strconv.FormatBool(d.Pooled), "SALESBOOK_KEY_FILE": key} {
		e.Setenv(name, value)
	}
	return nil
}

// freePort returns a port that nobody listens on at the moment.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, errors.Join(err, l.Close())
}

// privateData makes a data directory that the account of PostgreSQL can reach
// when root runs the tests, in memory where there is room.
func privateData() (string, error) {
	base := "/dev/shm"
	if _, err := os.Stat(base); err != nil {
		base = "/tmp"
	}
	dir, err := os.MkdirTemp(base, "salesbook-cli-")
	if err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o755)
}

// exits CODE PROGRAM ARGS...: the program ends with exactly this status.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGS...")
	}
	got := "0"
	err := ts.Exec(args[1], args[2:]...)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = strconv.Itoa(exit.ExitCode())
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != args[0] {
		ts.Fatalf("%s ended with status %s, want %s\n%s%s", strings.Join(args[1:], " "), got, args[0], ts.ReadFile("stdout"), ts.ReadFile("stderr"))
	}
}

// json PATH VALUE: what the last program printed is JSON with this value at the path.
func jsonValue(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: json PATH VALUE")
	}
	text := ts.ReadFile("stdout")
	if !gjson.Valid(text) {
		ts.Fatalf("standard output is not JSON:\n%s", text)
	}
	if got := gjson.Get(text, args[0]).String(); (got == args[1]) == neg {
		ts.Fatalf("%s is %q, compared with %q, in\n%s", args[0], got, args[1], text)
	}
}

func program(ts *testscript.TestScript) string { return filepath.Join(ts.Getenv("BIN"), "salesbook") }

// sandbox [zoho] ARGS...: starts the simulator, Pipedrive's unless named; $SIM is
// where it answers.
func startSandbox(ts *testscript.TestScript, neg bool, args []string) {
	vendor := "pipedrive"
	if len(args) > 0 && args[0] == "zoho" {
		vendor, args = args[0], args[1:]
	}
	cmd := exec.Command(program(ts), append([]string{"sandbox", vendor, "--listen", "127.0.0.1:0", "--plan", "ultimate", "--seats", "50"}, args...)...)
	cmd.Env = append(os.Environ(), "SALESBOOK_DATA=")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	ts.Defer(func() {
		if err := errors.Join(cmd.Process.Signal(syscall.SIGINT), cmd.Wait()); err != nil {
			ts.Logf("the simulator did not end cleanly: %v", err)
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	ts.Check(err)
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if !ok {
		ts.Fatalf("the simulator began with %q", line)
	}
	ts.Setenv("SIM", url)
}

// vendor METHOD PATH [BODY]: calls the simulator as another tool would.
func askVendor(ts *testscript.TestScript, neg bool, args []string) {
	body := io.Reader(nil)
	if len(args) == 3 {
		body = strings.NewReader(args[2])
	}
	r, err := http.NewRequest(args[0], ts.Getenv("SIM")+args[1], body)
	ts.Check(err)
	r.Header.Set("X-Api-Token", "somebody-else")
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	ts.Check(err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	ts.Check(err)
	if (answer.StatusCode/100 == 2) == neg {
		ts.Fatalf("%s %s: %s\n%s", args[0], args[1], answer.Status, text)
	}
	_, err = ts.Stdout().Write(text)
	ts.Check(err)
}

// until PATTERN PROGRAM ARGS...: repeats the program until it prints the text.
func until(ts *testscript.TestScript, neg bool, args []string) {
	deadline := time.Now().Add(30 * time.Second)
	for {
		err := ts.Exec(args[1], args[2:]...)
		if text := ts.ReadFile("stdout"); err == nil && strings.Contains(text, args[0]) {
			return
		} else if time.Now().After(deadline) {
			ts.Fatalf("never printed %q: %v\n%s%s", args[0], err, text, ts.ReadFile("stderr"))
		}
	}
}

// shows URL TEXT: asks again until the answer is 2xx and holds the text; with
// ! a single answer must not be so.
func shows(ts *testscript.TestScript, neg bool, args []string) {
	deadline := time.Now().Add(30 * time.Second)
	for {
		found, err := answers(args[0], args[1])
		switch {
		case neg && err == nil && !found, !neg && found:
			return
		case neg && found:
			ts.Fatalf("%s shows %q", args[0], args[1])
		case time.Now().After(deadline):
			ts.Fatalf("%s never showed %q: %v", args[0], args[1], err)
		}
	}
}

func answers(url, want string) (bool, error) {
	answer, err := http.Get(url)
	if err != nil {
		return false, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return answer.StatusCode/100 == 2 && strings.Contains(string(text), want), err
}

// collector: starts a receiver of traces; $SPANS shows all that it was sent.
func startCollector(ts *testscript.TestScript, neg bool, args []string) {
	var mu sync.Mutex
	var all []byte
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if r.Method == http.MethodGet {
			_, _ = w.Write(all)
			return
		}
		sent, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		all = append(all, sent...)
	}))
	ts.Defer(server.Close)
	ts.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
	ts.Setenv("SPANS", server.URL)
}

// mailServer is the key of the mail server among a script's values.
type mailServer struct{}

// mailed ADDRESS TEXT: a mail has come to the address whose subject or text has
// the text in it; $MAILPORT is where the mail server listens.
func mailed(ts *testscript.TestScript, neg bool, args []string) {
	found := false
	for _, m := range ts.Value(mailServer{}).(*notifytest.MailServer).Mails() {
		found = found || m.To == args[0] && strings.Contains(m.Subject()+"\n"+m.Text, args[1])
	}
	if found == neg {
		ts.Fatalf("a mail to %s with %q: %v", args[0], args[1], found)
	}
}

// newkey FILE: adds a key to a key file, as a rotation does first.
func newKey(ts *testscript.TestScript, neg bool, args []string) {
	keys, err := seal.Open(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(keys.Rotate())
}

// consent [follow|paste] ARGS...: connects by OAuth, playing the browser.
func giveConsent(ts *testscript.TestScript, neg bool, args []string) {
	cmd := exec.Command(program(ts), args[1:]...)
	cmd.Dir = ts.Getenv("WORK")
	for _, name := range []string{"DATABASE_URL", "DATABASE_RIVER_URL", "SALESBOOK_KEY_FILE", "SALESBOOK_POOLER", "PATH", "USER"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	in, err := cmd.StdinPipe()
	ts.Check(err)
	said, err := cmd.StderrPipe()
	ts.Check(err)
	cmd.Stdout = ts.Stdout()
	ts.Check(cmd.Start())
	var log strings.Builder
	lines := bufio.NewScanner(said)
	for lines.Scan() {
		log.WriteString(lines.Text() + "\n")
		if url := strings.TrimSpace(lines.Text()); strings.HasPrefix(url, "http") {
			ts.Check(browse(url, args[0], in))
		}
	}
	if err := cmd.Wait(); (err == nil) == neg {
		ts.Fatalf("%v\n%s", err, log.String())
	}
	fmt.Fprint(ts.Stderr(), log.String())
}

// browse opens the vendor's page of consent. A browser follows to the callback;
// a person who pastes copies the address instead.
func browse(url, how string, paste io.Writer) error {
	client := &http.Client{Timeout: 10 * time.Second}
	if how == "paste" {
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	answer, err := client.Get(url)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if how == "paste" {
		_, err = fmt.Fprintln(paste, answer.Header.Get("Location"))
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the browser ended up at %s: %s", answer.Request.URL.Path, answer.Status)
	}
	return nil
}
