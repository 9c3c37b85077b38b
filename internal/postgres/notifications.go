package postgres

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// DigestOccasion is the occasion of the digest of the morning.
const DigestOccasion = "digest"

// Notification is what somebody is to be told, or was. It holds no value of a
// record.
type Notification struct {
	ID        int64
	Address   string // see Channel
	Occasion  string
	Key       string // what has one key is told once to each
	Subject   SubjectKey
	Rule      string // of the violation that it is about
	Detail    string
	Opened    *time.Time
	MadeAt    time.Time  // zero: now
	NotBefore *time.Time // nil: that was not looked at yet
	State     string
	Why       string
	DoneAt    *time.Time
}

const notificationColumns = `id, address, occasion, key, COALESCE(connection_id, 0), kind, external_id, rule, detail, opened_at, made_at, not_before, state, why, done_at`

func scanNotification(row pgx.CollectableRow) (n Notification, err error) {
	return n, row.Scan(&n.ID, &n.Address, &n.Occasion, &n.Key, &n.Subject.Connection, &n.Subject.Kind, &n.Subject.ID, &n.Rule, &n.Detail, &n.Opened, &n.MadeAt, &n.NotBefore, &n.State, &n.Why, &n.DoneAt)
}

// WantNotifications stores what people are to be told. What has the address and
// key of another, whatever became of it, is left out: nothing is told twice.
func WantNotifications(ctx context.Context, tx pgx.Tx, workspace int64, list []Notification) error {
	if len(list) == 0 {
		return nil
	}
	list = slices.SortedFunc(slices.Values(list), func(a, b Notification) int { // the order in which all transactions lock
		return cmp.Or(cmp.Compare(a.Address, b.Address), cmp.Compare(a.Key, b.Key))
	})
	var addresses, occasions, keys, kinds, ids, rules, details []string
	var connections []int64
	var opened, made []*time.Time
	for _, n := range list {
		addresses, occasions, keys = append(addresses, n.Address), append(occasions, n.Occasion), append(keys, n.Key)
		connections, kinds, ids = append(connections, n.Subject.Connection), append(kinds, n.Subject.Kind), append(ids, n.Subject.ID)
		rules, details, opened = append(rules, n.Rule), append(details, n.Detail), append(opened, n.Opened)
		at := &n.MadeAt
		if at.IsZero() {
			at = nil
		}
		made = append(made, at)
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO notifications (workspace_id, address, occasion, key, connection_id, kind, external_id, rule, detail, opened_at, made_at)
		SELECT $1, address, occasion, key, NULLIF(connection, 0), kind, id, rule, detail, opened, COALESCE(made, now())
		FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::text[], $10::timestamptz[], $11::timestamptz[])
			u(address, occasion, key, connection, kind, id, rule, detail, opened, made)
		ON CONFLICT (workspace_id, address, key) DO NOTHING`,
		workspace, addresses, occasions, keys, connections, kinds, ids, rules, details, opened, made)
	return err
}

// WaitingAddresses returns up to most addresses, after the given one, for which
// something waits whose time has come.
func WaitingAddresses(ctx context.Context, tx pgx.Tx, workspace int64, now time.Time, after string, most int) ([]string, error) {
	rows, err := tx.Query(ctx, `
		SELECT DISTINCT address FROM notifications
		WHERE workspace_id = $1 AND state = 'waiting' AND (not_before IS NULL OR not_before <= $2) AND address > $3 ORDER BY address LIMIT $4`, workspace, now, after, most)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// MorningAddresses returns the addresses for which something waits that is none of
// the given occasions.
func MorningAddresses(ctx context.Context, tx pgx.Tx, workspace int64, but []string) ([]string, error) {
	rows, err := tx.Query(ctx, `SELECT DISTINCT address FROM notifications WHERE workspace_id = $1 AND state = 'waiting' AND occasion <> ALL($2)`, workspace, but)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// WaitingFor returns what waits for an address and is none of the given occasions,
// the oldest first, whether its time has come or not.
func WaitingFor(ctx context.Context, tx pgx.Tx, workspace int64, address string, but []string, most int) ([]Notification, error) {
	rows, err := tx.Query(ctx, `
		SELECT `+notificationColumns+` FROM notifications WHERE (workspace_id, address) = ($1, $2) AND state = 'waiting' AND occasion <> ALL($3) ORDER BY id LIMIT $4`,
		workspace, address, but, most)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanNotification)
}

// TakeWaiting returns what waits for an address and whose time has come, digests
// and then the oldest first, locked until the transaction ends.
func TakeWaiting(ctx context.Context, tx pgx.Tx, workspace int64, address string, now time.Time, most int) ([]Notification, error) {
	rows, err := tx.Query(ctx, `
		SELECT `+notificationColumns+` FROM notifications
		WHERE (workspace_id, address) = ($1, $2) AND state = 'waiting' AND (not_before IS NULL OR not_before <= $3)
		ORDER BY occasion <> 'digest', id LIMIT $4 FOR UPDATE`, workspace, address, now, most)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanNotification)
}

// PostponeNotifications lets notifications wait until an instant.
func PostponeNotifications(ctx context.Context, tx pgx.Tx, workspace int64, ids []int64, until time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE notifications SET not_before = $3 WHERE workspace_id = $1 AND id = ANY($2) AND state = 'waiting'`, workspace, ids, until)
	return err
}

