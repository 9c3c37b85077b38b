package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/oauth2"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/rest"
)

// Tokens is the OAuth 2 token source of one connection. All processes share
// the stored token: one of them renews it and saves what it got before anybody
// uses it. Meanwhile it holds a lease, since no transaction stays open across
// HTTP.
type Tokens struct {
	Ctx        context.Context // may carry the HTTP client of the token endpoint (oauth2.HTTPClient)
	DB         *DB
	Vault      Vault
	Workspace  int64
	Connection int64
	Config     *oauth2.Config
	Refusal    func(*oauth2.RetrieveError) error // the vendor's ways, see connectors.Consent; nil: none
	Holder     string
	Now        func() time.Time
	Limit      time.Duration // how long the token endpoint may take, and again the saving; 0: 15 s

	mu   sync.Mutex
	held *oauth2.Token // as it was stored at seen
	seen time.Time
}

var _ rest.Refresher = (*Tokens)(nil)

const (
	early    = 30 * time.Second      // before its end a token is no longer used
	lookWait = 50 * time.Millisecond // between two looks at what the renewing process has done
	// heldFor is how long a token is used without looking whether it is still the stored
	// one: calls in quick succession need not each read the credentials. One that was
	// replaced meanwhile is good as a rule, and where it is not, the refusal tells.
	heldFor = 5 * time.Second
)

func (t *Tokens) limit() time.Duration {
	if t.Limit > 0 {
		return t.Limit
	}
	return 15 * time.Second
}

// Token returns a token that is still good, renewed if need be. Errors are
// those of Refresh.
func (t *Tokens) Token() (*oauth2.Token, error) {
	if token := t.inHand(); token != nil {
		return token, nil
	}
	c, err := t.load(t.Ctx)
	if err != nil {
		return nil, err
	}
	if c.Token == nil {
		return nil, noConsent()
	}
	if t.good(c.Token) {
		t.hold(c.Token)
		return c.Token, nil
	}
	return t.Refresh(t.Ctx, c.Token)
}

// good tells whether a token will last for a call.
func (t *Tokens) good(token *oauth2.Token) bool {
	return token.Expiry.IsZero() || t.Now().Add(early).Before(token.Expiry)
}

// inHand is the token that was the stored one a moment ago; nil if there is none, or
// it is spent.
func (t *Tokens) inHand() *oauth2.Token {
	t.mu.Lock()
	defer t.mu.Unlock()
	if since := t.Now().Sub(t.seen); t.held == nil || since < 0 || since >= heldFor || !t.good(t.held) {
		return nil
	}
	return t.held
}

func (t *Tokens) hold(token *oauth2.Token) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.held, t.seen = token, t.Now()
}

// Refresh replaces the spent token, unless somebody has done so already. It is
// fault.Auth when the vendor takes the consent for withdrawn, and
// fault.Temporary or fault.Limited when trying again later may help.
func (t *Tokens) Refresh(ctx context.Context, spent *oauth2.Token) (*oauth2.Token, error) {
	// Longer than the exchange and the saving can take: while it lasts, nobody
	// else presents the same refresh token, which may be good for one use.
	lease := Lease{Workspace: t.Workspace, Kind: "refresh", Subject: fmt.Sprint(t.Connection), Holder: t.Holder, TTL: 2*t.limit() + 5*time.Second}
	waiting, cancel := context.WithTimeout(ctx, 2*t.limit())
	defer cancel()
	for {
		mine, err := t.DB.Claim(ctx, &lease)
		if err != nil {
			return nil, err
		}
		got, err := t.renew(ctx, spent, mine)
		if mine {
			err = errors.Join(err, t.release(ctx, lease))
		}
		if got != nil {
			t.hold(got)
		}
		if got != nil || err != nil {
			return got, err
		}
		if pause(waiting, lookWait) != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return nil, fault.New(fault.Temporary, "another process is renewing the access token and has not finished; try again later")
		}
	}
}

// renew returns the stored token if it is another than the spent one. Otherwise
// it exchanges that if this is its task, or returns nil: not yet.
func (t *Tokens) renew(ctx context.Context, spent *oauth2.Token, mine bool) (*oauth2.Token, error) {
	c, err := t.load(ctx)
	switch {
	case err != nil:
		return nil, err
	case c.Token == nil:
		return nil, noConsent()
	case c.Token.AccessToken != spent.AccessToken:
		return c.Token, nil
	case !mine:
		return nil, nil
	}
	return t.exchange(ctx, c.Token)
}

func noConsent() error {
	return fault.New(fault.Auth, "no consent has been given yet; run `salesbook connect` again")
}

func (t *Tokens) load(ctx context.Context) (c Credentials, err error) {
	err = t.DB.In(ctx, t.Workspace, func(tx pgx.Tx) error {
		c, err = t.Vault.Load(ctx, tx, t.Workspace, t.Connection)
		return err
	})
	return c, err
}

// exchange trades the refresh token. The answer may hold the only good one from
// now on, so the end of the caller's work does not come between it and its
// saving. An answer without a refresh token leaves the old one good.
func (t *Tokens) exchange(ctx context.Context, old *oauth2.Token) (*oauth2.Token, error) {
	if old.RefreshToken == "" {
		return nil, fault.New(fault.Auth, "the access token has ended and the vendor gave none to renew it with; run `salesbook connect` again")
	}
	ctx = context.WithoutCancel(ctx)
	asking, cancel := context.WithTimeout(ctx, t.limit())
	defer cancel()
	if client := t.Ctx.Value(oauth2.HTTPClient); client != nil {
		asking = context.WithValue(asking, oauth2.HTTPClient, client)
	}
	got, err := t.Config.TokenSource(asking, &oauth2.Token{RefreshToken: old.RefreshToken}).Token()
	if err != nil {
		return nil, t.refusal(err)
	}
	if got.ExpiresIn > 0 { // by our clock, which Token goes by
		got.Expiry = t.Now().Add(time.Duration(got.ExpiresIn) * time.Second)
	}
	return t.keep(ctx, old, got)
}

// refusal says what an error of the token endpoint means: first by the vendor's
// own ways.
func (t *Tokens) refusal(err error) error {
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok && t.Refusal != nil {
		if meant := t.Refusal(refused); meant != nil {
			return meant
		}
	}
	return rest.TokenError(err)
}

// keep stores the token that takes the place of old, and tries again for as
// long as it has: giving up may cost the consent.
func (t *Tokens) keep(ctx context.Context, old, got *oauth2.Token) (kept *oauth2.Token, err error) {
	ctx, cancel := context.WithTimeout(ctx, t.limit())
	defer cancel()
	for {
		failed := t.DB.In(ctx, t.Workspace, func(tx pgx.Tx) (err error) {
			kept, err = t.Vault.replaceToken(ctx, tx, t.Workspace, t.Connection, old, got)
			return err
		})
		if failed == nil || fault.KindOf(failed) != fault.Unknown {
			return kept, failed
		}
		if err == nil || ctx.Err() == nil { // the cause, not that time ran out over it
			err = failed
		}
		if pause(ctx, lookWait) != nil {
			return nil, fault.New(fault.Temporary, "the renewed access token could not be saved, so it is not used: %w", err)
		}
	}
}

// release gives the lease up, also when the caller's work has ended.
func (t *Tokens) release(ctx context.Context, l Lease) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.limit())
	defer cancel()
	return t.DB.In(ctx, t.Workspace, func(tx pgx.Tx) error { return l.Release(ctx, tx) })
}
