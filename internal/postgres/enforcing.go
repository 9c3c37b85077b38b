package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// AnyEdits tells whether a workspace ever wanted anything of its CRMs.
func AnyEdits(ctx context.Context, tx pgx.Tx, workspace int64) (any bool, err error) {
	err = tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM edits WHERE workspace_id = $1)`, workspace).Scan(&any)
	return any, err
}

// AgreedReverts is how many moves of a connection somebody has agreed to take
// back.
func AgreedReverts(ctx context.Context, tx pgx.Tx, workspace, connection int64) (n int, err error) {
	err = tx.QueryRow(ctx, `
		SELECT count(*) FROM edits WHERE (workspace_id, connection_id, what) = ($1, $2, 'revert') AND approved_at IS NOT NULL`, workspace, connection).Scan(&n)
	return n, err
}
