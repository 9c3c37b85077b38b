package zoho

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"salesbook.dev/internal/sandbox"
)

// Company is the organization that the simulator plays.
type Company struct {
	Name     string
	Country  string // ISO 3166 alpha-2
	Currency string // ISO 4217; amounts are in it
	TimeZone string // IANA name; times are shown in it
	Edition  string // as license_details.paid_type tells: free, standard, professional, enterprise, ultimate
	// OneCurrency is an account without multi-currency: its deals have no Currency
	// and no Exchange_Rate (fact sheet 2.7).
	OneCurrency bool
	Seats       int // licences bought
}

// Options configures a simulator. The zero value keeps everything in memory,
// has no limits and misbehaves in nothing.
type Options struct {
	// Dir holds the journal, so that the next Open goes on where this one
	// stopped; "" keeps nothing.
	Dir string
	// Clock is where every time comes from; nil is the machine's clock.
	Clock sandbox.Clock
	// Token is an access token that never ends and has every scope; "" is none.
	Token string
	// RefreshToken is a consent that stands from the start, for any client; "" is none.
	RefreshToken string
	// OAuth configures the accounts server.
	OAuth OAuth
	// Limits bounds the calls; the zero value does not.
	Limits Limits
	// Faults are armed from the start.
	Faults []sandbox.Fault
	// RandomSeed feeds the dice of faults and secrets.
	RandomSeed uint64
	// Company is a Polish one in what it leaves open.
	Company Company
	// BaseURL is the api_domain told to OAuth clients, AccountsURL the
	// accounts-server; "" takes scheme and host of the request.
	BaseURL, AccountsURL string
	// BulkRows is how many records a Bulk Read page holds; 0 is the vendor's 200,000.
	BulkRows int
	// ListReach is how many records the places of a list reach; 0 is the vendor's
	// 100,000.
	ListReach int
	// Logger gets the simulator's own troubles; nil discards them.
	Logger *slog.Logger
}

// Sim is a running Zoho CRM. It is an http.Handler and safe for concurrent use.
type Sim struct {
	opt     Options
	clock   sandbox.Clock
	log     *slog.Logger
	zone    *time.Location
	faults  *sandbox.Faults
	journal *sandbox.Journal // nil when everything stays in memory
	mux     *http.ServeMux
	direct  *http.ServeMux // the same routes without auth, limits and faults
	hooks   *channelRunner
	quota   *quota
	between sandbox.Interludes
	dice    *dice

	mu sync.RWMutex // guards all below
	*store
	hidden   []string // modules that are shown in related lists alone
	unlisted []string // related lists that the layouts hide, as Module/List
	openOnly bool     // related lists of tasks show those that are not done
}

// Hide makes a module one that the account's edition shows in related lists alone.
func (s *Sim) Hide(module string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hidden = append(s.hidden, module)
}

// HideRelated hides a related list in a module's layouts, as administrators may, or
// shows it again. A hidden one cannot be read (OpenAPI 2026, related records,
// INVALID_DATA).
func (s *Sim) HideRelated(module, list string, hidden bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := module + "/" + list
	s.unlisted = slices.DeleteFunc(s.unlisted, func(is string) bool { return is == name })
	if hidden {
		s.unlisted = append(s.unlisted, name)
	}
}

// RelateOpenTasks has related lists of tasks show only those that are not done.
// Nobody documents whether they hold the others: a client must do with either.
func (s *Sim) RelateOpenTasks() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.openOnly = true
}

// Open starts a simulator and restores what Dir holds. A directory that is new
// or "" gives the account a fresh one has: an administrator, the standard
// modules, one pipeline. Fill it by Seed or Generate.
func Open(o Options) (*Sim, error) {
	o = o.withDefaults()
	zone, err := time.LoadLocation(o.Company.TimeZone)
	if err != nil {
		return nil, fmt.Errorf("company time zone: %w", err)
	}
	s := &Sim{
		opt: o, clock: o.Clock, log: o.Logger, zone: zone, faults: sandbox.NewFaults(o.RandomSeed, o.Faults...),
		dice: newDice(o.RandomSeed), store: newStore(), quota: newQuota(o.Limits),
	}
	s.hooks = newChannelRunner(s)
	s.mux, s.direct = s.routeAll()
	if err := s.restore(); err != nil {
		s.hooks.queue.Close()
		return nil, err
	}
	if s.settings == nil {
		err = s.importing(s.furnish)
	} else {
		s.dice = newDice(o.RandomSeed ^ uint64(s.next) ^ uint64(s.clock.Now().UnixNano()))
	}
	if err == nil {
		err = s.tieAll(o.Faults)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (o Options) withDefaults() Options {
	if o.Clock == nil {
		o.Clock = sandbox.System{}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	c := &o.Company
	c.Name, c.Country, c.Currency = cmp.Or(c.Name, "Przykładowa Sp. z o.o."), cmp.Or(c.Country, "PL"), cmp.Or(c.Currency, "PLN")
	c.TimeZone, c.Edition, c.Seats = cmp.Or(c.TimeZone, "Europe/Warsaw"), cmp.Or(c.Edition, "enterprise"), cmp.Or(c.Seats, 30)
	o.OAuth = o.OAuth.withDefaults()
	o.ListReach = cmp.Or(o.ListReach, maxByToken)
	return o
}

// Now is the vendor's present instant: the clock, shifted by a skew fault.
func (s *Sim) Now() time.Time { return s.clock.Now().Add(s.faults.Skew()).UTC() }

// Empty reports whether the account holds no deals, leads, contacts or
// accounts, so that a caller knows to generate.
func (s *Sim) Empty() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, m := range []string{"Deals", "Leads", "Contacts", "Accounts"} {
		if len(s.tables[m].rows) > 0 {
			return false
		}
	}
	return true
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

// Settle waits until no notification is under way.
func (s *Sim) Settle(ctx context.Context) error { return s.hooks.queue.Settle(ctx) }

// Flush waits until every notification has been tried, held-back ones included.
func (s *Sim) Flush(ctx context.Context) error { return s.hooks.queue.Flush(ctx) }

// Serve answers on l until ctx ends, then lets running answers finish for up
// to five seconds. It closes l, not the simulator.
func (s *Sim) Serve(ctx context.Context, l net.Listener) error {
	return sandbox.Serve(ctx, l, s, s.log, "Zoho")
}

// Close drops pending notifications and puts the journal to rest.
func (s *Sim) Close() error {
	s.hooks.queue.Close()
	if s.journal == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.journal.Close()
}
