package postgres_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/postgres/pgtest"
	"salesbook.dev/internal/rest"
)

// budget is what a vendor account may spend; zero is not known.
type budget struct {
	burst  int
	window time.Duration
	daily  int
	zone   string

	rolling       bool
	atOnce, heavy int
}

// quotaBundle is a vendor account in a database whose quota functions go by
// the test's clock.
type quotaBundle struct {
	*pgtest.Database
	t       *testing.T
	admin   *pgx.Conn
	account int64
	now     time.Time
}

// noon is when the tests' clocks start.
func noon() time.Time { return time.Date(2026, 11, 16, 12, 0, 0, 0, time.UTC) }

func setupQuota(t *testing.T, o budget) *quotaBundle {
	t.Helper()
	d := pgtest.New(t)
	b := &quotaBundle{Database: d, t: t, admin: d.Connect(t, d.AdminURL)}
	b.account = b.addAccount(o)
	// A function of the same name before the real one: the clock of these tests.
	b.run(`CREATE TABLE salesbook.test_clock (at timestamptz)`)
	b.run(`INSERT INTO salesbook.test_clock VALUES (now())`)
	b.run(`CREATE FUNCTION salesbook.clock_timestamp() RETURNS timestamptz LANGUAGE sql SECURITY DEFINER AS 'SELECT at FROM salesbook.test_clock'`)
	for _, f := range []string{"take_call", "end_call", "quota_standing"} {
		b.run(`ALTER FUNCTION salesbook.` + f + ` SET search_path = salesbook, pg_catalog, pg_temp`)
	}
	b.set(noon())
	return b
}

func (b *quotaBundle) run(sql string, args ...any) {
	b.t.Helper()
	if _, err := b.admin.Exec(b.t.Context(), sql, args...); err != nil {
		b.t.Fatal(err)
	}
}

func (b *quotaBundle) addAccount(o budget) int64 {
	b.t.Helper()
	var id int64
	err := b.admin.QueryRow(b.t.Context(), `SELECT salesbook.vendor_quota('pipedrive', 'acme', $1, $2, $3, $4, $5, $6, $7)`,
		o.burst, o.window, o.daily, o.zone, o.rolling, o.atOnce, o.heavy).Scan(&id)
	if err != nil {
		b.t.Fatal(err)
	}
	return id
}

// set sets the clock.
func (b *quotaBundle) set(at time.Time) {
	b.t.Helper()
	b.now = at
	b.run(`UPDATE salesbook.test_clock SET at = $1`, at)
}

func (b *quotaBundle) pass(d time.Duration) {
	b.t.Helper()
	b.set(b.now.Add(d))
}

// take tries to take a call in a lane and returns how long to keep away, which
// is 0 when it is granted, and whether the day is spent.
func (b *quotaBundle) take(lane rest.Lane, cost, calls int) (wait time.Duration, daily bool) {
	b.t.Helper()
	_, wait, reason, err := postgres.Governor{DB: b.DB, Account: b.account, Lane: lane}.Try(b.t.Context(), rest.Price{Cost: cost, Burst: calls})
	if err != nil {
		b.t.Fatal(err)
	}
	return wait, reason == "day" || reason == "24 hours"
}

// drain takes calls of a lane until it has to wait, and returns how many.
func (b *quotaBundle) drain(lane rest.Lane) (n int) {
	b.t.Helper()
	for ; n < 10_000; n++ {
		if wait, _ := b.take(lane, 0, 1); wait > 0 {
			return n
		}
	}
	b.t.Fatal("nothing paces this lane")
	return n
}

func (b *quotaBundle) learn(u rest.Usage) {
	b.t.Helper()
	if err := (postgres.Governor{DB: b.DB, Account: b.account}).Done(b.t.Context(), 0, u); err != nil {
		b.t.Fatal(err)
	}
}

func (b *quotaBundle) status() postgres.QuotaStatus {
	b.t.Helper()
	q, err := b.DB.Quota(b.t.Context(), b.account)
	if err != nil {
		b.t.Fatal(err)
	}
	return q
}

// grant is a call that was allowed.
type grant struct {
	at   time.Time
	cost int
}

// mostWithin returns the largest sum of costs that any window of this length
// holds, wherever it begins.
func mostWithin(window time.Duration, grants []grant) int {
	slices.SortFunc(grants, func(a, b grant) int { return a.at.Compare(b.at) })
	most, sum, first := 0, 0, 0
	for _, g := range grants {
		sum += g.cost
		for ; g.at.Sub(grants[first].at) >= window; first++ {
			sum -= grants[first].cost
		}
		most = max(most, sum)
	}
	return most
}

