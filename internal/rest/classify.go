package rest

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/bytedance/sonic"

	"salesbook.dev/internal/fault"
)

// class is what a status means when the vendor's own rules say nothing.
type class struct {
	kind fault.Kind
	next string // what to do about it
}

// classOf is the table of default classes.
func classOf(status int) class {
	switch status {
	case http.StatusUnauthorized:
		return class{fault.Auth, "the vendor refuses these credentials; connect again or replace the token"}
	case http.StatusPaymentRequired, http.StatusForbidden:
		return class{fault.Forbidden, "these credentials may not do this; ask the vendor account's admin for the right, or the plan, that allows it"}
	case http.StatusNotFound:
		return class{fault.NotFound, "there is no such record, or these credentials may not see it"}
	case http.StatusGone:
		return class{fault.Gone, "the place in the walk is no longer valid; it starts anew"}
	case http.StatusConflict, http.StatusPreconditionFailed, http.StatusLocked:
		return class{fault.Conflict, "somebody else changed or holds it; read it again"}
	case http.StatusTooManyRequests:
		return class{fault.Limited, "the quota is spent for now"}
	case http.StatusRequestTimeout, http.StatusMisdirectedRequest, http.StatusTooEarly:
		return class{fault.Temporary, "try again later"}
	}
	if status >= 500 {
		return class{fault.Temporary, "the vendor has a fault; try again later"}
	}
	return class{fault.Invalid, "the vendor refuses the request as wrong; repeating it cannot help"}
}

// judge returns nil when the answer is a success.
func (c *Client) judge(place string, call Call, req *http.Request, resp *http.Response, body []byte) error {
	if call.Classify != nil {
		if err := call.Classify(resp.StatusCode, resp.Header, body); err != nil {
			return scrubbed(at(place, err), req, resp.Request)
		}
	}
	switch status := resp.StatusCode; {
	case status >= 200 && status < 300:
		return complete(place, status, body)
	case status >= 300 && status < 400:
		return redirected(place, resp)
	case isHTML(body) && !tellsByStatus(status):
		return fault.New(fault.Temporary, "%s answered %d with an HTML page where JSON is due, so it was not the API that spoke; try again later, and check the base URL if it lasts", place, status)
	}
	return c.refusal(place, req, resp, body)
}

// tellsByStatus reports whether the status alone may be believed when a page
// made for people comes with it. A 404 page of a proxy must never pass for
// "this record is gone".
func tellsByStatus(status int) bool {
	return status == http.StatusUnauthorized || status == http.StatusTooManyRequests || status >= 500
}

// complete checks that a successful answer is whole JSON, so that nothing cut
// or misplaced is ever parsed as "no records".
func complete(place string, status int, body []byte) error {
	switch {
	case status == http.StatusNoContent && len(body) == 0:
		return nil
	case len(body) == 0:
		return fault.New(fault.Temporary, "%s answered %d with an empty body where JSON is due; try again later", place, status)
	case isHTML(body):
		return fault.New(fault.Temporary, "%s answered %d with an HTML page where JSON is due; try again later, and check the base URL if it lasts", place, status)
	case !structured(body) || !sonic.Valid(body):
		return fault.New(fault.Temporary, "%s answered %d with JSON of %d bytes that is cut off, broken or nested too deep; try again later", place, status, len(body))
	}
	return nil
}

func isHTML(body []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(body, "\ufeff \t\r\n"), []byte("<"))
}

// structured tells whether a body is an object or a list, if it is JSON. No API
// answers with a lone value, and the validator takes some lone strings that are
// cut off for whole ones.
func structured(body []byte) bool {
	body = bytes.TrimLeft(body, " \t\r\n")
	return len(body) > 0 && (body[0] == '{' || body[0] == '[')
}

// redirected explains a redirect that was not followed. Only the target's host
// is named: paths and queries of login pages carry tokens.
func redirected(place string, resp *http.Response) error {
	to := "an address that cannot be read"
	if u, err := resp.Location(); err == nil {
		to = u.Scheme + "://" + u.Host
	}
	return fault.New(fault.Invalid, "%s answered %d, a redirect to %s, which is not followed so that credentials stay where they belong; correct the base URL", place, resp.StatusCode, to)
}

// refusal is the error of an answer outside 2xx and 3xx.
func (c *Client) refusal(place string, req *http.Request, resp *http.Response, body []byte) error {
	cl := classOf(resp.StatusCode)
	text := fmt.Sprintf("%s answered %d", place, resp.StatusCode)
	if said := scrub(vendorText(body), req, resp.Request); said != "" {
		text += " (" + said + ")"
	}
	e := &fault.Error{Kind: cl.kind, Text: text + ": " + cl.next}
	if cl.kind == fault.Limited || cl.kind == fault.Temporary {
		e.RetryAfter = RetryAfter(resp.Header, c.now())
	}
	return e
}

// at puts the place of the call before an error and keeps what it decides.
func at(place string, err error) *fault.Error {
	e := &fault.Error{Kind: fault.KindOf(err), Text: place, Err: err}
	if inner, ok := errors.AsType[*fault.Error](err); ok {
		e.RetryAfter, e.Daily = inner.RetryAfter, inner.Daily
	}
	return e
}

// scrubbed rewrites an error that may quote the vendor, keeping its causes
// reachable for errors.Is and errors.As.
func scrubbed(e *fault.Error, reqs ...*http.Request) error {
	e.Text, e.Err = scrub(e.Error(), reqs...), fault.Quiet(e.Err)
	return e
}

// Unanswered is the error of a call without an answer. The cause's own text is
// never used: url.Error holds the whole URL.
func Unanswered(ctx context.Context, place string, err error) error {
	if ctx.Err() != nil {
		return fault.New(fault.Temporary, "%s was given up: %w", place, ctx.Err())
	}
	if inner, ok := errors.AsType[*fault.Error](err); ok {
		return at(place, inner)
	}
	kind, words := describe(err)
	return fault.New(kind, "%s: %s", place, words)
}

// cutOff is the error of an answer whose body could not be read.
func cutOff(ctx context.Context, place string, resp *http.Response, err error) error {
	if errors.Is(err, errTooLarge) {
		return at(place, err)
	}
	if ctx.Err() != nil {
		return Unanswered(ctx, place, err)
	}
	_, words := describe(err)
	return fault.New(fault.Temporary, "%s answered %d, but the body did not arrive whole: %s", place, resp.StatusCode, words)
}

// describe puts a transport's error into words that cannot hold a secret.
func describe(err error) (fault.Kind, string) {
	var certificate *tls.CertificateVerificationError
	var lookup *net.DNSError
	var dial *net.OpError
	var timeout net.Error
	switch {
	case errors.As(err, &lookup):
		return fault.Temporary, "the host name cannot be resolved; check the base URL and the name server"
	case errors.As(err, &certificate):
		return fault.Temporary, "the server's certificate is not trusted; check the base URL, the clock and the installed authorities"
	case errors.As(err, &timeout) && timeout.Timeout():
		return fault.Temporary, "no whole answer came within the time limit of one attempt; try again later"
	case errors.As(err, &dial) && dial.Op == "dial":
		return fault.Temporary, "no connection could be made; check the base URL and the network"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fault.Temporary, "the connection ended too early; try again later"
	}
	return fault.Temporary, "the connection failed; try again later"
}
