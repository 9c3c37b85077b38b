package jobs

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
)

// Retried says what became of a failure that was tried again.
type Retried struct {
	Resolved bool   `json:"resolved"` // it is off the list
	Queued   bool   `json:"queued"`   // a worker will do it; should it fail again, it will be listed again
	Why      string `json:"why,omitempty"`
}

// Retry tries again what was given up. A record is mapped at once from its
// stored bytes; a delivery, an edit and a job go back to where they were, for a worker.
func (p *Pipeline) Retry(ctx context.Context, workspace int64, f postgres.Failure) (Retried, error) {
	if f.ResolvedAt != nil {
		return Retried{Resolved: true}, nil
	}
	switch f.Kind {
	case "record":
		return p.retryRecord(ctx, workspace, f)
	case "delivery":
		return p.retryDelivery(ctx, workspace, f)
	case "edit":
		return p.retryEdit(ctx, workspace, f)
	case "job":
		return p.retryJob(ctx, workspace, f)
	case "notification":
		return p.retryNotification(ctx, workspace, f)
	case "fight":
		return p.endFight(ctx, workspace, f)
	}
	return Retried{}, fault.New(fault.Invalid, "failure %d is of the kind %q, which this release cannot retry", f.ID, f.Kind)
}

// endFight takes a fight off the list: somebody has seen to it. What was fought over
// is written again once a day has passed, and listed again if it is changed back.
func (p *Pipeline) endFight(ctx context.Context, workspace int64, f postgres.Failure) (Retried, error) {
	return Retried{Resolved: true}, p.DB.In(ctx, workspace, func(tx pgx.Tx) error { return postgres.ResolveFailure(ctx, tx, workspace, f.ID) })
}

// retryRecord maps a record again from its stored bytes.
func (p *Pipeline) retryRecord(ctx context.Context, workspace int64, f postgres.Failure) (Retried, error) {
	s, err := p.openForWork(ctx, workspace, f.ConnectionID)
	if err != nil {
		return Retried{}, err
	}
	var out Retried
	err = p.DB.In(ctx, workspace, func(tx pgx.Tx) error {
		records, err := postgres.ReadRecordsByID(ctx, tx, workspace, s.ID, f.Object, []string{f.ExternalID}, p.Compressor)
		if err != nil {
			return err
		}
		if len(records) == 0 {
			return fault.New(fault.NotFound, "the bytes of %s %s are no longer stored; `salesbook sync %s --once --full --object %s` reads it again", f.Object, f.ExternalID, s.Name, f.Object)
		}
		b := replayBatch(s, len(records))
		if err := b.rewrite(ctx, tx, records); err != nil {
			return err
		}
		out = Retried{Resolved: len(b.failures) == 0}
		for _, again := range b.failures {
			out.Why = again.Reason
		}
		return postgres.HoldMap(ctx, tx, workspace, s.ID, s.MapVersion)
	})
	return out, err
}

// retryDelivery stores a delivery of our own that names the same record.
func (p *Pipeline) retryDelivery(ctx context.Context, workspace int64, f postgres.Failure) (Retried, error) {
	letter := postgres.Letter{
		Workspace: workspace, Connection: f.ConnectionID, At: p.Now(), Key: fmt.Sprintf("retry/%d/%d", f.ID, f.Times),
		Reads: []connectors.Ref{{Object: f.Object, ID: f.ExternalID}}, Body: []byte{},
	}
	err := p.DB.StoreLetters(ctx, []postgres.Letter{letter}, func(tx pgx.Tx, _ [][2]int64) error {
		if _, err := p.Queue.InsertTx(ctx, tx, ReceiveArgs{workspace, f.ConnectionID}, nil); err != nil {
			return err
		}
		return postgres.ResolveFailure(ctx, tx, workspace, f.ID)
	})
	return Retried{Resolved: err == nil, Queued: err == nil}, err
}

// retryJob inserts the job again.
func (p *Pipeline) retryJob(ctx context.Context, workspace int64, f postgres.Failure) (Retried, error) {
	args, err := failedJob(workspace, f)
	if err != nil {
		return Retried{}, err
	}
	err = p.DB.In(ctx, workspace, func(tx pgx.Tx) error {
		if _, err := p.Queue.InsertTx(ctx, tx, args, nil); err != nil {
			return err
		}
		return postgres.ResolveFailure(ctx, tx, workspace, f.ID)
	})
	return Retried{Resolved: err == nil, Queued: err == nil}, err
}

// failedJob makes the arguments of a job that was given up.
func failedJob(workspace int64, f postgres.Failure) (river.JobArgs, error) {
	switch f.Object {
	case ReceiveArgs{}.Kind():
		return ReceiveArgs{workspace, f.ConnectionID}, nil
	case ReplayArgs{}.Kind():
		return ReplayArgs{Workspace: workspace, Connection: f.ConnectionID}, nil
	}
	if args := argsOf(f.Object, workspace, f.ConnectionID); args != nil {
		return args, nil
	}
	return nil, fault.New(fault.Invalid, "this release knows no job %q", f.Object)
}
