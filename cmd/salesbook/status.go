package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/jobs"
)

type statusCmd struct {
	Name  string `arg:"" optional:"" help:"Connection; all if left out."`
	Watch bool   `short:"w" help:"Keep it up to date until interrupted."`
}

// Run prints how far connections are.
func (c *statusCmd) Run(ctx context.Context, g *globals) error {
	a, err := open(ctx, g, g.quiet(), need{})
	if err != nil {
		return err
	}
	defer a.shut()
	r := newStatusReader(a)
	if c.Watch {
		return watchStatus(ctx, g, r, c.Name)
	}
	all, err := r.read(ctx, c.Name)
	if err != nil {
		return err
	}
	if err := printStatus(g, all); err != nil || g.JSON || c.Name != "" {
		return err
	}
	return printTelling(ctx, a)
}

func printStatus(g *globals, all []connectionStatus) error {
	if g.JSON {
		return g.printJSON(all)
	}
	if len(all) == 0 {
		fmt.Fprintln(g.stdout, "There are no connections yet; `salesbook connect VENDOR NAME` makes one.")
	}
	for i, s := range all {
		if i > 0 {
			fmt.Fprintln(g.stdout)
		}
		for _, line := range s.lines() {
			fmt.Fprintln(g.stdout, harmless(line))
		}
	}
	return nil
}

// watchStatus shows the status again and again: on a terminal over itself,
// elsewhere one after the other.
func watchStatus(ctx context.Context, g *globals, r *statusReader, name string) error {
	screen := newScreen(g.stdout)
	every := 5 * time.Second
	if screen.terminal() {
		every = time.Second
	}
	beat := time.NewTicker(every)
	defer beat.Stop()
	for {
		all, err := r.read(ctx, name)
		if err == nil && screen.terminal() && !g.JSON {
			screen.draw(time.Now(), statusLines(all), "")
		} else if err == nil {
			err = printStatus(g, all)
		}
		if err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-beat.C:
		}
	}
}

func statusLines(all []connectionStatus) (lines []string) {
	for i, s := range all {
		if i > 0 {
			lines = append(lines, "")
		}
		lines = append(lines, s.lines()...)
	}
	return lines
}

// statusReader reads the status of connections again and again.
type statusReader struct {
	a       *app
	sources map[int64]*jobs.Source // as of a connection's version: opening one compiles its map
	paces   map[int64]*pace
}

func newStatusReader(a *app) *statusReader {
	return &statusReader{a: a, sources: map[int64]*jobs.Source{}, paces: map[int64]*pace{}}
}

// read returns the status of the named connection, or of all.
func (r *statusReader) read(ctx context.Context, name string) ([]connectionStatus, error) {
	ws, err := r.a.workspace(ctx)
	if err != nil {
		return nil, err
	}
	var list []postgres.Connection
	err = r.a.db.In(ctx, ws, func(tx pgx.Tx) (err error) {
		if name == "" {
			list, err = postgres.Connections(ctx, tx, ws)
			return err
		}
		list = make([]postgres.Connection, 1)
		list[0], err = postgres.ConnectionByName(ctx, tx, ws, name)
		return err
	})
	out := make([]connectionStatus, 0, len(list))
	for _, c := range list {
		if err == nil {
			var s connectionStatus
			s, err = r.connection(ctx, c)
			out = append(out, s)
		}
	}
	return out, err
}

// connection reads one connection's status. One that cannot be opened, say
// because its map no longer fits, still has one.
func (r *statusReader) connection(ctx context.Context, c postgres.Connection) (connectionStatus, error) {
	spec, err := r.a.pipeline.SpecFor(c)
	if err != nil {
		return connectionStatus{}, err
	}
	source, broken := r.source(ctx, c)
	counted, index := countedOf(spec, source)
	history := ""
	for _, o := range spec.Objects {
		if o.Mode == connectors.Asked {
			history = o.Name
		}
	}
	var s postgres.Standing
	err = r.a.db.In(ctx, c.Workspace, func(tx pgx.Tx) error {
		s, err = postgres.StandingOf(ctx, tx, c.Workspace, c.ID, history, counted)
		return err
	})
	if err != nil {
		return connectionStatus{}, err
	}
	if r.paces[c.ID] == nil {
		r.paces[c.ID] = newPace()
	}
	r.paces[c.ID].note(s.Now, append(sweepPlaces(s.Sweeps), s.Places...))
	out := statusOf(c, spec, s, index, counted, r.paces[c.ID])
	if full := r.a.pipeline.Room(); full != nil {
		out.DiskFull = full.Error()
	}
	if broken != nil {
		out.Broken = broken.Error()
	}
	out.Judging = judgingOf(c, s.Unjudged, broken)
	if c.VendorAccountID != nil {
		out.Quota, err = r.quota(ctx, *c.VendorAccountID)
	}
	return out, err
}

func (r *statusReader) source(ctx context.Context, c postgres.Connection) (*jobs.Source, error) {
	if s := r.sources[c.ID]; s != nil && s.Version == c.Version {
		return s, nil
	}
	s, err := r.a.pipeline.Open(ctx, c.Workspace, c.ID)
	if err != nil {
		return nil, err
	}
	r.sources[c.ID] = s
	return s, nil
}

func (r *statusReader) quota(ctx context.Context, account int64) (*quotaStatus, error) {
	q, err := r.a.db.Quota(ctx, account)
	if err != nil {
		return nil, err
	}
	out := &quotaStatus{Daily: q.Daily, DailyLeft: q.DailyLeft, Burst: q.Burst, ParkedUntil: q.ParkedUntil, Rolling: q.Rolling, BackAt: q.BackAt, Back: q.Back, AtOnce: q.AtOnce}
	if q.AtOnce != nil {
		out.UnderWay = &q.UnderWay
	}
	return out, nil
}

// countedOf says which canonical rows to count for a connection, and for each
// object where its count stands.
func countedOf(spec connectors.Spec, s *jobs.Source) (counted []postgres.Counted, index map[string]int) {
	index = map[string]int{}
	if s == nil {
		return nil, index
	}
	for _, o := range spec.Objects {
		if om, ok := s.Map.Object(o.Name); ok {
			index[o.Name] = len(counted)
			counted = append(counted, postgres.Counted{Kind: om.Kind(), Prefix: om.ID("")})
		}
	}
	return counted, index
}
