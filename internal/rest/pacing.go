package rest

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"salesbook.dev/internal/fault"
)

// doneLimit bounds the recording of what an answer told.
const doneLimit = 2 * time.Second

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
	permit, err := t.governor.Take(req.Context(), t.meter.price(req))
	if err != nil {
		closeBody(req)
		return nil, unasked(err)
	}
	resp, err := t.next.RoundTrip(req)
	if err != nil {
		t.done(req, permit, Usage{})
		return nil, err
	}
	told := t.told(resp)
	if permit == 0 {
		t.done(req, 0, told)
		return resp, nil
	}
	// The call is under way until its answer is there; then one question does for both.
	resp.Body = &counted{ReadCloser: resp.Body, end: sync.OnceFunc(func() { t.done(req, permit, told) })}
	return resp, nil
}

// counted is the body of a call that counts as under way until it is read or closed.
type counted struct {
	io.ReadCloser
	end func()
}

// Read reads, and ends the call with the body.
func (c *counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	if err != nil {
		c.end()
	}
	return n, err
}

// Close ends the call.
func (c *counted) Close() error {
	err := c.ReadCloser.Close()
	c.end()
	return err
}

// unasked gives a kind to an error of the governor that has none, such as a
// lost database, so that it is not taken for the vendor's.
func unasked(err error) error {
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	return fault.New(fault.Temporary, "the account's quota could not be asked, so the call was not made: %w", err)
}

// told is the answer's news of the quota.
func (t *pacing) told(resp *http.Response) Usage {
	var u Usage
	if t.meter.Usage != nil {
		u = t.meter.Usage(resp)
	}
	if resp.StatusCode == http.StatusTooManyRequests && !u.Exhausted {
		u.Exhausted = true
		u.RetryAfter = RetryAfter(resp.Header, t.now())
	}
	return u
}

// done tells the governor what there is to tell. A failure to record must not
// fail the call, which may have written something; nor may the end of the call's
// context lose a refusal that siblings have to know of, or a permit.
func (t *pacing) done(req *http.Request, permit Permit, told Usage) {
	if permit == 0 && told == (Usage{}) {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(req.Context()), doneLimit)
	defer cancel()
	if err := t.governor.Done(ctx, permit, told); err != nil {
		t.log.LogAttrs(ctx, slog.LevelWarn, "what a vendor told of its quota was not recorded; pacing goes on with the older figures",
			slog.String("host", req.URL.Host), slog.Any("error", err))
	}
}
