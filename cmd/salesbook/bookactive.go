package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/jobs"
)

type bookActivateCmd struct {
	File string `arg:"" help:"The book's file."`
	Yes  bool   `help:"Do not ask."`
	Wait bool   `help:"Judge here and now; a worker does it otherwise."`
}

// Run puts a book in force.
func (c *bookActivateCmd) Run(ctx context.Context, g *globals) error {
	text, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	b, err := book.Parse(c.File, text)
	if err != nil {
		return err
	}
	if err := passes(b); err != nil {
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
	diff, version, err := againstActive(ctx, a, ws, b)
	if err != nil {
		return err
	}
	if diff != nil && !c.Yes {
		announce(g.stderr, diff, version)
	}
	if err := g.confirm(ctx, c.Yes, "Put this book in force? Every deal and lead is judged by it, and what its enforcement says is done: written to the CRMs that are live, shown for those in a dry run."); err != nil {
		return err
	}
	r, err := a.pipeline.Activate(ctx, ws, b, string(text), actor())
	if err != nil {
		return err
	}
	if c.Wait {
		if err := judgeHere(ctx, g, a, ws); err != nil {
			return err
		}
	}
	if g.JSON {
		view := map[string]any{"version": r.Version, "name": b.Name, "problems": len(r.Problems), "fields": len(r.Fields), "left_out": append([]jobs.LeftOut{}, r.LeftOut...)}
		if diff != nil {
			view["differences"] = len(diff.Differences)
		}
		return g.printJSON(view)
	}
	fmt.Fprintf(g.stdout, "%s is in force as version %d. `salesbook up` or `work` judges by it; `salesbook violations` lists what breaks from now on, `salesbook backlog` what is older.\n", harmless(b.Name), r.Version)
	if diff != nil && c.Yes {
		fmt.Fprintln(g.stdout, differsFrom(diff, version))
	}
	for _, p := range r.Problems {
		fmt.Fprintln(g.stdout, harmless(p.Error()))
	}
	if len(r.Problems) > 0 {
		fmt.Fprintln(g.stdout, "These parts judge nothing until the CRM has them.")
	}
	printFields(g, problemTexts(r.Fields))
	printLeftOut(g, r.LeftOut, "Not judged yet")
	return nil
}

// judgeHere judges in this process until nothing is left to judge.
func judgeHere(ctx context.Context, g *globals, a *app, ws int64) error {
	defer g.telling("judging")()
	for {
		if n, err := a.pipeline.Evaluate(ctx, ws); err != nil || n == 0 {
			return err
		}
	}
}

// passes wants a book's own cases to give what they say.
func passes(b *book.Book) error {
	results, err := b.Test()
	if err != nil {
		return err
	}
	for i := range results {
		if r := &results[i]; !r.Passed() {
			return fmt.Errorf("%v: case %q gives %s, and expects %s; mend the book or the case, then activate it", r.Place, r.Name, ruleList(r.Got), ruleList(r.Want))
		}
	}
	return nil
}

type bookHistoryCmd struct{}

// bookView is a book that is or was in force, as JSON.
type bookView struct {
	Version  int    `json:"version"`
	Name     string `json:"name"`
	ActiveAt string `json:"active_at"`
	By       string `json:"by"`
}

// Run lists the books that were ever in force.
func (c *bookHistoryCmd) Run(ctx context.Context, g *globals) error {
	var list []postgres.StoredBook
	err := inWorkspace(ctx, g, func(tx pgx.Tx, ws int64) (err error) {
		list, err = postgres.Books(ctx, tx, ws)
		return err
	})
	if err != nil {
		return err
	}
	views := make([]bookView, len(list))
	t := newTable(">VERSION", "NAME", "SINCE", "BY")
	for i, b := range list {
		views[i] = bookView{b.Version, b.Name, b.ActiveAt.UTC().Format("2006-01-02T15:04:05Z"), b.ActiveBy}
		t.add(fmt.Sprint(b.Version), b.Name, b.ActiveAt.UTC().Format("2006-01-02 15:04 UTC"), b.ActiveBy)
	}
	if g.JSON {
		return g.printJSON(views)
	}
	if len(list) == 0 {
		fmt.Fprintln(g.stdout, "No book is in force yet; `salesbook book activate` puts one.")
		return nil
	}
	fmt.Fprint(g.stdout, t.text(""))
	return nil
}

type bookExportCmd struct {
	Version int `help:"Version; the one in force unless set."`
}

// Run prints a book as it was written.
func (c *bookExportCmd) Run(ctx context.Context, g *globals) error {
	var b postgres.StoredBook
	err := inWorkspace(ctx, g, func(tx pgx.Tx, ws int64) (err error) {
		b, err = storedBook(ctx, tx, ws, c.Version)
		return err
	})
	if err != nil {
		return err
	}
	_, err = g.stdout.Write([]byte(b.Text))
	return err
}

// storedBook reads a version of the book; the one in force for 0.
func storedBook(ctx context.Context, tx pgx.Tx, ws int64, version int) (postgres.StoredBook, error) {
	if version != 0 {
		return postgres.BookVersion(ctx, tx, ws, version)
	}
	b, err := postgres.ActiveBook(ctx, tx, ws)
	if err == nil && b.Version == 0 {
		err = errors.New("no book is in force yet; `salesbook book activate` puts one")
	}
	return b, err
}

// inWorkspace reads from the database within the workspace that was chosen.
func inWorkspace(ctx context.Context, g *globals, read func(tx pgx.Tx, ws int64) error) error {
	a, err := open(ctx, g, g.quiet(), need{})
	if err != nil {
		return err
	}
	defer a.shut()
	ws, err := a.workspace(ctx)
	if err != nil {
		return err
	}
	return a.db.In(ctx, ws, func(tx pgx.Tx) error { return read(tx, ws) })
}
