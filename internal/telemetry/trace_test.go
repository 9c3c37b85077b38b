package telemetry_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.opentelemetry.io/otel"

	"salesbook.dev/internal/telemetry"
)

func TestWhenTracingIsOn(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		env  map[string]string
		on   bool
		text string // of the error; empty: none
	}{
		"nothing set":            {nil, false, ""},
		"an endpoint":            {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"}, true, ""},
		"an endpoint of its own": {map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://localhost:4318/v1/traces"}, true, ""},
		"the exporter":           {map[string]string{"OTEL_TRACES_EXPORTER": "otlp"}, true, ""},
		"no exporter":            {map[string]string{"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"}, false, ""},
		"switched off":           {map[string]string{"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"}, false, ""},
		"another exporter":       {map[string]string{"OTEL_TRACES_EXPORTER": "zipkin"}, false, "use otlp or none"},
		"another protocol":       {map[string]string{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, false, "use http/protobuf"},
		"the known protocol":     {map[string]string{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, true, ""},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			on, err := telemetry.Wanted(func(name string) string { return tc.env[name] })
			if on != tc.on || (err != nil) != (tc.text != "") || err != nil && !strings.Contains(err.Error(), tc.text) {
				t.Errorf("on = %v, error %v; want %v, %q", on, err, tc.on, tc.text)
			}
		})
	}
}

func TestTracingOffMeasuresNothing(t *testing.T) {
	t.Parallel()
	tracing, err := telemetry.StartTracing(t.Context(), "v1", func(string) string { return "" }, slog.New(slog.DiscardHandler))
	if err != nil || tracing.On {
		t.Fatalf("tracing %+v, %v; want it off", tracing, err)
	}
	if _, span := tracing.Provider.Tracer("test").Start(t.Context(), "x"); span.IsRecording() {
		t.Error("a span is recorded")
	}
	if err := tracing.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestSpansReachTheCollector changes the environment and the global provider,
// so it runs alone.
func TestSpansReachTheCollector(t *testing.T) {
	got := make(chan []byte, 10)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- append([]byte(r.URL.Path+" "), body...)
	}))
	defer collector.Close()
	before := otel.GetTracerProvider()
	defer otel.SetTracerProvider(before)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=x")
	t.Setenv("OTEL_SERVICE_NAME", "salesbook-проба")
	env := map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": collector.URL}
	tracing, err := telemetry.StartTracing(t.Context(), "v1.2.3", func(name string) string { return env[name] }, slog.New(slog.DiscardHandler))
	if err != nil || !tracing.On {
		t.Fatalf("tracing %+v, %v; want it on", tracing, err)
	}
	_, span := otel.Tracer("any library").Start(t.Context(), "the work")
	span.End()
	if err := tracing.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	var sent []byte
	select {
	case sent = <-got:
	default:
		t.Fatal("after the shutdown something is still held back")
	}
	for _, want := range []string{"/v1/traces ", "the work", "salesbook-проба", "v1.2.3", "deployment.environment"} {
		if !bytes.Contains(sent, []byte(want)) {
			t.Errorf("the export lacks %q", want)
		}
	}
}
