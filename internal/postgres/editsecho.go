package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// UnechoedEdits returns edits of some records that are done or on their way, and
// whose change has not been recognised yet.
func UnechoedEdits(ctx context.Context, tx pgx.Tx, workspace, connection int64, kind string, ids []string) ([]Edit, error) {
	rows, err := tx.Query(ctx, `
		SELECT e.* FROM unnest($4::text[]) AS w(id) CROSS JOIN LATERAL (
			SELECT `+editColumns+` FROM edits
			WHERE (workspace_id, connection_id, target_kind, target_id) = ($1, $2, $3, w.id) AND state IN ('sent', 'done') AND before IS NOT NULL AND echoed_at IS NULL OFFSET 0) e
		ORDER BY e.id`, workspace, connection, kind, ids)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanEdit)
}

// EchoEdits notes that the changes of edits were recognised.
func EchoEdits(ctx context.Context, tx pgx.Tx, workspace int64, ids []int64, now time.Time) error {
	if len(ids) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `UPDATE edits SET echoed_at = $3 WHERE workspace_id = $1 AND id = ANY($2) AND echoed_at IS NULL`, workspace, ids, now)
	return err
}

// MatchMarks tells edits that make activities or notes which of some new ones
// are theirs: their marks stand in the texts.
func MatchMarks(ctx context.Context, tx pgx.Tx, workspace, connection int64, kind string, ids []string) (err error) {
	if len(ids) == 0 {
		return nil
	}
	switch kind {
	case "activities":
		_, err = tx.Exec(ctx, `
			UPDATE edits e SET target_id = t.external_id, not_before = NULL FROM activities t
			WHERE (e.workspace_id, e.connection_id, e.target_kind) = ($1, $2, 'activities') AND e.state IN ('ready', 'sent') AND e.target_id IS NULL
				AND (t.workspace_id, t.connection_id) = ($1, $2) AND t.external_id = ANY($3) AND t.note LIKE '%sb-%' AND position(e.mark IN t.note) > 0`,
			workspace, connection, ids)
	case "notes":
		_, err = tx.Exec(ctx, `
			UPDATE edits e SET target_id = t.external_id, not_before = NULL FROM notes t
			WHERE (e.workspace_id, e.connection_id, e.target_kind) = ($1, $2, 'notes') AND e.state IN ('ready', 'sent') AND e.target_id IS NULL
				AND (t.workspace_id, t.connection_id) = ($1, $2) AND t.external_id = ANY($3) AND t.content LIKE '%sb-%' AND position(e.mark IN t.content) > 0`,
			workspace, connection, ids)
	}
	return err
}
