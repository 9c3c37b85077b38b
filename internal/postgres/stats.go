package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// ConnectionStat are one connection's figures for /metrics.
type ConnectionStat struct {
	Workspace, Connection, Vendor, State string
	Objects, Loaded                      int64
	LagSeconds                           *float64 // nil before the first complete pull
	Waiting, OpenFailures                int64
}

// ConnectionStats returns figures on every connection of the installation.
func (db *DB) ConnectionStats(ctx context.Context) ([]ConnectionStat, error) {
	rows, err := db.pool.Query(ctx, `
		SELECT workspace, connection, vendor, state, objects, loaded, extract(epoch FROM now() - oldest_as_of)::float8, waiting, open_failures
		FROM connection_stats()`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[ConnectionStat])
}
