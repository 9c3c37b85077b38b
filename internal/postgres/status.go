package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/sales"
)

// Counted names canonical rows to be counted: those of a kind, or of these
// only those whose ids begin with the prefix.
type Counted struct {
	Kind   *sales.Kind
	Prefix string
}

// Rows is how many canonical rows there are.
type Rows struct{ Living, Gone int64 }

// Trouble is a kind of work whose last run did not succeed.
type Trouble struct {
	Kind    string    `json:"kind"`
	Object  string    `json:"object,omitempty"`
	Outcome string    `json:"outcome"` // the name of a fault kind
	Error   string    `json:"error"`
	At      time.Time `json:"at"`
}

// Standing is what the database knows of how far a connection is.
type Standing struct {
	Now           time.Time // the database's clock
	Places        []Place
	Rows          []Rows     // aligned with what was to be counted
	Waiting       int64      // deliveries whose records have not been read again
	WaitingSince  *time.Time // when the oldest of them arrived
	Delay         *Delay     // how late the last deliveries were worked off; nil before the first
	Failures      int64      // open dead letters
	Subscriptions int64      // standing orders at the vendor, as of the last look
	Inactive      int64      // those of them that the vendor no longer serves
	Refused       int64      // those that the vendor does not make or renew
	Working       []string   // kinds of jobs that some process is at
	Troubles      []Trouble  // newest first
	Resting       *Breaker   // nil: the vendor is not left alone
	HistoryKnown  int64      // deals whose history has been read
	HistoryAll    int64
	Proofs        map[string]Proof // the last of each object
	Sweeps        []Sweep          // under way
	SweepEvery    time.Duration    // planned time between two; 0: none is planned
	Unjudged      Unjudged
	Writing       Writing
	Edits         map[string]int64 // that are open, by state; those that were refused
}

// StandingOf returns how far a connection is. history names the object that is
// asked for deal by deal; empty if the vendor has none.
func StandingOf(ctx context.Context, tx pgx.Tx, workspace, connection int64, history string, what []Counted) (Standing, error) {
	var s Standing
	err := tx.QueryRow(ctx, `
		SELECT now(),
			(SELECT count(*) FROM inbox WHERE (workspace_id, connection_id) = ($1, $2) AND done_at IS NULL),
			(SELECT min(received_at) FROM inbox WHERE (workspace_id, connection_id) = ($1, $2) AND done_at IS NULL),
			(SELECT count(*) FROM failures WHERE (workspace_id, connection_id) = ($1, $2) AND resolved_at IS NULL),
			(SELECT count(*) FROM subscriptions WHERE (workspace_id, connection_id) = ($1, $2) AND external_id <> ''),
			(SELECT count(*) FROM subscriptions WHERE (workspace_id, connection_id) = ($1, $2) AND external_id <> '' AND NOT active),
			(SELECT count(*) FROM subscriptions WHERE (workspace_id, connection_id) = ($1, $2) AND refused <> ''),
			COALESCE((SELECT array_agg(kind ORDER BY kind) FROM leases WHERE workspace_id = $1 AND subject = $2::bigint::text
				AND kind IN ('pull', 'receive', 'history', 'watch', 'replay', 'sweep', 'push') AND until > now()), '{}')`,
		workspace, connection).Scan(&s.Now, &s.Waiting, &s.WaitingSince, &s.Failures, &s.Subscriptions, &s.Inactive, &s.Refused, &s.Working)
	if err != nil {
		return s, fmt.Errorf("read the standing: %w", err)
	}
	if s.Places, err = Places(ctx, tx, workspace, connection); err != nil {
		return s, err
	}
	if s.Delay, err = DeliveryDelay(ctx, tx, workspace, connection); err != nil {
		return s, err
	}
	if s.Rows, err = CountRows(ctx, tx, workspace, connection, what); err != nil {
		return s, err
	}
	if s.Proofs, err = Proofs(ctx, tx, workspace, connection); err != nil {
		return s, err
	}
	if s.Sweeps, err = Sweeps(ctx, tx, workspace, connection); err != nil {
		return s, err
	}
	if s.SweepEvery, err = ScheduleOf(ctx, tx, workspace, "sweep", connection); err != nil {
		return s, err
	}
	if s.Unjudged, err = UnjudgedOf(ctx, tx, workspace, connection); err != nil {
		return s, err
	}
	if s.Writing, err = WritingOf(ctx, tx, workspace, connection); err != nil {
		return s, err
	}
	if s.Edits, err = OpenEdits(ctx, tx, workspace, connection); err != nil {
		return s, err
	}
	if s.Resting, err = BreakerOf(ctx, tx, workspace, connection); err != nil {
		return s, err
	}
	if s.Troubles, err = Troubles(ctx, tx, workspace, connection); err != nil || history == "" {
		return s, err
	}
	s.HistoryKnown, s.HistoryAll, err = HistoryKnown(ctx, tx, workspace, connection, history)
	return s, err
}

// CountRows counts canonical rows. All of them are counted in the primary key
// alone (an index-only scan once the table has been vacuumed); tombstones need
// the rows themselves.
func CountRows(ctx context.Context, tx pgx.Tx, workspace, connection int64, what []Counted) ([]Rows, error) {
	if len(what) == 0 {
		return nil, nil
	}
	rows, err := tx.Query(ctx, countSQL(what), countArgs(workspace, connection, what)...)
	if err != nil {
		return nil, err
	}
	counts, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r Rows, err error) {
		var place int
		var all int64
		err = row.Scan(&place, &all, &r.Gone)
		r.Living = all - r.Gone
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("count canonical rows: %w", err)
	}
	return counts, nil
}

