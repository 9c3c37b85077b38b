package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/jobs"
)

type snoozeCmd struct {
	Kind   string    `arg:"" enum:"deal,lead" help:"deal or lead."`
	ID     string    `arg:"" help:"Its id in the CRM."`
	Until  book.Date `required:"" placeholder:"2026-12-24" help:"Day on which it goes on."`
	Reason string    `required:"" help:"Why it waits."`
}

// Run has a deal or lead wait, so that it does not hang meanwhile.
func (c *snoozeCmd) Run(ctx context.Context, g *globals) error {
	return decide(ctx, g, c.Until, func(ctx context.Context, a *app, tx pgx.Tx, ws int64, until time.Time) error {
		subjects, err := postgres.SubjectsCalled(ctx, tx, ws, c.Kind+"s", c.ID)
		if err == nil && len(subjects) == 0 {
			err = fault.New(fault.NotFound, "there is no such %s here: %s", c.Kind, c.ID)
		}
		if err == nil && len(subjects) > 1 {
			err = fault.New(fault.Invalid, "several connections have a %s with the id %s, and this command cannot tell them apart yet", c.Kind, c.ID)
		}
		if err != nil {
			return err
		}
		if err := postgres.Snooze(ctx, tx, ws, subjects[0], until, actor(), c.Reason); err != nil {
			return err
		}
		if err := postgres.Audit(ctx, tx, ws, actor(), "snooze", c.Kind+" "+c.ID, map[string]any{"until": c.Until.String(), "why": c.Reason}); err != nil {
			return err
		}
		_, err = a.pipeline.Queue.InsertTx(ctx, tx, jobs.EvaluateArgs{Workspace: ws}, nil)
		return err
	}, fmt.Sprintf("%s %s waits until %s.", c.Kind, c.ID, c.Until))
}

type excuseCmd struct {
	ID     int64     `arg:"" help:"The violation's number, from the list of violations."`
	Until  book.Date `required:"" placeholder:"2026-12-24" help:"Day until which it passes."`
	Reason string    `required:"" help:"Why it passes."`
}

// Run lets a violation pass for a while.
func (c *excuseCmd) Run(ctx context.Context, g *globals) error {
	return decide(ctx, g, c.Until, func(ctx context.Context, _ *app, tx pgx.Tx, ws int64, until time.Time) error {
		if err := postgres.Excuse(ctx, tx, ws, c.ID, until, actor(), c.Reason); err != nil {
			return err
		}
		return postgres.Audit(ctx, tx, ws, actor(), "excuse", fmt.Sprintf("violation %d", c.ID), map[string]any{"until": c.Until.String(), "why": c.Reason})
	}, fmt.Sprintf("Violation %d passes until %s.", c.ID, c.Until))
}

// decide stores a decision that holds until a day begins, by the zone of the
// book in force.
func decide(ctx context.Context, g *globals, day book.Date, store func(ctx context.Context, a *app, tx pgx.Tx, ws int64, until time.Time) error, said string) error {
	a, err := open(ctx, g, g.quiet(), need{})
	if err != nil {
		return err
	}
	defer a.shut()
	ws, err := a.workspace(ctx)
	if err != nil {
		return err
	}
	zone, err := a.pipeline.BookZone(ctx, ws)
	if err != nil {
		return err
	}
	until := day.Start(zone)
	if !until.After(a.pipeline.Now()) {
		return fault.New(fault.Invalid, "%s is not in the future", day)
	}
	if err := a.db.In(ctx, ws, func(tx pgx.Tx) error { return store(ctx, a, tx, ws, until) }); err != nil {
		return err
	}
	if g.JSON {
		return g.printJSON(map[string]any{"until": until.UTC()})
	}
	fmt.Fprintln(g.stdout, said)
	return nil
}
