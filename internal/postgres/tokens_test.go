package postgres_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"
	"golang.org/x/oauth2"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/postgres/pgtest"
	"salesbook.dev/internal/sandbox/pipedrive"
	"salesbook.dev/internal/seal"
)

// tokenBundle is an OAuth connection whose access token has ended, and a token
// endpoint.
type tokenBundle struct {
	storeBundle
	database *pgtest.Database
	vault    postgres.Vault
	endpoint string
	asked    atomic.Int64 // requests the endpoint got
}

// setupTokens connects with the answer as the token endpoint.
func setupTokens(t *testing.T, answer http.HandlerFunc) *tokenBundle {
	t.Helper()
	d := pgtest.New(t)
	b := &tokenBundle{database: d, storeBundle: storeBundle{DB: d.DB}}
	b.ws = d.Workspace(t, "acme")
	keys, err := seal.Create(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	b.vault = postgres.Vault{Keys: keys}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.asked.Add(1)
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	b.endpoint = server.URL + "/oauth/token"
	b.in(t, func(tx pgx.Tx) (err error) {
		b.conn, err = postgres.AddConnection(t.Context(), tx, b.ws, postgres.Connection{Name: "crm", Vendor: "pipedrive", Settings: map[string]string{}})
		return err
	})
	b.store(t, postgres.Credentials{Secrets: map[string]string{"client_secret": "client-secret"}, Token: ended()})
	return b
}

// ended is a token whose time is over.
func ended() *oauth2.Token {
	return &oauth2.Token{AccessToken: "old-access", RefreshToken: "old-refresh", TokenType: "Bearer", Expiry: time.Now().Add(-time.Minute).UTC().Round(0)}
}

// store replaces the credentials, whatever they are.
func (b *tokenBundle) store(t *testing.T, c postgres.Credentials) {
	t.Helper()
	b.in(t, func(tx pgx.Tx) error {
		now, err := b.vault.Load(t.Context(), tx, b.ws, b.conn)
		if err != nil {
			return err
		}
		c.Version = now.Version
		saved, err := b.vault.Save(t.Context(), tx, b.ws, b.conn, c)
		if err == nil && !saved {
			err = fmt.Errorf("credentials of version %d were not saved", c.Version)
		}
		return err
	})
}

func (b *tokenBundle) stored(t *testing.T) (c postgres.Credentials) {
	t.Helper()
	b.in(t, func(tx pgx.Tx) (err error) {
		c, err = b.vault.Load(t.Context(), tx, b.ws, b.conn)
		return err
	})
	return c
}

// source is the token source that one process has on its database.
func (b *tokenBundle) source(t *testing.T, db *postgres.DB) *postgres.Tokens {
	return &postgres.Tokens{Ctx: t.Context(), DB: db, Vault: b.vault, Workspace: b.ws, Connection: b.conn, Holder: t.Name(), Now: time.Now, Limit: 5 * time.Second,
		Config: &oauth2.Config{ClientID: "client", ClientSecret: "client-secret", Endpoint: oauth2.Endpoint{TokenURL: b.endpoint, AuthStyle: oauth2.AuthStyleInHeader}}}
}

// leased tells whether a process holds the right to renew the token.
func (b *tokenBundle) leased(t *testing.T) (held bool) {
	t.Helper()
	b.in(t, func(tx pgx.Tx) error {
		return tx.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM leases WHERE kind = 'refresh' AND until > now())`).Scan(&held)
	})
	return held
}

// grants answers with new tokens; without refresh it leaves that one out.
func grants(access, refresh string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		body := map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": 3599}
		if refresh != "" {
			body["refresh_token"] = refresh
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(body) // the client sees what is missing
	}
}

func TestAnEndedTokenIsRenewedAndSaved(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		refresh, want string
	}{
		"a new refresh token":               {"new-refresh", "new-refresh"},
		"an omitted one leaves the old one": {"", "old-refresh"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setupTokens(t, grants("new-access", tc.refresh))
			source := b.source(t, b.DB)
			got, err := source.Token()
			if err != nil {
				t.Fatal(err)
			}
			want := oauth2.Token{AccessToken: "new-access", RefreshToken: tc.want, TokenType: "Bearer"}
			ignore := cmp.Options{cmpopts.IgnoreFields(oauth2.Token{}, "Expiry", "ExpiresIn"), cmpopts.IgnoreUnexported(oauth2.Token{})}
			if d := cmp.Diff(want, *got, ignore); d != "" {
				t.Errorf("token (-want +got):\n%s", d)
			}
			c := b.stored(t)
			if d := cmp.Diff(want, *c.Token, ignore); d != "" {
				t.Errorf("stored token (-want +got):\n%s", d)
			}
			if left := time.Until(c.Token.Expiry); left < 3500*time.Second || left > 3600*time.Second {
				t.Errorf("the stored token ends in %v, want in 3599 s", left)
			}
			if d := cmp.Diff("client-secret", c.Secrets["client_secret"]); d != "" {
				t.Errorf("other secrets (-want +got):\n%s", d)
			}
			if again, err := source.Token(); err != nil || again.AccessToken != "new-access" || b.asked.Load() != 1 {
				t.Errorf("a good token is used as it is, got %v, %v after %d requests", again, err, b.asked.Load())
			}
			if b.leased(t) {
				t.Error("the lease is still held")
			}
		})
	}
}

func TestATokenIsRenewedShortlyBeforeItsEnd(t *testing.T) {
	t.Parallel()
	b := setupTokens(t, grants("new-access", ""))
	good := ended()
	good.Expiry = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	b.store(t, postgres.Credentials{Token: good})
	source := b.source(t, b.DB)
	source.Now = func() time.Time { return good.Expiry.Add(-31 * time.Second) }
	if got, err := source.Token(); err != nil || got.AccessToken != "old-access" {
		t.Errorf("31 s before its end: want the stored token, got %v, %v", got, err)
	}
	source.Now = func() time.Time { return good.Expiry.Add(-30 * time.Second) }
	if got, err := source.Token(); err != nil || got.AccessToken != "new-access" {
		t.Errorf("30 s before its end: want a new token, got %v, %v", got, err)
	}
}

func TestRefusedRenewals(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		status int
		body   string
		want   fault.Kind
	}{
		"consent withdrawn":         {400, `{"error":"invalid_grant","message":"old-refresh is gone"}`, fault.Auth},
		"consent withdrawn, as 200": {200, `{"error":"invalid_grant"}`, fault.Auth},
		"client unknown":            {401, `{"error":"invalid_client"}`, fault.Auth},
		"too many requests":         {429, `{}`, fault.Limited},
		"a fault":                   {500, `{"error":"server_error"}`, fault.Temporary},
		"a pause":                   {503, `<html>old-refresh</html>`, fault.Temporary},
		"no token in the answer":    {200, `{}`, fault.Temporary},
		"an answer that is a page":  {200, `<html>client-secret</html>`, fault.Temporary},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setupTokens(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(tc.status)
				_, _ = io.WriteString(w, tc.body) // the client sees what is missing
			})
			before := b.stored(t)
			_, err := b.source(t, b.DB).Token()
			if got := fault.KindOf(err); got != tc.want {
				t.Errorf("want %v, got %v: %v", tc.want, got, err)
			}
			for _, secret := range []string{"old-refresh", "old-access", "client-secret"} {
				if err != nil && strings.Contains(err.Error(), secret) {
					t.Errorf("the error holds a secret: %v", err)
				}
			}
			if d := cmp.Diff(before, b.stored(t), cmpopts.IgnoreUnexported(oauth2.Token{})); d != "" {
				t.Errorf("the stored credentials have changed (-want +got):\n%s", d)
			}
			if b.leased(t) {
				t.Error("the lease is still held")
			}
		})
	}
}

func TestATokenEndpointThatHangs(t *testing.T) {
	t.Parallel()
	b := setupTokens(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // then the server notices that the client has gone
		<-r.Context().Done()
	})
	source := b.source(t, b.DB)
	source.Limit = 300 * time.Millisecond
	start := time.Now()
	_, err := source.Token()
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("gave up after %v", took)
	}
	if fault.KindOf(err) != fault.Temporary {
		t.Errorf("want fault.Temporary, got %v", err)
	}
	if b.leased(t) {
		t.Error("the lease is still held")
	}
}

func TestCredentialsWithoutWhatARenewalNeeds(t *testing.T) {
	t.Parallel()
	cases := map[string]postgres.Credentials{
		"no token":         {Secrets: map[string]string{"api_token": "secret"}},
		"no refresh token": {Token: &oauth2.Token{AccessToken: "old-access", Expiry: ended().Expiry}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setupTokens(t, grants("new-access", ""))
			b.store(t, c)
			if _, err := b.source(t, b.DB).Token(); fault.KindOf(err) != fault.Auth {
				t.Errorf("Token: want fault.Auth, got %v", err)
			}
			if _, err := b.source(t, b.DB).Refresh(t.Context(), ended()); fault.KindOf(err) != fault.Auth {
				t.Errorf("Refresh: want fault.Auth, got %v", err)
			}
			if n := b.asked.Load(); n != 0 {
				t.Errorf("the endpoint was asked %d times", n)
			}
		})
	}
}

func TestATokenThatSomebodyElseReplacedIsUsed(t *testing.T) {
	t.Parallel()
	b := setupTokens(t, grants("unwanted", ""))
	newer := &oauth2.Token{AccessToken: "newer", RefreshToken: "newer-refresh", Expiry: time.Now().Add(time.Hour)}
	b.store(t, postgres.Credentials{Token: newer})
	got, err := b.source(t, b.DB).Refresh(t.Context(), ended())
	if err != nil || got.AccessToken != "newer" || b.asked.Load() != 0 {
		t.Errorf("want the newer token without a request, got %v, %v after %d", got, err, b.asked.Load())
	}
	if b.leased(t) {
		t.Error("the lease is still held")
	}
}

// processes returns the token sources of n processes, each with a pool of its
// own.
func (b *tokenBundle) processes(t *testing.T, n int) []*postgres.Tokens {
	t.Helper()
	all := make([]*postgres.Tokens, n)
	for i := range all {
		db, err := postgres.Open(t.Context(), b.database.URL, postgres.Options{MaxConns: 2, Pooler: b.database.Pooled})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(db.Close)
		all[i] = b.source(t, db)
		all[i].Holder = fmt.Sprintf("%s/%d", t.Name(), i)
	}
	return all
}

// together has every source renew its token at the same time and returns the
// access tokens that they got.
func together(t *testing.T, sources []*postgres.Tokens) map[string]int {
	t.Helper()
	got := map[string]int{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, s := range sources {
		all.Go(func() {
			token, err := s.Token()
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			got[token.AccessToken]++
		})
	}
	all.Wait()
	return got
}

func TestOneOfManyProcessesRenews(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	b := setupTokens(t, func(w http.ResponseWriter, r *http.Request) {
		i := n.Add(1)
		grants(fmt.Sprint("access-", i), fmt.Sprint("refresh-", i))(w, r)
	})
	if d := cmp.Diff(map[string]int{"access-1": 8}, together(t, b.processes(t, 8))); d != "" {
		t.Errorf("access tokens (-want +got):\n%s", d)
	}
	if n := b.asked.Load(); n != 1 {
		t.Errorf("the endpoint was asked %d times", n)
	}
}

// TestSingleUseRefreshTokens renews round after round at the simulated vendor,
// where a refresh token that is presented twice is refused.
func TestSingleUseRefreshTokens(t *testing.T) {
	t.Parallel()
	sim, err := pipedrive.Open(pipedrive.Options{OAuth: pipedrive.OAuth{AutoConsent: true, SingleUse: true}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	b := setupTokens(t, sim.ServeHTTP)
	sources := b.processes(t, 8)
	b.store(t, postgres.Credentials{Token: consent(t, sources[0].Config, b.endpoint)})
	for round := range 3 {
		c := b.stored(t)
		c.Token.Expiry = time.Now().Add(-time.Minute)
		b.store(t, c)
		before := b.asked.Load()
		got := together(t, sources)
		if want := map[string]int{b.stored(t).Token.AccessToken: len(sources)}; !cmp.Equal(want, got) {
			t.Errorf("round %d: access tokens (-want +got):\n%s", round, cmp.Diff(want, got))
		}
		if n := b.asked.Load() - before; n != 1 {
			t.Errorf("round %d: the vendor was asked %d times", round, n)
		}
	}
	if err := sim.RevokeConsent(); err != nil {
		t.Fatal(err)
	}
	if _, err := sources[1].Refresh(t.Context(), b.stored(t).Token); fault.KindOf(err) != fault.Auth {
		t.Errorf("a withdrawn consent is fault.Auth, got %v", err)
	}
}

// consent goes through the vendor's authorization as a browser would.
func consent(t *testing.T, c *oauth2.Config, tokenURL string) *oauth2.Token {
	t.Helper()
	config := *c
	config.Endpoint.AuthURL = strings.TrimSuffix(tokenURL, "token") + "authorize"
	config.RedirectURL = "http://localhost/consent"
	browser := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := browser.Get(config.AuthCodeURL("state"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	back, err := resp.Location()
	if err != nil {
		t.Fatal(err)
	}
	token, err := config.Exchange(t.Context(), back.Query().Get("code"))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestTheRenewingProcessDied(t *testing.T) {
	t.Parallel()
	b := setupTokens(t, grants("new-access", ""))
	dead := postgres.Lease{Workspace: b.ws, Kind: "refresh", Subject: fmt.Sprint(b.conn), Holder: "dead", TTL: time.Hour}
	if mine, err := b.Claim(t.Context(), &dead); err != nil || !mine {
		t.Fatal(mine, err)
	}
	source := b.source(t, b.DB)
	source.Limit = 100 * time.Millisecond
	if _, err := source.Token(); fault.KindOf(err) != fault.Temporary {
		t.Errorf("while its lease lasts: want fault.Temporary, got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := source.Refresh(ctx, ended()); err == nil {
		t.Error("want an error when the caller gives up")
	}
	dead.TTL = -time.Second
	if err := b.Renew(t.Context(), dead); err != nil {
		t.Fatal(err)
	}
	if got, err := source.Token(); err != nil || got.AccessToken != "new-access" {
		t.Errorf("once it has run out: want a new token, got %v, %v", got, err)
	}
}

// refuseSaving makes every change of credentials fail until the function that
// it returns is called.
func (b *tokenBundle) refuseSaving(t *testing.T) (allow func()) {
	t.Helper()
	admin := b.database.Connect(t, b.database.AdminURL)
	var mu sync.Mutex // it is called by timers too, which may outlive the test
	ended := false
	t.Cleanup(func() {
		mu.Lock()
		defer mu.Unlock()
		ended = true
	})
	run := func(sql string) {
		mu.Lock()
		defer mu.Unlock()
		if ended {
			return
		}
		if _, err := admin.Exec(context.WithoutCancel(t.Context()), sql); err != nil {
			t.Error(err)
		}
	}
	run(`CREATE FUNCTION salesbook.refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''the disk is full''; END'`)
	run(`CREATE TRIGGER refuse BEFORE UPDATE ON salesbook.credentials FOR EACH ROW EXECUTE FUNCTION salesbook.refuse()`)
	return func() { run(`DROP TRIGGER refuse ON salesbook.credentials`) }
}

func TestATokenThatCannotBeSavedIsNotUsed(t *testing.T) {
	t.Parallel()
	b := setupTokens(t, grants("new-access", "new-refresh"))
	allow := b.refuseSaving(t)
	before := b.stored(t)
	source := b.source(t, b.DB)
	source.Limit = 300 * time.Millisecond
	_, err := source.Token()
	if fault.KindOf(err) != fault.Temporary || !strings.Contains(err.Error(), "the disk is full") {
		t.Errorf("want fault.Temporary with the cause, got %v", err)
	}
	if d := cmp.Diff(before, b.stored(t), cmpopts.IgnoreUnexported(oauth2.Token{})); d != "" {
		t.Errorf("half of it was stored (-want +got):\n%s", d)
	}
	if b.leased(t) {
		t.Error("the lease is still held")
	}
	allow()
	if got, err := source.Token(); err != nil || got.AccessToken != "new-access" {
		t.Errorf("once it can be saved: want a new token, got %v, %v", got, err)
	}
}

func TestSavingIsTriedUntilItWorks(t *testing.T) {
	t.Parallel()
	var allow func()
	b := setupTokens(t, func(w http.ResponseWriter, r *http.Request) {
		time.AfterFunc(200*time.Millisecond, allow)
		grants("new-access", "new-refresh")(w, r)
	})
	allow = b.refuseSaving(t)
	if got, err := b.source(t, b.DB).Token(); err != nil || got.AccessToken != "new-access" {
		t.Errorf("want a new token, got %v, %v", got, err)
	}
	if c := b.stored(t); c.Token.RefreshToken != "new-refresh" {
		t.Errorf("the vendor's only good refresh token is lost, stored is %q", c.Token.RefreshToken)
	}
}

func TestTheCallersEndDoesNotLoseTheAnswer(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	b := setupTokens(t, func(w http.ResponseWriter, r *http.Request) {
		cancel()
		grants("new-access", "new-refresh")(w, r)
	})
	source := b.source(t, b.DB)
	source.Ctx = ctx
	if got, err := source.Token(); err != nil || got.AccessToken != "new-access" {
		t.Errorf("want the token, got %v, %v", got, err)
	}
	if c := b.stored(t); c.Token.RefreshToken != "new-refresh" {
		t.Errorf("the answer was lost, stored is %q", c.Token.RefreshToken)
	}
	if b.leased(t) {
		t.Error("the lease is still held")
	}
}

func TestCredentialsThatChangeDuringTheRenewal(t *testing.T) {
	t.Parallel()
	hook := postgres.Hook{Path: "path", User: "salesbook", Password: "password"}
	consented := &oauth2.Token{AccessToken: "consented", RefreshToken: "consented-refresh"}
	cases := map[string]struct {
		change    func(*postgres.Credentials)
		got       string
		refresh   string // stored afterwards
		want      fault.Kind
		stillHook bool
	}{
		"something else": {func(c *postgres.Credentials) { c.Hook = hook }, "new-access", "new-refresh", fault.Unknown, true},
		"a new consent":  {func(c *postgres.Credentials) { c.Token = consented }, "consented", "consented-refresh", fault.Unknown, false},
		"an API token":   {func(c *postgres.Credentials) { c.Token = nil }, "", "", fault.Conflict, false},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var change func()
			b := setupTokens(t, func(w http.ResponseWriter, r *http.Request) {
				change()
				grants("new-access", "new-refresh")(w, r)
			})
			change = func() {
				c := b.stored(t)
				tc.change(&c)
				b.store(t, c)
			}
			got, err := b.source(t, b.DB).Token()
			if fault.KindOf(err) != tc.want || err == nil && got.AccessToken != tc.got {
				t.Errorf("want %q and %v, got %v, %v", tc.got, tc.want, got, err)
			}
			c := b.stored(t)
			if tc.refresh != "" && c.Token.RefreshToken != tc.refresh {
				t.Errorf("want %q stored, got %q", tc.refresh, c.Token.RefreshToken)
			}
			if tc.stillHook && c.Hook != hook {
				t.Errorf("the other change was lost, got %+v", c.Hook)
			}
		})
	}
}

func TestCredentialsNameTheirKey(t *testing.T) {
	t.Parallel()
	b := setupTokens(t, grants("new-access", ""))
	if err := b.vault.Keys.Rotate(); err != nil {
		t.Fatal(err)
	}
	b.store(t, b.stored(t))
	var sealed []byte
	var id int64
	b.in(t, func(tx pgx.Tx) error {
		return tx.QueryRow(t.Context(), `SELECT sealed, key_id FROM credentials`).Scan(&sealed, &id)
	})
	if want := int64(seal.KeyOf(sealed)); id != want || want == 0 {
		t.Errorf("want key %d named, got %d", want, id)
	}
}
