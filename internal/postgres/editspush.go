package postgres

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"
)

// EditPlace is a place in the order in which edits have their turn: those of
// cards come last, whatever the quota is short of.
type EditPlace struct {
	Card bool
	ID   int64
}

// Place is where the edit stands in that order.
func (e *Edit) Place() EditPlace { return EditPlace{e.What == "card", e.ID} }

// WaitingEdits returns up to most edits of a connection that have their turn, or
// of which it is not known what became of them, after a place.
func WaitingEdits(ctx context.Context, tx pgx.Tx, workspace, connection int64, now time.Time, after EditPlace, most int) ([]Edit, error) {
	rows, err := tx.Query(ctx, `
		SELECT `+editColumns+` FROM edits
		WHERE (workspace_id, connection_id) = ($1, $2) AND state IN ('ready', 'sent') AND what <> 'setup'
			AND (not_before IS NULL OR not_before <= $3) AND (what = 'card', id) > ($4::bool, $5::bigint)
		ORDER BY what = 'card', id LIMIT $6`, workspace, connection, now, after.Card, after.ID, most)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanEdit)
}

// EditsWait tells whether any edit of a connection with a number above after
// has its turn, or is to be looked at: 0 if none, else the highest number. Edits
// that may not be made wait for a person.
func EditsWait(ctx context.Context, tx pgx.Tx, workspace, connection int64, now time.Time, after int64) (last int64, err error) {
	err = tx.QueryRow(ctx, `
		SELECT GREATEST(
			(SELECT max(e.id) FROM edits e JOIN connections c ON (c.workspace_id, c.id) = (e.workspace_id, e.connection_id)
			 WHERE (e.workspace_id, e.connection_id) = ($1, $2) AND e.state IN ('ready', 'sent') AND e.what <> 'setup'
				AND (e.state = 'sent' OR c.writes = 'live') AND (e.not_before IS NULL OR e.not_before <= $3) AND e.id > $4),
			(SELECT max(id) FROM edits WHERE (workspace_id, connection_id) = ($1, $2) AND state = 'done' AND checked_at IS NULL AND id > $4), 0)`,
		workspace, connection, now, after).Scan(&last)
	return last, err
}

// IntendEdit writes down that the call of an edit is about to be made, and until
// when nobody needs to look for what became of it. It reports false if the edit is
// another by now, has come to its end, or turns out to have been made.
func IntendEdit(ctx context.Context, tx pgx.Tx, workspace int64, e *Edit, before map[string]json.RawMessage, now time.Time, until *time.Time) (bool, error) {
	tag, err := tx.Exec(ctx, `
		UPDATE edits SET state = 'sent', sent_at = $6, attempts = attempts + 1, before = $7, not_before = $9, ending = $10, why = ''
		WHERE (workspace_id, id) = ($1, $2) AND (state, wanted, attempts) = ($3, $4::jsonb, $5) AND target_id IS NOT DISTINCT FROM $8 AND echoed_at IS NULL`,
		workspace, e.ID, e.State, e.Wanted, e.Attempts, now, before, e.TargetID, until, e.Ending)
	return tag.RowsAffected() == 1, err
}

// DelayEdit notes when an edit is looked at again of which nobody knows what
// became of it, and why.
func DelayEdit(ctx context.Context, tx pgx.Tx, workspace, id int64, until time.Time, why string) error {
	_, err := tx.Exec(ctx, `UPDATE edits SET not_before = $3, why = $4 WHERE (workspace_id, id) = ($1, $2) AND state = 'sent'`, workspace, id, until, why)
	return err
}

// ReturnEdit has an edit wait for its turn again whose call has changed nothing,
// or was not made: then the attempt does not count.
func ReturnEdit(ctx context.Context, tx pgx.Tx, workspace, id int64, until *time.Time, why string, counts bool) error {
	_, err := tx.Exec(ctx, `
		UPDATE edits SET state = 'ready', echoed_at = NULL, not_before = $3, why = $4, attempts = attempts - CASE WHEN $5 THEN 0 ELSE 1 END
		WHERE (workspace_id, id) = ($1, $2) AND state = 'sent'`, workspace, id, until, why, counts)
	return err
}

