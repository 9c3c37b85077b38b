package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// SubjectKey names a deal or lead of a workspace.
type SubjectKey struct {
	Connection int64
	Kind       string
	ID         string
}

// MarkDirty notes subjects that must be judged anew. One that is marked already is
// locked, so that nobody takes it up before this transaction has committed: he
// would judge what it was, and take the mark away with it.
func MarkDirty(ctx context.Context, tx pgx.Tx, workspace, connection int64, kind string, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO dirty (workspace_id, connection_id, kind, external_id) SELECT $1, $2, $3, e FROM unnest($4::text[]) e
		ON CONFLICT (workspace_id, connection_id, kind, external_id) DO UPDATE SET since = dirty.since WHERE false`,
		workspace, connection, kind, ids)
	return err
}

// MarkAllDirty asks for every deal and lead of a workspace to be judged anew, see
// MarkDirty.
func MarkAllDirty(ctx context.Context, tx pgx.Tx, workspace int64) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO dirty (workspace_id, connection_id, kind, external_id)
		SELECT workspace_id, id, 'connections', id::text FROM connections WHERE workspace_id = $1 ORDER BY connections.id
		ON CONFLICT (workspace_id, connection_id, kind, external_id) DO UPDATE SET since = dirty.since WHERE false`, workspace)
	return err
}

// AnythingToJudge tells whether something of some connections is dirty, or time
// alone may have changed something by an instant.
func AnythingToJudge(ctx context.Context, tx pgx.Tx, workspace int64, connections []int64, now time.Time) (any bool, err error) {
	err = tx.QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM dirty WHERE workspace_id = $1 AND connection_id = ANY($3::bigint[]))
			OR EXISTS (SELECT FROM judgements WHERE workspace_id = $1 AND due_at <= $2)`,
		workspace, now, connections).Scan(&any)
	return any, err
}

// MarkDue makes dirty what time alone may have changed by an instant. Rows that
// were locked are found by their place: by their keys the planner reads the whole
// table for them if it knew it small.
func MarkDue(ctx context.Context, tx pgx.Tx, workspace int64, now time.Time, most int) error {
	_, err := tx.Exec(ctx, `
		WITH due AS MATERIALIZED (
			SELECT ctid FROM judgements WHERE workspace_id = $1 AND due_at <= $2 ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED),
		awake AS (
			UPDATE judgements j SET due_at = NULL FROM due WHERE j.workspace_id = $1 AND j.ctid = due.ctid
			RETURNING j.connection_id, j.kind, j.external_id)
		INSERT INTO dirty (workspace_id, connection_id, kind, external_id)
		SELECT $1, connection_id, kind, external_id FROM awake ORDER BY 2, 3, 4 ON CONFLICT DO NOTHING`, workspace, now, most)
	return err
}

// SpreadDirty makes each deal and lead of those of some connections dirty that
// are marked as a whole. A mark that somebody is about to renew is left for the
// next time.
func SpreadDirty(ctx context.Context, tx pgx.Tx, workspace int64, connections []int64) error {
	_, err := tx.Exec(ctx, `
		WITH whole AS (
			DELETE FROM dirty WHERE workspace_id = $1 AND kind = 'connections' AND (connection_id, external_id) IN (
				SELECT connection_id, external_id FROM dirty WHERE workspace_id = $1 AND kind = 'connections' AND connection_id = ANY($2::bigint[]) FOR UPDATE SKIP LOCKED)
			RETURNING connection_id)
		INSERT INTO dirty (workspace_id, connection_id, kind, external_id)
		SELECT $1, connection_id, kind, external_id FROM (
			SELECT d.connection_id, 'deals' AS kind, d.external_id FROM deals d JOIN whole w USING (connection_id) WHERE d.workspace_id = $1
			UNION ALL SELECT l.connection_id, 'leads', l.external_id FROM leads l JOIN whole w USING (connection_id) WHERE l.workspace_id = $1) s
		ORDER BY 2, 3, 4 ON CONFLICT DO NOTHING`, workspace, connections)
	return err
}

// ClaimDirty takes up to most subjects of some connections that must be judged
// anew off the list, the longest waiting first. Whoever changes one of them
// meanwhile, or removes the connection, waits for this transaction.
func ClaimDirty(ctx context.Context, tx pgx.Tx, workspace int64, connections []int64, most int) ([]SubjectKey, error) {
	rows, err := tx.Query(ctx, `
		WITH oldest AS MATERIALIZED (
			SELECT w.ctid FROM unnest($2::bigint[]) AS c(id) CROSS JOIN LATERAL (
				SELECT ctid, since FROM dirty
				WHERE (workspace_id, connection_id) = ($1, c.id) AND kind IN ('deals', 'leads') ORDER BY since LIMIT $3 FOR UPDATE SKIP LOCKED) w
			ORDER BY w.since LIMIT $3)
		DELETE FROM dirty d USING oldest o WHERE d.workspace_id = $1 AND d.ctid = o.ctid
		RETURNING d.connection_id, d.kind, d.external_id`, workspace, connections, most)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[SubjectKey])
}
