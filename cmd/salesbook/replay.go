package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/postgres"
	"salesbook.dev/jobs"
)

type replayCmd struct {
	Name string `arg:"" help:"Connection."`
}

// Run makes all canonical rows anew and says what came out different.
func (c *replayCmd) Run(ctx context.Context, g *globals) error {
	a, err := open(ctx, g, g.quiet(), need{})
	if err != nil {
		return err
	}
	defer a.shut()
	conn, err := a.connection(ctx, c.Name)
	if err != nil {
		return err
	}
	report, err := a.replay(ctx, conn)
	if err != nil {
		return err
	}
	if g.JSON {
		if err := g.printJSON(report); err != nil {
			return err
		}
	} else {
		printReplay(g, report)
	}
	if !report.Complete {
		return incomplete{fmt.Sprintf("another process is replaying %s; wait for it, `salesbook runs %s` shows it", c.Name, c.Name)}
	}
	return nil
}

// replay runs a replay here and shows how far it is.
func (a *app) replay(ctx context.Context, conn postgres.Connection) (jobs.ReplayReport, error) {
	stop := a.showReplay(ctx, conn)
	defer stop()
	return a.pipeline.Replay(ctx, conn.Workspace, conn.ID)
}

func printReplay(g *globals, r jobs.ReplayReport) {
	fmt.Fprintf(g.stdout, "%s mapped again.\n", counted(r.Records, "record"))
	if len(r.Differences) == 0 && r.Made == 0 {
		fmt.Fprintln(g.stdout, "Differences: none.")
	} else {
		t := newTable("DIFFERENT", ">ROWS")
		for _, kind := range sortedKeys(r.Differences) {
			t.add(kind, count(r.Differences[kind]))
		}
		if r.Made > 0 {
			t.add("made anew", count(r.Made))
		}
		fmt.Fprint(g.stdout, t.text(""))
	}
	if r.Quarantined > 0 {
		fmt.Fprintf(g.stdout, "%s could not be mapped; `salesbook failures list` says why.\n", counted(r.Quarantined, "record"))
	}
}

// showReplay draws how far a replay is until stop is called.
func (a *app) showReplay(ctx context.Context, conn postgres.Connection) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	screen := newScreen(a.stderr)
	began := time.Now()
	go func() {
		defer close(done)
		beat := time.NewTicker(redrawEvery)
		defer beat.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-beat.C:
				if line := a.replayLine(ctx, conn, began); line != "" {
					screen.draw(time.Now(), []string{line}, line)
				}
			}
		}
	}()
	return func() { cancel(); <-done; screen.clear() }
}

// replayLine says how far the replay under way is.
func (a *app) replayLine(ctx context.Context, conn postgres.Connection, began time.Time) string {
	var seen, all int64
	err := a.db.In(ctx, conn.Workspace, func(tx pgx.Tx) (err error) {
		runs, err := postgres.Runs(ctx, tx, conn.Workspace, conn.ID, 0, 50)
		if err != nil {
			return err
		}
		for _, r := range runs {
			if r.Kind == "replay" && r.FinishedAt == nil {
				seen = r.Seen
				break
			}
		}
		all, err = postgres.CountRecords(ctx, tx, conn.Workspace, conn.ID)
		return err
	})
	if err != nil || seen == 0 {
		return ""
	}
	rate := float64(seen) / time.Since(began).Seconds()
	left := time.Duration(float64(max(0, all-seen)) / rate * float64(time.Second))
	return fmt.Sprintf("replaying %s: %s of %s records, %s/s, about %s left", conn.Name, count(seen), count(all), count(int64(rate)), span(left))
}
