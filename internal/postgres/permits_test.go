package postgres_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/postgres/pgtest"
	"salesbook.dev/internal/rest"
)

// enter tries to begin a call and returns its permit, or what it waits for.
func (b *quotaBundle) enter(lane rest.Lane, heavy bool) (rest.Permit, string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 30*time.Second) // as rest limits an attempt
	defer cancel()
	permit, wait, reason, err := postgres.Governor{DB: b.DB, Account: b.account, Lane: lane}.Try(ctx, rest.Price{Cost: 1, Burst: 1, Heavy: heavy})
	if err != nil {
		b.t.Fatal(err)
	}
	if (wait == 0) != (reason == "") || wait > 0 && permit != 0 || reason == "calls" && wait > 200*time.Millisecond {
		b.t.Errorf("permit %d, waits %v for %q", permit, wait, reason)
	}
	return permit, reason
}

// crowd begins calls until one has to wait, and returns their permits.
func (b *quotaBundle) crowd(lane rest.Lane, heavy bool) (all []rest.Permit) {
	b.t.Helper()
	for range 100 {
		permit, reason := b.enter(lane, heavy)
		if reason != "" {
			return all
		}
		all = append(all, permit)
	}
	b.t.Fatal("nothing bounds the calls at once")
	return all
}

func (b *quotaBundle) leave(p rest.Permit, u rest.Usage) {
	b.t.Helper()
	if err := (postgres.Governor{DB: b.DB, Account: b.account}).Done(b.t.Context(), p, u); err != nil {
		b.t.Fatal(err)
	}
}

func TestCallsAtOnceAreCounted(t *testing.T) {
	t.Parallel()
	b := setupQuota(t, budget{daily: 1000, rolling: true, atOnce: 10, heavy: 4})
	heavies := b.crowd(rest.Webhook, true)
	if len(heavies) != 4 {
		t.Errorf("%d heavy calls at once, want 4", len(heavies))
	}
	light := b.crowd(rest.Webhook, false)
	if len(light) != 6 {
		t.Errorf("%d more calls at once, want 6", len(light))
	}
	if q := b.status(); *q.AtOnce != 10 || q.UnderWay != 10 || *q.DailyLeft != 990 {
		t.Errorf("%d of %d under way, %d of the budget left; want 10 of 10 and 990", q.UnderWay, *q.AtOnce, *q.DailyLeft)
	}
	b.leave(light[0], rest.Usage{})
	if _, reason := b.enter(rest.Webhook, true); reason != "calls" {
		t.Error("a fifth heavy call takes a light one's place")
	}
	if permit, _ := b.enter(rest.Webhook, false); permit == 0 {
		t.Error("a call that ended leaves no place")
	}
	b.leave(heavies[0], rest.Usage{DailyRemaining: new(400)}) // one question does for both
	if permit, _ := b.enter(rest.Webhook, true); permit == 0 {
		t.Error("a heavy call that ended leaves no place")
	}
	if got := b.left(); got != 399 {
		t.Errorf("%d are left, want 399", got)
	}
	b.leave(heavies[0], rest.Usage{}) // again, or unknown: nothing happens
	if _, reason := b.enter(rest.Webhook, false); reason != "calls" {
		t.Error("a permit given back twice makes two places")
	}
	for _, free := range []rest.Price{{Cost: 0, Burst: 1}} { // asking for a token is no call of the API
		permit, wait, _, err := postgres.Governor{DB: b.DB, Account: b.account}.Try(t.Context(), free)
		if permit != 0 || wait != 0 || err != nil {
			t.Errorf("what costs nothing: permit %d, wait %v, error %v", permit, wait, err)
		}
	}
}

