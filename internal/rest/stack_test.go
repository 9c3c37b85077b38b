package rest_test

import (
	"compress/gzip"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/rest"
)

func textLog(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	var stolen atomic.Int32
	thief := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		stolen.Add(1)
		io.WriteString(w, "{}")
	}))
	t.Cleanup(thief.Close)
	var hops atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, thief.URL+"/?t=SECRET", http.StatusTemporaryRedirect)
		case "/loop":
			hops.Add(1)
			http.Redirect(w, r, "/loop", http.StatusFound)
		case "/moved":
			http.Redirect(w, r, "/here", http.StatusMovedPermanently)
		case "/bad":
			w.Header().Set("Location", "http://[SECRET")
			w.WriteHeader(http.StatusFound)
		default:
			io.WriteString(w, "{}")
		}
	}))
	t.Cleanup(srv.Close)
	cases := map[string]struct {
		method, path string
		want         fault.Kind
		ok           bool
	}{
		"a read within the host":               {"GET", "/moved", 0, true},
		"a write is never redirected":          {"POST", "/moved", fault.Invalid, false},
		"a read to another host":               {"GET", "/away", fault.Invalid, false},
		"a write to another host":              {"POST", "/away", fault.Invalid, false},
		"a redirect without end":               {"GET", "/loop", fault.Invalid, false},
		"a redirect that cannot be understood": {"GET", "/bad", fault.Temporary, false},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := rest.New(rest.NewHTTPClient(rest.Stack{MaxRetries: -1}), srv.URL)
			_, err := c.Do(t.Context(), rest.Call{Method: tc.method, Path: tc.path, Header: header("X-Api-Token", "SECRET")})
			if (err == nil) != tc.ok || fault.KindOf(err) != tc.want {
				t.Errorf("error = %v (%v), want %v", err, fault.KindOf(err), tc.want)
			}
			if err != nil && strings.Contains(err.Error(), "SECRET") {
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
	t.Cleanup(func() {
		if n := stolen.Load(); n != 0 {
			t.Errorf("another host was called %d times", n)
		}
		if n := hops.Load(); n > 4 {
			t.Errorf("a loop was followed %d times", n)
		}
	})
}

func TestARedirectOutOfEncryptionIsNotFollowed(t *testing.T) {
	t.Parallel()
	w := &wire{script: []step{{status: 302, header: header("Location", "http://api.example.com/x")}, {status: 200, body: "{}"}}}
	_, err := rest.New(rest.NewHTTPClient(rest.Stack{Transport: w}), "https://api.example.com").Do(t.Context(), rest.Call{Path: "/x"})
	if fault.KindOf(err) != fault.Invalid || w.attempts() != 1 {
		t.Errorf("error %v after %d calls, want a refusal after one", err, w.attempts())
	}
}

func TestBodyIsDecoded(t *testing.T) {
	t.Parallel()
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "gzip" {
			t.Errorf("accept-encoding = %q, want the one that net/http decodes", r.Header.Get("Accept-Encoding"))
		}
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		io.WriteString(z, `{"name":"Łódź"}`)
		z.Close()
	})
	a, err := c.Do(t.Context(), rest.Call{Path: "/x", Header: header("Accept-Encoding", "br")})
	if err != nil || string(a.Body) != `{"name":"Łódź"}` {
		t.Errorf("body %q, error %v; want the plain JSON", a.Body, err)
	}
}

func TestAFailedCallLeavesTheSharedPoolAlone(t *testing.T) {
	t.Parallel()
	p := &pool{wire: wire{script: []step{{err: io.EOF}}}}
	c := rest.New(rest.NewHTTPClient(rest.Stack{Transport: p, MaxRetries: -1}), "https://api.example.com")
	if _, err := c.Do(t.Context(), rest.Call{Path: "/x"}); err == nil {
		t.Error("no error")
	}
	if p.dropped {
		t.Error("one connection's failure closed the idle connections of all")
	}
}

// pool is a wire that can be told to close idle connections.
type pool struct {
	wire
	dropped bool
}

// CloseIdleConnections is what net/http looks for.
func (p *pool) CloseIdleConnections() { p.dropped = true }

func TestNewTransportLeavesTheDefaultAlone(t *testing.T) {
	t.Parallel()
	if got := rest.NewTransport(); got == http.DefaultTransport || got.MaxIdleConnsPerHost <= http.DefaultMaxIdleConnsPerHost || !got.ForceAttemptHTTP2 {
		t.Errorf("transport = %+v, want a larger pool of its own that speaks HTTP/2", got)
	}
}
