package main

import (
	"context"
	"os"
	"time"

	"salesbook.dev/internal/telemetry"
)

func getenv(name string) string { return os.Getenv(name) }

// stopTracing sends what is left, for a short time.
func stopTracing(ctx context.Context, t *telemetry.Tracing) {
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	_ = t.Shutdown(late) // nothing can be done about spans that cannot be sent
}
