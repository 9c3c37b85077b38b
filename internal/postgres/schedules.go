package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// Due is a schedule that has come due and was claimed.
type Due struct {
	Workspace  int64
	Kind       string
	Connection int64
}

// Schedule sets how often a kind of job runs for a connection (0: for the
// workspace); the first time is at once.
func Schedule(ctx context.Context, tx pgx.Tx, workspace int64, kind string, connection int64, every time.Duration) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO schedules (workspace_id, kind, connection_id, every) VALUES ($1, $2, $3, $4)
		ON CONFLICT (workspace_id, kind, connection_id) DO UPDATE SET every = excluded.every`, workspace, kind, connection, every)
	return err
}

// Unschedule ends the running of a kind of job.
func Unschedule(ctx context.Context, tx pgx.Tx, workspace int64, kind string, connection int64) error {
	_, err := tx.Exec(ctx, `DELETE FROM schedules WHERE (workspace_id, kind, connection_id) = ($1, $2, $3)`, workspace, kind, connection)
	return err
}

// DueIn sets when a schedule comes due next, from now on.
func DueIn(ctx context.Context, tx pgx.Tx, workspace int64, kind string, connection int64, d time.Duration) error {
	_, err := tx.Exec(ctx, `UPDATE schedules SET next_at = now() + $4::interval WHERE (workspace_id, kind, connection_id) = ($1, $2, $3)`, workspace, kind, connection, d)
	return err
}

// ClaimDue claims up to most due schedules of all workspaces and calls inTx
// with them before the claim commits.
func (db *DB) ClaimDue(ctx context.Context, most int, inTx func(tx pgx.Tx, due []Due) error) error {
	return pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT workspace_id, kind, connection_id FROM claim_schedules($1)`, most)
		if err != nil {
			return err
		}
		due, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Due])
		if err != nil {
			return err
		}
		return inTx(tx, due)
	})
}

// ScheduleOf returns how often a kind of job is planned to run for a
// connection; 0 when it is not planned at all.
func ScheduleOf(ctx context.Context, tx pgx.Tx, workspace int64, kind string, connection int64) (every time.Duration, err error) {
	err = tx.QueryRow(ctx, `
		SELECT COALESCE((SELECT every FROM schedules WHERE (workspace_id, kind, connection_id) = ($1, $2, $3)), interval '0')`,
		workspace, kind, connection).Scan(&every)
	return every, err
}
