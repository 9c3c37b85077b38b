package main

import (
	"context"
	"fmt"
	"net"
	"time"

	"golang.org/x/sync/errgroup"

	"salesbook.dev/internal/telemetry"
	"salesbook.dev/internal/web"
)

type upCmd struct {
	Listen  string `default:":8080" env:"SALESBOOK_LISTEN" help:"Address to answer HTTP on."`
	Workers int    `default:"10" env:"SALESBOOK_WORKERS" help:"Jobs at once."`
}

// Run serves and works in one process.
func (c *upCmd) Run(ctx context.Context, g *globals) error {
	return operate(ctx, g, operation{workers: c.Workers, listen: c.Listen})
}

type serveCmd struct {
	Listen string `default:":8080" env:"SALESBOOK_LISTEN" help:"Address to answer HTTP on."`
}

// Run answers HTTP; jobs are worked off by other processes.
func (c *serveCmd) Run(ctx context.Context, g *globals) error {
	return operate(ctx, g, operation{listen: c.Listen})
}

type workCmd struct {
	Workers int    `default:"10" env:"SALESBOOK_WORKERS" help:"Jobs at once."`
	Metrics string `placeholder:"ADDR" env:"SALESBOOK_METRICS" help:"Address to answer /metrics, /healthz and /readyz on; none if not given."`
}

// Run works off jobs; other processes answer HTTP.
func (c *workCmd) Run(ctx context.Context, g *globals) error {
	return operate(ctx, g, operation{workers: c.Workers, listen: c.Metrics, operatorsOnly: true})
}

// operation is what a process runs.
type operation struct {
	workers       int    // 0: no jobs are worked off
	listen        string // empty: no HTTP
	operatorsOnly bool   // HTTP without deliveries
}

// operate runs what is asked for until ctx ends or a part fails.
func operate(ctx context.Context, g *globals, o operation) error {
	log := g.log()
	tracing, err := telemetry.StartTracing(ctx, version, getenv, log)
	if err != nil {
		return err
	}
	defer stopTracing(ctx, tracing)
	a, err := open(ctx, g, log, need{workers: o.workers, tracing: tracing})
	if err != nil {
		return err
	}
	defer a.shut()
	group, ctx := errgroup.WithContext(ctx)
	if o.listen != "" {
		l, err := net.Listen("tcp", o.listen)
		if err != nil {
			return fmt.Errorf("cannot listen on %s: %w; choose another address", o.listen, err)
		}
		log.Info("listening", "address", l.Addr().String())
		group.Go(func() error { return a.serve(ctx, l, o.operatorsOnly) })
	}
	if o.workers > 0 {
		group.Go(func() error { return a.work(ctx) })
	}
	group.Go(func() error { return a.guard(ctx) })
	return group.Wait()
}

// serve answers HTTP on l until ctx ends.
func (a *app) serve(ctx context.Context, l net.Listener, operatorsOnly bool) error {
	s := &web.Server{DB: a.db, Pipeline: a.pipeline, Metrics: a.metrics, OperatorsOnly: operatorsOnly, Traces: a.traces, Log: a.log}
	return s.Serve(ctx, l)
}

// work works off jobs until ctx ends; running ones may finish for a short time
// and are then told to stop, which loses nothing.
func (a *app) work(ctx context.Context) error {
	if err := a.patiently(ctx, func() error { return a.river.Start(context.WithoutCancel(ctx)) }); err != nil {
		return fmt.Errorf("start working: %w", err)
	}
	a.log.Info("working")
	<-ctx.Done()
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return a.river.StopAndCancel(late)
}

// guard ends everything when the private database is gone for good.
func (a *app) guard(ctx context.Context) error {
	if a.server == nil {
		return nil
	}
	select {
	case <-ctx.Done():
		return nil
	case <-a.server.Done():
		return fmt.Errorf("the private database is gone: %w", a.server.Err())
	}
}
