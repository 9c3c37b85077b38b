package postgres_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/rest"
)

func TestALowerRemainderShrinksTheBucket(t *testing.T) {
	t.Parallel()
	b := setupQuota(t, budget{burst: 100, window: 2 * time.Second})
	fill := func() {
		b.drain(rest.Webhook)
		b.pass(time.Hour)
		b.take(rest.Webhook, 0, 1) // 19 are left
	}
	fill()
	b.learn(rest.Usage{BurstRemaining: new(5)})
	if n := b.drain(rest.Webhook); n != 5 {
		t.Errorf("the vendor has 5 left, we took %d", n)
	}
	fill()
	b.learn(rest.Usage{BurstRemaining: new(90)})
	if n := b.drain(rest.Webhook); n != 19 {
		t.Errorf("a larger remainder does not fill the bucket: want 19 calls, got %d", n)
	}
	fill()
	b.learn(rest.Usage{BurstRemaining: new(0), BurstReset: new(time.Second)})
	if wait, daily := b.take(rest.Webhook, 0, 1); wait != time.Second || daily {
		t.Errorf("with nothing left, want to keep away until the reset, got %v, day spent %v", wait, daily)
	}
	b.pass(time.Second)
	b.learn(rest.Usage{BurstRemaining: new(0), BurstReset: new(1_700_000_000 * time.Second)})
	if wait, _ := b.take(rest.Webhook, 0, 1); wait != 2*time.Second {
		t.Errorf("a reset beyond the window is not believed: want 2 s, got %v", wait)
	}
}

func TestLearntLimitsReplaceAssumedOnes(t *testing.T) {
	t.Parallel()
	b := setupQuota(t, budget{burst: 20, window: 2 * time.Second, daily: 1000})
	b.drain(rest.Webhook)
	b.pass(time.Hour)
	for range 3 {
		b.take(rest.Webhook, 100, 1)
	}
	steps := []struct {
		name                  string
		told                  rest.Usage
		burst, daily, dayLeft int
		atOnce                int // calls after half an hour
		webhook               int // may spend so much, leaving its tenth of the day
	}{
		{"nothing", rest.Usage{BurstRemaining: new(17)}, 20, 1000, 700, 4, 600},
		{"up", rest.Usage{BurstLimit: new(480), DailyLimit: new(210_000), DailyRemaining: new(209_700)}, 480, 210_000, 209_700, 96, 188_700},
		{"down", rest.Usage{BurstLimit: new(40), DailyLimit: new(2000), DailyRemaining: new(1700)}, 40, 2000, 1700, 8, 1500},
		{"down without a remainder", rest.Usage{DailyLimit: new(1000)}, 40, 1000, 700, 8, 600},
		{"up without a remainder", rest.Usage{DailyLimit: new(2000)}, 40, 2000, 1700, 8, 1500},
		{"below what was spent", rest.Usage{DailyLimit: new(300)}, 40, 300, 0, 8, 0},
	}
	for _, s := range steps {
		b.learn(s.told)
		q := b.status()
		if d := cmp.Diff([]*int{&s.burst, &s.daily, &s.dayLeft}, []*int{q.Burst, q.Daily, q.DailyLeft}); d != "" {
			t.Errorf("%s: burst, daily, left of the day (-want +got):\n%s", s.name, d)
		}
		b.pass(30 * time.Minute)
		if n := b.drain(rest.Webhook); n != s.atOnce {
			t.Errorf("%s: %d calls at once, want %d", s.name, n, s.atOnce)
		}
		b.pass(time.Minute)
		if wait, daily := b.take(rest.Webhook, s.webhook+1, 1); wait == 0 || !daily {
			t.Errorf("%s: more than %d of the day may be spent", s.name, s.webhook)
		}
	}
	if wait, _ := b.take(rest.Interactive, 1, 1); wait == 0 {
		t.Error("a call was granted though the day is spent")
	}
}

