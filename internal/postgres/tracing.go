package postgres

import (
	"github.com/exaring/otelpgx"
	"github.com/jackc/pgx/v5"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/trace"
)

// NewTracer returns a tracer for Options, and for the queue's own pool. It
// opens a span for each statement that runs within one, and for nothing else;
// spans hold statements without their values.
func NewTracer(p trace.TracerProvider) pgx.QueryTracer {
	return otelpgx.NewTracer(otelpgx.WithTracerProvider(p), otelpgx.WithMeterProvider(noop.NewMeterProvider()))
}
