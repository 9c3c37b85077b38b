package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// RollOut says since when the books in force have had a rule in a mode.
type RollOut struct {
	Rule  string
	Mode  string // tell, task or revert
	Since time.Time
}

// KeepRollOuts makes the given rules and modes those of the book that is put in
// force now: what the books before had as well stays since when it was, and what
// this one no longer has is forgotten.
func KeepRollOuts(ctx context.Context, tx pgx.Tx, workspace int64, rules, modes []string) error {
	if _, err := tx.Exec(ctx, `
		DELETE FROM rollouts r WHERE workspace_id = $1 AND NOT EXISTS (
			SELECT FROM unnest($2::text[], $3::text[]) AS e(rule, mode) WHERE (e.rule, e.mode) = (r.rule, r.mode))`, workspace, rules, modes); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO rollouts (workspace_id, rule, mode, since) SELECT $1, e.rule, e.mode, now()
		FROM unnest($2::text[], $3::text[]) AS e(rule, mode) ORDER BY 2, 3
		ON CONFLICT (workspace_id, rule, mode) DO NOTHING`, workspace, rules, modes)
	return err
}

// RollOuts lists since when each rule has been in which mode.
func RollOuts(ctx context.Context, tx pgx.Tx, workspace int64) ([]RollOut, error) {
	rows, err := tx.Query(ctx, `SELECT rule, mode, since FROM rollouts WHERE workspace_id = $1`, workspace)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[RollOut])
}
