package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// clients takes the marks of people, or of companies, off the list.
const clients = `
		WITH client AS (
			DELETE FROM dirty WHERE workspace_id = $1 AND kind = $2 AND (connection_id, external_id) IN (
				SELECT connection_id, external_id FROM dirty WHERE workspace_id = $1 AND kind = $2 FOR UPDATE SKIP LOCKED)
			RETURNING connection_id, external_id)
		INSERT INTO dirty (workspace_id, connection_id, kind, external_id)
		SELECT $1, c.connection_id, s.kind, s.external_id FROM client c CROSS JOIN LATERAL (`

// SpreadPeople makes each deal and lead dirty that is about people who have
// changed.
func SpreadPeople(ctx context.Context, tx pgx.Tx, workspace int64) error {
	_, err := tx.Exec(ctx, clients+`
			SELECT 'deals' AS kind, external_id FROM deals WHERE (workspace_id, connection_id, person_id) = ($1, c.connection_id, c.external_id)
			UNION ALL SELECT 'leads', external_id FROM leads WHERE (workspace_id, connection_id, person_id) = ($1, c.connection_id, c.external_id) OFFSET 0) s
		ORDER BY 2, 3, 4 ON CONFLICT DO NOTHING`, workspace, "people")
	return err
}

// SpreadCompanies makes each deal and lead dirty that is about companies that
// have changed.
func SpreadCompanies(ctx context.Context, tx pgx.Tx, workspace int64) error {
	_, err := tx.Exec(ctx, clients+`
			SELECT 'deals' AS kind, external_id FROM deals WHERE (workspace_id, connection_id, company_id) = ($1, c.connection_id, c.external_id)
			UNION ALL SELECT 'leads', external_id FROM leads WHERE (workspace_id, connection_id, company_id) = ($1, c.connection_id, c.external_id) OFFSET 0) s
		ORDER BY 2, 3, 4 ON CONFLICT DO NOTHING`, workspace, "companies")
	return err
}

// DropDirty takes the marks of a kind off the list on which nothing depends.
func DropDirty(ctx context.Context, tx pgx.Tx, workspace int64, kind string) error {
	_, err := tx.Exec(ctx, `
		DELETE FROM dirty WHERE workspace_id = $1 AND kind = $2 AND (connection_id, external_id) IN (
			SELECT connection_id, external_id FROM dirty WHERE workspace_id = $1 AND kind = $2 FOR UPDATE SKIP LOCKED)`, workspace, kind)
	return err
}