func TestLanesLeaveCallsAtOnce(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		atOnce int
		want   map[rest.Lane]int
	}{
		{20, map[rest.Lane]int{rest.Webhook: 20, rest.Interactive: 20, rest.WriteBack: 19, rest.SLA: 18, rest.Incremental: 17, rest.Sweep: 15, rest.Backfill: 14, rest.History: 12}},
		{5, map[rest.Lane]int{rest.Webhook: 5, rest.Incremental: 5, rest.Sweep: 4, rest.Backfill: 4, rest.History: 3}},
		{1, map[rest.Lane]int{rest.Webhook: 1, rest.History: 1}},
	} {
		for lane, want := range tt.want {
			t.Run(fmt.Sprint(tt.atOnce, " ", lane), func(t *testing.T) {
				t.Parallel()
				b := setupQuota(t, budget{atOnce: tt.atOnce})
				light := b.crowd(lane, false)
				if len(light) != want {
					t.Errorf("%d calls at once, want %d", len(light), want)
				}
				for _, p := range light {
					b.leave(p, rest.Usage{})
				}
				if got := len(b.crowd(lane, true)); got != want { // where heavy ones are not bounded of their own
					t.Errorf("%d heavy calls at once, want %d", got, want)
				}
				if got := len(b.crowd(rest.Webhook, false)); got != tt.atOnce-want {
					t.Errorf("%d were left to the most urgent lane, want %d", got, tt.atOnce-want)
				}
			})
		}
	}
}

func TestPermitsOfTheDeadEnd(t *testing.T) {
	t.Parallel()
	b := setupQuota(t, budget{atOnce: 3})
	b.crowd(rest.Webhook, false) // and their process is killed
	b.pass(33 * time.Second)
	if _, reason := b.enter(rest.Webhook, false); reason != "calls" {
		t.Error("a permit ended before its call had to")
	}
	b.pass(3 * time.Second)
	if got := len(b.crowd(rest.Webhook, false)); got != 3 {
		t.Errorf("%d calls at once after the dead ones' time, want 3", got)
	}
	b.pass(-24 * time.Hour) // the clock is set back: those would last a day
	if got := len(b.crowd(rest.Webhook, false)); got != 3 {
		t.Errorf("%d calls at once after the clock was set back, want 3", got)
	}
	if q := b.status(); q.UnderWay != 3 {
		t.Errorf("%d are shown as under way, want 3", q.UnderWay)
	}
}

func TestCallsWithoutABoundNeedNoPermit(t *testing.T) {
	t.Parallel()
	b := setupQuota(t, budget{burst: 100, window: time.Second, daily: 1000})
	b.drain(rest.Webhook)
	b.pass(time.Hour)
	if permit, reason := b.enter(rest.Webhook, true); permit != 0 || reason != "" {
		t.Errorf("permit %d, waits for %q", permit, reason)
	}
	if q := b.status(); q.AtOnce != nil || q.UnderWay != 0 || q.Rolling || q.BackAt != nil {
		t.Errorf("shown: %+v", q)
	}
}

// TestManyProcessesKeepToTheCallsAtOnce lets four pools call as fast as they
// can and counts as the vendor does.
func TestManyProcessesKeepToTheCallsAtOnce(t *testing.T) {
	t.Parallel()
	b := setupRace(t, budget{daily: 1 << 20, rolling: true, atOnce: 7, heavy: 3})
	var running, heavies, most, mostHeavy, calls atomic.Int64
	raise := func(to *atomic.Int64, n int64) {
		for old := to.Load(); n > old && !to.CompareAndSwap(old, n); old = to.Load() {
		}
	}
	b.rush(1500*time.Millisecond, func(ctx context.Context, g postgres.Governor, r *rand.Rand) bool {
		heavy := r.IntN(2) == 0
		whole := context.WithoutCancel(ctx) // who stops waiting for the answer may have got a permit, which then ends by itself
		permit, err := g.Take(whole, rest.Price{Cost: 1, Heavy: heavy})
		if b.limited(ctx, err) || err != nil {
			return true
		}
		calls.Add(1)
		raise(&most, running.Add(1))
		if heavy {
			raise(&mostHeavy, heavies.Add(1))
		}
		timer := time.NewTimer(time.Duration(r.IntN(4)) * time.Millisecond)
		<-timer.C // the vendor works
		if heavy {
			heavies.Add(-1)
		}
		running.Add(-1)
		u := rest.Usage{}
		if r.IntN(20) == 0 {
			u.HalfLeft = true
		}
		if err := g.Done(whole, permit, u); err != nil {
			t.Error(err)
		}
		return true
	})
	if most.Load() > 7 || mostHeavy.Load() > 3 {
		t.Errorf("%d calls at once, %d of them heavy; 7 and 3 are allowed", most.Load(), mostHeavy.Load())
	}
	if most.Load() < 5 || calls.Load() < 50 {
		t.Errorf("%d calls, %d at once: the allowance is hardly used", calls.Load(), most.Load())
	}
	if q := b.status(); q.UnderWay != 0 {
		t.Errorf("%d calls are under way though all have ended", q.UnderWay)
	}
}

