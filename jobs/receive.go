package jobs

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/rest"
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
	err = p.recorded(ctx, s, "receive", "", func(run int64) error { return p.readLetters(ctx, s, l, run, letters) })
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

// readLetters fetches every record the letters name, once, and marks the
// letters read in the transaction that commits the last of them.
func (p *Pipeline) readLetters(ctx context.Context, s *Source, l postgres.Lease, run int64, letters []postgres.Waiting) error {
	c, err := s.Connector(ctx, rest.Webhook)
	if err != nil {
		return err
	}
	fetcher, ok := c.(connectors.Fetcher)
	if !ok {
		return fault.New(fault.Invalid, "the connector for %s cannot read records by id", s.Vendor)
	}
	var failures []postgres.Failure
	dictionary := false
	for _, object := range s.Spec.Objects {
		ids := idsOf(letters, object.Name)
		dictionary = dictionary || object.Dictionary && len(ids) > 0
		atOnce := object.FetchMax
		if atOnce == 0 {
			atOnce = max(1, len(ids)) // the whole list is read, once
		}
		for chunk := range slices.Chunk(ids, atOnce) {
			page, err := fetchOrList(ctx, c, fetcher, object, chunk)
			if hopeless(err) {
				failures = append(failures, deliveryFailures(s, object.Name, chunk, err)...)
				continue
			}
			if err != nil {
				return err
			}
			if err := p.commitPage(ctx, s, l, run, "receive", page); err != nil {
				return err
			}
		}
	}
	if dictionary {
		if err := s.refreshMap(ctx); err != nil {
			return err
		}
	}
	return p.DB.In(ctx, s.Workspace, func(tx pgx.Tx) error {
		if err := postgres.AddFailures(ctx, tx, s.Workspace, failures); err != nil {
			return err
		}
		if err := postgres.FinishLetters(ctx, tx, s.Workspace, letters); err != nil {
			return err
		}
		if err := s.forget(ctx, tx, letters); err != nil {
			return err
		}
		return l.Hold(ctx, tx)
	})
}

// fetchOrList reads records by id, or the whole list of an object that has no
// way to read one.
func fetchOrList(ctx context.Context, c connectors.Connector, f connectors.Fetcher, o connectors.Object, ids []string) (connectors.Page, error) {
	if o.FetchMax > 0 {
		return f.Fetch(ctx, o.Name, ids)
	}
	puller, ok := c.(connectors.Puller)
	if !ok || o.Mode != connectors.Listed {
		return connectors.Page{}, fault.New(fault.Invalid, "%s cannot be read by id", o.Name)
	}
	for page, err := range puller.Pull(ctx, o.Name, "") {
		return page, err
	}
	return connectors.Page{}, nil
}

// hopeless tells failures that waiting does not mend.
func hopeless(err error) bool {
	return err != nil && fault.KindOf(err).Outcome() == fault.Discard
}

// deliveryFailures lists records, one each, that deliveries named in vain.
func deliveryFailures(s *Source, object string, ids []string, err error) []postgres.Failure {
	failures := make([]postgres.Failure, len(ids))
	for i, id := range ids {
		failures[i] = postgres.Failure{ConnectionID: s.ID, Kind: "delivery", Object: object, ExternalID: id,
			Reason: fmt.Sprintf("named by a delivery, but could not be read: %v", err),
			Hint:   "check what the credentials may see with `salesbook connections show " + s.Name + "`; `salesbook failures retry` reads it again"}
	}
	return failures
}

// idsOf returns the ids of an object that the letters name, each once.
func idsOf(letters []postgres.Waiting, object string) []string {
	var ids []string
	for _, l := range letters {
		for _, r := range l.Reads {
			if r.Object == object {
				ids = append(ids, r.ID)
			}
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
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