func TestTheVendorsRemainderOfTheDay(t *testing.T) {
	t.Parallel()
	b := setupQuota(t, budget{daily: 10_000})
	left := func() int { return *b.status().DailyLeft }
	b.take(rest.Webhook, 10, 1)
	steps := []struct {
		name       string
		told, want int
	}{
		{"as we count", 9990, 9990},
		{"calls that the vendor has not counted yet", 10_000, 9990},
		{"somebody spends a little", 9950, 9950},
		{"somebody spends much", 5000, 5000},
		{"a late answer", 5100, 5000},
		{"more was bought, or the vendor's day began", 9000, 9000},
		{"spent", 0, 0},
		{"nonsense", -5, 0},
	}
	for _, s := range steps {
		b.learn(rest.Usage{DailyRemaining: &s.told})
		if got := left(); got != s.want {
			t.Errorf("%s: told %d, want %d left, got %d", s.name, s.told, s.want, got)
		}
	}
	if wait, daily := b.take(rest.Webhook, 1, 1); wait != time.Hour || !daily {
		t.Errorf("want to keep away for an hour, got %v, day spent %v", wait, daily)
	}
	b.pass(12 * time.Hour)
	if wait, _ := b.take(rest.Webhook, 9000, 1); wait != 0 {
		t.Errorf("the next day's budget is whole, got a wait of %v", wait)
	}
}

func TestARefusalParksEverybody(t *testing.T) {
	t.Parallel()
	b := setupQuota(t, budget{burst: 100, window: 20 * time.Second, daily: 1000})
	b.drain(rest.Webhook)
	b.pass(time.Hour)
	b.take(rest.Webhook, 1, 1)
	away := func(want time.Duration) {
		t.Helper()
		for lane := rest.Webhook; lane <= rest.Interactive; lane++ {
			if wait, daily := b.take(lane, 1, 1); wait != want || daily {
				t.Errorf("%v: want %v, got %v, day spent %v", lane, want, wait, daily)
			}
		}
	}
	b.learn(rest.Usage{Exhausted: true, RetryAfter: 90 * time.Second})
	away(90 * time.Second)
	b.learn(rest.Usage{Exhausted: true, RetryAfter: 10 * time.Second})
	away(90 * time.Second) // the longer one holds
	if until := b.status().ParkedUntil; until == nil || !until.Equal(b.now.Add(90*time.Second)) {
		t.Errorf("shown as parked until %v", until)
	}
	b.pass(90 * time.Second)
	if wait, _ := b.take(rest.Webhook, 1, 1); wait != 0 {
		t.Errorf("after the delay: want no wait, got %v", wait)
	}
	b.learn(rest.Usage{Exhausted: true})
	away(time.Second) // a refusal that does not say for how long
	b.pass(time.Second)
	if n := b.drain(rest.Webhook); n != 3 {
		t.Errorf("%d calls at once after a refusal, want the 3 that flowed in since", n)
	}
}

// midnight finds the first instant of the next day in a zone without knowing
// how: minute by minute.
func midnight(t *testing.T, zone string, from time.Time) time.Time {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	at := from.Truncate(time.Minute)
	for at.In(loc).Day() == from.In(loc).Day() {
		at = at.Add(time.Minute)
	}
	return at
}

