package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// StageEntry is one entry of a deal into a stage.
type StageEntry struct {
	At        time.Time
	StageID   string
	FromStage *string
	ActorID   *string
	Source    string // history, observed, first sight
	Edit      *int64 // the edit of ours that moved it; nil: somebody else did
}

// RecordMoves writes the stage moves that changes of deals show. Before a
// deal's first observed move, the stage it was first seen in is written too. A deal
// that moved within the second of its last move has the time of entry it had. us
// is the user as whom we move deals.
func RecordMoves(ctx context.Context, tx pgx.Tx, workspace, connection int64, us string, changes []Change) error {
	var ids, from, to []string
	var entered, left []*string
	var edits []*int64
	for _, c := range changes {
		d, moved := c.Fields["stage_id"]
		if c.Kind != "deals" || !moved {
			continue
		}
		since := c.Fields["stage_entered_at"]
		ids, from, to, edits = append(ids, c.ID), append(from, text(d.Old)), append(to, text(d.New)), append(edits, c.Edit)
		left, entered = append(left, pointer(text(since.Old))), append(entered, pointer(text(since.New)))
	}
	if len(ids) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `
		WITH moves AS (
			SELECT e.*, d.added_at, COALESCE(e.entered::timestamptz, d.stage_entered_at, d.updated_at, now()) AS at
			FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[]) AS e(id, from_stage, to_stage, since, entered, edit)
			JOIN deals d ON (d.workspace_id, d.connection_id, d.external_id) = ($1, $2, e.id)),
		first AS (
			INSERT INTO deal_stages (workspace_id, connection_id, deal_id, at, stage_id, source)
			SELECT $1, $2, m.id, COALESCE(m.since::timestamptz, m.added_at), m.from_stage, 'first sight' FROM moves m
			WHERE m.from_stage <> '' AND COALESCE(m.since::timestamptz, m.added_at) IS NOT NULL AND NOT EXISTS (
				SELECT FROM deal_stages s WHERE (s.workspace_id, s.connection_id, s.deal_id) = ($1, $2, m.id))
			ON CONFLICT DO NOTHING)
		INSERT INTO deal_stages (workspace_id, connection_id, deal_id, at, stage_id, from_stage_id, source, edit_id, actor_id)
		SELECT $1, $2, m.id, m.at, m.to_stage, NULLIF(m.from_stage, ''), 'observed', m.edit, CASE WHEN m.edit IS NOT NULL THEN NULLIF($9, '') END FROM moves m WHERE m.to_stage <> ''
		ON CONFLICT DO NOTHING`, workspace, connection, ids, from, to, left, entered, edits, us)
	if err != nil {
		return fmt.Errorf("record stage moves: %w", err)
	}
	return nil
}

func text(j json.RawMessage) string {
	var s string
	if json.Unmarshal(j, &s) != nil {
		return ""
	}
	return s
}

