package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/shopspring/decimal"

	"salesbook.dev/jobs"
)

type overviewCmd struct {
	Figure jobs.Figure `arg:"" optional:"" default:"" enum:",hanging,reasonless,untouched,loses-most" help:"List what is behind this figure: hanging, reasonless, untouched or loses-most."`
	Most   int         `short:"n" default:"20" help:"How many at most, the dearest first."`
}

// Run shows what a head of sales sees first, or what is behind one of its
// figures.
func (c *overviewCmd) Run(ctx context.Context, g *globals) error {
	a, err := open(ctx, g, g.quiet(), need{})
	if err != nil {
		return err
	}
	defer a.shut()
	ws, err := a.workspace(ctx)
	if err != nil {
		return err
	}
	if c.Figure != "" {
		return c.behind(ctx, a, ws)
	}
	o, err := a.pipeline.Overview(ctx, ws)
	if err != nil {
		return err
	}
	if g.JSON {
		return g.printJSON(viewOverview(&o))
	}
	fmt.Fprintln(g.stdout, strings.Join(overviewLines(&o), "\n"))
	return nil
}

// namedView is a deal or lead as JSON.
type namedView struct {
	Connection string           `json:"connection"`
	Kind       string           `json:"kind"`
	ID         string           `json:"id"`
	Title      string           `json:"title"`
	Amount     *decimal.Decimal `json:"amount,omitempty"`
	Currency   string           `json:"currency,omitempty"`
	Stage      string           `json:"stage,omitempty"`
	Rep        string           `json:"rep,omitempty"`
	Reason     string           `json:"reason,omitempty"`
}

func (c *overviewCmd) behind(ctx context.Context, a *app, ws int64) error {
	list, err := a.pipeline.Behind(ctx, ws, c.Figure, c.Most)
	if err != nil {
		return err
	}
	views := make([]namedView, len(list))
	t := newTable("WHAT", ">WORTH", "", "STAGE", "REP", "REASON")
	for i, n := range list {
		views[i] = namedView{n.Connection, strings.TrimSuffix(n.Kind, "s"), n.ID, n.Title, n.Amount, n.Currency, n.Stage, n.Rep, n.Reason}
		amount := ""
		if n.Amount != nil {
			amount = count(n.Amount.IntPart())
		}
		t.add(fmt.Sprintf("%s %s %s", views[i].Kind, n.ID, shorten(n.Title, 40)), amount, n.Currency, n.Stage, n.Rep, shorten(n.Reason, 40))
	}
	if a.JSON {
		return a.printJSON(views)
	}
	if len(list) == 0 {
		fmt.Fprintln(a.stdout, "There is none.")
		return nil
	}
	fmt.Fprint(a.stdout, t.text(""))
	if len(list) == c.Most {
		fmt.Fprintf(a.stdout, "These are the dearest %d; -n shows more.\n", c.Most)
	}
	return nil
}
