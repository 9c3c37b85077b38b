package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/language"
	"salesbook.dev/internal/wording"
	"salesbook.dev/jobs"
)

type explainCmd struct {
	Kind       string    `arg:"" enum:"deal,lead" help:"deal or lead."`
	ID         string    `arg:"" help:"Its id in the CRM."`
	Connection string    `placeholder:"NAME" help:"Connection it came through, if several have one of that id."`
	Rule       string    `placeholder:"RULE" help:"Only this rule."`
	At         time.Time `placeholder:"TIME" help:"As of then, as in 2026-11-20T12:00:00Z; now unless set."`
}

// verdictView is a verdict as JSON.
type verdictView struct {
	Rule     string          `json:"rule"`
	Words    string          `json:"words"`
	Mends    string          `json:"mends,omitempty"`
	Mode     string          `json:"mode"`
	Detail   string          `json:"detail,omitempty"`
	OpenedAt time.Time       `json:"opened_at"`
	MendedAt *time.Time      `json:"mended_at,omitempty"`
	Cannot   string          `json:"cannot_judge,omitempty"`
	Assumed  bool            `json:"on_present_values,omitempty"`
	Evidence []book.Evidence `json:"evidence"`
}

// explanationView is what the book says of a deal or lead, as JSON.
type explanationView struct {
	Connection string        `json:"connection"`
	ID         string        `json:"id"`
	Title      string        `json:"title"`
	Place      string        `json:"place"`
	Rep        string        `json:"rep"`
	Book       int           `json:"book"`
	At         time.Time     `json:"at"`
	NextDue    *time.Time    `json:"next_due,omitempty"`
	Verdicts   []verdictView `json:"verdicts"`
}

// Run judges one deal or lead and says why.
func (c *explainCmd) Run(ctx context.Context, g *globals) error {
	a, err := open(ctx, g, g.quiet(), need{})
	if err != nil {
		return err
	}
	defer a.shut()
	ws, err := a.workspace(ctx)
	if err != nil {
		return err
	}
	at := c.At
	if at.IsZero() {
		at = a.pipeline.Now()
	}
	e, err := a.pipeline.Explain(ctx, ws, c.Kind == "lead", c.ID, c.Connection, at)
	if err != nil {
		return err
	}
	v := c.view(&e, at)
	if g.JSON {
		return g.printJSON(v)
	}
	c.print(g, &v)
	return nil
}

func (c *explainCmd) view(e *jobs.Explanation, at time.Time) explanationView {
	v := explanationView{Connection: e.Connection, ID: e.Facts.ID, Title: e.Facts.Title, Place: e.Place, Rep: e.Facts.Owner, Book: e.Version, At: at.UTC(), Verdicts: []verdictView{}}
	if !e.Judgement.NextDue.IsZero() {
		due := e.Judgement.NextDue.UTC()
		v.NextDue = &due
	}
	words := wording.In(language.English, e.Book)
	for i := range e.Judgement.Verdicts {
		d := &e.Judgement.Verdicts[i]
		if c.Rule != "" && c.Rule != string(d.Rule) {
			continue
		}
		one := verdictView{Rule: string(d.Rule), Words: words.Rule(string(d.Rule)), Mends: words.Mends(string(d.Rule)), Mode: string(d.Mode), Detail: d.Detail, OpenedAt: d.Opened.UTC(), Cannot: d.Cannot, Assumed: d.Assumed, Evidence: append([]book.Evidence{}, d.Evidence...)}
		if !d.Mended.IsZero() {
			mended := d.Mended.UTC()
			one.MendedAt = &mended
		}
		v.Verdicts = append(v.Verdicts, one)
	}
	return v
}

func (c *explainCmd) print(g *globals, v *explanationView) {
	fmt.Fprintf(g.stdout, "%s %s  %s\n", c.Kind, v.ID, harmless(v.Title))
	fmt.Fprintf(g.stdout, "through %s, stands in %s, owned by %s; by version %d of the book, as of %s\n",
		v.Connection, orNothing(v.Place, "no stage of the book"), orNothing(v.Rep, "nobody"), v.Book, v.At.Format("2006-01-02 15:04 UTC"))
	if len(v.Verdicts) == 0 {
		fmt.Fprintln(g.stdout, "\nNo rule is broken.")
	}
	for i := range v.Verdicts {
		printVerdict(g, &v.Verdicts[i])
	}
	fmt.Fprintf(g.stdout, "\nAs the CRM has it: salesbook show %s %s --raw\n", c.Kind, v.ID)
	if v.NextDue != nil {
		fmt.Fprintf(g.stdout, "Unless something happens, this holds until %s.\n", v.NextDue.Format("2006-01-02 15:04 UTC"))
	}
}

func orNothing(s, nothing string) string {
	if s == "" {
		return nothing
	}
	return s
}

func printVerdict(g *globals, v *verdictView) {
	state := "broken since " + v.OpenedAt.Format("2006-01-02 15:04 UTC")
	switch {
	case v.Cannot != "":
		state = "cannot be judged: " + v.Cannot
	case v.MendedAt != nil:
		state = "broken on " + v.OpenedAt.Format("2006-01-02 15:04 UTC") + ", mended on " + v.MendedAt.Format("2006-01-02 15:04 UTC")
	}
	name := v.Rule
	if v.Detail != "" {
		name += " (" + v.Detail + ")"
	}
	fmt.Fprintf(g.stdout, "\n%s: %s\n", name, state)
	if v.Words != "" {
		fmt.Fprintf(g.stdout, "  %s\n", harmless(v.Words))
	}
	if v.Assumed {
		fmt.Fprintln(g.stdout, "  judged on later values, since those of that time are not known")
	}
	for _, e := range v.Evidence {
		fmt.Fprintln(g.stdout, "  "+evidenceLine(e))
	}
	if v.Mends != "" && v.MendedAt == nil && v.Cannot == "" {
		fmt.Fprintf(g.stdout, "  What mends it: %s\n", v.Mends)
	}
}

// evidenceLine is what was found and what is wanted, by which records.
func evidenceLine(e book.Evidence) string {
	line := e.What + ": " + orNothing(e.Found, "nothing")
	if e.Want != "" {
		line += "; wanted: " + e.Want
	}
	var refs []string
	for _, r := range e.Refs {
		refs = append(refs, r.Kind+" "+r.ID)
	}
	if len(refs) > 0 {
		line += " (" + strings.Join(refs, ", ") + ")"
	}
	return harmless(line)
}
