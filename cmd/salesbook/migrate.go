package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"salesbook.dev/internal/postgres"
)

type migrateCmd struct {
	AppPasswordFile   string `type:"existingfile" env:"SALESBOOK_APP_PASSWORD_FILE" help:"File with the password that role salesbook_app gets."`
	RiverPasswordFile string `type:"existingfile" env:"SALESBOOK_RIVER_PASSWORD_FILE" help:"File with the password that role salesbook_river gets."`
}

// Run makes the roles and schemas that are missing and runs the migrations.
func (c *migrateCmd) Run(ctx context.Context, g *globals) error {
	a := &app{globals: g, log: g.quiet()}
	defer a.shut()
	defer g.telling("migrating the database")()
	switch {
	case g.DatabaseURL == "" && g.DirectURL == "":
		if err := a.startServer(ctx); err != nil {
			return err
		}
	case g.DirectURL == "":
		return errors.New("DATABASE_DIRECT_URL is missing: migrate needs a connection as an admin role, and not through a pooler; DATABASE_URL is the application's role, which may not change the schema")
	default:
		a.adminURL = g.DirectURL
	}
	o := postgres.MigrateOptions{Log: a.log}
	var err error
	if o.AppPassword, err = passwordFrom(c.AppPasswordFile); err != nil {
		return err
	}
	if o.RiverPassword, err = passwordFrom(c.RiverPasswordFile); err != nil {
		return err
	}
	r, err := postgres.Migrate(ctx, a.adminURL, o)
	if err != nil {
		return err
	}
	if g.JSON {
		return g.printJSON(r)
	}
	if r.From == r.To {
		fmt.Fprintf(g.stdout, "The schema is at version %d; nothing to do.\n", r.To)
		return nil
	}
	fmt.Fprintf(g.stdout, "The schema went from version %d to %d.\n", r.From, r.To)
	return nil
}

func passwordFrom(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	b, err := os.ReadFile(file)
	return strings.TrimRight(string(b), "\r\n"), err
}

type versionCmd struct{}

// Run prints the version.
func (c *versionCmd) Run(g *globals) error {
	if g.JSON {
		return g.printJSON(map[string]string{"version": version})
	}
	_, err := fmt.Fprintln(g.stdout, "salesbook", version)
	return err
}
