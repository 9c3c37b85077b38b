package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
)

// Breaker is what is known of a vendor that cannot be reached properly. All
// instants are the database's: workers share it, their clocks need not agree.
type Breaker struct {
	Strikes   int       // temporary failures one after the other
	Why       string    // the last of them
	Since     time.Time // of the first of them
	RestUntil time.Time // nobody calls before
}

// answered tells whether the vendor of breaker b has answered properly after
// the last strike: a page of any walk has been committed, or a run that asks
// the vendor has committed one or come to a good end.
const answered = `(
	EXISTS (SELECT FROM cursors c WHERE (c.workspace_id, c.connection_id) = (b.workspace_id, b.connection_id) AND c.seq > 0 AND c.moved_at > b.at)
	OR EXISTS (SELECT FROM sweeps s WHERE (s.workspace_id, s.connection_id) = (b.workspace_id, b.connection_id) AND s.seq > 0 AND s.moved_at > b.at)
	OR EXISTS (
		SELECT FROM (SELECT kind, outcome, pages, finished_at FROM runs r
			WHERE (r.workspace_id, r.connection_id) = (b.workspace_id, b.connection_id) ORDER BY r.id DESC LIMIT 50) r
		WHERE r.finished_at > b.at AND r.kind <> 'replay' AND (r.outcome = 'done' OR r.pages > 0)))`

// breath is how close to each other failures are one and the same trouble: jobs
// that were under way together fail together.
const breath = 10 * time.Second

// Strike counts a temporary failure of a connection and returns how many there
// have been one after the other.
func Strike(ctx context.Context, tx pgx.Tx, workspace, connection int64, why string) (strikes int, err error) {
	err = tx.QueryRow(ctx, `
		INSERT INTO breakers AS b (workspace_id, connection_id, strikes, why) VALUES ($1, $2, 1, $3)
		ON CONFLICT (workspace_id, connection_id) DO UPDATE SET
			(strikes, since, at, rest_until) = (SELECT
				CASE WHEN t.mended THEN 1 WHEN t.same THEN b.strikes ELSE b.strikes + 1 END,
				CASE WHEN t.mended THEN now() ELSE b.since END,
				CASE WHEN t.same AND NOT t.mended THEN b.at ELSE now() END,
				CASE WHEN t.mended THEN NULL ELSE b.rest_until END
				FROM (SELECT `+answered+` AS mended, b.at > now() - $4::interval AS same) t),
			why = excluded.why
		RETURNING strikes`, workspace, connection, why, breath).Scan(&strikes)
	return strikes, err
}

// RestFor keeps all workers from a connection's vendor for at least d from now,
// and returns for how long they are kept in the end.
func RestFor(ctx context.Context, tx pgx.Tx, workspace, connection int64, d time.Duration) (time.Duration, error) {
	return d, tx.QueryRow(ctx, `
		UPDATE breakers SET rest_until = greatest(rest_until, now() + $3::interval)
		WHERE (workspace_id, connection_id) = ($1, $2) RETURNING rest_until - now()`, workspace, connection, d).Scan(&d)
}

// MayCall tells how long a connection's vendor must still be left alone; 0: the
// caller may call. When the rest is over one caller is let through to try, and
// the others are kept away for as long as the try may take.
func MayCall(ctx context.Context, tx pgx.Tx, workspace, connection int64, try time.Duration) (rest time.Duration, err error) {
	var left *time.Duration
	var mended bool
	err = tx.QueryRow(ctx, `
		SELECT rest_until - now(), `+answered+` FROM breakers b WHERE (workspace_id, connection_id) = ($1, $2) FOR UPDATE`,
		workspace, connection).Scan(&left, &mended)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return 0, nil
	case err != nil || left == nil:
		return 0, err
	case mended:
		_, err := CloseBreaker(ctx, tx, workspace, connection, true)
		return 0, err
	case *left > 0:
		return *left, nil
	}
	_, err = RestFor(ctx, tx, workspace, connection, try)
	return 0, err
}

// CloseBreaker forgets a connection's failures and lets waiting work go on at
// once, if the vendor has answered since the last of them or at any rate. It
// reports whether the connection had rested.
func CloseBreaker(ctx context.Context, tx pgx.Tx, workspace, connection int64, atAnyRate bool) (rested bool, err error) {
	err = tx.QueryRow(ctx, `
		DELETE FROM breakers b WHERE (workspace_id, connection_id) = ($1, $2) AND ($3 OR `+answered+`) RETURNING rest_until IS NOT NULL`,
		workspace, connection, atAnyRate).Scan(&rested)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err != nil || !rested {
		return rested, err
	}
	if err := Rest(ctx, tx, workspace, connection, 0); err != nil {
		return true, err
	}
	return true, DueIn(ctx, tx, workspace, "pull", connection, 0)
}

// BreakerOf returns why and until when a connection rests; nil if it does not.
func BreakerOf(ctx context.Context, tx pgx.Tx, workspace, connection int64) (*Breaker, error) {
	rows, err := tx.Query(ctx, `
		SELECT strikes, why, since, rest_until FROM breakers b
		WHERE (workspace_id, connection_id) = ($1, $2) AND rest_until > now() AND NOT `+answered, workspace, connection)
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, pgx.RowToAddrOfStructByPos[Breaker])
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return list[0], nil
}

// BreakerStat tells for /metrics whether a connection rests.
type BreakerStat struct {
	Workspace, Connection, Vendor string
	Resting                       bool
}

// BreakerStats returns every connection of the installation.
func (db *DB) BreakerStats(ctx context.Context) ([]BreakerStat, error) {
	rows, err := db.pool.Query(ctx, `SELECT workspace, connection, vendor, resting FROM breaker_stats()`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[BreakerStat])
}
