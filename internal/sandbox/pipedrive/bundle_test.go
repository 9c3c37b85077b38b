package pipedrive

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"salesbook.dev/internal/sandbox"
)

// noon is when the tests' simulators start: a Monday in office hours.
func noon() time.Time { return time.Date(2026, 11, 16, 11, 0, 0, 0, time.UTC) }

// bundle is a simulator on a manual clock behind a real HTTP server.
type bundle struct {
	*Sim
	t     *testing.T
	clock *sandbox.Manual
	url   string
	token string
}

func setup(t *testing.T, o Options) *bundle {
	t.Helper()
	clock := sandbox.NewManual(noon())
	o.Clock = clock
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(s)
	t.Cleanup(func() {
		srv.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &bundle{Sim: s, t: t, clock: clock, url: srv.URL, token: "any"}
}

// answerTo is an answer as a client sees it.
type answerTo struct {
	status int
	header http.Header
	body   []byte
}

// send makes one request; body may be nil, text, or anything that becomes JSON.
func (b *bundle) send(method, path string, body any) answerTo {
	b.t.Helper()
	var r io.Reader
	switch v := body.(type) {
	case nil:
	case string:
		r = strings.NewReader(v)
	default:
		data, err := json.Marshal(v)
		if err != nil {
			b.t.Fatal(err)
		}
		r = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, r)
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if b.token != "" {
		req.Header.Set("x-api-token", b.token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatalf("%s %s: %v", method, path, err)
	}
	return answerTo{resp.StatusCode, resp.Header, data}
}

// object is a JSON object in tests.
type object = map[string]any

// must is send for calls that succeed; it returns data.
func (b *bundle) must(method, path string, body any) any {
	b.t.Helper()
	a := b.send(method, path, body)
	if a.status/100 != 2 {
		b.t.Fatalf("%s %s: %d %s", method, path, a.status, a.body)
	}
	return a.json(b.t)["data"]
}

// one is must for operations that answer with one record.
func (b *bundle) one(method, path string, body any) object {
	b.t.Helper()
	data, ok := b.must(method, path, body).(object)
	if !ok {
		b.t.Fatalf("%s %s: data is not an object", method, path)
	}
	return data
}

// list is must for lists.
func (b *bundle) list(path string) []object {
	b.t.Helper()
	data, _ := b.must("GET", path, nil).([]any)
	out := make([]object, len(data))
	for i, v := range data {
		out[i] = v.(object)
	}
	return out
}

func (a answerTo) json(t *testing.T) object {
	t.Helper()
	var v object
	if err := json.Unmarshal(a.body, &v); err != nil {
		t.Fatalf("status %d, body %.200q: %v", a.status, a.body, err)
	}
	return v
}
