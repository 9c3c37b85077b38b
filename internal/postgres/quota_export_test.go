package postgres

import (
	"context"
	"time"

	"salesbook.dev/internal/rest"
)

// Try is Take without the wait in place. It tells what a call has to wait for.
func (g Governor) Try(ctx context.Context, p rest.Price) (permit rest.Permit, wait time.Duration, reason string, err error) {
	got, err := g.try(ctx, p)
	return got.permit, got.wait, got.reason, err
}
