package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/seal"
)

type keyCmd struct {
	Create keyCreateCmd `cmd:"" help:"Make the first key file, for a PostgreSQL of your own."`
	Rotate keyRotateCmd `cmd:"" help:"Seal all credentials with a new key and drop the old one."`
	Reset  keyResetCmd  `cmd:"" help:"The key file is lost: begin with a new one; every connection needs consent again."`
}

type keyRotateCmd struct{}

// rotated is what a rotation did.
type rotated struct {
	Key      uint32   `json:"key"`               // id of the key that seals now
	Resumed  bool     `json:"resumed"`           // an earlier rotation was finished
	Resealed int      `json:"resealed"`          // credentials sealed again
	Damaged  []string `json:"damaged,omitempty"` // connections whose credentials could not be opened
	Dropped  int      `json:"dropped"`           // old keys
}

// Run rotates the key. Stopped anywhere, it goes on when it is run again: the
// old keys stay in the file until nothing is sealed with them.
func (c *keyRotateCmd) Run(ctx context.Context, g *globals) error {
	a, err := open(ctx, g, g.quiet(), need{})
	if err != nil {
		return err
	}
	defer a.shut()
	defer g.telling("sealing credentials again")()
	out := rotated{Resumed: len(a.keys.IDs()) > 1}
	if !out.Resumed {
		if err := a.keys.Rotate(); err != nil {
			return err
		}
	}
	if err := a.resealAll(ctx, &out); err != nil {
		return fmt.Errorf("%w; both keys are in the file, run `salesbook key rotate` again to finish", err)
	}
	for _, id := range a.keys.IDs() {
		if id == a.keys.Primary() {
			continue
		}
		if err := a.keys.Drop(id); err != nil {
			return err
		}
		out.Dropped++
	}
	out.Key = a.keys.Primary()
	if g.JSON {
		return g.printJSON(out)
	}
	if out.Resumed {
		fmt.Fprintln(g.stdout, "An earlier rotation was not finished; it is now. To have another new key, rotate again.")
	}
	fmt.Fprintf(g.stdout, "Key %d seals now: %s sealed again, %s dropped. Copy the key file to the other machines and to where its backup is.\n",
		out.Key, counted(int64(out.Resealed), "connection"), counted(int64(out.Dropped), "old key"))
	for _, name := range out.Damaged {
		fmt.Fprintf(g.stdout, "The credentials of %s cannot be opened by any key; connect it again.\n", name)
	}
	return nil
}

// resealAll seals everything with the present key: credentials of all
// workspaces, then the canary, and once more what other processes have saved
// meanwhile.
func (a *app) resealAll(ctx context.Context, out *rotated) error {
	workspaces, err := a.db.Workspaces(ctx)
	if err != nil {
		return err
	}
	damaged := map[int64]bool{}
	pass := func() error {
		for _, w := range workspaces {
			if err := a.resealWorkspace(ctx, w.ID, damaged, out); err != nil {
				return fmt.Errorf("workspace %s: %w", w.Name, err)
			}
		}
		return nil
	}
	if err := pass(); err != nil {
		return err
	}
	canary, err := a.db.Canary(ctx)
	if err != nil {
		return err
	}
	if seal.KeyOf(canary) != a.keys.Primary() {
		if err := (postgres.Vault{Keys: a.keys}).MarkKey(ctx, a.db, canary); err != nil {
			return err
		}
	}
	return pass()
}

func (a *app) resealWorkspace(ctx context.Context, ws int64, damaged map[int64]bool, out *rotated) error {
	var ids []int64
	err := a.db.In(ctx, ws, func(tx pgx.Tx) (err error) {
		if err := a.pipeline.Vault.ResealErasures(ctx, tx, ws); err != nil {
			return err
		}
		if err := a.pipeline.Vault.ResealChannels(ctx, tx, ws); err != nil {
			return err
		}
		ids, err = a.pipeline.Vault.Sealed(ctx, tx, ws)
		return err
	})
	done := 0
	for _, id := range ids {
		if err != nil {
			break
		}
		if damaged[id] {
			continue
		}
		var ok bool
		var name string
		if ok, name, err = a.reseal(ctx, ws, id); err == nil && !ok {
			damaged[id] = true
			out.Damaged = append(out.Damaged, name)
		} else if err == nil {
			done++
		}
	}
	out.Resealed += done
	if err != nil || done == 0 {
		return err
	}
	return a.db.In(ctx, ws, func(tx pgx.Tx) error {
		return postgres.Audit(ctx, tx, ws, actor(), "rotate key", "key", map[string]any{"key": a.keys.Primary(), "connections": done})
	})
}

// reseal seals one connection's credentials again; ok is false when no key
// opens them. A token that is refreshed meanwhile wins, and is sealed later.
func (a *app) reseal(ctx context.Context, ws, id int64) (ok bool, name string, err error) {
	err = a.db.In(ctx, ws, func(tx pgx.Tx) error {
		conn, err := postgres.ConnectionByID(ctx, tx, ws, id)
		if err != nil {
			return err
		}
		name = conn.Name
		creds, err := a.pipeline.Vault.Load(ctx, tx, ws, id)
		if postgres.Unreadable(err) {
			ok = false
			return nil
		}
		if err != nil {
			return err
		}
		ok = true
		_, err = a.pipeline.Vault.Save(ctx, tx, ws, id, creds)
		return err
	})
	return ok, name, err
}

