// Package web is the HTTP side: deliveries from vendors in, and what
// operators' machines ask. One file per resource.
package web

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"salesbook.dev/internal/postgres"
	"salesbook.dev/jobs"
)

// Server holds what the handlers need. Its fields are set once, before use.
type Server struct {
	DB       *postgres.DB
	Pipeline *jobs.Pipeline
	Metrics  *prometheus.Registry // gets the server's own; shown at /metrics
	Log      *slog.Logger
	Traces   trace.TracerProvider // nil: no spans
	// OperatorsOnly leaves out deliveries: a worker tells operators' machines
	// how it is, and no more.
	OperatorsOnly bool
}

// Handler returns all routes, and a function that runs what must go on beside
// them until its context ends. It is called once: it registers metrics.
func (s *Server) Handler() (http.Handler, func(context.Context)) {
	inbox := s.newCommitter()
	routes := map[string]http.Handler{
		"GET /healthz": http.HandlerFunc(healthz),
		"GET /readyz":  http.HandlerFunc(s.readyz),
		"GET /metrics": s.metrics(),
	}
	if !s.OperatorsOnly {
		routes[jobs.HookPath+"{part}"] = s.newDeliveries(inbox)
	}
	mux := http.NewServeMux()
	for pattern, h := range routes {
		mux.Handle(pattern, s.traced(pattern, h))
	}
	return mux, inbox.run
}

// drain is how long requests may go on after the server was asked to stop.
const drain = 8 * time.Second

// Serve answers on l until ctx ends, then lets running requests finish. What
// was answered with 2xx by then is stored; what takes longer is cut off.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	handler, beside := s.Handler()
	besides, stop := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() { defer close(done); beside(besides) }()
	srv := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 20 * time.Second, WriteTimeout: 30 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10, ErrorLog: slog.NewLogLogger(s.Log.Handler(), slog.LevelWarn)}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
		defer cancel()
		if slow := srv.Shutdown(late); slow != nil {
			s.Log.Warn("requests that took too long were cut off", "why", slow)
		}
	}
	err = errors.Join(err, srv.Close()) // those give up waiting for their commit
	stop()
	<-done
	return err
}
