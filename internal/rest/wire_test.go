package rest_test

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// wire is a transport without a network: it gives the scripted answers in
// order, the last one for ever, and keeps what it was sent.
type wire struct {
	script []step

	mu   sync.Mutex
	sent []sent
	open int // bodies handed out and not closed
}

// step is one scripted answer.
type step struct {
	status int
	header http.Header
	body   string
	err    error
}

// sent is what one attempt looked like.
type sent struct{ Method, URL, Authorization, Body string }

// RoundTrip implements http.RoundTripper.
func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	s := sent{Method: req.Method, URL: req.URL.String(), Authorization: req.Header.Get("Authorization")}
	if req.Body != nil {
		b, err := io.ReadAll(req.Body)
		req.Body.Close()
		if err != nil {
			return nil, err
		}
		s.Body = string(b)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.script[min(len(w.sent), len(w.script)-1)]
	w.sent = append(w.sent, s)
	if now.err != nil {
		return nil, now.err
	}
	w.open++
	header := now.header.Clone()
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{
		StatusCode: now.status, Status: strconv.Itoa(now.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: &body{Reader: strings.NewReader(now.body), wire: w}, ContentLength: -1, Request: req,
	}, nil
}

// attempts is how often the wire was asked.
func (w *wire) attempts() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.sent)
}

// closed fails the test when an answer's body was left open: its connection
// would be lost for the pool.
func (w *wire) closed(t *testing.T) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.open != 0 {
		t.Errorf("%d answers were left open", w.open)
	}
}

type body struct {
	io.Reader
	wire *wire
	once sync.Once
}

// Close implements io.Closer.
func (b *body) Close() error {
	b.once.Do(func() {
		b.wire.mu.Lock()
		defer b.wire.mu.Unlock()
		b.wire.open--
	})
	return nil
}

func header(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return h
}
