package postgres

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/sales"
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
	Note       string // HTML of the note that is made with its receipt; empty: none is
	Cause      EditCause
	Before     map[string]json.RawMessage // of a record that there is; nil: it makes a new one
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
	CheckedAt  *time.Time // when it was looked up what it has replaced
	Undoes     *int64
	// Ending is how a deal had ended that the edit opens again, or closes again when it
	// undoes that: what the vendor's own fields held, where the canonical ones do not
	// tell; nil elsewhere.
	Ending     map[string]string
	DeclinedBy *string // who cancelled it: it is not wanted again
}

// Makes tells whether an edit makes a new record.
func (e *Edit) Makes() bool { return e.Before == nil }

// EditCause is why an edit is wanted. It holds no value of a record.
type EditCause struct {
	Rule   string    `json:"rule,omitempty"`
	Detail string    `json:"detail,omitempty"`
	Opened time.Time `json:"opened,omitzero"`
	Book   int       `json:"book,omitempty"`
	Undoes string    `json:"undoes,omitempty"` // of a revert: stage ID, won, lost, deleted or archived
	Causes []string  `json:"causes,omitempty"` // of a task: the violations that it is about
}

const editColumns = `id, connection_id, kind, external_id, what, key, target_kind, target_id, wanted, note, cause, before, after, lost, state, why, mark,
	attempts, made_at, not_before, approved_at, approved_by, sent_at, done_at, version_at, echoed_at, checked_at, undoes, declined_by, ending`

func scanEdit(row pgx.CollectableRow) (e Edit, err error) {
	return e, row.Scan(&e.ID, &e.Subject.Connection, &e.Subject.Kind, &e.Subject.ID, &e.What, &e.Key, &e.TargetKind, &e.TargetID, &e.Wanted, &e.Note, &e.Cause,
		&e.Before, &e.After, &e.Lost, &e.State, &e.Why, &e.Mark, &e.Attempts, &e.MadeAt, &e.NotBefore, &e.ApprovedAt, &e.ApprovedBy, &e.SentAt, &e.DoneAt,
		&e.VersionAt, &e.EchoedAt, &e.CheckedAt, &e.Undoes, &e.DeclinedBy, &e.Ending)
}

// WantEdits stores edits that are wanted now, in the order of their subjects and
// keys. One of the same subject and key that is open and not on its way yet
// takes the new values; one that is on its way is left alone: once it has come to
// its end, what is wanted is worked out anew. What the vendor refused last, or a person
// cancelled, is not wanted again until a person has it tried again, or something else
// is wanted.
// Marks are made up here, and what fields hold now is noted, unless Before has it.
func WantEdits(ctx context.Context, tx pgx.Tx, workspace int64, list []Edit) error {
	var batch pgx.Batch
	for i := range list {
		e := &list[i]
		if err := e.noteBefore(ctx, tx, workspace); err != nil {
			return err
		}
		batch.Queue(`
			INSERT INTO edits AS t (workspace_id, connection_id, kind, external_id, what, key, target_kind, target_id, wanted, cause, state, why, not_before, undoes, note, before, approved_at, approved_by, ending, mark)
			SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, 'sb-' || substr(replace(gen_random_uuid()::text, '-', ''), 1, 16)
			WHERE NOT EXISTS (SELECT FROM (
				SELECT state, wanted, declined_by FROM edits WHERE (workspace_id, connection_id, kind, external_id, key) = ($1, $2, $3, $4, $6) ORDER BY id DESC LIMIT 1) last
				WHERE (state = 'refused' OR declined_by IS NOT NULL) AND wanted = $9)
			ON CONFLICT (workspace_id, connection_id, kind, external_id, key) WHERE state IN ('dry', 'asked', 'ready', 'sent') DO UPDATE SET
				what = excluded.what, target_kind = excluded.target_kind, target_id = excluded.target_id, wanted = excluded.wanted, cause = excluded.cause,
				note = excluded.note, before = excluded.before,
				state = CASE WHEN t.state = 'ready' OR t.approved_at IS NOT NULL AND excluded.state = 'asked' THEN 'ready' ELSE excluded.state END, why = excluded.why
			WHERE t.state <> 'sent' AND (t.wanted, t.cause, t.note, t.state) IS DISTINCT FROM (excluded.wanted, excluded.cause, excluded.note, excluded.state)`,
			workspace, e.Subject.Connection, e.Subject.Kind, e.Subject.ID, e.What, e.Key, e.TargetKind, e.TargetID, e.Wanted, e.Cause, e.State, e.Why, e.NotBefore, e.Undoes,
			e.Note, e.Before, e.ApprovedAt, e.ApprovedBy, e.Ending)
	}
	return tx.SendBatch(ctx, &batch).Close()
}

// noteBefore notes what the fields of a record hold that an edit is about.
func (e *Edit) noteBefore(ctx context.Context, tx pgx.Tx, workspace int64) error {
	k, ok := sales.KindByName(e.TargetKind)
	if e.TargetID == nil || e.Before != nil || !ok {
		return nil
	}
	held, err := HeldFields(ctx, tx, workspace, e.Subject.Connection, k, *e.TargetID, slices.Sorted(maps.Keys(e.Wanted)))
	e.Before = held.Fields
	return err
}

// Contents is what fields of a canonical row hold.
type Contents struct {
	Fields map[string]json.RawMessage // custom fields as custom.CODE; null where nothing stands
	Known  bool                       // there is such a row
	Gone   bool                       // it is a tombstone
}

// HeldFields returns what the named fields of a canonical row hold.
func HeldFields(ctx context.Context, tx pgx.Tx, workspace, connection int64, k *sales.Kind, id string, names []string) (Contents, error) {
	h := Contents{Fields: map[string]json.RawMessage{}}
	docs, err := documents(ctx, tx, k, `SELECT t.external_id, to_jsonb(t) FROM `+k.Name+` t
		WHERE (t.workspace_id, t.connection_id, t.external_id) = ($1, $2, $3)`, workspace, connection, id)
	if err != nil {
		return h, err
	}
	doc, custom := docs[id], document{}
	if h.Known = doc != nil; h.Known {
		h.Gone = string(doc["deleted_at"]) != "null"
		_ = json.Unmarshal(doc["custom"], &custom) // kinds without one have none
	}
	for _, name := range names {
		value := doc[name]
		if code, ok := strings.CutPrefix(name, "custom."); ok {
			value = custom[code]
		}
		if value == nil {
			value = json.RawMessage("null")
		}
		h.Fields[name] = value
	}
	return h, nil
}

// EditsAbout returns every edit about some deals or leads of a connection, the
// oldest first. Until the transaction ends they do not change: what is worked
// out from them is not wanted twice because one of them is done meanwhile.
func EditsAbout(ctx context.Context, tx pgx.Tx, workspace, connection int64, kind string, ids []string) ([]Edit, error) {
	rows, err := tx.Query(ctx, `
		SELECT e.* FROM unnest($4::text[]) AS w(id) CROSS JOIN LATERAL (
			SELECT `+editColumns+` FROM edits WHERE (workspace_id, connection_id, kind, external_id) = ($1, $2, $3, w.id) ORDER BY id OFFSET 0 FOR UPDATE) e
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
