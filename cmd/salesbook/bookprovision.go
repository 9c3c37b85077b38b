package main

import (
	"context"
	"fmt"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/provision"
	"salesbook.dev/jobs"
)

type bookProvisionCmd struct {
	Connection string `arg:"" help:"Connection whose CRM is set up."`
	Book       string `placeholder:"FILE" help:"Draft to set it up by; the book in force unless given."`
	Apply      bool   `help:"Do what is planned; without it nothing is written to the CRM."`
	Yes        bool   `help:"With --apply: do not ask."`
}

// Run plans what a CRM lacks to be as a book has it, and does it if asked to.
func (c *bookProvisionCmd) Run(ctx context.Context, g *globals) error {
	var draft *book.Book
	if c.Book != "" {
		var err error
		if draft, err = readBook(c.Book); err != nil {
			return err
		}
	}
	a, err := open(ctx, g, g.quiet(), need{})
	if err != nil {
		return err
	}
	defer a.shut()
	ws, err := a.workspace(ctx)
	if err != nil {
		return err
	}
	over := g.telling("reading what the CRM has")
	out, err := a.pipeline.PlanSetup(ctx, ws, c.Connection, draft)
	over()
	if err != nil {
		return err
	}
	if !c.Apply || len(out.Plan.Steps) == 0 {
		return c.planned(g, &out)
	}
	if !g.JSON {
		printSetup(g, &out)
	}
	if err := g.confirm(ctx, c.Yes, fmt.Sprintf("Do these %s in the CRM of %s?", counted(int64(len(out.Plan.Steps)), "step"), out.Connection)); err != nil {
		return err
	}
	out, err = a.pipeline.SetUp(ctx, ws, c.Connection, draft, jobs.SetUpOptions{By: actor(), Agreed: out.Plan.Steps, Tell: func(s provision.Step, why error) {
		switch {
		case g.JSON:
		case why != nil:
			fmt.Fprintln(g.stdout, harmless("refused: "+s.Text))
		default:
			fmt.Fprintln(g.stdout, harmless("done: "+s.Text))
		}
	}})
	return c.applied(g, &out, err)
}

// planned tells what was planned.
func (c *bookProvisionCmd) planned(g *globals, p *jobs.Provisioning) error {
	if g.JSON {
		return g.printJSON(viewSetup(p))
	}
	printSetup(g, p)
	if len(p.Plan.Steps) > 0 {
		fmt.Fprintln(g.stdout, "\nNothing was changed; --apply does it.")
	}
	return nil
}

func printSetup(g *globals, p *jobs.Provisioning) {
	by := "draft"
	if p.Version > 0 {
		by = fmt.Sprintf("version %d, in force", p.Version)
	}
	fmt.Fprintf(g.stdout, "The CRM of %s, to be as %s (%s) has it.\n\n%s", p.Connection, harmless(p.Name), by, harmless(p.Plan.String()))
}

// applied tells what was done, and what was not.
func (c *bookProvisionCmd) applied(g *globals, p *jobs.Provisioning, err error) error {
	if g.JSON {
		if e := g.printJSON(viewSetup(p)); e != nil {
			return e
		}
	}
	if err != nil {
		return err
	}
	for _, r := range p.Refused {
		if !g.JSON {
			fmt.Fprintln(g.stdout, harmless(fmt.Sprintf("\nNot done: %s\n  why: %s", r.Text, r.Why)))
			if r.Else != "" {
				fmt.Fprintln(g.stdout, "  "+r.Else)
			}
		}
	}
	if !g.JSON {
		fmt.Fprintf(g.stdout, "\n%s done. `salesbook edits list` shows them.\n", counted(int64(len(p.Done)), "step"))
	}
	if len(p.Refused) > 0 {
		return incomplete{fmt.Sprintf("%s could not be done", counted(int64(len(p.Refused)), "step"))}
	}
	return nil
}

// setupView is a plan and what was made of it, as JSON.
type setupView struct {
	Connection string        `json:"connection"`
	Book       string        `json:"book"`
	Version    int           `json:"version"` // 0: a draft
	Steps      []string      `json:"steps"`   // still to be done
	Later      []string      `json:"later"`
	ByHand     []string      `json:"by_hand"`
	Alone      []string      `json:"leaves_alone"`
	Nothing    []string      `json:"has_nothing_for"`
	Done       []string      `json:"done"`
	Refused    []refusedView `json:"refused"`
}

// refusedView is a step that was not done, as JSON.
type refusedView struct {
	Step string `json:"step"`
	Why  string `json:"why"`
	Else string `json:"by_hand,omitempty"`
}

func viewSetup(p *jobs.Provisioning) setupView {
	v := setupView{Connection: p.Connection, Book: p.Name, Version: p.Version, Steps: stepTexts(p.Plan.Steps), Later: append([]string{}, p.Plan.Later...),
		ByHand: append([]string{}, p.Plan.ByHand...), Alone: append([]string{}, p.Plan.Alone...), Nothing: append([]string{}, p.Plan.Nothing...), Done: stepTexts(p.Done), Refused: []refusedView{}}
	for _, r := range p.Refused {
		v.Refused = append(v.Refused, refusedView{r.Text, r.Why, r.Else})
	}
	return v
}

func stepTexts(list []provision.Step) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = s.Text
	}
	return out
}
