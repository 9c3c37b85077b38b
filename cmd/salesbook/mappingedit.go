package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"salesbook.dev/internal/postgres"
	"salesbook.dev/jobs"
	"salesbook.dev/mapping"
)

type mappingPreviewCmd struct {
	Name   string `arg:"" help:"Connection."`
	File   string `arg:"" help:"Map to try."`
	Object string `placeholder:"OBJECT" help:"Only this object of the vendor's, such as deals."`
	Show   int    `short:"n" default:"20" help:"How many records to show."`
}

// Run shows what a map would change, and changes nothing.
func (c *mappingPreviewCmd) Run(ctx context.Context, g *globals) error {
	e, err := openMap(ctx, g, c.Name)
	if err != nil {
		return err
	}
	defer e.shut()
	m, err := e.read(c.File)
	if err != nil {
		return err
	}
	v, err := e.preview(ctx, c.File, m, jobs.PreviewOptions{Object: c.Object, Show: c.Show})
	if err != nil {
		return err
	}
	if g.JSON {
		return g.printJSON(v)
	}
	printPreview(g, v)
	return nil
}

// preview maps stored records with m, beside the connection's present map.
func (e *editor) preview(ctx context.Context, file string, m postgres.FieldMap, o jobs.PreviewOptions) (jobs.Preview, error) {
	then, err := e.compile(file, m)
	if err != nil {
		return jobs.Preview{}, err
	}
	s, err := e.pipeline.Open(ctx, e.conn.Workspace, e.conn.ID)
	if problems, ok := errors.AsType[mapping.Problems](err); ok {
		return jobs.Preview{}, fmt.Errorf("the present map of %s no longer fits, so nothing can be compared; `salesbook mapping apply` puts the new one in place:\n%w", e.conn.Name, problems)
	}
	if err != nil {
		return jobs.Preview{}, err
	}
	defer e.telling("mapping stored records")()
	return e.pipeline.PreviewMap(ctx, s, then, o)
}

func printPreview(g *globals, v jobs.Preview) {
	for _, r := range v.Records {
		fmt.Fprintf(g.stdout, "%s %s\n", r.Object, r.ID)
		switch {
		case r.ProblemThen != "" && r.ProblemNow != "":
			fmt.Fprintln(g.stdout, "  cannot be mapped, before and after: "+r.ProblemThen)
		case r.ProblemThen != "":
			fmt.Fprintln(g.stdout, "  could no longer be mapped: "+r.ProblemThen)
		case r.ProblemNow != "":
			fmt.Fprintln(g.stdout, "  could be mapped; until now: "+r.ProblemNow)
		case len(r.Differences) == 0:
			fmt.Fprintln(g.stdout, "  no difference")
		}
		t := newTable()
		for _, d := range r.Differences {
			t.add(d.Field, shorten(display(d.Before), 60), "->", shorten(display(d.After), 60))
		}
		for _, line := range t.lines("  ") {
			fmt.Fprintln(g.stdout, line)
		}
		for _, w := range r.Warnings {
			fmt.Fprintln(g.stdout, "  warning: "+w)
		}
	}
	fmt.Fprintln(g.stdout)
	fmt.Fprint(g.stdout, previewTable(v).text(""))
}

func previewTable(v jobs.Preview) *table {
	t := newTable("OBJECT", ">LOOKED AT", ">DIFFERENT", ">BROKEN", ">MENDED")
	for _, o := range v.Objects {
		t.add(o.Object, count(int64(o.Sampled)), count(int64(o.Changed)), count(int64(o.Broken)), count(int64(o.Mended)))
	}
	return t
}

// display writes a previewed value for reading.
func display(v any) string {
	if n, ok := v.(json.Number); ok {
		return n.String()
	}
	return mapping.Show(v)
}

type mappingApplyCmd struct {
	Name string `arg:"" help:"Connection."`
	File string `arg:"" help:"Map with what is to differ from the default."`
	Yes  bool   `help:"Do not ask."`
	Wait bool   `help:"Map everything again here and now, and say what came out different."`
}

// Run stores a map and has everything mapped again.
func (c *mappingApplyCmd) Run(ctx context.Context, g *globals) error {
	e, err := openMap(ctx, g, c.Name)
	if err != nil {
		return err
	}
	defer e.shut()
	m, err := e.read(c.File)
	if err != nil {
		return err
	}
	return e.change(ctx, c.File, m, "map", c.Yes, c.Wait)
}

type mappingUpgradeCmd struct {
	Name string `arg:"" help:"Connection."`
	Yes  bool   `help:"Do not ask."`
	Wait bool   `help:"Map everything again here and now, and say what came out different."`
}

// Run puts this release's default map under the admin's changes.
func (c *mappingUpgradeCmd) Run(ctx context.Context, g *globals) error {
	e, err := openMap(ctx, g, c.Name)
	if err != nil {
		return err
	}
	defer e.shut()
	base, err := mapping.Default(e.conn.Vendor)
	if err != nil {
		return err
	}
	m := postgres.FieldMap{Base: string(base), Override: e.stored.Override}
	if m == e.stored {
		if g.JSON {
			return g.printJSON(applied{Connection: c.Name})
		}
		fmt.Fprintf(g.stdout, "%s has this release's default map already.\n", c.Name)
		return nil
	}
	return e.change(ctx, c.Name, m, "upgrade map", c.Yes, c.Wait)
}

// applied is what became of a changed map.
type applied struct {
	Connection string                 `json:"connection"`
	Changed    bool                   `json:"changed"`
	Queued     bool                   `json:"queued"` // the replay is left to a worker
	Replay     *jobs.ReplayReport     `json:"replay,omitempty"`
	Preview    []jobs.PreviewedObject `json:"preview,omitempty"`
}

// change checks a map, says what it would do, asks, and stores it.
func (e *editor) change(ctx context.Context, file string, m postgres.FieldMap, action string, yes, wait bool) error {
	if _, err := e.compile(file, m); err != nil {
		return fmt.Errorf("nothing was changed, since the map has problems:\n%w", err)
	}
	out := applied{Connection: e.conn.Name, Changed: true, Queued: !wait}
	// A preview is worth having and not worth failing for: the present map may be the broken one.
	v, err := e.preview(ctx, file, m, jobs.PreviewOptions{})
	if err == nil {
		out.Preview = v.Objects
		if !e.JSON {
			fmt.Fprint(e.stdout, previewTable(v).text(""))
		}
	}
	if err := e.confirm(ctx, yes, "Change the map of "+e.conn.Name+"?"); err != nil {
		return err
	}
	if m, err = e.pinned(m); err != nil {
		return err
	}
	if err := e.store(ctx, m, action); err != nil {
		return err
	}
	if wait {
		report, err := e.settle(ctx)
		if err != nil {
			return fmt.Errorf("the map is changed, but not everything is mapped again yet (a worker does the rest): %w", err)
		}
		out.Replay = &report
	}
	return e.printApplied(out)
}

func (e *editor) printApplied(out applied) error {
	if e.JSON {
		return e.printJSON(out)
	}
	text := []string{"The map of " + e.conn.Name + " is changed."}
	if out.Queued {
		text = append(text, fmt.Sprintf("A replay is queued, which maps everything again: `salesbook runs %s` shows it. Without a worker, run `salesbook replay %s`.", e.conn.Name, e.conn.Name))
	}
	fmt.Fprintln(e.stdout, strings.Join(text, "\n"))
	if out.Replay != nil {
		printReplay(e.globals, *out.Replay)
	}
	return nil
}
