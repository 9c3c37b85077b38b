package pipedrive

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"salesbook.dev/internal/sandbox"
)

// FuzzSeed: a seed file is taken over whole or refused with the number of the
// line, and then nothing of it is there.
func FuzzSeed(f *testing.F) {
	f.Add([]byte(`{"object":"organizations","record":{"id":1,"name":"A"}}` + "\n" + `{"object":"deals","record":{"id":1,"title":"B","org_id":1}}`))
	f.Add([]byte(`{"object":"deals","record":{"id":9223372036854775807,"title":"x"}}`))
	f.Add([]byte("\ufeff{\"object\":\"persons\",\"record\":{\"id\":-1,\"name\":\"\\u0000\"}}\r\n\r\n"))
	f.Add([]byte(`{"object":"users","record":null}`))
	f.Add([]byte(`{"object":"stages","record":{"id":1,"name":"s","pipeline_id":77}}`))
	f.Fuzz(func(t *testing.T, seed []byte) {
		s, err := Open(Options{Clock: sandbox.NewManual(noon())})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}()
		before := countAll(t, s)
		err = s.Seed(strings.NewReader(string(seed)))
		after := countAll(t, s)
		if err == nil {
			return
		}
		if after != before {
			t.Errorf("%d records after a refusal (%v), %d before", after, err, before)
		}
		if !strings.Contains(err.Error(), "seed") {
			t.Errorf("error without a place: %v", err)
		}
	})
}

// countAll reads all that the simulator holds; what it shows is JSON.
func countAll(t *testing.T, s *Sim) (n int) {
	t.Helper()
	for _, object := range s.Objects() {
		for r := range s.Truth(object) {
			if !json.Valid(r.JSON) || r.ID == "" {
				t.Errorf("%s %q: %.200q", object, r.ID, r.JSON)
			}
			n++
		}
	}
	return n
}

// FuzzQuery asks lists in any way: the answer is a page or a refusal in the
// vendor's form, never a fault of the simulator.
func FuzzQuery(f *testing.F) {
	f.Add("/api/v2/deals", "limit=5&sort_by=update_time&cursor=eyJmaWVsZCI6ImlkIn0")
	f.Add("/api/v2/persons", "updated_since=2026-01-01T00:00:00Z&ids=1,2,x")
	f.Add("/v1/leads", "start=-1&limit=9223372036854775808&sort=update_time%20ASC")
	f.Add("/v1/notes", "start=9223372036854775807&limit=500")
	f.Add("/api/v2/deals/products", "deal_ids=1,,99999999999999999999")
	f.Add("/v1/deals/1/changelog", "cursor=x&limit=0")
	s, err := Open(Options{Clock: sandbox.NewManual(noon())})
	if err != nil {
		f.Fatal(err)
	}
	if err := s.Generate(1, ScaleOf(20)); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, path, query string) {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
		req.URL = &url.URL{Path: path, RawQuery: query}
		req.Header.Set("x-api-token", "t")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, req)
		if w.Code >= 500 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		if strings.HasPrefix(path, "/api/v2/") && w.Code != http.StatusMovedPermanently && w.Code != http.StatusTemporaryRedirect {
			if body := w.Body.Bytes(); !json.Valid(body) || !utf8.Valid(body) {
				t.Fatalf("%d %q", w.Code, body)
			}
		}
	})
}
