package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// What people write when they decide may name somebody, as what vendors bring
// may, see Passage.

// SnoozePassages returns the reasons of snoozes with numbers after the given
// one, each as a JSON string.
func SnoozePassages(ctx context.Context, tx pgx.Tx, workspace, connection, after int64, most int) ([]Passage, error) {
	return passages(tx.Query(ctx, `
		SELECT id, from_at, kind, external_id, convert_to(to_jsonb(why)::text, 'UTF8'), '' FROM snoozes
		WHERE (workspace_id, connection_id) = ($1, $2) AND id > $3 ORDER BY id LIMIT $4`, workspace, connection, after, most))
}

// RewriteSnoozes gives snoozes other reasons, each as a JSON string.
func RewriteSnoozes(ctx context.Context, tx pgx.Tx, workspace int64, list []Passage) error {
	keys, _, texts, _ := split(list)
	_, err := tx.Exec(ctx, `
		UPDATE snoozes s SET why = e.t::jsonb #>> '{}' FROM unnest($2::bigint[], $3::text[]) AS e(id, t) WHERE (s.workspace_id, s.id) = ($1, e.id)`, workspace, keys, texts)
	return err
}

// ApprovalPassages returns the words of approvals with numbers after the given
// one, as a JSON array of the loss's reason and the note.
func ApprovalPassages(ctx context.Context, tx pgx.Tx, workspace, connection, after int64, most int) ([]Passage, error) {
	return passages(tx.Query(ctx, `
		SELECT id, given_at, 'deals', deal_id, convert_to(jsonb_build_array(reason, note)::text, 'UTF8'), '' FROM approvals
		WHERE (workspace_id, connection_id) = ($1, $2) AND id > $3 ORDER BY id LIMIT $4`, workspace, connection, after, most))
}

// RewriteApprovals gives approvals other words, in the form of ApprovalPassages.
func RewriteApprovals(ctx context.Context, tx pgx.Tx, workspace int64, list []Passage) error {
	keys, _, texts, _ := split(list)
	_, err := tx.Exec(ctx, `
		UPDATE approvals a SET reason = e.words->>0, note = e.words->>1
		FROM (SELECT u.id, u.t::jsonb AS words FROM unnest($2::bigint[], $3::text[]) AS u(id, t)) e WHERE (a.workspace_id, a.id) = ($1, e.id)`, workspace, keys, texts)
	return err
}

// ViolationPassages returns the words of violations with numbers after the given
// one, as a JSON array of why they pass, what was written when they were taken
// on, and why they cannot be judged. Violations without words are left out.
func ViolationPassages(ctx context.Context, tx pgx.Tx, workspace, connection, after int64, most int) ([]Passage, error) {
	return passages(tx.Query(ctx, `
		SELECT id, opened_at, kind, external_id, convert_to(jsonb_build_array(excused_why, acknowledged_note, cannot)::text, 'UTF8'), '' FROM violations
		WHERE (workspace_id, connection_id) = ($1, $2) AND id > $3 AND (excused_why IS NOT NULL OR acknowledged_note IS NOT NULL OR cannot IS NOT NULL)
		ORDER BY id LIMIT $4`, workspace, connection, after, most))
}

// RewriteViolations gives violations other words, in the form of
// ViolationPassages.
func RewriteViolations(ctx context.Context, tx pgx.Tx, workspace int64, list []Passage) error {
	keys, _, texts, _ := split(list)
	_, err := tx.Exec(ctx, `
		UPDATE violations v SET excused_why = e.words->>0, acknowledged_note = e.words->>1, cannot = e.words->>2
		FROM (SELECT u.id, u.t::jsonb AS words FROM unnest($2::bigint[], $3::text[]) AS u(id, t)) e WHERE (v.workspace_id, v.id) = ($1, e.id)`, workspace, keys, texts)
	return err
}
