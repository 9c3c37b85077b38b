package postgres_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/rest"
)

// spend takes calls of one unit until a lane has to wait, and returns how many
// units that were and how long the wait is.
func (b *quotaBundle) spend(lane rest.Lane, unit, most int) (spent int, wait time.Duration) {
	b.t.Helper()
	for spent+unit <= most {
		w, budget := b.take(lane, unit, 1)
		if w > 0 {
			if !budget {
				b.t.Fatalf("waits %v, and not for its budget", w)
			}
			return spent, w
		}
		spent += unit
	}
	return spent, 0
}

// left is what the account has left, as it is shown.
func (b *quotaBundle) left() int {
	b.t.Helper()
	return *b.status().DailyLeft
}

// TestSpentUnitsComeBackADayLater spends in three hours of a day and sees each
// part come back 24 hours after its hour, and not at a midnight.
func TestSpentUnitsComeBackADayLater(t *testing.T) {
	t.Parallel()
	b := setupQuota(t, budget{daily: 1000, rolling: true})
	b.pass(30 * time.Minute) // 12:30
	for _, part := range []int{100, 200, 300} {
		if got, _ := b.spend(rest.Webhook, 10, part); got != part {
			t.Fatalf("%d of %d could be spent", got, part)
		}
		b.pass(5 * time.Hour)
	}
	steps := []struct {
		at   time.Time
		want int
	}{
		{time.Date(2026, 11, 17, 0, 0, 1, 0, time.UTC), 400}, // midnight gives nothing back
		{time.Date(2026, 11, 17, 12, 59, 59, 0, time.UTC), 400},
		{time.Date(2026, 11, 17, 13, 0, 0, 0, time.UTC), 500},
		{time.Date(2026, 11, 17, 17, 59, 59, 0, time.UTC), 500},
		{time.Date(2026, 11, 17, 18, 0, 0, 0, time.UTC), 700},
		{time.Date(2026, 11, 17, 23, 0, 0, 0, time.UTC), 1000},
		{time.Date(2026, 12, 24, 0, 0, 0, 0, time.UTC), 1000},
	}
	for _, s := range steps {
		b.set(s.at)
		if got := b.left(); got != s.want {
			t.Errorf("at %v %d are left, want %d", s.at, got, s.want)
		}
	}
}

// TestNoDayHoldsMoreThanTheBudget takes for days by a random schedule, in all
// lanes, and looks at every 24 hours.
func TestNoDayHoldsMoreThanTheBudget(t *testing.T) {
	t.Parallel()
	const daily = 2000
	b := setupQuota(t, budget{daily: daily, rolling: true})
	random := rand.New(rand.NewPCG(1, 2026))
	var grants []grant
	total := 0
	for start := b.now; b.now.Sub(start) < 4*24*time.Hour; {
		lane, cost := rest.Lane(random.IntN(8)), 1+random.IntN(40)
		wait, _ := b.take(lane, cost, 1)
		switch {
		case wait == 0:
			grants, total = append(grants, grant{b.now, cost}), total+cost
			b.pass(time.Duration(random.Int64N(int64(4 * time.Minute))))
		case random.IntN(3) == 0:
			b.pass(min(wait, 90*time.Minute))
		default:
			b.pass(time.Duration(random.Int64N(int64(20 * time.Minute))))
		}
		if random.IntN(150) == 0 { // a crash loses the bucket, and with it at most a slice
			b.run(`TRUNCATE salesbook.vendor_bursts`)
		}
	}
	if most := mostWithin(24*time.Hour, grants); most > daily {
		t.Errorf("24 hours hold %d units, the budget is %d", most, daily)
	}
	if total < 4*daily*7/10 {
		t.Errorf("only %d units were spent in four days of %d", total, daily)
	}
}

