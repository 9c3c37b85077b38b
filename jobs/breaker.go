package jobs

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
)

// After so many temporary failures one after the other a connection rests: all
// workers leave its vendor alone, for a time that doubles with each try in vain
// up to longestRest. Then one job tries; a proper answer ends it.
const (
	tooManyStrikes = 5
	firstRest      = 30 * time.Second
	longestRest    = 15 * time.Minute
	tryTakes       = time.Minute // how long others are kept away while one tries
)

// calling does a job's work at a connection's vendor, unless the connection
// rests: then the job comes back by itself when the rest is over.
func (p *Pipeline) calling(ctx context.Context, kind string, workspace, connection int64, work func() error) error {
	rest, err := p.mayCall(ctx, workspace, connection)
	if err != nil {
		return err
	}
	if rest > 0 {
		return p.postpone(ctx, kind, workspace, connection, rest)
	}
	return work()
}

// pulling is calling for a pull. One that a person asked for is not forgotten.
func (p *Pipeline) pulling(ctx context.Context, a PullArgs) error {
	if !a.Force {
		return p.calling(ctx, a.Kind(), a.Workspace, a.Connection, func() error { return p.pullJob(ctx, a) })
	}
	rest, err := p.mayCall(ctx, a.Workspace, a.Connection)
	switch {
	case err != nil:
		return err
	case rest > 0:
		return river.JobSnooze(rest)
	}
	return p.pullJob(ctx, a)
}

func (p *Pipeline) mayCall(ctx context.Context, workspace, connection int64) (rest time.Duration, err error) {
	err = p.DB.In(ctx, workspace, func(tx pgx.Tx) error {
		rest, err = postgres.MayCall(ctx, tx, workspace, connection, tryTakes)
		return err
	})
	return rest, err
}

// strike counts a temporary failure and returns for how long its job is to stay
// away.
func (p *Pipeline) strike(ctx context.Context, workspace, connection int64, failure error) (rest time.Duration, err error) {
	err = p.DB.In(ctx, workspace, func(tx pgx.Tx) error {
		strikes, err := postgres.Strike(ctx, tx, workspace, connection, failure.Error())
		rest = max(fault.RetryAfter(failure), firstRest)
		if err != nil || strikes < tooManyStrikes {
			return err
		}
		rest, err = postgres.RestFor(ctx, tx, workspace, connection, max(fault.RetryAfter(failure), restAfter(strikes)))
		p.Log.WarnContext(ctx, "the connection rests", "workspace", workspace, "connection", connection, "for", rest, "failures", strikes)
		return err
	})
	return rest, err
}

// restAfter is how long a connection rests, up to a tenth more or less so that
// those of one vendor do not all come back at the same instant.
func restAfter(strikes int) time.Duration {
	rest := longestRest
	if doublings := strikes - tooManyStrikes; doublings < 5 {
		rest = min(rest, firstRest<<doublings)
	}
	return time.Duration(float64(rest) * (0.9 + 0.2*rand.Float64()))
}

// recovered forgets failures that a proper answer followed.
func (p *Pipeline) recovered(ctx context.Context, workspace, connection int64) error {
	return p.DB.In(ctx, workspace, func(tx pgx.Tx) error {
		rested, err := postgres.CloseBreaker(ctx, tx, workspace, connection, false)
		if err == nil && rested {
			p.Log.InfoContext(ctx, "the vendor answers again", "workspace", workspace, "connection", connection)
		}
		return err
	})
}
