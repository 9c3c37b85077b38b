package rest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/internal/rest"
)

// TestEveryPermitComesBack: after answers, refusals and failures alike, each
// once, with what its answer told.
func TestEveryPermitComesBack(t *testing.T) {
	t.Parallel()
	usage := func(r *http.Response) rest.Usage {
		return rest.Usage{HalfLeft: r.StatusCode == 200}
	}
	lost := errors.New("connection reset by peer")
	cases := map[string]struct {
		script   []step
		returned []rest.Permit
		learned  []rest.Usage
	}{
		"an answer":           {[]step{{status: 200, body: "{}"}}, []rest.Permit{2}, []rest.Usage{{HalfLeft: true}}},
		"no content":          {[]step{{status: 204}}, []rest.Permit{2}, []rest.Usage{{}}},
		"a refusal":           {[]step{{status: 429}}, []rest.Permit{2}, []rest.Usage{{Exhausted: true}}},
		"an attempt too few":  {[]step{{status: 500}, {status: 200, body: "{}"}}, []rest.Permit{2, 3}, []rest.Usage{{}, {HalfLeft: true}}},
		"a lost connection":   {[]step{{err: lost}, {status: 200, body: "{}"}}, []rest.Permit{2, 3}, []rest.Usage{{}, {HalfLeft: true}}},
		"an answer as HTML":   {[]step{{status: 200, body: "<html>"}}, []rest.Permit{2}, []rest.Usage{{HalfLeft: true}}},
		"a redirect to no-go": {[]step{{status: 302, header: header("Location", "https://elsewhere.example.com")}}, []rest.Permit{2}, []rest.Usage{{}}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := &governor{permit: 1}
				w := &wire{script: tc.script}
				c := rest.New(rest.NewHTTPClient(rest.Stack{Transport: w, Governor: g, Meter: rest.Meter{Usage: usage}}), "https://api.example.com")
				_, _ = c.Do(t.Context(), rest.Call{Path: "/deals"}) // what comes of it does not matter here
				if diff := cmp.Diff(tc.returned, g.returned); diff != "" {
					t.Errorf("permits given back (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(tc.learned, g.learned); diff != "" {
					t.Errorf("told with them (-want +got):\n%s", diff)
				}
				w.closed(t)
			})
		})
	}
}

// TestACallIsUnderWayUntilItsAnswerIsThere, and no longer than its context.
func TestACallIsUnderWayUntilItsAnswerIsThere(t *testing.T) {
	t.Parallel()
	g := &governor{permit: 1}
	get := func() *http.Response {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://api.example.com/x", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := rest.Pacing(g, &wire{script: []step{{status: 200, body: "{}"}}}).RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		return resp
	}
	read := get()
	if len(g.returned) != 0 {
		t.Error("given back before the answer was read")
	}
	if _, err := io.Copy(io.Discard, read.Body); err != nil || len(g.returned) != 1 {
		t.Errorf("%d given back once the answer was read, error %v", len(g.returned), err)
	}
	if err := read.Body.Close(); err != nil || len(g.returned) != 1 {
		t.Errorf("%d given back once it was closed, error %v", len(g.returned), err)
	}
	if err := get().Body.Close(); err != nil || len(g.returned) != 2 {
		t.Errorf("%d given back once another was closed unread, error %v", len(g.returned), err)
	}
}

// TestThePermitSurvivesTheCallsContext: a call that is cancelled gives it back.
func TestThePermitSurvivesTheCallsContext(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	ctx, cancel := context.WithCancel(t.Context())
	g := &governor{permit: 1}
	w := &wire{script: []step{{err: context.Canceled}}}
	s := rest.Stack{Transport: w, Governor: g, Log: textLog(&log), Meter: rest.Meter{Cost: func(*http.Request) int { cancel(); return 1 }}}
	if _, err := rest.New(rest.NewHTTPClient(s), "https://api.example.com").Do(ctx, rest.Call{Path: "/x"}); err == nil {
		t.Error("no error")
	}
	if diff := cmp.Diff([]rest.Permit{2}, g.returned); diff != "" {
		t.Errorf("given back (-want +got):\n%s", diff)
	}
	if strings.Contains(log.String(), "was not recorded") {
		t.Errorf("given back under a context that had ended: %s", log.String())
	}
}

// TestAnAttemptTellsTheGovernorItsEnd: the time limit of an attempt bounds for how
// long the permit of a killed process counts.
func TestAnAttemptTellsTheGovernorItsEnd(t *testing.T) {
	t.Parallel()
	g := &governor{}
	s := rest.Stack{Transport: &wire{script: []step{{status: 200, body: "{}"}}}, Governor: g, Timeout: 7 * time.Second}
	if _, err := rest.New(rest.NewHTTPClient(s), "https://api.example.com").Do(t.Context(), rest.Call{Path: "/x"}); err != nil {
		t.Fatal(err)
	}
	if len(g.within) != 1 || g.within[0] > 7*time.Second || g.within[0] < time.Second {
		t.Errorf("attempts end within %v, want 7 s", g.within)
	}
}
