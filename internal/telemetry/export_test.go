package telemetry

import "go.opentelemetry.io/otel/trace"

// Wanted reads from the environment whether spans are exported.
var Wanted = wanted

// TracingWith is tracing with the given provider.
func TracingWith(p trace.TracerProvider) *Tracing { return &Tracing{Provider: p, On: true} }
