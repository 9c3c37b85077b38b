package jobs

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/rest"
)

// HookPath is where deliveries arrive: the unguessable part follows.
const HookPath = "/in/"

// HookHash is how the unguessable part of a delivery URL is stored and found.
func HookHash(part string) []byte {
	sum := sha256.Sum256([]byte(part))
	return sum[:]
}

// Watch makes the vendor's subscriptions for a connection complete, and stores what
// stands and what the vendor refuses. When one had to be made anew, deliveries may
// have been missed, so the connection is pulled at once.
func (p *Pipeline) Watch(ctx context.Context, workspace, connection int64) error {
	_, err := p.holding(ctx, workspace, "watch", connection, func(ctx context.Context, l postgres.Lease) error {
		s, err := p.Open(ctx, workspace, connection)
		if err != nil || s.State != "active" || s.HookURL == "" {
			return err
		}
		w, err := ability[connectors.Watcher](ctx, s, rest.Interactive)
		if err != nil {
			return err
		}
		callback, err := p.callback(ctx, s)
		if err != nil {
			return err
		}
		return p.recorded(ctx, s, "watch", "", func(int64) error { return p.subscribe(ctx, s, l, w, callback) })
	})
	return err
}

func (p *Pipeline) subscribe(ctx context.Context, s *Source, l postgres.Lease, w connectors.Watcher, callback connectors.Callback) error {
	now, err := w.Watch(ctx, callback)
	if err != nil {
		return err
	}
	return p.DB.In(ctx, s.Workspace, func(tx pgx.Tx) error {
		had, err := postgres.Subscriptions(ctx, tx, s.Workspace, s.ID)
		if err != nil {
			return err
		}
		if err := postgres.SetSubscriptions(ctx, tx, s.Workspace, s.ID, now); err != nil {
			return err
		}
		if made(had, now) {
			if _, err := p.Queue.InsertTx(ctx, tx, PullArgs{Workspace: s.Workspace, Connection: s.ID, Force: true}, nil); err != nil {
				return err
			}
		}
		return l.Hold(ctx, tx)
	})
}

// made tells whether a subscription stands now that did not: one that was lost, or
// had ended, is made under another id.
func made(had, now []connectors.Subscription) bool {
	known := map[string]bool{}
	for _, s := range had {
		known[s.ID] = true
	}
	for _, s := range now {
		if s.ID != "" && !known[s.ID] {
			return true
		}
	}
	return false
}

// callback returns where the connection's deliveries arrive, agreeing on an
// address and a password the first time.
func (p *Pipeline) callback(ctx context.Context, s *Source) (connectors.Callback, error) {
	if s.Credentials.Hook.Path == "" {
		if err := p.agree(ctx, s); err != nil {
			return connectors.Callback{}, err
		}
	}
	return CallbackOf(s.Connection, s.Credentials.Hook), nil
}

// CallbackOf returns a connection's callback from what was agreed.
func CallbackOf(c postgres.Connection, h postgres.Hook) connectors.Callback {
	return connectors.Callback{URL: strings.TrimSuffix(c.HookURL, "/") + HookPath + h.Path, User: h.User, Password: h.Password}
}

func (p *Pipeline) agree(ctx context.Context, s *Source) error {
	if s.locked != nil {
		return s.locked // what is sealed must not be written over
	}
	c := s.Credentials
	c.Hook = postgres.Hook{Path: secret(), User: "salesbook", Password: secret()}
	return p.DB.In(ctx, s.Workspace, func(tx pgx.Tx) error {
		saved, err := p.Vault.Save(ctx, tx, s.Workspace, s.ID, c)
		if err != nil {
			return err
		}
		if !saved {
			return fault.New(fault.Conflict, "the credentials of %s were changed meanwhile", s.Name)
		}
		s.Credentials = c
		return postgres.SetHook(ctx, tx, s.Workspace, s.ID, HookHash(c.Hook.Path))
	})
}

// secret returns 256 random bits as text that fits a URL.
func secret() string {
	var b [32]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// Unwatch removes our subscriptions at the vendor, as far as the credentials
// still allow.
func (p *Pipeline) Unwatch(ctx context.Context, s *Source) error {
	return p.UnwatchAt(ctx, s, s.HookURL)
}

// UnwatchAt removes our subscriptions that deliver to a public URL, which may be
// one that the connection had before.
func (p *Pipeline) UnwatchAt(ctx context.Context, s *Source, hookURL string) error {
	if s.locked != nil {
		return s.locked
	}
	if hookURL == "" || s.Credentials.Hook.Path == "" {
		return nil
	}
	w, err := ability[connectors.Watcher](ctx, s, rest.Interactive)
	if err != nil {
		return err
	}
	there := s.Connection
	there.HookURL = hookURL
	return w.Unwatch(ctx, CallbackOf(there, s.Credentials.Hook))
}
