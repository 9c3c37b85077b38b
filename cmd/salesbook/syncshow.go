package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/postgres"
)

// show draws the progress on standard error until stop is called: lines on a
// terminal, line elsewhere.
func (f *foreground) show(ctx context.Context, lines func(*connectionStatus) []string, line func(*connectionStatus) string) (stop func()) {
	screen := newScreen(f.stderr)
	if f.JSON && !screen.terminal() {
		return func() {} // a program reads the outcome; counting rows each second would take half of a core
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	every := redrawEvery
	if !screen.terminal() {
		every = time.Second
	}
	go func() {
		defer close(done)
		beat := time.NewTicker(every)
		defer beat.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-beat.C:
				if all, err := f.reader.read(ctx, f.conn.Name); err == nil && ctx.Err() == nil {
					screen.draw(time.Now(), lines(&all[0]), line(&all[0]))
				}
			}
		}
	}()
	return func() {
		cancel()
		<-done
		screen.clear()
	}
}

// progress lists the objects that are being read or wait for it.
func (f *foreground) progress(s *connectionStatus) []string {
	t := newTable("OBJECT", ">READ", "STATE")
	for _, o := range s.Objects {
		if o.State == "attached" || o.State == "asked" && !f.cmd.History || f.cmd.Object != "" && f.cmd.Object != o.Object {
			continue
		}
		t.add(o.Title, count(o.Seen), s.words(o))
	}
	last := f.conn.Name + ": " + span(time.Since(f.began))
	if why := f.waiting(); why != "" {
		last += ", " + why
	}
	return append(t.lines(""), last)
}

// summary is one line about what is going on.
func (f *foreground) summary(s *connectionStatus) string {
	loaded, all := 0, 0
	var parts []string
	for _, o := range s.Objects {
		if o.State == "attached" || o.State == "asked" {
			continue
		}
		all++
		switch o.State {
		case "loaded":
			loaded++
		case "loading", "reading":
			parts = append(parts, fmt.Sprintf("%s %s read%s", strings.ToLower(o.Title), count(o.Seen), o.pace()))
		}
	}
	if why := f.waiting(); why != "" {
		parts = append(parts, why)
	}
	return strings.Join(append([]string{fmt.Sprintf("%s: %d of %d objects loaded", s.Connection, loaded, all)}, parts...), "; ")
}

// lastRun returns the id of the newest run there is.
func (f *foreground) lastRun(ctx context.Context) (id int64, err error) {
	err = f.db.In(ctx, f.conn.Workspace, func(tx pgx.Tx) error {
		runs, err := postgres.Runs(ctx, tx, f.conn.Workspace, f.conn.ID, 0, 1)
		if len(runs) > 0 {
			id = runs[0].ID
		}
		return err
	})
	return id, err
}

// sum adds up the runs after the given one.
func (f *foreground) sum(ctx context.Context, after int64) (syncResult, error) {
	r := syncResult{Connection: f.conn.Name, Seconds: time.Since(f.began).Seconds()}
	err := f.db.In(ctx, f.conn.Workspace, func(tx pgx.Tx) error {
		c, err := postgres.CountsAfter(ctx, tx, f.conn.Workspace, f.conn.ID, after)
		r.Seen, r.Written, r.Changed, r.Deleted, r.PutAside = c.Seen, c.Written, c.Changed, c.Deleted, c.Quarantined
		return err
	})
	if err != nil {
		return r, err
	}
	all, err := f.reader.read(ctx, f.conn.Name)
	if err == nil {
		r.Status = &all[0]
	}
	return r, err
}

func (f *foreground) print(r syncResult) error {
	if f.JSON {
		return f.printJSON(r)
	}
	for _, line := range r.Status.lines() {
		fmt.Fprintln(f.stdout, line)
	}
	fmt.Fprintf(f.stdout, "%s read in %s: %s new or different, %s changed, %s deleted.\n",
		counted(r.Seen, "record"), span(time.Duration(r.Seconds*float64(time.Second))), count(r.Written), counted(r.Changed, "canonical row"), count(r.Deleted))
	if r.PutAside > 0 {
		fmt.Fprintf(f.stdout, "%s could not be mapped; `salesbook failures list %s` says why.\n", counted(r.PutAside, "record"), f.conn.Name)
	}
	return nil
}
