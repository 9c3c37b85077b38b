package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// Approval is a decision of a person that a deal may be lost.
type Approval struct {
	ID          int64
	Deal        string
	Loss        *time.Time // which loss; nil: the next one for the reason
	Reason      string     // of the loss
	Given       time.Time
	By          string
	Note        string
	Withdrawn   *time.Time // nil: it stands
	WithdrawnBy *string
}

const approvalColumns = `id, deal_id, loss_at, reason, given_at, given_by, note, withdrawn_at, withdrawn_by`

// Approve stores an approval, and has its deal judged anew.
func Approve(ctx context.Context, tx pgx.Tx, workspace, connection int64, a Approval) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO approvals (workspace_id, connection_id, deal_id, loss_at, reason, given_at, given_by, note) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		workspace, connection, a.Deal, a.Loss, a.Reason, a.Given, a.By, a.Note)
	if err != nil {
		return err
	}
	return MarkDirty(ctx, tx, workspace, connection, "deals", []string{a.Deal})
}

// Withdraw takes back the approvals of a deal's losses that stand, and has it
// judged anew.
func Withdraw(ctx context.Context, tx pgx.Tx, workspace, connection int64, deal string, at time.Time, by string) error {
	_, err := tx.Exec(ctx, `
		UPDATE approvals SET withdrawn_at = GREATEST($4::timestamptz, given_at), withdrawn_by = $5
		WHERE (workspace_id, connection_id, deal_id) = ($1, $2, $3) AND withdrawn_at IS NULL`, workspace, connection, deal, at, by)
	if err != nil {
		return err
	}
	return MarkDirty(ctx, tx, workspace, connection, "deals", []string{deal})
}

// ApprovalsOf returns the approvals of deals' losses, also those that were taken
// back, each deal's oldest first.
func ApprovalsOf(ctx context.Context, tx pgx.Tx, workspace, connection int64, deals []string) ([]Approval, error) {
	rows, err := tx.Query(ctx, `
		SELECT a.* FROM unnest($3::text[]) AS w(id) CROSS JOIN LATERAL (
			SELECT `+approvalColumns+` FROM approvals
			WHERE (workspace_id, connection_id, deal_id) = ($1, $2, w.id) ORDER BY given_at, id OFFSET 0) a`, workspace, connection, deals)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Approval])
}
