package jobs_test

import (
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/sandbox/pipedrive"
	"salesbook.dev/jobs"
)

// TestChaosRollingRestart restarts four workers one after the other while they
// load and deliveries arrive; half of them are not asked to end.
func TestChaosRollingRestart(t *testing.T) {
	t.Parallel()
	rng, _ := dice(t)
	b := setup(t, 120, pipedrive.Options{})
	b.receive(t)
	var workers [4]*process
	for i := range workers {
		workers[i] = start(t, b.work("work"))
	}
	for restart := range max(4, rounds()/10) {
		if _, err := b.sim.Trickle(rng, 15); err != nil {
			t.Fatal(err)
		}
		i := restart % len(workers)
		workers[i].ready(t)
		b.calling(t, int64(1+rng.IntN(15)))
		if rng.IntN(2) == 0 {
			workers[i].kill(t)
		} else {
			workers[i].endsWell(t)
		}
		workers[i] = start(t, b.work("work"))
	}
	if _, err := b.sim.Trickle(rng, 15); err != nil {
		t.Fatal(err)
	}
	b.drained(t)
	b.jobsGoOn(t)
	for _, w := range workers {
		w.endsWell(t)
	}
	b.finish(t)
	b.sound(t)
}

// endsWell asks a worker to end; it must do so by itself and in good order.
func (p *process) endsWell(t *testing.T) {
	t.Helper()
	p.ask(t)
	if status := p.wait(); status != 0 {
		t.Errorf("a worker that was asked to end did so with status %d: %s", status, p.errors())
	}
}

// jobsGoOn asks for a job and waits until it is done; none may be given up.
func (b *bundle) jobsGoOn(t *testing.T) {
	t.Helper()
	var id int64
	b.in(t, func(tx pgx.Tx) error {
		r, err := b.Queue.InsertTx(t.Context(), tx, jobs.PullArgs{Workspace: b.ws, Connection: b.conn, Force: true}, nil)
		if err == nil {
			id = r.Job.ID
		}
		return err
	})
	admin := b.db.Connect(t, b.db.AdminURL)
	eventually(t, "a job to be done", func() (done bool) {
		if err := admin.QueryRow(t.Context(), `SELECT state = 'completed' FROM river.river_job WHERE id = $1`, id).Scan(&done); err != nil {
			t.Fatal(err)
		}
		return done
	})
	var lost int
	if err := admin.QueryRow(t.Context(), `SELECT count(*) FROM river.river_job WHERE state IN ('discarded', 'cancelled')`).Scan(&lost); err != nil || lost > 0 {
		t.Errorf("%d jobs were given up, %v", lost, err)
	}
}

// TestChaosManyProcessesKeepToTheQuota: four processes load four connections to
// one company, which counts the calls itself.
func TestChaosManyProcessesKeepToTheQuota(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		limits  pipedrive.Limits
		reserve string // left to people and other tools
		most    int64  // tokens that may be used in all, by connecting and by first loads
		spent   bool   // the day's budget does not do for all
	}{
		"the burst":              {pipedrive.Limits{Burst: 40, DailyTokens: 1_000_000}, "10%", 800_000, false},
		"the day":                {pipedrive.Limits{Burst: 400, DailyTokens: 1500}, "10%", 1200, true},
		"the day with a reserve": {pipedrive.Limits{Burst: 400, DailyTokens: 1500}, "40%", 900, true},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, 20, pipedrive.Options{Limits: tc.limits})
			all := b.fourConnections(t, tc.reserve)
			before := b.calls.Load()
			var workers []*process
			for _, w := range all {
				workers = append(workers, start(t, w))
			}
			short := 0
			for _, w := range workers {
				switch status := w.wait(); {
				case status == childNoQuota && tc.spent:
					short++
				case status != 0:
					t.Errorf("a worker ended with status %d: %s", status, w.errors())
				}
			}
			if tc.spent != (short > 0) {
				t.Errorf("%d workers ended for want of tokens", short)
			}
			if n := b.calls.Load() - before; n < 2*int64(tc.limits.Burst) && !tc.spent {
				t.Errorf("%d calls put the limit of %d to no test", n, tc.limits.Burst)
			}
			if n := b.sim.Spent(); n > tc.most {
				t.Errorf("%d tokens were spent, want at most %d", n, tc.most)
			}
			b.hardlyRefused(t)
			for _, w := range all {
				if !tc.spent {
					b.driftOf(t, w.Workspace, w.Conn)
				}
			}
		})
	}
}

// fourConnections connects three more workspaces to the same company, all of
// which leave a reserve of the day's quota to others.
func (b *bundle) fourConnections(t *testing.T, reserve string) []childWork {
	t.Helper()
	all := []childWork{b.work("pull")}
	for i := range 3 {
		w := b.work("pull")
		w.Workspace = b.db.Workspace(t, fmt.Sprint("acme-", i))
		s, _, err := b.Connect(t.Context(), w.Workspace, jobs.NewConnection{Vendor: "pipedrive", Name: "crm", By: "test",
			Config: connectors.Config{BaseURL: b.vendor.URL, Secrets: map[string]string{"api_token": "token"}}})
		if err != nil {
			t.Fatal(err)
		}
		w.Conn = s.ID
		all = append(all, w)
	}
	for _, w := range all {
		err := b.DB.In(t.Context(), w.Workspace, func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), `UPDATE connections SET settings = settings || jsonb_build_object($1::text, $2::text)`, jobs.ReserveSetting, reserve)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}
