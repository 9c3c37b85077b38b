package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// WriteChanges records how canonical rows differ from before.
func WriteChanges(ctx context.Context, tx pgx.Tx, workspace, connection int64, origin string, changes []Change) error {
	if len(changes) == 0 {
		return nil
	}
	n := len(changes)
	kind, id, at, fields, edit := make([]string, n), make([]string, n), make([]*time.Time, n), make([]string, n), make([]*int64, n)
	for i, c := range changes {
		b, err := json.Marshal(c.Fields)
		if err != nil {
			return err
		}
		kind[i], id[i], at[i], fields[i], edit[i] = c.Kind, c.ID, nullTime(c.At), string(b), c.Edit
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO changes (workspace_id, connection_id, kind, external_id, at, fields, origin, edit_id)
		SELECT $1, $2, e.kind, e.id, COALESCE(e.at, now()), e.fields::jsonb, $7, e.edit
		FROM unnest($3::text[], $4::text[], $5::timestamptz[], $6::text[], $8::bigint[]) AS e(kind, id, at, fields, edit)`,
		workspace, connection, kind, id, at, fields, origin, edit)
	if err != nil {
		return fmt.Errorf("write changes: %w", err)
	}
	return nil
}

// StoredChange is one change read back.
type StoredChange struct {
	ID     int64
	At     time.Time
	SeenAt time.Time
	Fields map[string]Diff
	Origin string
	Edit   *int64 // the edit of ours that brought it about; nil: somebody else did
}

// ChangesOf returns the newest changes of a canonical row, newest first.
func ChangesOf(ctx context.Context, tx pgx.Tx, workspace, connection int64, kind, id string, most int) ([]StoredChange, error) {
	rows, err := tx.Query(ctx, `
		SELECT id, at, seen_at, fields, origin, edit_id FROM changes
		WHERE (workspace_id, connection_id, kind, external_id) = ($1, $2, $3, $4) ORDER BY seen_at DESC, id DESC LIMIT $5`,
		workspace, connection, kind, id, most)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[StoredChange])
}

// Touched returns the deals and leads that activities, notes or reps are about:
// they must be judged anew when those are new or changed.
func Touched(ctx context.Context, tx pgx.Tx, workspace, connection int64, kind string, ids []string) (deals, leads []string, err error) {
	if len(ids) == 0 {
		return nil, nil, nil
	}
	var rows pgx.Rows
	switch kind {
	case "activities":
		rows, err = tx.Query(ctx, `SELECT a.* FROM unnest($3::text[]) AS w(id) CROSS JOIN LATERAL (
			SELECT deal_id, lead_id FROM activities WHERE (workspace_id, connection_id, external_id) = ($1, $2, w.id) OFFSET 0) a`, workspace, connection, ids)
	case "notes":
		rows, err = tx.Query(ctx, `SELECT n.* FROM unnest($3::text[]) AS w(id) CROSS JOIN LATERAL (
			SELECT deal_id, lead_id FROM notes WHERE (workspace_id, connection_id, external_id) = ($1, $2, w.id) OFFSET 0) n`, workspace, connection, ids)
	case "reps":
		rows, err = tx.Query(ctx, `
			SELECT external_id, NULL FROM deals WHERE (workspace_id, connection_id) = ($1, $2) AND status = 'open' AND deleted_at IS NULL AND owner_id = ANY($3)
			UNION ALL SELECT NULL, external_id FROM leads WHERE (workspace_id, connection_id) = ($1, $2) AND NOT archived AND deleted_at IS NULL AND owner_id = ANY($3)`,
			workspace, connection, ids)
	default:
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	var deal, lead *string
	_, err = pgx.ForEachRow(rows, []any{&deal, &lead}, func() error {
		if deal != nil {
			deals = append(deals, *deal)
		}
		if lead != nil {
			leads = append(leads, *lead)
		}
		return nil
	})
	return deals, leads, err
}
