package jobs

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/postgres"
)

// Queue takes jobs, inside the transaction that gives cause for them.
// *river.Client[pgx.Tx] is one.
type Queue interface {
	InsertTx(ctx context.Context, tx pgx.Tx, args river.JobArgs, opts *river.InsertOpts) (*rivertype.JobInsertResult, error)
	InsertManyTx(ctx context.Context, tx pgx.Tx, params []river.InsertManyParams) ([]*rivertype.JobInsertResult, error)
	InsertManyFast(ctx context.Context, params []river.InsertManyParams) (int, error)
}

// Pipeline is everything the jobs work with. Its exported fields are set once,
// before use; one Pipeline serves all workers of a process.
type Pipeline struct {
	DB         *postgres.DB
	Vault      postgres.Vault
	Compressor *postgres.Compressor
	Catalog    []connectors.Spec
	Queue      Queue
	Transport  http.RoundTripper // the wire to vendors; nil is the default
	Now        func() time.Time
	Log        *slog.Logger
	Holder     string                            // names this process in leases
	LeaseTTL   time.Duration                     // 0: 15 s
	FreeDisk   func() (share float64, err error) // of the database's disk, 0 to 1; nil: it is not ours to look at
	Slice      time.Duration                     // how long one pull, replay or push job works before it lets others in; 0: 4 min
	Patience   time.Duration                     // how long a call that makes a record may be under way after nobody waits for it any more; 0: 45 s

	books shelf // those that are in force
}

func (p *Pipeline) leaseTTL() time.Duration {
	if p.LeaseTTL > 0 {
		return p.LeaseTTL
	}
	return 15 * time.Second
}

func (p *Pipeline) slice() time.Duration {
	if p.Slice > 0 {
		return p.Slice
	}
	return 4 * time.Minute
}

func (p *Pipeline) patience() time.Duration {
	if p.Patience > 0 {
		return p.Patience
	}
	return 45 * time.Second
}
