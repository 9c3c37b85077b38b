package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"salesbook.dev/internal/demo"
)

// show draws the connection's status until ctx ends: progress with rate and
// time left while it loads, then how closely it follows the living company.
func (d *demonstration) show(ctx context.Context) error {
	screen := newScreen(d.app.stdout)
	fmt.Fprintf(d.app.stdout, "A simulated Pipedrive answers at %s; data in %s. Ctrl-C ends it, `make demo` goes on.\n\n", d.scenario.Vendor.URL, d.app.Data)
	reader := newStatusReader(d.app)
	live := false
	beat := time.NewTicker(redrawEvery)
	defer beat.Stop()
	for {
		all, err := reader.read(ctx, demo.ConnectionName)
		if err != nil {
			return err
		}
		if s := all[0]; s.Loaded && !live {
			live = true
			beat.Reset(time.Second) // counting costs more than it tells now
			if !screen.terminal() {
				fmt.Fprintf(d.app.stdout, "loaded in %s; from here on it lives\n", span(time.Since(d.began)))
			}
		}
		screen.draw(time.Now(), d.lines(all[0], live), d.summary(all[0]))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-beat.C:
		}
	}
}

func (d *demonstration) lines(s connectionStatus, live bool) []string {
	head := "LOADING, " + span(time.Since(d.began)) + " so far"
	if live {
		head = fmt.Sprintf("LIVE, %s changes made at the vendor since the start", count(d.changes.Load()))
	}
	return append([]string{head, ""}, s.lines()...)
}

// summary is one line for a log.
func (d *demonstration) summary(s connectionStatus) string {
	var parts []string
	for _, o := range s.Objects {
		if o.Kind == "deals" || o.State == "loading" {
			parts = append(parts, fmt.Sprintf("%s %s%s", strings.ToLower(o.Title), count(o.Records), o.pace()))
		}
	}
	return fmt.Sprintf("%s · %s · deliveries waiting %s · changes made %s", span(time.Since(d.began)), strings.Join(parts, ", "), count(s.Deliveries.Waiting), count(d.changes.Load()))
}
