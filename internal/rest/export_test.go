package rest

import (
	"net/http"
	"time"

	"golang.org/x/oauth2"
)

// SetLimit lowers the largest answer that c accepts.
func (c *Client) SetLimit(bytes int64) { c.limit = bytes }

// Pacing is the layer that asks the governor.
func Pacing(g Governor, next http.RoundTripper) http.RoundTripper {
	return &pacing{governor: g, now: time.Now, next: next}
}

// Authorising is the layer that attaches the token.
func Authorising(s oauth2.TokenSource, next http.RoundTripper) http.RoundTripper {
	return &authorising{source: s, next: next}
}
