package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"salesbook.dev/internal/fault"
)

// show draws the connection's status until ctx ends: progress with rate and
// time left while it loads, then what the starter book says and how closely it
// follows the living company.
func (d *demonstration) show(ctx context.Context) error {
	screen := newScreen(d.app.stdout)
	for _, v := range d.scenario.Vendors {
		fmt.Fprintf(d.app.stdout, "A simulated %s answers at %s. ", v.Title, v.URL)
	}
	fmt.Fprintf(d.app.stdout, "Data in %s. Ctrl-C ends it, `make demo` goes on.\n\n", d.app.Data)
	reader := newStatusReader(d.app)
	first := firstScreen{d: d}
	live := false
	beat := time.NewTicker(redrawEvery)
	defer beat.Stop()
	for {
		all, err := d.status(ctx, reader)
		if err != nil {
			return err
		}
		if !live && !slices.ContainsFunc(all, func(s connectionStatus) bool { return !s.Loaded }) {
			live = true
			beat.Reset(time.Second) // counting costs more than it tells now
			if !screen.terminal() {
				fmt.Fprintf(d.app.stdout, "loaded in %s; from here on it lives\n", span(time.Since(d.began)))
			}
		}
		if live {
			if err := first.look(ctx, time.Now()); err != nil {
				return err
			}
		}
		if first.told = first.told || screen.terminal(); !first.told && first.whole {
			first.told = true
			fmt.Fprintf(d.app.stdout, "\n%s\n\n", strings.Join(first.lines, "\n"))
		}
		screen.draw(time.Now(), screen.fit(d.lines(all, live), first.lines), d.summary(all))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-beat.C:
		}
	}
}

// firstScreen is what the starter book says, looked at now and then.
type firstScreen struct {
	d     *demonstration
	lines []string // none until a book is in force
	whole bool     // the figures are
	next  time.Time
	told  bool // where nobody watches it is printed once
}

// overviewEvery is how often the figures of the first screen are counted.
const overviewEvery = 3 * time.Second

// look counts the figures anew if it is time.
func (f *firstScreen) look(ctx context.Context, now time.Time) error {
	if now.Before(f.next) {
		return nil
	}
	f.next = now.Add(overviewEvery)
	o, err := f.d.app.pipeline.Overview(ctx, f.d.scenario.Workspace)
	if fault.KindOf(err) == fault.NotFound {
		return nil // the book is being made
	}
	if err != nil {
		return err
	}
	f.lines, f.whole = overviewLines(&o), settled(&o)
	return nil
}

// status reads how the connections are.
func (d *demonstration) status(ctx context.Context, reader *statusReader) (all []connectionStatus, err error) {
	for _, v := range d.scenario.Vendors {
		one, err := reader.read(ctx, v.Connected)
		if err != nil {
			return nil, err
		}
		all = append(all, one...)
	}
	return all, nil
}

func (d *demonstration) lines(all []connectionStatus, live bool) []string {
	head := "LOADING, " + span(time.Since(d.began)) + " so far"
	if live {
		head = fmt.Sprintf("LIVE, %s changes made at the vendor since the start", count(d.changes.Load()))
	}
	out := []string{head}
	for _, s := range all {
		out = append(append(out, ""), s.lines()...)
	}
	return out
}

// summary is one line for a log.
func (d *demonstration) summary(all []connectionStatus) string {
	var parts []string
	waiting := int64(0)
	for _, s := range all {
		waiting += s.Deliveries.Waiting
		for _, o := range s.Objects {
			if o.Kind == "deals" || o.State == "loading" {
				parts = append(parts, fmt.Sprintf("%s %s%s", strings.ToLower(o.Title), count(o.Records), o.pace()))
			}
		}
	}
	return fmt.Sprintf("%s · %s · deliveries waiting %s · changes made %s", span(time.Since(d.began)), strings.Join(parts, ", "), count(waiting), count(d.changes.Load()))
}
