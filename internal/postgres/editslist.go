package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// EditFilter narrows a list of edits; zero fields do not.
type EditFilter struct {
	Connection int64
	States     []string
	What       string
	Deal, Lead string // external id
	Since      time.Time
	Before     int64 // only lower numbers
	Most       int
}

// Edits lists edits, the newest first.
func Edits(ctx context.Context, tx pgx.Tx, workspace int64, f EditFilter) ([]Edit, error) {
	kind, id := "", ""
	switch {
	case f.Deal != "":
		kind, id = "deals", f.Deal
	case f.Lead != "":
		kind, id = "leads", f.Lead
	}
	rows, err := tx.Query(ctx, `
		SELECT `+editColumns+` FROM edits
		WHERE workspace_id = $1 AND ($2::bigint = 0 OR connection_id = $2) AND ($3::text[] IS NULL OR state = ANY($3)) AND ($4::text = '' OR what = $4)
			AND ($5::text = '' OR (kind, external_id) = ($5, $6::text)) AND made_at >= $7 AND ($8::bigint = 0 OR id < $8)
		ORDER BY id DESC LIMIT $9`, workspace, f.Connection, f.States, f.What, kind, id, f.Since, f.Before, f.Most)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanEdit)
}

// EditByID returns an edit, or fault.NotFound.
func EditByID(ctx context.Context, tx pgx.Tx, workspace, id int64) (Edit, error) {
	rows, err := tx.Query(ctx, `SELECT `+editColumns+` FROM edits WHERE (workspace_id, id) = ($1, $2)`, workspace, id)
	if err != nil {
		return Edit{}, err
	}
	e, err := pgx.CollectExactlyOneRow(rows, scanEdit)
	return e, notFound(err, "there is no edit %d; `salesbook edits list` shows what there is", id)
}

// ApproveEdit lets an edit have its turn that waits for somebody to agree. It
// reports false if it does not wait for that.
func ApproveEdit(ctx context.Context, tx pgx.Tx, workspace, id int64, by string, now time.Time) (bool, error) {
	tag, err := tx.Exec(ctx, `
		UPDATE edits SET state = 'ready', approved_at = $3, approved_by = $4 WHERE (workspace_id, id) = ($1, $2) AND state = 'asked'`, workspace, id, now, by)
	return tag.RowsAffected() == 1, err
}

// CancelEdit cancels an edit that is not on its way yet. It reports false if it
// is, or has come to its end.
func CancelEdit(ctx context.Context, tx pgx.Tx, workspace, id int64, by string, now time.Time) (bool, error) {
	tag, err := tx.Exec(ctx, `
		UPDATE edits SET state = 'cancelled', why = 'cancelled by ' || $3, declined_by = $3, done_at = $4 WHERE (workspace_id, id) = ($1, $2) AND state IN ('dry', 'asked', 'ready')`, workspace, id, by, now)
	return tag.RowsAffected() == 1, err
}

// RetryEdit lets an edit have its turn again that the vendor has refused. A new
// record may have been made all the same, so it is looked for first. It reports
// false if the edit was not refused, or another one of its key is open.
func RetryEdit(ctx context.Context, tx pgx.Tx, workspace, id int64) (bool, error) {
	tag, err := tx.Exec(ctx, `
		UPDATE edits e SET state = CASE WHEN before IS NULL AND target_id IS NULL AND sent_at IS NOT NULL THEN 'sent' ELSE 'ready' END, after = NULL, echoed_at = NULL, why = '', attempts = 0, not_before = NULL, done_at = NULL
		WHERE (workspace_id, id) = ($1, $2) AND state = 'refused' AND NOT EXISTS (
			SELECT FROM edits o WHERE (o.workspace_id, o.connection_id, o.kind, o.external_id, o.key) = (e.workspace_id, e.connection_id, e.kind, e.external_id, e.key)
				AND o.state IN ('dry', 'asked', 'ready', 'sent'))`, workspace, id)
	return tag.RowsAffected() == 1, err
}

// EndDryRun cancels what was only shown of a connection, and has all of it
// judged anew, so that what is wanted now is wanted in earnest.
func EndDryRun(ctx context.Context, tx pgx.Tx, workspace, connection int64, why string, now time.Time) (int64, error) {
	tag, err := tx.Exec(ctx, `
		UPDATE edits SET state = 'cancelled', why = $3, done_at = $4 WHERE (workspace_id, connection_id) = ($1, $2) AND state = 'dry'`, workspace, connection, why, now)
	return tag.RowsAffected(), err
}

// BeginDryRun has what waits of a connection only be shown.
func BeginDryRun(ctx context.Context, tx pgx.Tx, workspace, connection int64) (int64, error) {
	tag, err := tx.Exec(ctx, `UPDATE edits SET state = 'dry' WHERE (workspace_id, connection_id) = ($1, $2) AND state IN ('asked', 'ready')`, workspace, connection)
	return tag.RowsAffected(), err
}

// OpenEdits counts the edits of a connection that have not come to their end, by
// state, and those that the vendor refused and nobody has dealt with.
func OpenEdits(ctx context.Context, tx pgx.Tx, workspace, connection int64) (map[string]int64, error) {
	rows, err := tx.Query(ctx, `
		SELECT state, count(*) FROM edits WHERE (workspace_id, connection_id) = ($1, $2) AND state IN ('dry', 'asked', 'ready', 'sent') GROUP BY state
		UNION ALL SELECT 'refused', count(*) FROM failures WHERE (workspace_id, connection_id, kind) = ($1, $2, 'edit') AND resolved_at IS NULL`, workspace, connection)
	if err != nil {
		return nil, err
	}
	counts := map[string]int64{}
	var state string
	var n int64
	_, err = pgx.ForEachRow(rows, []any{&state, &n}, func() error {
		counts[state] = n
		return nil
	})
	return counts, err
}

// EditPassages returns what edits with numbers after the given one hold of their
// records, as a JSON array, see Passage.
func EditPassages(ctx context.Context, tx pgx.Tx, workspace, connection, after int64, most int) ([]Passage, error) {
	return passages(tx.Query(ctx, `
		SELECT id, made_at, kind, external_id, convert_to(jsonb_build_array(wanted, before, after, lost, note, why)::text, 'UTF8'), '' FROM edits
		WHERE (workspace_id, connection_id) = ($1, $2) AND id > $3 ORDER BY id LIMIT $4`, workspace, connection, after, most))
}

// RewriteEdits gives edits other contents, in the form of EditPassages.
func RewriteEdits(ctx context.Context, tx pgx.Tx, workspace int64, list []Passage) error {
	keys, _, texts, _ := split(list)
	_, err := tx.Exec(ctx, `
		UPDATE edits t SET wanted = e.has->0, before = NULLIF(e.has->1, 'null'), after = NULLIF(e.has->2, 'null'), lost = NULLIF(e.has->3, 'null'), note = e.has->>4, why = e.has->>5
		FROM (SELECT u.id, u.t::jsonb AS has FROM unnest($2::bigint[], $3::text[]) AS u(id, t)) e WHERE (t.workspace_id, t.id) = ($1, e.id)`, workspace, keys, texts)
	return err
}
