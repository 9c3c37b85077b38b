package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"
)

// Burdened is a deal or lead with violations of the backlog.
type Burdened struct {
	ID       int64 // the lowest number of its violations
	Subject  SubjectKey
	Title    string
	Owner    string
	Place    string
	Amount   *decimal.Decimal
	Currency string // empty: it has no amount, or none is known
	Rules    []string
	Oldest   time.Time
	Of       int64           // so many have the currency
	Worth    decimal.Decimal // of all that have the currency
}

// worth finds what deals and leads s are worth, each by its key, see Unseen.
const worth = ` LEFT JOIN LATERAL (
		SELECT title, amount, currency FROM deals WHERE s.kind = 'deals' AND (workspace_id, connection_id, external_id) = ($1, s.connection_id, s.external_id)
		UNION ALL
		SELECT title, amount, currency FROM leads WHERE s.kind = 'leads' AND (workspace_id, connection_id, external_id) = ($1, s.connection_id, s.external_id)
		OFFSET 0) d ON true`

const currencyOfWorth = `CASE WHEN d.amount IS NULL THEN '' ELSE COALESCE(d.currency, '') END`

// Backlog returns the deals and leads whose violations are the backlog, the
// dearest of each currency first, up to so many of each: there are no rates by
// which one could be compared with another. The currency that most have comes
// first, and what has no amount comes last. What cannot be judged is left out:
// nobody can mend it. After the number of a violation the list goes on, with
// others of that currency.
func Backlog(ctx context.Context, tx pgx.Tx, workspace int64, f ViolationFilter) ([]Burdened, error) {
	var from struct {
		currency, amount *string
		subject          SubjectKey
	}
	if f.After != 0 {
		err := tx.QueryRow(ctx, `
			SELECT `+currencyOfWorth+`, COALESCE(d.amount, 0)::text, s.connection_id, s.kind, s.external_id
			FROM violations s`+worth+` WHERE (s.workspace_id, s.id) = ($1, $2)`, workspace, f.After).
			Scan(&from.currency, &from.amount, &from.subject.Connection, &from.subject.Kind, &from.subject.ID)
		if err != nil {
			return nil, notFound(err, "there is no violation %d to go on after", f.After)
		}
	}
	f.Backlog = new(true)
	rows, err := tx.Query(ctx, `
		WITH subjects AS (
			SELECT v.connection_id, v.kind, v.external_id, min(v.id) AS id, min(v.opened_at) AS oldest, array_agg(DISTINCT v.rule ORDER BY v.rule) AS rules,
				max(v.owner) AS owner, max(v.place) AS place`+openViolation+` AND v.cannot IS NULL GROUP BY 1, 2, 3),
		dear AS (
			SELECT s.*, COALESCE(d.title, '') AS title, d.amount, `+currencyOfWorth+` AS currency FROM subjects s`+worth+`),
		counted AS (
			SELECT *, count(*) OVER (PARTITION BY currency) AS of, COALESCE(sum(amount) OVER (PARTITION BY currency), 0) AS worth FROM dear),
		ranked AS (
			SELECT *, row_number() OVER (PARTITION BY currency ORDER BY COALESCE(amount, 0) DESC, connection_id, kind, external_id) AS rank FROM counted
			WHERE $10::text IS NULL OR currency = $10 AND (COALESCE(amount, 0) < $11::numeric
				OR COALESCE(amount, 0) = $11::numeric AND (connection_id, kind, external_id) > ($12, $13, $14)))
		SELECT id, connection_id, kind, external_id, title, owner, place, amount, currency, rules, oldest, of, worth FROM ranked
		WHERE rank <= $15 ORDER BY currency = '', of DESC, currency, rank`,
		f.args(workspace, from.currency, from.amount, from.subject.Connection, from.subject.Kind, from.subject.ID, f.Most)...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (s Burdened, err error) {
		return s, row.Scan(&s.ID, &s.Subject.Connection, &s.Subject.Kind, &s.Subject.ID, &s.Title, &s.Owner, &s.Place, &s.Amount, &s.Currency, &s.Rules, &s.Oldest, &s.Of, &s.Worth)
	})
}
