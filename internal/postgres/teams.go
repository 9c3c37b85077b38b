package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// SetTeam makes a team, or gives the one of that name these reps of a connection.
func SetTeam(ctx context.Context, tx pgx.Tx, workspace, connection int64, name string, reps []string) error {
	var id int64
	err := tx.QueryRow(ctx, `
		INSERT INTO teams AS t (workspace_id, name) VALUES ($1, $2)
		ON CONFLICT (workspace_id, name) DO UPDATE SET name = t.name RETURNING id`, workspace, name).Scan(&id)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM team_reps WHERE (workspace_id, team_id, connection_id) = ($1, $2, $3)`, workspace, id, connection); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO team_reps (workspace_id, team_id, connection_id, rep_id) SELECT $1, $2, $3, e FROM unnest($4::text[]) e ON CONFLICT DO NOTHING`,
		workspace, id, connection, reps)
	return err
}
