package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// SpreadDirty makes each deal and lead of connections dirty that are marked as a
// whole. A mark that somebody is about to renew is left for the next time.
func SpreadDirty(ctx context.Context, tx pgx.Tx, workspace int64) error {
	_, err := tx.Exec(ctx, `
		WITH whole AS (
			DELETE FROM dirty WHERE workspace_id = $1 AND kind = 'connections' AND (connection_id, external_id) IN (
				SELECT connection_id, external_id FROM dirty WHERE workspace_id = $1 AND kind = 'connections' FOR UPDATE SKIP LOCKED)
			RETURNING connection_id)
		INSERT INTO dirty (workspace_id, connection_id, kind, external_id)
		SELECT $1, connection_id, kind, external_id FROM (
			SELECT d.connection_id, 'deals' AS kind, d.external_id FROM deals d JOIN whole w USING (connection_id) WHERE d.workspace_id = $1
			UNION ALL SELECT l.connection_id, 'leads', l.external_id FROM leads l JOIN whole w USING (connection_id) WHERE l.workspace_id = $1) s
		ORDER BY 2, 3, 4 ON CONFLICT DO NOTHING`, workspace)
	return err
}

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

// Ground is what a book is compiled on. If it is another, so is what was
// compiled.
type Ground struct {
	Version int        // of the book in force; 0: none is
	Changed *time.Time // when a pipeline or stage last did
	Stages  int64
}

// GroundOf reads the ground of a workspace.
func GroundOf(ctx context.Context, tx pgx.Tx, workspace int64) (g Ground, err error) {
	err = tx.QueryRow(ctx, `
		SELECT (SELECT COALESCE(max(version), 0) FROM books WHERE workspace_id = $1), max(changed_at), count(*)
		FROM (SELECT changed_at FROM pipelines WHERE workspace_id = $1 UNION ALL SELECT changed_at FROM stages WHERE workspace_id = $1) c`, workspace).
		Scan(&g.Version, &g.Changed, &g.Stages)
	return g, err
}

// Same tells whether it is the same ground.
func (g Ground) Same(o Ground) bool {
	same := g.Changed == o.Changed || g.Changed != nil && o.Changed != nil && g.Changed.Equal(*o.Changed)
	return same && g.Version == o.Version && g.Stages == o.Stages
}
