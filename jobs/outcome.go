package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
)

// outcome tells the queue what becomes of a job about a connection, by the one
// table in package fault. Work waits in tables and schedules come back by
// themselves, so most failures end the job: what they leave behind is the run
// that shows them and a later time for the next try.
func (p *Pipeline) outcome(ctx context.Context, kind string, workspace, connection int64, err error) error {
	if err == nil {
		return p.resolved(ctx, kind, workspace, connection)
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return river.JobSnooze(0) // shutting down: whoever works next goes on at once
	}
	log := p.Log.With("job", kind, "workspace", workspace, "connection", connection)
	if _, ok := errors.AsType[idle](err); ok {
		return nil // a person has stopped it and knows
	}
	if _, ok := errors.AsType[stillRefused](err); ok {
		return nil // it stands among the failures
	}
	switch fault.KindOf(err).Outcome() {
	case fault.Nothing:
		return nil
	case fault.Park:
		return p.park(ctx, workspace, connection, err)
	case fault.Later:
		log.InfoContext(ctx, waitsFor(err), "for", fault.RetryAfter(err), "why", err)
		return p.postpone(ctx, kind, workspace, connection, max(fault.RetryAfter(err), time.Second))
	case fault.Discard:
		log.WarnContext(ctx, "given up until somebody looks at it", "why", err)
		return p.discard(ctx, kind, workspace, connection, err)
	}
	switch fault.KindOf(err) {
	case fault.Temporary:
		log.WarnContext(ctx, "the vendor cannot be reached properly; trying again later", "why", err)
		rest, e := p.strike(ctx, workspace, connection, err)
		if e != nil {
			return e
		}
		return p.postpone(ctx, kind, workspace, connection, rest)
	case fault.Conflict:
		return p.postpone(ctx, kind, workspace, connection, time.Second)
	}
	return err
}

// waitsFor says for the log what work waits for.
func waitsFor(err error) string {
	if lacksRoom(err) {
		return "waiting for room on the disk"
	}
	return "waiting for the vendor's quota"
}

// resolved closes what earlier failures left behind.
func (p *Pipeline) resolved(ctx context.Context, kind string, workspace, connection int64) error {
	if err := p.recovered(ctx, workspace, connection); err != nil || kind == (ReceiveArgs{}).Kind() {
		return err // the failures of a reception are those of single deliveries
	}
	return p.DB.In(ctx, workspace, func(tx pgx.Tx) error { return postgres.ResolveJob(ctx, tx, workspace, connection, kind) })
}

// discard lists the job among the failures and ends it for good.
func (p *Pipeline) discard(ctx context.Context, kind string, workspace, connection int64, err error) error {
	f := postgres.Failure{ConnectionID: connection, Kind: "job", Object: kind, ExternalID: fmt.Sprint(connection), Reason: err.Error(),
		Hint: "mend what the reason says; a scheduled job comes back by itself, `salesbook failures retry` runs any again"}
	if e := p.DB.In(ctx, workspace, func(tx pgx.Tx) error {
		return postgres.AddFailures(ctx, tx, workspace, []postgres.Failure{f})
	}); e != nil {
		return e
	}
	return river.JobCancel(err)
}

// park stops a connection until a person gives consent again. It is announced
// once.
func (p *Pipeline) park(ctx context.Context, workspace, connection int64, err error) error {
	fresh := false
	if e := p.DB.In(ctx, workspace, func(tx pgx.Tx) (e error) {
		fresh, e = postgres.SetState(ctx, tx, workspace, connection, "needs consent", err.Error())
		return e
	}); e != nil {
		return e
	}
	if fresh {
		p.Log.ErrorContext(ctx, "the connection needs consent", "workspace", workspace, "connection", connection, "why", err)
	}
	return river.JobCancel(err)
}

// postpone moves the job's schedule to a later time and ends the job. Receive
// has no schedule: the tick brings it back, once the connection has rested.
func (p *Pipeline) postpone(ctx context.Context, kind string, workspace, connection int64, d time.Duration) error {
	return p.DB.In(ctx, workspace, func(tx pgx.Tx) error {
		if kind == (ReceiveArgs{}).Kind() {
			return postgres.Rest(ctx, tx, workspace, connection, d)
		}
		return postgres.DueIn(ctx, tx, workspace, kind, connection, d)
	})
}
