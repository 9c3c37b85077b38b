package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"salesbook.dev/internal/sandbox"
	"salesbook.dev/internal/sandbox/pipedrive"
)

type sandboxCmd struct {
	Vendor   string        `arg:"" enum:"pipedrive" help:"Vendor to simulate: pipedrive."`
	Listen   string        `default:"127.0.0.1:8090" placeholder:"ADDR" help:"Address to answer on; port 0 takes any that is free."`
	Seed     string        `type:"existingfile" placeholder:"FILE" help:"Records to begin with, as JSON Lines; docs/simulator.md has the form."`
	Generate int           `placeholder:"N" help:"Begin with a made-up company of N deals and a year of history."`
	Token    string        `placeholder:"TOKEN" help:"The only API token to accept; any if left out."`
	Plan     string        `enum:",lite,growth,premium,ultimate" default:"" help:"Limit calls as this plan does; unlimited if left out."`
	Seats    int           `default:"1" help:"With --plan: seats, by which the daily budget grows."`
	Fault    []string      `sep:"none" placeholder:"SPEC" help:"Misbehave, such as 429-burst:p=0.05 or slow:ms=800,path=/deals; may be repeated."`
	Consent  bool          `help:"OAuth: give consent at once instead of showing a page."`
	Trickle  time.Duration `placeholder:"EVERY" help:"Let something happen at the company this often."`
}

// Validate refuses faults that there are not.
func (c *sandboxCmd) Validate() error {
	if c.Seed != "" && c.Generate > 0 {
		return errors.New("give either --seed or --generate")
	}
	_, err := c.faults()
	return err
}

func (c *sandboxCmd) faults() ([]sandbox.Fault, error) {
	var faults []sandbox.Fault
	for _, spec := range c.Fault {
		f, err := sandbox.ParseFault(spec)
		if err != nil {
			return nil, fmt.Errorf("--fault: %w", err)
		}
		faults = append(faults, f)
	}
	return faults, nil
}

// Run simulates a vendor until it is interrupted.
func (c *sandboxCmd) Run(ctx context.Context, g *globals) (err error) {
	sim, err := c.open(g)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sim.Close()) }()
	if sim.Empty() {
		if err := c.fill(g, sim); err != nil {
			return err
		}
	}
	l, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w; choose another address with --listen", c.Listen, err)
	}
	url := "http://" + l.Addr().String()
	if g.JSON {
		err = g.printJSON(map[string]string{"vendor": c.Vendor, "url": url})
	} else {
		_, err = fmt.Fprintf(g.stdout, "listening on %s\n", url)
	}
	if err != nil {
		return errors.Join(err, l.Close())
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return sim.Serve(ctx, l) })
	group.Go(func() error { return c.live(ctx, sim) })
	return group.Wait()
}

// open opens the simulator. With --data it goes on from what it kept there.
func (c *sandboxCmd) open(g *globals) (*pipedrive.Sim, error) {
	faults, err := c.faults()
	if err != nil {
		return nil, err
	}
	dir := ""
	if g.Data != "" {
		dir = filepath.Join(g.Data, c.Vendor)
	}
	o := pipedrive.Options{Dir: dir, Token: c.Token, Faults: faults, OAuth: pipedrive.OAuth{AutoConsent: c.Consent}, Logger: g.quiet()}
	if c.Plan != "" {
		if o.Limits, err = pipedrive.PlanLimits(c.Plan, c.Seats); err != nil {
			return nil, err
		}
	}
	return pipedrive.Open(o)
}

// fill gives an empty account its records.
func (c *sandboxCmd) fill(g *globals, sim *pipedrive.Sim) error {
	defer g.telling("filling the account")()
	if c.Generate > 0 {
		return sim.Generate(1, pipedrive.ScaleOf(c.Generate))
	}
	if c.Seed == "" {
		return nil
	}
	f, err := os.Open(c.Seed)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := sim.Seed(f); err != nil {
		return fmt.Errorf("%s: %w", c.Seed, err)
	}
	return nil
}

// live lets something happen now and then, until ctx ends.
func (c *sandboxCmd) live(ctx context.Context, sim *pipedrive.Sim) error {
	if c.Trickle <= 0 {
		return nil
	}
	rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	for pause(ctx, c.Trickle) == nil {
		if _, err := sim.Trickle(rng, 1); err != nil {
			return fmt.Errorf("live changes: %w", err)
		}
	}
	return nil
}
