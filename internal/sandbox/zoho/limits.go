package zoho

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Limits bounds calls as an edition does; zero means no bound.
type Limits struct {
	Credits     int64 // in any 24 hours
	Concurrency int   // calls at once
	Heavy       int   // of those: queries, writes of more than ten records
}

// EditionLimits returns the bounds of an edition: free, standard, professional,
// enterprise or ultimate (fact sheet 2.7, 2026-11-21).
func EditionLimits(edition string, users int) (Limits, error) {
	type plan struct {
		base, perUser, most int64
		atOnce              int
	}
	p, ok := map[string]plan{
		"free": {5_000, 0, 5_000, 5}, "standard": {50_000, 250, 100_000, 10}, "professional": {50_000, 500, 3_000_000, 15},
		"enterprise": {50_000, 1_000, 5_000_000, 20}, "ultimate": {50_000, 2_000, 1 << 50, 25},
	}[edition]
	if !ok || users < 1 {
		return Limits{}, fmt.Errorf("edition %q with %d users: want free, standard, professional, enterprise or ultimate and at least one user", edition, users)
	}
	return Limits{Credits: min(p.base+p.perUser*int64(users), p.most), Concurrency: p.atOnce, Heavy: min(10, p.atOnce)}, nil
}

// creditsHeader tells what is left, once half of the credits are used.
const creditsHeader = "X-API-CREDITS-REMAINING"

// tooMany is the vendor's answer beyond either limit. It has no Retry-After.
func tooMany() *refusal {
	return &refusal{http.StatusTooManyRequests, "TOO_MANY_REQUESTS", "too many requests", nil}
}

// quota counts credits and calls under way.
type quota struct {
	limits Limits

	mu      sync.Mutex
	paid    []payment // of the last 24 hours, oldest first
	spent   int64     // their sum
	running int
	heavy   int
	over    Refusals
	total   int64
}

type payment struct {
	at   time.Time
	cost int64
}

// Refusals counts the calls that were refused because a limit was reached, not
// because a fault was asked for.
type Refusals struct{ Concurrency, Credits int64 }

func newQuota(l Limits) *quota { return &quota{limits: l} }

// enter pays for one call and counts it in; leave counts it out.
func (q *quota) enter(now time.Time, rt route, c *call, h http.Header) (leave func(), err error) {
	cost, heavy := int64(1), false
	if rt.cost != nil {
		cost = rt.cost(c)
	}
	if rt.heavy != nil {
		heavy = rt.heavy(c)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.limits.Concurrency > 0 && q.running >= q.limits.Concurrency || heavy && q.limits.Heavy > 0 && q.heavy >= q.limits.Heavy {
		q.over.Concurrency++
		return nil, tooMany()
	}
	if !q.pay(now, cost) {
		q.over.Credits++
		h.Set(creditsHeader, "0")
		return nil, tooMany()
	}
	if l := q.limits.Credits; l > 0 && q.spent*2 >= l {
		h.Set(creditsHeader, strconv.FormatInt(l-q.spent, 10))
	}
	q.running++
	if heavy {
		q.heavy++
	}
	return func() { q.leave(heavy) }, nil
}

func (q *quota) pay(now time.Time, cost int64) bool {
	for len(q.paid) > 0 && now.Sub(q.paid[0].at) >= 24*time.Hour {
		q.spent -= q.paid[0].cost
		q.paid = q.paid[1:]
	}
	if q.limits.Credits > 0 && q.spent+cost > q.limits.Credits {
		return false
	}
	// One entry a second is exact enough and bounds the list.
	if n := len(q.paid); n > 0 && now.Sub(q.paid[n-1].at) < time.Second {
		q.paid[n-1].cost += cost
	} else {
		q.paid = append(q.paid, payment{now, cost})
	}
	q.spent += cost
	q.total += cost
	return true
}

func (q *quota) leave(heavy bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.running--
	if heavy {
		q.heavy--
	}
}

// Refused returns how many calls were over a limit since the simulator started.
func (s *Sim) Refused() Refusals {
	s.quota.mu.Lock()
	defer s.quota.mu.Unlock()
	return s.quota.over
}

// Charge spends credits as another tool of the account does, as many as there are.
func (s *Sim) Charge(credits int64) {
	s.quota.mu.Lock()
	defer s.quota.mu.Unlock()
	if l := s.quota.limits.Credits; l > 0 {
		credits = min(credits, l-s.quota.spent)
	}
	s.quota.pay(s.Now(), credits)
}

// Spent returns how many credits the calls since the simulator's start have cost.
func (s *Sim) Spent() int64 {
	s.quota.mu.Lock()
	defer s.quota.mu.Unlock()
	return s.quota.total
}
