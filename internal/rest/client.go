package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"salesbook.dev/internal/fault"
)

// answerLimit bounds one answer's decoded body. The largest pages of the
// vendors we know are a few megabytes.
const answerLimit = 64 << 20

// idempotencyKey is the header by which net/http knows that a request may be
// repeated. With no value it is a mark only and is not sent (net/http,
// documentation of Transport).
const idempotencyKey = "Idempotency-Key"

// Client calls one JSON API. It is safe for concurrent use.
type Client struct {
	// Now is the clock behind Answer.SentAt and dates in Retry-After; nil is
	// time.Now. Set it before the first call.
	Now func() time.Time

	hc    *http.Client
	base  *url.URL // nil when the given one cannot be used
	limit int64
}

// New returns a client for the API at base, an absolute http(s) URL. hc paces
// and authorises (see NewHTTPClient). New never dials; a base that cannot be
// used makes every call fail with fault.Invalid.
func New(hc *http.Client, base string) *Client {
	c := &Client{hc: hc, limit: answerLimit}
	u, err := url.Parse(base)
	if err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http") {
		c.base = u
	}
	return c
}

// Call is one request.
type Call struct {
	Method string // GET when empty
	// Path is appended to the base. It is shown in errors, so it must hold no
	// secret; parts from outside pass through url.PathEscape first.
	Path   string
	Query  url.Values
	Header http.Header
	Body   any        // sent as JSON when not nil
	Form   url.Values // sent form-encoded when not nil; not together with Body
	// Idempotent allows repeating a write whose outcome is unknown: it names
	// its record by id and sets values, so that doing it twice does no harm.
	// GET and HEAD may always be repeated.
	Idempotent bool
	// Classify judges an answer by the vendor's own rules, successful ones
	// included (some vendors answer 200 with an error inside). It is asked
	// first; nil leaves the answer to the default classes. Its error should be
	// a *fault.Error without secrets; the place of the call is put before it.
	Classify func(status int, h http.Header, body []byte) error
}

// Answer is a successful answer: 2xx, complete, and JSON unless it is a 204.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte    // decoded; empty for a 204
	Date   time.Time // the vendor's clock (Date header) in UTC; zero if absent
	SentAt time.Time // when the call began, by our clock, in UTC
}

// Do makes the call. Every failure is a *fault.Error; when ctx has ended it
// wraps ctx.Err(), so that errors.Is finds it.
func (c *Client) Do(ctx context.Context, call Call) (Answer, error) {
	if call.Method == "" {
		call.Method = http.MethodGet
	}
	req, err := c.request(ctx, call)
	if err != nil {
		return Answer{}, err
	}
	place := call.Method + " " + c.base.Host + call.Path
	sent := c.now()
	resp, err := c.hc.Do(req)
	if err != nil {
		return Answer{}, Unanswered(ctx, place, err)
	}
	defer resp.Body.Close()
	body, err := c.read(resp)
	if err != nil {
		return Answer{}, cutOff(ctx, place, resp, err)
	}
	if err := c.judge(place, call, req, resp, body); err != nil {
		return Answer{}, err
	}
	date, _ := http.ParseTime(resp.Header.Get("Date")) // a malformed date is as good as none
	return Answer{Status: resp.StatusCode, Header: resp.Header, Body: body, Date: date.UTC(), SentAt: sent}, nil
}

func (c *Client) now() time.Time {
	if c.Now == nil {
		return time.Now().UTC()
	}
	return c.Now().UTC()
}

func (c *Client) request(ctx context.Context, call Call) (*http.Request, error) {
	if c.base == nil {
		return nil, fault.New(fault.Invalid, "the base URL of this connection is not an absolute http(s) URL; correct it in the connection's settings")
	}
	target := c.base.JoinPath(call.Path)
	target.RawQuery = call.Query.Encode()
	body, kind, err := encode(call)
	if err != nil {
		return nil, fault.New(fault.Invalid, "%s %s%s: %w", call.Method, c.base.Host, call.Path, err)
	}
	req, err := http.NewRequestWithContext(withPath(ctx, call.Path), call.Method, target.String(), body)
	if err != nil {
		return nil, fault.New(fault.Invalid, "%q to %s cannot be a request; correct its method or path", call.Method, c.base.Host)
	}
	for name, values := range call.Header {
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	req.Header.Del("Accept-Encoding") // ours to negotiate: net/http then decodes, and Body is plain JSON
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "salesbook")
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	if _, given := req.Header[idempotencyKey]; call.Idempotent && !given {
		req.Header[idempotencyKey] = nil
	}
	return req, nil
}

// encode returns the body to send, in a form that net/http can replay, and its
// media type.
func encode(call Call) (body io.Reader, kind string, err error) {
	switch {
	case call.Body != nil && call.Form != nil:
		return nil, "", fault.New(fault.Invalid, "a call has either a JSON body or a form, not both")
	case call.Form != nil:
		return strings.NewReader(call.Form.Encode()), "application/x-www-form-urlencoded", nil
	case call.Body != nil:
		b, err := json.Marshal(call.Body)
		return bytes.NewReader(b), "application/json", err
	}
	return nil, "", nil
}

// errTooLarge stops the reading of an answer beyond the limit.
var errTooLarge = fault.New(fault.Invalid, "the answer is larger than 64 MB; ask for smaller pages")

func (c *Client) read(resp *http.Response) ([]byte, error) {
	var buf bytes.Buffer
	if n := resp.ContentLength; n > 0 && n <= c.limit {
		buf.Grow(int(n) + bytes.MinRead)
	}
	if _, err := buf.ReadFrom(io.LimitReader(resp.Body, c.limit+1)); err != nil {
		return nil, err
	}
	if int64(buf.Len()) > c.limit {
		return nil, errTooLarge
	}
	return buf.Bytes(), nil
}
