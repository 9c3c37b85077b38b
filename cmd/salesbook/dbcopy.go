package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/term"

	"salesbook.dev/internal/postgres"
)

type dbDumpCmd struct {
	File string `arg:"" optional:"" type:"path" help:"File to write; standard output if left out."`
}

// Run writes a dump in PostgreSQL's own packed form. It holds no key: without
// the key file nobody can read the credentials in it.
func (c *dbDumpCmd) Run(ctx context.Context, g *globals) (err error) {
	a, url, err := openAdmin(ctx, g)
	if err != nil {
		return err
	}
	defer a.shut()
	if err := a.migrated(ctx); err != nil {
		return err
	}
	if err := postgres.MayCopyAll(ctx, url); err != nil {
		return err
	}
	out, finish, err := c.output(g)
	if err != nil {
		return err
	}
	defer func() { err = finish(err) }()
	pgDump, err := a.tool("pg_dump")
	if err != nil {
		return err
	}
	// Who leads the queue and what unlogged buckets held says nothing later.
	run, err := pgDump.command(ctx, url, "--format=custom", "--schema=salesbook", "--schema=river", "--no-unlogged-table-data",
		"--exclude-table-data=river.river_leader")
	if err != nil {
		return err
	}
	m := newMeter(g, "dumped", 0)
	run.Stdout, run.Stderr = io.MultiWriter(out, m), g.stderr
	err = failed(run, run.Run())
	m.clear()
	if err == nil && c.File != "" {
		err = c.report(g, m.done)
	}
	return err
}

func (c *dbDumpCmd) report(g *globals, bytes int64) error {
	if g.JSON {
		return g.printJSON(map[string]any{"file": c.File, "bytes": bytes})
	}
	_, err := fmt.Fprintf(g.stdout, "%s: %s. Keep the key file too, in another place.\n", c.File, size(bytes))
	return err
}

// output opens where the dump goes. A file appears under its name only once it
// is whole, and is its owner's alone: it holds customers' data.
func (c *dbDumpCmd) output(g *globals) (io.Writer, func(error) error, error) {
	if c.File == "" {
		if f, ok := g.stdout.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
			return nil, nil, errors.New("a dump is not for reading: name a FILE, or send standard output somewhere")
		}
		return g.stdout, func(err error) error { return err }, nil
	}
	f, err := os.OpenFile(c.File+".part", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, nil, err
	}
	return f, func(err error) error {
		if err == nil {
			err = f.Sync()
		}
		if err = errors.Join(err, f.Close()); err != nil {
			return errors.Join(err, os.Remove(f.Name()))
		}
		return os.Rename(f.Name(), c.File)
	}, nil
}

type dbRestoreCmd struct {
	File  string `arg:"" optional:"" type:"existingfile" help:"Dump to read; standard input if left out."`
	Force bool   `help:"Replace what the database holds."`
	Yes   bool   `help:"With --force: do not ask."`
}

// Run restores a dump. Either all of it takes the place of what was there, or
// everything stays as it was.
func (c *dbRestoreCmd) Run(ctx context.Context, g *globals) error {
	if c.Force {
		if err := g.confirm(ctx, c.Yes, "Replace everything in the database by the dump?"); err != nil {
			return err
		}
	}
	a, url, err := openAdmin(ctx, g)
	if err != nil {
		return err
	}
	defer a.shut()
	if a.server != nil && !a.server.Owner() {
		return errors.New("another salesbook process uses this database: stop it first")
	}
	in, total, err := c.input(g)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := postgres.PrepareRestore(ctx, url, c.Force); err != nil {
		return err
	}
	if err := c.fill(ctx, a, url, in, total); err != nil {
		return fmt.Errorf("nothing was changed: %w", err)
	}
	paused, err := postgres.FinishRestore(ctx, url)
	if err != nil {
		return err
	}
	if g.JSON {
		return g.printJSON(map[string]any{"restored": true, "paused": paused})
	}
	fmt.Fprintf(g.stdout, "Restored. %s paused, so that nothing talks to a vendor before you have looked: `salesbook connections resume NAME` sets one going.\n",
		counted(paused, "connection"))
	return nil
}

func (c *dbRestoreCmd) input(g *globals) (in io.ReadCloser, total int64, err error) {
	if c.File == "" {
		if g.interactive() {
			return nil, 0, errors.New("name the FILE to restore, or send a dump to standard input")
		}
		return io.NopCloser(g.stdin), 0, nil
	}
	f, err := os.Open(c.File)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, info.Size(), nil
}

// fill has pg_restore write the dump as SQL, and psql run it in one transaction.
func (c *dbRestoreCmd) fill(ctx context.Context, a *app, url string, in io.Reader, total int64) error {
	pgRestore, err := a.tool("pg_restore")
	if err != nil {
		return err
	}
	psql, err := a.tool("psql")
	if err != nil {
		return err
	}
	run, err := psql.command(ctx, url, "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--output="+os.DevNull)
	if err != nil {
		return err
	}
	m := newMeter(a.globals, "restored", total)
	defer m.clear()
	write := exec.CommandContext(ctx, string(pgRestore), "--file=-")
	write.Stdin, write.Stderr, run.Stderr = io.TeeReader(in, m), a.stderr, a.stderr
	return pipe(write, run, postgres.RestoreBegin, postgres.RestoreEnd)
}

// pipe feeds one program with what another writes, between begin and end. If
// the writer fails, the reader never sees the end.
func pipe(write, read *exec.Cmd, begin, end string) error {
	r, w := io.Pipe()
	read.Stdin = io.MultiReader(strings.NewReader(begin), r)
	write.Stdout = w
	written := make(chan error, 1)
	go func() {
		err := failed(write, write.Run())
		if err == nil {
			_, err = io.WriteString(w, end)
		}
		written <- errors.Join(err, w.Close())
	}()
	err := failed(read, read.Run())
	r.Close() // the writer need not go on if the reader has ended
	if werr := <-written; werr != nil && err == nil {
		err = werr
	}
	return err
}

// openAdmin reaches the database for its admin.
func openAdmin(ctx context.Context, g *globals) (*app, string, error) {
	a, err := openServer(ctx, g)
	if err != nil {
		return nil, "", err
	}
	url, err := a.urlFor(true)
	if err != nil {
		a.shut()
		return nil, "", err
	}
	return a, url, nil
}

// meter shows how many bytes went through it.
type meter struct {
	*screen
	what        string
	done, total int64
	last        time.Time
}

func newMeter(g *globals, what string, total int64) *meter {
	return &meter{screen: newScreen(g.stderr), what: what, total: total}
}

// Write counts.
func (m *meter) Write(b []byte) (int, error) {
	m.done += int64(len(b))
	if now := time.Now(); now.Sub(m.last) > redrawEvery {
		m.last = now
		text := m.what + " " + size(m.done)
		if m.total > 0 {
			text += " of " + size(m.total)
		}
		m.draw(now, []string{text}, text)
	}
	return len(b), nil
}
