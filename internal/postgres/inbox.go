package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/connectors"
)

// Letter is one delivery to be stored.
type Letter struct {
	Workspace, Connection int64
	At                    time.Time
	Key                   string
	Reads                 []connectors.Ref
	Merges                []connectors.Merge
	Body                  []byte
}

// Waiting is a stored delivery whose records have not been read yet.
type Waiting struct {
	ID         int64
	At         time.Time
	ReceivedAt time.Time
	Reads      []connectors.Ref
	Merges     []connectors.Merge
}

// StoreLetters stores deliveries of any workspaces in one transaction, and
// calls inTx before it commits with the connections that got something new. A
// repeat of a stored delivery is dropped.
func (db *DB) StoreLetters(ctx context.Context, letters []Letter, inTx func(tx pgx.Tx, got [][2]int64) error) error {
	return pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		batch, got := lettersBatch(letters)
		if err := tx.SendBatch(ctx, batch).Close(); err != nil {
			return fmt.Errorf("store deliveries: %w", err)
		}
		return inTx(tx, *got)
	})
}

// PostLetters is StoreLetters with nothing else in the transaction, in one
// round trip. It returns the connections that got something new.
func (db *DB) PostLetters(ctx context.Context, letters []Letter) ([][2]int64, error) {
	batch, got := lettersBatch(letters)
	// What is sent together without a BEGIN is one transaction.
	if err := db.pool.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("store deliveries: %w", err)
	}
	return *got, nil
}

// lettersBatch makes the statements that store letters. got is filled when
// they have run.
func lettersBatch(letters []Letter) (batch *pgx.Batch, got *[][2]int64) {
	batch, got = &pgx.Batch{}, &[][2]int64{}
	groups := byWorkspace(letters)
	for _, workspace := range slices.Sorted(maps.Keys(groups)) {
		queueGroup(batch, workspace, groups[workspace], got)
	}
	return batch, got
}

func byWorkspace(letters []Letter) map[int64][]Letter {
	groups := map[int64][]Letter{}
	for _, l := range letters {
		groups[l.Workspace] = append(groups[l.Workspace], l)
	}
	return groups
}

// queueGroup makes the statement that stores the letters of one workspace. It
// names the workspace itself: a statement of its own for that, and a list where
// there is one letter, would double what PostgreSQL has to do for a delivery.
// The setting is made before a row is checked against it, because the row's
// workspace is what set_config returns.
func queueGroup(batch *pgx.Batch, workspace int64, letters []Letter, got *[][2]int64) {
	var q *pgx.QueuedQuery
	if len(letters) == 1 {
		l := letters[0]
		q = batch.Queue(`
			INSERT INTO inbox (workspace_id, connection_id, at, key, reads, body)
			VALUES (set_config('salesbook.workspace', $1::bigint::text, true)::bigint, $2, $3, $4, $5, $6)
			ON CONFLICT DO NOTHING RETURNING connection_id`, workspace, l.Connection, l.At, l.Key, readsJSON(l), l.Body)
	} else {
		q = queueList(batch, workspace, letters)
	}
	q.Query(func(rows pgx.Rows) error {
		ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		for _, id := range ids {
			*got = append(*got, [2]int64{workspace, id})
		}
		return err
	})
}

func queueList(batch *pgx.Batch, workspace int64, letters []Letter) *pgx.QueuedQuery {
	n := len(letters)
	connection, at, key := make([]int64, n), make([]time.Time, n), make([]string, n)
	reads, body := make([]string, n), make([][]byte, n)
	for i, l := range letters {
		connection[i], at[i], key[i], body[i] = l.Connection, l.At, l.Key, l.Body
		reads[i] = readsJSON(l)
	}
	return batch.Queue(`
		WITH here AS MATERIALIZED (
			SELECT set_config('salesbook.workspace', $1::bigint::text, true)::bigint AS workspace
		), stored AS (
			INSERT INTO inbox (workspace_id, connection_id, at, key, reads, body)
			SELECT here.workspace, e.c, e.at, e.key, e.reads::jsonb, e.body
			FROM here, unnest($2::bigint[], $3::timestamptz[], $4::text[], $5::text[], $6::bytea[]) AS e(c, at, key, reads, body)
			ON CONFLICT DO NOTHING RETURNING connection_id)
		SELECT DISTINCT connection_id FROM stored`, workspace, connection, at, key, reads, body)
}

// readsJSON writes what a delivery names as [object, id], or [object, id,
// survivor] for what was merged.
func readsJSON(l Letter) string {
	named := make([][]string, len(l.Reads))
	for i, r := range l.Reads {
		named[i] = []string{r.Object, r.ID}
		for _, m := range l.Merges {
			if m.Object == r.Object && m.ID == r.ID {
				named[i] = []string{r.Object, r.ID, m.Into}
			}
		}
	}
	b, err := json.Marshal(named)
	if err != nil {
		panic(err) // strings always marshal
	}
	return string(b)
}

// WaitingLetters returns the oldest unread deliveries of a connection.
func WaitingLetters(ctx context.Context, tx pgx.Tx, workspace, connection int64, most int) ([]Waiting, error) {
	rows, err := tx.Query(ctx, `
		SELECT id, at, received_at, reads FROM inbox WHERE (workspace_id, connection_id) = ($1, $2) AND done_at IS NULL ORDER BY id LIMIT $3`,
		workspace, connection, most)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Waiting, error) {
		var w Waiting
		var named [][3]string // a missing third stays empty
		if err := row.Scan(&w.ID, &w.At, &w.ReceivedAt, &named); err != nil {
			return w, err
		}
		for _, n := range named {
			w.Reads = append(w.Reads, connectors.Ref{Object: n[0], ID: n[1]})
			if n[2] != "" {
				w.Merges = append(w.Merges, connectors.Merge{Object: n[0], ID: n[1], Into: n[2]})
			}
		}
		return w, nil
	})
}

// AnyWaiting tells whether a connection has unread deliveries.
func AnyWaiting(ctx context.Context, tx pgx.Tx, workspace, connection int64) (bool, error) {
	var any bool
	err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM inbox WHERE (workspace_id, connection_id) = ($1, $2) AND done_at IS NULL)`, workspace, connection).Scan(&any)
	return any, err
}

// FinishLetters marks deliveries as read.
func FinishLetters(ctx context.Context, tx pgx.Tx, workspace int64, letters []Waiting) error {
	ids := make([]int64, len(letters))
	for i, l := range letters {
		ids[i] = l.ID
	}
	_, err := tx.Exec(ctx, `UPDATE inbox SET done_at = now() WHERE workspace_id = $1 AND id = ANY($2) AND done_at IS NULL`, workspace, ids)
	return err
}

// WaitingDeliveries lists the connections, of all workspaces, whose inbox
// holds work.
func (db *DB) WaitingDeliveries(ctx context.Context) ([][2]int64, error) {
	rows, err := db.pool.Query(ctx, `SELECT workspace_id, connection_id FROM waiting_deliveries()`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (p [2]int64, err error) {
		return p, row.Scan(&p[0], &p[1])
	})
}
