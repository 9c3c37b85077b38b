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

// edition is what the account's edition grants: calls at once to one client, and
// credits in 24 rolling hours to all (docs, API limits, 2026-08-13). Credits that
// were bought beside are not told anywhere.
type edition struct {
	name    string // stands in license_details.paid_type
	atOnce  int
	credits int
	perSeat int // credits for each paid seat
	most    int // credits at most; 0: no bound
}

func editions() []edition {
	return []edition{
		{"standard", 10, 50_000, 250, 100_000}, {"starter", 10, 50_000, 250, 100_000}, {"professional", 15, 50_000, 500, 3_000_000},
		{"enterprise", 20, 50_000, 1_000, 5_000_000}, {"one", 20, 50_000, 1_000, 5_000_000},
		{"ultimate", 25, 50_000, 2_000, 0}, {"plus", 25, 50_000, 2_000, 0},
	}
}

const (
	// heavyAtOnce is how many queries and writes of more than ten records may run
	// at once, whatever the edition (docs, API limits).
	heavyAtOnce = 10
	// mostSeats bounds nonsense.
	mostSeats = 100_000
)

// editionQuota is the budget of an account, that of the free edition where the
// edition is not known.
func editionQuota(name string, seats int) rest.Quota {
	has := edition{name: "free", atOnce: 5, credits: 5_000}
	for _, e := range editions() {
		if strings.Contains(strings.ToLower(name), e.name) {
			has = e
		}
	}
	credits := has.credits + has.perSeat*min(max(seats, 0), mostSeats)
	if has.most > 0 {
		credits = min(credits, has.most)
	}
	return rest.Quota{Daily: credits, Rolling: true, AtOnce: has.atOnce, HeavyAtOnce: min(heavyAtOnce, has.atOnce)}
}

// meter knows prices in credits and how answers tell of the quota.
func meter() rest.Meter { return rest.Meter{Cost: cost, Heavy: heavy, Usage: usage} }

// cost is what a call takes, in credits (docs, API limits): 1 for most, so also
// for one written record. Renewing a token takes none.
func cost(r *http.Request) int {
	switch {
	case strings.Contains(r.URL.Path, "/oauth/"):
		return 0
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

// heavy tells the calls of which fewer may run at once. We write one record a call.
func heavy(r *http.Request) bool {
	return strings.HasSuffix(r.URL.Path, queryPath)
}

// usage reads an answer. What is left is told only once half is spent, so that
// silence means that half is there (docs, API limits).
func usage(resp *http.Response) rest.Usage {
	left := remaining(resp.Header)
	if resp.StatusCode == http.StatusTooManyRequests {
		delay, _ := keepAway(resp.Header)
		return rest.Usage{Exhausted: true, RetryAfter: delay, DailyRemaining: left}
	}
	return rest.Usage{DailyRemaining: left, HalfLeft: left == nil && resp.StatusCode < http.StatusMultipleChoices}
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
