package pipedrive

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// sink is a response that throws everything away.
type sink struct{ header http.Header }

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(int)             {}
func (s *sink) Write(b []byte) (int, error) { return len(b), nil }

func benchSim(b *testing.B, sc Scale) *Sim {
	b.Helper()
	s, err := Open(Options{})
	if err != nil {
		b.Fatal(err)
	}
	if err := s.Generate(1, sc); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	return s
}

// BenchmarkListPage is one page of 500 deals of 2.2 KB without the network:
// the load side of every benchmark of ours. 2026-11-22, with some twenty other
// processes on the same 2 cores: 0.6 ms a page, 830,000 records/s, 53 allocations.
func BenchmarkListPage(b *testing.B) {
	s := benchSim(b, Scale{Deals: 20_000, Persons: 100, Organizations: 50})
	r := httptest.NewRequest("GET", "/api/v2/deals?limit=500&cursor="+cursor{Field: "id", Value: "1", Direction: "asc", ID: 9000}.encode(), nil)
	r.Header.Set("x-api-token", "x")
	b.ReportAllocs()
	for b.Loop() {
		s.ServeHTTP(&sink{http.Header{}}, r)
	}
	b.ReportMetric(500*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkWalk fetches all deals over HTTP, client and server on the same
// cores. Measured likewise: 360,000 to 480,000 records/s.
func BenchmarkWalk(b *testing.B) {
	const deals = 50_000
	s := benchSim(b, Scale{Deals: deals, Persons: 100, Organizations: 50})
	srv := httptest.NewServer(s)
	defer srv.Close()
	buf := make([]byte, 4<<20)
	for b.Loop() {
		for next, path := "", "/api/v2/deals?limit=500"; ; path = "/api/v2/deals?limit=500&cursor=" + url.QueryEscape(next) {
			req, err := http.NewRequest("GET", srv.URL+path, nil)
			if err != nil {
				b.Fatal(err)
			}
			req.Header.Set("x-api-token", "x")
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				b.Fatal(err)
			}
			n, err := io.ReadFull(resp.Body, buf)
			resp.Body.Close()
			if err != io.ErrUnexpectedEOF {
				b.Fatal(n, err)
			}
			tail := string(buf[max(0, n-200):n])
			_, after, found := strings.Cut(tail, `"next_cursor":"`)
			if !found {
				break
			}
			next, _, _ = strings.Cut(after, `"`)
		}
	}
	b.ReportMetric(deals*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkGenerate makes up companies. Measured likewise: 0.5 s for 5,000 deals
// (36,000 records), 16 s for 100,000, of them 8 s of CPU.
func BenchmarkGenerate(b *testing.B) {
	for _, deals := range []int{FullScale, 100_000} {
		b.Run(fmt.Sprint(deals), func(b *testing.B) {
			for b.Loop() {
				s, err := Open(Options{})
				if err != nil {
					b.Fatal(err)
				}
				if err := s.Generate(1, ScaleOf(deals)); err != nil {
					b.Fatal(err)
				}
				if err := s.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
