package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/oauth2"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/rest"
	"salesbook.dev/mapping"
)

// Source is a connection opened for work: its connector's declaration, its
// secrets and its compiled field map, as of one moment.
type Source struct {
	postgres.Connection
	Spec        connectors.Spec
	Credentials postgres.Credentials
	locked      error // why Credentials could not be opened; nil if they were
	Map         *mapping.Map
	MapVersion  int64
	Dictionary  *mapping.Dictionary // that Map was compiled under
	erased      *erased             // set when rows are about to be written; nil if nobody was erased
	unbilled    tally               // calls made before the vendor account was known
	p           *Pipeline
}

// SpecOf returns the connector declaration of a vendor, or fault.NotFound.
func (p *Pipeline) SpecOf(vendor string) (connectors.Spec, error) {
	var known []string
	for _, s := range p.Catalog {
		if s.Name == vendor {
			return s, nil
		}
		known = append(known, s.Name)
	}
	return connectors.Spec{}, fault.New(fault.NotFound, "there is no connector for %q; there are: %v", vendor, known)
}

// SpecFor returns the declaration of a connection's vendor, with the objects that
// the connection's settings add.
func (p *Pipeline) SpecFor(c postgres.Connection) (connectors.Spec, error) {
	spec, err := p.SpecOf(c.Vendor)
	if err != nil {
		return spec, err
	}
	return spec.Under(c.Settings), nil
}

// Open reads what is stored of a connection and compiles its map. It dials
// nobody. Credentials that cannot be opened are an error only once Connector
// is called: what works on stored records does without.
func (p *Pipeline) Open(ctx context.Context, workspace, connection int64) (*Source, error) {
	s := &Source{p: p}
	err := p.DB.In(ctx, workspace, func(tx pgx.Tx) (err error) {
		if s.Connection, err = postgres.ConnectionByID(ctx, tx, workspace, connection); err != nil {
			return err
		}
		s.Credentials, err = p.Vault.Load(ctx, tx, workspace, connection)
		if postgres.Unreadable(err) {
			s.locked, err = err, nil
		}
		if err != nil {
			return err
		}
		return s.readMap(ctx, tx)
	})
	if err != nil {
		return nil, err
	}
	s.Spec, err = p.SpecFor(s.Connection)
	return s, err
}

// openForWork opens a connection whose rows are about to be written: from now
// on they are mapped with its present map, and whoever still maps with an older
// one is refused.
func (p *Pipeline) openForWork(ctx context.Context, workspace, connection int64) (*Source, error) {
	s, err := p.Open(ctx, workspace, connection)
	if err != nil {
		return nil, err
	}
	return s, p.DB.In(ctx, workspace, func(tx pgx.Tx) error {
		if s.erased, err = p.recall(ctx, tx, workspace); err != nil {
			return err
		}
		if err := p.Compressor.Keep(ctx, tx, workspace, connection); err != nil {
			return err
		}
		return postgres.AdoptMap(ctx, tx, workspace, connection, s.MapVersion)
	})
}

// hold makes sure, last before a commit, that the work is still ours and was
// done with the right map.
func (s *Source) hold(ctx context.Context, tx pgx.Tx, l postgres.Lease) error {
	if err := postgres.HoldMap(ctx, tx, s.Workspace, s.ID, s.MapVersion); err != nil {
		return err
	}
	return l.Hold(ctx, tx)
}

// refreshMap compiles the map under the dictionary just read and goes on with
// it. Rows that were mapped before are made anew by a replay.
func (s *Source) refreshMap(ctx context.Context) error {
	return s.p.DB.In(ctx, s.Workspace, func(tx pgx.Tx) error {
		if err := s.readMap(ctx, tx); err != nil {
			return err
		}
		return postgres.AdoptMap(ctx, tx, s.Workspace, s.ID, s.MapVersion)
	})
}

// readMap compiles the connection's stored map under its present dictionary.
func (s *Source) readMap(ctx context.Context, tx pgx.Tx) error {
	stored, err := postgres.MapOf(ctx, tx, s.Workspace, s.ID)
	if err != nil {
		return err
	}
	fields, err := postgres.FieldDefinitions(ctx, tx, s.Workspace, s.ID)
	if err != nil {
		return err
	}
	return s.compileMap(stored, fields)
}

// compileMap compiles a map and field definitions that have been read.
func (s *Source) compileMap(stored postgres.FieldMap, fields []postgres.FieldDefinition) (err error) {
	if s.Dictionary, err = dictionaryOf(fields); err != nil {
		return err
	}
	if s.Map, err = CompileMap(s.Name, stored, s.Dictionary); err != nil {
		return err
	}
	s.MapVersion = postgres.VersionNumber(s.Map.Version())
	return nil
}

