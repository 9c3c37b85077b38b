package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"
	"github.com/tidwall/gjson"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"salesbook.dev/internal/postgres/pgtest"
	"salesbook.dev/internal/telemetry"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// endArgs says how the job is to end.
type endArgs struct {
	How string `json:"how"`
}

// Kind implements river.JobArgs.
func (endArgs) Kind() string { return "end" }

func end(ctx context.Context, job *river.Job[endArgs]) error {
	if !trace.SpanFromContext(ctx).IsRecording() {
		return fmt.Errorf("the job %d is not traced", job.ID)
	}
	switch job.Args.How {
	case "snooze":
		return river.JobSnooze(time.Hour)
	case "fail":
		return river.JobCancel(errors.New("no such deal"))
	}
	return nil
}

// queue starts a real client in a real database.
func queue(t *testing.T, plugin rivertype.Plugin) *river.Client[pgx.Tx] {
	t.Helper()
	db := pgtest.New(t)
	config, err := pgxpool.ParseConfig(db.RiverURL)
	if err != nil {
		t.Fatal(err)
	}
	if db.Pooled {
		config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	workers := river.NewWorkers()
	river.AddWorker(workers, river.WorkFunc(end))
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{
		Schema: "river", Workers: workers, Plugins: []rivertype.Plugin{plugin}, PollOnly: db.Pooled,
		Queues:            map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 4}},
		FetchCooldown:     5 * time.Millisecond,
		FetchPollInterval: 20 * time.Millisecond,
		Logger:            slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestTracesContinueAcrossTheQueue(t *testing.T) {
	t.Parallel()
	recorder := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))
	client := queue(t, telemetry.TracingWith(provider).RiverPlugin())
	ctx, root := provider.Tracer("test").Start(t.Context(), "the enqueuing work")
	for _, how := range []string{"done", "snooze", "fail"} {
		insert(ctx, t, client, how)
	}
	insert(t.Context(), t, client, "done") // by somebody who is not traced
	root.End()
	work(t, client, 4)
	if err := client.Stop(t.Context()); err != nil { // spans end before it returns
		t.Fatal(err)
	}
	var got []string
	for _, s := range recorder.Ended() {
		if s.Name() != "job end" {
			continue
		}
		child := s.Parent().SpanID() == root.SpanContext().SpanID() && s.SpanContext().TraceID() == root.SpanContext().TraceID()
		got = append(got, fmt.Sprintf("%s child=%v status=%v snoozed=%v", s.SpanKind(), child, s.Status().Code, attribute(s, "job.snoozed")))
	}
	want := []string{
		fmt.Sprintf("consumer child=true status=%v snoozed=", codes.Unset),
		fmt.Sprintf("consumer child=true status=%v snoozed=true", codes.Unset),
		fmt.Sprintf("consumer child=true status=%v snoozed=", codes.Error),
		fmt.Sprintf("consumer child=false status=%v snoozed=", codes.Unset),
	}
	if diff := cmp.Diff(tally(want), tally(got)); diff != "" {
		t.Errorf("spans of jobs (-want +got):\n%s", diff)
	}
}

func TestTracingOffLeavesJobsAsTheyAre(t *testing.T) {
	t.Parallel()
	tracing, err := telemetry.StartTracing(t.Context(), "v1", func(string) string { return "" }, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	client := queue(t, tracing.RiverPlugin())
	if job := insert(t.Context(), t, client, "done"); gjson.GetBytes(job.Metadata, "traceparent").Exists() {
		t.Errorf("metadata = %s, want no trace", job.Metadata)
	}
}

func insert(ctx context.Context, t *testing.T, client *river.Client[pgx.Tx], how string) *rivertype.JobRow {
	t.Helper()
	inserted, err := client.Insert(ctx, endArgs{How: how}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return inserted.Job
}

// work starts the client and waits until n jobs have ended in some way.
func work(t *testing.T, client *river.Client[pgx.Tx], n int) {
	t.Helper()
	events, cancel := client.Subscribe(river.EventKindJobCompleted, river.EventKindJobSnoozed, river.EventKindJobCancelled, river.EventKindJobFailed)
	defer cancel()
	if err := client.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	deadline := time.After(30 * time.Second)
	for range n {
		select {
		case e := <-events:
			if e.Kind == river.EventKindJobFailed {
				t.Errorf("job failed: %+v", e.Job.Errors)
			}
		case <-deadline:
			t.Fatal("the jobs were not worked in time")
		}
	}
}

// attribute is a span's attribute as text, empty if absent.
func attribute(s sdktrace.ReadOnlySpan, key string) string {
	for _, a := range s.Attributes() {
		if string(a.Key) == key {
			return a.Value.String()
		}
	}
	return ""
}

// tally counts equal lines: jobs run in any order.
func tally(lines []string) map[string]int {
	n := map[string]int{}
	for _, l := range lines {
		n[l]++
	}
	return n
}
