package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"salesbook.dev/internal/book"
	"salesbook.dev/jobs"
)

type bookPlanCmd struct {
	File  string     `arg:"" help:"The book's file."`
	Since *book.Span `placeholder:"12mo" help:"Only violations that opened within this last time."`
}

// Run judges everything that is stored by a draft. It changes nothing.
func (c *bookPlanCmd) Run(ctx context.Context, g *globals) error {
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
	var since time.Time
	if c.Since != nil {
		since = c.Since.Back(start)
	}
	over := g.telling("judging what is stored")
	r, err := a.pipeline.Rehearse(ctx, ws, b, since)
	over()
	if problems, ok := errors.AsType[book.Problems](err); ok {
		return fmt.Errorf("the book does not fit what is connected:\n%w", problems)
	}
	if err != nil {
		return err
	}
	if g.JSON {
		return g.printJSON(r)
	}
	printRehearsal(g, b, &r, a.pipeline.Now().Sub(start))
	return nil
}

func printRehearsal(g *globals, b *book.Book, r *jobs.Rehearsal, took time.Duration) {
	fmt.Fprintf(g.stdout, "%s, held against %s and %s as they are stored (%s). Nothing was changed.\n\n",
		harmless(b.Name), counted(int64(r.Deals), "deal"), counted(int64(r.Leads), "lead"), span(took))
	if printFields(g, r.Fields); len(r.Fields) > 0 {
		fmt.Fprintln(g.stdout)
	}
	t := newTable("RULE", ">BROKEN", ">MENDED", ">CANNOT", ">WORTH", "WHERE MOST", "DEAREST")
	assumed, broken := 0, 0
	for i := range r.Rules {
		c := &r.Rules[i]
		assumed, broken = assumed+c.Assumed, broken+c.Broken
		dearest := ""
		if len(c.Examples) > 0 {
			e := &c.Examples[0]
			dearest = fmt.Sprintf("%s %s %s", e.Kind, e.ID, shorten(e.Title, 30))
		}
		t.add(string(c.Rule), count(int64(c.Broken)), count(int64(c.Mended)), count(int64(c.Cannot)), worth(c.Worth), most(c.ByPlace), dearest)
	}
	if len(r.Rules) == 0 {
		fmt.Fprintln(g.stdout, "No rule is broken.")
		return
	}
	fmt.Fprint(g.stdout, t.text(""))
	if assumed > 0 {
		fmt.Fprintf(g.stdout, "\n%s of what is broken is judged on later values, since those of that time are not known.\n", percent(float64(assumed)/float64(broken)))
	}
	printReasons(g, r)
	if len(r.Outside) > 0 {
		fmt.Fprint(g.stdout, "\nOpen deals in stages that the book does not have:\n")
		t := newTable()
		for _, o := range r.Outside[:min(len(r.Outside), 10)] {
			t.add(o.Connection, o.Pipeline, o.Stage, counted(int64(o.Deals), "deal"))
		}
		fmt.Fprint(g.stdout, t.text("  "))
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

func printReasons(g *globals, r *jobs.Rehearsal) {
	if len(r.Reasons) == 0 {
		return
	}
	fmt.Fprint(g.stdout, "\nLost for what is no reason of the book:\n")
	t := newTable()
	for _, n := range r.Reasons[:min(len(r.Reasons), 10)] {
		text := shorten(n.Text, 60)
		if text == "" {
			text = "(none given)"
		}
		var perhaps []string
		for i := range n.Suggestions {
			perhaps = append(perhaps, suggestionWords(&n.Suggestions[i]))
		}
		t.add(count(int64(n.Count)), text, strings.Join(perhaps, " or "))
	}
	fmt.Fprint(g.stdout, t.text("  "))
	if more := len(r.Reasons) - 10; more > 0 {
		fmt.Fprintf(g.stdout, "  and %s more (--json lists all)\n", counted(int64(more), "text"))
	}
}

// worth writes sums by currency, the largest first.
func worth(sums map[string]decimal.Decimal) string {
	keys := slices.SortedFunc(maps.Keys(sums), func(a, b string) int { return sums[b].Cmp(sums[a]) })
	var parts []string
	for _, k := range keys[:min(len(keys), 2)] {
		if sums[k].IsPositive() {
			parts = append(parts, count(sums[k].IntPart())+" "+k)
		}
	}
	return strings.Join(parts, ", ")
}

// most is the place with the most violations.
func most(places map[string]int) string {
	best, n := "", 0
	for _, k := range slices.Sorted(maps.Keys(places)) {
		if k != "" && places[k] > n {
			best, n = k, places[k]
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("%s %s", best, count(int64(n)))
}
