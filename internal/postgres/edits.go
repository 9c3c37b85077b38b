package postgres

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"
)

// Edit is a change that salesbook wants of a CRM, or has made.
type Edit struct {
	ID         int64
	Subject    SubjectKey // what it is about; Kind empty: the set-up of the CRM
	What       string     // card, task, activity, revert, note, restore, undo or setup
	Key        string     // only one edit of a subject and key is open
	TargetKind string
	TargetID   *string // nil: a new record, not made yet
	Wanted     map[string]json.RawMessage
	Cause      EditCause
	Before     map[string]json.RawMessage
	After      map[string]json.RawMessage
	Lost       map[string]json.RawMessage // what a person had set and we wrote over
	State      string
	Why        string
	Mark       string
	Attempts   int
	MadeAt     time.Time
	NotBefore  *time.Time
	ApprovedAt *time.Time
	ApprovedBy *string
	SentAt     *time.Time
	DoneAt     *time.Time
	VersionAt  *time.Time
	EchoedAt   *time.Time
	Undoes     *int64
}

// EditCause is why an edit is wanted. It holds no value of a record.
type EditCause struct {
	Rule   string    `json:"rule,omitempty"`
	Detail string    `json:"detail,omitempty"`
	Opened time.Time `json:"opened,omitzero"`
	Book   int       `json:"book,omitempty"`
	Undoes string    `json:"undoes,omitempty"` // of a revert: stage ID, won, lost, deleted or archived
	Causes []string  `json:"causes,omitempty"` // of a task: the violations that it is about
}

const editColumns = `id, connection_id, kind, external_id, what, key, target_kind, target_id, wanted, cause, before, after, lost, state, why, mark,
	attempts, made_at, not_before, approved_at, approved_by, sent_at, done_at, version_at, echoed_at, undoes`

func scanEdit(row pgx.CollectableRow) (e Edit, err error) {
	return e, row.Scan(&e.ID, &e.Subject.Connection, &e.Subject.Kind, &e.Subject.ID, &e.What, &e.Key, &e.TargetKind, &e.TargetID, &e.Wanted, &e.Cause,
		&e.Before, &e.After, &e.Lost, &e.State, &e.Why, &e.Mark, &e.Attempts, &e.MadeAt, &e.NotBefore, &e.ApprovedAt, &e.ApprovedBy, &e.SentAt, &e.DoneAt,
		&e.VersionAt, &e.EchoedAt, &e.Undoes)
}

// WantEdits stores edits that are wanted now, in the order of their subjects and
// keys. One of the same subject and key that is open and not on its way yet
// takes the new values; one that is on its way is left alone: once it has come to
// its end, what is wanted is worked out anew. Mark is made up here.
func WantEdits(ctx context.Context, tx pgx.Tx, workspace int64, list []Edit) error {
	for i := range list {
		e := &list[i]
		_, err := tx.Exec(ctx, `
			INSERT INTO edits AS t (workspace_id, connection_id, kind, external_id, what, key, target_kind, target_id, wanted, cause, state, why, not_before, undoes, mark)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 'sb-' || substr(replace(gen_random_uuid()::text, '-', ''), 1, 16))
			ON CONFLICT (workspace_id, connection_id, kind, external_id, key) WHERE state IN ('dry', 'asked', 'ready', 'sent') DO UPDATE SET
				what = excluded.what, target_kind = excluded.target_kind, target_id = excluded.target_id, wanted = excluded.wanted, cause = excluded.cause,
				state = CASE WHEN t.state = 'ready' OR t.approved_at IS NOT NULL AND excluded.state = 'asked' THEN 'ready' ELSE excluded.state END, why = excluded.why
			WHERE t.state <> 'sent' AND (t.wanted, t.cause, t.state) IS DISTINCT FROM (excluded.wanted, excluded.cause, excluded.state)`,
			workspace, e.Subject.Connection, e.Subject.Kind, e.Subject.ID, e.What, e.Key, e.TargetKind, e.TargetID, e.Wanted, e.Cause, e.State, e.Why, e.NotBefore, e.Undoes)
		if err != nil {
			return err
		}
	}
	return nil
}

// EditsAbout returns every edit about some deals or leads of a connection, the
// oldest first.
func EditsAbout(ctx context.Context, tx pgx.Tx, workspace, connection int64, kind string, ids []string) ([]Edit, error) {
	rows, err := tx.Query(ctx, `
		SELECT e.* FROM unnest($4::text[]) AS w(id) CROSS JOIN LATERAL (
			SELECT `+editColumns+` FROM edits WHERE (workspace_id, connection_id, kind, external_id) = ($1, $2, $3, w.id) OFFSET 0) e
		ORDER BY e.id`, workspace, connection, kind, ids)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanEdit)
}

// UnwantEdits cancels open edits that are not on their way yet.
func UnwantEdits(ctx context.Context, tx pgx.Tx, workspace int64, ids []int64, why string) error {
	_, err := tx.Exec(ctx, `
		UPDATE edits SET state = 'cancelled', why = $3, done_at = now()
		WHERE workspace_id = $1 AND id = ANY($2) AND state IN ('dry', 'asked', 'ready')`, workspace, ids, why)
	return err
}
