package jobs

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"golang.org/x/oauth2"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/rest"
	"salesbook.dev/mapping"
)

// NewConnection is what an admin gives to connect an account.
type NewConnection struct {
	Vendor, Name string
	Config       connectors.Config
	Token        *oauth2.Token // only OAuth connections, after consent
	HookURL      string        // public base URL of our receiver; empty: no deliveries
	By           string        // who did it, for the audit
	Replace      bool          // a connection of that name gets these settings and secrets
	// Over is, with Replace, the version of the settings that these were made from; 0:
	// whatever stands is replaced.
	Over int64
	// Keep leaves, with Replace, the stored secrets as they are, and the consent unless
	// there is a Token.
	Keep bool
}

// pullEvery is how often a connection is looked at; each object has its own
// period on top.
const pullEvery = 30 * time.Second

// Connect checks the settings, stores the connection and asks the vendor what
// the credentials may see. Credentials that the vendor refuses leave everything
// as it was.
func (p *Pipeline) Connect(ctx context.Context, workspace int64, n NewConnection) (*Source, connectors.Rights, error) {
	spec, err := p.SpecOf(n.Vendor)
	if err != nil {
		return nil, connectors.Rights{}, err
	}
	if err := CheckFields(spec, n.Config); err != nil {
		return nil, connectors.Rights{}, err
	}
	base, err := mapping.Default(n.Vendor)
	if err != nil {
		return nil, connectors.Rights{}, err
	}
	s, back, err := p.storeConnection(ctx, workspace, n, string(base))
	if err != nil {
		return nil, connectors.Rights{}, err
	}
	rights, err := p.Check(ctx, s)
	if err != nil {
		return s, rights, p.forget(ctx, s, back, err)
	}
	if n.Replace { // it may have been stopped by a restored backup, which brings back who was erased
		if _, err := p.EraseAgain(ctx, workspace, n.By); err != nil {
			return s, rights, fmt.Errorf("persons who were erased could not be erased again; %s stays paused: %w", n.Name, err)
		}
	}
	return s, rights, p.begin(ctx, s)
}

