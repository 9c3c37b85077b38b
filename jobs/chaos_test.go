package jobs_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sandbox/pipedrive"
	"salesbook.dev/internal/seal"
	"salesbook.dev/jobs"
)

// childEnv holds, for a re-executed test binary, what it works on.
const childEnv = "SALESBOOK_JOBS_CHILD"

// childWork is a worker process's share of a test.
type childWork struct {
	URL, RiverURL, Key string
	Workspace, Conn    int64
}

// child is a worker process that pulls a connection to its end. It is killed
// at any moment.
func child() int {
	var w childWork
	if err := json.Unmarshal([]byte(os.Getenv(childEnv)), &w); err != nil {
		return complain(err)
	}
	ctx := context.Background()
	db, err := postgres.Open(ctx, w.URL, postgres.Options{})
	if err != nil {
		return complain(err)
	}
	keys, err := seal.Open(w.Key)
	if err != nil {
		return complain(err)
	}
	p, _, err := assemble(ctx, db, keys, w.RiverURL, os.Stderr)
	if err != nil {
		return complain(err)
	}
	p.LeaseTTL = 300 * time.Millisecond
	for {
		complete, err := p.Pull(ctx, w.Workspace, w.Conn, jobs.PullOptions{Force: true})
		switch {
		case complete:
			return 0
		case fault.KindOf(err) == fault.Lost:
			time.Sleep(20 * time.Millisecond) // the killed holder's lease has to end
		case err != nil:
			return complain(err)
		}
	}
}

func complain(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// rounds is how many worker processes are killed.
func rounds() int {
	n, err := strconv.Atoi(os.Getenv("SALESBOOK_CHAOS_ROUNDS"))
	if err != nil {
		return 10
	}
	return n
}

// TestChaosKilledWorkers kills worker processes at random points of a load.
// Nothing may be lost, and nothing written twice.
func TestChaosKilledWorkers(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	b := setup(t, 800, pipedrive.Options{})
	b.Pipeline.LeaseTTL = 300 * time.Millisecond
	work, err := json.Marshal(childWork{b.db.URL, b.db.RiverURL, b.key, b.ws, b.conn})
	if err != nil {
		t.Fatal(err)
	}
	killed := 0
	for killed < rounds() {
		if runAndKill(t, string(work), time.Duration(rng.IntN(700))*time.Millisecond) {
			killed++
			continue
		}
		b.in(t, resetAll(t, b)) // it was done: let the next one start over
	}
	for runAndKill(t, string(work), time.Minute) {
		t.Fatal("an undisturbed worker did not come to an end")
	}
	b.drift(t)
	if n := one[int](t, b, `SELECT count(*) FROM changes`); n != 0 {
		t.Errorf("%d changes were recorded though nothing changed", n)
	}
	if n := one[int](t, b, `SELECT count(*) FROM failures`); n != 0 {
		t.Errorf("%d failures", n)
	}
}

// runAndKill runs a worker process and kills it after a while; it reports
// false when the worker was done before.
func runAndKill(t *testing.T, work string, after time.Duration) (killed bool) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+work)
	out, err := os.CreateTemp(t.TempDir(), "child")
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case err := <-done:
		if err != nil {
			text, _ := os.ReadFile(out.Name())
			t.Fatalf("the worker failed: %v: %s", err, text)
		}
		return false
	case <-time.After(after):
		_ = cmd.Process.Kill() // it may have ended this instant
		<-done
		return true
	}
}
