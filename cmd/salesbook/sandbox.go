package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"salesbook.dev/internal/sandbox"
	"salesbook.dev/internal/sandbox/pipedrive"
	"salesbook.dev/internal/sandbox/zoho"
)

type sandboxCmd struct {
	Vendor   string        `arg:"" enum:"pipedrive,zoho" help:"Vendor to simulate: pipedrive or zoho."`
	Listen   string        `default:"127.0.0.1:8090" placeholder:"ADDR" help:"Address to answer on; port 0 takes any that is free."`
	Seed     string        `type:"existingfile" placeholder:"FILE" help:"Records to begin with, as JSON Lines; docs/simulator.md has the form."`
	Generate int           `placeholder:"N" help:"Begin with a made-up company of N deals and a year of history."`
	Token    string        `placeholder:"TOKEN" help:"pipedrive: the only API token to accept, any if left out. zoho: an access and a refresh token that stand from the start."`
	Plan     string        `default:"" placeholder:"PLAN" help:"Limit calls as this plan or edition does; unlimited if left out. pipedrive: lite, growth, premium, ultimate; zoho: free, standard, professional, enterprise, ultimate."`
	Seats    int           `default:"1" help:"With --plan: seats or users, by which the daily budget grows."`
	Fault    []string      `sep:"none" placeholder:"SPEC" help:"Misbehave, such as 429-burst:p=0.05 or slow:ms=800,path=/deals; may be repeated."`
	Consent  bool          `help:"OAuth: give consent at once instead of showing a page."`
	Trickle  time.Duration `placeholder:"EVERY" help:"Let something happen at the company this often."`
}

// Validate refuses faults that there are not.
func (c *sandboxCmd) Validate() error {
	if c.Seed != "" && c.Generate > 0 {
		return errors.New("give either --seed or --generate")
	}
	if err := c.plan(); err != nil {
		return fmt.Errorf("--plan: %w", err)
	}
	_, err := c.faults()
	return err
}

// plan refuses plans that the vendor does not have.
func (c *sandboxCmd) plan() error {
	if c.Plan == "" {
		return nil
	}
	var err error
	if c.Vendor == "zoho" {
		_, err = zoho.EditionLimits(c.Plan, c.Seats)
	} else {
		_, err = pipedrive.PlanLimits(c.Plan, c.Seats)
	}
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

// simulated is what the command needs of a vendor's simulator.
type simulated struct {
	server
	seed     func(io.Reader) error
	generate func(deals int) error
	trickle  func(*rand.Rand) error
}

// server is what every simulator is.
type server interface {
	Serve(context.Context, net.Listener) error
	Empty() bool
	Close() error
}

// open opens the simulator. With --data it goes on from what it kept there.
func (c *sandboxCmd) open(g *globals) (simulated, error) {
	faults, err := c.faults()
	if err != nil {
		return simulated{}, err
	}
	dir := ""
	if g.Data != "" {
		dir = filepath.Join(g.Data, c.Vendor)
	}
	if c.Vendor == "zoho" {
		return c.openZoho(zoho.Options{Dir: dir, Faults: faults, Logger: g.quiet()})
	}
	return c.openPipedrive(pipedrive.Options{Dir: dir, Faults: faults, Logger: g.quiet()})
}

func (c *sandboxCmd) openPipedrive(o pipedrive.Options) (simulated, error) {
	o.Token, o.OAuth = c.Token, pipedrive.OAuth{AutoConsent: c.Consent}
	var err error
	if c.Plan != "" {
		if o.Limits, err = pipedrive.PlanLimits(c.Plan, c.Seats); err != nil {
			return simulated{}, err
		}
	}
	sim, err := pipedrive.Open(o)
	if err != nil {
		return simulated{}, err
	}
	return simulated{
		server: sim, seed: sim.Seed, generate: func(deals int) error { return sim.Generate(1, pipedrive.ScaleOf(deals)) },
		trickle: func(rng *rand.Rand) error { _, err := sim.Trickle(rng, 1); return err },
	}, nil
}

func (c *sandboxCmd) openZoho(o zoho.Options) (simulated, error) {
	o.Token, o.RefreshToken, o.OAuth = c.Token, c.Token, zoho.OAuth{AutoConsent: c.Consent}
	var err error
	if c.Plan != "" {
		o.Company = zoho.Company{Edition: c.Plan, Seats: c.Seats}
		if o.Limits, err = zoho.EditionLimits(c.Plan, c.Seats); err != nil {
			return simulated{}, err
		}
	}
	sim, err := zoho.Open(o)
	if err != nil {
		return simulated{}, err
	}
	return simulated{
		server: sim, seed: sim.Seed, generate: func(deals int) error { return sim.Generate(1, zoho.ScaleOf(deals)) },
		trickle: func(rng *rand.Rand) error { _, err := sim.Trickle(rng, 1); return err },
	}, nil
}

// fill gives an empty account its records.
func (c *sandboxCmd) fill(g *globals, sim simulated) error {
	defer g.telling("filling the account")()
	if c.Generate > 0 {
		return sim.generate(c.Generate)
	}
	if c.Seed == "" {
		return nil
	}
	f, err := os.Open(c.Seed)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := sim.seed(f); err != nil {
		return fmt.Errorf("%s: %w", c.Seed, err)
	}
	return nil
}

// live lets something happen now and then, until ctx ends.
func (c *sandboxCmd) live(ctx context.Context, sim simulated) error {
	if c.Trickle <= 0 {
		return nil
	}
	rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	for pause(ctx, c.Trickle) == nil {
		if err := sim.trickle(rng); err != nil {
			return fmt.Errorf("live changes: %w", err)
		}
	}
	return nil
}
