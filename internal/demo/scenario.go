package demo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/jobs"
)

// ConnectionName is what the demonstration's connection is called.
const ConnectionName = "crm"

// Scenario is a demonstration in progress: the workers and the receiver of
// deliveries run beside it.
type Scenario struct {
	Pipeline  *jobs.Pipeline
	Vendor    *Vendor
	Workspace int64
	HookURL   string // where our receiver listens

	connection int64
}

// Connection is the id of the demonstration's connection, after Connect.
func (s *Scenario) Connection() int64 { return s.connection }

// Connect makes the connection the first time, and points it at the
// simulator's present address every other time.
func (s *Scenario) Connect(ctx context.Context) error {
	var old postgres.Connection
	err := s.Pipeline.DB.In(ctx, s.Workspace, func(tx pgx.Tx) (err error) {
		old, err = postgres.ConnectionByName(ctx, tx, s.Workspace, ConnectionName)
		return err
	})
	known := err == nil
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return err
	}
	s.connection = old.ID
	if known && old.State == "active" && old.BaseURL == s.Vendor.URL && old.HookURL == s.HookURL {
		return nil
	}
	source, _, err := s.Pipeline.Connect(ctx, s.Workspace, jobs.NewConnection{
		Vendor: "pipedrive", Name: ConnectionName, HookURL: s.HookURL, By: "demo", Replace: known,
		Config: connectors.Config{BaseURL: s.Vendor.URL, Secrets: map[string]string{"api_token": "demo-token"}},
	})
	if err != nil {
		return fmt.Errorf("connect to the simulator: %w", err)
	}
	s.connection = source.ID
	return nil
}

// poll is how often the scenario looks whether something has come about.
const poll = 50 * time.Millisecond

// until waits for a condition that other processes bring about.
func until(ctx context.Context, what string, done func() (bool, error)) error {
	for {
		ok, err := done()
		if err != nil {
			return fmt.Errorf("wait for %s: %w", what, err)
		}
		if ok {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", what, ctx.Err())
		case <-time.After(poll):
		}
	}
}

// Loaded waits until every object has been walked for the first time.
func (s *Scenario) Loaded(ctx context.Context) error {
	want := 0
	spec, err := s.Pipeline.SpecOf("pipedrive")
	if err != nil {
		return err
	}
	for _, o := range spec.Objects {
		if o.Mode == connectors.Windowed || o.Mode == connectors.Listed {
			want++
		}
	}
	return until(ctx, "the first load", func() (bool, error) {
		loaded := 0
		err := s.in(ctx, func(tx pgx.Tx) error {
			places, err := postgres.Places(ctx, tx, s.Workspace, s.connection)
			for _, p := range places {
				if p.LoadedAt != nil {
					loaded++
				}
			}
			return err
		})
		return loaded == want, err
	})
}

// Judged waits until a book is in force and nothing waits to be judged, and
// returns what it says.
func (s *Scenario) Judged(ctx context.Context) (o jobs.Overview, err error) {
	err = until(ctx, "the first judgement", func() (bool, error) {
		o, err = s.Pipeline.Overview(ctx, s.Workspace)
		if fault.KindOf(err) == fault.NotFound {
			return false, nil // no book is in force yet
		}
		return o.Portfolio.Unjudged == 0, err
	})
	return o, err
}

// Subscribed waits until deliveries have been asked for.
func (s *Scenario) Subscribed(ctx context.Context) error {
	return until(ctx, "the subscription to deliveries", func() (ok bool, err error) {
		err = s.in(ctx, func(tx pgx.Tx) error {
			subs, err := postgres.Subscriptions(ctx, tx, s.Workspace, s.connection)
			ok = len(subs) > 0
			return err
		})
		return ok, err
	})
}

// Live makes n changes at the vendor and waits until each has been delivered
// and worked off.
func (s *Scenario) Live(ctx context.Context, seed uint64, n int) error {
	if _, err := s.Vendor.Sim.Trickle(rand.New(rand.NewPCG(seed, 1)), n); err != nil {
		return fmt.Errorf("change things at the vendor: %w", err)
	}
	if err := s.Vendor.Sim.Flush(ctx); err != nil {
		return fmt.Errorf("deliver changes: %w", err)
	}
	return until(ctx, "deliveries to be worked off", func() (empty bool, err error) {
		err = s.in(ctx, func(tx pgx.Tx) error {
			waiting, err := postgres.AnyWaiting(ctx, tx, s.Workspace, s.connection)
			empty = !waiting
			return err
		})
		return empty, err
	})
}

