package pipedrive

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/internal/sandbox"
)

func TestAPITokens(t *testing.T) {
	t.Parallel()
	open, fixed := setup(t, Options{}), setup(t, Options{Token: "right", TokenUsers: map[string]int64{"rep": 2, "gone": 99}})
	if err := fixed.Generate(1, Scale{}); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, token, path string
		b                 *bundle
		want              int
	}{
		{"any token", "anything", "/v1/users/me", open, 200},
		{"no token", "", "/v1/users/me", open, 401},
		{"token in the query, the old form", "", "/v1/users/me?api_token=x", open, 200},
		{"right token", "right", "/v1/users/me", fixed, 200},
		{"wrong token", "wrong", "/v1/users/me", fixed, 401},
		{"wrong token in the query", "", "/api/v2/deals?api_token=wrong", fixed, 401},
		{"token of a user that is not there", "gone", "/v1/users/me", fixed, 401},
		{"a rep reads deals", "rep", "/api/v2/deals", fixed, 200},
		{"a rep may not list webhooks", "rep", "/v1/webhooks", fixed, 403},
		{"a rep may not read activity fields", "rep", "/api/v2/activityFields", fixed, 403},
	} {
		tc.b.token = tc.token
		a := tc.b.send("GET", tc.path, nil)
		if a.status != tc.want {
			t.Errorf("%s: %d %s, want %d", tc.name, a.status, a.body, tc.want)
		}
		if a.status == 401 {
			want := object{"success": false, "error": "unauthorized access", "errorCode": 401.0, "error_info": developers}
			if diff := cmp.Diff(want, a.json(t)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.name, diff)
			}
		}
	}
}

// grantor is an OAuth client in tests.
type grantor struct{ *bundle }

const back = "http://localhost:1/back"

// consent walks the authorization page and returns the code.
func (g grantor) consent(allow string) url.Values {
	g.t.Helper()
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	at := g.url + "/oauth/authorize?client_id=app&state=s1&redirect_uri=" + url.QueryEscape(back)
	page, err := client.Get(at)
	if err != nil {
		g.t.Fatal(err)
	}
	page.Body.Close()
	if page.StatusCode != 200 || !strings.HasPrefix(page.Header.Get("Content-Type"), "text/html") {
		g.t.Fatalf("consent page: %d %s", page.StatusCode, page.Header.Get("Content-Type"))
	}
	resp, err := client.PostForm(at, url.Values{"allow": {allow}})
	if err != nil {
		g.t.Fatal(err)
	}
	resp.Body.Close()
	to, err := resp.Location()
	if err != nil || !strings.HasPrefix(to.String(), back) {
		g.t.Fatalf("consent leads to %v: %v", to, err)
	}
	return to.Query()
}

// token asks the token endpoint.
func (g grantor) token(form url.Values) (int, object) {
	g.t.Helper()
	req, err := http.NewRequestWithContext(g.t.Context(), "POST", g.url+"/oauth/token", strings.NewReader(form.Encode()))
	if err != nil {
		g.t.Fatal(err)
	}
	req.SetBasicAuth("app", "secret")
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	defer resp.Body.Close()
	var v object
	if err := json.NewDecoder(resp.Body).Decode(&v); err != nil {
		g.t.Fatal(err)
	}
	return resp.StatusCode, v
}

func (g grantor) exchange(code string) (int, object) {
	return g.token(url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {back}})
}

func (g grantor) refresh(token string) (int, object) {
	return g.token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
}

