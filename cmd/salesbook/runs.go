package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/postgres"
)

type runsCmd struct {
	Name  string `arg:"" optional:"" help:"Connection; all if left out."`
	Limit int    `short:"n" default:"30" help:"How many, from the newest."`
}

// runView is a run as it is printed. Its JSON stays.
type runView struct {
	ID         int64      `json:"id"`
	Connection string     `json:"connection"`
	Kind       string     `json:"kind"`
	Object     string     `json:"object,omitempty"`
	StartedAt  time.Time  `json:"started_at"`
	FinishedAt *time.Time `json:"finished_at,omitempty"`
	Outcome    string     `json:"outcome"`
	Pages      int64      `json:"pages"`
	Seen       int64      `json:"seen"`
	Written    int64      `json:"written"`
	Changed    int64      `json:"changed"`
	Deleted    int64      `json:"deleted"`
	PutAside   int64      `json:"put_aside"`
	Error      string     `json:"error,omitempty"`
}

// Run lists the newest runs.
func (c *runsCmd) Run(ctx context.Context, g *globals) error {
	a, err := open(ctx, g, g.quiet(), need{})
	if err != nil {
		return err
	}
	defer a.shut()
	names, id, err := a.names(ctx, c.Name)
	if err != nil {
		return err
	}
	var list []postgres.Run
	err = a.inside(ctx, func(ws int64, tx pgx.Tx) (err error) {
		list, err = postgres.Runs(ctx, tx, ws, id, 0, c.Limit)
		return err
	})
	if err != nil {
		return err
	}
	views := make([]runView, len(list))
	for i, r := range list {
		views[i] = runView{ID: r.ID, Connection: names[r.ConnectionID], Kind: r.Kind, Object: r.Object, StartedAt: r.StartedAt, FinishedAt: r.FinishedAt, Outcome: r.Outcome,
			Pages: r.Pages, Seen: r.Seen, Written: r.Written, Changed: r.Changed, Deleted: r.Deleted, PutAside: r.Quarantined, Error: r.Error}
	}
	if g.JSON {
		return g.printJSON(views)
	}
	printRuns(g, views)
	return nil
}

func printRuns(g *globals, views []runView) {
	if len(views) == 0 {
		fmt.Fprintln(g.stdout, "Nothing has run yet.")
		return
	}
	t := newTable(">RUN", "CONNECTION", "KIND", "OBJECT", "STARTED", ">TOOK", "OUTCOME", ">SEEN", ">WRITTEN", ">CHANGED", ">DELETED", ">PUT ASIDE", "ERROR")
	for _, v := range views {
		took := "-"
		if v.FinishedAt != nil {
			took = span(v.FinishedAt.Sub(v.StartedAt))
		}
		t.add(fmt.Sprint(v.ID), v.Connection, v.Kind, orDash(v.Object), v.StartedAt.UTC().Format(time.DateTime), took, v.Outcome,
			count(v.Seen), count(v.Written), count(v.Changed), count(v.Deleted), count(v.PutAside), shorten(v.Error, 80))
	}
	fmt.Fprint(g.stdout, t.text(""))
}

// names returns the connections' names by id, and the id of the named one (0
// for no name).
func (a *app) names(ctx context.Context, name string) (names map[int64]string, id int64, err error) {
	if name != "" {
		c, err := a.connection(ctx, name)
		return map[int64]string{c.ID: name}, c.ID, err
	}
	names = map[int64]string{0: "-"}
	err = a.inside(ctx, func(ws int64, tx pgx.Tx) error {
		list, err := postgres.Connections(ctx, tx, ws)
		for _, c := range list {
			names[c.ID] = c.Name
		}
		return err
	})
	return names, 0, err
}
