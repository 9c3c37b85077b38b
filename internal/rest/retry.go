package rest

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"salesbook.dev/internal/fault"
)

const (
	// patience is the longest wait inside a call. What takes longer is told to
	// the caller, who frees the worker.
	patience = 2 * time.Second
	// firstWait is the middle of the first backoff; each further one doubles.
	firstWait = 250 * time.Millisecond
)

// retrying repeats attempts for blips. One retryablehttp.Client is made per
// call, because its CheckRetry is not told which request it judges.
type retrying struct {
	attempts *http.Client // with the time limit of one attempt
	max      int
	meter    Meter
	now      func() time.Time
	log      *slog.Logger
}

// RoundTrip implements http.RoundTripper.
func (t *retrying) RoundTrip(req *http.Request) (*http.Response, error) {
	repeatable := isIdempotent(req)
	rc := &retryablehttp.Client{
		HTTPClient:   t.attempts,
		RetryMax:     t.max,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
		Backoff: func(_, _ time.Duration, attempt int, resp *http.Response) time.Duration {
			wait := t.backoff(attempt, resp)
			t.log.LogAttrs(req.Context(), slog.LevelDebug, "repeating a call to the vendor",
				slog.String("method", req.Method), slog.String("host", req.URL.Host),
				slog.Int("attempt", attempt+2), slog.Duration("wait", wait))
			return wait
		},
		CheckRetry: func(_ context.Context, resp *http.Response, err error) (bool, error) {
			return t.again(repeatable, resp, err), nil
		},
	}
	wrapped, err := retryablehttp.FromRequest(req)
	if err != nil {
		return nil, err
	}
	return rc.Do(wrapped)
}

// again decides whether an attempt is repeated at once.
func (t *retrying) again(repeatable bool, resp *http.Response, err error) bool {
	if err != nil {
		return againAfterError(repeatable, err)
	}
	wait := t.asked(resp)
	switch {
	case resp.StatusCode == http.StatusTooManyRequests:
		// Without a delay the governor decides when to come back, not a guess.
		return wait > 0 && wait <= patience
	case wait > patience, !repeatable, resp.StatusCode == http.StatusNotImplemented:
		return false
	}
	return resp.StatusCode >= 500 || resp.StatusCode == http.StatusRequestTimeout
}

func againAfterError(repeatable bool, err error) bool {
	if _, decided := errors.AsType[*fault.Error](err); decided {
		return false // the governor or the token source has spoken
	}
	return repeatable || unsent(err)
}

// unsent reports whether the error proves that nothing reached the vendor.
func unsent(err error) bool {
	dial, ok := errors.AsType[*net.OpError](err)
	return ok && dial.Op == "dial"
}

// isIdempotent follows net/http: safe methods, and whatever carries the mark.
func isIdempotent(req *http.Request) bool {
	_, marked := req.Header[idempotencyKey]
	return marked || req.Method == http.MethodGet || req.Method == http.MethodHead
}

// asked is the delay that the answer asks for; 0 is none.
func (t *retrying) asked(resp *http.Response) time.Duration {
	if t.meter.Usage != nil {
		if d := t.meter.Usage(resp).RetryAfter; d > 0 {
			return d
		}
	}
	return RetryAfter(resp.Header, t.now())
}

// backoff is the wait before the attempt after attempt, which counts from 0: a
// doubling middle, spread by half of it either way so that workers that failed
// together do not come back together.
func (t *retrying) backoff(attempt int, resp *http.Response) time.Duration {
	if resp != nil {
		if d := t.asked(resp); d > 0 {
			return min(d, patience) + rand.N(firstWait/2)
		}
	}
	middle := min(firstWait<<attempt, patience)
	return middle/2 + rand.N(middle)
}

// RetryAfter reads Retry-After in seconds or as an HTTP date (RFC 9110,
// 10.2.3); 0 when it is absent, unreadable or past. A day bounds nonsense:
// quotas of a day are renewed within one.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	const day = 24 * time.Hour
	v := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.Atoi(v); err == nil {
		return time.Duration(min(max(seconds, 0), int(day/time.Second))) * time.Second
	}
	at, err := http.ParseTime(v)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), day)
}
