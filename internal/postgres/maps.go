package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// FieldMap is the stored field map of a connection, as YAML texts.
type FieldMap struct{ Base, Override string }

// MapOf returns a connection's map; both texts are empty when none is stored.
func MapOf(ctx context.Context, tx pgx.Tx, workspace, connection int64) (FieldMap, error) {
	rows, err := tx.Query(ctx, `SELECT base, override FROM maps WHERE (workspace_id, connection_id) = ($1, $2)`, workspace, connection)
	if err != nil {
		return FieldMap{}, err
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[FieldMap])
	if err != nil || len(found) == 0 {
		return FieldMap{}, err
	}
	return found[0], nil
}

// SetMap stores a connection's map and raises the connection's version.
func SetMap(ctx context.Context, tx pgx.Tx, workspace, connection int64, m FieldMap, by string) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO maps (workspace_id, connection_id, base, override, updated_by) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (workspace_id, connection_id) DO UPDATE SET base = excluded.base, override = excluded.override, updated_by = excluded.updated_by, updated_at = now()`,
		workspace, connection, m.Base, m.Override, by)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE connections SET version = version + 1 WHERE (workspace_id, id) = ($1, $2)`, workspace, connection)
	return err
}

// FieldDefinition is one stored definition of a vendor's field.
type FieldDefinition struct {
	Kind    string // canonical kind the field belongs to
	Code    string
	Name    string
	Type    string
	Custom  bool
	Options []byte // JSON array of {id, label}, may be nil
	Deleted bool
}

// FieldDefinitions returns the connection's field dictionary, deleted fields
// included, ordered by kind and code.
func FieldDefinitions(ctx context.Context, tx pgx.Tx, workspace, connection int64) ([]FieldDefinition, error) {
	rows, err := tx.Query(ctx, `
		SELECT object, code, name, type, custom, options::text::bytea, deleted_at IS NOT NULL FROM fields
		WHERE (workspace_id, connection_id) = ($1, $2) ORDER BY object COLLATE "C", code COLLATE "C"`, workspace, connection)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[FieldDefinition])
}
