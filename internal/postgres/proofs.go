package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Proof is what a sweep of one object found, once it was complete.
type Proof struct {
	Object     string
	AsOf       time.Time // the vendor's instant that it speaks of
	StartedAt  time.Time
	FinishedAt time.Time
	Figures    Figures
}

// Proofs returns the last proof of each object of a connection, by object.
func Proofs(ctx context.Context, tx pgx.Tx, workspace, connection int64) (map[string]Proof, error) {
	rows, err := tx.Query(ctx, `
		SELECT DISTINCT ON (object) object, as_of, started_at, finished_at, figures FROM proofs
		WHERE (workspace_id, connection_id) = ($1, $2) ORDER BY object, id DESC`, workspace, connection)
	if err != nil {
		return nil, err
	}
	proofs, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Proof])
	if err != nil {
		return nil, fmt.Errorf("read proofs: %w", err)
	}
	out := make(map[string]Proof, len(proofs))
	for _, p := range proofs {
		out[p.Object] = p
	}
	return out, nil
}

// CloseSweep writes the proofs of a sweep that is complete and forgets its place.
func CloseSweep(ctx context.Context, tx pgx.Tx, workspace, connection int64, s Sweep) error {
	for object, f := range s.Figures {
		_, err := tx.Exec(ctx, `
			INSERT INTO proofs (workspace_id, connection_id, object, as_of, started_at, found, unrepaired, figures) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			workspace, connection, object, s.AsOf, s.StartedAt, f.Drift(), f.Unrepaired, f)
		if err != nil {
			return fmt.Errorf("write the proof of %s: %w", object, err)
		}
	}
	return DropSweep(ctx, tx, workspace, connection, s.Object)
}

// EnsureStatistics gathers statistics of tables that have none yet. After a
// first load the planner would otherwise read a whole table for each page that
// is compared, until autovacuum comes by.
func (db *DB) EnsureStatistics(ctx context.Context) error {
	_, err := db.pool.Exec(ctx, `SELECT ensure_statistics()`)
	if err != nil {
		return fmt.Errorf("gather statistics: %w", err)
	}
	return nil
}

// ProofStat is the last proof of one object for /metrics.
type ProofStat struct {
	Workspace, Connection, Vendor, Object string
	Every                                 time.Duration // planned interval; 0: none is planned
	AsOf                                  *time.Time    // nil: no proof yet
	Found, Unrepaired                     int64
}

// ProofStats returns the last proof of each object of every connection.
func (db *DB) ProofStats(ctx context.Context) ([]ProofStat, error) {
	rows, err := db.pool.Query(ctx, `
		SELECT workspace, connection, vendor, object, COALESCE(every, interval '0'), as_of, COALESCE(found, 0), COALESCE(unrepaired, 0)
		FROM proof_stats() ORDER BY workspace, connection, object`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[ProofStat])
}
