package jobs

import (
	"context"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/enforce"
)

// WantTells stores what people are to be told, as evaluation does.
func WantTells(ctx context.Context, tx pgx.Tx, workspace, connection int64, kind, id string, tells []enforce.Tell) error {
	return wantTells(ctx, tx, workspace, connection, kind, id, tells)
}
