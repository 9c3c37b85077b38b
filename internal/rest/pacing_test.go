package rest_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/rest"
)

// governor counts what is taken and keeps what it learns.
type governor struct {
	refusal  error
	learnErr error

	mu       sync.Mutex
	permit   rest.Permit // what it hands out
	taken    []rest.Price
	learned  []rest.Usage
	returned []rest.Permit
	within   []time.Duration // until the end of each attempt
}

// Take implements rest.Governor.
func (g *governor) Take(ctx context.Context, p rest.Price) (rest.Permit, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.taken = append(g.taken, p)
	if end, ok := ctx.Deadline(); ok {
		g.within = append(g.within, time.Until(end))
	}
	if g.refusal == nil && g.permit > 0 {
		g.permit++
		return g.permit, nil
	}
	return 0, g.refusal
}

// Done implements rest.Governor.
func (g *governor) Done(ctx context.Context, p rest.Permit, u rest.Usage) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.learned = append(g.learned, u)
	g.returned = append(g.returned, p)
	return errors.Join(g.learnErr, ctx.Err())
}

func ptr(n int) *int { return &n }

func TestEveryAttemptIsPaidFor(t *testing.T) {
	t.Parallel()
	cost := func(req *http.Request) int { return len(req.URL.Path) }
	cases := map[string]struct {
		meter rest.Meter
		want  rest.Price // three times
	}{
		"no prices known":   {rest.Meter{}, rest.Price{Cost: 1, Burst: 1}},
		"a price per call":  {rest.Meter{Cost: cost}, rest.Price{Cost: 6, Burst: 1}},
		"bursts priced too": {rest.Meter{Cost: cost, BurstCost: func(*http.Request) int { return 3 }}, rest.Price{Cost: 6, Burst: 3}},
		"a heavy call":      {rest.Meter{Heavy: func(*http.Request) bool { return true }}, rest.Price{Cost: 1, Burst: 1, Heavy: true}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := &governor{}
				w := &wire{script: []step{{status: 500}, {status: 401}, {status: 200, body: "{}"}}}
				s := rest.Stack{Transport: w, Governor: g, Meter: tc.meter, Tokens: &renewing{source{token: "old", fresh: "new"}}}
				if _, err := rest.New(rest.NewHTTPClient(s), "https://api.example.com").Do(t.Context(), rest.Call{Path: "/deals"}); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff([]rest.Price{tc.want, tc.want, tc.want}, g.taken); diff != "" {
					t.Errorf("taken (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestARefusalOfTheGovernorPassesAtOnce(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"GET", "POST"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			refusedByGovernor(t, method)
		})
	}
}

func refusedByGovernor(t *testing.T, method string) {
	g := &governor{refusal: &fault.Error{Kind: fault.Limited, Text: "the account's quota is spent", RetryAfter: time.Minute, Daily: true}}
	w := &wire{script: []step{{status: 200, body: "{}"}}}
	c := rest.New(rest.NewHTTPClient(rest.Stack{Transport: w, Governor: g}), "https://api.example.com")
	_, err := c.Do(t.Context(), rest.Call{Method: method, Path: "/x"})
	e, ok := errors.AsType[*fault.Error](err)
	if !ok || e.Kind != fault.Limited || e.RetryAfter != time.Minute || !e.Daily {
		t.Errorf("error = %#v, want the governor's", err)
	}
	if err == nil || err.Error() != method+" api.example.com/x: the account's quota is spent" {
		t.Errorf("error = %v", err)
	}
	if len(g.taken) != 1 || w.attempts() != 0 {
		t.Errorf("asked %d times, sent %d calls; want one question and no call", len(g.taken), w.attempts())
	}
}

func TestAGovernorThatFailsIsNotTakenForTheVendor(t *testing.T) {
	t.Parallel()
	gone := errors.New("database gone")
	g := &governor{refusal: gone}
	c := rest.New(rest.NewHTTPClient(rest.Stack{Transport: &wire{script: []step{{status: 200, body: "{}"}}}, Governor: g}), "https://api.example.com")
	_, err := c.Do(t.Context(), rest.Call{Path: "/x"})
	if fault.KindOf(err) != fault.Temporary || !errors.Is(err, gone) || !strings.Contains(err.Error(), "quota could not be asked") || len(g.taken) != 1 {
		t.Errorf("error %v after %d questions, want a temporary one with the cause after one", err, len(g.taken))
	}
}

func TestWhatTheGovernorLearns(t *testing.T) {
	t.Parallel()
	remaining := func(r *http.Response) rest.Usage {
		switch r.Header.Get("X-Left") {
		case "":
			return rest.Usage{}
		case "none":
			return rest.Usage{Exhausted: true, RetryAfter: time.Hour}
		}
		return rest.Usage{BurstRemaining: ptr(7)}
	}
	cases := map[string]struct {
		answer step
		usage  func(*http.Response) rest.Usage
		want   []rest.Usage
	}{
		"an answer that tells":     {step{status: 200, header: header("X-Left", "7"), body: "{}"}, remaining, []rest.Usage{{BurstRemaining: ptr(7)}}},
		"a silent answer":          {step{status: 200, body: "{}"}, remaining, nil},
		"a meter that cannot read": {step{status: 200, header: header("X-Left", "7"), body: "{}"}, nil, nil},
		"a refusal":                {step{status: 429, header: header("Retry-After", "9")}, nil, []rest.Usage{{Exhausted: true, RetryAfter: 9 * time.Second}}},
		"a refusal with a count":   {step{status: 429, header: header("Retry-After", "9", "X-Left", "7")}, remaining, []rest.Usage{{BurstRemaining: ptr(7), Exhausted: true, RetryAfter: 9 * time.Second}}},
		"a refusal in own words":   {step{status: 403, header: header("X-Left", "none"), body: "{}"}, remaining, []rest.Usage{{Exhausted: true, RetryAfter: time.Hour}}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := &governor{}
			s := rest.Stack{Transport: &wire{script: []step{tc.answer}}, Governor: g, Meter: rest.Meter{Usage: tc.usage}}
			_, _ = rest.New(rest.NewHTTPClient(s), "https://api.example.com").Do(t.Context(), rest.Call{Path: "/x"}) // only what was learned counts here
			if diff := cmp.Diff(tc.want, g.learned); diff != "" {
				t.Errorf("learned (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheEndOfTheCallDoesNotLoseWhatWasTold(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	ctx, cancel := context.WithCancel(t.Context())
	g := &governor{}
	s := rest.Stack{
		Transport: &wire{script: []step{{status: 200, body: "{}"}}}, Governor: g, Log: textLog(&log),
		Meter: rest.Meter{Usage: func(*http.Response) rest.Usage { cancel(); return rest.Usage{BurstRemaining: ptr(1)} }},
	}
	_, _ = rest.New(rest.NewHTTPClient(s), "https://api.example.com").Do(ctx, rest.Call{Path: "/x"}) // cancelled or not is a race here
	if len(g.learned) != 1 || log.Len() != 0 {
		t.Errorf("learned %v, log %q; want the usage recorded under a living context", g.learned, log.String())
	}
}

func TestATransportClosesTheBodyThatItDoesNotSend(t *testing.T) {
	t.Parallel()
	w := &wire{script: []step{{status: 200, body: "{}"}}}
	cases := map[string]http.RoundTripper{
		"refused by the governor": rest.Pacing(&governor{refusal: fault.New(fault.Limited, "spent")}, w),
		"no token to be had":      rest.Authorising(&source{err: retrieve(400, "invalid_grant")}, w),
	}
	for name, transport := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sending := &body{Reader: strings.NewReader("x"), wire: &wire{open: 1}}
			req, err := http.NewRequestWithContext(t.Context(), "POST", "https://api.example.com/x", sending)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := transport.RoundTrip(req); err == nil {
				t.Error("no error")
			}
			sending.wire.closed(t)
		})
	}
}

func TestAFailureToLearnIsLoggedAndDoesNotFailTheCall(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	g := &governor{learnErr: errors.New("database gone")}
	s := rest.Stack{
		Transport: &wire{script: []step{{status: 200, body: "{}"}}}, Governor: g, Log: textLog(&log),
		Meter: rest.Meter{Usage: func(*http.Response) rest.Usage { return rest.Usage{BurstRemaining: ptr(1)} }},
	}
	if _, err := rest.New(rest.NewHTTPClient(s), "https://api.example.com").Do(t.Context(), rest.Call{Path: "/x"}); err != nil {
		t.Errorf("error = %v, want none", err)
	}
	if !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), "database gone") {
		t.Errorf("log = %q, want a warning with the cause", log.String())
	}
}
