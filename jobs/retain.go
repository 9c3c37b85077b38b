package jobs

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/postgres"
)

// Retain deletes what has been kept for long enough, in small transactions,
// and makes the partitions of the coming months.
func (p *Pipeline) Retain(ctx context.Context, workspace int64) error {
	now := p.Now()
	if err := p.DB.KeepPartitions(ctx); err != nil {
		return err
	}
	var chosen []postgres.Kept
	err := p.DB.In(ctx, workspace, func(tx pgx.Tx) (err error) {
		chosen, err = postgres.Retentions(ctx, tx, workspace)
		return err
	})
	if err != nil {
		return err
	}
	for _, rule := range postgres.RetentionRules() {
		for {
			var n int64
			err := p.DB.In(ctx, workspace, func(tx pgx.Tx) (err error) {
				n, err = rule.Delete(ctx, tx, workspace, chosen, now)
				return err
			})
			if err != nil {
				return err
			}
			if n < postgres.RetainBatch || ctx.Err() != nil {
				break
			}
		}
	}
	return ctx.Err()
}

// retainEvery is how often old rows are looked for.
const retainEvery = 6 * time.Hour
