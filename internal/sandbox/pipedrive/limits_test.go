package pipedrive

import (
	"strings"
	"testing"
	"time"
)

func TestBurstLimitRollsOverTwoSeconds(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{Limits: Limits{Burst: 3}})
	get := func() answerTo { return b.send("GET", "/api/v2/pipelines", nil) }
	for i, want := range []string{"2", "1", "0"} {
		a := get()
		if a.status != 200 || a.header.Get("x-ratelimit-limit") != "3" || a.header.Get("x-ratelimit-remaining") != want || a.header.Get("x-ratelimit-reset") != "2" {
			t.Errorf("call %d: %d with %v, want %s left and 2 s", i+1, a.status, a.header, want)
		}
		b.clock.Advance(100 * time.Millisecond)
	}
	a := get()
	if v := a.json(t); a.status != 429 || v["error"] != "Rate limit exceeded" || v["errorCode"] != 429.0 || a.header.Get("Retry-After") != "" {
		t.Errorf("the fourth: %d %s, want the vendor's 429 without Retry-After", a.status, a.body)
	}
	b.clock.Advance(1700 * time.Millisecond) // the first call leaves the window
	if a := get(); a.status != 200 || a.header.Get("x-ratelimit-remaining") != "0" {
		t.Errorf("two seconds after the first: %d, %s left; want 200 and 0", a.status, a.header.Get("x-ratelimit-remaining"))
	}
	b.token = "another"
	if a := get(); a.status != 200 {
		t.Errorf("another token: %d, want 200: the burst limit is per token", a.status)
	}
}

func TestDailyBudgetIsTheCompanys(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{Limits: Limits{DailyTokens: 25}})
	left := func(path string, want string) {
		t.Helper()
		a := b.send("GET", path, nil)
		if a.status != 200 || a.header.Get("x-daily-ratelimit-token-remaining") != want || a.header.Get("x-daily-ratelimit-token-limit") != "25" {
			t.Errorf("%s: %d, %q left, want 200 and %s", path, a.status, a.header.Get("x-daily-ratelimit-token-remaining"), want)
		}
	}
	left("/api/v2/deals", "15")
	b.token = "another"
	left("/api/v2/deals", "5")
	if a := b.send("GET", "/api/v2/deals", nil); a.status != 429 || a.header.Get("x-daily-ratelimit-token-remaining") != "5" {
		t.Errorf("a call too dear: %d, want 429 with 5 left", a.status)
	}
	left("/api/v2/stages", "0")
	if b.Spent() != 25 {
		t.Errorf("spent %d, want 25", b.Spent())
	}
	b.clock.Advance(13*time.Hour - time.Second) // noon() is 11:00 UTC
	if a := b.send("GET", "/v1/users/me", nil); a.status != 429 {
		t.Errorf("before midnight: %d, want 429", a.status)
	}
	b.clock.Advance(time.Second)
	left("/api/v2/deals", "15")
}

func TestHammeringOnEndsAtTheEdge(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{Limits: Limits{DailyTokens: 1}})
	for i := range hammerLimit {
		if a := b.send("GET", "/api/v2/stages", nil); a.status != 429 {
			t.Fatalf("call %d: %d, want 429", i+1, a.status)
		}
	}
	a := b.send("GET", "/api/v2/stages", nil)
	if a.status != 403 || !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") || !strings.Contains(string(a.body), "Cloudflare") {
		t.Errorf("hammering: %d %s, want 403 with Cloudflare's page", a.status, a.body)
	}
	b.clock.Advance(hammerBan)
	if a := b.send("GET", "/api/v2/stages", nil); a.status != 429 {
		t.Errorf("after the ban: %d, want 429 again", a.status)
	}
}

func TestNoLimitsNoHeaders(t *testing.T) {
	t.Parallel()
	a := setup(t, Options{}).send("GET", "/api/v2/stages", nil)
	for name := range a.header {
		if strings.Contains(strings.ToLower(name), "ratelimit") {
			t.Errorf("header %s on a simulator without limits", name)
		}
	}
	if want := noon().Format("Mon, 02 Jan 2006 15:04:05 GMT"); a.header.Get("Date") != want {
		t.Errorf("Date %q, want %q", a.header.Get("Date"), want)
	}
}

func TestPlanLimits(t *testing.T) {
	t.Parallel()
	got, err := PlanLimits("growth", 25)
	if want := (Limits{DailyTokens: 1_500_000, Burst: 40, OAuthBurst: 160}); err != nil || got != want {
		t.Errorf("growth with 25 seats: %+v, %v; want %+v", got, err, want)
	}
	for _, plan := range []string{"", "gold"} {
		if _, err := PlanLimits(plan, 1); err == nil {
			t.Errorf("plan %q was accepted", plan)
		}
	}
	if _, err := PlanLimits("lite", 0); err == nil {
		t.Error("a plan without seats was accepted")
	}
}
