package web_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/web"
)

// TestSpansNameRoutesAndHoldNoSecret reads everything that spans of deliveries
// carry: the route, the queries that ran, and not whose they were.
func TestSpansNameRoutesAndHoldNoSecret(t *testing.T) {
	t.Parallel()
	spans := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	b := setup(t, func(b *bundle, s *web.Server) {
		db, err := postgres.Open(t.Context(), b.URL, postgres.Options{Pooler: b.Pooled, Tracer: postgres.NewTracer(provider)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(db.Close)
		s.Traces, s.DB, s.Pipeline.DB = provider, db, db
	})
	h := b.connect(t, "acme")
	spans.Reset()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.url+"/in/"+h.Path+"?token=secret-in-the-query", strings.NewReader(event("1")))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(h.User, h.Password)
	req.Header.Set("Traceparent", "00-11111111111111111111111111111111-2222222222222222-01")
	if a, err := b.do(req); err != nil || a.status != 200 {
		t.Fatal(a, err)
	}
	b.deliver(t, hook{Hook: postgres.Hook{Path: h.Path + "-guessed"}}, event("2"))
	b.get(t, "/readyz")
	got := map[string]int{}
	for _, s := range spans.GetSpans() {
		text := fmt.Sprint(s.Name, s.Attributes, s.Events, s.Status, s.Links)
		for _, secret := range []string{h.Path, "secret-in-the-query", h.Password, "Секретная", "api-token-of-the-vendor"} {
			if strings.Contains(text, secret) {
				t.Errorf("%q is in a span: %s", secret, text)
			}
		}
		if s.SpanContext.TraceID().String() == strings.Repeat("1", 32) {
			t.Errorf("%s: a trace context from outside was believed", s.Name)
		}
		if !s.Parent.IsValid() {
			for _, a := range s.Attributes {
				if k := string(a.Key); k == "http.route" || k == "http.response.status_code" || k == "url.path" {
					got[s.Name+" "+k+" "+a.Value.String()]++
				}
			}
			continue
		}
		got["within: "+strings.Fields(s.Name)[0]]++
	}
	if got["within: SELECT"] == 0 {
		t.Error("queries are not shown")
	}
	for name := range got {
		if strings.HasPrefix(name, "within: ") {
			delete(got, name)
		}
	}
	want := map[string]int{
		"POST /in/{part} http.route /in/{part}": 2, "POST /in/{part} url.path /in/{part}": 2,
		"POST /in/{part} http.response.status_code 200": 1, "POST /in/{part} http.response.status_code 404": 1,
		"GET /readyz http.route /readyz": 1, "GET /readyz url.path /readyz": 1, "GET /readyz http.response.status_code 200": 1,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("spans of requests (-want +got):\n%s", d)
	}
	if d := cmp.Diff(map[string]int{"1": 1}, b.stored(t, h.workspace)); d != "" {
		t.Errorf("inbox (-want +got):\n%s", d)
	}
}
