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
}

// Usage is what one answer tells of the quota. Pointers are nil where the
// answer is silent.
type Usage struct {
	BurstLimit     *int
	BurstRemaining *int
	BurstReset     *time.Duration // from the answer on
	DailyLimit     *int
	DailyRemaining *int
	Exhausted      bool          // the answer is a refusal for want of quota
	RetryAfter     time.Duration // only with Exhausted; 0 is unknown
}

// Meter knows a vendor's prices and how its answers tell of the quota.
type Meter struct {
	// Cost returns what the request takes from the daily budget.
	Cost func(*http.Request) int
	// BurstCost returns what it takes from the burst window; nil means 1 each.
	BurstCost func(*http.Request) int
	// Usage reads an answer's headers.
	Usage func(*http.Response) Usage
}

// Governor paces the calls of all processes to one vendor account. It is bound
// to one account and lane.
type Governor interface {
	// Take reserves a call of this cost. It waits in place for a short time
	// (about two seconds at most); when the quota needs longer it returns
	// fault.Limited with RetryAfter, so that the worker is freed.
	Take(ctx context.Context, cost, burst int) error
	// Learn records what an answer told.
	Learn(ctx context.Context, u Usage) error
}
