package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"
)

// Worth is how many deals or leads there are in one currency, and their worth.
type Worth struct {
	Currency string // empty: they have no amount
	Count    int
	Amount   decimal.Decimal
}

// Broken chooses deals and leads by the rules that they break. Only those count
// of which a rule is broken now, without doubt and without excuse.
type Broken struct {
	Rules  []string
	Status string // of deals: open or lost
	Leads  bool   // also leads that are not archived
	Now    time.Time
}

// brokenSubjects are the subjects that Broken chooses, of workspace $1.
const brokenSubjects = `
	WITH broken AS (
		SELECT DISTINCT connection_id, kind, external_id FROM violations
		WHERE workspace_id = $1 AND mended_at IS NULL AND closed_at IS NULL AND cannot IS NULL AND (excused_until IS NULL OR excused_until <= $4) AND rule = ANY($2)),
	subjects AS (
		SELECT b.connection_id, b.kind, b.external_id, COALESCE(d.title, l.title) AS title, COALESCE(d.amount, l.amount) AS amount, COALESCE(d.currency, l.currency) AS currency,
			d.stage_id, COALESCE(d.owner_id, l.owner_id) AS owner_id, COALESCE(d.lost_reason, '') AS reason
		FROM broken b
		LEFT JOIN deals d ON b.kind = 'deals' AND (d.workspace_id, d.connection_id, d.external_id) = ($1, b.connection_id, b.external_id)
			AND d.deleted_at IS NULL AND d.status = $3 AND NOT (d.archived AND $3 = 'open')
		LEFT JOIN leads l ON b.kind = 'leads' AND (l.workspace_id, l.connection_id, l.external_id) = ($1, b.connection_id, b.external_id)
			AND l.deleted_at IS NULL AND NOT l.archived AND $5
		WHERE d.external_id IS NOT NULL OR l.external_id IS NOT NULL)`

// CountBroken counts deals and leads by currency, the largest sum first.
func CountBroken(ctx context.Context, tx pgx.Tx, workspace int64, b Broken) ([]Worth, error) {
	return worths(tx.Query(ctx, brokenSubjects+`
		SELECT CASE WHEN amount > 0 THEN COALESCE(currency, '') ELSE '' END, count(*), COALESCE(sum(amount), 0) FROM subjects GROUP BY 1 ORDER BY 3 DESC, 1`,
		workspace, b.Rules, b.Status, b.Now, b.Leads))
}

func worths(rows pgx.Rows, err error) ([]Worth, error) {
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Worth])
}

// Named is a deal or lead with what a person knows it by.
type Named struct {
	Connection string
	Kind       string // canonical
	ID         string
	Title      string
	Amount     *decimal.Decimal
	Currency   string
	Stage      string // of a deal
	Rep        string
	Reason     string // of a lost deal
}

// namedSubjects names them. Who works in several CRMs has one name: the one that the
// CRM has which was connected first.
const namedSubjects = `
	SELECT c.name, s.kind, s.external_id, s.title, s.amount, COALESCE(s.currency, ''), COALESCE(st.name, ''), COALESCE(same.name, r.name, s.owner_id, ''), s.reason
	FROM subjects s JOIN connections c ON (c.workspace_id, c.id) = ($1, s.connection_id)
	LEFT JOIN stages st ON (st.workspace_id, st.connection_id, st.external_id) = ($1, s.connection_id, s.stage_id)
	LEFT JOIN reps r ON (r.workspace_id, r.connection_id, r.external_id) = ($1, s.connection_id, s.owner_id)
	LEFT JOIN (SELECT DISTINCT ON (email) email, name FROM reps WHERE workspace_id = $1 AND email <> '' ORDER BY email, connection_id, external_id) same ON same.email = r.email
	ORDER BY s.amount DESC NULLS LAST, s.connection_id, s.external_id`

// ListBroken lists deals and leads, those of the largest amounts first.
func ListBroken(ctx context.Context, tx pgx.Tx, workspace int64, b Broken, most int) ([]Named, error) {
	return named(tx.Query(ctx, brokenSubjects+namedSubjects+` LIMIT $6`, workspace, b.Rules, b.Status, b.Now, b.Leads, most))
}

