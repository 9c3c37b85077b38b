package rest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/rest"
)

// source is a token source whose renewals are scripted.
type source struct {
	token, fresh string
	err          error    // of Token
	refreshErr   error    // of Refresh
	spent        []string // tokens that a renewal was asked for
}

// Token implements oauth2.TokenSource.
func (s *source) Token() (*oauth2.Token, error) {
	return &oauth2.Token{AccessToken: s.token}, s.err
}

// renewing is a source that can renew as well.
type renewing struct{ source }

// Refresh implements rest.Refresher.
func (s *renewing) Refresh(_ context.Context, spent *oauth2.Token) (*oauth2.Token, error) {
	s.spent = append(s.spent, spent.AccessToken)
	return &oauth2.Token{AccessToken: s.fresh}, s.refreshErr
}

// retrieve is a refusal of the token endpoint with a secret in its text.
func retrieve(status int, code string) error {
	return &oauth2.RetrieveError{Response: &http.Response{StatusCode: status}, ErrorCode: code, ErrorDescription: "SECRET", Body: []byte("SECRET")}
}

func TestForcedRenewalAfter401(t *testing.T) {
	t.Parallel()
	refused, good := step{status: 401, body: `{}`}, step{status: 200, body: `{}`}
	cases := map[string]struct {
		tokens oauth2.TokenSource
		script []step
		sent   []string // what each attempt carried
		want   fault.Kind
		ok     bool
	}{
		"renewed once, then fine":        {&renewing{source{token: "old", fresh: "new"}}, []step{refused, good}, []string{"Bearer old", "Bearer new"}, 0, true},
		"refused again":                  {&renewing{source{token: "old", fresh: "new"}}, []step{refused}, []string{"Bearer old", "Bearer new"}, fault.Auth, false},
		"nothing newer to be had":        {&renewing{source{token: "old", fresh: "old"}}, []step{refused}, []string{"Bearer old"}, fault.Auth, false},
		"the renewal is refused":         {&renewing{source{token: "old", refreshErr: retrieve(400, "invalid_grant")}}, []step{refused}, []string{"Bearer old"}, fault.Auth, false},
		"the token endpoint has a fault": {&renewing{source{token: "old", refreshErr: retrieve(503, "")}}, []step{refused}, []string{"Bearer old"}, fault.Temporary, false},
		"a source that cannot renew":     {&source{token: "old"}, []step{refused}, []string{"Bearer old"}, fault.Auth, false},
		"no 401, no renewal":             {&renewing{source{token: "old", fresh: "new"}}, []step{{status: 403, body: `{}`}}, []string{"Bearer old"}, fault.Forbidden, false},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &wire{script: tc.script}
			c := rest.New(rest.NewHTTPClient(rest.Stack{Transport: w, Tokens: tc.tokens}), "https://api.example.com")
			_, err := c.Do(t.Context(), rest.Call{Method: "POST", Path: "/x", Body: "text"})
			if (err == nil) != tc.ok || fault.KindOf(err) != tc.want {
				t.Errorf("error = %v (%v), want %v", err, fault.KindOf(err), tc.want)
			}
			var carried []string
			for _, s := range w.sent {
				carried = append(carried, s.Authorization)
				if s.Body != `"text"` {
					t.Errorf("an attempt sent the body %q, want the whole of it", s.Body)
				}
			}
			if diff := cmp.Diff(tc.sent, carried); diff != "" {
				t.Errorf("attempts (-want +got):\n%s", diff)
			}
			if r, ok := tc.tokens.(*renewing); ok && len(r.spent) > 1 {
				t.Errorf("renewed %d times, want at most once", len(r.spent))
			}
			w.closed(t)
		})
	}
}

func TestABodyThatCannotBeRepeatedIsSentOnce(t *testing.T) {
	t.Parallel()
	w := &wire{script: []step{{status: 401, body: `{}`}}}
	hc := rest.NewHTTPClient(rest.Stack{Transport: w, Tokens: &renewing{source{token: "old", fresh: "new"}}})
	resp, err := hc.Post("https://api.example.com/x", "text/plain", io.MultiReader(strings.NewReader("a stream")))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized || w.attempts() != 1 {
		t.Errorf("status %d after %d attempts, want the 401 after one", resp.StatusCode, w.attempts())
	}
}

func TestTokenErrors(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		err  error
		want fault.Kind
		text string
	}{
		"the grant is revoked":       {retrieve(400, "invalid_grant"), fault.Auth, "(400, invalid_grant); connect again"},
		"the client is unknown":      {retrieve(401, "invalid_client"), fault.Auth, "invalid_client"},
		"an odd error code":          {retrieve(400, "SECRET!"), fault.Auth, "no error code"},
		"too many renewals":          {retrieve(429, ""), fault.Limited, "429"},
		"the endpoint has a fault":   {retrieve(500, ""), fault.Temporary, "500"},
		"the network fails":          {resetRead, fault.Temporary, "renewing the access token: the connection failed"},
		"already judged":             {fault.New(fault.Auth, "needs consent"), fault.Auth, "needs consent"},
		"the answer holds no token":  {errors.New("oauth2: server response missing access_token SECRET"), fault.Temporary, "renewing the access token"},
		"nobody listens at the door": {refusedDial, fault.Temporary, "no connection could be made"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &wire{script: []step{{status: 200, body: `{}`}}}
			c := rest.New(rest.NewHTTPClient(rest.Stack{Transport: w, Tokens: &source{err: tc.err}}), "https://api.example.com")
			_, err := c.Do(t.Context(), rest.Call{Path: "/x"})
			if fault.KindOf(err) != tc.want || !strings.Contains(err.Error(), tc.text) || strings.Contains(err.Error(), "SECRET") {
				t.Errorf("error = %v (%v), want %v with %q and no secret", err, fault.KindOf(err), tc.want, tc.text)
			}
			if w.attempts() != 0 {
				t.Errorf("%d calls went out without a token", w.attempts())
			}
		})
	}
}

// TestVendorsWaysWithTokens: a word of the vendor's own stands before the token,
// and a 401 that no other token would help is not answered by renewing it.
func TestVendorsWaysWithTokens(t *testing.T) {
	t.Parallel()
	for body, renewals := range map[string]int{`{"code":"INVALID_TOKEN"}`: 1, `{"code":"SCOPE"}`: 0} {
		var seen []string
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			seen = append(seen, r.Header.Get("Authorization"))
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, body)
		}))
		source := &countingSource{}
		client := rest.NewHTTPClient(rest.Stack{Tokens: source, Scheme: "Vendor-token", Stale: func(b []byte) bool { return !strings.Contains(string(b), "SCOPE") }})
		resp, err := client.Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		server.Close()
		if err != nil || string(got) != body || source.renewed != renewals || seen[0] != "Vendor-token token-0" {
			t.Errorf("%s: the body is %q (%v), %d renewals, sent %q", body, got, err, source.renewed, seen)
		}
	}
}

// countingSource gives tokens with their number.
type countingSource struct{ renewed int }

// Token implements oauth2.TokenSource.
func (c *countingSource) Token() (*oauth2.Token, error) {
	return &oauth2.Token{AccessToken: fmt.Sprintf("token-%d", c.renewed)}, nil
}

// Refresh implements rest.Refresher.
func (c *countingSource) Refresh(context.Context, *oauth2.Token) (*oauth2.Token, error) {
	c.renewed++
	return c.Token()
}
