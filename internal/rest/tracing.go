package rest

import (
	"context"
	"net/http"
	"net/url"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/propagation"
)

// Spans must hold no secret, but otelhttp records the whole URL, and some
// vendors take a secret in the query or in the base's path. So otelhttp is
// shown a URL with the path of the Call only, and the wire below it gets the
// real one back. No trace header goes to a vendor: what we do is our business.

type (
	pathKey struct{}
	wireKey struct{}
)

// withPath remembers the call's own path, which is known to hold no secret.
func withPath(ctx context.Context, path string) context.Context {
	return context.WithValue(ctx, pathKey{}, path)
}

// traced opens spans with the provider of the span it finds in the context, or
// with the global one.
func traced(wire http.RoundTripper) http.RoundTripper {
	return &masking{next: otelhttp.NewTransport(unmasking{wire},
		otelhttp.WithPropagators(propagation.NewCompositeTextMapPropagator()),
		otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string { return r.Method + " " + r.URL.Host }))}
}

type masking struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t *masking) RoundTrip(req *http.Request) (*http.Response, error) {
	path, _ := req.Context().Value(pathKey{}).(string)
	shown := req.WithContext(context.WithValue(req.Context(), wireKey{}, req.URL))
	shown.URL = &url.URL{Scheme: req.URL.Scheme, Host: req.URL.Host, Path: path}
	return t.next.RoundTrip(shown)
}

type unmasking struct{ wire http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t unmasking) RoundTrip(req *http.Request) (*http.Response, error) {
	if whole, ok := req.Context().Value(wireKey{}).(*url.URL); ok {
		req = req.WithContext(req.Context())
		req.URL = whole
	}
	return t.wire.RoundTrip(req)
}