// WaitAgain lets notifications wait for the next digest whose own was not sent on
// its day.
func WaitAgain(ctx context.Context, tx pgx.Tx, workspace int64, ids []int64) error {
	_, err := tx.Exec(ctx, `
		UPDATE notifications SET state = 'waiting', not_before = NULL, why = '', done_at = NULL
		WHERE workspace_id = $1 AND id = ANY($2) AND state = 'dropped' AND occasion <> 'digest'`, workspace, ids)
	return err
}

// EndNotifications gives notifications up that are waiting: dropped or failed.
func EndNotifications(ctx context.Context, tx pgx.Tx, workspace int64, ids []int64, state, why string, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE notifications SET state = $3, why = $4, done_at = $5 WHERE workspace_id = $1 AND id = ANY($2) AND state = 'waiting'`, workspace, ids, state, why, now)
	return err
}

// DropStale drops what has waited for more than a day for somebody to set up a
// channel: it is news no longer. What waits for the end of quiet hours is.
func DropStale(ctx context.Context, tx pgx.Tx, workspace int64) error {
	_, err := tx.Exec(ctx, `
		UPDATE notifications SET state = 'dropped', why = 'nobody could be told then', done_at = now()
		WHERE workspace_id = $1 AND state = 'waiting' AND COALESCE(not_before, made_at) < now() - interval '1 day'`, workspace)
	return err
}

// NotificationsByID returns notifications in their order.
func NotificationsByID(ctx context.Context, tx pgx.Tx, workspace int64, ids []int64) ([]Notification, error) {
	rows, err := tx.Query(ctx, `SELECT `+notificationColumns+` FROM notifications WHERE workspace_id = $1 AND id = ANY($2) ORDER BY id`, workspace, ids)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanNotification)
}

// LastDigest is when the last digest was made that reached an address, before
// an instant; nil: none ever did.
func LastDigest(ctx context.Context, tx pgx.Tx, workspace int64, address string, before time.Time) (at *time.Time, err error) {
	err = tx.QueryRow(ctx, `
		SELECT max(made_at) FROM notifications
		WHERE (workspace_id, address) = ($1, $2) AND occasion = 'digest' AND state = 'sent' AND made_at < $3`, workspace, address, before).Scan(&at)
	return at, err
}

// ListedNotification is a notification with what became of its messages.
type ListedNotification struct {
	Notification
	Channels []string // by which it went, or is to go, in words
	Sent     *time.Time
	Attempts int
	NextAt   *time.Time
	Said     string // against it, by the other side
}

// ListNotifications returns notifications in some of the states, the newest
// first, with numbers below before (0: from the newest).
func ListNotifications(ctx context.Context, tx pgx.Tx, workspace int64, states []string, before int64, most int) ([]ListedNotification, error) {
	rows, err := tx.Query(ctx, `
		WITH n AS (SELECT `+notificationColumns+` FROM notifications
			WHERE workspace_id = $1 AND state = ANY($2) AND ($3 = 0 OR id < $3) ORDER BY id DESC LIMIT $4)
		SELECT n.*, COALESCE(m.channels, '{}'), m.sent, COALESCE(m.attempts, 0), m.next_at, COALESCE(m.said, '') FROM n LEFT JOIN LATERAL (
			SELECT array_agg(kind ORDER BY id) AS channels, max(done_at) FILTER (WHERE state = 'sent') AS sent, sum(attempts) AS attempts,
				min(next_at) FILTER (WHERE state IN ('waiting', 'going')) AS next_at, max(why) AS said
			FROM messages WHERE (workspace_id, address) = ($1, n.address) AND n.id = ANY(about) OFFSET 0) m ON true
		ORDER BY n.id DESC`, workspace, states, before, most)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (l ListedNotification, err error) {
		n := &l.Notification
		return l, row.Scan(&n.ID, &n.Address, &n.Occasion, &n.Key, &n.Subject.Connection, &n.Subject.Kind, &n.Subject.ID, &n.Rule, &n.Detail, &n.Opened, &n.MadeAt, &n.NotBefore, &n.State, &n.Why, &n.DoneAt,
			&l.Channels, &l.Sent, &l.Attempts, &l.NextAt, &l.Said)
	})
}

// TellingStatus is how the telling of people goes.
type TellingStatus struct {
	Waiting int64     // notifications that wait, or are on their way
	Failed  int64     // failures that nobody has resolved
	Stopped []Channel // channels that were stopped
}

// TellingStatusOf counts what waits and what failed.
func TellingStatusOf(ctx context.Context, tx pgx.Tx, workspace int64) (s TellingStatus, err error) {
	err = tx.QueryRow(ctx, `
		SELECT (SELECT count(*) FROM notifications WHERE workspace_id = $1 AND state IN ('waiting', 'going')),
			(SELECT count(*) FROM failures WHERE workspace_id = $1 AND kind = 'notification' AND resolved_at IS NULL)`, workspace).Scan(&s.Waiting, &s.Failed)
	if err != nil {
		return s, err
	}
	s.Stopped, err = channels(tx.Query(ctx, `SELECT `+channelColumns+` FROM channels WHERE workspace_id = $1 AND state = 'stopped' ORDER BY id LIMIT 20`, workspace))
	return s, err
}
