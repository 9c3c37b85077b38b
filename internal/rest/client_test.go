package rest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/rest"
)

// serve starts a server with the handler and returns a client of it that
// retries nothing.
func serve(t *testing.T, h http.HandlerFunc) *rest.Client {
	t.Helper()
	return rest.New(rest.NewHTTPClient(rest.Stack{MaxRetries: -1}), startServer(t, h)+"/base")
}

// startServer returns the URL of a server that lives as long as the test.
func startServer(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv.URL
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

func TestDoSendsWhatTheCallSays(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		call rest.Call
		want string // method, URI, content type, own header, body
	}{
		"a get by default": {
			call: rest.Call{Path: "/v2/deals", Query: url.Values{"cursor": {"a b"}}, Header: http.Header{"x-own": {"1"}}},
			want: "GET /base/v2/deals?cursor=a+b [] [1] ",
		},
		"JSON": {
			call: rest.Call{Method: "PATCH", Path: "/v2/deals/7", Body: map[string]string{"title": "Сделка"}},
			want: `PATCH /base/v2/deals/7 [application/json] [] {"title":"Сделка"}`,
		},
		"a form": {
			call: rest.Call{Method: "POST", Path: "/token", Form: url.Values{"grant_type": {"x"}}},
			want: "POST /base/token [application/x-www-form-urlencoded] [] grant_type=x",
		},
		"an escaped id stays one part of the path": {
			call: rest.Call{Path: "/v2/deals/" + url.PathEscape("a/b")},
			want: "GET /base/v2/deals/a%2Fb [] [] ",
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got string
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				if _, sent := r.Header["Idempotency-Key"]; sent {
					t.Error("the mark for repeatable calls went out on the wire")
				}
				got = r.Method + " " + r.RequestURI + " [" + r.Header.Get("Content-Type") + "] [" + r.Header.Get("X-Own") + "] " + string(body)
				io.WriteString(w, "{}")
			})
			tc.call.Idempotent = true
			if _, err := c.Do(t.Context(), tc.call); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDoReturnsTheWholeAnswer(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.FixedZone("MSK", 3*3600))
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", "Sat, 21 Nov 2026 08:59:58 GMT")
		w.WriteHeader(http.StatusCreated)
		io.WriteString(w, ` {"id": 1} `)
	})
	c.Now = func() time.Time { return now }
	got, err := c.Do(t.Context(), rest.Call{Method: "POST", Path: "/notes", Body: 1})
	if err != nil {
		t.Fatal(err)
	}
	got.Header = nil
	want := rest.Answer{
		Status: 201, Body: []byte(` {"id": 1} `),
		Date: time.Date(2026, 11, 21, 8, 59, 58, 0, time.UTC), SentAt: now.UTC(),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
}

func TestDoWithACancelledContext(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{})
	release := make(chan struct{})
	c := serve(t, func(http.ResponseWriter, *http.Request) { close(arrived); <-release })
	defer close(release)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	_, err := c.Do(ctx, rest.Call{Path: "/slow"})
	if !errors.Is(err, context.Canceled) || fault.KindOf(err) != fault.Temporary {
		t.Errorf("error = %v (%v), want one that is context.Canceled and temporary", err, fault.KindOf(err))
	}
}
