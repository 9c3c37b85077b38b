package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"salesbook.dev/internal/demo"
	"salesbook.dev/internal/embedded"
	"salesbook.dev/internal/telemetry"
)

type demoCmd struct {
	Once    bool          `help:"Run the whole scenario once without a terminal, compare, and leave nothing running."`
	CRM     string        `name:"crm" enum:"pipedrive,zoho,both" default:"pipedrive" help:"Which CRM the company has: pipedrive, zoho or both."`
	Scale   float64       `default:"1" help:"Size of the company: 1 is about 5,000 deals."`
	Changes int           `default:"500" help:"With --once: changes made live."`
	Timeout time.Duration `default:"15m" help:"With --once: when to give up."`
}

// Run shows the demonstration until it is interrupted, or once.
func (c *demoCmd) Run(ctx context.Context, g *globals) error {
	temporary, err := c.directory(g)
	if err != nil {
		return err
	}
	if temporary {
		defer os.RemoveAll(g.Data)
	}
	if c.Once {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.Timeout)
		defer cancel()
	}
	g.DatabaseURL = "" // the demonstration never touches another database
	d, err := c.start(ctx, g)
	if err != nil {
		return err
	}
	defer d.app.shut()
	return d.run(ctx, c)
}

// directory chooses the demonstration's own data directory; one that is only
// for this run is temporary.
func (c *demoCmd) directory(g *globals) (temporary bool, err error) {
	switch {
	case g.Data != "":
		g.Data, err = filepath.Abs(g.Data)
	case c.Once:
		g.Data, err = os.MkdirTemp("", "salesbook-demo-")
		temporary = true
		if err == nil {
			err = os.Chmod(g.Data, 0o755) // as root the database runs as another user
		}
	default:
		if g.Data, err = embedded.DefaultDir(); err == nil {
			g.Data += "-demo"
		}
	}
	if err != nil {
		return false, err
	}
	return temporary, os.MkdirAll(g.Data, 0o755)
}

// demonstration is one in progress.
type demonstration struct {
	app      *app
	scenario *demo.Scenario
	began    time.Time
	changes  atomic.Int64 // made at the vendor since the start
}

// start opens the installation and, beside it, the simulator.
func (c *demoCmd) start(ctx context.Context, g *globals) (*demonstration, error) {
	d := &demonstration{began: time.Now(), scenario: &demo.Scenario{}}
	log := c.log(g)
	var group errgroup.Group
	group.Go(func() (err error) {
		d.scenario.Vendors, err = demo.OpenVendors(g.Data, c.crms(), int(c.Scale*demo.FullScale), log)
		return err
	})
	group.Go(func() (err error) {
		d.app, err = open(ctx, g, log, need{workers: 8})
		return err
	})
	if err := group.Wait(); err != nil {
		if d.app != nil {
			d.app.shut()
		}
		return nil, err
	}
	d.scenario.Pipeline = d.app.pipeline
	var err error
	if d.scenario.Workspace, err = d.app.workspace(ctx); err != nil {
		d.app.shut()
	}
	return d, err
}

// crms are the names in the catalog of what the company has.
func (c *demoCmd) crms() []string {
	if c.CRM == "both" {
		return []string{"pipedrive", "zoho"}
	}
	return []string{c.CRM}
}

// log keeps the terminal to the demonstration: the log goes to a file.
func (c *demoCmd) log(g *globals) *slog.Logger {
	if g.Verbose {
		return g.log()
	}
	f, err := os.OpenFile(filepath.Join(g.Data, "demo.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return g.quiet()
	}
	return telemetry.NewLogger(f, slog.LevelInfo, telemetry.JSON)
}

// run runs simulator, receiver, workers and the scenario together.
func (d *demonstration) run(ctx context.Context, c *demoCmd) error {
	l, err := demo.Listen(d.app.Data, "web")
	if err != nil {
		return err
	}
	d.scenario.HookURL = "http://" + l.Addr().String()
	beside, stop := context.WithCancel(ctx)
	group, beside := errgroup.WithContext(beside)
	for _, v := range d.scenario.Vendors {
		group.Go(func() error { return v.Serve(beside) })
	}
	group.Go(func() error { return d.app.serve(beside, l, false) })
	group.Go(func() error { return d.app.work(beside) })
	group.Go(func() error { return d.app.guard(beside) })
	show := d.watch
	if c.Once {
		show = func(ctx context.Context) error { return d.once(ctx, c.Changes) }
	}
	err = show(beside)
	if c.Once && ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = incomplete{"interrupted before both sides were compared"} // silence would be taken for success
	}
	stop()
	if e := group.Wait(); err == nil || ctx.Err() == nil && beside.Err() != nil && e != nil {
		err = e
	}
	return err
}

// once runs the scenario to its comparison and prints the report.
func (d *demonstration) once(ctx context.Context, changes int) error {
	r, err := d.scenario.Once(ctx, changes)
	if err != nil && !demo.IsDrift(err) {
		return err
	}
	if d.app.JSON {
		if e := d.app.printJSON(r); e != nil {
			return e
		}
	} else {
		demo.Print(d.app.stdout, r)
		fmt.Fprintln(d.app.stdout, "\nWhat the starter book says:\n\n"+strings.Join(overviewLines(&r.Overview), "\n"))
	}
	switch {
	case err != nil && r.Drift == 0:
		return incomplete{"nothing differs from the simulator's truth, but salesbook has not proven it: see the state of the proof"}
	case err != nil:
		return incomplete{fmt.Sprintf("%d records differ between the simulator's truth and the canonical side", r.Drift)}
	}
	return nil
}

// lifeEvery is how often something happens at the simulated company.
const lifeEvery = 700 * time.Millisecond

// watch connects and shows how the company is loaded and then lives on.
func (d *demonstration) watch(ctx context.Context) error {
	if err := d.scenario.Connect(ctx); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		if err := d.scenario.Loaded(ctx); err != nil {
			return err
		}
		return d.live(ctx)
	})
	group.Go(func() error { return d.show(ctx) })
	return group.Wait()
}

// live keeps a trickle of changes going.
func (d *demonstration) live(ctx context.Context) error {
	rng := rand.New(rand.NewPCG(uint64(d.began.UnixNano()), 0))
	beat := time.NewTicker(lifeEvery)
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-beat.C:
			all := d.scenario.Vendors
			if err := all[rng.IntN(len(all))].Change(rng, 1); err != nil {
				return err
			}
			d.changes.Add(1)
		}
	}
}
