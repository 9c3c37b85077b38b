package web

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"salesbook.dev/internal/postgres"
	"salesbook.dev/jobs"
)

// proofMetrics shows what connections' proofs are worth, read from the
// database at each scrape.
type proofMetrics struct {
	db                       *postgres.DB
	now                      func() time.Time
	proven, at, drift, found *prometheus.Desc
}

func newProofMetrics(db *postgres.DB, now func() time.Time) *proofMetrics {
	byObject := append(append([]string{}, labels...), "object")
	return &proofMetrics{db: db, now: now,
		proven: prometheus.NewDesc("salesbook_connection_proven", "1 while every object's proof is younger than twice its planned interval and nothing differs.", labels, nil),
		at:     prometheus.NewDesc("salesbook_connection_proven_timestamp_seconds", "The instant that the oldest of the objects' proofs speaks of; absent while one is missing.", labels, nil),
		drift:  prometheus.NewDesc("salesbook_connection_drift", "Records that differ from the vendor's still after the object's last sweep.", byObject, nil),
		found:  prometheus.NewDesc("salesbook_connection_drift_found", "Records that the object's last sweep found to differ, repaired ones included.", byObject, nil)}
}

// Describe implements prometheus.Collector.
func (m *proofMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.proven, m.at, m.drift, m.found} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (m *proofMetrics) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	stats, err := m.db.ProofStats(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(m.proven, err)
		return
	}
	gauge := func(d *prometheus.Desc, v float64, of ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, of...)
	}
	for len(stats) > 0 {
		first := stats[0]
		of := []string{first.Workspace, first.Connection, first.Vendor}
		var marks []jobs.Mark
		for len(stats) > 0 && stats[0].Workspace == first.Workspace && stats[0].Connection == first.Connection {
			s := stats[0]
			marks = append(marks, jobs.Mark{AsOf: s.AsOf, Unrepaired: s.Unrepaired})
			if s.AsOf != nil {
				gauge(m.drift, float64(s.Unrepaired), append(of[:3:3], s.Object)...)
				gauge(m.found, float64(s.Found), append(of[:3:3], s.Object)...)
			}
			stats = stats[1:]
		}
		state, asOf := jobs.ProofState(marks, first.Every, m.now())
		proven := 0.0
		if state == jobs.Proven {
			proven = 1
		}
		gauge(m.proven, proven, of...)
		if asOf != nil {
			gauge(m.at, float64(asOf.UnixMilli())/1000, of...)
		}
	}
}
