package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// Writing is how far edits of a connection may be made.
type Writing struct {
	Mode      string // dry, live or stopped
	Why       string // it was stopped
	By        string
	At        time.Time // since when; ceilings count from then on
	Hourly    int       // ceiling of edits in an hour
	Share     int       // ceiling of open deals, in percent, that are changed in a day by more than their card
	CardField *string   // the vendor's code of the card's field; nil: there is none
	Active    bool      // the connection is neither paused nor waits for consent
}

// Live tells whether edits may be made now.
func (w *Writing) Live() bool { return w.Mode == "live" && w.Active }

const writingColumns = `writes, writes_why, writes_by, writes_at, writes_hourly, writes_share, card_field, state = 'active'`

// WritingOf returns how far edits of a connection may be made.
func WritingOf(ctx context.Context, tx pgx.Tx, workspace, connection int64) (Writing, error) {
	rows, err := tx.Query(ctx, `SELECT `+writingColumns+` FROM connections WHERE (workspace_id, id) = ($1, $2)`, workspace, connection)
	return writing(connection, rows, err)
}

// HoldWriting is WritingOf for one who acts on it: until the transaction ends it
// does not change.
func HoldWriting(ctx context.Context, tx pgx.Tx, workspace, connection int64) (Writing, error) {
	rows, err := tx.Query(ctx, `SELECT `+writingColumns+` FROM connections WHERE (workspace_id, id) = ($1, $2) FOR SHARE`, workspace, connection)
	return writing(connection, rows, err)
}

func writing(connection int64, rows pgx.Rows, err error) (Writing, error) {
	if err != nil {
		return Writing{}, err
	}
	w, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Writing])
	return w, notFound(err, "the connection %d has been removed", connection)
}

// SetWriting changes how far edits of a connection may be made, if it is still
// as it was at an instant. The card's field stays.
func SetWriting(ctx context.Context, tx pgx.Tx, workspace, connection int64, w Writing, was time.Time) (bool, error) {
	tag, err := tx.Exec(ctx, `
		UPDATE connections SET writes = $3, writes_why = $4, writes_by = $5, writes_at = $6, writes_hourly = $7, writes_share = $8,
			live_at = CASE $3 WHEN 'dry' THEN NULL WHEN 'live' THEN COALESCE(live_at, $6) ELSE live_at END
		WHERE (workspace_id, id) = ($1, $2) AND writes_at = $9`, workspace, connection, w.Mode, w.Why, w.By, w.At, w.Hourly, w.Share, was)
	return tag.RowsAffected() == 1, err
}

// CountSent counts the edits of a connection whose call was made since an instant.
func CountSent(ctx context.Context, tx pgx.Tx, workspace, connection int64, since time.Time) (n int, err error) {
	err = tx.QueryRow(ctx, `SELECT count(*) FROM edits WHERE (workspace_id, connection_id) = ($1, $2) AND sent_at > $3`, workspace, connection, since).Scan(&n)
	return n, err
}

// WaveOf counts the deals of a connection that were changed since an instant, or
// are about to be, by more than their card and the end of our task, and the deals
// that are open.
func WaveOf(ctx context.Context, tx pgx.Tx, workspace, connection int64, since time.Time) (changed, open int, err error) {
	err = tx.QueryRow(ctx, `
		SELECT (SELECT count(DISTINCT external_id) FROM (
				SELECT external_id FROM edits WHERE (workspace_id, connection_id) = ($1, $2) AND state IN ('ready', 'sent') AND kind = 'deals' AND what NOT IN ('card', 'setup')
					AND COALESCE(wanted->>'done', '') <> 'true'
				UNION ALL SELECT external_id FROM edits WHERE (workspace_id, connection_id) = ($1, $2) AND sent_at > $3 AND kind = 'deals' AND what NOT IN ('card', 'setup')
					AND COALESCE(wanted->>'done', '') <> 'true') e),
			(SELECT count(*) FROM deals WHERE (workspace_id, connection_id) = ($1, $2) AND status = 'open' AND deleted_at IS NULL AND NOT archived)`,
		workspace, connection, since).Scan(&changed, &open)
	return changed, open, err
}
