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
	Kind       string    `arg:"" enum:"deal,lead" help:"deal or lead."`
	ID         string    `arg:"" help:"Its id in the CRM."`
	Connection string    `placeholder:"NAME" help:"Connection it came through, if several have one of that id."`
	Until      book.Date `required:"" placeholder:"2026-12-24" help:"Day on which it goes on."`
	Reason     string    `required:"" help:"Why it waits."`
}

// Run has a deal or lead wait, so that it does not hang meanwhile.
func (c *snoozeCmd) Run(ctx context.Context, g *globals) error {
	return decide(ctx, g, c.Until, func(ctx context.Context, a *app, tx pgx.Tx, ws int64, until time.Time) error {
		subject, err := postgres.SubjectCalled(ctx, tx, ws, c.Kind+"s", c.ID, c.Connection)
		if err != nil {
			return err
		}
		if err := postgres.Snooze(ctx, tx, ws, subject.SubjectKey, until, actor(), c.Reason); err != nil {
			return err
		}
		if err := postgres.Audit(ctx, tx, ws, actor(), "snooze", c.Kind+" "+c.ID, map[string]any{"connection": subject.ConnectionName, "until": c.Until.String()}); err != nil {
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
		whose, err := postgres.Excuse(ctx, tx, ws, c.ID, until, actor(), c.Reason)
		if err != nil {
			return err
		}
		return postgres.Audit(ctx, tx, ws, actor(), "excuse", fmt.Sprintf("violation %d", c.ID), map[string]any{"of": one(whose.Kind) + " " + whose.ID, "until": c.Until.String()})
	}, fmt.Sprintf("Violation %d passes until %s.", c.ID, c.Until))
}

type acknowledgeCmd struct {
	ID   int64  `arg:"" help:"The violation's number, from the list of violations."`
	Note string `placeholder:"TEXT" help:"What you will do about it."`
}

// Run says that somebody has seen a violation and takes it on.
func (c *acknowledgeCmd) Run(ctx context.Context, g *globals) error {
	at, by := time.Now(), actor()
	err := inWorkspace(ctx, g, func(tx pgx.Tx, ws int64) error {
		whose, err := postgres.Acknowledge(ctx, tx, ws, c.ID, at, by, c.Note)
		if err != nil {
			return err
		}
		return postgres.Audit(ctx, tx, ws, by, "acknowledge", fmt.Sprintf("violation %d", c.ID), map[string]any{"of": one(whose.Kind) + " " + whose.ID})
	})
	if err != nil {
		return err
	}
	if g.JSON {
		return g.printJSON(map[string]any{"id": c.ID, "acknowledged_at": at.UTC(), "acknowledged_by": by})
	}
	fmt.Fprintf(g.stdout, "Violation %d is acknowledged by %s.\n", c.ID, harmless(by))
	return nil
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