func TestTheToldReturnIsTrue(t *testing.T) {
	t.Parallel()
	b := setupQuota(t, budget{daily: 1000, rolling: true})
	b.pass(59 * time.Minute)
	b.spend(rest.Webhook, 10, 500)
	b.pass(3 * time.Hour)
	spent, wait := b.spend(rest.Webhook, 10, 1000)
	if spent != 400 {
		t.Fatalf("%d more could be spent, want 400: a tenth is left to people", spent)
	}
	if want := 21*time.Hour + time.Minute; wait != want {
		t.Errorf("told to wait %v, want %v: until 24 hours after the end of the first hour", wait, want)
	}
	q := b.status()
	if want := time.Date(2026, 11, 17, 13, 0, 0, 0, time.UTC); !q.Rolling || !q.BackAt.Equal(want) || *q.Back != 500 {
		t.Errorf("shown: %v come back at %v, want 500 at %v", *q.Back, q.BackAt, want)
	}
	b.pass(wait - time.Millisecond)
	if again, _ := b.take(rest.Webhook, 10, 1); again != time.Millisecond {
		t.Errorf("a millisecond before, want to wait for it, got %v", again)
	}
	b.pass(time.Millisecond)
	if again, _ := b.take(rest.Webhook, 10, 1); again != 0 {
		t.Errorf("then waits another %v", again)
	}
}

func TestLanesShareARollingBudget(t *testing.T) {
	t.Parallel()
	b := setupQuota(t, budget{daily: 1000, rolling: true})
	total := 0
	for _, w := range []struct {
		lane  rest.Lane
		spent int
	}{{rest.History, 600}, {rest.Backfill, 700}, {rest.Sweep, 800}, {rest.Incremental, 840}, {rest.SLA, 860}, {rest.WriteBack, 880}, {rest.Webhook, 900}, {rest.Interactive, 980}} {
		n, _ := b.spend(w.lane, 1, 1000)
		if total += n; total != w.spent {
			t.Errorf("%d are spent once %s has to wait, want %d", total, w.lane, w.spent)
		}
	}
	g := postgres.Governor{DB: b.DB, Account: b.account, Lane: rest.Webhook, Reserve: 0.5}
	if _, wait, reason, err := g.Try(t.Context(), rest.Price{Cost: 1}); err != nil || wait == 0 || reason != "24 hours" {
		t.Errorf("wait %v for %q, error %v", wait, reason, err)
	}
}

// TestWhatIsReservedDoesNotComeBackEarly: budget is written down in slices of a
// percent, and one may be spent in another hour than it was cut in.
func TestWhatIsReservedDoesNotComeBackEarly(t *testing.T) {
	t.Parallel()
	b := setupQuota(t, budget{daily: 10_000, rolling: true})
	b.pass(59 * time.Minute)
	b.take(rest.Webhook, 1, 1) // cuts a slice of 100
	b.pass(time.Minute)
	b.spend(rest.Webhook, 1, 99)
	if got := b.left(); got != 9900 {
		t.Fatalf("%d are left, want 9900", got)
	}
	b.set(noon().Add(25*time.Hour + time.Minute)) // the first hour is back, the second is not
	if got := b.left(); got != 9901 {
		t.Errorf("%d are left after 25 hours, want 9901: 99 were spent an hour later", got)
	}
}

func TestTheVendorCorrectsARollingBudget(t *testing.T) {
	t.Parallel()
	b := setupQuota(t, budget{daily: 10_000, rolling: true})
	b.take(rest.Webhook, 10, 1)
	half := rest.Usage{HalfLeft: true}
	told := func(n int) rest.Usage { return rest.Usage{DailyRemaining: &n} }
	steps := []struct {
		name string
		told rest.Usage
		want int
	}{
		{"silence where all is there", half, 9990},
		{"somebody spends much", told(4500), 4500},
		{"calls that the vendor has not counted yet", told(4650), 4500},
		{"others' units come back", told(4900), 4900},
		{"silence: others' units come back to half", half, 4900},
		{"somebody spends more", told(1000), 1000},
		{"silence gives back what others have spent", half, 4800},
		{"nothing is left", told(0), 0},
		{"more than was ever spent: it was bought", told(12_000), 12_000},
		{"nonsense", told(-5), 0},
	}
	for _, s := range steps {
		b.learn(s.told)
		if got := b.left(); got != s.want {
			t.Errorf("%s: %d are left, want %d", s.name, got, s.want)
		}
	}
	if q := b.status(); *q.Daily != 12_000 {
		t.Errorf("the budget is %d, want what was told", *q.Daily)
	}
	b.learn(rest.Usage{DailyLimit: new(6000), DailyRemaining: new(6000)})
	if q := b.status(); *q.Daily != 6000 || *q.DailyLeft != 6000 {
		t.Errorf("%d of %d are left, want 6000 of 6000", *q.DailyLeft, *q.Daily)
	}
}

