package main

import (
	"context"
	"fmt"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/seal"
)

type keyCreateCmd struct{}

// Run makes the first key file of an installation on a PostgreSQL of one's own.
// It makes none where a key is in use already: a second one would open nothing.
func (c *keyCreateCmd) Run(ctx context.Context, g *globals) error {
	a := &app{globals: g, log: g.quiet()}
	defer a.shut()
	if _, err := a.openDB(ctx); err != nil {
		return err
	}
	path, err := a.keyFile()
	if err != nil {
		return err
	}
	canary, err := a.db.Canary(ctx)
	if err != nil {
		return err
	}
	if canary != nil {
		return fault.New(fault.Conflict, "this database is sealed with key %d already; copy that key file to %s, or, if it is lost, run `salesbook key reset`", seal.KeyOf(canary), path)
	}
	if a.keys, err = seal.Create(path); err != nil {
		return err
	}
	if err := (postgres.Vault{Keys: a.keys}).MarkKey(ctx, a.db, nil); err != nil {
		return err
	}
	if g.JSON {
		return g.printJSON(map[string]any{"key_file": path, "key": a.keys.Primary()})
	}
	fmt.Fprintf(g.stdout, "%s is the key file. Copy it to every machine that runs salesbook, and back it up apart from the database.\n", path)
	return nil
}
