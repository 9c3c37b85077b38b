package zoho

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"salesbook.dev/internal/sandbox"
)

// form posts to the accounts server.
func (b *bundle) form(path string, pairs ...string) (int, object) {
	b.t.Helper()
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	resp, err := http.PostForm(b.url+path, v)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	var out object
	if err := json.Unmarshal(raw, &out); err != nil {
		b.t.Fatalf("%s: %v", raw, err)
	}
	return resp.StatusCode, out
}

const tokenPath = "/oauth/v2/token"

// connect exchanges a self client's code and returns both tokens.
func (b *bundle) connect(scopes ...string) (access, refresh string) {
	b.t.Helper()
	code, err := b.Code(scopes...)
	if err != nil {
		b.t.Fatal(err)
	}
	_, out := b.form(tokenPath, "grant_type", "authorization_code", "client_id", "c", "client_secret", "s", "code", code)
	if out["error"] != nil || out["api_domain"] != b.url || out["expires_in"] != 3600.0 {
		b.t.Fatalf("exchange: %v", out)
	}
	return out["access_token"].(string), out["refresh_token"].(string)
}

func TestSelfClient(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{})
	access, refresh := b.connect("ZohoCRM.users.READ")
	b.token = access
	if a := b.get("/crm/v8/users"); a.status != 200 {
		t.Fatalf("users: %d %s", a.status, a.body)
	}
	if a := b.get("/crm/v8/Deals?fields=id"); a.status != 401 || a.code() != "OAUTH_SCOPE_MISMATCH" {
		t.Errorf("beyond the scopes: %d %s", a.status, a.body)
	}
	b.clock.Advance(time.Hour)
	if a := b.get("/crm/v8/users"); a.status != 401 || a.code() != "INVALID_TOKEN" {
		t.Errorf("after an hour: %d %s", a.status, a.body)
	}
	status, out := b.form(tokenPath, "grant_type", "refresh_token", "client_id", "c", "client_secret", "s", "refresh_token", refresh)
	if status != 200 || out["refresh_token"] != nil {
		t.Errorf("refresh: %d %v, want no refresh token", status, out)
	}
	b.token = out["access_token"].(string)
	if a := b.get("/crm/v8/users"); a.status != 200 {
		t.Errorf("after a refresh: %d", a.status)
	}
	b.token = ""
	if a := b.get("/crm/v8/users"); a.status != 401 || a.code() != "AUTHENTICATION_FAILURE" {
		t.Errorf("without a token: %d %s", a.status, a.body)
	}
}

func TestServerApp(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{OAuth: OAuth{ClientID: "c", ClientSecret: "s", AutoConsent: true, Location: "in"}, AccountsURL: "https://accounts.zoho.in"})
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Get(b.url + "/oauth/v2/auth?response_type=code&client_id=c&scope=ZohoCRM.org.READ&access_type=offline&state=x&redirect_uri=https%3A%2F%2Fapp.example.com%2Fcb")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	back, err := resp.Location()
	if err != nil {
		t.Fatal(err)
	}
	q := back.Query()
	if q.Get("accounts-server") != "https://accounts.zoho.in" || q.Get("location") != "in" || q.Get("state") != "x" {
		t.Errorf("redirect to %s", back)
	}
	exchange := func(secret, code, redirect string) (int, object) {
		return b.form(tokenPath, "grant_type", "authorization_code", "client_id", "c", "client_secret", secret, "code", code, "redirect_uri", redirect)
	}
	for want, args := range map[string][3]string{
		"invalid_client_secret": {"x", q.Get("code"), "https://app.example.com/cb"},
		"invalid_code":          {"s", "x", "https://app.example.com/cb"},
		"invalid_redirect_uri":  {"s", q.Get("code"), "https://app.example.com/other"},
	} {
		if status, out := exchange(args[0], args[1], args[2]); status != 200 || out["error"] != want {
			t.Errorf("%d %v, want 200 with %s", status, out, want)
		}
	}
	_, out := exchange("s", q.Get("code"), "https://app.example.com/cb")
	if out["refresh_token"] == nil {
		t.Errorf("exchange: %v", out)
	}
	if _, out := exchange("s", q.Get("code"), "https://app.example.com/cb"); out["error"] != "invalid_code" {
		t.Errorf("a code used twice: %v", out)
	}
}

