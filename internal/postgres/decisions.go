package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/fault"
)

// Excuse lets a violation pass until an instant and returns whose it is, which is
// judged anew: what was done about it may be taken away. It is fault.NotFound if
// it is not open.
func Excuse(ctx context.Context, tx pgx.Tx, workspace, id int64, until time.Time, by, why string) (SubjectKey, error) {
	s, err := decided(id, tx.QueryRow(ctx, `
		SELECT connection_id, kind, external_id FROM violations
		WHERE (workspace_id, id) = ($1, $2) AND mended_at IS NULL AND closed_at IS NULL`, workspace, id))
	if err != nil {
		return s, err
	}
	// Whoever judges it takes the mark first, then its violations.
	if err := MarkDirty(ctx, tx, workspace, s.Connection, s.Kind, []string{s.ID}); err != nil {
		return s, err
	}
	return decided(id, tx.QueryRow(ctx, `
		UPDATE violations SET excused_until = $3, excused_by = $4, excused_why = $5
		WHERE (workspace_id, id) = ($1, $2) AND mended_at IS NULL AND closed_at IS NULL
		RETURNING connection_id, kind, external_id`, workspace, id, until, by, why))
}

// Noted is an open violation as it was stored when somebody judged before.
type Noted struct {
	ID           string // of the deal or lead
	Rule, Detail string
	Opened       time.Time
	Excused      *time.Time // until when somebody lets it pass
	Backlog      bool       // it is older than the book that first said so, or the connection
}

// NotedOf returns the open violations of deals or leads.
func NotedOf(ctx context.Context, tx pgx.Tx, workspace, connection int64, kind string, ids []string) ([]Noted, error) {
	rows, err := tx.Query(ctx, `
		SELECT w.id, v.* FROM unnest($4::text[]) AS w(id) CROSS JOIN LATERAL (
			SELECT v.rule, v.detail, v.opened_at, v.excused_until, v.opened_at < GREATEST(b.active_at, c.created_at) FROM violations v
			JOIN books b ON (b.workspace_id, b.version) = ($1, v.book) JOIN connections c ON (c.workspace_id, c.id) = ($1, $2)
			WHERE (v.workspace_id, v.connection_id, v.kind, v.external_id) = ($1, $2, $3, w.id) AND v.mended_at IS NULL AND v.closed_at IS NULL OFFSET 0) v`,
		workspace, connection, kind, ids)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Noted])
}

// Acknowledge has somebody take a violation on and returns whose it is. Who did
// before no longer shows. It is fault.NotFound if it is not open.
func Acknowledge(ctx context.Context, tx pgx.Tx, workspace, id int64, at time.Time, by, note string) (SubjectKey, error) {
	return decided(id, tx.QueryRow(ctx, `
		UPDATE violations SET acknowledged_at = $3, acknowledged_by = $4, acknowledged_note = NULLIF($5, '')
		WHERE (workspace_id, id) = ($1, $2) AND mended_at IS NULL AND closed_at IS NULL
		RETURNING connection_id, kind, external_id`, workspace, id, at, by, note))
}

func decided(violation int64, row pgx.Row) (s SubjectKey, err error) {
	err = row.Scan(&s.Connection, &s.Kind, &s.ID)
	if errors.Is(err, pgx.ErrNoRows) {
		err = fault.New(fault.NotFound, "no violation %d is open; `salesbook violations --all` lists those that are", violation)
	}
	return s, err
}