// TestNoWindowHoldsMoreThanTheBudget takes by random schedules: quiet times,
// rushes, calls of different size, all lanes.
func TestNoWindowHoldsMoreThanTheBudget(t *testing.T) {
	t.Parallel()
	for i, o := range []budget{
		{burst: 1, window: 2 * time.Second}, {burst: 2, window: time.Second}, {burst: 3, window: time.Minute},
		{burst: 7, window: 700 * time.Millisecond}, {burst: 20, window: 2 * time.Second}, {burst: 80, window: 2 * time.Second},
		{burst: 100, window: time.Minute}, {burst: 480, window: 2 * time.Second}, {burst: 15, window: time.Hour},
	} {
		t.Run(fmt.Sprintf("%d in %v", o.burst, o.window), func(t *testing.T) {
			t.Parallel()
			b := setupQuota(t, o)
			random := rand.New(rand.NewPCG(uint64(i), 16))
			var grants []grant
			for range 600 {
				lane, calls := rest.Lane(random.IntN(8)), 1
				if random.IntN(20) == 0 {
					calls = 1 + random.IntN(o.burst)
				}
				wait, _ := b.take(lane, 0, calls)
				switch {
				case wait == 0:
					grants = append(grants, grant{b.now, calls})
				case random.IntN(2) == 0:
					b.pass(wait)
				default:
					b.pass(time.Duration(random.Int64N(int64(o.window)) / 4))
				}
			}
			if most := mostWithin(o.window, grants); most > o.burst {
				t.Errorf("a window of %v holds %d calls, the budget is %d", o.window, most, o.burst)
			}
			if len(grants) < 100 {
				t.Errorf("only %d of 600 tries were granted", len(grants))
			}
		})
	}
}

// TestTheToldDelayIsTrue waits as long as it is told and then gets its call,
// and gets most of the budget that way.
func TestTheToldDelayIsTrue(t *testing.T) {
	t.Parallel()
	for _, o := range []budget{{burst: 1, window: 2 * time.Second}, {burst: 5, window: time.Second}, {burst: 20, window: 2 * time.Second}, {burst: 120, window: 2 * time.Second}} {
		t.Run(fmt.Sprintf("%d in %v", o.burst, o.window), func(t *testing.T) {
			t.Parallel()
			b := setupQuota(t, o)
			start, granted := b.now, 0
			for b.now.Sub(start) < 10*o.window {
				wait, daily := b.take(rest.Webhook, 0, 1)
				if wait == 0 {
					granted++
					continue
				}
				if daily {
					t.Fatal("no day is spent")
				}
				b.pass(wait)
				if again, _ := b.take(rest.Webhook, 0, 1); again > 0 {
					t.Fatalf("told to wait %v, then %v again", wait, again)
				}
				granted++
			}
			if least := 10 * o.burst * 7 / 10; granted < least {
				t.Errorf("%d calls in ten windows of %d, want at least %d", granted, o.burst, least)
			}
		})
	}
}

func TestABucketHoldsOneFifth(t *testing.T) {
	t.Parallel()
	b := setupQuota(t, budget{burst: 20, window: 2 * time.Second})
	if n := b.drain(rest.Webhook); n != 0 {
		t.Errorf("a missing bucket is empty, got %d calls at once", n)
	}
	b.pass(time.Hour)
	if n := b.drain(rest.Webhook); n != 4 {
		t.Errorf("a full bucket holds 4 calls, got %d", n)
	}
	b.pass(time.Hour)
	b.run(`TRUNCATE salesbook.vendor_bursts`)
	if n := b.drain(rest.Webhook); n != 0 {
		t.Errorf("a bucket lost in a crash is empty, got %d calls at once", n)
	}
	b.pass(time.Hour)
	b.drain(rest.Webhook)
	b.pass(-24 * time.Hour)
	if wait, _ := b.take(rest.Webhook, 0, 1); wait <= 0 || wait > time.Second {
		t.Errorf("after the clock was set back a day, want a wait as for an empty bucket, got %v", wait)
	}
	b.pass(time.Second)
	if wait, _ := b.take(rest.Webhook, 0, 1); wait != 0 {
		t.Errorf("a second later the bucket has filled again, got a wait of %v", wait)
	}
}

