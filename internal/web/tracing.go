package web

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
)

type urlKey struct{}

// traced opens a span for each request of a route. otelhttp records the path,
// and the address of a delivery is a secret: so it is shown the route's pattern
// in its place, and the handler below it gets the real URL back. A trace
// context from outside is ignored, since the other side may be anybody.
func (s *Server) traced(pattern string, h http.Handler) http.Handler {
	if s.Traces == nil {
		return h
	}
	path := pattern[strings.IndexByte(pattern, '/'):]
	restored := http.HandlerFunc(func(w http.ResponseWriter, shown *http.Request) {
		whole := shown.WithContext(shown.Context())
		whole.URL, _ = shown.Context().Value(urlKey{}).(*url.URL)
		h.ServeHTTP(w, whole)
	})
	spans := otelhttp.NewHandler(restored, "", otelhttp.WithTracerProvider(s.Traces), otelhttp.WithMeterProvider(noop.NewMeterProvider()),
		otelhttp.WithPropagators(propagation.NewCompositeTextMapPropagator()),
		otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string { return r.Method + " " + path }))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		shown := r.WithContext(context.WithValue(r.Context(), urlKey{}, r.URL))
		shown.URL, shown.RequestURI = &url.URL{Path: path}, path
		spans.ServeHTTP(w, shown)
	})
}
