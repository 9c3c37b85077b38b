package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/fault"
)

// Sweep is how far the comparison of one object is.
type Sweep struct {
	Object    string
	Phase     string // walk, gather, confirm, stopped; see the table
	Cursor    string
	Seq       int64
	AsOf      time.Time
	Seen      int64
	Progress  float64
	Figures   map[string]*Figures // by object: the one walked and those that come with it
	Why       string
	StartedAt time.Time
	MovedAt   time.Time
}

const sweepColumns = `object, phase, cursor, seq, as_of, seen, progress, figures, why, started_at, moved_at`

// Sweeps returns the sweeps of a connection that are under way.
func Sweeps(ctx context.Context, tx pgx.Tx, workspace, connection int64) ([]Sweep, error) {
	rows, err := tx.Query(ctx, `SELECT `+sweepColumns+` FROM sweeps WHERE (workspace_id, connection_id) = ($1, $2) ORDER BY object`, workspace, connection)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Sweep])
}

// BeginSweep makes the place of a sweep that holds us to what had been pulled
// up to asOf. One that was under way is dropped.
func BeginSweep(ctx context.Context, tx pgx.Tx, workspace, connection int64, object string, asOf time.Time) (Sweep, error) {
	if err := DropSweep(ctx, tx, workspace, connection, object); err != nil {
		return Sweep{}, err
	}
	rows, err := tx.Query(ctx, `INSERT INTO sweeps (workspace_id, connection_id, object, as_of) VALUES ($1, $2, $3, $4) RETURNING `+sweepColumns,
		workspace, connection, object, asOf)
	if err != nil {
		return Sweep{}, err
	}
	return pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Sweep])
}

// DropSweep forgets a sweep and its ids.
func DropSweep(ctx context.Context, tx pgx.Tx, workspace, connection int64, object string) error {
	_, err := tx.Exec(ctx, `DELETE FROM sweeps WHERE (workspace_id, connection_id, object) = ($1, $2, $3)`, workspace, connection, object)
	return err
}

// MoveSweep brings a sweep on to s, which says how it shall stand, by one
// commit. A place that has been moved by somebody else is fault.Lost.
func MoveSweep(ctx context.Context, tx pgx.Tx, workspace, connection int64, s Sweep) error {
	tag, err := tx.Exec(ctx, `
		UPDATE sweeps SET phase = $5, cursor = $6, seq = seq + 1, seen = $7, progress = $8, figures = $9, why = $10, moved_at = now()
		WHERE (workspace_id, connection_id, object) = ($1, $2, $3) AND seq = $4`,
		workspace, connection, s.Object, s.Seq, s.Phase, s.Cursor, s.Seen, s.Progress, s.Figures, s.Why)
	if err == nil && tag.RowsAffected() == 0 {
		return fault.New(fault.Lost, "the sweep of %s was moved by another worker", s.Object)
	}
	return err
}

// NoteShown keeps the ids that a page was the first to show.
func NoteShown(ctx context.Context, tx pgx.Tx, workspace, connection int64, object string, seq int64, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `INSERT INTO sweep_ids (workspace_id, connection_id, object, part, seq, ids) VALUES ($1, $2, $3, 'shown', $4, $5)`,
		workspace, connection, object, seq, ids)
	return err
}

// EachShown calls f with every id that pages of the sweep have shown.
func EachShown(ctx context.Context, tx pgx.Tx, workspace, connection int64, object string, f func(id string)) error {
	rows, err := tx.Query(ctx, `SELECT ids FROM sweep_ids WHERE (workspace_id, connection_id, object, part) = ($1, $2, $3, 'shown')`, workspace, connection, object)
	if err != nil {
		return err
	}
	var ids []string
	_, err = pgx.ForEachRow(rows, []any{&ids}, func() error {
		for _, id := range ids {
			f(id)
		}
		return nil
	})
	return err
}

// GatherMissed lists, in chunks, the living records that were stored before
// the sweep began and that no page has shown, and tombstones that no page has
// shown under which records of the attached objects live still. It returns how
// many the former are, and of how many.
func GatherMissed(ctx context.Context, tx pgx.Tx, workspace, connection int64, s Sweep, attached []string, chunk int) (missed, known int64, err error) {
	_, err = tx.Exec(ctx, `
		INSERT INTO sweep_ids (workspace_id, connection_id, object, part, seq, ids)
		SELECT $1, $2, $3, 'missed', m.n / $5, array_agg(m.external_id ORDER BY m.external_id) FROM (
			SELECT external_id, row_number() OVER (ORDER BY external_id) - 1 AS n FROM (
				SELECT r.external_id FROM records r
				WHERE (r.workspace_id, r.connection_id, r.object) = ($1, $2, $3) AND r.first_seen_at < $4
				  AND (r.deleted_at IS NULL OR EXISTS (SELECT FROM records a
					WHERE (a.workspace_id, a.connection_id) = ($1, $2) AND a.object = ANY ($6) AND a.parent = r.external_id AND a.deleted_at IS NULL))
				EXCEPT -- never a nested loop, whatever the planner thinks of the number of ids
				SELECT unnest(i.ids) FROM sweep_ids i
				WHERE (i.workspace_id, i.connection_id, i.object, i.part) = ($1, $2, $3, 'shown')) d) m
		GROUP BY m.n / $5`, workspace, connection, s.Object, s.StartedAt, chunk, attached)
	if err != nil {
		return 0, 0, fmt.Errorf("look for %s that the vendor did not show: %w", s.Object, err)
	}
	err = tx.QueryRow(ctx, `
		SELECT (SELECT count(*) FROM sweep_ids i, unnest(i.ids) m(id) JOIN records r ON (r.workspace_id, r.connection_id, r.object, r.external_id) = ($1, $2, $3, m.id)
			WHERE (i.workspace_id, i.connection_id, i.object, i.part) = ($1, $2, $3, 'missed') AND r.deleted_at IS NULL),
			(SELECT count(*) FROM records WHERE (workspace_id, connection_id, object) = ($1, $2, $3) AND deleted_at IS NULL AND first_seen_at < $4)`,
		workspace, connection, s.Object, s.StartedAt).Scan(&missed, &known)
	return missed, known, err
}

// NextMissed returns a chunk of what no page showed and that has not been
// asked for yet; no ids when there is none left.
func NextMissed(ctx context.Context, tx pgx.Tx, workspace, connection int64, object string) (seq int64, ids []string, err error) {
	rows, err := tx.Query(ctx, `
		SELECT seq, ids FROM sweep_ids WHERE (workspace_id, connection_id, object, part) = ($1, $2, $3, 'missed') ORDER BY seq LIMIT 1`,
		workspace, connection, object)
	if err != nil {
		return 0, nil, err
	}
	_, err = pgx.ForEachRow(rows, []any{&seq, &ids}, func() error { return nil })
	return seq, ids, err
}

// SettleMissed takes a chunk off the list: it has been asked for.
func SettleMissed(ctx context.Context, tx pgx.Tx, workspace, connection int64, object string, seq int64) error {
	_, err := tx.Exec(ctx, `DELETE FROM sweep_ids WHERE (workspace_id, connection_id, object, part, seq) = ($1, $2, $3, 'missed', $4)`, workspace, connection, object, seq)
	return err
}