// countSQL counts each of what in a part of its own, see countArgs.
func countSQL(what []Counted) string {
	parts := make([]string, len(what))
	for i, w := range what {
		within := "(workspace_id, connection_id) = ($1, $2)"
		if w.Prefix != "" {
			within += fmt.Sprintf(" AND external_id >= ($3::text[])[%d] AND external_id < ($4::text[])[%d]", i+1, i+1)
		}
		parts[i] = fmt.Sprintf(`SELECT %d AS place, (SELECT count(*) FROM %s WHERE %s), (SELECT count(*) FROM %s WHERE %s AND deleted_at IS NOT NULL)`,
			i, w.Kind.Name, within, w.Kind.Name, within)
	}
	// The arrays are named also when no part reads them: their types must be known.
	return `WITH prefixes AS (SELECT $3::text[], $4::text[]) ` + strings.Join(parts, " UNION ALL ") + ` ORDER BY place`
}

func countArgs(workspace, connection int64, what []Counted) []any {
	from, to := make([]string, len(what)), make([]string, len(what))
	for i, w := range what {
		if n := len(w.Prefix); n > 0 {
			from[i], to[i] = w.Prefix, w.Prefix[:n-1]+string(w.Prefix[n-1]+1)
		}
	}
	return []any{workspace, connection, from, to}
}

// Troubles lists the kinds of work whose last run did not succeed, newest
// first. A failure that was followed by a success is none any more.
func Troubles(ctx context.Context, tx pgx.Tx, workspace, connection int64) ([]Trouble, error) {
	rows, err := tx.Query(ctx, `
		WITH recent AS (
			SELECT id, kind, object, outcome, error, COALESCE(finished_at, started_at) AS at FROM runs
			WHERE (workspace_id, connection_id) = ($1, $2) ORDER BY id DESC LIMIT 500),
		last AS (
			SELECT DISTINCT ON (kind, object) kind, object, outcome, error, at FROM recent
			WHERE outcome NOT IN ('running', 'interrupted') ORDER BY kind, object, id DESC)
		SELECT kind, object, outcome, error, at FROM last WHERE outcome <> 'done' ORDER BY at DESC`, workspace, connection)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Trouble])
}

// LastTrouble returns how the last run of a kind about an object ended, or nil
// if it succeeded or there was none.
func LastTrouble(ctx context.Context, tx pgx.Tx, workspace, connection int64, kind, object string) (*Trouble, error) {
	rows, err := tx.Query(ctx, `
		SELECT kind, object, outcome, error, COALESCE(finished_at, started_at) AS at FROM runs
		WHERE (workspace_id, connection_id, kind, object) = ($1, $2, $3, $4) AND outcome NOT IN ('running', 'interrupted')
		ORDER BY id DESC LIMIT 1`, workspace, connection, kind, object)
	if err != nil {
		return nil, err
	}
	last, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Trouble])
	switch {
	case errors.Is(err, pgx.ErrNoRows) || err == nil && last.Outcome == "done":
		return nil, nil
	case err != nil:
		return nil, err
	}
	return &last, nil
}

// CountsAfter adds up what a connection's runs with ids above after have read
// from the vendor and made of it.
func CountsAfter(ctx context.Context, tx pgx.Tx, workspace, connection, after int64) (c Counts, err error) {
	err = tx.QueryRow(ctx, `
		SELECT COALESCE(sum(pages), 0)::bigint, COALESCE(sum(seen), 0)::bigint, COALESCE(sum(written), 0)::bigint,
			COALESCE(sum(changed), 0)::bigint, COALESCE(sum(deleted), 0)::bigint, COALESCE(sum(quarantined), 0)::bigint
		FROM runs WHERE (workspace_id, connection_id) = ($1, $2) AND id > $3 AND kind <> 'replay'`, workspace, connection, after).
		Scan(&c.Pages, &c.Seen, &c.Written, &c.Changed, &c.Deleted, &c.Quarantined)
	return c, err
}

// WorkersAlive tells whether some process works off jobs: one of those that do
// leads the queue, and renews that claim every few seconds.
func (db *DB) WorkersAlive(ctx context.Context) (alive bool, err error) {
	err = db.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM river.river_leader WHERE expires_at > now())`).Scan(&alive)
	return alive, err
}

// Delay is how long after their events, by the vendor's clock, changes stood
// in the canonical rows.
type Delay struct {
	Count       int64         // deliveries it speaks of
	Median, P95 time.Duration // a vendor's clock that is ahead can make them negative
}

// DeliveryDelay looks at the last hundred deliveries that were worked off; nil
// if there are none.
func DeliveryDelay(ctx context.Context, tx pgx.Tx, workspace, connection int64) (*Delay, error) {
	var d Delay
	var median, p95 *float64
	err := tx.QueryRow(ctx, `
		SELECT count(*), percentile_disc(0.5) WITHIN GROUP (ORDER BY late), percentile_disc(0.95) WITHIN GROUP (ORDER BY late)
		FROM (SELECT extract(epoch FROM done_at - at)::float8 AS late FROM inbox
			WHERE (workspace_id, connection_id) = ($1, $2) AND done_at IS NOT NULL ORDER BY id DESC LIMIT 100) last`,
		workspace, connection).Scan(&d.Count, &median, &p95)
	if err != nil {
		return nil, fmt.Errorf("measure deliveries: %w", err)
	}
	if d.Count == 0 {
		return nil, nil
	}
	d.Median = time.Duration(*median * float64(time.Second))
	d.P95 = time.Duration(*p95 * float64(time.Second))
	return &d, nil
}
