package jobs_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"golang.org/x/oauth2"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/postgres/pgtest"
	"salesbook.dev/internal/sandbox"
	"salesbook.dev/internal/sandbox/pipedrive"
	"salesbook.dev/jobs"
)

// consented connects by OAuth.
func consented(t *testing.T, o pipedrive.OAuth) *bundle {
	t.Helper()
	o.AutoConsent = true
	b := simulated(t, pgtest.New(t), 20, pipedrive.Options{OAuth: o})
	s, _, err := b.Connect(t.Context(), b.ws, jobs.NewConnection{Vendor: "pipedrive", Name: "crm", By: "test", Token: b.consent(t),
		Config: connectors.Config{BaseURL: b.vendor.URL, Settings: map[string]string{"client_id": "id"}, Secrets: map[string]string{"client_secret": "secret"}}})
	if err != nil {
		t.Fatal(err)
	}
	b.conn = s.ID
	return b
}

func oauthClient(tokenURL string) *oauth2.Config {
	return &oauth2.Config{ClientID: "id", ClientSecret: "secret", RedirectURL: "http://localhost/consent",
		Endpoint: oauth2.Endpoint{TokenURL: tokenURL, AuthStyle: oauth2.AuthStyleInHeader}}
}

// consent goes through the vendor's authorization as a browser would.
func (b *bundle) consent(t *testing.T) *oauth2.Token {
	t.Helper()
	config := oauthClient(b.vendor.URL + "/oauth/token")
	config.Endpoint.AuthURL = b.vendor.URL + "/oauth/authorize"
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

// token returns the stored token after the change, which may be none.
func (b *bundle) token(t *testing.T, change func(*oauth2.Token)) (token *oauth2.Token) {
	t.Helper()
	b.in(t, func(tx pgx.Tx) error {
		c, err := b.Vault.Load(t.Context(), tx, b.ws, b.conn)
		if err != nil || change == nil {
			token = c.Token
			return err
		}
		change(c.Token)
		token = c.Token
		_, err = b.Vault.Save(t.Context(), tx, b.ws, b.conn, c) // nobody else is at it
		return err
	})
	return token
}

func over(token *oauth2.Token) { token.Expiry = time.Now().Add(-time.Minute) }

// renewers starts n processes that renew the connection's token when asked.
func (b *bundle) renewers(t *testing.T, n int, limit time.Duration) []*process {
	t.Helper()
	w := b.work("token")
	w.TokenURL, w.Limit = b.vendor.URL+"/oauth/token", limit
	all := make([]*process, n)
	for i := range all {
		all[i] = start(t, w)
	}
	for _, p := range all {
		p.ready(t)
	}
	return all
}

// renewed lets all renew the token at once and counts what each got.
func (b *bundle) renewed(t *testing.T, all []*process) map[string]int {
	t.Helper()
	b.token(t, over)
	for _, p := range all {
		p.say(t, "go")
	}
	got := map[string]int{}
	for _, p := range all {
		got[p.line()]++
	}
	return got
}

// TestChaosTokens has eight processes renew one token at the same time.
func TestChaosTokens(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]pipedrive.OAuth{"a refresh token is good for one use": {SingleUse: true}, "a refresh token is omitted": {OmitRefresh: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := consented(t, o)
			refresh := b.token(t, nil).RefreshToken
			all := b.renewers(t, 8, 20*time.Second)
			for range 2 {
				before := b.calls.Load()
				got := b.renewed(t, all)
				if d := cmp.Diff(map[string]int{b.token(t, nil).AccessToken: len(all)}, got); d != "" {
					t.Errorf("access tokens (-stored +got):\n%s", d)
				}
				if n := b.calls.Load() - before; n != 1 {
					t.Errorf("the vendor was asked %d times", n)
				}
			}
			if kept := b.token(t, nil).RefreshToken == refresh; kept != o.OmitRefresh {
				t.Errorf("the refresh token of the consent is still stored: %v", kept)
			}
			if err := b.sim.RevokeConsent(); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(map[string]int{"auth": len(all)}, b.renewed(t, all)); d != "" {
				t.Errorf("after the consent was withdrawn (-want +got):\n%s", d)
			}
		})
	}
}

