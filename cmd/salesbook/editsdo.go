package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/postgres"
	"salesbook.dev/jobs"
)

type editsApproveCmd struct {
	IDs        []int64 `arg:"" optional:"" name:"id" help:"Numbers of the edits."`
	All        bool    `help:"All that wait for somebody to agree."`
	Connection string  `placeholder:"NAME" help:"With --all: only of this connection."`
}

// Validate wants to know what is agreed to.
func (c *editsApproveCmd) Validate() error {
	if (len(c.IDs) == 0) == !c.All {
		return errors.New("give the numbers of edits, or --all")
	}
	return nil
}

// Run agrees to edits.
func (c *editsApproveCmd) Run(ctx context.Context, g *globals) error {
	return withPipeline(ctx, g, func(a *app, ws int64) error {
		ids := eachOnce(c.IDs)
		if c.All {
			var err error
			if ids, err = a.asked(ctx, ws, c.Connection); err != nil {
				return err
			}
		}
		n, err := a.pipeline.ApproveEdits(ctx, ws, ids, actor())
		if err != nil {
			return err
		}
		if n == 0 {
			return told(g, map[string]any{"approved": ids}, "No edit waits for anybody to agree.\n")
		}
		return told(g, map[string]any{"approved": ids}, "%s approved by %s; while writing is live they have their turn, and `salesbook edits list` shows what became of them.\n", counted(int64(n), "edit"), harmless(actor()))
	})
}

// asked are the numbers of edits that wait for somebody to agree.
func (a *app) asked(ctx context.Context, ws int64, connection string) ([]int64, error) {
	_, id, err := a.names(ctx, connection)
	if err != nil {
		return nil, err
	}
	var list []postgres.Edit
	err = a.db.In(ctx, ws, func(tx pgx.Tx) (err error) {
		list, err = postgres.Edits(ctx, tx, ws, postgres.EditFilter{Connection: id, States: []string{"asked"}, Most: 100_000})
		return err
	})
	ids := make([]int64, len(list))
	for i := range list {
		ids[i] = list[i].ID
	}
	return ids, err
}

type editsCancelCmd struct {
	IDs []int64 `arg:"" name:"id" help:"Numbers of the edits."`
}

// Run cancels edits.
func (c *editsCancelCmd) Run(ctx context.Context, g *globals) error {
	return withPipeline(ctx, g, func(a *app, ws int64) error {
		ids := eachOnce(c.IDs)
		n, err := a.pipeline.CancelEdits(ctx, ws, ids, actor())
		if err != nil {
			return err
		}
		return told(g, map[string]any{"cancelled": ids}, "%s cancelled.\n", counted(int64(n), "edit"))
	})
}

// eachOnce are numbers without those that were given before.
func eachOnce(ids []int64) []int64 {
	out := slices.Clone(ids)
	slices.Sort(out)
	return slices.Compact(out)
}

type editsUndoCmd struct {
	ID int64 `arg:"" help:"Number of the edit."`
}

// Run sets back what an edit has written.
func (c *editsUndoCmd) Run(ctx context.Context, g *globals) error {
	return withPipeline(ctx, g, func(a *app, ws int64) error {
		if _, err := a.pipeline.UndoEdit(ctx, ws, c.ID, actor()); err != nil {
			return err
		}
		return told(g, map[string]any{"undone": c.ID}, "Edit %d is taken back in its turn; `salesbook edits list --what undo` shows it.\n", c.ID)
	})
}

type editsLiveCmd struct {
	Connection string `arg:"" help:"Name of the connection."`
	Hourly     *int   `placeholder:"N" help:"How many edits may be made in an hour before writing stops and asks; as before unless set."`
	Share      *int   `placeholder:"PERCENT" help:"How many of the open deals may be changed in a day by more than their card before writing stops and asks; as before unless set."`
}

// Validate wants ceilings that are some.
func (c *editsLiveCmd) Validate() error {
	switch {
	case c.Hourly != nil && *c.Hourly < 1:
		return errors.New("--hourly: give a number from 1")
	case c.Share != nil && (*c.Share < 1 || *c.Share > 100):
		return errors.New("--share: give a number of percent from 1 to 100")
	}
	return nil
}

