package jobs

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"salesbook.dev/internal/postgres"
)

// dueAtOnce bounds how many schedules one tick claims.
const dueAtOnce = 1000

// Tick enqueues what is due: schedules of all workspaces, and connections
// whose inbox holds deliveries that no job is looking at.
func (p *Pipeline) Tick(ctx context.Context) error {
	waiting, err := p.DB.WaitingDeliveries(ctx)
	if err != nil {
		return err
	}
	return p.DB.ClaimDue(ctx, dueAtOnce, func(tx pgx.Tx, due []postgres.Due) error {
		var params []river.InsertManyParams
		for _, d := range due {
			if args := argsOf(d.Kind, d.Workspace, d.Connection); args != nil {
				params = append(params, river.InsertManyParams{Args: args})
			}
		}
		for _, w := range waiting {
			params = append(params, river.InsertManyParams{Args: ReceiveArgs{w[0], w[1]}})
		}
		if len(params) == 0 {
			return nil
		}
		_, err := p.Queue.InsertManyTx(ctx, tx, params)
		return err
	})
}
