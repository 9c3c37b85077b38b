package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// Counts are what a run has done so far.
type Counts struct {
	Pages, Seen, Written, Changed, Deleted, Quarantined int64
}

// Run is one pull, reception, replay or watch.
type Run struct {
	ID           int64
	ConnectionID int64
	Kind         string
	Object       string
	StartedAt    time.Time
	FinishedAt   *time.Time
	Outcome      string // running, done, or the name of a fault kind
	Counts
	Error string
}

// BeginRun opens a run and returns its id. The caller holds the lease, so one
// of the same kind that still seems to go on was cut off, and is closed.
func BeginRun(ctx context.Context, tx pgx.Tx, workspace, connection int64, kind, object string) (int64, error) {
	var id int64
	_, err := tx.Exec(ctx, `
		UPDATE runs SET finished_at = now(), outcome = 'interrupted'
		WHERE (workspace_id, connection_id, kind, object) = ($1, $2, $3, $4) AND finished_at IS NULL`, workspace, connection, kind, object)
	if err != nil {
		return 0, err
	}
	err = tx.QueryRow(ctx, `INSERT INTO runs (workspace_id, connection_id, kind, object) VALUES ($1, $2, $3, $4) RETURNING id`,
		workspace, connection, kind, object).Scan(&id)
	return id, err
}

// CountRun adds to a run's counters.
func CountRun(ctx context.Context, tx pgx.Tx, workspace, run int64, c Counts) error {
	_, err := tx.Exec(ctx, `
		UPDATE runs SET pages = pages + $3, seen = seen + $4, written = written + $5, changed = changed + $6, deleted = deleted + $7, quarantined = quarantined + $8
		WHERE (workspace_id, id) = ($1, $2)`, workspace, run, c.Pages, c.Seen, c.Written, c.Changed, c.Deleted, c.Quarantined)
	return err
}

// EndRun closes a run with its outcome: done, or the name of a fault kind.
func EndRun(ctx context.Context, tx pgx.Tx, workspace, run int64, outcome, text string) error {
	_, err := tx.Exec(ctx, `UPDATE runs SET finished_at = now(), outcome = $3, error = $4 WHERE (workspace_id, id) = ($1, $2)`, workspace, run, outcome, text)
	return err
}

// Runs lists the newest runs, of one connection or (0) of all, newest first,
// with ids below before (0: from the newest).
func Runs(ctx context.Context, tx pgx.Tx, workspace, connection, before int64, most int) ([]Run, error) {
	rows, err := tx.Query(ctx, `
		SELECT id, connection_id, kind, object, started_at, finished_at, outcome, pages, seen, written, changed, deleted, quarantined, error
		FROM runs WHERE workspace_id = $1 AND ($2 = 0 OR connection_id = $2) AND ($3 = 0 OR id < $3)
		ORDER BY id DESC LIMIT $4`, workspace, connection, before, most)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Run, error) {
		var r Run
		err := row.Scan(&r.ID, &r.ConnectionID, &r.Kind, &r.Object, &r.StartedAt, &r.FinishedAt, &r.Outcome,
			&r.Pages, &r.Seen, &r.Written, &r.Changed, &r.Deleted, &r.Quarantined, &r.Error)
		return r, err
	})
}
