package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/fault"
)

// Lease is the right to work on a subject, for a short time that its holder
// keeps renewing. Its fence stands in every commit made under it.
type Lease struct {
	Workspace     int64
	Kind, Subject string
	Holder        string
	Fence         int64
	TTL           time.Duration
}

// Claim takes the lease, or reports false while another holder has it.
func (db *DB) Claim(ctx context.Context, l *Lease) (bool, error) {
	err := db.In(ctx, l.Workspace, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `
			INSERT INTO leases AS l (workspace_id, kind, subject, holder, until) VALUES ($1, $2, $3, $4, now() + $5)
			ON CONFLICT (workspace_id, kind, subject) DO UPDATE SET holder = excluded.holder, fence = l.fence + 1, until = excluded.until
			WHERE l.until <= now()
			RETURNING fence`, l.Workspace, l.Kind, l.Subject, l.Holder, l.TTL).Scan(&l.Fence)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// Renew prolongs the lease; fault.Lost when somebody else has it now.
func (db *DB) Renew(ctx context.Context, l Lease) error {
	return db.In(ctx, l.Workspace, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `
			UPDATE leases SET until = now() + $5 WHERE (workspace_id, kind, subject) = ($1, $2, $3) AND fence = $4 AND until > '-infinity'`,
			l.Workspace, l.Kind, l.Subject, l.Fence, l.TTL)
		return lost(l, tag.RowsAffected(), err)
	})
}

// Hold checks the fence and keeps the lease from changing hands until the
// transaction ends. Call it last before a commit.
func (l Lease) Hold(ctx context.Context, tx pgx.Tx) error {
	tag, err := tx.Exec(ctx, `
		SELECT FROM leases WHERE (workspace_id, kind, subject) = ($1, $2, $3) AND fence = $4 AND until > '-infinity' FOR SHARE`,
		l.Workspace, l.Kind, l.Subject, l.Fence)
	return lost(l, tag.RowsAffected(), err)
}

// Finish locks the lease so that news from now on is another holder's. The
// caller looks for more work in a later statement of the same transaction and
// then either commits with Release or goes on.
func (l Lease) Finish(ctx context.Context, tx pgx.Tx) error {
	tag, err := tx.Exec(ctx, `
		SELECT FROM leases WHERE (workspace_id, kind, subject) = ($1, $2, $3) AND fence = $4 AND until > '-infinity' FOR UPDATE`,
		l.Workspace, l.Kind, l.Subject, l.Fence)
	return lost(l, tag.RowsAffected(), err)
}

// Release gives the lease up when the transaction commits.
func (l Lease) Release(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `
		UPDATE leases SET until = '-infinity' WHERE (workspace_id, kind, subject) = ($1, $2, $3) AND fence = $4`,
		l.Workspace, l.Kind, l.Subject, l.Fence)
	return err
}

func lost(l Lease, affected int64, err error) error {
	if err == nil && affected == 0 {
		return fault.New(fault.Lost, "the lease on %s %s was taken over by another worker", l.Kind, l.Subject)
	}
	return err
}

// Seize takes the lease from whoever has it: what he has not committed by now
// he never will.
func (db *DB) Seize(ctx context.Context, l *Lease) error {
	return db.In(ctx, l.Workspace, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `
			INSERT INTO leases AS l (workspace_id, kind, subject, holder, until) VALUES ($1, $2, $3, $4, now() + $5)
			ON CONFLICT (workspace_id, kind, subject) DO UPDATE SET holder = excluded.holder, fence = l.fence + 1, until = excluded.until
			RETURNING fence`, l.Workspace, l.Kind, l.Subject, l.Holder, l.TTL).Scan(&l.Fence)
	})
}

// RevokeLeases takes all work on a connection out of its holders' hands: what
// they have not committed by now they never will.
func RevokeLeases(ctx context.Context, tx pgx.Tx, workspace, connection int64) error {
	_, err := tx.Exec(ctx, `
		UPDATE leases SET fence = fence + 1, until = '-infinity'
		WHERE workspace_id = $1 AND subject = $2::bigint::text AND kind IN ('pull', 'receive', 'history', 'watch', 'replay', 'sweep', 'push')`, workspace, connection)
	return err
}
