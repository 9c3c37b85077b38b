package postgres

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"
)

// Selling is how much a connection's account has sold.
type Selling struct {
	Deals, Won, Lost int
	Leads            int // also archived ones
	Currency         string
	Locales          []string // of the active reps
}

// SellingOf counts a connection's deals and leads that are not gone.
func SellingOf(ctx context.Context, tx pgx.Tx, workspace, connection int64) (s Selling, err error) {
	err = tx.QueryRow(ctx, `
		SELECT count(*), count(*) FILTER (WHERE status = 'won'), count(*) FILTER (WHERE status = 'lost'),
			(SELECT count(*) FROM leads WHERE (workspace_id, connection_id) = ($1, $2) AND deleted_at IS NULL),
			COALESCE(mode() WITHIN GROUP (ORDER BY currency), ''),
			(SELECT COALESCE(array_agg(locale ORDER BY external_id) FILTER (WHERE locale <> ''), '{}') FROM reps WHERE (workspace_id, connection_id) = ($1, $2) AND active AND deleted_at IS NULL)
		FROM deals WHERE (workspace_id, connection_id) = ($1, $2) AND deleted_at IS NULL`, workspace, connection).
		Scan(&s.Deals, &s.Won, &s.Lost, &s.Leads, &s.Currency, &s.Locales)
	return s, err
}

// StageFigures is how deals fare in a stage.
type StageFigures struct {
	PipelineID  string
	ID          string
	Probability *decimal.Decimal // percent
	RotDays     *int64
	Stood       int           // won deals of which it is known how long they stood here
	Stay        time.Duration // within which four of five of them went on
	Reached     int           // closed deals that came here, or further in the pipeline
	ReachedWon  int           // won ones among them
}

// StagesFare returns how deals fare in each stage of a connection, in the order
// of Stages. Of a deal that came to a stage several times its longest stay
// counts. Where a deal's stage history has not been read, the stay in its last
// stage is all that is known.
func StagesFare(ctx context.Context, tx pgx.Tx, workspace, connection int64) ([]StageFigures, error) {
	// It is asked when a first load has ended. The tables have no statistics yet then,
	// and a plan made without them reads all entries anew for each closed deal.
	if _, err := tx.Exec(ctx, "SELECT set_config('enable_nestloop', 'off', true)"); err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, `
		WITH closed AS MATERIALIZED (
			SELECT external_id, pipeline_id, stage_id, status, COALESCE(stage_entered_at, added_at) AS entered, won_at FROM deals
			WHERE (workspace_id, connection_id) = ($1, $2) AND deleted_at IS NULL AND status IN ('won', 'lost')),
		ranked AS (
			SELECT s.pipeline_id, s.external_id, s.probability, s.rot_days, p.position AS first, s.position AS second,
				row_number() OVER (PARTITION BY s.pipeline_id ORDER BY s.position, s.external_id) AS n
			FROM stages s JOIN pipelines p ON (p.workspace_id, p.connection_id, p.external_id) = (s.workspace_id, s.connection_id, s.pipeline_id)
			WHERE (s.workspace_id, s.connection_id) = ($1, $2) AND s.deleted_at IS NULL AND p.deleted_at IS NULL),
		entries AS MATERIALIZED (
			SELECT h.deal_id, h.stage_id, h.at, lead(h.at) OVER (PARTITION BY h.deal_id ORDER BY h.at, h.stage_id) AS next
			FROM deal_stages h WHERE (h.workspace_id, h.connection_id) = ($1, $2)),
		stays AS (
			SELECT deal_id, stage_id, max(left_at - at) AS stay FROM (
				SELECT e.deal_id, e.stage_id, e.at, COALESCE(e.next, c.won_at) AS left_at FROM entries e JOIN closed c ON c.external_id = e.deal_id AND c.status = 'won'
				UNION ALL
				SELECT c.external_id, c.stage_id, c.entered, c.won_at FROM closed c WHERE c.status = 'won' AND NOT EXISTS (SELECT FROM entries e WHERE e.deal_id = c.external_id)) s
			WHERE left_at > at GROUP BY 1, 2),
		stood AS (
			SELECT stage_id, count(*) AS deals, percentile_disc(0.8) WITHIN GROUP (ORDER BY stay) AS stay FROM stays GROUP BY 1),
		furthest AS (
			SELECT c.external_id, c.pipeline_id, c.status, max(r.n) AS n FROM closed c
			JOIN (SELECT external_id AS deal_id, stage_id FROM closed UNION SELECT deal_id, stage_id FROM entries) e ON e.deal_id = c.external_id
			JOIN ranked r ON r.external_id = e.stage_id AND r.pipeline_id = c.pipeline_id GROUP BY 1, 2, 3),
		reached AS (
			SELECT r.external_id, count(*) AS deals, count(*) FILTER (WHERE f.status = 'won') AS won
			FROM ranked r JOIN furthest f ON f.pipeline_id = r.pipeline_id AND f.n >= r.n GROUP BY 1)
		SELECT r.pipeline_id, r.external_id, r.probability, r.rot_days, COALESCE(st.deals, 0), (COALESCE(extract(epoch FROM st.stay), 0) * 1000000)::bigint * 1000,
			COALESCE(re.deals, 0), COALESCE(re.won, 0)
		FROM ranked r LEFT JOIN stood st ON st.stage_id = r.external_id LEFT JOIN reached re ON re.external_id = r.external_id
		ORDER BY r.first, r.pipeline_id, r.second, r.external_id`, workspace, connection)
	if err != nil {
		return nil, err
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[StageFigures])
	if err != nil {
		return nil, err
	}
	_, err = tx.Exec(ctx, "SELECT set_config('enable_nestloop', 'on', true)")
	return all, err
}

