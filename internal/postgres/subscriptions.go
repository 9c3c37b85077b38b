package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/connectors"
)

// SetSubscriptions records what stands at the vendor now, and what it refuses.
func SetSubscriptions(ctx context.Context, tx pgx.Tx, workspace, connection int64, subs []connectors.Subscription) error {
	if _, err := tx.Exec(ctx, `DELETE FROM subscriptions WHERE (workspace_id, connection_id) = ($1, $2)`, workspace, connection); err != nil {
		return err
	}
	for _, s := range subs {
		_, err := tx.Exec(ctx, `
			INSERT INTO subscriptions (workspace_id, connection_id, external_id, object, active, expires_at, refused) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			workspace, connection, s.ID, s.Object, s.Active, nullTime(s.ExpiresAt), s.Refused)
		if err != nil {
			return err
		}
	}
	return nil
}

// Subscriptions returns what stood at the vendor at the last check, and what it
// refused.
func Subscriptions(ctx context.Context, tx pgx.Tx, workspace, connection int64) ([]connectors.Subscription, error) {
	rows, err := tx.Query(ctx, `
		SELECT external_id, object, active, expires_at, refused FROM subscriptions WHERE (workspace_id, connection_id) = ($1, $2) ORDER BY object, external_id`, workspace, connection)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (connectors.Subscription, error) {
		var s connectors.Subscription
		var expires *time.Time
		err := row.Scan(&s.ID, &s.Object, &s.Active, &expires, &s.Refused)
		if expires != nil {
			s.ExpiresAt = *expires
		}
		return s, err
	})
}
