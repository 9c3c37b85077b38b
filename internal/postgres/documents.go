package postgres

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/sales"
)

// Document is a canonical row as JSON, keyed by column.
type Document struct {
	ID      string
	Deleted bool
	JSON    json.RawMessage
}

// Documents returns up to most canonical rows of a kind, tombstones included,
// with ids after the given one, in the order of ids (C collation).
func Documents(ctx context.Context, tx pgx.Tx, workspace, connection int64, k *sales.Kind, after string, most int) ([]Document, error) {
	rows, err := tx.Query(ctx, `
		SELECT t.external_id, t.deleted_at IS NOT NULL, to_jsonb(t) FROM `+k.Name+` t
		WHERE (t.workspace_id, t.connection_id) = ($1, $2) AND t.external_id > $3 ORDER BY t.external_id LIMIT $4`,
		workspace, connection, after, most)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Document])
}