// Pull reads what has changed since the last pull, to the end.
func (s *Scenario) Pull(ctx context.Context) error {
	return until(ctx, "a pull", func() (bool, error) {
		complete, err := s.Pipeline.Pull(ctx, s.Workspace, s.connection, jobs.PullOptions{Force: true})
		if k := fault.KindOf(err); k == fault.Limited || k == fault.Lost {
			return false, nil // the quota renews itself; the other worker comes to an end
		}
		return complete, err
	})
}

// Prove has everything compared with the vendor and returns what that found,
// by object, and whether the connection is proven.
func (s *Scenario) Prove(ctx context.Context) (proofs map[string]postgres.Proof, proven bool, err error) {
	since, err := s.Pipeline.DB.Now(ctx)
	if err != nil {
		return nil, false, err
	}
	err = until(ctx, "the proof", func() (bool, error) {
		complete, err := s.Pipeline.Sweep(ctx, s.Workspace, s.connection, jobs.SweepOptions{Since: since})
		if k := fault.KindOf(err); k == fault.Limited || k == fault.Lost || k == fault.Conflict {
			return false, nil // as for a pull; or a map changed under it
		}
		return complete, err
	})
	if err != nil {
		return nil, false, err
	}
	err = s.in(ctx, func(tx pgx.Tx) error {
		proofs, err = postgres.Proofs(ctx, tx, s.Workspace, s.connection)
		return err
	})
	var marks []jobs.Mark
	for _, p := range proofs {
		marks = append(marks, jobs.Mark{AsOf: &p.AsOf, Unrepaired: p.Figures.Unrepaired})
	}
	state, _ := jobs.ProofState(marks, 0, since)
	return proofs, state == jobs.Proven, err
}

func (s *Scenario) in(ctx context.Context, f func(tx pgx.Tx) error) error {
	return s.Pipeline.DB.In(ctx, s.Workspace, f)
}

// Report is what the scenario without a terminal prints.
type Report struct {
	Objects map[string]*Drift  `json:"objects"`
	Changes int                `json:"live_changes"`
	Tokens  int64              `json:"vendor_tokens"`
	Seconds map[string]float64 `json:"seconds"`
	Drift   int                `json:"drift"`
	// Proven is what salesbook itself says, without knowing the truth; Found is
	// how many differences its sweep found and repaired.
	Proven bool  `json:"proven"`
	Found  int64 `json:"found"`
	// Overview is what the starter book says.
	Overview jobs.Overview `json:"-"`
}

// errDrift is returned with a report that shows drift.
var errDrift = errors.New("the canonical side differs from the vendor's truth")

// IsDrift tells whether err means that the comparison found differences.
func IsDrift(err error) bool { return errors.Is(err, errDrift) }

// Once runs the whole scenario: connect, load, changes live by delivery, a final
// pull, salesbook's own proof, and the comparison with the truth. The report is complete only without an error
// or with one that IsDrift.
func (s *Scenario) Once(ctx context.Context, live int) (Report, error) {
	r := Report{Changes: live, Seconds: map[string]float64{}}
	start := time.Now()
	steps := []struct {
		name string
		do   func(context.Context) error
	}{
		{"connect", s.Connect}, {"load", s.Loaded},
		{"judge", func(ctx context.Context) (err error) { r.Overview, err = s.Judged(ctx); return err }},
		{"subscribe", s.Subscribed},
		{"live", func(ctx context.Context) error { return s.Live(ctx, Seed, live) }},
		{"pull", s.Pull},
		{"prove", func(ctx context.Context) error {
			proofs, proven, err := s.Prove(ctx)
			for _, p := range proofs {
				r.Found += p.Figures.Drift()
			}
			r.Proven = proven
			return err
		}},
		{"compare", func(ctx context.Context) (err error) {
			r.Objects, err = Compare(ctx, s.Pipeline.DB, s.Workspace, s.connection, s.Vendor.Truth)
			return err
		}},
	}
	for _, step := range steps {
		began := time.Now()
		if err := step.do(ctx); err != nil {
			return r, err
		}
		r.Seconds[step.name] = time.Since(began).Seconds()
	}
	r.Seconds["total"], r.Tokens = time.Since(start).Seconds(), s.Vendor.Sim.Spent()
	for _, d := range r.Objects {
		r.Drift += d.Drift
	}
	if r.Drift > 0 || !r.Proven {
		return r, errDrift
	}
	return r, nil
}
