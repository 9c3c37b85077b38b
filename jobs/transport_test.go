package jobs_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/postgres"
)

// roundTrip is a wire with faults.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// cutAfter ends a context after n more calls.
func cutAfter(b *bundle, n int64, cancel context.CancelFunc) http.RoundTripper {
	last := b.calls.Load() + n
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		resp, err := http.DefaultTransport.RoundTrip(r)
		if b.calls.Load() >= last {
			cancel()
		}
		return resp, err
	})
}

// forgetfulOf presents another token than the right one.
func forgetfulOf(token string) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		r = r.Clone(r.Context())
		for name, values := range r.Header {
			if len(values) == 1 && strings.Contains(values[0], token) {
				r.Header.Set(name, "revoked")
			}
		}
		return http.DefaultTransport.RoundTrip(r)
	})
}

// missingAt answers 404, as the vendor does for what is gone, where the path
// ends in suffix.
func missingAt(suffix string) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		if !strings.HasSuffix(r.URL.Path, suffix) {
			return http.DefaultTransport.RoundTrip(r)
		}
		return answerOf(r, http.StatusNotFound, `{"success":false,"error":"Deal not found"}`), nil
	})
}

// answerOf is an answer that no vendor has given.
func answerOf(r *http.Request, status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Status: fmt.Sprint(status, " ", http.StatusText(status)), Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: r}
}

// rewrite changes the first n occurrences of a text in each answer's body.
func rewrite(from, to string, n int) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return nil, err
		}
		body = bytes.Replace(body, []byte(from), []byte(to), n)
		resp.Body = io.NopCloser(bytes.NewReader(body))
		resp.ContentLength = int64(len(body))
		resp.Header.Del("Content-Length")
		return resp, nil
	})
}

// resetAll sends every object back to its beginning.
func resetAll(t testing.TB, b *bundle) func(tx pgx.Tx) error {
	return func(tx pgx.Tx) error {
		places, err := postgres.Places(t.Context(), tx, b.ws, b.conn)
		if err != nil {
			return err
		}
		for _, p := range places {
			if err := postgres.ResetCursor(t.Context(), tx, b.ws, b.conn, p.Object); err != nil {
				return err
			}
		}
		return nil
	}
}

// rewriteField takes the first option from a field's definition.
func rewriteField(code string) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil || !strings.HasSuffix(r.URL.Path, "/dealFields") {
			return resp, err
		}
		var page map[string]any
		if err := json.NewDecoder(resp.Body).Decode(&page); err != nil {
			return nil, err
		}
		for _, f := range page["data"].([]any) {
			field := f.(map[string]any)
			if options, ok := field["options"].([]any); ok && field["field_code"] == code && len(options) > 0 {
				field["options"] = options[1:]
			}
		}
		body, err := json.Marshal(page)
		resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		resp.Header.Del("Content-Length")
		return resp, err
	})
}

// rightsOf are the rights in a company of that id.
func rightsOf(account string) connectors.Rights {
	return connectors.Rights{Account: account, Name: account}
}

// afterCalls does something once, after n calls.
func afterCalls(n int, what func()) http.RoundTripper {
	var calls atomic.Int64
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		if calls.Add(1) == int64(n) {
			what()
		}
		return http.DefaultTransport.RoundTrip(r)
	})
}