// TestChaosTokenEndpointHangs: who asks gives up in time, and another process
// goes on.
func TestChaosTokenEndpointHangs(t *testing.T) {
	t.Parallel()
	b := consented(t, pipedrive.OAuth{SingleUse: true})
	all := b.renewers(t, 3, 2*time.Second)
	if _, err := b.sim.Inject(sandbox.Fault{Kind: sandbox.Slow, Path: "/oauth/token", Delay: 4 * time.Second, Times: 1}); err != nil {
		t.Fatal(err)
	}
	got := b.renewed(t, all)
	fresh := b.token(t, nil).AccessToken
	if got["temporary"] == 0 || got["temporary"]+got[fresh] != len(all) {
		t.Errorf("got %v; want somebody to give up, and all others to have %s", got, fresh)
	}
}

// TestChaosKilledBetweenTokenAndSaving: the vendor has given a token to a
// process that dies. A vendor that lets a refresh token be used again gives
// another; the other kind has to be asked for consent.
func TestChaosKilledBetweenTokenAndSaving(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		oauth pipedrive.OAuth
		want  string // empty: a token
	}{"a refresh token is good again": {}, "a refresh token is good for one use": {pipedrive.OAuth{SingleUse: true}, "auth"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := consented(t, tc.oauth)
			w := b.work("token")
			w.TokenURL, w.Limit = b.vendor.URL+"/oauth/token", 20*time.Second
			w.Die = boundary{"answer", "/oauth/token", 1}
			dying := start(t, w)
			dying.ready(t)
			before := b.token(t, over)
			dying.say(t, "go")
			if status := dying.wait(); status >= 0 {
				t.Fatalf("the boundary was not reached, exit status %d: %s", status, dying.errors())
			}
			if d := cmp.Diff(before.AccessToken, b.token(t, nil).AccessToken); d != "" {
				t.Errorf("a token was saved by a dead process:\n%s", d)
			}
			// The dead process's right to renew ends after its time.
			one[int](t, b, `WITH u AS (UPDATE leases SET until = now() WHERE kind = 'refresh' RETURNING 1) SELECT count(*) FROM u`)
			got := b.renewed(t, b.renewers(t, 1, 20*time.Second))
			want := map[string]int{b.token(t, nil).AccessToken: 1}
			if tc.want != "" {
				want = map[string]int{tc.want: 1}
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("the next process (-want +got):\n%s", d)
			}
		})
	}
}

// TestChaosConsentIsAskedForOnce: four workers meet a consent that was
// withdrawn; it is one state, announced once.
func TestChaosConsentIsAskedForOnce(t *testing.T) {
	t.Parallel()
	b := consented(t, pipedrive.OAuth{SingleUse: true})
	if err := b.sim.RevokeConsent(); err != nil {
		t.Fatal(err)
	}
	if err := b.letters(t.Context(), "news", []connectors.Ref{{Object: "deals", ID: "1"}}); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		b.ask(t, jobs.PullArgs{Workspace: b.ws, Connection: b.conn})
		b.ask(t, jobs.ReceiveArgs{Workspace: b.ws, Connection: b.conn})
		b.ask(t, jobs.WatchArgs{Workspace: b.ws, Connection: b.conn})
	}
	var all []*process
	for range 4 {
		all = append(all, start(t, b.work("work")))
	}
	for _, p := range all {
		p.ready(t)
	}
	admin := b.db.Connect(t, b.db.AdminURL)
	eventually(t, "all jobs to be over", func() (over bool) {
		err := admin.QueryRow(t.Context(), `SELECT NOT EXISTS (SELECT FROM river.river_job WHERE kind IN ('pull', 'receive', 'watch') AND finalized_at IS NULL)`).Scan(&over)
		if err != nil {
			t.Fatal(err)
		}
		return over
	})
	said := 0
	for _, p := range all {
		p.endsWell(t)
		said += countOf([]byte(p.errors()), "the connection needs consent")
	}
	if state := one[string](t, b, `SELECT state FROM connections`); state != "needs consent" || said != 1 {
		t.Errorf("the connection is %q, announced %d times", state, said)
	}
	if n := one[int](t, b, `SELECT count(*) FROM inbox WHERE done_at IS NULL`); n != 1 {
		t.Errorf("%d deliveries wait for the consent, want the one that came", n)
	}
}
