package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// Audit writes down who changed what. Details hold no secret.
func Audit(ctx context.Context, tx pgx.Tx, workspace int64, actor, action, subject string, details map[string]any) error {
	if details == nil {
		details = map[string]any{}
	}
	_, err := tx.Exec(ctx, `INSERT INTO audit (workspace_id, actor, action, subject, details) VALUES ($1, $2, $3, $4, $5)`,
		workspace, actor, action, subject, details)
	return err
}
