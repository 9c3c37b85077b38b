package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// Workspace is a company whose sales department is looked after.
type Workspace struct {
	ID   int64
	Name string
	Zone string // IANA time zone
}

// CreateWorkspace makes a workspace, or returns the id of the one of that name.
func (db *DB) CreateWorkspace(ctx context.Context, name string) (int64, error) {
	var id int64
	err := db.pool.QueryRow(ctx, `SELECT create_workspace($1)`, name).Scan(&id)
	return id, err
}

// Workspaces lists all workspaces by id.
func (db *DB) Workspaces(ctx context.Context) ([]Workspace, error) {
	rows, err := db.pool.Query(ctx, `SELECT id, name, zone FROM list_workspaces()`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Workspace])
}

// WorkspaceByName returns the named workspace, or fault.NotFound.
func (db *DB) WorkspaceByName(ctx context.Context, name string) (Workspace, error) {
	rows, err := db.pool.Query(ctx, `SELECT id, name, zone FROM list_workspaces() WHERE name = $1`, name)
	if err != nil {
		return Workspace{}, err
	}
	w, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Workspace])
	return w, notFound(err, "there is no workspace %q", name)
}
