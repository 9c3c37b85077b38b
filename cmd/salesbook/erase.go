package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/jobs"
)

type eraseCmd struct {
	Person erasePersonCmd `cmd:"" help:"Take out all that is known of a person, for good."`
}

type erasePersonCmd struct {
	ID         string `arg:"" optional:"" help:"The person's id at the vendor."`
	Email      string `placeholder:"ADDRESS" help:"Whoever has this address."`
	Phone      string `placeholder:"NUMBER" help:"Whoever has this number, with or without the code of its country."`
	Connection string `placeholder:"NAME" help:"Only among this connection's people; needed for an id that several have."`
	Preview    bool   `help:"Only say what would be changed."`
	Yes        bool   `help:"Do not ask."`
}

// Validate wants one way to find the person.
func (c *erasePersonCmd) Validate() error {
	ways := 0
	for _, w := range []string{c.ID, c.Email, c.Phone} {
		if w != "" {
			ways++
		}
	}
	if ways != 1 {
		return errors.New("give the id of a person, --email or --phone")
	}
	if c.Phone != "" && len(digits(c.Phone)) < 7 {
		return errors.New("--phone: a number has at least seven digits")
	}
	return nil
}

func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}

// Run says what would be changed, asks, and does it.
func (c *erasePersonCmd) Run(ctx context.Context, g *globals) error {
	a, err := open(ctx, g, g.quiet(), need{})
	if err != nil {
		return err
	}
	defer a.shut()
	ws, err := a.workspace(ctx)
	if err != nil {
		return err
	}
	w := postgres.Wanted{ID: c.ID, Email: strings.ToLower(strings.TrimSpace(c.Email)), Phone: digits(c.Phone)}
	if c.Connection != "" {
		conn, err := a.connection(ctx, c.Connection)
		if err != nil {
			return err
		}
		w.Connection = conn.ID
	}
	run := func(what string, dry bool) (jobs.Erasure, error) {
		defer g.telling(what)()
		return a.pipeline.Erase(ctx, ws, w, actor(), dry)
	}
	r, err := run("looking for what is known", true)
	if err != nil {
		return err
	}
	if err := c.unambiguous(r); err != nil {
		return err
	}
	if c.Preview || known(r) == 0 {
		return printErasure(g, r, true)
	}
	if !g.JSON {
		if err := printErasure(g, r, true); err != nil {
			return err
		}
	}
	if err := g.confirm(ctx, c.Yes, "Erase all this? It cannot be taken back."); err != nil {
		return err
	}
	if r, err = run("erasing", false); err != nil {
		return fmt.Errorf("%w; run the command again to finish", err)
	}
	return printErasure(g, r, false)
}

// unambiguous refuses an id that people of several connections have.
func (c *erasePersonCmd) unambiguous(r jobs.Erasure) error {
	have := map[string]bool{} // besides them, his other records are found
	for _, p := range r.Persons {
		if p.ID == c.ID {
			have[p.Connection] = true
		}
	}
	if c.Connection != "" || len(have) < 2 {
		return nil
	}
	return fault.New(fault.Invalid, "people of several connections have the id %s: say which with --connection", c.ID)
}

// known counts those who were not erased before.
func known(r jobs.Erasure) (n int) {
	for _, p := range r.Persons {
		if !p.Already {
			n++
		}
	}
	return n
}

func printErasure(g *globals, r jobs.Erasure, before bool) error {
	if g.JSON {
		return g.printJSON(r)
	}
	for _, p := range r.Persons {
		if p.Already {
			fmt.Fprintf(g.stdout, "Person %s of %s was erased before.\n", p.ID, p.Connection)
		} else if before {
			fmt.Fprintf(g.stdout, "Person %s of %s would be erased.\n", p.ID, p.Connection)
		} else {
			fmt.Fprintf(g.stdout, "Person %s of %s is erased and will not be stored again.\n", p.ID, p.Connection)
		}
	}
	if known(r) == 0 {
		return nil
	}
	t := newTable("TABLE", ">ROWS")
	for _, table := range sortedKeys(r.Rows) {
		t.add(table, count(r.Rows[table]))
	}
	fmt.Fprint(g.stdout, t.text(""))
	if len(r.Named) == 0 || !before {
		return nil
	}
	fmt.Fprintln(g.stdout, "These hold the same name, address or number and are not about the person; they stay as they are. Look at them, and change them in the CRM if need be:")
	for _, n := range r.Named {
		fmt.Fprintf(g.stdout, "  %s %s %s\n", n.Connection, n.Object, n.ID)
	}
	return nil
}