func named(rows pgx.Rows, err error) ([]Named, error) {
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Named])
}

// Leak is a stage in which deals are lost.
type Leak struct {
	ConnectionID int64
	Connection   string
	PipelineID   string
	Pipeline     string
	StageID      string
	Stage        string
	Lost         int
}

// Leaks lists the stages of a workspace in which deals were lost, the stage
// with the most first.
func Leaks(ctx context.Context, tx pgx.Tx, workspace int64) ([]Leak, error) {
	rows, err := tx.Query(ctx, `
		WITH lost AS (
			SELECT connection_id, stage_id, count(*) AS deals FROM deals
			WHERE workspace_id = $1 AND status = 'lost' AND deleted_at IS NULL AND stage_id IS NOT NULL GROUP BY 1, 2)
		SELECT l.connection_id, c.name, s.pipeline_id, COALESCE(p.name, ''), l.stage_id, s.name, l.deals
		FROM lost l JOIN connections c ON (c.workspace_id, c.id) = ($1, l.connection_id)
		JOIN stages s ON (s.workspace_id, s.connection_id, s.external_id) = ($1, l.connection_id, l.stage_id)
		LEFT JOIN pipelines p ON (p.workspace_id, p.connection_id, p.external_id) = ($1, l.connection_id, s.pipeline_id)
		ORDER BY l.deals DESC, l.connection_id, l.stage_id`, workspace)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Leak])
}

// lostThere are the deals of a connection ($2) that were lost in a stage ($3).
const lostThere = `
	WITH subjects AS (
		SELECT connection_id, 'deals' AS kind, external_id, title, amount, currency, stage_id, owner_id, COALESCE(lost_reason, '') AS reason FROM deals
		WHERE (workspace_id, connection_id, stage_id) = ($1, $2, $3) AND status = 'lost' AND deleted_at IS NULL)`

// LostInWorth is the worth of the deals that were lost in a stage.
func LostInWorth(ctx context.Context, tx pgx.Tx, workspace int64, l Leak) ([]Worth, error) {
	return worths(tx.Query(ctx, lostThere+`
		SELECT CASE WHEN amount > 0 THEN COALESCE(currency, '') ELSE '' END, count(*), COALESCE(sum(amount), 0) FROM subjects GROUP BY 1 ORDER BY 3 DESC, 1`,
		workspace, l.ConnectionID, l.StageID))
}

// ListLostIn lists the deals that were lost in a stage, those of the largest
// amounts first.
func ListLostIn(ctx context.Context, tx pgx.Tx, workspace int64, l Leak, most int) ([]Named, error) {
	return named(tx.Query(ctx, lostThere+namedSubjects+` LIMIT $4`, workspace, l.ConnectionID, l.StageID, most))
}

// Portfolio is how many deals and leads a workspace has.
type Portfolio struct {
	Open     int // deals
	Lost     int // deals
	Leads    int // that are not archived
	Unjudged int // subjects that wait to be judged anew
}

// PortfolioOf counts a workspace's deals and leads.
func PortfolioOf(ctx context.Context, tx pgx.Tx, workspace int64) (s Portfolio, err error) {
	err = tx.QueryRow(ctx, `
		SELECT count(*) FILTER (WHERE status = 'open' AND NOT archived), count(*) FILTER (WHERE status = 'lost'),
			(SELECT count(*) FROM leads WHERE workspace_id = $1 AND deleted_at IS NULL AND NOT archived),
			(SELECT count(*) FROM dirty WHERE workspace_id = $1 AND kind IN ('deals', 'leads'))
				+ (SELECT count(*) FROM dirty x JOIN deals d ON (d.workspace_id, d.connection_id) = (x.workspace_id, x.connection_id) WHERE x.workspace_id = $1 AND x.kind = 'connections')
		FROM deals WHERE workspace_id = $1 AND deleted_at IS NULL`, workspace).Scan(&s.Open, &s.Lost, &s.Leads, &s.Unjudged)
	return s, err
}