// get calls an operation with an access token.
func (g grantor) get(path, access string) int {
	g.t.Helper()
	req, err := http.NewRequestWithContext(g.t.Context(), "GET", g.url+path, nil)
	if err != nil {
		g.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+access)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

func TestOAuthFromConsentToExpiry(t *testing.T) {
	t.Parallel()
	g := grantor{setup(t, Options{OAuth: OAuth{ClientID: "app", ClientSecret: "secret", Scopes: []string{"base", "deals:read"}}})}
	if q := g.consent("no"); q.Get("error") != "user_denied" || q.Get("code") != "" || q.Get("state") != "s1" {
		t.Errorf("refused consent leads back with %v", q)
	}
	code := g.consent("yes").Get("code")
	status, tokens := g.exchange(code)
	want := object{
		"token_type": "Bearer", "expires_in": 3599.0, "scope": "base deals:read", "api_domain": g.url,
		"access_token": tokens["access_token"], "refresh_token": tokens["refresh_token"],
	}
	if diff := cmp.Diff(want, tokens); status != 200 || diff != "" {
		t.Fatalf("exchange: %d (-want +got):\n%s", status, diff)
	}
	if status, e := g.exchange(code); status != 400 || e["error"] != "invalid_grant" {
		t.Errorf("a code used twice: %d %v, want 400 invalid_grant", status, e)
	}
	access := tokens["access_token"].(string)
	for path, want := range map[string]int{
		"/api/v2/deals": 200, "/v1/users/me": 200, "/api/v2/persons": 403, "/v1/webhooks": 403, "/api/v2/activityFields": 403, "/v1/deals/1/changelog": 403,
	} {
		if got := g.get(path, access); got != want {
			t.Errorf("%s with deals:read: %d, want %d", path, got, want)
		}
	}
	g.clock.Advance(time.Hour)
	if got := g.get("/api/v2/deals", access); got != 401 {
		t.Errorf("an hour later: %d, want 401", got)
	}
	_, renewed := g.refresh(tokens["refresh_token"].(string))
	if renewed["access_token"] == access || g.get("/api/v2/deals", renewed["access_token"].(string)) != 200 {
		t.Errorf("refresh gave %v, want a new token that works", renewed)
	}
	g.clock.Advance(59 * 24 * time.Hour)
	status, _ = g.refresh(tokens["refresh_token"].(string))
	g.clock.Advance(60 * 24 * time.Hour)
	last, e := g.refresh(tokens["refresh_token"].(string))
	if status != 200 || last != 400 || e["error"] != "invalid_grant" {
		t.Errorf("refresh after 59 idle days: %d, after 60: %d %v; want 200 and 400", status, last, e)
	}
}

func TestOAuthVariants(t *testing.T) {
	t.Parallel()
	start := func(o OAuth) (grantor, object) {
		g := grantor{setup(t, Options{OAuth: o, BaseURL: "https://acme.example.com"})}
		_, tokens := g.exchange(g.consent("yes").Get("code"))
		return g, tokens
	}
	single, first := start(OAuth{SingleUse: true})
	status, second := single.refresh(first["refresh_token"].(string))
	if again, e := single.refresh(first["refresh_token"].(string)); status != 200 || again != 400 || !strings.Contains(e["message"].(string), "already exchanged") {
		t.Errorf("a single-use token: %d, used again %d %v", status, again, e)
	}
	if status, _ := single.refresh(second["refresh_token"].(string)); status != 200 {
		t.Errorf("its successor: %d, want 200", status)
	}
	omit, tokens := start(OAuth{OmitRefresh: true})
	if _, again := omit.refresh(tokens["refresh_token"].(string)); again["refresh_token"] != nil || again["api_domain"] != "https://acme.example.com" {
		t.Errorf("refresh answers %v, want no refresh token and the configured domain", again)
	}
	revoked, tokens := start(OAuth{})
	if err := revoked.RevokeConsent(); err != nil {
		t.Fatal(err)
	}
	if status, _ := revoked.refresh(tokens["refresh_token"].(string)); status != 400 || revoked.get("/v1/users/me", tokens["access_token"].(string)) != 401 {
		t.Errorf("after the consent was taken back: refresh %d, want 400 and calls 401", status)
	}
	late := grantor{setup(t, Options{})}
	code := late.consent("yes").Get("code")
	late.clock.Advance(codeLife)
	if status, _ := late.exchange(code); status != 400 {
		t.Errorf("a code after five minutes: %d, want 400", status)
	}
	strict := grantor{setup(t, Options{OAuth: OAuth{ClientID: "app", ClientSecret: "other"}})}
	if status, e := strict.refresh("x"); status != 401 || e["error"] != "invalid_client" {
		t.Errorf("wrong client secret: %d %v, want 401 invalid_client", status, e)
	}
	expire, tokens := start(OAuth{})
	if _, err := expire.Inject(sandbox.Fault{Kind: sandbox.TokenExpire, After: 1, Times: 1}); err != nil {
		t.Fatal(err)
	}
	access := tokens["access_token"].(string)
	if a, b := expire.get("/v1/users/me", access), expire.get("/v1/users/me", access); a != 200 || b != 401 {
		t.Errorf("token-expire:after=1: %d then %d, want 200 then 401", a, b)
	}
	if status, _ := expire.refresh(tokens["refresh_token"].(string)); status != 200 {
		t.Errorf("refresh after token-expire: %d, want 200", status)
	}
}