// Outcomes is how many deals of a pipeline were won and lost.
type Outcomes struct {
	PipelineID string
	Won, Lost  int
}

// OutcomesByPipeline counts a connection's closed deals.
func OutcomesByPipeline(ctx context.Context, tx pgx.Tx, workspace, connection int64) ([]Outcomes, error) {
	rows, err := tx.Query(ctx, `
		SELECT pipeline_id, count(*) FILTER (WHERE status = 'won'), count(*) FILTER (WHERE status = 'lost') FROM deals
		WHERE (workspace_id, connection_id) = ($1, $2) AND deleted_at IS NULL AND pipeline_id IS NOT NULL GROUP BY 1`, workspace, connection)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Outcomes])
}

// Filled is in how many closed deals of a pipeline a field is filled.
type Filled struct {
	PipelineID string
	Field      string // a column, or custom. and the vendor's code
	Won, Lost  int
}

// FieldsFilled counts in how many closed deals each field is filled.
func FieldsFilled(ctx context.Context, tx pgx.Tx, workspace, connection int64) ([]Filled, error) {
	rows, err := tx.Query(ctx, `
		WITH closed AS (
			SELECT * FROM deals WHERE (workspace_id, connection_id) = ($1, $2) AND deleted_at IS NULL AND status IN ('won', 'lost') AND pipeline_id IS NOT NULL)
		SELECT c.pipeline_id, f.field, count(*) FILTER (WHERE c.status = 'won'), count(*) FILTER (WHERE c.status = 'lost')
		FROM closed c CROSS JOIN LATERAL (
			SELECT 'custom.' || key AS field FROM jsonb_each_text(c.custom) WHERE value <> '' AND value <> '[]' AND value <> '{}'
			UNION ALL SELECT v.field FROM (VALUES ('expected_close', c.expected_close IS NOT NULL), ('person', c.person_id IS NOT NULL),
				('company', c.company_id IS NOT NULL), ('source', c.source <> '')) v(field, has) WHERE v.has) f
		GROUP BY 1, 2 ORDER BY 1, 2`, workspace, connection)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Filled])
}

// GivenReason is a text that stands as a loss reason.
type GivenReason struct {
	Text  string // empty: none
	Deals int
}

// ReasonsGiven counts what stands as the reason of a connection's lost deals,
// the most frequent first.
func ReasonsGiven(ctx context.Context, tx pgx.Tx, workspace, connection int64, most int) ([]GivenReason, error) {
	rows, err := tx.Query(ctx, `
		SELECT COALESCE(lost_reason, ''), count(*) FROM deals
		WHERE (workspace_id, connection_id) = ($1, $2) AND deleted_at IS NULL AND status = 'lost' GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT $3`, workspace, connection, most)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[GivenReason])
}

// RequiredField is when the CRM's own pages demand a field of deals.
type RequiredField struct {
	Code     string
	Name     string
	Custom   bool
	Required json.RawMessage // see sales.Kinds
}

// RequiredFields lists the fields of deals that the CRM's own pages demand.
func RequiredFields(ctx context.Context, tx pgx.Tx, workspace, connection int64) ([]RequiredField, error) {
	rows, err := tx.Query(ctx, `
		SELECT code, name, custom, required FROM fields
		WHERE (workspace_id, connection_id) = ($1, $2) AND deleted_at IS NULL AND object = 'deals' AND required IS NOT NULL ORDER BY external_id`, workspace, connection)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[RequiredField])
}
