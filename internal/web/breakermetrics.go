package web

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"salesbook.dev/internal/postgres"
)

// breakerMetrics shows which connections rest, read from the database at each
// scrape.
type breakerMetrics struct {
	db      *postgres.DB
	resting *prometheus.Desc
}

func newBreakerMetrics(db *postgres.DB) *breakerMetrics {
	return &breakerMetrics{db: db, resting: prometheus.NewDesc("salesbook_connection_resting",
		"1 while the vendor is left alone because it could not be reached several times, else 0.", labels, nil)}
}

// Describe implements prometheus.Collector.
func (m *breakerMetrics) Describe(ch chan<- *prometheus.Desc) { ch <- m.resting }

// Collect implements prometheus.Collector.
func (m *breakerMetrics) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	stats, err := m.db.BreakerStats(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(m.resting, err)
		return
	}
	for _, s := range stats {
		resting := 0.0
		if s.Resting {
			resting = 1
		}
		ch <- prometheus.MustNewConstMetric(m.resting, prometheus.GaugeValue, resting, s.Workspace, s.Connection, s.Vendor)
	}
}
