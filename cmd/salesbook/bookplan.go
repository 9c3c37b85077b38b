package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"salesbook.dev/internal/book"
	"salesbook.dev/jobs"
)

type bookPlanCmd struct {
	File    string     `arg:"" help:"The book's file."`
	Since   *book.Span `placeholder:"12mo" help:"Only violations that opened, moves and losses that happened within this last time."`
	By      string     `enum:",funnel,stage,rep" default:"" placeholder:"rep" help:"Every rule, and what would have been refused, by funnel, stage or rep."`
	Samples int        `placeholder:"N" help:"Show so many deals and leads of each rule, the dearest first, with what was found and what is wanted."`
}

// mostSamples bounds what is kept of each rule.
const mostSamples = 1000

// Run judges everything that is stored by a draft. It changes nothing.
func (c *bookPlanCmd) Run(ctx context.Context, g *globals) error {
	if c.Samples < 0 || c.Samples > mostSamples {
		return fmt.Errorf("--samples %d: 1 to %d deals and leads of each rule can be shown", c.Samples, mostSamples)
	}
	b, err := readBook(c.File)
	if err != nil {
		return err
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
	start := a.pipeline.Now()
	o := jobs.RehearseOptions{Samples: c.Samples}
	if c.Since != nil {
		o.Since = c.Since.Back(start)
	}
	over := g.telling("judging what is stored")
	r, err := a.pipeline.Rehearse(ctx, ws, b, o)
	over()
	if _, ok := errors.AsType[book.Problems](err); ok {
		return fmt.Errorf("the book does not fit what is connected:\n%w", err)
	}
	if err != nil {
		return err
	}
	if g.JSON {
		return g.printJSON(r)
	}
	c.print(g, b, &r, a.pipeline.Now().Sub(start))
	return nil
}

func (c *bookPlanCmd) print(g *globals, b *book.Book, r *jobs.Rehearsal, took time.Duration) {
	fmt.Fprintf(g.stdout, "%s, held against %s and %s as they are stored (%s). Nothing was changed.\n",
		harmless(b.Name), counted(int64(r.Deals), "deal"), counted(int64(r.Leads), "lead"), span(took))
	printLeftOut(g, r.LeftOut, "Left out")
	fmt.Fprintln(g.stdout)
	if printFields(g, r.Fields); len(r.Fields) > 0 {
		fmt.Fprintln(g.stdout)
	}
	printRules(g, r)
	if c.By != "" {
		printBy(g, r, c.By)
	}
	if c.Samples > 0 {
		printSamples(g, r)
	}
	printSteps(g, r, c.By)
	printDoing(g, r.Does, c.Since != nil)
	printAgainst(g, r)
	printReasons(g, "Lost for what is no reason of the book", r.Reasons, r.OtherReasons)
	if len(r.Outside) > 0 {
		fmt.Fprint(g.stdout, "\nOpen deals in stages that the book does not have:\n")
		t := newTable()
		for _, o := range r.Outside[:min(len(r.Outside), 10)] {
			t.add(o.Connection, o.Pipeline, o.Stage, counted(int64(o.Deals), "deal"))
		}
		fmt.Fprint(g.stdout, t.text("  "))
	}
}

// printLeftOut names the connections that are not judged.
func printLeftOut(g *globals, left []jobs.LeftOut, how string) {
	for _, l := range left {
		fmt.Fprintln(g.stdout, harmless(fmt.Sprintf("%s: %s: %s", how, l.Connection, l.Why)))
	}
}

// printFields tells of fields that no CRM has. They come first, since what they
// bring about is not worth reading.
func printFields(g *globals, problems []string) {
	for _, p := range problems {
		fmt.Fprintln(g.stdout, harmless(p))
	}
	if len(problems) > 0 {
		fmt.Fprint(g.stdout, "Rules that ask for these fields are broken for every deal and lead.\n")
	}
}
