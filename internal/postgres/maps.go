package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/fault"
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

// AdoptMap makes version the number of the map that rows are to be mapped with.
// Whoever still maps with another one is refused by HoldMap from now on.
func AdoptMap(ctx context.Context, tx pgx.Tx, workspace, connection, version int64) error {
	_, err := tx.Exec(ctx, `UPDATE maps SET version = $3 WHERE (workspace_id, connection_id) = ($1, $2) AND version <> $3`, workspace, connection, version)
	return err
}

// HoldMap checks that rows are still to be mapped with this map, and keeps it
// so until the transaction ends; fault.Conflict if not.
func HoldMap(ctx context.Context, tx pgx.Tx, workspace, connection, version int64) error {
	tag, err := tx.Exec(ctx, `SELECT FROM maps WHERE (workspace_id, connection_id) = ($1, $2) AND version = $3 FOR SHARE`, workspace, connection, version)
	if err == nil && tag.RowsAffected() == 0 {
		return fault.New(fault.Conflict, "the field map or the field definitions were changed meanwhile; it goes on with the new ones")
	}
	return err
}

// MarkReplayed notes that all rows have been mapped with this map.
func MarkReplayed(ctx context.Context, tx pgx.Tx, workspace, connection, version int64) error {
	_, err := tx.Exec(ctx, `UPDATE maps SET replayed = $3 WHERE (workspace_id, connection_id) = ($1, $2)`, workspace, connection, version)
	return err
}

// Replayed tells whether all rows have been mapped with this map.
func Replayed(ctx context.Context, tx pgx.Tx, workspace, connection, version int64) (done bool, err error) {
	err = tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM maps WHERE (workspace_id, connection_id) = ($1, $2) AND replayed = $3)`, workspace, connection, version).Scan(&done)
	return done, err
}

// ReplayDue tells whether rows may have been mapped with another map than they
// are to be, and nobody is at it. fresh: no rows have ever been all mapped.
func ReplayDue(ctx context.Context, tx pgx.Tx, workspace, connection int64) (due, fresh bool, err error) {
	err = tx.QueryRow(ctx, `
		SELECT m.replayed <> m.version AND NOT EXISTS (
				SELECT FROM leases l WHERE (l.workspace_id, l.kind, l.subject) = ($1, 'replay', $2::bigint::text) AND l.until > now()),
			m.replayed = 0
		FROM maps m WHERE (m.workspace_id, m.connection_id) = ($1, $2)`, workspace, connection).Scan(&due, &fresh)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, false, nil
	}
	return due, fresh, err
}

// FieldOptions returns the stored options of field definitions by id.
func FieldOptions(ctx context.Context, tx pgx.Tx, workspace, connection int64, ids []string) (map[string][]byte, error) {
	rows, err := tx.Query(ctx, `
		SELECT external_id, options::text::bytea FROM fields
		WHERE (workspace_id, connection_id) = ($1, $2) AND external_id = ANY($3) AND options IS NOT NULL`, workspace, connection, ids)
	if err != nil {
		return nil, err
	}
	out := map[string][]byte{}
	var id string
	var options []byte
	_, err = pgx.ForEachRow(rows, []any{&id, &options}, func() error { out[id], options = options, nil; return nil })
	return out, err
}

// FieldDefinition is one stored definition of a vendor's field.
type FieldDefinition struct {
	Kind    string // canonical kind the field belongs to
	Code    string
	Name    string
	Type    string
	Custom  bool
	Options []byte // JSON array of {id, label, deleted, ends, was}, may be nil
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
