package postgres

import (
	"context"
	"time"
)

// Try is Take without the wait in place.
func (g Governor) Try(ctx context.Context, cost, burst int) (wait time.Duration, daily bool, err error) {
	return g.try(ctx, cost, burst)
}