// childDatabase tells the process that holds permits and is killed where to take them.
const childDatabase = "SALESBOOK_TEST_PERMITS"

// TestAKilledProcessKeepsNoPermit has another process take all permits, kills it
// and sees them come back.
func TestAKilledProcessKeepsNoPermit(t *testing.T) {
	t.Parallel()
	if where := os.Getenv(childDatabase); where != "" {
		holdPermits(t, where)
		return
	}
	b := setupRace(t, budget{atOnce: 4})
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestAKilledProcessKeepsNoPermit$")
	child.Env = append(os.Environ(), childDatabase+"="+strconv.FormatInt(b.account, 10)+" "+b.Database.URL)
	said, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	word := make([]byte, len("holding"))
	if _, err := said.Read(word); err != nil || string(word) != "holding" {
		t.Fatalf("the child says %q, error %v", word, err)
	}
	g := postgres.Governor{DB: b.DB, Account: b.account, Lane: rest.Webhook}
	if _, err := g.Take(t.Context(), rest.Price{Cost: 1}); fault.KindOf(err) != fault.Limited || fault.RetryAfter(err) == 0 || !strings.Contains(err.Error(), "at once") {
		t.Errorf("while another process holds all permits: error %v", err)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // killed
	// Its permits last for the seconds that its calls had, and a few more.
	for start := time.Now(); ; {
		_, err := g.Take(t.Context(), rest.Price{Cost: 1})
		if err == nil {
			return
		}
		if time.Since(start) > 30*time.Second {
			t.Fatalf("after %v: %v", time.Since(start), err)
		}
	}
}

// holdPermits takes all permits, says so, and waits to be killed.
func holdPermits(t *testing.T, where string) {
	id, url, _ := strings.Cut(where, " ")
	account, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	db, err := postgres.Open(t.Context(), url, postgres.Options{MaxConns: 2})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	for range 4 {
		if _, err := (postgres.Governor{DB: db, Account: account, Lane: rest.Webhook}).Take(ctx, rest.Price{Cost: 1}); err != nil {
			t.Fatal(err)
		}
	}
	fmt.Print("holding")
	<-t.Context().Done()
}

// BenchmarkCall takes a permit and gives it back, beside a call that needs none.
func BenchmarkCall(b *testing.B) {
	for name, atOnce := range map[string]int{"paced": 0, "counted": 25} {
		b.Run(name, func(b *testing.B) {
			g := benchGovernor(b, atOnce)
			b.ResetTimer()
			for b.Loop() {
				permit, err := g.Take(b.Context(), rest.Price{Cost: 1, Burst: 1})
				if err != nil {
					b.Fatal(err)
				}
				if permit == 0 {
					continue
				}
				if err := g.Done(b.Context(), permit, rest.Usage{HalfLeft: true}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// benchGovernor is bound to an account that has all that it may want.
func benchGovernor(b *testing.B, atOnce int) postgres.Governor {
	d := pgtest.New(b)
	var account int64
	err := d.Connect(b, d.AdminURL).QueryRow(b.Context(), `SELECT salesbook.vendor_quota('pipedrive', 'acme', 0, '0', 1000000000, '', $1, $2, 0)`, atOnce > 0, atOnce).Scan(&account)
	if err != nil {
		b.Fatal(err)
	}
	return postgres.Governor{DB: d.DB, Account: account, Lane: rest.Incremental}
}
