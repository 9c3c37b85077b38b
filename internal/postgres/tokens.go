package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/oauth2"

	"salesbook.dev/internal/fault"
)

// Tokens is the OAuth 2 token source of one connection. All processes share
// the stored token: one of them refreshes it, under a lease, and saves what it
// got before anybody uses it.
type Tokens struct {
	Ctx        context.Context // carries the HTTP client of the token endpoint (oauth2.HTTPClient), with a timeout
	DB         *DB
	Vault      Vault
	Workspace  int64
	Connection int64
	Config     *oauth2.Config
	Holder     string
	Now        func() time.Time
}

// early is how long before its end a token is no longer used.
const early = 30 * time.Second

// Token returns a token that is still good, refreshed if need be.
func (t *Tokens) Token() (*oauth2.Token, error) {
	c, err := t.load(t.Ctx)
	if err != nil {
		return nil, err
	}
	if c.Token == nil {
		return nil, fault.New(fault.Auth, "no consent has been given yet; run `salesbook connect` again")
	}
	if c.Token.Expiry.IsZero() || t.Now().Add(early).Before(c.Token.Expiry) {
		return c.Token, nil
	}
	return t.Refresh(t.Ctx, c.Token)
}

// Refresh replaces the spent token, unless somebody has done so already.
func (t *Tokens) Refresh(ctx context.Context, spent *oauth2.Token) (*oauth2.Token, error) {
	lease := Lease{Workspace: t.Workspace, Kind: "refresh", Subject: fmt.Sprint(t.Connection), Holder: t.Holder, TTL: 30 * time.Second}
	for {
		mine, err := t.DB.Claim(ctx, &lease)
		if err != nil {
			return nil, err
		}
		c, err := t.load(ctx)
		if err != nil {
			return nil, t.release(ctx, lease, mine, err)
		}
		if c.Token != nil && c.Token.AccessToken != spent.AccessToken {
			return c.Token, t.release(ctx, lease, mine, nil)
		}
		if mine {
			got, err := t.exchange(ctx, c)
			return got, t.release(ctx, lease, true, err)
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

func (t *Tokens) load(ctx context.Context) (c Credentials, err error) {
	err = t.DB.In(ctx, t.Workspace, func(tx pgx.Tx) error {
		c, err = t.Vault.Load(ctx, tx, t.Workspace, t.Connection)
		return err
	})
	return c, err
}

// exchange trades the refresh token and saves the answer before it is used. An
// answer without a refresh token leaves the old one good.
func (t *Tokens) exchange(ctx context.Context, c Credentials) (*oauth2.Token, error) {
	if client := t.Ctx.Value(oauth2.HTTPClient); client != nil {
		ctx = context.WithValue(ctx, oauth2.HTTPClient, client)
	}
	old := c.Token
	got, err := t.Config.TokenSource(ctx, &oauth2.Token{RefreshToken: old.RefreshToken}).Token()
	if err != nil {
		return nil, refusal(err)
	}
	if got.RefreshToken == "" {
		got.RefreshToken = old.RefreshToken
	}
	c.Token = got
	saved := false
	err = t.DB.In(ctx, t.Workspace, func(tx pgx.Tx) error {
		saved, err = t.Vault.Save(ctx, tx, t.Workspace, t.Connection, c)
		return err
	})
	if err == nil && !saved {
		err = fault.New(fault.Conflict, "the credentials were replaced while the token was refreshed")
	}
	return got, err
}

// refusal classifies what the token endpoint said.
func refusal(err error) error {
	re, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		return fault.New(fault.Temporary, "the vendor's token endpoint did not answer")
	}
	status := 0
	if re.Response != nil {
		status = re.Response.StatusCode
	}
	if re.ErrorCode == "invalid_grant" || status == 400 || status == 401 {
		return fault.New(fault.Auth, "the vendor refuses to renew the consent (%s); connect again", re.ErrorCode)
	}
	return fault.New(fault.Temporary, "the vendor's token endpoint answered with status %d", status)
}

// release gives the lease up, if it is ours, and returns err or what went wrong.
func (t *Tokens) release(ctx context.Context, l Lease, mine bool, err error) error {
	if !mine {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	return errors.Join(err, t.DB.In(ctx, t.Workspace, func(tx pgx.Tx) error { return l.Release(ctx, tx) }))
}
