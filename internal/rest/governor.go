package rest

import (
	"context"
	"net/http"
	"time"
)

// Lane is the purpose of a call. When a vendor account's quota is short, calls
// of a lower lane wait for those of a higher one.
type Lane uint8

// The lanes, most urgent first.
const (
	Webhook     Lane = iota // re-reading what a delivery named
	WriteBack               // corrections to the CRM
	SLA                     // reads that a rule with a time limit waits for
	Incremental             // what changed since the last pull
	Sweep                   // proof of completeness
	Backfill                // the first walk
	History                 // costly extras: stage history of old deals
	Interactive             // a person waits: checks and previews; may use the reserve
)

var laneNames = [...]string{"webhook", "write-back", "sla", "incremental", "sweep", "backfill", "history", "interactive"}

// String returns the lane's name as stored and shown.
func (l Lane) String() string { return laneNames[l] }

// Quota is a vendor account's budget. Zero fields mean: no such limit is known.
type Quota struct {
	Burst       int           // cost units or calls (see Meter) that may be spent within BurstWindow
	BurstWindow time.Duration // length of the rolling window
	Daily       int           // cost units per day
	// DailyZone is the IANA time zone whose midnight renews Daily; empty is UTC.
	DailyZone string
	// Rolling tells that no midnight renews Daily: what was spent comes back 24
	// hours later. No answer tells the limit of such a budget, so what the
	// latest check found replaces what was known.
	Rolling bool
	// AtOnce is how many calls that cost something may be under way at once, and
	// HeavyAtOnce how many of these may be heavy (see Meter).
	AtOnce, HeavyAtOnce int
}

// Usage is what one answer tells of the quota. Pointers are nil where the
// answer is silent.
type Usage struct {
	BurstLimit     *int
	BurstRemaining *int
	BurstReset     *time.Duration // from the answer on
	DailyLimit     *int
	DailyRemaining *int
	// HalfLeft tells that the answer's silence means something: at least half of
	// Daily is left. It takes back no more than what earlier answers told of
	// others' spending.
	HalfLeft   bool
	Exhausted  bool          // the answer is a refusal for want of quota
	RetryAfter time.Duration // only with Exhausted; 0 is unknown
}

// Meter knows a vendor's prices and how its answers tell of the quota.
type Meter struct {
	// Cost returns what the request takes from the daily budget.
	Cost func(*http.Request) int
	// BurstCost returns what it takes from the burst window; nil means 1 each.
	BurstCost func(*http.Request) int
	// Heavy tells which requests count for Quota.HeavyAtOnce; nil: none.
	Heavy func(*http.Request) bool
	// Usage reads an answer's headers.
	Usage func(*http.Response) Usage
}

// Price is what one call takes of a quota.
type Price struct {
	Cost, Burst int
	Heavy       bool
}

// price asks the meter.
func (m Meter) price(req *http.Request) Price {
	p := Price{Cost: 1, Burst: 1}
	if m.Cost != nil {
		p.Cost = m.Cost(req)
	}
	if m.BurstCost != nil {
		p.Burst = m.BurstCost(req)
	}
	p.Heavy = m.Heavy != nil && m.Heavy(req)
	return p
}

// Permit allows one call to be under way, where that is bounded; 0 stands for a
// call that is not counted.
type Permit int64

// Governor paces the calls of all processes to one vendor account. It is bound
// to one account and lane.
type Governor interface {
	// Take reserves a call. It waits in place for a short time (about two seconds
	// at most); when the quota needs longer it returns fault.Limited with
	// RetryAfter, so that the worker is freed. A permit that is never given back
	// ends by itself, soon after the call's context has to end.
	Take(ctx context.Context, p Price) (Permit, error)
	// Done records what an answer told, and gives the permit back.
	Done(ctx context.Context, p Permit, u Usage) error
}