// CompileMap compiles a stored field map under a dictionary.
func CompileMap(name string, stored postgres.FieldMap, d *mapping.Dictionary) (*mapping.Map, error) {
	base, err := mapping.Parse(name+" (base)", []byte(stored.Base))
	if err != nil {
		return nil, err
	}
	if stored.Override != "" {
		override, err := mapping.Parse(name, []byte(stored.Override))
		if err != nil {
			return nil, err
		}
		if base, err = mapping.Merge(base, override); err != nil {
			return nil, err
		}
	}
	return mapping.Compile(base, d)
}

// Dictionary returns the account's field definitions as they are stored.
func Dictionary(ctx context.Context, tx pgx.Tx, workspace, connection int64) (*mapping.Dictionary, error) {
	stored, err := postgres.FieldDefinitions(ctx, tx, workspace, connection)
	if err != nil {
		return nil, err
	}
	return dictionaryOf(stored)
}

func dictionaryOf(stored []postgres.FieldDefinition) (*mapping.Dictionary, error) {
	defs := make([]mapping.FieldDef, len(stored))
	for i, f := range stored {
		defs[i] = mapping.FieldDef{Kind: f.Kind, Code: f.Code, Name: f.Name, Type: f.Type, Custom: f.Custom, Deleted: f.Deleted}
		if len(f.Options) > 0 {
			if err := json.Unmarshal(f.Options, &defs[i].Options); err != nil {
				return nil, fmt.Errorf("options of field %s: %w", f.Code, err)
			}
		}
	}
	return mapping.NewDictionary(defs), nil
}

// config is the connection's configuration with its secrets.
func (s *Source) config() connectors.Config {
	return ForVendor(connectors.Config{BaseURL: s.BaseURL, Settings: s.Settings, Secrets: s.Credentials.Secrets})
}

// Connector opens the connector with a client that is bound to this connection
// and lane.
func (s *Source) Connector(ctx context.Context, lane rest.Lane) (connectors.Connector, error) {
	if s.locked != nil {
		return nil, fmt.Errorf("open %s: %w", s.Name, s.locked)
	}
	stack := rest.Stack{Transport: s.p.Transport, Meter: s.Spec.Meter, Now: s.p.Now, Log: s.p.Log, Timeout: 30 * time.Second, Trace: true}
	stack.Governor = &s.unbilled
	if s.VendorAccountID != nil {
		reserve, err := reserveOf(s.Settings)
		if err != nil {
			return nil, err
		}
		stack.Governor = postgres.Governor{DB: s.p.DB, Account: *s.VendorAccountID, Lane: lane, Reserve: reserve}
	}
	if s.Spec.OAuth != nil {
		if oc := s.Spec.OAuth(s.config()); oc != nil {
			stack.Tokens = s.tokens(ctx, oc)
			stack.Scheme, stack.Stale = s.Spec.Consent.Scheme, s.Spec.Consent.Stale
		}
	}
	log := s.p.Log.With("connection", s.Name, "vendor", s.Vendor)
	c, err := s.Spec.Open(connectors.Env{HTTP: rest.NewHTTPClient(stack), Now: s.p.Now, Log: log}, s.config())
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", s.Name, err)
	}
	return c, nil
}

func (s *Source) tokens(ctx context.Context, oc *oauth2.Config) *postgres.Tokens {
	client := &http.Client{Transport: s.p.Transport, Timeout: 15 * time.Second}
	return &postgres.Tokens{
		Ctx: context.WithValue(ctx, oauth2.HTTPClient, client), DB: s.p.DB, Vault: s.p.Vault,
		Workspace: s.Workspace, Connection: s.ID, Config: oc, Refusal: s.Spec.Consent.Refusal, Holder: s.p.Holder, Now: s.p.Now,
	}
}

// ability opens the connector in a lane and asks for one of its abilities.
func ability[T any](ctx context.Context, s *Source, lane rest.Lane) (T, error) {
	var none T
	c, err := s.Connector(ctx, lane)
	if err != nil {
		return none, err
	}
	a, ok := c.(T)
	if !ok {
		return none, fault.New(fault.Invalid, "the connector for %s cannot do this (%T)", s.Vendor, none)
	}
	return a, nil
}

// Receiver opens what verifies a connection's deliveries. Unlike Open it reads
// no map, since nothing is mapped.
func (p *Pipeline) Receiver(ctx context.Context, workspace, connection int64) (connectors.Receiver, connectors.Callback, error) {
	s := &Source{p: p}
	err := p.DB.In(ctx, workspace, func(tx pgx.Tx) (err error) {
		if s.Connection, err = postgres.ConnectionByID(ctx, tx, workspace, connection); err != nil {
			return err
		}
		s.Credentials, err = p.Vault.Load(ctx, tx, workspace, connection)
		return err
	})
	if err != nil {
		return nil, connectors.Callback{}, err
	}
	if s.Spec, err = p.SpecFor(s.Connection); err != nil {
		return nil, connectors.Callback{}, err
	}
	r, err := ability[connectors.Receiver](ctx, s, rest.Webhook)
	return r, CallbackOf(s.Connection, s.Credentials.Hook), err
}
