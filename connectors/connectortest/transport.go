package connectortest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// transport carries requests to the vendor, remembers what passed and spoils
// the answers that it is told to.
type transport struct {
	next *http.Transport

	mu     sync.Mutex
	sent   []*http.Request
	bodies [][]byte // of the answers, as the connector got them
	found  place    // of the last record that carried found
	spoil  func(n int, req *http.Request) *fake
}

// fake is what the connector gets in place of an answer.
type fake struct {
	err    error
	status int
	header map[string]string
	body   []byte
	// change rewrites the vendor's own answer; the other fields are then unused.
	change func(*http.Response, []byte)
}

func newTransport() *transport {
	return &transport{next: http.DefaultTransport.(*http.Transport).Clone()}
}

// failing lets good requests pass and gives the n-th and all later ones f.
func (t *transport) failing(n int, f fake) {
	t.spoil = func(i int, _ *http.Request) *fake {
		if i < n {
			return nil
		}
		return &f
	}
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	t.mu.Lock()
	n := len(t.sent)
	t.sent = append(t.sent, req)
	spoil := t.spoil
	t.mu.Unlock()
	var f *fake
	if spoil != nil {
		f = spoil(n, req)
	}
	if f != nil && f.change == nil {
		return f.answer(req)
	}
	resp, err := t.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	return t.keep(resp, f)
}

// keep reads the answer whole, so that it can be compared with records later.
func (t *transport) keep(resp *http.Response, f *fake) (*http.Response, error) {
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	t.bodies = append(t.bodies, body)
	t.mu.Unlock()
	resp.Body = io.NopCloser(bytes.NewReader(body))
	if f != nil {
		f.change(resp, body)
	}
	return resp, nil
}

func (f *fake) answer(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		req.Body.Close()
	}
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	if f.err != nil {
		return nil, f.err
	}
	h := http.Header{"Content-Type": {"application/json"}, "Content-Length": {strconv.Itoa(len(f.body))}}
	for name, value := range f.header {
		h.Set(name, value)
	}
	return &http.Response{
		StatusCode: f.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: h, Request: req,
		ContentLength: int64(len(f.body)), Body: io.NopCloser(bytes.NewReader(f.body)),
	}, nil
}

func (t *transport) requests() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.sent)
}

// place is an offset in a body.
type place struct{ body, at int }

// carried reports whether an answer held these bytes. Records mostly come in
// the order of the answers, so it looks behind the last one first.
func (t *transport) carried(raw []byte) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for n := range len(t.bodies) + 1 {
		p := place{body: (t.found.body + n) % len(t.bodies)}
		if n == 0 {
			p.at = t.found.at
		}
		if i := bytes.Index(t.bodies[p.body][p.at:], raw); i >= 0 {
			t.found = place{p.body, p.at + i + len(raw)}
			return true
		}
	}
	return false
}

// carriedWhole reports whether an answer held a record, or answers held each of
// the parts that it is the list of.
func (t *transport) carriedWhole(raw []byte) bool {
	var parts []json.RawMessage
	if len(raw) == 0 || raw[0] != '[' || json.Unmarshal(raw, &parts) != nil || len(parts) < 2 {
		return t.carried(raw)
	}
	return !slices.ContainsFunc(parts, func(part json.RawMessage) bool { return !t.carried(part) })
}

func (t *transport) close() { t.next.CloseIdleConnections() }

// cut returns the first half of an answer with the length of the whole.
func cut() fake {
	return fake{change: func(resp *http.Response, body []byte) {
		resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body[:len(body)/2]), broken{}))
	}}
}

// broken is a connection that ends too early.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// short returns the first half of an answer as if it were all.
func short() fake {
	return fake{change: func(resp *http.Response, body []byte) {
		half := body[:len(body)/2]
		resp.ContentLength = int64(len(half))
		resp.Header.Set("Content-Length", strconv.Itoa(len(half)))
		resp.Body = io.NopCloser(bytes.NewReader(half))
	}}
}

// timeout is the error of a connection that is too slow.
type timeout struct{}

func (timeout) Error() string   { return "i/o timeout" }
func (timeout) Timeout() bool   { return true }
func (timeout) Temporary() bool { return true }

var errReset = errors.New("connection reset by peer")

// logs collects what a connector logs.
type logs struct {
	mu   sync.Mutex
	text strings.Builder
}

// Enabled implements slog.Handler.
func (l *logs) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements slog.Handler.
func (l *logs) Handle(_ context.Context, r slog.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.WriteString(r.Message)
	r.Attrs(func(a slog.Attr) bool {
		l.text.WriteString(" " + a.String())
		return true
	})
	l.text.WriteByte('\n')
	return nil
}

// WithAttrs implements slog.Handler.
func (l *logs) WithAttrs([]slog.Attr) slog.Handler { return l }

// WithGroup implements slog.Handler.
func (l *logs) WithGroup(string) slog.Handler { return l }

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
