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

// holdMost is how long a call counts as under way whose context says nothing of
// its end, and holdMore for how long beyond that end: the vendor may still be at it.
const (
	holdMost = time.Minute
	holdMore = 5 * time.Second
)

// Take reserves a call, see rest.Governor.
func (g Governor) Take(ctx context.Context, p rest.Price) (rest.Permit, error) {
	if g.Account == 0 {
		return 0, nil
	}
	for waited := time.Duration(0); ; {
		got, err := g.try(ctx, p)
		if err != nil || got.wait == 0 {
			return got.permit, err
		}
		if waited+got.wait > patience {
			return 0, g.limited(got)
		}
		if err := pause(ctx, got.wait); err != nil {
			return 0, err
		}
		waited += got.wait
	}
}

// taken is a call that was reserved, or how long to keep away, and what for.
type taken struct {
	wait   time.Duration
	reason string
	permit rest.Permit
}

// What a call has to wait for, as take_call tells.
const (
	waitDay   = "day"
	wait24    = "24 hours"
	waitCalls = "calls"
)

// limited says that a call has to wait longer than a worker does.
func (g Governor) limited(t taken) error {
	e := &fault.Error{Kind: fault.Limited, RetryAfter: t.wait, Daily: t.reason == waitDay || t.reason == wait24}
	switch t.reason {
	case waitDay:
		e.Text = "the vendor account's daily budget has no more room for " + g.Lane.String() + " calls today; it goes on by itself"
	case wait24:
		e.Text = "the vendor account's budget of 24 hours has no more room for " + g.Lane.String() + " calls; what was spent comes back 24 hours later; it goes on by itself"
	case waitCalls:
		e.Text = "as many calls as the vendor allows at once have been under way for a while; it goes on by itself"
		e.RetryAfter = patience // the wait was for one more look
	default:
		e.Text = "the vendor account's rate limit is used up for now; it goes on by itself"
	}
	return e
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

// try reserves a call, or tells how long to keep away and why.
func (g Governor) try(ctx context.Context, p rest.Price) (taken, error) {
	var got taken
	var ms int64
	err := g.DB.pool.QueryRow(ctx, `SELECT wait_ms, wait_for, permit FROM set_config('synchronous_commit', 'off', true), take_call($1, $2, $3, $4, $5, $6, $7)`,
		g.Account, p.Cost, p.Burst, p.Heavy, hold(ctx).Milliseconds(), floors[g.Lane].burst, g.dailyFloor()).Scan(&ms, &got.reason, &got.permit)
	got.wait = time.Duration(ms) * time.Millisecond
	return got, err
}

// hold is how long a call of this context can be under way.
func hold(ctx context.Context) time.Duration {
	if end, ok := ctx.Deadline(); ok {
		return min(max(time.Until(end), 0), holdMost) + holdMore
	}
	return holdMost + holdMore
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

// Done records what an answer told and gives the permit back, see rest.Governor.
func (g Governor) Done(ctx context.Context, p rest.Permit, u rest.Usage) error {
	if g.Account == 0 {
		return nil
	}
	var reset *int64
	if u.BurstReset != nil {
		ms := u.BurstReset.Milliseconds()
		reset = &ms
	}
	_, err := g.DB.pool.Exec(ctx, `SELECT end_call($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) FROM set_config('synchronous_commit', 'off', true)`, g.Account, p,
		told(u.BurstLimit), told(u.BurstRemaining), reset, told(u.DailyLimit), told(u.DailyRemaining), u.HalfLeft, u.Exhausted, u.RetryAfter.Milliseconds())
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
	Rolling                 bool       // what was spent comes back 24 hours later
	BackAt                  *time.Time // when it does next, if it rolls
	Back                    *int       // how much does then
	AtOnce                  *int       // calls that may be under way at once
	UnderWay                int        // that are, of all processes; 0 where they are not bounded
}

// Quota returns what is left of an account's budget.
func (db *DB) Quota(ctx context.Context, account int64) (QuotaStatus, error) {
	rows, err := db.pool.Query(ctx, `SELECT burst, daily, daily_left, parked_until, learnt_at, rolling, back_at, back, at_once, under_way FROM quota_standing($1)`, account)
	if err != nil {
		return QuotaStatus{}, err
	}
	q, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[QuotaStatus])
	return q, notFound(err, "there is no vendor account %d", account)
}
