package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// Tracing is the process's source of spans.
type Tracing struct {
	Provider trace.TracerProvider // never nil; makes no spans when tracing is off
	On       bool

	shutdown func(context.Context) error
}

// StartTracing exports spans over OTLP/HTTP when OTEL_EXPORTER_OTLP_ENDPOINT,
// OTEL_EXPORTER_OTLP_TRACES_ENDPOINT or OTEL_TRACES_EXPORTER=otlp is set; the
// exporter reads the rest of OpenTelemetry's variables itself (headers,
// timeout, sampler). Otherwise, and with OTEL_TRACES_EXPORTER=none or
// OTEL_SDK_DISABLED=true, tracing is off.
//
// When it is on, the provider becomes OpenTelemetry's global one, because the
// instrumented libraries look for it there. Call it once, at the start.
func StartTracing(ctx context.Context, version string, getenv func(string) string, log *slog.Logger) (*Tracing, error) {
	on, err := wanted(getenv)
	if err != nil {
		return nil, err
	}
	if !on {
		return &Tracing{Provider: noop.NewTracerProvider()}, nil
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("the exporter of traces cannot be set up; check the OTEL_EXPORTER_OTLP_* variables: %w", err)
	}
	about, err := resource.New(ctx,
		resource.WithAttributes(attribute.String("service.name", "salesbook"), attribute.String("service.version", version)),
		resource.WithHost(), resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("the description of this process for traces is wrong; check OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about))
	otel.SetTracerProvider(provider)
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		log.Warn("traces could not be exported; work goes on", "error", err)
	}))
	return &Tracing{Provider: provider, On: true, shutdown: provider.Shutdown}, nil
}

// Shutdown exports what is still held back. It does nothing when tracing is off.
func (t *Tracing) Shutdown(ctx context.Context) error {
	if t.shutdown == nil {
		return nil
	}
	return t.shutdown(ctx)
}

// wanted reads from the environment whether spans are exported.
func wanted(getenv func(string) string) (bool, error) {
	if strings.EqualFold(getenv("OTEL_SDK_DISABLED"), "true") {
		return false, nil
	}
	switch exporter := getenv("OTEL_TRACES_EXPORTER"); exporter {
	case "none":
		return false, nil
	case "":
		if getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" && getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") == "" {
			return false, nil
		}
	case "otlp":
	default:
		return false, fmt.Errorf("OTEL_TRACES_EXPORTER=%q is not known; use otlp or none", exporter)
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
		if protocol := getenv(name); protocol != "" && protocol != "http/protobuf" {
			return false, fmt.Errorf("%s=%q is not supported; use http/protobuf (usually port 4318)", name, protocol)
		}
	}
	return true, nil
}
