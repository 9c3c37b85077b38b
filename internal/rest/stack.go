package rest

import (
	"log/slog"
	"net/http"
	"time"

	"golang.org/x/oauth2"
)

const (
	defaultTimeout = 30 * time.Second
	defaultRetries = 3
	redirectLimit  = 3
)

// Stack is what an HTTP client for one connection and lane is made of. The
// zero value is a client that retries, but neither paces nor authorises.
type Stack struct {
	Transport http.RoundTripper  // the wire; nil is http.DefaultTransport, a pool shared by all
	Governor  Governor           // nil: not paced
	Meter     Meter              // the vendor's prices, see connectors.Spec
	Tokens    oauth2.TokenSource // nil: not OAuth. May be a Refresher as well
	// Scheme and Stale are the vendor's ways with tokens, see connectors.Consent.
	Scheme     string
	Stale      func(body []byte) bool
	Timeout    time.Duration    // per attempt, its body included; 0 is 30 s
	Now        func() time.Time // nil is time.Now
	Log        *slog.Logger     // nil: silent
	MaxRetries int              // repetitions within one call; 0 is 3, negative is none
	Trace      bool             // open a span for each attempt
}

// NewHTTPClient returns the client that the stack describes. It follows
// redirects of GET and HEAD within the same scheme and host only.
func NewHTTPClient(s Stack) *http.Client {
	s = s.withDefaults()
	wire := s.Transport
	if s.Trace {
		wire = traced(wire)
	}
	// pacing is always there: retryablehttp closes the idle connections of
	// whatever it calls directly when a call fails, and the pool is shared.
	var chain http.RoundTripper = &pacing{governor: s.Governor, meter: s.Meter, now: s.Now, log: s.Log, next: wire}
	if s.Tokens != nil {
		chain = &authorising{source: s.Tokens, scheme: s.Scheme, stale: s.Stale, next: chain}
	}
	attempts := &http.Client{Transport: chain, Timeout: s.Timeout, CheckRedirect: sameHost}
	return &http.Client{
		Transport: &retrying{attempts: attempts, max: s.MaxRetries, meter: s.Meter, now: s.Now, log: s.Log},
		// Whatever the attempt did not follow is the answer.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func (s Stack) withDefaults() Stack {
	if s.Transport == nil {
		s.Transport = http.DefaultTransport
	}
	if s.Timeout == 0 {
		s.Timeout = defaultTimeout
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	if s.MaxRetries == 0 {
		s.MaxRetries = defaultRetries
	}
	s.MaxRetries = max(s.MaxRetries, 0)
	return s
}

// sameHost lets a redirect pass only where the credentials were meant to go
// anyway; otherwise the redirect itself is the answer. Custom headers with
// secrets would travel along to another host, and a redirected write would
// turn into a GET.
func sameHost(req *http.Request, via []*http.Request) error {
	first := via[0]
	safe := first.Method == http.MethodGet || first.Method == http.MethodHead
	if !safe || req.URL.Scheme != first.URL.Scheme || req.URL.Host != first.URL.Host || len(via) > redirectLimit {
		return http.ErrUseLastResponse
	}
	return nil
}

// NewTransport returns a pool of connections for a whole process, to be given
// to every Stack: HTTP/2 where the vendor speaks it, and enough idle
// connections that parallel walks of one vendor do not dial anew for each page.
func NewTransport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns = 256
	t.MaxIdleConnsPerHost = 32
	return t
}
