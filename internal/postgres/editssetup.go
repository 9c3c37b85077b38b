package postgres

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/fault"
)

// IntendSetup writes down that a step that sets a CRM up is about to be made, and
// returns its number. One of the same key of which nobody knows what became of it
// is made again under its number. Where writing is stopped it is fault.Conflict.
func IntendSetup(ctx context.Context, tx pgx.Tx, workspace int64, e *Edit, now time.Time) error {
	var name, writes, why string
	err := tx.QueryRow(ctx, `SELECT name, writes, writes_why FROM connections WHERE (workspace_id, id) = ($1, $2) FOR SHARE`, workspace, e.Subject.Connection).Scan(&name, &writes, &why)
	switch {
	case err != nil:
		return notFound(err, "the connection %d has been removed", e.Subject.Connection)
	case writes == "stopped":
		return fault.New(fault.Conflict, "nothing is written to the CRM of %s: %s; `salesbook edits live %[1]s` or `edits dry %[1]s` ends that, then run it again", name, cmp.Or(why, "writing is stopped"))
	}
	return tx.QueryRow(ctx, `
		INSERT INTO edits AS t (workspace_id, connection_id, kind, external_id, what, key, target_kind, target_id, wanted, cause, before, state, attempts, sent_at, mark)
		VALUES ($1, $2, '', '', 'setup', $3, $4, $5, $6, $7, $8, 'sent', 1, $9, 'sb-' || substr(replace(gen_random_uuid()::text, '-', ''), 1, 16))
		ON CONFLICT (workspace_id, connection_id, kind, external_id, key) WHERE state IN ('dry', 'asked', 'ready', 'sent') DO UPDATE SET
			target_kind = excluded.target_kind, target_id = excluded.target_id, wanted = excluded.wanted, cause = excluded.cause, before = excluded.before,
			state = 'sent', attempts = t.attempts + 1, sent_at = excluded.sent_at, why = ''
		RETURNING id`, workspace, e.Subject.Connection, e.Key, e.TargetKind, e.TargetID, e.Wanted, e.Cause, e.Before, now).Scan(&e.ID)
}

// EndSetup writes down what became of a step: done, refused, or cancelled if
// nothing was changed.
func EndSetup(ctx context.Context, tx pgx.Tx, workspace int64, e *Edit, now time.Time) error {
	_, err := tx.Exec(ctx, `
		UPDATE edits SET state = $3, why = $4, target_id = $5, after = $6, done_at = $7, checked_at = $7
		WHERE (workspace_id, id) = ($1, $2) AND state = 'sent'`, workspace, e.ID, e.State, e.Why, e.TargetID, e.After, now)
	return err
}

// SetupsUnderWay returns the steps of a connection of which nobody knows what
// became of them.
func SetupsUnderWay(ctx context.Context, tx pgx.Tx, workspace, connection int64) ([]Edit, error) {
	rows, err := tx.Query(ctx, `
		SELECT `+editColumns+` FROM edits WHERE (workspace_id, connection_id, kind, external_id) = ($1, $2, '', '') AND what = 'setup' AND state = 'sent' ORDER BY id`,
		workspace, connection)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanEdit)
}

// DefinitionNamed is the id of the living pipeline, stage or field that has the name
// of a wanted one, in the pipeline that it names; empty if there is none.
func DefinitionNamed(ctx context.Context, tx pgx.Tx, workspace, connection int64, kind string, wanted map[string]json.RawMessage) (id string, err error) {
	err = tx.QueryRow(ctx, `
		SELECT external_id FROM (
			SELECT external_id FROM pipelines WHERE (workspace_id, connection_id) = ($1, $2) AND deleted_at IS NULL AND $3 = 'pipelines' AND name = $4::jsonb ->> 'name'
			UNION ALL SELECT external_id FROM stages WHERE (workspace_id, connection_id) = ($1, $2) AND deleted_at IS NULL AND $3 = 'stages' AND name = $4::jsonb ->> 'name'
				AND pipeline_id = $4::jsonb ->> 'pipeline_id'
			UNION ALL SELECT external_id FROM fields WHERE (workspace_id, connection_id) = ($1, $2) AND deleted_at IS NULL AND $3 = 'fields' AND name = $4::jsonb ->> 'name'
				AND object = $4::jsonb ->> 'object') d
		ORDER BY external_id LIMIT 1`, workspace, connection, kind, wanted).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	return id, err
}

// Definition is the row of a pipeline, a stage or a field, by its columns; nil if
// there is none.
func Definition(ctx context.Context, tx pgx.Tx, workspace, connection int64, kind, id string) (row map[string]json.RawMessage, err error) {
	err = tx.QueryRow(ctx, `
		SELECT to_jsonb(p) FROM pipelines p WHERE (workspace_id, connection_id, external_id) = ($1, $2, $4) AND $3 = 'pipelines'
		UNION ALL SELECT to_jsonb(s) FROM stages s WHERE (workspace_id, connection_id, external_id) = ($1, $2, $4) AND $3 = 'stages'
		UNION ALL SELECT to_jsonb(f) FROM fields f WHERE (workspace_id, connection_id, external_id) = ($1, $2, $4) AND $3 = 'fields'`,
		workspace, connection, kind, id).Scan(&row)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return row, err
}
