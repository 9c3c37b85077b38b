package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// Snoozed is a decision that a deal or lead waits.
type Snoozed struct {
	ID          string // of the deal or lead
	From, Until time.Time
	By, Why     string
}

// Snooze has a deal or lead wait until an instant, and be judged anew.
func Snooze(ctx context.Context, tx pgx.Tx, workspace int64, s SubjectKey, until time.Time, by, why string) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO snoozes (workspace_id, connection_id, kind, external_id, until_at, made_by, why) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		workspace, s.Connection, s.Kind, s.ID, until, by, why)
	if err != nil {
		return err
	}
	return MarkDirty(ctx, tx, workspace, s.Connection, s.Kind, []string{s.ID})
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