// CheckFields compares what is given with what the connector declares. A
// secret among the settings is refused here: those are stored and shown as
// they are.
func CheckFields(spec connectors.Spec, cfg connectors.Config) error {
	if _, err := reserveOf(cfg.Settings); err != nil {
		return err
	}
	cfg = ForVendor(cfg)
	secret := map[string]bool{}
	for _, f := range spec.Fields {
		secret[f.Name] = f.Secret
	}
	for _, name := range slices.Sorted(maps.Keys(cfg.Settings)) {
		if hidden, known := secret[name]; !known {
			return fault.New(fault.Invalid, "%s has no setting %q; it has: %s", spec.Name, name, fieldNames(spec))
		} else if hidden {
			return fault.New(fault.Invalid, "%s of %s is a secret and not a setting; give it with --secret %s=@FILE", name, spec.Name, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(cfg.Secrets)) {
		if hidden, known := secret[name]; !known {
			return fault.New(fault.Invalid, "%s has no secret %q; it has: %s", spec.Name, name, fieldNames(spec))
		} else if !hidden {
			return fault.New(fault.Invalid, "%s of %s is no secret; give it with --set %s=VALUE", name, spec.Name, name)
		}
	}
	return nil
}

func fieldNames(spec connectors.Spec) string {
	text := ""
	for i, f := range spec.Fields {
		if i > 0 {
			text += ", "
		}
		text += f.Name
		if f.Secret {
			text += " (secret)"
		}
	}
	return text
}

// undo takes back what storeConnection has stored.
type undo func(ctx context.Context, tx pgx.Tx) error

func (p *Pipeline) storeConnection(ctx context.Context, workspace int64, n NewConnection, base string) (*Source, undo, error) {
	var id int64
	var back undo
	err := p.DB.In(ctx, workspace, func(tx pgx.Tx) (err error) {
		c := postgres.Connection{Workspace: workspace, Name: n.Name, Vendor: n.Vendor, BaseURL: n.Config.BaseURL, Settings: n.Config.Settings, HookURL: n.HookURL}
		if c.Settings == nil {
			c.Settings = map[string]string{}
		}
		var creds postgres.Credentials
		if n.Replace {
			id, creds, back, err = p.replace(ctx, tx, c, n)
		} else {
			id, back, err = p.add(ctx, tx, c, base, n.By)
		}
		if err != nil {
			return err
		}
		if err := p.giveCredentials(ctx, tx, workspace, id, n, creds); err != nil {
			return err
		}
		return postgres.Audit(ctx, tx, workspace, n.By, "connect", n.Name, map[string]any{"vendor": n.Vendor, "settings": n.Config.Settings, "base_url": n.Config.BaseURL, "hook_url": n.HookURL})
	})
	if err != nil {
		return nil, nil, err
	}
	s, err := p.Open(ctx, workspace, id)
	return s, back, err
}

// keepsAll tells that the stored credentials stay, as they are and as they become:
// somebody may be renewing a token at this moment, and the new one be the only good one.
func (n NewConnection) keepsAll() bool { return n.Keep && n.Token == nil }

// giveCredentials stores what a connection is given beside its present credentials.
func (p *Pipeline) giveCredentials(ctx context.Context, tx pgx.Tx, workspace, id int64, n NewConnection, present postgres.Credentials) error {
	if n.keepsAll() {
		return nil
	}
	if !n.Keep {
		present.Secrets = n.Config.Secrets
	}
	present.Token, present.Scope = n.Token, ""
	if n.Token != nil {
		present.Scope = ToldWith(n.Token)("scope")
	}
	return p.saveCredentials(ctx, tx, workspace, id, n.Name, present)
}

func (p *Pipeline) saveCredentials(ctx context.Context, tx pgx.Tx, workspace, id int64, name string, c postgres.Credentials) error {
	saved, err := p.Vault.Save(ctx, tx, workspace, id, c)
	if err == nil && !saved {
		err = fault.New(fault.Conflict, "the credentials of %s were changed meanwhile; try again", name)
	}
	return err
}

// add makes a new connection with the vendor's default map.
func (p *Pipeline) add(ctx context.Context, tx pgx.Tx, c postgres.Connection, base, by string) (int64, undo, error) {
	id, err := postgres.AddConnection(ctx, tx, c.Workspace, c)
	if err != nil {
		return 0, nil, err
	}
	back := func(ctx context.Context, tx pgx.Tx) error { return postgres.RemoveConnection(ctx, tx, c.Workspace, id) }
	return id, back, postgres.SetMap(ctx, tx, c.Workspace, id, postgres.FieldMap{Base: base}, by)
}

// replace gives an existing connection other settings and returns its present
// credentials. Those that cannot be opened any more are not brought back.
func (p *Pipeline) replace(ctx context.Context, tx pgx.Tx, c postgres.Connection, n NewConnection) (int64, postgres.Credentials, undo, error) {
	old, err := postgres.ConnectionByName(ctx, tx, c.Workspace, c.Name)
	if err != nil {
		return 0, postgres.Credentials{}, nil, err
	}
	if old.Vendor != c.Vendor {
		return 0, postgres.Credentials{}, nil, fault.New(fault.Invalid, "%s is a connection to %s, not to %s", c.Name, old.Vendor, c.Vendor)
	}
	if err := n.unchanged(old); err != nil {
		return 0, postgres.Credentials{}, nil, err
	}
	c.ID = old.ID
	if err := postgres.UpdateConnection(ctx, tx, c); err != nil {
		return 0, postgres.Credentials{}, nil, err
	}
	// Nobody works with credentials that may belong to another company, and what
	// still works with the old ones must not judge the new.
	if err := standStill(ctx, tx, c, "paused", "its new settings have not been checked yet; if that was interrupted, connect it again with --replace"); err != nil {
		return 0, postgres.Credentials{}, nil, err
	}
	creds, unreadable := p.Vault.Load(ctx, tx, c.Workspace, c.ID)
	if unreadable != nil && (n.Keep || !postgres.Unreadable(unreadable)) {
		return 0, postgres.Credentials{}, nil, unreadable
	}
	back := func(ctx context.Context, tx pgx.Tx) error {
		if err := postgres.UpdateConnection(ctx, tx, old); err != nil {
			return err
		}
		if err := standStill(ctx, tx, old, old.State, old.StateWhy); err != nil || unreadable != nil || n.keepsAll() {
			return err
		}
		now, err := p.Vault.Load(ctx, tx, c.Workspace, c.ID)
		if err != nil {
			return err
		}
		before := creds
		before.Version = now.Version
		return p.saveCredentials(ctx, tx, c.Workspace, c.ID, c.Name, before)
	}
	return c.ID, creds, back, nil
}

// standStill gives a connection a state and takes it away from whoever works on
// it at the moment.
func standStill(ctx context.Context, tx pgx.Tx, c postgres.Connection, state, why string) error {
	if err := postgres.RevokeLeases(ctx, tx, c.Workspace, c.ID); err != nil {
		return err
	}
	_, err := postgres.SetState(ctx, tx, c.Workspace, c.ID, state, why)
	return err
}

// Check asks the vendor what the credentials may see and records it.
func (p *Pipeline) Check(ctx context.Context, s *Source) (connectors.Rights, error) {
	c, err := s.Connector(ctx, rest.Interactive)
	if err != nil {
		return connectors.Rights{}, err
	}
	rights, err := c.Check(ctx)
	if err != nil {
		return rights, fmt.Errorf("check %s: %w", s.Name, err)
	}
	quota := s.Spec.Quota
	if rights.Quota.Burst > 0 {
		quota.Burst, quota.BurstWindow = rights.Quota.Burst, rights.Quota.BurstWindow
	}
	if rights.Quota.Daily > 0 {
		quota.Daily, quota.DailyZone = rights.Quota.Daily, rights.Quota.DailyZone
	}
	if rights.Quota.AtOnce > 0 {
		quota.AtOnce, quota.HeavyAtOnce = rights.Quota.AtOnce, rights.Quota.HeavyAtOnce
	}
	rights.Quota = quota
	err = p.DB.In(ctx, s.Workspace, func(tx pgx.Tx) error {
		creds, err := p.Vault.Load(ctx, tx, s.Workspace, s.ID) // the check may have renewed the token, and been told the scope
		if err != nil {
			return err
		}
		rights.Missing = append(rights.Missing, lacking(s.Spec, creds.Scope, rights.Missing)...)
		if err := postgres.SetRights(ctx, tx, s.Connection, rights); err != nil {
			return err
		}
		s.Connection, err = postgres.ConnectionByID(ctx, tx, s.Workspace, s.ID)
		return err
	})
	if err != nil || s.VendorAccountID == nil {
		return rights, err
	}
	return rights, s.unbilled.settle(ctx, postgres.Governor{DB: p.DB, Account: *s.VendorAccountID, Lane: rest.Interactive})
}

// forget takes a connection back whose first check failed, so that the admin
// can try again under the same name, and loses nothing by a mistyped token.
func (p *Pipeline) forget(ctx context.Context, s *Source, back undo, cause error) error {
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := p.DB.In(late, s.Workspace, func(tx pgx.Tx) error { return back(late, tx) }); err != nil {
		return fmt.Errorf("%w (and what was stored of the connection could not be taken back: %v)", cause, err)
	}
	return cause
}

// begin sets a connection going.
func (p *Pipeline) begin(ctx context.Context, s *Source) error {
	return p.DB.In(ctx, s.Workspace, func(tx pgx.Tx) error {
		if _, err := postgres.SetState(ctx, tx, s.Workspace, s.ID, "active", ""); err != nil {
			return err
		}
		every := map[string]time.Duration{PullArgs{}.Kind(): pullEvery, HistoryArgs{}.Kind(): time.Minute,
			WatchArgs{}.Kind(): time.Hour, SweepArgs{}.Kind(): SweepEvery, PushArgs{}.Kind(): pushEvery}
		for _, kind := range slices.Sorted(maps.Keys(every)) {
			if err := postgres.Schedule(ctx, tx, s.Workspace, kind, s.ID, every[kind]); err != nil {
				return err
			}
		}
		if err := postgres.Schedule(ctx, tx, s.Workspace, RetainArgs{}.Kind(), 0, retainEvery); err != nil {
			return err
		}
		// Nobody writes a book before seeing what it is good for.
		if active, err := postgres.ActiveBook(ctx, tx, s.Workspace); err != nil {
			return err
		} else if active.Version == 0 || active.ActiveBy == StarterBy {
			if err := postgres.Schedule(ctx, tx, s.Workspace, StartArgs{}.Kind(), 0, startEvery); err != nil {
				return err
			}
		}
		if s.HookURL == "" { // those that there may have been went with their address
			if err := postgres.SetSubscriptions(ctx, tx, s.Workspace, s.ID, nil); err != nil {
				return err
			}
		}
		// Started at once: an admin who has just connected watches.
		_, err := p.Queue.InsertManyTx(ctx, tx, []river.InsertManyParams{{Args: PullArgs{Workspace: s.Workspace, Connection: s.ID}}, {Args: WatchArgs{s.Workspace, s.ID}}})
		return err
	})
}
