package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"
)

// Spelling is a decision of a person what a text means that reps give as a loss
// reason.
type Spelling struct {
	ID      int64
	Folded  string
	Written string
	Reason  *string // id in the book; nil: it is no reason
	Why     string
	By      string
	At      time.Time
}

// SpellingsOf returns a workspace's decisions, by folded text.
func SpellingsOf(ctx context.Context, tx pgx.Tx, workspace int64) ([]Spelling, error) {
	rows, err := tx.Query(ctx, `
		SELECT id, folded, written, reason_id, why, decided_by, decided_at FROM spellings WHERE workspace_id = $1 ORDER BY folded`, workspace)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Spelling])
}

// SetSpelling stores a decision, in place of an earlier one on the same text, and
// returns its number.
func SetSpelling(ctx context.Context, tx pgx.Tx, workspace int64, s Spelling) (id int64, err error) {
	err = tx.QueryRow(ctx, `
		INSERT INTO spellings (workspace_id, folded, written, reason_id, why, decided_by) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (workspace_id, folded) DO UPDATE SET written = excluded.written, reason_id = excluded.reason_id, why = excluded.why,
			decided_by = excluded.decided_by, decided_at = now()
		RETURNING id`, workspace, s.Folded, s.Written, s.Reason, s.Why, s.By).Scan(&id)
	return id, err
}

// ForgetSpelling takes a decision back and returns its number. It is
// fault.NotFound if there is none on that text.
func ForgetSpelling(ctx context.Context, tx pgx.Tx, workspace int64, folded string) (id int64, err error) {
	err = tx.QueryRow(ctx, `DELETE FROM spellings WHERE (workspace_id, folded) = ($1, $2) RETURNING id`, workspace, folded).Scan(&id)
	return id, notFound(err, "nothing was decided on that text; `salesbook spellings` lists what was")
}

// RewriteSpellings gives decisions other texts. Of two that are the same then,
// the earlier stays.
func RewriteSpellings(ctx context.Context, tx pgx.Tx, workspace int64, list []Spelling) error {
	ids, folded, written, why := make([]int64, len(list)), make([]string, len(list)), make([]string, len(list)), make([]string, len(list))
	for i, s := range list {
		ids[i], folded[i], written[i], why[i] = s.ID, s.Folded, s.Written, s.Why
	}
	_, err := tx.Exec(ctx, `
		WITH taken AS (
			DELETE FROM spellings s USING unnest($2::bigint[], $3::text[], $4::text[], $5::text[]) AS e(id, folded, written, why)
			WHERE (s.workspace_id, s.id) = ($1, e.id) RETURNING e.*, s.reason_id, s.decided_by, s.decided_at)
		INSERT INTO spellings (workspace_id, folded, written, reason_id, why, decided_by, decided_at)
		SELECT $1, folded, written, reason_id, why, decided_by, decided_at FROM taken ORDER BY decided_at, id ON CONFLICT (workspace_id, folded) DO NOTHING`,
		workspace, ids, folded, written, why)
	return err
}

// LossText is a text that stands as the reason of losses of a connection, in one
// currency.
type LossText struct {
	Connection int64
	Text       string
	Currency   string // empty: no amount has one
	Count      int64
	Worth      decimal.Decimal
	Last       time.Time // when it was last used
}

// LossTexts returns the texts that stand as reasons of a workspace's losses.
func LossTexts(ctx context.Context, tx pgx.Tx, workspace int64) ([]LossText, error) {
	rows, err := tx.Query(ctx, `
		SELECT connection_id, lost_reason, COALESCE(currency, ''), count(*), COALESCE(sum(amount), 0), max(COALESCE(lost_at, updated_at, first_seen_at))
		FROM deals WHERE workspace_id = $1 AND status = 'lost' AND lost_reason IS NOT NULL AND (deleted_at IS NULL OR deleted_why = 'deleted')
		GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`, workspace)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[LossText])
}

// MarkLost asks for the losses of a workspace to be judged anew that have one of
// some texts as their reason.
func MarkLost(ctx context.Context, tx pgx.Tx, workspace int64, texts []string) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO dirty AS d (workspace_id, connection_id, kind, external_id)
		SELECT workspace_id, connection_id, 'deals', external_id FROM deals WHERE workspace_id = $1 AND status = 'lost' AND lost_reason = ANY($2)
		ORDER BY connection_id, external_id
		ON CONFLICT (workspace_id, connection_id, kind, external_id) DO UPDATE SET since = d.since`, workspace, texts)
	return err
}
