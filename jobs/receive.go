package jobs

import (
	"context"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/postgres"
)

// lettersAtOnce bounds how many deliveries are read in one go.
const lettersAtOnce = 200

// Receive reads again what the deliveries in a connection's inbox named, until
// the inbox is empty. Repeats and late deliveries do no harm: the records are
// read as they are now.
func (p *Pipeline) Receive(ctx context.Context, workspace, connection int64) error {
	_, err := p.holding(ctx, workspace, "receive", connection, func(ctx context.Context, l postgres.Lease) error {
		s, err := p.openForWork(ctx, workspace, connection)
		if err != nil {
			return err
		}
		if s.State != "active" || s.RestUntil != nil {
			return nil // the deliveries wait
		}
		for until := p.Now().Add(p.slice()); p.Now().Before(until); {
			more, err := p.receiveSome(ctx, s, l)
			if err != nil || !more {
				return err
			}
			if err := p.askToEvaluate(ctx, workspace); err != nil {
				return err
			}
		}
		return nil // the tick comes back for the rest
	})
	return err
}

// receiveSome works off the oldest deliveries. It reports false once the inbox
// was empty while nobody could have added to it unseen: then the lease is free.
func (p *Pipeline) receiveSome(ctx context.Context, s *Source, l postgres.Lease) (more bool, err error) {
	var letters []postgres.Waiting
	err = p.DB.In(ctx, s.Workspace, func(tx pgx.Tx) (err error) {
		letters, err = postgres.WaitingLetters(ctx, tx, s.Workspace, s.ID, lettersAtOnce)
		return err
	})
	if err != nil {
		return false, err
	}
	if len(letters) == 0 {
		return p.finishReceive(ctx, s, l)
	}
	err = p.recorded(ctx, s, "receive", "", func(run int64) error {
		r := &reading{p: p, s: s, lease: l, run: run, letters: letters, late: map[connectors.Ref]unread{}}
		return r.all(ctx)
	})
	return err == nil, err
}

// finishReceive gives the lease up if the inbox is still empty once it is
// locked: whoever stores a delivery afterwards finds the lease free.
func (p *Pipeline) finishReceive(ctx context.Context, s *Source, l postgres.Lease) (more bool, err error) {
	err = p.DB.In(ctx, s.Workspace, func(tx pgx.Tx) error {
		if err := l.Finish(ctx, tx); err != nil {
			return err
		}
		if more, err = postgres.AnyWaiting(ctx, tx, s.Workspace, s.ID); err != nil || more {
			return err
		}
		return l.Release(ctx, tx)
	})
	return more, err
}

// commitPage writes a page that belongs to no walk, in a transaction of its own.
func (p *Pipeline) commitPage(ctx context.Context, s *Source, l postgres.Lease, run int64, origin string, page connectors.Page) error {
	b := newBatch(s, origin, page)
	if err := b.prepare(ctx); err != nil {
		return err
	}
	return p.DB.InByKey(ctx, s.Workspace, func(tx pgx.Tx) error {
		if err := b.write(ctx, tx); err != nil {
			return err
		}
		if err := noteParents(ctx, tx, s, page); err != nil {
			return err
		}
		if err := postgres.CountRun(ctx, tx, s.Workspace, run, b.counts); err != nil {
			return err
		}
		return s.hold(ctx, tx, l)
	})
}
