package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
)

// holding runs work while this process holds the lease on (kind, subject). It
// reports false, without an error, when another holder has it. The context of
// work ends when the lease is lost. The lease is released unless work did so.
func (p *Pipeline) holding(ctx context.Context, workspace int64, kind string, subject any, work func(context.Context, postgres.Lease) error) (bool, error) {
	l := postgres.Lease{Workspace: workspace, Kind: kind, Subject: fmt.Sprint(subject), Holder: p.Holder, TTL: p.leaseTTL()}
	mine, err := p.DB.Claim(ctx, &l)
	if err != nil || !mine {
		return false, err
	}
	held, cancel := context.WithCancelCause(ctx)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		p.renew(held, cancel, l)
	}()
	err = work(held, l)
	if err != nil {
		err = p.orLost(ctx, l, err)
	}
	cancel(nil)
	<-stopped
	// Another process may go on at once: released also when ctx has ended.
	free := context.WithoutCancel(ctx)
	return true, errors.Join(err, p.DB.In(free, workspace, func(tx pgx.Tx) error { return l.Release(free, tx) }))
}

// orLost returns fault.Lost in place of err when the lease has been taken away:
// what went wrong then is no longer this worker's to judge.
func (p *Pipeline) orLost(ctx context.Context, l postgres.Lease, err error) error {
	ctx = context.WithoutCancel(ctx)
	held := p.DB.In(ctx, l.Workspace, func(tx pgx.Tx) error { return l.Hold(ctx, tx) })
	if fault.KindOf(held) == fault.Lost {
		return held
	}
	return err
}

// renew keeps the lease until ctx ends, and cancels it when the lease is lost.
func (p *Pipeline) renew(ctx context.Context, cancel context.CancelCauseFunc, l postgres.Lease) {
	beat := time.NewTicker(l.TTL / 3)
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
		}
		// A failure that is not a loss is tried again at the next beat: the
		// fence guards every commit meanwhile.
		if err := p.DB.Renew(ctx, l); fault.KindOf(err) == fault.Lost {
			cancel(err)
			return
		}
	}
}
