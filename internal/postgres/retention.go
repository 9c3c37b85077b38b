package postgres

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/fault"
)

// RetainBatch is how many rows one deletion takes at most.
const RetainBatch = 5000

const day = 24 * time.Hour

// Kept is how long a company keeps something that grows.
type Kept struct {
	What    string
	Days    int
	Default int
	Least   int // fewer would break what needs it, see Why
	Why     string
}

// kept are the defaults. Canonical rows, raw records and the audit stay for
// ever, and so do the decisions of people by which verdicts are recomputed. Two
// years and a month of changes and violations let a year be compared with the
// one before.
func kept() []Kept {
	return []Kept{
		{What: "changes", Default: 760, Least: 31, Why: "the history of every record, which reports look back on"},
		{What: "deliveries", Default: 30, Least: 7, Why: "a vendor's repeat of a delivery is recognised by the first"},
		{What: "failures", Default: 180, Least: 1, Why: "after they were resolved"},
		{What: "notifications", Default: 400, Least: 62, Why: "what somebody was told already is not told again"},
		{What: "proofs", Default: 30, Least: 1, Why: "the last five of each object stay in any case"},
		{What: "runs", Default: 30, Least: 1, Why: "those without news go after a day"},
		{What: "violations", Default: 760, Least: 62, Why: "after they were mended or closed; the sheet of the month before counts them"},
	}
}

// Retentions returns how long a workspace keeps what.
func Retentions(ctx context.Context, tx pgx.Tx, workspace int64) ([]Kept, error) {
	rows, err := tx.Query(ctx, `SELECT what, keep_days FROM retention WHERE workspace_id = $1`, workspace)
	if err != nil {
		return nil, err
	}
	chosen := map[string]int{}
	var what string
	var days int
	if _, err := pgx.ForEachRow(rows, []any{&what, &days}, func() error { chosen[what] = days; return nil }); err != nil {
		return nil, fmt.Errorf("read retention: %w", err)
	}
	list := kept()
	for i := range list {
		list[i].Days = cmp.Or(chosen[list[i].What], list[i].Default)
	}
	return list, nil
}

// SetRetention changes how many days something is kept; 0 means the default.
func SetRetention(ctx context.Context, tx pgx.Tx, workspace int64, what string, days int) error {
	list := kept()
	i := slices.IndexFunc(list, func(k Kept) bool { return k.What == what })
	switch {
	case i < 0:
		names := make([]string, len(list))
		for i, k := range list {
			names[i] = k.What
		}
		return fault.New(fault.Invalid, "nothing is called %q; there are: %s", what, strings.Join(names, ", "))
	case days != 0 && days < list[i].Least:
		return fault.New(fault.Invalid, "%s: %d is too few days, %d is the least: %s", what, days, list[i].Least, list[i].Why)
	case days == 0:
		_, err := tx.Exec(ctx, `DELETE FROM retention WHERE (workspace_id, what) = ($1, $2)`, workspace, what)
		return err
	}
	_, err := tx.Exec(ctx, `INSERT INTO retention (workspace_id, what, keep_days) VALUES ($1, $2, $3)
		ON CONFLICT (workspace_id, what) DO UPDATE SET keep_days = excluded.keep_days`, workspace, what, days)
	return err
}

// RetentionRule says which rows of a table go when.
type RetentionRule struct {
	Table string
	what  string        // how long is for the company to choose; empty: keep
	keep  time.Duration // instead
	where string        // what may be deleted once older than $2
	key   string
}

// RetentionRules lists the rules. Leases are kept for ever: a fence that began
// again at one could be that of a worker long suspended.
func RetentionRules() []RetentionRule {
	return []RetentionRule{
		{"runs", "runs", 0, "finished_at < $2", "workspace_id, id"},
		{"runs", "", day, "finished_at < $2 AND outcome = 'done' AND written = 0 AND deleted = 0", "workspace_id, id"},
		{"inbox", "deliveries", 0, "done_at < $2", "workspace_id, id, at"},
		{"changes", "changes", 0, "seen_at < $2", "workspace_id, id, seen_at"},
		{"failures", "failures", 0, "resolved_at < $2", "workspace_id, id"},
		{"notifications", "notifications", 0, "COALESCE(done_at, made_at) < $2", "workspace_id, id"},
		{"messages", "notifications", 0, "COALESCE(done_at, made_at) < $2", "workspace_id, id"},
		{"proofs", "proofs", 0, "finished_at < $2 AND id NOT IN (SELECT q.id FROM proofs o, LATERAL (SELECT p.id FROM proofs p " +
			"WHERE (p.workspace_id, p.connection_id, p.object) = ($1, o.connection_id, o.object) ORDER BY p.id DESC LIMIT 5) q WHERE o.workspace_id = $1)", "workspace_id, id"},
		// One that the book still tells of as mended is written again when its deal is judged again, and goes again.
		{"violations", "violations", 0, "COALESCE(mended_at, closed_at) < $2", "workspace_id, id"},
		// Written by a worker that did not know yet that its connection was removed.
		{"violations", "", time.Hour, "noticed_at < $2 AND NOT EXISTS (SELECT FROM connections c WHERE (c.workspace_id, c.id) = (violations.workspace_id, violations.connection_id))", "workspace_id, id"},
		{"judgements", "", time.Hour, "judged_at < $2 AND NOT EXISTS (SELECT FROM connections c WHERE (c.workspace_id, c.id) = (judgements.workspace_id, judgements.connection_id))",
			"workspace_id, connection_id, kind, external_id"},
		// Stored by a receiver, likewise.
		{"inbox", "", time.Hour, "received_at < $2 AND done_at IS NULL AND NOT EXISTS (SELECT FROM connections c WHERE (c.workspace_id, c.id) = (inbox.workspace_id, inbox.connection_id))", "workspace_id, id, at"},
	}
}

// Delete removes one batch of old rows and returns how many.
func (r RetentionRule) Delete(ctx context.Context, tx pgx.Tx, workspace int64, chosen []Kept, now time.Time) (int64, error) {
	keep := r.keep
	for _, k := range chosen {
		if k.What == r.what {
			keep = time.Duration(k.Days) * day
		}
	}
	// The condition stands twice, so that no month is looked at that holds no such row.
	tag, err := tx.Exec(ctx, fmt.Sprintf(`
		DELETE FROM %[1]s WHERE workspace_id = $1 AND %[3]s AND (%[2]s) IN (SELECT %[2]s FROM %[1]s WHERE workspace_id = $1 AND %[3]s LIMIT %[4]d)`,
		r.Table, r.key, r.where, RetainBatch), workspace, now.Add(-keep))
	if err != nil {
		return 0, fmt.Errorf("delete old %s: %w", r.Table, err)
	}
	return tag.RowsAffected(), nil
}

// KeepPartitions makes the partitions of this and the next two months and
// drops months of changes and deliveries that no company keeps any longer.
func (db *DB) KeepPartitions(ctx context.Context) error {
	if _, err := db.pool.Exec(ctx, `SELECT ensure_partitions(2)`); err != nil {
		return fmt.Errorf("make partitions: %w", err)
	}
	tables := map[string]string{"changes": "changes", "deliveries": "inbox"}
	for _, k := range kept() {
		parent := tables[k.What]
		if parent == "" {
			continue
		}
		if _, err := db.pool.Exec(ctx, `SELECT drop_partitions($1, make_interval(days => longest_retention($2, $3)))`, parent, k.What, k.Default); err != nil {
			return fmt.Errorf("drop old partitions of %s: %w", parent, err)
		}
	}
	return nil
}
