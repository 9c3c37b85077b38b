package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/postgres"
	"salesbook.dev/jobs"
)

type failuresCmd struct {
	List  failuresListCmd  `cmd:"" help:"List what was given up and nobody has resolved."`
	Show  failuresShowCmd  `cmd:"" help:"Show one failure whole."`
	Retry failuresRetryCmd `cmd:"" help:"Try again."`
}

// failureView is a failure as it is printed. Its JSON stays.
type failureView struct {
	ID         int64           `json:"id"`
	Connection string          `json:"connection"`
	Kind       string          `json:"kind"` // record, delivery, job, edit, fight, notification
	Object     string          `json:"object"`
	Record     string          `json:"record"`
	Place      string          `json:"place,omitempty"`
	Reason     string          `json:"reason"`
	Hint       string          `json:"hint,omitempty"`
	Args       json.RawMessage `json:"args"`
	FirstAt    time.Time       `json:"first_at"`
	LastAt     time.Time       `json:"last_at"`
	Times      int64           `json:"times"`
	ResolvedAt *time.Time      `json:"resolved_at,omitempty"`
}

func failureViewOf(f postgres.Failure, names map[int64]string) failureView {
	return failureView{ID: f.ID, Connection: names[f.ConnectionID], Kind: f.Kind, Object: f.Object, Record: f.ExternalID, Place: f.Place, Reason: f.Reason,
		Hint: f.Hint, Args: f.Args, FirstAt: f.FirstAt, LastAt: f.LastAt, Times: f.Times, ResolvedAt: f.ResolvedAt}
}

type failuresListCmd struct {
	Name  string `arg:"" optional:"" help:"Connection; all if left out."`
	All   bool   `help:"Also those that are resolved."`
	Limit int    `short:"n" default:"100" help:"How many, from the newest."`
}

// Run lists failures.
func (c *failuresListCmd) Run(ctx context.Context, g *globals) error {
	a, err := open(ctx, g, g.quiet(), need{})
	if err != nil {
		return err
	}
	defer a.shut()
	names, id, err := a.names(ctx, c.Name)
	if err != nil {
		return err
	}
	list, err := a.failures(ctx, id, c.All, 0, c.Limit)
	if err != nil {
		return err
	}
	views := make([]failureView, len(list))
	t := newTable(">ID", "CONNECTION", "KIND", "OBJECT", "RECORD", "FIELD", "LAST", ">TIMES", "REASON")
	for i, f := range list {
		v := failureViewOf(f, names)
		views[i] = v
		reason := shorten(v.Reason, 100)
		if v.ResolvedAt != nil {
			reason = "(resolved) " + reason
		}
		t.add(fmt.Sprint(v.ID), v.Connection, v.Kind, v.Object, v.Record, orDash(v.Place), v.LastAt.UTC().Format(time.DateTime), count(v.Times), reason)
	}
	switch {
	case g.JSON:
		return g.printJSON(views)
	case len(list) == 0:
		fmt.Fprintln(g.stdout, "No failures.")
	default:
		fmt.Fprint(g.stdout, t.text(""))
	}
	return nil
}

// failures reads a page of failures with ids below before (0: from the newest).
func (a *app) failures(ctx context.Context, connection int64, all bool, before int64, most int) (list []postgres.Failure, err error) {
	err = a.inside(ctx, func(ws int64, tx pgx.Tx) error {
		list, err = postgres.Failures(ctx, tx, ws, connection, all, before, most)
		return err
	})
	return list, err
}

type failuresShowCmd struct {
	ID int64 `arg:"" help:"Number of the failure."`
}

