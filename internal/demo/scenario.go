package demo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/oauth2"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/jobs"
)

// Scenario is a demonstration in progress: the workers and the receiver of
// deliveries run beside it.
type Scenario struct {
	Pipeline  *jobs.Pipeline
	Vendors   []*Vendor
	Workspace int64
	HookURL   string // where our receiver listens
}

// Connect makes the connections the first time, and points them at the
// simulators' present addresses every other time.
func (s *Scenario) Connect(ctx context.Context) error {
	return s.each(func(v *Vendor) error { return s.connect(ctx, v) })
}

// each does something for one vendor after the other.
func (s *Scenario) each(do func(v *Vendor) error) error {
	for _, v := range s.Vendors {
		if err := do(v); err != nil {
			return err
		}
	}
	return nil
}

func (s *Scenario) connect(ctx context.Context, v *Vendor) error {
	var old postgres.Connection
	err := s.Pipeline.DB.In(ctx, s.Workspace, func(tx pgx.Tx) (err error) {
		old, err = postgres.ConnectionByName(ctx, tx, s.Workspace, v.Connected)
		return err
	})
	known := err == nil
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return err
	}
	v.id = old.ID
	if known && old.State == "active" && old.BaseURL == v.URL && old.HookURL == s.HookURL {
		return nil
	}
	spec, err := s.Pipeline.SpecOf(v.Name)
	if err != nil {
		return err
	}
	var token *oauth2.Token
	if spec.Consent.Granted != nil {
		token = spec.Consent.Granted(v.config)
	}
	source, _, err := s.Pipeline.Connect(ctx, s.Workspace, jobs.NewConnection{
		Vendor: v.Name, Name: v.Connected, HookURL: s.HookURL, By: "demo", Replace: known, Config: v.config, Token: token,
	})
	if err != nil {
		return fmt.Errorf("connect to the simulated %s: %w", v.Title, err)
	}
	v.id = source.ID
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
	return s.each(func(v *Vendor) error { return s.loaded(ctx, v) })
}

func (s *Scenario) loaded(ctx context.Context, v *Vendor) error {
	want := 0
	spec, err := s.Pipeline.SpecOf(v.Name)
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
			places, err := postgres.Places(ctx, tx, s.Workspace, v.id)
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

// Judged waits until a book is in force that speaks of every CRM and nothing waits to
// be judged, and returns what it says.
func (s *Scenario) Judged(ctx context.Context) (o jobs.Overview, err error) {
	err = until(ctx, "the first judgement", func() (bool, error) {
		o, err = s.Pipeline.Overview(ctx, s.Workspace)
		if fault.KindOf(err) == fault.NotFound {
			return false, nil // no book is in force yet
		}
		for _, v := range s.Vendors {
			if !strings.Contains(o.Book.Text, v.Connected) {
				return false, err // made when the other was loaded
			}
		}
		return o.Portfolio.Unjudged == 0, err
	})
	return o, err
}

// Subscribed waits until deliveries have been asked for.
func (s *Scenario) Subscribed(ctx context.Context) error {
	return s.each(func(v *Vendor) error { return s.subscribed(ctx, v) })
}

func (s *Scenario) subscribed(ctx context.Context, v *Vendor) error {
	return until(ctx, "the subscription to deliveries", func() (ok bool, err error) {
		err = s.in(ctx, func(tx pgx.Tx) error {
			subs, err := postgres.Subscriptions(ctx, tx, s.Workspace, v.id)
			ok = len(subs) > 0
			return err
		})
		return ok, err
	})
}

// Live makes n changes at each vendor and waits until each has been delivered
// and worked off.
func (s *Scenario) Live(ctx context.Context, seed uint64, n int) error {
	return s.each(func(v *Vendor) error { return s.live(ctx, v, seed, n) })
}

func (s *Scenario) live(ctx context.Context, v *Vendor, seed uint64, n int) error {
	if err := v.Change(rand.New(rand.NewPCG(seed, 1)), n); err != nil {
		return err
	}
	if err := v.sim.Flush(ctx); err != nil {
		return fmt.Errorf("deliver changes: %w", err)
	}
	return until(ctx, "deliveries to be worked off", func() (empty bool, err error) {
		err = s.in(ctx, func(tx pgx.Tx) error {
			waiting, err := postgres.AnyWaiting(ctx, tx, s.Workspace, v.id)
			empty = !waiting
			return err
		})
		return empty, err
	})
}

// Pull reads what has changed since the last pull, to the end.
func (s *Scenario) Pull(ctx context.Context) error {
	return s.each(func(v *Vendor) error { return s.pull(ctx, v) })
}

func (s *Scenario) pull(ctx context.Context, v *Vendor) error {
	return until(ctx, "a pull", func() (bool, error) {
		complete, err := s.Pipeline.Pull(ctx, s.Workspace, v.id, jobs.PullOptions{Force: true})
		if k := fault.KindOf(err); k == fault.Limited || k == fault.Lost {
			return false, nil // the quota renews itself; the other worker comes to an end
		}
		return complete, err
	})
}

// Prove has everything compared with the vendors and returns how many differences
// that found, and whether all connections are proven.
func (s *Scenario) Prove(ctx context.Context) (found int64, proven bool, err error) {
	proven = true
	err = s.each(func(v *Vendor) error {
		proofs, ok, err := s.prove(ctx, v)
		for _, p := range proofs {
			found += p.Figures.Drift()
		}
		proven = proven && ok
		return err
	})
	return found, proven, err
}

func (s *Scenario) prove(ctx context.Context, v *Vendor) (proofs map[string]postgres.Proof, proven bool, err error) {
	since, err := s.Pipeline.DB.Now(ctx)
	if err != nil {
		return nil, false, err
	}
	err = until(ctx, "the proof", func() (bool, error) {
		complete, err := s.Pipeline.Sweep(ctx, s.Workspace, v.id, jobs.SweepOptions{Since: since})
		if k := fault.KindOf(err); k == fault.Limited || k == fault.Lost || k == fault.Conflict {
			return false, nil // as for a pull; or a map changed under it
		}
		return complete, err
	})
	if err != nil {
		return nil, false, err
	}
	err = s.in(ctx, func(tx pgx.Tx) error {
		proofs, err = postgres.Proofs(ctx, tx, s.Workspace, v.id)
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
		{"prove", func(ctx context.Context) (err error) { r.Found, r.Proven, err = s.Prove(ctx); return err }},
		{"compare", func(ctx context.Context) (err error) { r.Objects, err = s.compare(ctx); return err }},
	}
	for _, step := range steps {
		began := time.Now()
		if err := step.do(ctx); err != nil {
			return r, err
		}
		r.Seconds[step.name] = time.Since(began).Seconds()
	}
	r.Seconds["total"] = time.Since(start).Seconds()
	for _, v := range s.Vendors {
		r.Tokens += v.sim.Spent()
	}
	for _, d := range r.Objects {
		r.Drift += d.Drift
	}
	if r.Drift > 0 || !r.Proven {
		return r, errDrift
	}
	return r, nil
}

// compare holds all connections against the truth of their vendors.
func (s *Scenario) compare(ctx context.Context) (map[string]*Drift, error) {
	out := map[string]*Drift{}
	err := s.each(func(v *Vendor) error {
		found, err := Compare(ctx, s.Pipeline.DB, s.Workspace, v.id, v.Name, v.truth)
		for kind, d := range found {
			if out[kind] == nil {
				out[kind] = &Drift{}
			}
			out[kind].add(v.Connected, d)
		}
		return err
	})
	return out, err
}
