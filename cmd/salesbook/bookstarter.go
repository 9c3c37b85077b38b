package main

import (
	"context"
	"fmt"
)

type bookStarterCmd struct {
	Connections []string `arg:"" optional:"" name:"connection" help:"Connections to make it from; all unless named."`
}

// Run prints the starter book of what is stored.
func (c *bookStarterCmd) Run(ctx context.Context, g *globals) error {
	a, err := open(ctx, g, g.quiet(), need{})
	if err != nil {
		return err
	}
	defer a.shut()
	ws, err := a.workspace(ctx)
	if err != nil {
		return err
	}
	over := g.telling("counting what is stored")
	draft, err := a.pipeline.Starter(ctx, ws, c.Connections...)
	over()
	if err != nil {
		return err
	}
	if g.JSON {
		return g.printJSON(draft)
	}
	_, err = fmt.Fprint(g.stdout, draft.Text)
	return err
}
