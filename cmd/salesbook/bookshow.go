package main

import (
	"context"
	"fmt"
	"strings"

	"salesbook.dev/internal/book"
	"salesbook.dev/jobs"
)

type bookShowCmd struct{}

// fitView is how the book in force fits what is connected, as JSON.
type fitView struct {
	Version  int            `json:"version"`
	Name     string         `json:"name"`
	ActiveAt string         `json:"active_at"`
	By       string         `json:"by"`
	Renamed  []jobs.Renamed `json:"renamed"`
	Missing  []string       `json:"missing"` // pipelines and stages that no CRM ever had
	Fields   []string       `json:"fields"`  // that no CRM has
	Void     []string       `json:"void"`    // spellings that were decided for a reason that the book does not have
}

// Run says how the book in force fits what is connected.
func (c *bookShowCmd) Run(ctx context.Context, g *globals) error {
	a, err := open(ctx, g, g.quiet(), need{})
	if err != nil {
		return err
	}
	defer a.shut()
	ws, err := a.workspace(ctx)
	if err != nil {
		return err
	}
	f, err := a.pipeline.Fit(ctx, ws)
	if err != nil {
		return err
	}
	if g.JSON {
		return g.printJSON(fitView{f.Version, f.Book.Name, f.ActiveAt.Format("2006-01-02T15:04:05Z"), f.ActiveBy, append([]jobs.Renamed{}, f.Renamed...),
			problemTexts(f.Problems), problemTexts(f.Fields), append([]string{}, f.Void...)})
	}
	fmt.Fprintf(g.stdout, "%s, version %d, in force since %s by %s: %s.\n", harmless(f.Book.Name), f.Version, f.ActiveAt.Format("2006-01-02 15:04 UTC"), f.ActiveBy, strings.Join(contents(f.Book), ", "))
	for _, line := range fitLines(&f) {
		fmt.Fprintln(g.stdout, harmless(line))
	}
	return nil
}

// fitLines tells what does not fit, one thing a line.
func fitLines(f *jobs.Fit) (lines []string) {
	for i := range f.Renamed {
		lines = append(lines, renamedLine(&f.Renamed[i]))
	}
	lines = append(lines, problemTexts(f.Problems)...)
	lines = append(lines, problemTexts(f.Fields)...)
	for _, text := range f.Void {
		lines = append(lines, fmt.Sprintf("%q was decided to be a reason that the book does not have; `salesbook spellings set` decides anew", text))
	}
	if len(lines) == 0 {
		return []string{"Everything that it names is there."}
	}
	return lines
}

func renamedLine(r *jobs.Renamed) string {
	if r.Deleted {
		return fmt.Sprintf("%s %s (%q in the book) was deleted in %s", r.What, r.Ref, r.Written, r.Connection)
	}
	return fmt.Sprintf("%s %s (%q in the book) is called %q in %s now; it is followed", r.What, r.Ref, r.Written, r.Now, r.Connection)
}

// problemTexts are problems as lines.
func problemTexts(list book.Problems) []string {
	lines := make([]string, len(list))
	for i, p := range list {
		lines[i] = p.Error()
	}
	return lines
}
