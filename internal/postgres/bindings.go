package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// Binding is what a name in a version of the book meant in a CRM when it was put
// in force.
type Binding struct {
	Connection int64
	Kind       string
	Ref        string
	ID         string
	Written    string
	Name       string
}

// AddBindings stores what the names of a version mean.
func AddBindings(ctx context.Context, tx pgx.Tx, workspace int64, version int, list []Binding) error {
	n := len(list)
	connection, kind, ref, id, written, name := make([]int64, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	for i, b := range list {
		connection[i], kind[i], ref[i], id[i], written[i], name[i] = b.Connection, b.Kind, b.Ref, b.ID, b.Written, b.Name
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO book_bindings (workspace_id, book, connection_id, kind, ref, external_id, written, name)
		SELECT $1, $2, e.connection, e.kind, e.ref, e.id, e.written, e.name
		FROM unnest($3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[]) AS e(connection, kind, ref, id, written, name)
		ON CONFLICT DO NOTHING`, workspace, version, connection, kind, ref, id, written, name)
	return err
}

// BindingsOf returns what the names of a version meant when it was put in force.
func BindingsOf(ctx context.Context, tx pgx.Tx, workspace int64, version int) ([]Binding, error) {
	rows, err := tx.Query(ctx, `
		SELECT connection_id, kind, ref, external_id, written, name FROM book_bindings WHERE (workspace_id, book) = ($1, $2)
		ORDER BY connection_id, kind, ref, external_id`, workspace, version)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Binding])
}