// TestRefreshLimits: ten refreshes in ten minutes, ten living access tokens.
func TestRefreshLimits(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{RefreshToken: "standing"})
	refresh := func() (int, object) {
		return b.form(tokenPath, "grant_type", "refresh_token", "client_id", "c", "client_secret", "s", "refresh_token", "standing")
	}
	_, first := refresh()
	for range 9 {
		refresh()
	}
	if status, out := refresh(); status != 400 || out["error"] != "Access Denied" {
		t.Errorf("the eleventh refresh: %d %v", status, out)
	}
	b.token = first["access_token"].(string)
	if a := b.get("/crm/v8/org"); a.status != 200 {
		t.Errorf("the tenth token before: %d", a.status)
	}
	b.clock.Advance(10 * time.Minute)
	if _, out := refresh(); out["access_token"] == nil {
		t.Errorf("ten minutes later: %v", out)
	}
	if a := b.get("/crm/v8/org"); a.code() != "INVALID_TOKEN" {
		t.Errorf("the eleventh token before: %s", a.body)
	}
	if err := b.RevokeConsent(); err != nil {
		t.Fatal(err)
	}
	if _, out := refresh(); out["error"] != "invalid_code" {
		t.Errorf("after the consent was taken back: %v", out)
	}
}

func TestTokenEndsInTheMidst(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{})
	b.token, _ = b.connect("ZohoCRM.modules.ALL")
	if _, err := b.Inject(sandbox.Fault{Kind: sandbox.TokenExpire, After: 1, Times: 1}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{204, 401, 401} {
		if a := b.get("/crm/v8/Deals?fields=id"); a.status != want {
			t.Errorf("%d, want %d", a.status, want)
		}
	}
}

func TestCredits(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{Limits: Limits{Credits: 10}})
	for i := range 10 {
		a := b.get("/crm/v8/org")
		want := ""
		if i >= 4 {
			want = fmt.Sprint(9 - i)
		}
		if got := a.header.Get(creditsHeader); a.status != 200 || got != want {
			t.Errorf("call %d: %d, %s credits left, want %q", i+1, a.status, got, want)
		}
	}
	a := b.get("/crm/v8/org")
	if a.status != 429 || a.code() != "TOO_MANY_REQUESTS" || a.header.Get("Retry-After") != "" {
		t.Errorf("beyond the credits: %d %v %s", a.status, a.header, a.body)
	}
	b.clock.Advance(24 * time.Hour)
	if a := b.get("/crm/v8/org"); a.status != 200 {
		t.Errorf("a day later: %d", a.status)
	}
}

// TestPrices: queries cost by their limit, writes by tens.
func TestPrices(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{})
	spent := b.Spent()
	cost := func(want int64, call func()) {
		t.Helper()
		call()
		if got := b.Spent() - spent; got != want {
			t.Errorf("cost %d credits, want %d", got, want)
		}
		spent = b.Spent()
	}
	for limit, want := range map[int]int64{200: 1, 1000: 2, 2000: 3} {
		cost(want, func() { b.query(fmt.Sprintf("select id from Deals where id is not null limit %d", limit)) })
	}
	var list []object
	for range 25 {
		list = append(list, object{"Last_Name": "X", "Company": "Y"})
	}
	cost(3, func() { b.send("POST", "/crm/v8/Leads", object{"data": list}) })
}

func TestConcurrency(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{Limits: Limits{Concurrency: 1}})
	inside := 0
	b.Before("GET", "/crm/v8/org", func() { inside = b.get("/crm/v8/users").status })
	if a := b.get("/crm/v8/org"); a.status != 200 || inside != 429 {
		t.Errorf("%d outside, %d inside; want 200 and 429", a.status, inside)
	}
	if a := b.get("/crm/v8/users"); a.status != 200 {
		t.Errorf("afterwards: %d", a.status)
	}
}

// TestAConsoleMakesCodes: the code of a self client needs no redirect, and is good once.
func TestAConsoleMakesCodes(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{})
	post := func(path string, form url.Values) string {
		t.Helper()
		answer, err := http.PostForm(b.url+path, form)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if said := post("/console", nil); strings.HasPrefix(said, "1000.") {
		t.Errorf("a code without a scope: %s", said)
	}
	trade := url.Values{"grant_type": {"authorization_code"}, "client_id": {"1000.X"}, "code": {strings.TrimSpace(post("/console", url.Values{"scope": {"ZohoCRM.org.READ"}}))}}
	if said := post("/oauth/v2/token", trade); !strings.Contains(said, "refresh_token") || !strings.Contains(said, "ZohoCRM.org.READ") {
		t.Errorf("the code is traded for %s", said)
	}
	if said := post("/oauth/v2/token", trade); !strings.Contains(said, "invalid_code") {
		t.Errorf("a code is good twice: %s", said)
	}
}
