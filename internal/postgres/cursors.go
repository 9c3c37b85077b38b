package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/fault"
)

// Place is how far one object of a connection has been pulled.
type Place struct {
	Object    string
	Cursor    string
	Seq       int64
	Progress  float64 // of the first walk, 0 to 1; negative when unknown
	Seen      int64
	StartedAt time.Time
	MovedAt   time.Time
	LoadedAt  *time.Time // when the first walk was complete
	AsOf      *time.Time // the vendor's instant up to which everything has been pulled
}

const placeColumns = `object, cursor, seq, progress, seen, started_at, moved_at, loaded_at, as_of`

// PlaceOf returns the place of an object, made at its beginning if need be.
func PlaceOf(ctx context.Context, tx pgx.Tx, workspace, connection int64, object string) (Place, error) {
	_, err := tx.Exec(ctx, `INSERT INTO cursors (workspace_id, connection_id, object) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, workspace, connection, object)
	if err != nil {
		return Place{}, err
	}
	rows, err := tx.Query(ctx, `SELECT `+placeColumns+` FROM cursors WHERE (workspace_id, connection_id, object) = ($1, $2, $3)`, workspace, connection, object)
	if err != nil {
		return Place{}, err
	}
	return pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Place])
}

// Places returns the places of a connection's objects.
func Places(ctx context.Context, tx pgx.Tx, workspace, connection int64) ([]Place, error) {
	rows, err := tx.Query(ctx, `SELECT `+placeColumns+` FROM cursors WHERE (workspace_id, connection_id) = ($1, $2) ORDER BY object`, workspace, connection)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Place])
}

// Move is one step of a place.
type Move struct {
	Object   string
	From     int64 // the Seq it must stand at
	Cursor   string
	Seen     int
	Progress float64
	Done     bool      // the walk is complete
	AsOf     time.Time // only with Done
}

// MoveCursor advances a place by one page. A place that has been moved by
// somebody else is fault.Lost.
func MoveCursor(ctx context.Context, tx pgx.Tx, workspace, connection int64, m Move) error {
	tag, err := tx.Exec(ctx, `
		UPDATE cursors SET cursor = $5, seq = seq + 1, seen = seen + $6, moved_at = now(),
			progress = CASE WHEN $8 THEN 1 ELSE $7::real END,
			loaded_at = CASE WHEN $8 THEN COALESCE(loaded_at, now()) ELSE loaded_at END,
			as_of = CASE WHEN $8 THEN greatest(as_of, $9) ELSE as_of END
		WHERE (workspace_id, connection_id, object) = ($1, $2, $3) AND seq = $4`,
		workspace, connection, m.Object, m.From, m.Cursor, m.Seen, m.Progress, m.Done, nullTime(m.AsOf))
	if err == nil && tag.RowsAffected() == 0 {
		return fault.New(fault.Lost, "the cursor of %s was moved by another worker", m.Object)
	}
	return err
}

// ResetCursor sends an object back to its beginning: the next pull is a first
// walk again. What has been loaded stays.
func ResetCursor(ctx context.Context, tx pgx.Tx, workspace, connection int64, object string) error {
	_, err := tx.Exec(ctx, `
		UPDATE cursors SET cursor = '', seq = seq + 1, progress = -1, seen = 0, started_at = now(), moved_at = now()
		WHERE (workspace_id, connection_id, object) = ($1, $2, $3)`, workspace, connection, object)
	return err
}

func nullTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