// Run shows one failure.
func (c *failuresShowCmd) Run(ctx context.Context, g *globals) error {
	a, err := open(ctx, g, g.quiet(), need{})
	if err != nil {
		return err
	}
	defer a.shut()
	f, err := a.failure(ctx, c.ID)
	if err != nil {
		return err
	}
	names, _, err := a.names(ctx, "")
	if err != nil {
		return err
	}
	v := failureViewOf(f, names)
	if g.JSON {
		return g.printJSON(v)
	}
	t := newTable()
	t.add("failure", fmt.Sprint(v.ID))
	t.add("connection", v.Connection)
	t.add("what", v.Kind+" "+v.Object+" "+v.Record)
	t.add("field", orDash(v.Place))
	t.add("reason", v.Reason)
	t.add("what to do", orDash(v.Hint))
	t.add("first", v.FirstAt.UTC().Format(time.DateTime))
	t.add("last", fmt.Sprintf("%s, %s in all", v.LastAt.UTC().Format(time.DateTime), counted(v.Times, "time")))
	if v.ResolvedAt != nil {
		t.add("resolved", v.ResolvedAt.UTC().Format(time.DateTime))
	}
	fmt.Fprint(g.stdout, t.text(""))
	return nil
}

func (a *app) failure(ctx context.Context, id int64) (f postgres.Failure, err error) {
	err = a.inside(ctx, func(ws int64, tx pgx.Tx) error {
		f, err = postgres.FailureByID(ctx, tx, ws, id)
		return err
	})
	return f, err
}

type failuresRetryCmd struct {
	ID         int64  `arg:"" optional:"" help:"Number of the failure."`
	All        bool   `help:"All that are open."`
	Connection string `placeholder:"NAME" help:"With --all: only of this connection."`
}

// Validate wants to know what to retry.
func (c *failuresRetryCmd) Validate() error {
	if (c.ID == 0) == !c.All {
		return errors.New("give the number of a failure, or --all")
	}
	return nil
}

// retryView is what became of one failure.
type retryView struct {
	ID int64 `json:"id"`
	jobs.Retried
}

// Run tries failures again.
func (c *failuresRetryCmd) Run(ctx context.Context, g *globals) error {
	a, err := open(ctx, g, g.quiet(), need{})
	if err != nil {
		return err
	}
	defer a.shut()
	ws, err := a.workspace(ctx)
	if err != nil {
		return err
	}
	list, err := c.chosen(ctx, a)
	if err != nil {
		return err
	}
	done := []retryView{}
	left := 0
	screen := newScreen(g.stderr)
	for i, f := range list {
		r, err := a.pipeline.Retry(ctx, ws, f)
		if err != nil {
			screen.clear()
			return fmt.Errorf("failure %d: %w", f.ID, err)
		}
		if !r.Resolved {
			left++
		}
		done = append(done, retryView{f.ID, r})
		line := fmt.Sprintf("%d of %d tried again", i+1, len(list))
		screen.draw(time.Now(), []string{line}, line)
	}
	screen.clear()
	if err := c.print(g, done); err != nil || left == 0 {
		return err
	}
	return incomplete{fmt.Sprintf("%s failed again", counted(int64(left), "failure"))}
}

// chosen reads the failures to retry, page by page.
func (c *failuresRetryCmd) chosen(ctx context.Context, a *app) ([]postgres.Failure, error) {
	if !c.All {
		f, err := a.failure(ctx, c.ID)
		return []postgres.Failure{f}, err
	}
	_, id, err := a.names(ctx, c.Connection)
	if err != nil {
		return nil, err
	}
	var all []postgres.Failure
	for before := int64(0); ; {
		page, err := a.failures(ctx, id, false, before, 500)
		if err != nil || len(page) == 0 {
			return all, err
		}
		all, before = append(all, page...), page[len(page)-1].ID
	}
}

func (c *failuresRetryCmd) print(g *globals, done []retryView) error {
	if g.JSON {
		return g.printJSON(done)
	}
	for _, r := range done {
		switch {
		case r.Queued:
			fmt.Fprintf(g.stdout, "%d: a worker will try it; `salesbook failures list` shows it again if it fails again\n", r.ID)
		case r.Resolved:
			fmt.Fprintf(g.stdout, "%d: resolved\n", r.ID)
		default:
			fmt.Fprintf(g.stdout, "%d: failed again: %s\n", r.ID, harmless(r.Why))
		}
	}
	if len(done) == 0 {
		fmt.Fprintln(g.stdout, "There is nothing to retry.")
	}
	return nil
}
