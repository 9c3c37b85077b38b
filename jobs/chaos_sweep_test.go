package jobs_test

import (
	"context"
	"testing"
	"time"

	"salesbook.dev/internal/postgres"
	"salesbook.dev/jobs"
)

// sweepToTheEnd sweeps until there are proofs from after the instant.
func sweepToTheEnd(ctx context.Context, p *jobs.Pipeline, w childWork) error {
	return insist(ctx, func() (bool, error) {
		return p.Sweep(ctx, w.Workspace, w.Conn, jobs.SweepOptions{Since: w.Since})
	})
}

// TestChaosKilledSweeps kills worker processes at random instants of a sweep
// that finds deletions. Each is counted once, and nothing is left undone.
func TestChaosKilledSweeps(t *testing.T) {
	t.Parallel()
	rng, _ := dice(t)
	b := setupSwept(t, 600)
	for _, path := range []string{"/api/v2/persons/1", "/api/v2/persons/3", "/api/v2/activities/5", "/api/v1/notes/7"} {
		b.do(t, "DELETE", path, nil)
	}
	b.settle(t)
	work := b.work("sweep")
	work.Since = one[time.Time](t, b.bundle, `SELECT now()`)
	for range rounds() {
		p := start(t, work)
		alarm := time.AfterFunc(50*time.Millisecond+time.Duration(rng.IntN(400))*time.Millisecond, func() { _ = p.cmd.Process.Kill() })
		status := p.wait()
		alarm.Stop()
		if status > 0 {
			t.Fatalf("a worker failed: %s", p.errors())
		}
		if status == 0 {
			break // it was done
		}
	}
	if err := sweepToTheEnd(t.Context(), b.Pipeline, work); err != nil {
		t.Fatal(err)
	}
	proofs := b.proofs(t)
	b.wantDrift(t, proofs, map[string]postgres.Figures{"persons": {Gone: 2}, "activities": {Gone: 1}, "notes": {Gone: 1}})
	for object, p := range proofs {
		if f := p.Figures; f.Here.Count != f.There.Count+f.Gone {
			t.Errorf("%s: records were counted twice or not at all: %+v", object, f)
		}
	}
	if n := one[int](t, b.bundle, `SELECT count(*) FROM (SELECT object FROM proofs GROUP BY object HAVING count(*) > 1) twice`); n != 0 {
		t.Errorf("%d objects were proven twice", n)
	}
}
