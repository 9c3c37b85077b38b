package telemetry

import (
	"context"
	"errors"
	"fmt"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// traceparent is the key of a job's metadata that holds the W3C trace context
// of the work that enqueued it.
const traceparent = "traceparent"

// jobs continues traces across the queue: who enqueues a job inside a span
// leaves its context in the job's metadata, and the job's span becomes its
// child, in whichever process it is worked.
type jobs struct {
	river.PluginDefaults
	tracer trace.Tracer
}

var (
	_ rivertype.HookInsertBegin  = (*jobs)(nil)
	_ rivertype.WorkerMiddleware = (*jobs)(nil)
)

// RiverPlugin returns the plugin for river.Config.Plugins. With tracing off it
// costs next to nothing and leaves jobs as they are.
func (t *Tracing) RiverPlugin() rivertype.Plugin {
	return &jobs{tracer: t.Provider.Tracer("salesbook.dev/internal/telemetry")}
}

// InsertBegin implements rivertype.HookInsertBegin.
func (j *jobs) InsertBegin(ctx context.Context, params *rivertype.JobInsertParams) error {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	parent, ok := carrier[traceparent]
	if !ok {
		return nil // nothing is traced here
	}
	marked, err := sjson.SetBytes(params.Metadata, traceparent, parent)
	if err != nil {
		return fmt.Errorf("the metadata of a %s job cannot carry its trace: %w", params.Kind, err)
	}
	params.Metadata = marked
	return nil
}

// Work implements rivertype.WorkerMiddleware.
func (j *jobs) Work(ctx context.Context, job *rivertype.JobRow, doInner func(context.Context) error) error {
	if parent := gjson.GetBytes(job.Metadata, traceparent).String(); parent != "" {
		ctx = propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{traceparent: parent})
	}
	ctx, span := j.tracer.Start(ctx, "job "+job.Kind, trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(
		attribute.String("job.kind", job.Kind), attribute.Int64("job.id", job.ID),
		attribute.String("job.queue", job.Queue), attribute.Int("job.attempt", job.Attempt)))
	defer span.End()
	err := doInner(ctx)
	outcome(span, err)
	return err
}

// outcome tells on the span how the job ended. A snooze is a plan, not an error.
func outcome(span trace.Span, err error) {
	if _, snoozed := errors.AsType[*rivertype.JobSnoozeError](err); snoozed {
		span.SetAttributes(attribute.Bool("job.snoozed", true))
		return
	}
	if err != nil {
		span.RecordError(err)
		span.SetStatus(codes.Error, err.Error())
	}
}