// TestSilenceGivesBackNothingOfOurs: what we have spent is spent, whatever an
// answer leaves out.
func TestSilenceGivesBackNothingOfOurs(t *testing.T) {
	t.Parallel()
	b := setupQuota(t, budget{daily: 1000, rolling: true})
	b.spend(rest.Webhook, 10, 800)
	b.learn(rest.Usage{HalfLeft: true})
	if got := b.left(); got != 200 {
		t.Errorf("%d are left, want 200", got)
	}
	b.learn(rest.Usage{DailyRemaining: new(150)}) // others have spent 50
	b.learn(rest.Usage{HalfLeft: true})
	if got := b.left(); got != 200 {
		t.Errorf("%d are left once others' are given back, want 200", got)
	}
}

// TestASpentBudgetIsAskedForOnceAnHour: nothing but the vendor knows what others
// have spent, and when.
func TestASpentBudgetIsAskedForOnceAnHour(t *testing.T) {
	t.Parallel()
	b := setupQuota(t, budget{daily: 10_000, rolling: true})
	b.learn(rest.Usage{Exhausted: true, RetryAfter: time.Hour, DailyRemaining: new(0)})
	if wait, daily := b.take(rest.Webhook, 1, 1); wait != time.Hour || !daily {
		t.Errorf("want an hour, got %v, budget spent %v", wait, daily)
	}
	b.pass(time.Hour)
	if wait, _ := b.take(rest.Backfill, 1, 1); wait != 0 {
		t.Fatalf("nobody may ask after an hour, but in %v", wait)
	}
	if wait, daily := b.take(rest.Webhook, 1, 1); wait != time.Hour || !daily {
		t.Errorf("one asks and the others wait: want an hour, got %v, budget spent %v", wait, daily)
	}
	b.learn(rest.Usage{DailyRemaining: new(3500)})
	for lane, free := range map[rest.Lane]bool{rest.Backfill: true, rest.History: false} {
		if wait, _ := b.take(lane, 1, 1); (wait == 0) != free {
			t.Errorf("%s waits %v with 3,500 of 10,000 left", lane, wait)
		}
	}
}

// TestTheVersionBeforeCountsAlongside has the functions of before and those of
// now spend from one budget.
func TestTheVersionBeforeCountsAlongside(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]budget{"a day": {daily: 1000}, "24 hours": {daily: 1000, rolling: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setupQuota(t, o)
			b.take(rest.Webhook, 300, 1)
			var wait int64
			var spent bool
			for _, want := range []bool{false, true} {
				err := b.admin.QueryRow(t.Context(), `SELECT wait_ms, daily_spent FROM salesbook.take_quota($1, 400, 1, 0, 0.1)`, b.account).Scan(&wait, &spent)
				if err != nil || spent != want || (wait > 0) != want {
					t.Errorf("waits %d ms, budget spent %v, error %v; want spent %v", wait, spent, err, want)
				}
			}
			if diff := cmp.Diff(300, b.left()); diff != "" {
				t.Errorf("left (-want +got):\n%s", diff)
			}
			b.run(`SELECT salesbook.learn_quota($1, NULL, NULL, NULL, NULL, 150, false, 0)`, b.account)
			if got := b.left(); got != 150 {
				t.Errorf("%d are left, want 150", got)
			}
		})
	}
}
