package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"
)

// PipelineDefinition is a pipeline as the CRM has it.
type PipelineDefinition struct {
	ID, Name      string
	Probabilities bool // its deals carry one
}

// StageDefinition is a stage as the CRM has it.
type StageDefinition struct {
	PipelineID, ID, Name string
	Probability          *decimal.Decimal
	RotDays              *int
	Position             int // 0: the CRM says none
}

// PipelineDefinitions lists the pipelines of a connection that are not deleted,
// also those without a stage, and their stages, in their order.
func PipelineDefinitions(ctx context.Context, tx pgx.Tx, workspace, connection int64) (pipelines []PipelineDefinition, stages []StageDefinition, err error) {
	rows, err := tx.Query(ctx, `
		SELECT external_id, name, COALESCE(probability_enabled, false) FROM pipelines
		WHERE (workspace_id, connection_id) = ($1, $2) AND deleted_at IS NULL ORDER BY position, external_id`, workspace, connection)
	if err != nil {
		return nil, nil, err
	}
	if pipelines, err = pgx.CollectRows(rows, pgx.RowToStructByPos[PipelineDefinition]); err != nil {
		return nil, nil, err
	}
	rows, err = tx.Query(ctx, `
		SELECT pipeline_id, external_id, name, probability, rot_days, COALESCE(position, 0)::int FROM stages
		WHERE (workspace_id, connection_id) = ($1, $2) AND deleted_at IS NULL ORDER BY position, external_id`, workspace, connection)
	if err != nil {
		return nil, nil, err
	}
	stages, err = pgx.CollectRows(rows, pgx.RowToStructByPos[StageDefinition])
	return pipelines, stages, err
}
