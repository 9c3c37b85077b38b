package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// ViolationFilter narrows a list of open violations; empty fields let all
// through. Of a list that is there and empty nothing gets through.
type ViolationFilter struct {
	Rules        []string
	Kind         string   // deals or leads
	Owners       []string // addresses of reps
	Places       []string // as funnel/stage
	Excused      bool     // also those that somebody lets pass
	Acknowledged *bool    // those that somebody has taken on, or that nobody has
	Backlog      *bool    // those of the backlog, or news
	Now          time.Time
	After        int64 // number of the violation that the list goes on after
	Most         int
}

// openViolation are the violations v that a filter lets through. What opened
// before the version of the book that first said so was put in force, or before
// its connection was made, is the backlog. News cannot be older than the first
// book: so much of the index need not be read for them. COALESCE in place of CASE
// would count as leaky, and row-level security keep it away from the index.
const openViolation = ` FROM violations v
	JOIN books b ON (b.workspace_id, b.version) = (v.workspace_id, v.book)
	JOIN connections c ON (c.workspace_id, c.id) = (v.workspace_id, v.connection_id)
	WHERE v.workspace_id = $1 AND v.mended_at IS NULL AND v.closed_at IS NULL
		AND ($2 OR v.excused_until IS NULL OR v.excused_until <= $3)
		AND ($4::text[] IS NULL OR v.rule = ANY($4)) AND ($5 = '' OR v.kind = $5)
		AND ($6::text[] IS NULL OR v.owner = ANY($6)) AND ($7::text[] IS NULL OR v.place = ANY($7))
		AND ($8::bool IS NULL OR (v.acknowledged_at IS NOT NULL) = $8)
		AND ($9::bool IS NULL OR (v.opened_at < GREATEST(b.active_at, c.created_at)) = $9)
		AND v.opened_at >= CASE WHEN $9 IS FALSE THEN (SELECT min(active_at) FROM books WHERE workspace_id = $1) ELSE '-infinity'::timestamptz END`

// args are the arguments of openViolation, and those of what follows it.
func (f *ViolationFilter) args(workspace int64, more ...any) []any {
	return append([]any{workspace, f.Excused, f.Now, f.Rules, f.Kind, f.Owners, f.Places, f.Acknowledged, f.Backlog}, more...)
}

// OpenViolations returns violations that are neither mended nor closed, the
// oldest first. Those that are excused at the instant are left out unless they
// are asked for.
func OpenViolations(ctx context.Context, tx pgx.Tx, workspace int64, f ViolationFilter) ([]Violation, error) {
	var after *time.Time
	if f.After != 0 {
		var opened time.Time
		err := tx.QueryRow(ctx, `SELECT opened_at FROM violations WHERE (workspace_id, id) = ($1, $2)`, workspace, f.After).Scan(&opened)
		if err != nil {
			return nil, notFound(err, "there is no violation %d to go on after", f.After)
		}
		after = &opened
	}
	rows, err := tx.Query(ctx, `
		SELECT v.id, v.connection_id, v.kind, v.external_id, v.rule, v.detail, v.opened_at, v.book, v.cannot, v.assumed, v.place, v.owner, v.noticed_at,
			v.excused_until, v.acknowledged_at, v.acknowledged_by, v.acknowledged_note, v.opened_at < GREATEST(b.active_at, c.created_at)`+openViolation+`
			AND (v.opened_at, v.id) > (COALESCE($10::timestamptz, '-infinity'), $11)
		ORDER BY v.opened_at, v.id LIMIT $12`, f.args(workspace, after, f.After, f.Most)...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (v Violation, err error) {
		return v, row.Scan(&v.ID, &v.Subject.Connection, &v.Subject.Kind, &v.Subject.ID, &v.Rule, &v.Detail, &v.Opened, &v.Book, &v.Cannot, &v.Assumed, &v.Place, &v.Owner, &v.NoticedAt,
			&v.Excused, &v.Acknowledged, &v.AcknowledgedBy, &v.AcknowledgedNote, &v.Backlog)
	})
}

// CountViolations returns how many open violations a filter lets through.
func CountViolations(ctx context.Context, tx pgx.Tx, workspace int64, f ViolationFilter) (n int64, err error) {
	err = tx.QueryRow(ctx, `SELECT count(*)`+openViolation, f.args(workspace)...).Scan(&n)
	return n, err
}
