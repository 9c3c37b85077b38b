package pipedrive

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"salesbook.dev/internal/sandbox"
)

// Company is the account that the simulator plays.
type Company struct {
	ID       int64  // the vendor's company id
	Name     string // shown by users/me
	Domain   string // company_domain, the host name's first label at the vendor
	Country  string // ISO 3166 alpha-2
	Currency string // the default currency, ISO 4217
	TimeZone string // IANA name; local_won_date and its kin are dates there
}

// Options configures a simulator. The zero value keeps everything in memory,
// accepts any API token, has no limits and misbehaves in nothing.
type Options struct {
	// Dir holds the journal, so that the next Open goes on where this one
	// stopped; "" keeps nothing.
	Dir string
	// Clock is where every time comes from; nil is the machine's clock.
	Clock sandbox.Clock
	// Token is the only API token accepted; "" accepts any that is not empty.
	Token string
	// TokenUsers maps API tokens to users, so that a token may lack an
	// administrator's rights; other accepted tokens act as the first administrator.
	TokenUsers map[string]int64
	// OAuth configures the authorization server.
	OAuth OAuth
	// Limits bounds the calls; the zero value does not.
	Limits Limits
	// Faults are armed from the start.
	Faults []sandbox.Fault
	// RandomSeed feeds the dice of faults, ids and secrets.
	RandomSeed uint64
	// Company defaults to a Polish one.
	Company Company
	// BaseURL is the api_domain told to OAuth clients; "" takes scheme and
	// host of the request.
	BaseURL string
	// Logger gets the simulator's own troubles; nil discards them.
	Logger *slog.Logger
}

// Sim is a running Pipedrive. It is an http.Handler and safe for concurrent use.
type Sim struct {
	opt     Options
	clock   sandbox.Clock
	log     *slog.Logger
	zone    *time.Location
	faults  *sandbox.Faults
	journal *sandbox.Journal // nil when everything stays in memory
	mux     *http.ServeMux
	direct  *http.ServeMux // the same routes without auth, limits and faults
	hooks   *hookRunner
	quota   *quota
	between sandbox.Interludes
	ids     *dice
	buffers sync.Pool

	mu sync.RWMutex // guards all below
	*store
}

// Open starts a simulator and restores what Dir holds. A directory that is new
// or "" gives the account a fresh one has: an administrator, one pipeline, the
// standard fields. Fill it by Seed or Generate.
func Open(o Options) (*Sim, error) {
	s, err := newSim(o)
	if err != nil {
		return nil, err
	}
	if err := s.restore(); err != nil {
		s.hooks.queue.Close()
		return nil, err
	}
	s.freshDice()
	if len(s.users.rows) == 0 {
		if err := s.write(actor{}, s.furnish); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	if err := s.tieAll(o.Faults); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func newSim(o Options) (*Sim, error) {
	o = o.withDefaults()
	zone, err := time.LoadLocation(o.Company.TimeZone)
	if err != nil {
		return nil, fmt.Errorf("company time zone: %w", err)
	}
	s := &Sim{
		opt: o, clock: o.Clock, log: o.Logger, zone: zone,
		faults: sandbox.NewFaults(o.RandomSeed, o.Faults...),
		ids:    newDice(o.RandomSeed),
		store:  newStore(),
	}
	s.quota = newQuota(o.Limits)
	s.hooks = newHookRunner(s)
	s.mux, s.direct = s.routeAll()
	return s, nil
}

// freshDice keeps a restarted simulator from throwing the same ids again.
func (s *Sim) freshDice() {
	if len(s.users.rows) == 0 {
		return
	}
	mix := uint64(s.clock.Now().UnixNano())
	for _, t := range s.tables {
		mix += uint64(t.next)
	}
	s.ids = newDice(s.opt.RandomSeed ^ mix)
}

func (o Options) withDefaults() Options {
	if o.Clock == nil {
		o.Clock = sandbox.System{}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Company == (Company{}) {
		o.Company = Company{
			ID: 6083095, Name: "Przykładowa Sp. z o.o.", Domain: "przykladowa",
			Country: "PL", Currency: "PLN", TimeZone: "Europe/Warsaw",
		}
	}
	o.OAuth = o.OAuth.withDefaults()
	return o
}

// Now is the vendor's present instant: the clock, shifted by a skew fault.
func (s *Sim) Now() time.Time { return s.clock.Now().Add(s.faults.Skew()).UTC() }

// Empty reports whether the account holds no deals, leads, persons or
// organizations, so that a caller knows to seed or generate.
func (s *Sim) Empty() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.empty()
}

// Inject arms one more fault and returns what disarms it. A ties fault acts at
// once and cannot be taken back.
func (s *Sim) Inject(f sandbox.Fault) (remove func(), err error) {
	if err := s.tieAll([]sandbox.Fault{f}); err != nil {
		return nil, err
	}
	return s.faults.Add(f), nil
}

// Before calls do, once, just before the next request with this method whose path
// contains path takes effect: what a person does between a client's reading and its
// writing. do may use Do. It reports whether it has been called.
func (s *Sim) Before(method, path string, do func()) (happened func() bool) {
	return s.between.Add(method, path, do)
}

// Flush waits until every webhook delivery is done, retries included: with a
// dead subscriber that takes minutes of the simulator's clock.
func (s *Sim) Flush(ctx context.Context) error { return s.hooks.queue.Flush(ctx) }

// Settle waits until no webhook delivery is under way; retries may still wait
// for their time.
func (s *Sim) Settle(ctx context.Context) error { return s.hooks.queue.Settle(ctx) }

// Serve answers on l until ctx ends, then lets running answers finish for up
// to five seconds. It closes l, not the simulator.
func (s *Sim) Serve(ctx context.Context, l net.Listener) error {
	return sandbox.Serve(ctx, l, s, s.log, "Pipedrive")
}

// Close drops pending webhook deliveries and puts the journal to rest.
func (s *Sim) Close() error {
	s.hooks.queue.Close()
	if s.journal == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(s.saveSpent(), s.journal.Close())
}
