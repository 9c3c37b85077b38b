package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"salesbook.dev/internal/book"
)

type bookCmd struct {
	Starter   bookStarterCmd   `cmd:"" help:"Print a first book, made from what the CRM already holds."`
	Check     bookCheckCmd     `cmd:"" help:"List everything that is wrong with a book."`
	Test      bookTestCmd      `cmd:"" help:"Judge the cases of a book and compare with what they expect."`
	Plan      bookPlanCmd      `cmd:"" help:"Judge everything that is stored by a draft, and change nothing."`
	Diff      bookDiffCmd      `cmd:"" help:"Say in what two books differ, and what that means for judging."`
	Activate  bookActivateCmd  `cmd:"" help:"Put a book in force: everything is judged by it."`
	Show      bookShowCmd      `cmd:"" help:"Say how the book in force fits what is connected: what was renamed, what is missing."`
	History   bookHistoryCmd   `cmd:"" help:"List the books that were ever in force."`
	Export    bookExportCmd    `cmd:"" help:"Print a book that is or was in force."`
	Provision bookProvisionCmd `cmd:"" help:"Say what a CRM lacks to be as a book has it, and set it up with --apply."`
	Print     bookPrintCmd     `cmd:"" help:"Make a book a page of HTML, to read and to print."`
	Example   bookExampleCmd   `cmd:"" help:"Print a book that ships with salesbook."`
	Schema    bookSchemaCmd    `cmd:"" help:"Print the JSON Schema of books, for editors."`
}

type bookCheckCmd struct {
	File string `arg:"" help:"The book's file."`
}

// bookProblemView is something wrong with a book, as JSON.
type bookProblemView struct {
	File   string `json:"file"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	Where  string `json:"where,omitempty"`
	Value  string `json:"value,omitempty"`
	Reason string `json:"reason"`
	Hint   string `json:"hint,omitempty"`
}

// Run lists everything that is wrong with a book.
func (c *bookCheckCmd) Run(g *globals) error {
	b, err := readBook(c.File)
	problems, wrong := errors.AsType[book.Problems](err)
	if err != nil && !wrong {
		return err
	}
	if g.JSON {
		views := make([]bookProblemView, len(problems))
		for i, p := range problems {
			views[i] = bookProblemView{p.Place.File, p.Place.Line, p.Place.Column, p.Where, p.Value, p.Reason, p.Hint}
		}
		if err := g.printJSON(map[string]any{"ok": len(problems) == 0, "problems": views}); err != nil {
			return err
		}
	}
	if len(problems) > 0 {
		if !g.JSON {
			fmt.Fprintln(g.stdout, problems)
		}
		return incomplete{fmt.Sprintf("the book has %s", counted(int64(len(problems)), "problem"))}
	}
	if !g.JSON {
		fmt.Fprintf(g.stdout, "%s is sound: %s.\n", b.Name, strings.Join(contents(b), ", "))
	}
	return nil
}

// contents counts what a book has.
func contents(b *book.Book) []string {
	stages := 0
	for _, f := range b.Funnels {
		stages += len(f.Stages)
	}
	out := []string{}
	for _, part := range []struct {
		n    int
		what string
	}{{len(b.Funnels), "funnel"}, {stages, "stage"}, {len(b.LossReasons), "loss reason"}, {len(b.Standard), "commandment"}, {len(b.Cases), "case"}} {
		if part.n > 0 {
			out = append(out, counted(int64(part.n), part.what))
		}
	}
	return out
}

// readBook reads a book from a file. The error is book.Problems if something is
// wrong with the book itself.
func readBook(file string) (*book.Book, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return book.Parse(file, text)
}

type bookTestCmd struct {
	File string `arg:"" help:"The book's file."`
}

// caseView is what a case gave, as JSON.
type caseView struct {
	Name   string   `json:"name"`
	Line   int      `json:"line"`
	Passed bool     `json:"passed"`
	Want   []string `json:"want"`
	Got    []string `json:"got"`
}

// Run judges the cases of a book.
func (c *bookTestCmd) Run(g *globals) error {
	b, err := readBook(c.File)
	if err != nil {
		return err
	}
	results, err := b.Test()
	if err != nil {
		return err
	}
	views, failed := make([]caseView, len(results)), 0
	for i := range results {
		r := &results[i]
		views[i] = caseView{r.Name, r.Place.Line, r.Passed(), append([]string{}, r.Want...), append([]string{}, r.Got...)}
		if !r.Passed() {
			failed++
		}
		if !g.JSON {
			printCase(g, r)
		}
	}
	if g.JSON {
		if err := g.printJSON(map[string]any{"ok": failed == 0, "cases": views}); err != nil {
			return err
		}
	}
	if failed > 0 {
		return incomplete{fmt.Sprintf("%d of %s gave something else", failed, counted(int64(len(results)), "case"))}
	}
	if !g.JSON {
		fmt.Fprintf(g.stdout, "%s as expected.\n", counted(int64(len(results)), "case"))
	}
	return nil
}

// printCase tells of a case that gave something else.
func printCase(g *globals, r *book.CaseResult) {
	if r.Passed() {
		return
	}
	fmt.Fprintf(g.stdout, "%v: %s\n  expected: %s\n  given:    %s\n", r.Place, r.Name, ruleList(r.Want), ruleList(r.Got))
}

func ruleList(rules []string) string {
	if len(rules) == 0 {
		return "nothing"
	}
	return strings.Join(rules, ", ")
}

type bookExampleCmd struct {
	Name string `arg:"" optional:"" help:"Example; all are listed without it."`
}

// Run prints an example, or their names.
func (c *bookExampleCmd) Run(g *globals) error {
	if c.Name == "" {
		if g.JSON {
			return g.printJSON(book.Examples())
		}
		for _, name := range book.Examples() {
			fmt.Fprintln(g.stdout, name)
		}
		return nil
	}
	text, err := book.Example(c.Name)
	if err != nil {
		return err
	}
	_, err = g.stdout.Write(text)
	return err
}

type bookSchemaCmd struct{}

// Run prints the schema.
func (c *bookSchemaCmd) Run(g *globals) error { return g.printJSON(book.Schema()) }
