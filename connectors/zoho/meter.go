package zoho

import (
	"bytes"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/rest"
)

const (
	// shortRest is how long to keep away after a 429, which tells no delay: the
	// calls under way must end.
	shortRest = 10 * time.Second
	// longRest is how long to keep away once the credits are spent. They come
	// back one by one, 24 hours after they were spent, so the vendor is asked
	// again before.
	longRest = time.Hour
)

// edition is what the account's edition grants to one client: calls at once, and
// credits in 24 hours without any for paid seats, so that less is never granted
// (docs, API limits, 2026-08-13).
type edition struct {
	name    string // stands in license_details.paid_type
	atOnce  int
	credits int
}

func editions() []edition {
	return []edition{
		{"standard", 10, 50_000}, {"starter", 10, 50_000}, {"professional", 15, 50_000}, {"enterprise", 20, 50_000},
		{"one", 20, 50_000}, {"ultimate", 25, 50_000}, {"plus", 25, 50_000},
	}
}

// editionQuota is the budget of an account, that of the free edition where the
// edition is not known. A call takes less than a second as a rule, so that as many
// a second as may run at once do not run into the limit. The vendor's day is the
// last 24 hours, see the decision 0035.
func editionQuota(name string) rest.Quota {
	has := edition{"free", 5, 5_000}
	for _, e := range editions() {
		if strings.Contains(strings.ToLower(name), e.name) {
			has = e
		}
	}
	return rest.Quota{Burst: has.atOnce, BurstWindow: time.Second, Daily: has.credits}
}

// meter knows prices in credits and how answers tell of the quota.
func meter() rest.Meter { return rest.Meter{Cost: cost, Usage: usage} }

// cost is what a call takes, in credits (docs, API limits): 1 for most, so also
// for one written record. Renewing a token takes none.
func cost(r *http.Request) int {
	switch {
	case strings.Contains(r.URL.Path, "/oauth/"):
		return 0
	case strings.HasSuffix(r.URL.Path, "/actions/convert"):
		return 5
	case strings.HasSuffix(r.URL.Path, queryPath):
		return queryCost(r)
	}
	return 1
}

// queryCost is by the rows that a query may give: 1 up to 200, 2 up to 1,000, 3 up
// to 2,000 (docs, COQL). The limit is the last word of ours.
func queryCost(r *http.Request) int {
	if r.GetBody == nil {
		return 1
	}
	body, err := r.GetBody()
	if err != nil {
		return 1
	}
	defer body.Close()
	text, err := io.ReadAll(body)
	if err != nil {
		return 1
	}
	text = bytes.TrimRight(text, "\"} \n")
	last := text[bytes.LastIndexByte(text, ' ')+1:]
	limit, _ := strconv.Atoi(string(last))
	switch {
	case limit > 1000:
		return 3
	case limit > queryLimit:
		return 2
	}
	return 1
}

// usage reads an answer. What is left is told only once half is spent (docs, API
// limits).
func usage(resp *http.Response) rest.Usage {
	if resp.StatusCode != http.StatusTooManyRequests {
		return rest.Usage{DailyRemaining: remaining(resp.Header)}
	}
	// That nothing is left is not told on: it would be taken for the end of a
	// calendar day, and credits come back before.
	delay, _ := keepAway(resp.Header)
	return rest.Usage{Exhausted: true, RetryAfter: delay}
}

// limited is the error of a refusal for want of quota. Credits and simultaneous
// calls look alike but for the header.
func limited(h http.Header) error {
	delay, daily := keepAway(h)
	words := "too many calls at once"
	if daily {
		words = "the account's credits of the last 24 hours are spent"
	}
	return &fault.Error{Kind: fault.Limited, Text: words, RetryAfter: delay, Daily: daily}
}

// keepAway says how long a 429 asks to keep away and whether the credits are
// spent. Retry-After is undocumented, so it is honoured, not expected.
func keepAway(h http.Header) (delay time.Duration, daily bool) {
	left := remaining(h)
	daily = left != nil && *left == 0
	told, err := strconv.Atoi(strings.TrimSpace(h.Get("Retry-After")))
	switch {
	case err == nil && told > 0:
		return min(time.Duration(told)*time.Second, 24*time.Hour), daily
	case daily:
		return longRest, true
	}
	return shortRest, false
}

// remaining is the header that counts credits; nil when it is absent.
func remaining(h http.Header) *int {
	n, err := strconv.Atoi(strings.TrimSpace(h.Get("X-API-CREDITS-REMAINING")))
	if err != nil {
		return nil
	}
	n = min(max(n, 0), math.MaxInt32)
	return &n
}