func TestASpentDayEndsAtTheAccountsMidnight(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, zone, now string }{
		{"UTC", "UTC", "2026-11-16T12:00:00Z"},
		{"the last second of the day", "UTC", "2026-11-16T23:59:59Z"},
		{"the first one", "UTC", "2026-11-16T00:00:00Z"},
		{"east", "Asia/Kathmandu", "2026-11-16T18:00:00Z"},
		{"already tomorrow there", "Pacific/Auckland", "2026-11-16T12:00:00Z"},
		{"a day of 23 hours", "Europe/Warsaw", "2026-03-28T23:30:00Z"},
		{"a day of 25 hours", "Europe/Warsaw", "2026-10-24T22:30:00Z"},
		{"in the hour that comes twice", "Europe/Warsaw", "2026-10-25T01:30:00Z"},
		{"a midnight that does not exist", "Africa/Cairo", "2026-04-23T12:00:00Z"},
		{"a day whose last hour comes twice", "Africa/Cairo", "2026-10-29T20:30:00Z"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := setupQuota(t, budget{daily: 1000, zone: tc.zone})
			now, err := time.Parse(time.RFC3339, tc.now)
			if err != nil {
				t.Fatal(err)
			}
			want := midnight(t, tc.zone, now)
			check := func(how string) {
				t.Helper()
				if wait, daily := b.take(rest.Interactive, 1, 1); !daily || !b.now.Add(wait).Equal(want) {
					t.Errorf("%s: want until %v, got until %v, day spent %v", how, want, b.now.Add(wait).UTC(), daily)
				}
			}
			b.set(now)
			if wait, _ := b.take(rest.Interactive, 980, 1); wait != 0 {
				t.Fatalf("the day begins with a wait of %v", wait)
			}
			check("spent by us")
			b.set(want.Add(-time.Millisecond))
			check("a millisecond before")
			b.set(want)
			if wait, _ := b.take(rest.Interactive, 980, 1); wait != 0 {
				t.Errorf("a new day begins with a wait of %v", wait)
			}
		})
	}
}

// TestASpentDayIsAskedForOnceAnHour: nobody documents when a vendor's day
// begins. A refusal right after our midnight must not keep us away for a day.
func TestASpentDayIsAskedForOnceAnHour(t *testing.T) {
	t.Parallel()
	b := setupQuota(t, budget{daily: 1000})
	b.set(time.Date(2026, 11, 17, 0, 0, 5, 0, time.UTC))
	refused := rest.Usage{Exhausted: true, RetryAfter: time.Minute, DailyRemaining: new(0)}
	away := func(want time.Duration) {
		t.Helper()
		if wait, daily := b.take(rest.Webhook, 10, 1); wait != want || !daily {
			t.Errorf("want %v, got %v, day spent %v", want, wait, daily)
		}
	}
	b.learn(refused)
	away(time.Minute)
	b.pass(time.Minute)
	away(59 * time.Minute)
	b.pass(59 * time.Minute)
	if wait, _ := b.take(rest.History, 10, 1); wait != 0 {
		t.Fatalf("nobody may ask after an hour, but in %v", wait)
	}
	away(time.Hour) // one has asked, the others wait
	b.learn(refused)
	b.pass(time.Hour)
	if wait, _ := b.take(rest.Backfill, 10, 1); wait != 0 {
		t.Fatalf("nobody may ask after another hour, but in %v", wait)
	}
	b.learn(rest.Usage{DailyRemaining: new(990)}) // the vendor's day has begun
	if wait, _ := b.take(rest.History, 500, 1); wait != 0 {
		t.Errorf("the new day begins with a wait of %v", wait)
	}
}

func TestQuotaOfAnUnknownAccount(t *testing.T) {
	t.Parallel()
	b := setupQuota(t, budget{})
	none := postgres.Governor{DB: b.DB, Account: b.account + 1}
	if _, err := none.Take(t.Context(), rest.Price{Cost: 1, Burst: 1}); err == nil {
		t.Error("Take: want an error")
	}
	if err := none.Done(t.Context(), 0, rest.Usage{BurstLimit: new(1)}); err == nil {
		t.Error("Done: want an error")
	}
	if _, err := b.DB.Quota(t.Context(), none.Account); err == nil {
		t.Error("Quota: want an error")
	}
	unbound := postgres.Governor{} // before the account is known nothing is paced
	if _, err := unbound.Take(t.Context(), rest.Price{Cost: 1, Burst: 1}); err != nil {
		t.Error(err)
	}
	if err := unbound.Done(t.Context(), 0, rest.Usage{BurstLimit: new(1)}); err != nil {
		t.Error(err)
	}
}