func pointer(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// Stand is the stage in which a deal stands, or stood when it ended.
type Stand struct {
	Stage   string
	Entered *time.Time
}

// DealStands returns where some deals stand, of those of which it is known.
func DealStands(ctx context.Context, tx pgx.Tx, workspace, connection int64, deals []string) (map[string]Stand, error) {
	rows, err := tx.Query(ctx, `
		SELECT d.external_id, d.stage_id, d.stage_entered_at FROM unnest($3::text[]) e (id)
		CROSS JOIN LATERAL (
			SELECT external_id, stage_id, stage_entered_at FROM deals WHERE (workspace_id, connection_id, external_id) = ($1, $2, e.id) OFFSET 0
		) d WHERE d.stage_id IS NOT NULL`, workspace, connection, deals)
	if err != nil {
		return nil, err
	}
	out := map[string]Stand{}
	var id string
	var s Stand
	_, err = pgx.ForEachRow(rows, []any{&id, &s.Stage, &s.Entered}, func() error {
		out[id] = s
		s.Entered = nil
		return nil
	})
	return out, err
}

// RebuildStages makes the stage history of deals from their deal_events, which
// were asked for at the given instant. What we had observed ourselves up to
// then is replaced; later moves stay, with their actor if the events tell him.
// Which moves were edits of ours is found again; us is the user as whom we move
// deals.
func RebuildStages(ctx context.Context, tx pgx.Tx, workspace, connection int64, us string, deals []string, asked time.Time) error {
	_, err := tx.Exec(ctx, `
		DELETE FROM deal_stages WHERE (workspace_id, connection_id) = ($1, $2) AND deal_id = ANY($3)
			AND (at <= $4::timestamptz - interval '5 seconds' OR source = 'first sight')`, workspace, connection, deals, asked)
	if err != nil {
		return fmt.Errorf("rebuild stage history: %w", err)
	}
	_, err = tx.Exec(ctx, `
		WITH moves AS (
			SELECT deal_id, at, COALESCE(old_value, lag(new_value) OVER w) AS old_value, new_value, actor_id, row_number() OVER w AS n
			FROM deal_events WHERE (workspace_id, connection_id) = ($1, $2) AND deal_id = ANY($3) AND field = 'stage_id' AND new_value IS NOT NULL AND deleted_at IS NULL
			WINDOW w AS (PARTITION BY deal_id ORDER BY at, external_id)),
		beginnings AS (
			SELECT d.external_id AS deal_id, COALESCE(d.added_at, d.first_seen_at) AS at, COALESCE(m.old_value, CASE WHEN m.deal_id IS NULL THEN d.stage_id END) AS stage_id
			FROM deals d LEFT JOIN moves m ON m.deal_id = d.external_id AND m.n = 1
			WHERE (d.workspace_id, d.connection_id) = ($1, $2) AND d.external_id = ANY($3))
		INSERT INTO deal_stages (workspace_id, connection_id, deal_id, at, stage_id, from_stage_id, actor_id, source)
		SELECT DISTINCT ON (deal_id, at, stage_id) $1, $2, deal_id, at, stage_id, from_stage_id, actor_id, 'history' FROM (
			SELECT deal_id, at, stage_id, NULL AS from_stage_id, NULL AS actor_id FROM beginnings WHERE stage_id IS NOT NULL
			UNION ALL
			SELECT deal_id, at, new_value, old_value, actor_id FROM moves WHERE new_value IS DISTINCT FROM old_value) entries
		ORDER BY deal_id, at, stage_id, from_stage_id NULLS LAST
		ON CONFLICT (workspace_id, connection_id, deal_id, at, stage_id) DO UPDATE SET from_stage_id = excluded.from_stage_id, actor_id = excluded.actor_id, source = excluded.source`,
		workspace, connection, deals)
	if err != nil {
		return fmt.Errorf("rebuild stage history: %w", err)
	}
	_, err = tx.Exec(ctx, `
		UPDATE deals d SET stage_id = s.stage_id, stage_entered_at = COALESCE(d.stage_entered_at, s.at)
		FROM unnest($3::text[]) AS w(id) CROSS JOIN LATERAL (
			SELECT stage_id, at FROM deal_stages WHERE (workspace_id, connection_id, deal_id) = ($1, $2, w.id) ORDER BY at DESC, stage_id LIMIT 1) s
		WHERE (d.workspace_id, d.connection_id, d.external_id) = ($1, $2, w.id) AND d.stage_id IS NULL AND d.status <> 'open'`, workspace, connection, deals)
	if err != nil {
		return fmt.Errorf("where closed deals stood: %w", err)
	}
	return ownMoves(ctx, tx, workspace, connection, us, deals)
}

// ownMoves notes which moves of deals were edits of ours: into the stage that was
// wanted, by our user, when the vendor says that it was changed. Two clocks are
// not the same to the second.
func ownMoves(ctx context.Context, tx pgx.Tx, workspace, connection int64, us string, deals []string) error {
	_, err := tx.Exec(ctx, `
		UPDATE deal_stages s SET edit_id = e.id FROM edits e
		WHERE (s.workspace_id, s.connection_id) = ($1, $2) AND s.deal_id = ANY($3) AND s.edit_id IS NULL AND s.from_stage_id IS NOT NULL AND (s.actor_id IS NULL OR $4 = '' OR s.actor_id = $4)
			AND (e.workspace_id, e.connection_id, e.target_kind, e.target_id) = ($1, $2, 'deals', s.deal_id) AND e.state = 'done'
			AND e.wanted->>'stage_id' = s.stage_id AND e.attempts > 0
			AND s.at BETWEEN e.version_at - interval '5 seconds' AND e.version_at + interval '5 seconds'`, workspace, connection, deals, us)
	if err != nil {
		return fmt.Errorf("find our own stage moves: %w", err)
	}
	return nil
}

// StagesOf returns a deal's stage history, oldest first.
func StagesOf(ctx context.Context, tx pgx.Tx, workspace, connection int64, deal string) ([]StageEntry, error) {
	rows, err := tx.Query(ctx, `
		SELECT at, stage_id, from_stage_id, actor_id, source, edit_id FROM deal_stages
		WHERE (workspace_id, connection_id, deal_id) = ($1, $2, $3) ORDER BY at, edit_id IS NOT NULL, stage_id`, workspace, connection, deal)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[StageEntry])
}

// DealsWithoutHistory returns deals whose history (the given object) has not
// been read: open ones first, then the newest closed.
func DealsWithoutHistory(ctx context.Context, tx pgx.Tx, workspace, connection int64, object string, most int) ([]string, error) {
	rows, err := tx.Query(ctx, `
		SELECT d.external_id FROM deals d
		WHERE (d.workspace_id, d.connection_id) = ($1, $2) AND d.deleted_at IS NULL AND NOT EXISTS (
			SELECT FROM parents_read p WHERE (p.workspace_id, p.connection_id, p.object, p.parent) = ($1, $2, $3, d.external_id))
		ORDER BY d.status <> 'open', d.closed_at DESC NULLS LAST, d.external_id LIMIT $4`, workspace, connection, object, most)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// MarkParentsRead notes that everything attached to these parents has been read.
func MarkParentsRead(ctx context.Context, tx pgx.Tx, workspace, connection int64, object string, parents []string) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO parents_read (workspace_id, connection_id, object, parent) SELECT $1, $2, $3, e FROM unnest($4::text[]) e
		ON CONFLICT (workspace_id, connection_id, object, parent) DO UPDATE SET read_at = now()`, workspace, connection, object, parents)
	return err
}

// HistoryKnown returns of how many living deals the history has been read, and
// of how many there are.
func HistoryKnown(ctx context.Context, tx pgx.Tx, workspace, connection int64, object string) (known, all int64, err error) {
	err = tx.QueryRow(ctx, `
		SELECT count(p.parent), count(*) FROM deals d
		LEFT JOIN parents_read p ON (p.workspace_id, p.connection_id, p.object, p.parent) = ($1, $2, $3, d.external_id)
		WHERE (d.workspace_id, d.connection_id) = ($1, $2) AND d.deleted_at IS NULL`, workspace, connection, object).Scan(&known, &all)
	return known, all, err
}
