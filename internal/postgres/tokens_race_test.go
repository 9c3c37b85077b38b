package postgres_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/oauth2"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sandbox/pipedrive"
)

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
		got := together(t, b.processes(t, len(sources))) // which have none in hand
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
