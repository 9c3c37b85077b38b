package jobs_test

import (
	"net/http"
	"strings"
)

// shortPages asks for fewer records at a time than the connector does, so that
// few records are many pages. v1's stay as long as its connector relies on.
type shortPages struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (s shortPages) RoundTrip(r *http.Request) (*http.Response, error) {
	q := r.URL.Query()
	if q.Get("limit") == "500" {
		r = r.Clone(r.Context())
		q.Set("limit", "40")
		if strings.Contains(r.URL.Path, "/v1/") {
			q.Set("limit", "110")
		}
		r.URL.RawQuery = q.Encode()
	}
	return s.next.RoundTrip(r)
}
