package jobs_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"time"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/sandbox"
	"salesbook.dev/internal/sandbox/pipedrive"
	"salesbook.dev/internal/seal"
)

// TestChaosFaults runs random schedules of faults. After a reconcile what we
// hold equals the vendor's truth, nothing was written twice, the vendor had no
// reason to refuse a call, and nothing of ours still runs.
func TestChaosFaults(t *testing.T) {
	t.Parallel()
	_, seed := dice(t)
	n := max(2, rounds()/10)
	if os.Getenv("SALESBOOK_CHAOS_SEED") != "" {
		n = 1
	}
	for i := range n {
		seed := seed + uint64(i)
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			s := newSchedule(t, seed)
			s.run(t, 24)
			s.reconcile(t)
			s.sound(t)
			s.withinQuota(t)
			s.noneLeft(t)
			if t.Failed() {
				t.Logf("again with SALESBOOK_CHAOS_SEED=%d; what happened:\n%s", seed, strings.Join(s.log, "\n"))
			}
		})
	}
}

func newSchedule(t *testing.T, seed uint64) *schedule {
	t.Helper()
	limits, err := pipedrive.PlanLimits("ultimate", 1000)
	if err != nil {
		t.Fatal(err)
	}
	limits.Burst = 600
	b := setup(t, 60, pipedrive.Options{RandomSeed: seed, Limits: limits})
	s := &schedule{bundle: b, rng: rand.New(rand.NewPCG(seed, 1)), name: fmt.Sprint(seed)}
	if s.rng.IntN(2) == 0 {
		if _, err := b.sim.Inject(sandbox.Fault{Kind: sandbox.Ties, N: 1 + s.rng.IntN(200)}); err != nil {
			t.Fatal(err)
		}
	}
	keys, err := seal.Open(b.key)
	if err != nil {
		t.Fatal(err)
	}
	for i := range s.two {
		p, pool, err := assemble(t.Context(), b.DB, keys, b.db.RiverURL, t.Output())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pool.Close)
		p.Holder, p.LeaseTTL = fmt.Sprintf("worker %d", i), 2*time.Second
		p.Transport = shortPages{http.DefaultTransport.(*http.Transport).Clone()}
		s.two[i] = p
	}
	b.Pipeline = s.two[0]
	s.receive(t)
	return s
}

// tolerate fails the test on errors that no fault of the vendor explains.
func (s *schedule) tolerate(t *testing.T, err error) {
	t.Helper()
	switch fault.KindOf(err) {
	case fault.Limited, fault.Temporary, fault.Lost, fault.Conflict:
	default:
		if err != nil {
			t.Errorf("%s: %v", s.log[len(s.log)-1], err)
		}
	}
}

// reconcile brings us to the vendor's state once it behaves: what arrived, what
// changed, then a comparison of everything.
func (s *schedule) reconcile(t *testing.T) {
	t.Helper()
	s.behave()
	s.settle(t)
	s.newDay(t)
	s.bundle.reconcile(t)
}

// newDay lets midnight pass, which ends a refusal for the rest of the day.
func (s *schedule) newDay(t *testing.T) {
	t.Helper()
	s.age(t, time.Hour)
	admin := s.db.Connect(t, s.db.AdminURL)
	if _, err := admin.Exec(t.Context(), `UPDATE salesbook.vendor_accounts SET parked_until = NULL, daily_day = daily_day - 1`); err != nil {
		t.Fatal(err)
	}
}

// withinQuota: the vendor counts calls itself, and refused none that it was not
// told to refuse.
func (s *schedule) withinQuota(t *testing.T) {
	t.Helper()
	if r := s.sim.Refused(); r != (pipedrive.Refusals{}) {
		t.Errorf("of %d calls the vendor refused some: %+v", s.calls.Load(), r)
	}
}

// ours does something of ours. Goroutines that it leaves behind are found by
// the label that they inherit.
func (s *schedule) ours(t *testing.T, do func(ctx context.Context) error) {
	t.Helper()
	pprof.Do(t.Context(), pprof.Labels("schedule", s.name), func(ctx context.Context) { s.tolerate(t, do(ctx)) })
}

// noneLeft waits until no goroutine of ours is left, once the connections that
// are kept for later are closed.
func (s *schedule) noneLeft(t *testing.T) {
	t.Helper()
	for _, p := range s.two {
		p.Transport.(shortPages).next.(*http.Transport).CloseIdleConnections()
	}
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for tries := 0; ; tries++ {
		left := labelled(fmt.Sprintf(`"schedule":%q`, s.name))
		if len(left) == 0 {
			return
		}
		if tries == 1000 {
			t.Errorf("goroutines are left:\n%s", strings.Join(left, "\n\n"))
			return
		}
		<-look.C
	}
}

// labelled returns the stacks of goroutines with a label.
func labelled(label string) (stacks []string) {
	var all bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&all, 1); err != nil {
		return []string{err.Error()}
	}
	for stack := range strings.SplitSeq(all.String(), "\n\n") {
		if strings.Contains(stack, label) {
			stacks = append(stacks, stack)
		}
	}
	return stacks
}

// together runs functions beside each other.
func together(all ...func()) {
	var wg sync.WaitGroup
	for _, f := range all {
		wg.Go(f)
	}
	wg.Wait()
}