type keyResetCmd struct {
	Yes bool `help:"Do not ask."`
}

// Run makes a new key file in place of one that is lost or does not fit.
func (c *keyResetCmd) Run(ctx context.Context, g *globals) error {
	a := &app{globals: g, log: g.quiet()}
	defer a.shut()
	if _, err := a.openDB(ctx); err != nil {
		return err
	}
	path, err := a.keyFile()
	if err != nil {
		return err
	}
	if err := c.refuseFitting(ctx, a, path); err != nil {
		return err
	}
	if err := g.confirm(ctx, c.Yes, "Begin with a new key? Stored credentials are given up, and every connection needs consent again. Data is not touched."); err != nil {
		return err
	}
	former, err := seal.Open(path)
	if err != nil {
		former = nil // lost or damaged
	}
	old, err := setAside(path, time.Now())
	if err != nil {
		return err
	}
	if a.keys, err = seal.Create(path); err != nil {
		return err
	}
	names, err := a.giveUpCredentials(ctx, former)
	if err != nil {
		return fmt.Errorf("%w; run `salesbook key reset` again", err)
	}
	if g.JSON {
		return g.printJSON(map[string]any{"key_file": path, "old_key_file": old, "connections": names})
	}
	fmt.Fprintf(g.stdout, "%s is a new key file; back it up.\n", path)
	if old != "" {
		fmt.Fprintf(g.stdout, "What was there is now %s.\n", old)
	}
	for _, name := range names {
		fmt.Fprintf(g.stdout, "%s needs consent: run `salesbook connect` for it with --replace.\n", name)
	}
	return nil
}

// refuseFitting keeps a key from being thrown away that does its work.
func (c *keyResetCmd) refuseFitting(ctx context.Context, a *app, path string) error {
	keys, err := seal.Open(path)
	if err != nil {
		return nil // lost or damaged: that is what this command is for
	}
	canary, err := a.db.Canary(ctx)
	if err != nil {
		return err
	}
	if canary == nil {
		return errors.New("this database has sealed nothing yet: there is nothing to reset")
	}
	if (postgres.Vault{Keys: keys}).CheckKey(ctx, a.db) == nil {
		return fmt.Errorf("the key file %s fits this database, so nothing is lost; `salesbook key rotate` replaces a key and keeps all credentials", path)
	}
	return nil
}

// setAside keeps a key file that does not fit: it may belong to another
// database. It returns where it is now, or nothing if there was none.
func setAside(path string, now time.Time) (string, error) {
	old := path + ".old-" + now.UTC().Format("20060102-150405")
	err := os.Rename(path, old)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return old, err
}

// giveUpCredentials puts empty credentials in place of those that nothing
// opens, and marks every connection. Erased persons are still recognised if the
// former key, nil if there is none, opens what recognises them.
func (a *app) giveUpCredentials(ctx context.Context, former *seal.Keyring) ([]string, error) {
	workspaces, err := a.db.Workspaces(ctx)
	if err != nil {
		return nil, err
	}
	names := []string{}
	for _, w := range workspaces {
		err := a.db.In(ctx, w.ID, func(tx pgx.Tx) error {
			list, err := postgres.Connections(ctx, tx, w.ID)
			if err != nil {
				return err
			}
			for _, conn := range list {
				if err := a.giveUp(ctx, tx, conn); err != nil {
					return fmt.Errorf("%s: %w", conn.Name, err)
				}
				names = append(names, conn.Name)
			}
			vault := postgres.Vault{Keys: a.keys}
			if err := vault.TakeOverErasures(ctx, tx, w.ID, former); err != nil {
				return err
			}
			if err := vault.ResealChannels(ctx, tx, w.ID); err != nil { // which stops those whose secret is lost
				return err
			}
			return postgres.Audit(ctx, tx, w.ID, actor(), "reset key", "key", nil)
		})
		if err != nil {
			return nil, err
		}
	}
	canary, err := a.db.Canary(ctx)
	if err != nil {
		return nil, err
	}
	return names, postgres.Vault{Keys: a.keys}.MarkKey(ctx, a.db, canary)
}

func (a *app) giveUp(ctx context.Context, tx pgx.Tx, c postgres.Connection) error {
	v := postgres.Vault{Keys: a.keys}
	lost, err := v.Load(ctx, tx, c.Workspace, c.ID)
	if err != nil && !postgres.Unreadable(err) {
		return err
	}
	if _, err := v.Save(ctx, tx, c.Workspace, c.ID, postgres.Credentials{Version: lost.Version}); err != nil {
		return err
	}
	_, err = postgres.SetState(ctx, tx, c.Workspace, c.ID, "needs consent", "the key file was reset")
	return err
}
