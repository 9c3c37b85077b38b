package rest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"regexp"

	"golang.org/x/oauth2"

	"salesbook.dev/internal/fault"
)

// Refresher is what a token source may do besides: renew a token that the
// vendor refuses although it has not expired. spent is the refused one; when
// the source already holds another (a sibling was faster), it returns that one
// without asking the vendor.
type Refresher interface {
	Refresh(ctx context.Context, spent *oauth2.Token) (*oauth2.Token, error)
}

// authorising attaches the OAuth 2 token. It stands in place of
// oauth2.Transport, which knows no renewal after a 401.
type authorising struct {
	source oauth2.TokenSource
	scheme string                 // in place of the token's own type, if not empty
	stale  func(body []byte) bool // whether a 401 is about the token; nil: always
	next   http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t *authorising) RoundTrip(req *http.Request) (*http.Response, error) {
	token, err := t.source.Token()
	if err != nil {
		closeBody(req)
		return nil, TokenError(err)
	}
	resp, err := t.send(req, token)
	refresher, able := t.source.(Refresher)
	if err != nil || resp.StatusCode != http.StatusUnauthorized || !able || !replayable(req) || !t.isStale(resp) {
		return resp, err
	}
	fresh, err := refresher.Refresh(req.Context(), token)
	if err != nil {
		resp.Body.Close()
		return nil, TokenError(err)
	}
	if fresh.AccessToken == token.AccessToken {
		return resp, nil // nothing newer is to be had: the 401 stands
	}
	resp.Body.Close()
	again, err := rewound(req)
	if err != nil {
		return nil, err
	}
	return t.send(again, fresh)
}

func (t *authorising) send(req *http.Request, token *oauth2.Token) (*http.Response, error) {
	signed := req.Clone(req.Context())
	token.SetAuthHeader(signed)
	if t.scheme != "" {
		signed.Header.Set("Authorization", t.scheme+" "+token.AccessToken)
	}
	return t.next.RoundTrip(signed)
}

// isStale tells whether a 401 is about the token. It looks into the body, and
// leaves it as it was.
func (t *authorising) isStale(resp *http.Response) bool {
	if t.stale == nil {
		return true
	}
	head, err := io.ReadAll(io.LimitReader(resp.Body, wordsLimit))
	rest := io.Reader(resp.Body)
	if err != nil {
		rest = failed{err}
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(head), rest), resp.Body}
	return err != nil || t.stale(head)
}

// failed is the rest of a body that could not be read.
type failed struct{ err error }

// Read implements io.Reader.
func (f failed) Read([]byte) (int, error) { return 0, f.err }

func replayable(req *http.Request) bool {
	return req.Body == nil || req.Body == http.NoBody || req.GetBody != nil
}

// rewound returns req with its body at the start again.
func rewound(req *http.Request) (*http.Request, error) {
	again := req.Clone(req.Context())
	if req.GetBody == nil {
		return again, nil
	}
	body, err := req.GetBody()
	again.Body = body
	return again, err
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		req.Body.Close()
	}
}

// errorCode is the form of the error codes of RFC 6749, 5.2; what does not
// look like one is not shown.
var errorCode = regexp.MustCompile(`^[a-z_]{1,40}$`)

// TokenError turns the error of a token request into a fault.Error without
// anything of the token endpoint's answer but its error code: fault.Auth when
// the grant or the client is refused (a person must give consent again),
// fault.Limited and fault.Temporary otherwise. A fault.Error passes unchanged.
func TokenError(err error) error {
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	refused, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		kind, words := describe(err)
		return &fault.Error{Kind: kind, Text: "renewing the access token: " + words, Err: fault.Quiet(err)}
	}
	code, status := refused.ErrorCode, 0
	if !errorCode.MatchString(code) {
		code = "no error code"
	}
	if refused.Response != nil {
		status = refused.Response.StatusCode
	}
	switch {
	case status == http.StatusTooManyRequests:
		return fault.New(fault.Limited, "renewing the access token: the vendor answered 429 (%s); try again later", code)
	case status >= 500, status == http.StatusRequestTimeout:
		return fault.New(fault.Temporary, "renewing the access token: the vendor answered %d (%s); try again later", status, code)
	}
	return fault.New(fault.Auth, "renewing the access token: the vendor refuses it (%d, %s); connect again to give consent", status, code)
}
