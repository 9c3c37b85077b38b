package pipedrive

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"salesbook.dev/internal/rest"
)

// price is what calls of one form cost in tokens of the daily budget.
type price struct {
	method string
	path   string // with * for an id, without /v1 or /api/v2
	tokens int
}

// pricesV2 and pricesV1 hold the x-token-cost of the operations that we call
// (OpenAPI v2 and v1); a test compares them.
func pricesV2() []price {
	return []price{
		{"GET", "/deals/products", 10}, {"GET", "/deals/archived", 20},
		{"GET", "/pipelines", 5}, {"GET", "/stages", 5},
		{"GET", "/*", 10}, {"GET", "/*/*", 1},
		{"POST", "/leads/*/convert/deal", 40}, {"POST", "/*", 5}, {"POST", "/*/*/options", 5}, {"PATCH", "/*/*", 5}, {"DELETE", "/*/*", 3},
		{"GET", "/*/*/convert/status/*", 1}, {"GET", "/itemSearch", 20},
	}
}

func pricesV1() []price {
	return []price{
		{"GET", "/leads/archived", 40}, {"GET", "/users/me", 2},
		{"GET", "/webhooks", 10}, {"POST", "/webhooks", 10}, {"DELETE", "/webhooks/*", 6},
		{"GET", "/deals/*/changelog", 20}, {"PUT", "/*/*/merge", 40},
		{"GET", "/*", 20}, {"GET", "/*/*", 2},
		{"POST", "/*", 10}, {"PUT", "/*/*", 10}, {"PATCH", "/*/*", 10}, {"DELETE", "/*/*", 6},
	}
}

// unknownPrice is taken for a call that is in no list: the price of v1's lists.
const unknownPrice = 20

// meter knows prices and how answers tell of the quota. Each call takes one
// from the burst window, whatever it costs.
func meter() rest.Meter {
	all := prices()
	return rest.Meter{
		Cost:  func(r *http.Request) int { return all.of(r.Method, r.URL.Path) },
		Usage: func(resp *http.Response) rest.Usage { return all.usage(resp) },
	}
}

// priceList holds prices by version, exact forms first.
type priceList [v2 + 1][]price

func prices() priceList { return priceList{v1: pricesV1(), v2: pricesV2()} }

func (l priceList) of(method, path string) int {
	api, path, ok := splitPath(path)
	if !ok {
		return 0 // OAuth
	}
	for _, p := range l[api] {
		if p.method == method && matches(p.path, path) {
			return p.tokens
		}
	}
	return unknownPrice
}

// splitPath finds the version of the API in a path that may begin with that of
// a proxy.
func splitPath(path string) (api version, rest string, ok bool) {
	if _, rest, ok = strings.Cut(path, "/api/v2/"); ok {
		return v2, "/" + rest, true
	}
	if _, rest, ok = strings.Cut(path, "/v1/"); ok {
		return v1, "/" + rest, true
	}
	return 0, "", false
}

func matches(pattern, path string) bool {
	want, have := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(have) {
		return false
	}
	for i, w := range want {
		if w != "*" && w != have[i] {
			return false
		}
	}
	return true
}

// resetLimit bounds how long a burst window is believed to last: really it is
// two seconds.
const resetLimit = time.Hour

// usage reads the headers of an answer. They are at times absent altogether
// (Gemma-Analytics/ewah#280). x-daily-requests-left counts something else.
func (l priceList) usage(resp *http.Response) rest.Usage {
	h := resp.Header
	u := rest.Usage{
		BurstLimit:     number(h, "X-Ratelimit-Limit"),
		BurstRemaining: number(h, "X-Ratelimit-Remaining"),
		DailyLimit:     number(h, "X-Daily-Ratelimit-Token-Limit"),
		DailyRemaining: number(h, "X-Daily-Ratelimit-Token-Remaining"),
	}
	if seconds := number(h, "X-Ratelimit-Reset"); seconds != nil {
		reset := min(time.Duration(*seconds)*time.Second, resetLimit)
		u.BurstReset = &reset
	}
	switch {
	case resp.StatusCode == http.StatusTooManyRequests:
		cost := 1
		if resp.Request != nil {
			cost = l.of(resp.Request.Method, resp.Request.URL.Path)
		}
		u.Exhausted = true
		u.RetryAfter, _ = quotaDelay(h, cost)
	case resp.StatusCode == http.StatusForbidden && strings.HasPrefix(h.Get("Content-Type"), "text/html"):
		u.Exhausted, u.RetryAfter = true, banDelay
	}
	return u
}

// quotaDelay says how long a 429 asks to keep away and whether it is the budget
// of the day that is spent: both kinds look alike but for the rest of the day's
// tokens, which a call of this cost needs. Retry-After is undocumented, so it is
// honoured, not expected.
func quotaDelay(h http.Header, cost int) (delay time.Duration, daily bool) {
	left, burst := number(h, "X-Daily-Ratelimit-Token-Remaining"), number(h, "X-Ratelimit-Remaining")
	daily = left != nil && (*left <= 0 || *left < cost && (burst == nil || *burst > 0))
	told := number(h, "Retry-After")
	reset := number(h, "X-Ratelimit-Reset")
	switch {
	case told != nil && *told > 0:
		return min(time.Duration(*told)*time.Second, 24*time.Hour), daily
	case daily:
		return untilRenewal(h), true
	case reset != nil && *reset > 0:
		return min(time.Duration(*reset)*time.Second, resetLimit), false
	}
	return burstWindow, false
}

// untilRenewal is the time to the next midnight, which renews the tokens, but at
// most an hour. It is the "server time" of the guide on rate limiting, taken for
// UTC; in case that it is another, the vendor is asked again before.
func untilRenewal(h http.Header) time.Duration {
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return time.Hour
	}
	now = now.UTC()
	return min(time.Hour, now.Truncate(24*time.Hour).Add(24*time.Hour).Sub(now))
}

// number reads a header that counts; nil when it is absent or no number. What is
// overdrawn may be told as less than nothing.
func number(h http.Header, name string) *int {
	n, err := strconv.Atoi(strings.TrimSpace(h.Get(name)))
	if err != nil {
		return nil
	}
	n = min(max(n, 0), math.MaxInt32)
	return &n
}
