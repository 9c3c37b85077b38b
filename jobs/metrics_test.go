package jobs_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"salesbook.dev/internal/sandbox/pipedrive"
	"salesbook.dev/jobs"
)

// measured returns how many jobs a registry has counted, by kind and outcome.
func measured(t *testing.T, r *prometheus.Registry) map[string]uint64 {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]uint64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			got[f.GetName()+" "+m.GetLabel()[0].GetValue()+" "+m.GetLabel()[1].GetValue()] += m.GetHistogram().GetSampleCount()
		}
	}
	return got
}

func TestMetricsTellHowJobsEnd(t *testing.T) {
	t.Parallel()
	r := prometheus.NewRegistry()
	m := jobs.NewMetrics(r)
	work := func(kind string, inner func(context.Context) error) (err error) {
		defer func() {
			if p := recover(); p != nil {
				err = errors.New("panic")
			}
		}()
		return m.Work(t.Context(), &rivertype.JobRow{Kind: kind}, inner)
	}
	failed := errors.New("no")
	ends := []struct {
		kind string
		err  error
	}{
		{"pull", nil}, {"pull", nil}, {"pull", river.JobSnooze(time.Second)}, {"pull", river.JobCancel(failed)}, {"pull", failed}, {"watch", nil},
	}
	for _, e := range ends {
		if got := work(e.kind, func(context.Context) error { return e.err }); !errors.Is(got, e.err) {
			t.Errorf("want %v passed on, got %v", e.err, got)
		}
	}
	if err := work("watch", func(context.Context) error { panic("fault") }); err == nil {
		t.Error("a panic was kept back from the queue")
	}
	want := map[string]uint64{
		"salesbook_job_seconds pull done": 2, "salesbook_job_seconds pull snoozed": 1, "salesbook_job_seconds pull cancelled": 1,
		"salesbook_job_seconds pull failed": 1, "salesbook_job_seconds watch done": 1, "salesbook_job_seconds watch panicked": 1,
	}
	if d := cmp.Diff(want, measured(t, r)); d != "" {
		t.Errorf("jobs (-want +got):\n%s", d)
	}
}

// TestAQueueWithMetrics works off a real tick.
func TestAQueueWithMetrics(t *testing.T) {
	t.Parallel()
	b := setup(t, 0, pipedrive.Options{})
	config, err := pgxpool.ParseConfig(b.db.RiverURL)
	if err != nil {
		t.Fatal(err)
	}
	if b.db.Pooled {
		config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	r := prometheus.NewRegistry()
	client, err := jobs.NewClient(b.Pipeline, pool, jobs.ClientOptions{Workers: 1, PollOnly: b.db.Pooled, Log: b.Log, Plugins: []rivertype.Plugin{jobs.NewMetrics(r)}})
	if err != nil {
		t.Fatal(err)
	}
	b.Queue = client
	worked, unsubscribe := client.Subscribe(river.EventKindJobCompleted)
	defer unsubscribe()
	if err := client.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Insert(t.Context(), jobs.TickArgs{}, nil); err != nil {
		t.Fatal(err)
	}
	select {
	case <-worked:
	case <-time.After(20 * time.Second):
		t.Error("the tick was not worked off")
	}
	if err := client.Stop(context.WithoutCancel(t.Context())); err != nil {
		t.Error(err)
	}
	if n := measured(t, r)["salesbook_job_seconds tick done"]; n == 0 {
		t.Error("no tick was counted")
	}
}
