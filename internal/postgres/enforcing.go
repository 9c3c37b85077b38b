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

// OwnerOf is what the book knows the rep by who has a deal or lead, as Reps has it;
// empty if nobody has.
func OwnerOf(ctx context.Context, tx pgx.Tx, workspace int64, s SubjectKey) (email string, err error) {
	err = tx.QueryRow(ctx, `
		SELECT COALESCE((SELECT COALESCE(NULLIF(r.email, ''), r.name) FROM (
			SELECT owner_id FROM deals WHERE (workspace_id, connection_id, external_id) = ($1, $2, $4) AND $3 = 'deals'
			UNION ALL SELECT owner_id FROM leads WHERE (workspace_id, connection_id, external_id) = ($1, $2, $4) AND $3 = 'leads') d
			JOIN reps r ON (r.workspace_id, r.connection_id, r.external_id) = ($1, $2, d.owner_id)), '')`,
		workspace, s.Connection, s.Kind, s.ID).Scan(&email)
	return email, err
}
