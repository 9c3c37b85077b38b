package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// OutMessage is a message to one person by one channel.
type OutMessage struct {
	ID       int64
	Address  string
	Channel  int64 // 0: a mail to the address itself
	Kind     string
	About    []int64 // the notifications that it tells of
	Mark     string
	Attempts int
	Unsure   int // how often it was handed over and nobody knows what came of it
	MadeAt   time.Time
}

// AddMessage has notifications told by a channel, in one message.
func AddMessage(ctx context.Context, tx pgx.Tx, workspace int64, address string, channel int64, kind string, about []int64, now time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO messages (workspace_id, address, channel_id, kind, about, made_at, next_at) VALUES ($1, $2, $3, $4, $5, $6, $6)`,
		workspace, address, channel, kind, about, now)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE notifications SET state = 'going' WHERE workspace_id = $1 AND id = ANY($2) AND state = 'waiting'`, workspace, about)
	return err
}

// ClaimMessage takes the message whose turn it is and writes down that it is
// about to be handed over: the attempt counts whatever becomes of this process.
// Until so long from now nobody else takes it. Those of some kinds, and of some
// channels, are left out. It is nil if there is none.
func ClaimMessage(ctx context.Context, tx pgx.Tx, workspace int64, now time.Time, hold time.Duration, butKinds []string, butChannels []int64) (*OutMessage, error) {
	rows, err := tx.Query(ctx, `
		UPDATE messages m SET state = 'going', attempts = m.attempts + 1, unsure = m.unsure + CASE WHEN m.state = 'going' THEN 1 ELSE 0 END, next_at = $3, tried_at = $2
		WHERE m.workspace_id = $1 AND m.id = (
			SELECT id FROM messages WHERE workspace_id = $1 AND state IN ('waiting', 'going') AND next_at <= $2 AND kind <> ALL($4) AND channel_id <> ALL($5)
			ORDER BY next_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
		RETURNING id, address, channel_id, kind, about, mark, attempts, unsure, made_at`, workspace, now, now.Add(hold), butKinds, butChannels)
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, pgx.RowToAddrOfStructByPos[OutMessage])
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return list[0], nil
}

// SentMessage writes the receipt of a message, and that its notifications were
// told. It does nothing if the message was taken by somebody else since.
func SentMessage(ctx context.Context, tx pgx.Tx, workspace int64, m *OutMessage, vendor string, now time.Time) error {
	tag, err := tx.Exec(ctx, `
		UPDATE messages SET state = 'sent', done_at = $4, vendor_id = $5, why = '' WHERE (workspace_id, id, attempts) = ($1, $2, $3) AND state = 'going'`,
		workspace, m.ID, m.Attempts, now, vendor)
	if err != nil || tag.RowsAffected() == 0 {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE notifications SET state = 'sent', done_at = $3, why = '' WHERE workspace_id = $1 AND id = ANY($2) AND state <> 'sent'`, workspace, m.About, now)
	return err
}

// RetryMessage lets a message wait for another attempt, and notes how often nobody
// knew what came of it.
func RetryMessage(ctx context.Context, tx pgx.Tx, workspace int64, m *OutMessage, next time.Time, why string) error {
	_, err := tx.Exec(ctx, `
		UPDATE messages SET state = 'waiting', next_at = $4, why = $5, unsure = $6 WHERE (workspace_id, id, attempts) = ($1, $2, $3) AND state = 'going'`,
		workspace, m.ID, m.Attempts, next, why, m.Unsure)
	return err
}

// EndMessage gives a message up: failed or dropped. So are its notifications that
// no other message tells of. It reports false if somebody else took it since.
func EndMessage(ctx context.Context, tx pgx.Tx, workspace int64, m *OutMessage, state, why string, now time.Time) (bool, error) {
	tag, err := tx.Exec(ctx, `
		UPDATE messages SET state = $4, done_at = $5, why = $6 WHERE (workspace_id, id, attempts) = ($1, $2, $3) AND state = 'going'`,
		workspace, m.ID, m.Attempts, state, now, why)
	if err != nil || tag.RowsAffected() == 0 {
		return false, err
	}
	_, err = tx.Exec(ctx, `
		UPDATE notifications n SET state = $3, why = $4, done_at = $5
		WHERE n.workspace_id = $1 AND n.id = ANY($2) AND n.state = 'going' AND NOT EXISTS (
			SELECT FROM messages m WHERE (m.workspace_id, m.address) = ($1, n.address) AND m.state IN ('waiting', 'going') AND n.id = ANY(m.about))`,
		workspace, m.About, state, why, now)
	return true, err
}

// ReviveMessage has a message that failed tried again from the start; false if it
// is none that failed.
func ReviveMessage(ctx context.Context, tx pgx.Tx, workspace, id int64, now time.Time) (bool, error) {
	var about []int64
	rows, err := tx.Query(ctx, `
		UPDATE messages SET state = 'waiting', attempts = 0, unsure = 0, next_at = $3, done_at = NULL WHERE (workspace_id, id) = ($1, $2) AND state = 'failed' RETURNING about`, workspace, id, now)
	if err != nil {
		return false, err
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[[]int64])
	if err != nil || len(found) == 0 {
		return false, err
	}
	about = found[0]
	_, err = tx.Exec(ctx, `UPDATE notifications SET state = 'going', done_at = NULL WHERE workspace_id = $1 AND id = ANY($2) AND state = 'failed'`, workspace, about)
	return true, err
}

// OpenViolationOf returns the violation that a notification is about; nil if it
// is open no longer.
func OpenViolationOf(ctx context.Context, tx pgx.Tx, workspace int64, n *Notification) (*Violation, error) {
	rows, err := tx.Query(ctx, `
		SELECT id, opened_at, place, owner FROM violations
		WHERE (workspace_id, connection_id, kind, external_id, rule, detail, opened_at) = ($1, $2, $3, $4, $5, $6, $7) AND mended_at IS NULL AND closed_at IS NULL`,
		workspace, n.Subject.Connection, n.Subject.Kind, n.Subject.ID, n.Rule, n.Detail, n.Opened)
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*Violation, error) {
		v := &Violation{Subject: n.Subject, Rule: n.Rule, Detail: n.Detail}
		return v, row.Scan(&v.ID, &v.Opened, &v.Place, &v.Owner)
	})
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return list[0], nil
}

// StoppedWriting is a connection through which nothing is written any more.
type StoppedWriting struct{ Connection, Why string }

// Undecided is what of a workspace waits for a person, beside losses.
type Undecided struct {
	Asked   int64 // edits that somebody has to agree to
	Failed  int64 // messages and deliveries that were given up
	Stopped []StoppedWriting
}

// UndecidedOf returns what waits for a person.
func UndecidedOf(ctx context.Context, tx pgx.Tx, workspace int64) (u Undecided, err error) {
	err = tx.QueryRow(ctx, `
		SELECT (SELECT count(*) FROM edits WHERE workspace_id = $1 AND state = 'asked'),
			(SELECT count(*) FROM failures WHERE workspace_id = $1 AND kind IN ('delivery', 'notification') AND resolved_at IS NULL)`, workspace).Scan(&u.Asked, &u.Failed)
	if err != nil {
		return u, err
	}
	rows, err := tx.Query(ctx, `SELECT name, writes_why FROM connections WHERE workspace_id = $1 AND writes = 'stopped' ORDER BY name LIMIT 20`, workspace)
	if err != nil {
		return u, err
	}
	u.Stopped, err = pgx.CollectRows(rows, pgx.RowToStructByPos[StoppedWriting])
	return u, err
}
