package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/fault"
)

// Snoozed is a decision that a deal or lead waits.
type Snoozed struct {
	ID          string // of the deal or lead
	From, Until time.Time
	By, Why     string
}

// Snooze has deals or leads of that id wait until an instant, and be judged
// anew. It is fault.NotFound if there is none.
func Snooze(ctx context.Context, tx pgx.Tx, workspace int64, s SubjectKey, until time.Time, by, why string) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO snoozes (workspace_id, connection_id, kind, external_id, until_at, made_by, why) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		workspace, s.Connection, s.Kind, s.ID, until, by, why)
	if err != nil {
		return err
	}
	return MarkDirty(ctx, tx, workspace, s.Connection, s.Kind, []string{s.ID})
}

// SubjectsCalled returns the deals or leads of a kind that have an id: several
// connections may have the same.
func SubjectsCalled(ctx context.Context, tx pgx.Tx, workspace int64, kind, id string) ([]SubjectKey, error) {
	rows, err := tx.Query(ctx, `
		SELECT connection_id, 'deals', external_id FROM deals WHERE workspace_id = $1 AND $2 = 'deals' AND external_id = $3
		UNION ALL SELECT connection_id, 'leads', external_id FROM leads WHERE workspace_id = $1 AND $2 = 'leads' AND external_id = $3
		ORDER BY 1`, workspace, kind, id)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[SubjectKey])
}

// SnoozesOf returns the decisions on deals or leads, each one's oldest first.
func SnoozesOf(ctx context.Context, tx pgx.Tx, workspace, connection int64, kind string, ids []string) ([]Snoozed, error) {
	rows, err := tx.Query(ctx, `
		SELECT w.id, d.* FROM unnest($4::text[]) AS w(id) CROSS JOIN LATERAL (
			SELECT from_at, until_at, made_by, why FROM snoozes
			WHERE (workspace_id, connection_id, kind, external_id) = ($1, $2, $3, w.id) ORDER BY from_at, id OFFSET 0) d`, workspace, connection, kind, ids)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Snoozed])
}

// Excuse lets a violation pass until an instant. It is fault.NotFound if it is
// not open.
func Excuse(ctx context.Context, tx pgx.Tx, workspace, id int64, until time.Time, by, why string) error {
	tag, err := tx.Exec(ctx, `
		UPDATE violations SET excused_until = $3, excused_by = $4, excused_why = $5
		WHERE (workspace_id, id) = ($1, $2) AND mended_at IS NULL AND closed_at IS NULL`, workspace, id, until, by, why)
	if err == nil && tag.RowsAffected() == 0 {
		err = fault.New(fault.NotFound, "no violation %d is open; `salesbook violations` lists those that are", id)
	}
	return err
}
