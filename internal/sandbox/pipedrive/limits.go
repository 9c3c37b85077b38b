package pipedrive

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Limits bounds calls as a plan does; zero means no bound. The vendor's figures
// (fact sheet, 2026-11): 30,000 tokens a day times the plan's factor times
// seats; per 2 seconds and API token 20 to 120 calls, four times that for an
// OAuth token, 10 searches.
type Limits struct {
	DailyTokens int64 // for the whole company
	Burst       int   // calls per API token in two seconds
	OAuthBurst  int   // calls per OAuth token in two seconds
}

// PlanLimits returns the bounds of a plan: lite, growth, premium or ultimate.
func PlanLimits(plan string, seats int) (Limits, error) {
	factor := map[string]int64{"lite": 1, "growth": 2, "premium": 5, "ultimate": 7}[plan]
	burst := map[string]int{"lite": 20, "growth": 40, "premium": 100, "ultimate": 120}[plan]
	if factor == 0 || seats < 1 {
		return Limits{}, fmt.Errorf("plan %q with %d seats: want lite, growth, premium or ultimate and at least one seat", plan, seats)
	}
	return Limits{DailyTokens: 30_000 * factor * int64(seats), Burst: burst, OAuthBurst: 4 * burst}, nil
}

const (
	burstWindow = 2 * time.Second
	// After this many refusals in a row within hammerWindow the vendor's edge
	// answers with a page of its own for hammerBan. That it does is
	// documented, the numbers are this simulator's.
	hammerLimit  = 50
	hammerWindow = 30 * time.Second
	hammerBan    = time.Minute
)

// quota counts calls and tokens.
type quota struct {
	limits Limits

	mu      sync.Mutex
	day     int64 // days since the epoch, UTC: the server's midnight
	spent   int64
	windows map[string][]time.Time // calls within burstWindow, by token
	refused map[string]*hammering
	over    Refusals
}

// Refusals counts the calls that were refused because a limit was reached, not
// because a fault was asked for.
type Refusals struct{ Burst, Daily int64 }

type hammering struct {
	count  int
	since  time.Time
	banned time.Time // until
}

func newQuota(l Limits) *quota {
	return &quota{limits: l, windows: map[string][]time.Time{}, refused: map[string]*hammering{}}
}

func dayNumber(t time.Time) int64 { return t.Unix() / 86400 }

// take pays for one call and sets the headers that tell what is left. It
// returns the vendor's refusal when there is not enough.
func (q *quota) take(now time.Time, who identity, rt route, h http.Header) (reply, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if today := dayNumber(now); today != q.day {
		q.day, q.spent = today, 0
	}
	if t := q.refused[who.token]; t != nil && now.Before(t.banned) {
		return htmlPage(http.StatusForbidden, "Attention Required! | Cloudflare", "Sorry, you have been blocked."), false
	}
	if !q.takeBurst(now, who, h) {
		q.over.Burst++
		return q.refuse(now, who), false
	}
	if !q.takeTokens(rt.cost, h) {
		q.over.Daily++
		return q.refuse(now, who), false
	}
	delete(q.refused, who.token)
	return reply{}, true
}

func (q *quota) takeBurst(now time.Time, who identity, h http.Header) bool {
	limit := q.limits.Burst
	if who.scopes != nil {
		limit = q.limits.OAuthBurst
	}
	if limit == 0 {
		return true
	}
	calls := q.windows[who.token]
	for len(calls) > 0 && now.Sub(calls[0]) >= burstWindow {
		calls = calls[1:]
	}
	ok := len(calls) < limit
	if ok {
		calls = append(calls, now)
	}
	q.windows[who.token] = calls
	reset := calls[0].Add(burstWindow).Sub(now)
	h.Set("x-ratelimit-limit", strconv.Itoa(limit))
	h.Set("x-ratelimit-remaining", strconv.Itoa(limit-len(calls)))
	h.Set("x-ratelimit-reset", strconv.Itoa(int((reset+time.Second-1)/time.Second)))
	return ok
}

func (q *quota) takeTokens(cost int64, h http.Header) bool {
	if q.limits.DailyTokens == 0 {
		q.spent += cost
		return true
	}
	ok := q.spent+cost <= q.limits.DailyTokens
	if ok {
		q.spent += cost
	}
	h.Set("x-daily-ratelimit-token-limit", strconv.FormatInt(q.limits.DailyTokens, 10))
	h.Set("x-daily-ratelimit-token-remaining", strconv.FormatInt(q.limits.DailyTokens-q.spent, 10))
	return ok
}

// refuse answers 429 and remembers who does not listen.
func (q *quota) refuse(now time.Time, who identity) reply {
	t := q.refused[who.token]
	if t == nil || now.Sub(t.since) > hammerWindow {
		t = &hammering{since: now}
		q.refused[who.token] = t
	}
	if t.count++; t.count >= hammerLimit {
		t.banned, t.count = now.Add(hammerBan), 0
	}
	return tooMany("", "")
}

// tooMany is the vendor's 429 as observed; burst and daily look alike. The
// arguments set the header that a fault pretends with.
func tooMany(reset, dailyLeft string) reply {
	out := jsonReply(http.StatusTooManyRequests, struct {
		Success   bool   `json:"success"`
		Error     string `json:"error"`
		ErrorCode int    `json:"errorCode"`
	}{Error: "Rate limit exceeded", ErrorCode: http.StatusTooManyRequests})
	out.header = map[string]string{}
	if reset != "" {
		out.header["x-ratelimit-remaining"], out.header["x-ratelimit-reset"] = "0", reset
	}
	if dailyLeft != "" {
		out.header["x-daily-ratelimit-token-remaining"] = dailyLeft
	}
	return out
}

func (q *quota) spentToday() (day, spent int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.day, q.spent
}

func (q *quota) restore(day, spent int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.day, q.spent = day, spent
}

// Refused returns how many calls were over a limit since the simulator started.
func (s *Sim) Refused() Refusals {
	s.quota.mu.Lock()
	defer s.quota.mu.Unlock()
	return s.quota.over
}

// Spent returns how many tokens the calls of the simulator's present day cost.
func (s *Sim) Spent() int64 {
	day, spent := s.quota.spentToday()
	if day != dayNumber(s.Now()) {
		return 0
	}
	return spent
}

// bearer cuts the scheme from an Authorization header.
func bearer(r *http.Request) (string, bool) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.TrimSpace(token), strings.EqualFold(scheme, "Bearer")
}