// EndEdit brings an edit to its end without a receipt. It reports false if the
// edit is another by now, or has come to its end.
func EndEdit(ctx context.Context, tx pgx.Tx, workspace int64, e *Edit, state, why string, now time.Time) (bool, error) {
	tag, err := tx.Exec(ctx, `
		UPDATE edits SET state = $5, why = $6, done_at = $7, checked_at = CASE WHEN $5 = 'done' THEN $7::timestamptz END
		WHERE (workspace_id, id) = ($1, $2) AND (state, wanted) = ($3, $4::jsonb)`, workspace, e.ID, e.State, e.Wanted, state, why, now)
	return tag.RowsAffected() == 1, err
}

// Receipt is what a vendor's answer to an edit told.
type Receipt struct {
	TargetID string
	After    map[string]json.RawMessage
	Version  *time.Time // the vendor's time of change
	Checked  bool       // nothing is to be looked up of what it has replaced
	Why      string
}

// FinishEdit writes the receipt of an edit, and takes what was refused of the
// same kind off the list of failures. It reports false if it had one already.
func FinishEdit(ctx context.Context, tx pgx.Tx, workspace int64, e *Edit, r Receipt, now time.Time) (bool, error) {
	tag, err := tx.Exec(ctx, `
		UPDATE edits e SET state = 'done', done_at = $3, target_id = $4, after = $5, why = $7, not_before = NULL, checked_at = CASE WHEN $8 THEN $3::timestamptz END,
			version_at = COALESCE($6::timestamptz, (SELECT max(at) FROM changes c WHERE (c.workspace_id, c.connection_id, c.kind, c.external_id, c.edit_id) = ($1, e.connection_id, e.target_kind, $4, $2)))
		WHERE (workspace_id, id) = ($1, $2) AND state IN ('ready', 'sent')`, workspace, e.ID, now, r.TargetID, r.After, r.Version, r.Why, r.Checked)
	if err != nil || tag.RowsAffected() == 0 {
		return false, err
	}
	_, err = tx.Exec(ctx, `
		UPDATE failures SET resolved_at = now() WHERE (workspace_id, connection_id, kind) = ($1, $2, 'edit') AND resolved_at IS NULL AND external_id IN (
			SELECT id::text FROM edits WHERE (workspace_id, connection_id, kind, external_id, key) = ($1, $2, $3, $4, $5) AND state = 'refused')`,
		workspace, e.Subject.Connection, e.Subject.Kind, e.Subject.ID, e.Key)
	return true, err
}

// UncheckedEdits returns edits that are done and of which it has not been looked
// up what they have replaced.
func UncheckedEdits(ctx context.Context, tx pgx.Tx, workspace, connection int64, most int) ([]Edit, error) {
	rows, err := tx.Query(ctx, `
		SELECT `+editColumns+` FROM edits
		WHERE (workspace_id, connection_id) = ($1, $2) AND state = 'done' AND checked_at IS NULL ORDER BY id LIMIT $3`, workspace, connection, most)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanEdit)
}

// CheckEdit notes what an edit has written over, nil if nothing. It reports
// false if that had been noted before.
func CheckEdit(ctx context.Context, tx pgx.Tx, workspace, id int64, lost map[string]json.RawMessage, why string, now time.Time) (bool, error) {
	tag, err := tx.Exec(ctx, `
		UPDATE edits SET checked_at = $3, lost = $4, why = CASE WHEN $5 = '' THEN why ELSE $5 END
		WHERE (workspace_id, id) = ($1, $2) AND checked_at IS NULL`, workspace, id, now, lost, why)
	return tag.RowsAffected() == 1, err
}