func TestLanesLeaveTheirFloors(t *testing.T) {
	t.Parallel()
	want := map[rest.Lane]struct{ burst, daily int }{ // of a full bucket of 100, and of a day of 1000
		rest.Interactive: {100, 980}, rest.Webhook: {100, 900}, rest.WriteBack: {95, 880}, rest.SLA: {90, 860}, rest.Incremental: {85, 840},
		rest.Sweep: {75, 800}, rest.Backfill: {70, 700}, rest.History: {60, 600},
	}
	for lane, w := range want {
		t.Run(lane.String(), func(t *testing.T) {
			t.Parallel()
			b := setupQuota(t, budget{burst: 500, window: 2 * time.Second, daily: 1000})
			b.drain(lane) // now there is a bucket
			b.pass(time.Hour)
			if n := b.drain(lane); n != w.burst {
				t.Errorf("%d calls of the bucket, want %d", n, w.burst)
			}
			if n := b.drain(rest.Webhook); n != 100-w.burst {
				t.Errorf("%d were left to the most urgent lane, want %d", n, 100-w.burst)
			}
			spent := 0
			for ; ; spent += 7 {
				b.pass(time.Second)
				if wait, daily := b.take(lane, 7, 1); wait > 0 {
					if !daily {
						t.Fatalf("want the day spent, got a wait of %v", wait)
					}
					break
				}
			}
			if spent > w.daily || spent <= w.daily-7 {
				t.Errorf("%d of the day were spent, want at most %d and nearly that", spent, w.daily)
			}
		})
	}
}

// TestALowLaneDoesNotLiveOnAnUrgentOnesSlice: the day is written down in
// slices, and a slice that an urgent lane has cut is not free for all.
func TestALowLaneDoesNotLiveOnAnUrgentOnesSlice(t *testing.T) {
	t.Parallel()
	b := setupQuota(t, budget{daily: 1000})
	for range 60 {
		b.take(rest.History, 10, 1)
	}
	for range 50 {
		if wait, _ := b.take(rest.Webhook, 1, 1); wait > 0 {
			t.Fatalf("the urgent lane has to wait %v", wait)
		}
		if wait, daily := b.take(rest.History, 1, 1); wait == 0 || !daily {
			t.Fatal("a low lane went below its floor")
		}
	}
}

func TestUnknownLimitsDoNotPace(t *testing.T) {
	t.Parallel()
	b := setupQuota(t, budget{})
	for range 500 {
		if wait, _ := b.take(rest.History, 1000, 1); wait > 0 {
			t.Fatalf("told to wait %v", wait)
		}
	}
	b.learn(rest.Usage{Exhausted: true, RetryAfter: 3 * time.Second})
	if wait, daily := b.take(rest.Webhook, 1, 1); wait != 3*time.Second || daily {
		t.Errorf("a refusal holds also where no limit is known: want 3 s, got %v, day spent %v", wait, daily)
	}
}

func TestABurstWithoutAWindowCountsByTheMinute(t *testing.T) {
	t.Parallel()
	b := setupQuota(t, budget{})
	b.learn(rest.Usage{BurstLimit: new(10)})
	b.pass(time.Hour)
	if n := b.drain(rest.Webhook); n != 2 {
		t.Errorf("%d calls at once, want 2", n)
	}
	if wait, _ := b.take(rest.Webhook, 0, 1); wait < 6*time.Second || wait > 10*time.Second {
		t.Errorf("the next one after %v, want some 7 s", wait)
	}
}

func TestHugeFiguresDoNoHarm(t *testing.T) {
	t.Parallel()
	b := setupQuota(t, budget{burst: 20, window: 2 * time.Second, daily: 1000})
	huge, negative := math.MaxInt, math.MinInt
	b.learn(rest.Usage{BurstLimit: &huge, BurstRemaining: &huge, DailyLimit: &huge, DailyRemaining: &huge})
	b.learn(rest.Usage{BurstLimit: &negative, DailyLimit: &negative, Exhausted: true, RetryAfter: math.MaxInt64})
	if wait, _ := b.take(rest.Webhook, 1, 1); wait > 24*time.Hour {
		t.Errorf("keeps away for %v, want a day at most", wait)
	}
	b.pass(24 * time.Hour)
	if wait, _ := b.take(rest.Webhook, 1, 1); wait > 0 {
		t.Errorf("still keeps away for %v", wait)
	}
}
