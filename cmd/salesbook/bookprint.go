package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/handbook"
	"salesbook.dev/internal/postgres"
)

type bookPrintCmd struct {
	File    string `arg:"" optional:"" help:"The book's file; the book in force without it."`
	Version int    `placeholder:"N" help:"An earlier book that was in force."`
	Output  string `short:"o" placeholder:"OUT.html" help:"File to write; standard output unless set."`
}

// Validate refuses a version of a file.
func (c *bookPrintCmd) Validate() error {
	if c.File != "" && c.Version != 0 {
		return errors.New("a file has no version: give either FILE or --version")
	}
	return nil
}

// Run makes the readable book: one page of HTML.
func (c *bookPrintCmd) Run(ctx context.Context, g *globals) error {
	b, edition, err := c.book(ctx, g)
	if err != nil {
		return err
	}
	var page bytes.Buffer
	if err := handbook.Write(&page, b, edition); err != nil {
		return err
	}
	if c.Output == "" {
		_, err := page.WriteTo(g.stdout)
		return err
	}
	if err := os.WriteFile(c.Output, page.Bytes(), 0o644); err != nil {
		return err
	}
	if g.JSON {
		return g.printJSON(map[string]any{"file": c.Output, "name": b.Name, "version": edition.Version})
	}
	fmt.Fprintf(g.stdout, "%s is printed to %s; open it in a browser to read it or to put it on paper.\n", harmless(b.Name), c.Output)
	return nil
}

// book reads the book that is to be printed: a draft, or one that is or was in
// force.
func (c *bookPrintCmd) book(ctx context.Context, g *globals) (*book.Book, handbook.Edition, error) {
	if c.File != "" {
		b, err := readBook(c.File)
		return b, handbook.Edition{}, err
	}
	var stored postgres.StoredBook
	err := inWorkspace(ctx, g, func(tx pgx.Tx, ws int64) (err error) {
		stored, err = storedBook(ctx, tx, ws, c.Version)
		return err
	})
	if err != nil {
		return nil, handbook.Edition{}, err
	}
	b, err := book.Parse(fmt.Sprintf("version %d", stored.Version), []byte(stored.Text))
	if err != nil {
		return nil, handbook.Edition{}, err
	}
	return b, handbook.Edition{Version: stored.Version, Since: stored.ActiveAt}, nil
}
