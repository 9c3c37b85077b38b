package postgres_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
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

// TestRefusalsInTheVendorsWords: what an error of the token endpoint means, the
// vendor's own reading says first.
func TestRefusalsInTheVendorsWords(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]fault.Kind{"Access Denied": fault.Limited, "invalid_code": fault.Auth} {
		b := setupTokens(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = fmt.Fprintf(w, `{"error":%q}`, code) // the client sees what is missing
		})
		source := b.source(t, b.DB)
		source.Refusal = func(e *oauth2.RetrieveError) error {
			if e.ErrorCode == "Access Denied" {
				return &fault.Error{Kind: fault.Limited, Text: "too often", RetryAfter: 10 * time.Minute}
			}
			return nil
		}
		_, err := source.Token()
		if fault.KindOf(err) != want || want == fault.Limited && fault.RetryAfter(err) != 10*time.Minute {
			t.Errorf("%s: %v (%v) after %v, want %v", code, err, fault.KindOf(err), fault.RetryAfter(err), want)
		}
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

// TestATokenIsHeldForAMoment: calls in quick succession read the credentials once,
// and what others have stored meanwhile is seen soon, or when the vendor refuses.
func TestATokenIsHeldForAMoment(t *testing.T) {
	t.Parallel()
	b := setupTokens(t, func(http.ResponseWriter, *http.Request) { t.Error("the vendor was asked") })
	stored := func(access string, life time.Duration) {
		b.store(t, postgres.Credentials{Token: &oauth2.Token{AccessToken: access, RefreshToken: "refresh", TokenType: "Bearer", Expiry: time.Now().Add(life).UTC().Round(0)}})
	}
	stored("first", time.Hour)
	s, now := b.source(t, b.DB), time.Now()
	s.Now = func() time.Time { return now }
	look := func() string {
		token, err := s.Token()
		if err != nil {
			t.Fatal(err)
		}
		return token.AccessToken
	}
	got := []string{look()}
	stored("second", time.Hour)
	got = append(got, look())
	now = now.Add(5 * time.Second)
	got = append(got, look())
	stored("third", 37*time.Second)
	token, err := s.Refresh(t.Context(), &oauth2.Token{AccessToken: "second"})
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, token.AccessToken, look())
	now = now.Add(4 * time.Second) // it is about to end
	stored("fourth", time.Hour)
	got = append(got, look())
	if diff := cmp.Diff([]string{"first", "first", "second", "third", "third", "fourth"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