// Run lets edits of a connection be made.
func (c *editsLiveCmd) Run(ctx context.Context, g *globals) error {
	return switchWriting(ctx, g, c.Connection, jobs.Switch{Mode: "live", Hourly: orNone(c.Hourly), Share: orNone(c.Share)})
}

// orNone is what a flag says; 0 if it was not given.
func orNone(n *int) int {
	if n == nil {
		return 0
	}
	return *n
}

type editsDryCmd struct {
	Connection string `arg:"" help:"Name of the connection."`
}

// Run has the edits of a connection only be shown.
func (c *editsDryCmd) Run(ctx context.Context, g *globals) error {
	return switchWriting(ctx, g, c.Connection, jobs.Switch{Mode: "dry"})
}

type editsStopCmd struct {
	Connection string `arg:"" optional:"" help:"Name of the connection; all if left out."`
}

// Run stops all writing.
func (c *editsStopCmd) Run(ctx context.Context, g *globals) error {
	return switchWriting(ctx, g, c.Connection, jobs.Switch{Mode: "stopped"})
}

// switchWriting switches one connection, or all.
func switchWriting(ctx context.Context, g *globals, name string, to jobs.Switch) error {
	to.By = actor()
	return withPipeline(ctx, g, func(a *app, ws int64) error {
		var list []postgres.Connection
		err := a.db.In(ctx, ws, func(tx pgx.Tx) (err error) {
			if name == "" {
				list, err = postgres.Connections(ctx, tx, ws)
				return err
			}
			list = make([]postgres.Connection, 1)
			list[0], err = postgres.ConnectionByName(ctx, tx, ws, name)
			return err
		})
		if err != nil {
			return err
		}
		all := []jobs.Switched{}
		for _, c := range list {
			one, err := a.pipeline.SwitchWriting(ctx, ws, c, to)
			if err != nil {
				return err
			}
			all = append(all, one)
		}
		if g.JSON {
			return g.printJSON(all)
		}
		if len(all) == 0 {
			fmt.Fprintln(g.stdout, "There are no connections, so nothing is written.")
		}
		for i := range all {
			fmt.Fprintln(g.stdout, switchedWords(&all[i]))
			if to.Mode == "live" && list[i].State != "active" {
				fmt.Fprintf(g.stdout, "%s: but the connection is not active (%s), and nothing is made until it is.\n", list[i].Name, list[i].State)
			}
		}
		return nil
	})
}

// switchedWords says what came of a switch.
func switchedWords(s *jobs.Switched) string {
	switch s.Now {
	case "live":
		text := fmt.Sprintf("%s: edits are made, at most %s in an hour, and until %d %% of the open deals were changed in a day.", s.Connection, count(int64(s.Hourly)), s.Share)
		if s.Was == "dry" {
			text += fmt.Sprintf(" What was shown in the dry run (%s) is worked out anew.", counted(s.Ended, "edit"))
		}
		return text
	case "dry":
		text := fmt.Sprintf("%s: edits are only shown; `salesbook edits list` does.", s.Connection)
		if s.Shown > 0 {
			text += fmt.Sprintf(" Of what waited (%s) nothing is written.", counted(s.Shown, "edit"))
		}
		return text
	}
	return fmt.Sprintf("%s: nothing is written any more; `salesbook edits live %s` lets it go on.", s.Connection, s.Connection)
}

// withPipeline opens the installation for a command that changes something.
func withPipeline(ctx context.Context, g *globals, do func(a *app, ws int64) error) error {
	a, err := open(ctx, g, g.quiet(), need{})
	if err != nil {
		return err
	}
	defer a.shut()
	ws, err := a.workspace(ctx)
	if err != nil {
		return err
	}
	return do(a, ws)
}

// told prints what was done, as JSON or in words.
func told(g *globals, asJSON any, words string, args ...any) error {
	if g.JSON {
		return g.printJSON(asJSON)
	}
	fmt.Fprintf(g.stdout, words, args...)
	return nil
}
