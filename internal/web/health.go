package web

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"salesbook.dev/internal/postgres"
)

// healthz says that the process is alive.
func healthz(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") }

// readyz says that work can be taken: the database answers, its schema is one
// this binary knows, and its disk has room. Deliveries are stored even without room.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 3*time.Second)
	defer cancel()
	if err := postgres.CheckSchema(ctx, s.DB); err != nil {
		s.Log.WarnContext(ctx, "not ready", "why", err)
		http.Error(w, "not ready: the database does not answer, or its schema does not fit (see the log)", http.StatusServiceUnavailable)
		return
	}
	if err := s.Pipeline.Room(); err != nil {
		s.Log.WarnContext(ctx, "not ready", "why", err)
		http.Error(w, "not ready: "+err.Error(), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ready")
}
