package web

import (
	"context"
	"math"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"salesbook.dev/internal/postgres"
)

// newDeliveries returns the handler of deliveries with its metrics.
func (s *Server) newDeliveries(inbox *committer) *deliveries {
	d := &deliveries{receivers: newReceivers(s.DB, s.Pipeline, s.Log), inbox: inbox, now: s.Pipeline.Now, log: s.Log,
		received: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "salesbook_deliveries_total",
			Help: "Deliveries from vendors, by what became of them."}, []string{"outcome"})}
	s.Metrics.MustRegister(d.received)
	return d
}

// newCommitter returns the writer of the inbox with its metrics.
func (s *Server) newCommitter() *committer {
	c := &committer{db: s.DB, looks: newLooks(s.Pipeline.Queue, s.Log), log: s.Log, arrived: make(chan pending, atOnce), wake: make(chan struct{}, 1),
		sizes: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "salesbook_deliveries_commit_size",
			Help: "Deliveries stored together in one commit.", Buckets: prometheus.ExponentialBuckets(1, 2, 10)}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "salesbook_deliveries_commit_seconds",
			Help: "How long a commit of deliveries took.", Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14)})}
	queued := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "salesbook_deliveries_queued",
		Help: "Deliveries that wait for the next commit."}, func() float64 { return float64(len(c.arrived)) })
	s.Metrics.MustRegister(c.sizes, c.seconds, queued)
	return c
}

// metrics serves the registry, with figures on connections read from the
// database at each scrape.
func (s *Server) metrics() http.Handler {
	s.Metrics.MustRegister(&connectionMetrics{db: s.DB,
		up:       prometheus.NewDesc("salesbook_connection_up", "1 while the connection is active, 0 when paused or in need of consent.", labels, nil),
		age:      prometheus.NewDesc("salesbook_connection_lag_seconds", "Age of the oldest object's last complete pull.", labels, nil),
		loaded:   prometheus.NewDesc("salesbook_connection_loaded_objects", "Objects whose first walk is complete.", labels, nil),
		objects:  prometheus.NewDesc("salesbook_connection_objects", "Objects that are pulled.", labels, nil),
		waiting:  prometheus.NewDesc("salesbook_deliveries_waiting", "Stored deliveries whose records have not been read yet.", labels, nil),
		failures: prometheus.NewDesc("salesbook_failures_open", "Dead letters that nobody has resolved.", labels, nil),
	})
	s.Metrics.MustRegister(newProofMetrics(s.DB, s.Pipeline.Now), newBreakerMetrics(s.DB))
	if free := s.Pipeline.FreeDisk; free != nil {
		s.Metrics.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "salesbook_disk_free_ratio",
			Help: "Free share of the private database's disk; below 0.05 what can wait does."}, func() float64 { return diskFree(free) }))
	}
	return promhttp.HandlerFor(s.Metrics, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError, Timeout: 5 * time.Second})
}

// diskFree is the free share, or NaN when it cannot be told.
func diskFree(probe func() (float64, error)) float64 {
	free, err := probe()
	if err != nil {
		return math.NaN()
	}
	return free
}

var labels = []string{"workspace", "connection", "vendor"}

type connectionMetrics struct {
	db                                          *postgres.DB
	up, age, loaded, objects, waiting, failures *prometheus.Desc
}

// Describe implements prometheus.Collector.
func (m *connectionMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.up, m.age, m.loaded, m.objects, m.waiting, m.failures} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (m *connectionMetrics) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	stats, err := m.db.ConnectionStats(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(m.up, err)
		return
	}
	for _, s := range stats {
		l := []string{s.Workspace, s.Connection, s.Vendor}
		gauge := func(d *prometheus.Desc, v float64) {
			ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, l...)
		}
		up := 0.0
		if s.State == "active" {
			up = 1
		}
		gauge(m.up, up)
		if s.LagSeconds != nil {
			gauge(m.age, *s.LagSeconds)
		}
		gauge(m.loaded, float64(s.Loaded))
		gauge(m.objects, float64(s.Objects))
		gauge(m.waiting, float64(s.Waiting))
		gauge(m.failures, float64(s.OpenFailures))
	}
}
