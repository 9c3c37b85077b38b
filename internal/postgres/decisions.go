package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/fault"
)

// Excuse lets a violation pass until an instant and returns whose it is. It is
// fault.NotFound if it is not open.
func Excuse(ctx context.Context, tx pgx.Tx, workspace, id int64, until time.Time, by, why string) (SubjectKey, error) {
	return decided(id, tx.QueryRow(ctx, `
		UPDATE violations SET excused_until = $3, excused_by = $4, excused_why = $5
		WHERE (workspace_id, id) = ($1, $2) AND mended_at IS NULL AND closed_at IS NULL
		RETURNING connection_id, kind, external_id`, workspace, id, until, by, why))
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
