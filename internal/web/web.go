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

	"salesbook.dev/internal/postgres"
	"salesbook.dev/jobs"
)

// Server holds what the handlers need. Its fields are set once, before use.
type Server struct {
	DB       *postgres.DB
	Pipeline *jobs.Pipeline
	Metrics  *prometheus.Registry
	Log      *slog.Logger
}

// Handler returns all routes, and a function that runs what must go on beside
// them until its context ends.
func (s *Server) Handler() (http.Handler, func(context.Context)) {
	mux := http.NewServeMux()
	d := newDeliveries(s.DB, s.Pipeline, s.Log)
	mux.Handle(jobs.HookPath+"{part}", d)
	mux.HandleFunc("GET /healthz", healthz)
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.Handle("GET /metrics", s.metrics())
	return mux, d.run
}

// drain is how long requests may go on after the server was asked to stop.
const drain = 8 * time.Second

// Serve answers on l until ctx ends, then lets running requests finish.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	handler, beside := s.Handler()
	besides, stop := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() { defer close(done); beside(besides) }()
	srv := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 20 * time.Second, WriteTimeout: 30 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10, ErrorLog: slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug)}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
		defer cancel()
		err = srv.Shutdown(late)
	}
	stop()
	<-done
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
