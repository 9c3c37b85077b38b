package rest_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/rest"
)

// The tests of this file run in synctest bubbles: waits take no real time, and
// their length can be measured exactly.

var (
	refusedDial = &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	resetRead   = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
)

func TestWhatIsRepeated(t *testing.T) {
	t.Parallel()
	limited := func(delay string) step { return step{status: 429, header: header("Retry-After", delay), body: "{}"} }
	get, post := rest.Call{Path: "/x"}, rest.Call{Method: "POST", Path: "/x", Body: map[string]int{"n": 1}}
	patch := rest.Call{Method: "PATCH", Path: "/x/1", Body: 1, Idempotent: true}
	cases := map[string]struct {
		call     rest.Call
		answer   step
		attempts int
		want     fault.Kind
		delay    time.Duration
	}{
		"a read after 5xx":                         {get, step{status: 502}, 4, fault.Temporary, 0},
		"a read after 501":                         {get, step{status: 501}, 1, fault.Temporary, 0},
		"a read after 408":                         {get, step{status: 408}, 4, fault.Temporary, 0},
		"a read after a reset":                     {get, step{err: resetRead}, 4, fault.Temporary, 0},
		"a read after a dropped connection":        {get, step{err: io.EOF}, 4, fault.Temporary, 0},
		"a read after 404":                         {get, step{status: 404, body: "{}"}, 1, fault.NotFound, 0},
		"a read after 401":                         {get, step{status: 401, body: "{}"}, 1, fault.Auth, 0},
		"a read after 429 with a short delay":      {get, limited("1"), 4, fault.Limited, time.Second},
		"a read after 429 with a long delay":       {get, limited("3600"), 1, fault.Limited, time.Hour},
		"a read after 429 without a delay":         {get, step{status: 429}, 1, fault.Limited, 0},
		"a read after 503 with a long delay":       {get, step{status: 503, header: header("Retry-After", "60")}, 1, fault.Temporary, time.Minute},
		"a write after 502 may have been done":     {post, step{status: 502}, 1, fault.Temporary, 0},
		"a write after a reset may have been done": {post, step{err: resetRead}, 1, fault.Temporary, 0},
		"a write that was never sent":              {post, step{err: refusedDial}, 4, fault.Temporary, 0},
		"a write refused by quota":                 {post, limited("2"), 4, fault.Limited, 2 * time.Second},
		"a write marked as harmless to repeat":     {patch, step{status: 502}, 4, fault.Temporary, 0},
		"the same after a reset":                   {patch, step{err: resetRead}, 4, fault.Temporary, 0},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := &wire{script: []step{tc.answer}}
				_, err := rest.New(rest.NewHTTPClient(rest.Stack{Transport: w}), "https://api.example.com").Do(t.Context(), tc.call)
				if w.attempts() != tc.attempts || fault.KindOf(err) != tc.want || fault.RetryAfter(err) != tc.delay {
					t.Errorf("%d attempts, %v after %v; want %d, %v after %v: %v",
						w.attempts(), fault.KindOf(err), fault.RetryAfter(err), tc.attempts, tc.want, tc.delay, err)
				}
				for i, s := range w.sent {
					if s != w.sent[0] {
						t.Errorf("attempt %d sent %+v, the first %+v", i+1, s, w.sent[0])
					}
				}
				w.closed(t)
			})
		})
	}
}

func TestABlipIsNotNoticed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &wire{script: []step{{status: 503}, {err: io.ErrUnexpectedEOF}, {status: 200, body: `{"id":1}`}}}
		a, err := rest.New(rest.NewHTTPClient(rest.Stack{Transport: w}), "https://api.example.com").Do(t.Context(), rest.Call{Path: "/x"})
		if err != nil || string(a.Body) != `{"id":1}` || w.attempts() != 3 {
			t.Errorf("answer %q after %d attempts, error %v; want the third one's", a.Body, w.attempts(), err)
		}
		w.closed(t)
	})
}

func TestHowLongACallWaits(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		answer    step
		low, high time.Duration // three waits together
	}{
		"backoff doubles, within its spread": {step{status: 500}, 870 * time.Millisecond, 2630 * time.Millisecond},
		"the vendor's delay is honoured":     {step{status: 429, header: header("Retry-After", "2"), body: "{}"}, 6 * time.Second, 6375 * time.Millisecond},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				c := rest.New(rest.NewHTTPClient(rest.Stack{Transport: &wire{script: []step{tc.answer}}}), "https://api.example.com")
				if _, err := c.Do(t.Context(), rest.Call{Path: "/x"}); err == nil {
					t.Error("no error")
				}
				if d := time.Since(start); d < tc.low || d > tc.high {
					t.Errorf("waited %v, want between %v and %v", d, tc.low, tc.high)
				}
			})
		})
	}
}

func TestTheMetersDelayCounts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &wire{script: []step{{status: 429, header: header("X-Reset", "1"), body: "{}"}, {status: 200, body: "{}"}}}
		meter := rest.Meter{Usage: func(r *http.Response) rest.Usage {
			if r.Header.Get("X-Reset") == "" {
				return rest.Usage{}
			}
			return rest.Usage{Exhausted: true, RetryAfter: time.Second}
		}}
		start := time.Now()
		_, err := rest.New(rest.NewHTTPClient(rest.Stack{Transport: w, Meter: meter}), "https://api.example.com").Do(t.Context(), rest.Call{Path: "/x"})
		if d := time.Since(start); err != nil || d < time.Second || d > 1200*time.Millisecond {
			t.Errorf("waited %v, error %v; want about the second that the vendor's own header asked for", d, err)
		}
	})
}

func TestTheEndOfAContextEndsTheWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &wire{script: []step{{status: 429, header: header("Retry-After", "2"), body: "{}"}}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := rest.New(rest.NewHTTPClient(rest.Stack{Transport: w}), "https://api.example.com").Do(ctx, rest.Call{Path: "/x"})
		if !errors.Is(err, context.DeadlineExceeded) || w.attempts() != 1 {
			t.Errorf("error %v after %d attempts, want the context's after one", err, w.attempts())
		}
		w.closed(t)
	})
}

// silent never answers.
type silent struct{}

// RoundTrip implements http.RoundTripper.
func (silent) RoundTrip(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

// stalling answers at once, but its body never ends.
type stalling struct{}

// RoundTrip implements http.RoundTripper.
func (stalling) RoundTrip(req *http.Request) (*http.Response, error) {
	r, w := io.Pipe()
	context.AfterFunc(req.Context(), func() { w.CloseWithError(req.Context().Err()) })
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: r, Request: req}, nil
}

func TestTheTimeLimitOfAnAttempt(t *testing.T) {
	t.Parallel()
	for name, transport := range map[string]http.RoundTripper{"no answer": silent{}, "an answer without end": stalling{}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				c := rest.New(rest.NewHTTPClient(rest.Stack{Transport: transport, MaxRetries: -1}), "https://api.example.com")
				_, err := c.Do(t.Context(), rest.Call{Path: "/x"})
				if fault.KindOf(err) != fault.Temporary || !strings.Contains(err.Error(), "time limit") || errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("error = %v, want a temporary one that does not pass for the caller's own deadline", err)
				}
				if d := time.Since(start); d != 30*time.Second {
					t.Errorf("gave up after %v, want the default of 30s", d)
				}
			})
		})
	}
}
