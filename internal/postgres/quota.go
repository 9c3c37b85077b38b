package postgres

import (
	"context"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/rest"
)

// Governor paces the calls of all processes to one vendor account in one lane.
type Governor struct {
	DB      *DB
	Account int64 // vendor_accounts.id; 0: not known yet, nothing is paced
	Lane    rest.Lane
	Reserve float64 // share of the day that is left to people and other tools; 0: a tenth
}

var _ rest.Governor = Governor{}

// patience is how long a call waits in place before its worker is freed.
const patience = 2 * time.Second

// usualReserve is the share of the day that people and other tools have.
const usualReserve = 0.10

// floors are the shares of the burst bucket and of the day that a lane leaves
// to more urgent ones, under the usual reserve.
var floors = [...]struct{ burst, daily float64 }{
	rest.Webhook:     {0, 0.10},
	rest.WriteBack:   {0.05, 0.12},
	rest.SLA:         {0.10, 0.14},
	rest.Incremental: {0.15, 0.16},
	rest.Sweep:       {0.25, 0.20},
	rest.Backfill:    {0.30, 0.30},
	rest.History:     {0.40, 0.40},
	rest.Interactive: {0, 0.02},
}

// Take reserves a call, see rest.Governor.
func (g Governor) Take(ctx context.Context, cost, burst int) error {
	if g.Account == 0 {
		return nil
	}
	for waited := time.Duration(0); ; {
		wait, daily, err := g.try(ctx, cost, burst)
		if err != nil || wait == 0 {
			return err
		}
		if waited+wait > patience {
			return &fault.Error{Kind: fault.Limited, Text: limitText(g.Lane, daily), RetryAfter: wait, Daily: daily}
		}
		if err := pause(ctx, wait); err != nil {
			return err
		}
		waited += wait
	}
}

// dailyFloor is the share of the day that the lane leaves: with another reserve
// than the usual the lanes divide what it leaves in the same proportions. A
// person who waits may use the reserve.
func (g Governor) dailyFloor() float64 {
	floor := floors[g.Lane].daily
	if g.Reserve == 0 || g.Lane == rest.Interactive {
		return floor
	}
	return g.Reserve + (floor-usualReserve)*(1-g.Reserve)/(1-usualReserve)
}

// try reserves a call, or tells how long to keep away and whether that is
// because the day's budget is spent.
func (g Governor) try(ctx context.Context, cost, burst int) (wait time.Duration, daily bool, err error) {
	var ms int64
	err = g.DB.pool.QueryRow(ctx, `SELECT wait_ms, daily_spent FROM take_quota($1, $2, $3, $4, $5)`,
		g.Account, cost, burst, floors[g.Lane].burst, g.dailyFloor()).Scan(&ms, &daily)
	return time.Duration(ms) * time.Millisecond, daily, err
}

func limitText(l rest.Lane, daily bool) string {
	if daily {
		return "the vendor account's daily budget has no more room for " + l.String() + " calls today; it goes on by itself"
	}
	return "the vendor account's rate limit is used up for now; it goes on by itself"
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// Learn records what an answer told, see rest.Governor.
func (g Governor) Learn(ctx context.Context, u rest.Usage) error {
	if g.Account == 0 {
		return nil
	}
	var reset *int64
	if u.BurstReset != nil {
		ms := u.BurstReset.Milliseconds()
		reset = &ms
	}
	_, err := g.DB.pool.Exec(ctx, `SELECT learn_quota($1, $2, $3, $4, $5, $6, $7, $8)`, g.Account,
		told(u.BurstLimit), told(u.BurstRemaining), reset, told(u.DailyLimit), told(u.DailyRemaining), u.Exhausted, u.RetryAfter.Milliseconds())
	return err
}

// told fits a figure from outside into the range of the columns.
func told(n *int) *int32 {
	if n == nil {
		return nil
	}
	fit := int32(min(max(*n, 0), math.MaxInt32/2)) // half: sums of two stay in range
	return &fit
}

// QuotaStatus is what is left of a vendor account's budget.
type QuotaStatus struct {
	Burst, Daily, DailyLeft *int
	ParkedUntil, LearntAt   *time.Time
}

// Quota returns what is left of an account's budget.
func (db *DB) Quota(ctx context.Context, account int64) (QuotaStatus, error) {
	rows, err := db.pool.Query(ctx, `SELECT burst, daily, daily_left, parked_until, learnt_at FROM quota_status($1)`, account)
	if err != nil {
		return QuotaStatus{}, err
	}
	q, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[QuotaStatus])
	return q, notFound(err, "there is no vendor account %d", account)
}
