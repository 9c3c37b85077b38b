package rest

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"salesbook.dev/internal/fault"
)

// learnLimit bounds the recording of what an answer told.
const learnLimit = 2 * time.Second

// pacing asks the governor before every attempt and tells it what the answer
// said. Without a governor it only passes on.
type pacing struct {
	governor Governor
	meter    Meter
	now      func() time.Time
	log      *slog.Logger
	next     http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t *pacing) RoundTrip(req *http.Request) (*http.Response, error) {
	if t.governor == nil {
		return t.next.RoundTrip(req)
	}
	if err := t.governor.Take(req.Context(), price(t.meter.Cost, req), price(t.meter.BurstCost, req)); err != nil {
		closeBody(req)
		return nil, unasked(err)
	}
	resp, err := t.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	t.learn(req.Context(), resp)
	return resp, nil
}

// unasked gives a kind to an error of the governor that has none, such as a
// lost database, so that it is not taken for the vendor's.
func unasked(err error) error {
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	return fault.New(fault.Temporary, "the account's quota could not be asked, so the call was not made: %w", err)
}

func price(of func(*http.Request) int, req *http.Request) int {
	if of == nil {
		return 1
	}
	return of(req)
}

// learn records the answer's news of the quota, if it has any. A failure to
// record must not fail the call, which may have written something; nor may the
// end of the call's context lose a refusal that siblings have to know of.
func (t *pacing) learn(ctx context.Context, resp *http.Response) {
	var told Usage
	if t.meter.Usage != nil {
		told = t.meter.Usage(resp)
	}
	if resp.StatusCode == http.StatusTooManyRequests && !told.Exhausted {
		told.Exhausted = true
		told.RetryAfter = RetryAfter(resp.Header, t.now())
	}
	if told == (Usage{}) {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), learnLimit)
	defer cancel()
	if err := t.governor.Learn(ctx, told); err != nil {
		t.log.LogAttrs(ctx, slog.LevelWarn, "what a vendor told of its quota was not recorded; pacing goes on with the older figures",
			slog.String("host", resp.Request.URL.Host), slog.Any("error", err))
	}
}
