package jobs

import (
	"context"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
)

// recorded does work as a run that `salesbook runs` shows, with its outcome.
func (p *Pipeline) recorded(ctx context.Context, s *Source, kind, object string, work func(run int64) error) error {
	var run int64
	err := p.DB.In(ctx, s.Workspace, func(tx pgx.Tx) (err error) {
		run, err = postgres.BeginRun(ctx, tx, s.Workspace, s.ID, kind, object)
		return err
	})
	if err != nil {
		return err
	}
	err = work(run)
	outcome, text := "done", ""
	if err != nil {
		outcome, text = fault.KindOf(err).String(), err.Error()
	}
	if ctx.Err() != nil {
		outcome, text = "interrupted", ""
	}
	// Written also when the job is being stopped, or the run would seem to go on.
	late := context.WithoutCancel(ctx)
	if end := p.DB.In(late, s.Workspace, func(tx pgx.Tx) error {
		return postgres.EndRun(late, tx, s.Workspace, run, outcome, text)
	}); err == nil {
		err = end
	}
	return err
}
