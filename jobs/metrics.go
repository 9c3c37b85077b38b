package jobs

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// Metrics measures the jobs that a process works off. It is a plugin for
// ClientOptions.
type Metrics struct {
	river.PluginDefaults
	seconds *prometheus.HistogramVec // its count is the number of jobs
}

var _ rivertype.WorkerMiddleware = (*Metrics)(nil)

// NewMetrics registers its figures at r, so it is called once for a registry.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "salesbook_job_seconds",
		Help:    "Jobs worked off, how long each took, and how it ended: done, snoozed, cancelled, failed or panicked.",
		Buckets: prometheus.ExponentialBuckets(0.005, 4, 9)}, []string{"kind", "outcome"})}
	r.MustRegister(m.seconds)
	return m
}

// Work implements rivertype.WorkerMiddleware.
func (m *Metrics) Work(ctx context.Context, job *rivertype.JobRow, doInner func(context.Context) error) error {
	start, outcome := time.Now(), "panicked"
	defer func() { m.seconds.WithLabelValues(job.Kind, outcome).Observe(time.Since(start).Seconds()) }()
	err := doInner(ctx)
	outcome = ending(err)
	return err
}

// ending names how a job ended for the queue. Most failures of a vendor end a
// job well: what becomes of them stands in the run that it recorded.
func ending(err error) string {
	if err == nil {
		return "done"
	}
	if _, ok := errors.AsType[*rivertype.JobSnoozeError](err); ok {
		return "snoozed"
	}
	if _, ok := errors.AsType[*rivertype.JobCancelError](err); ok {
		return "cancelled"
	}
	return "failed"
}
