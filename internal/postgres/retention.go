package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// RetainBatch is how many rows one deletion takes at most.
const RetainBatch = 5000

// RetentionRule says how long rows of a table are kept.
type RetentionRule struct {
	Table string
	Keep  time.Duration
	where string // what may be deleted once older than $2
	key   string
}

// Retention lists the rules. Canonical rows, raw records and the audit are
// kept; changes go by whole months, see KeepPartitions. Leases are kept as well:
// a fence that began again at one could be that of a worker long suspended.
func Retention() []RetentionRule {
	const day = 24 * time.Hour
	return []RetentionRule{
		{"runs", 30 * day, "finished_at < $2", "workspace_id, id"},
		{"runs", day, "finished_at < $2 AND outcome = 'done' AND written = 0 AND deleted = 0", "workspace_id, id"},
		{"inbox", 30 * day, "done_at < $2", "workspace_id, id, at"},
		{"failures", 180 * day, "resolved_at < $2", "workspace_id, id"},
		{"proofs", 30 * day, "finished_at < $2 AND id NOT IN (SELECT q.id FROM proofs o, LATERAL (SELECT p.id FROM proofs p " +
			"WHERE (p.workspace_id, p.connection_id, p.object) = ($1, o.connection_id, o.object) ORDER BY p.id DESC LIMIT 5) q WHERE o.workspace_id = $1)", "workspace_id, id"},
		// Stored by a receiver that did not know yet that its connection was removed.
		{"inbox", time.Hour, "received_at < $2 AND done_at IS NULL AND NOT EXISTS (SELECT FROM connections c WHERE (c.workspace_id, c.id) = (inbox.workspace_id, inbox.connection_id))", "workspace_id, id, at"},
	}
}

// Delete removes one batch of old rows and returns how many.
func (r RetentionRule) Delete(ctx context.Context, tx pgx.Tx, workspace int64, now time.Time) (int64, error) {
	tag, err := tx.Exec(ctx, fmt.Sprintf(`
		DELETE FROM %[1]s WHERE (%[2]s) IN (SELECT %[2]s FROM %[1]s WHERE workspace_id = $1 AND %[3]s LIMIT %[4]d)`,
		r.Table, r.key, r.where, RetainBatch), workspace, now.Add(-r.Keep))
	if err != nil {
		return 0, fmt.Errorf("delete old %s: %w", r.Table, err)
	}
	return tag.RowsAffected(), nil
}

// keepChanges is how long changes are kept: two years and a month, so that a
// year can be compared with the year before.
const keepChanges = 25

// KeepPartitions makes the partitions of this and the next two months and
// drops months of changes and deliveries that are past their time.
func (db *DB) KeepPartitions(ctx context.Context) error {
	if _, err := db.pool.Exec(ctx, `SELECT ensure_partitions(2)`); err != nil {
		return fmt.Errorf("make partitions: %w", err)
	}
	for parent, months := range map[string]int{"changes": keepChanges, "inbox": 2} {
		if _, err := db.pool.Exec(ctx, `SELECT drop_partitions($1, make_interval(months => $2))`, parent, months); err != nil {
			return fmt.Errorf("drop old partitions of %s: %w", parent, err)
		}
	}
	return nil
}
