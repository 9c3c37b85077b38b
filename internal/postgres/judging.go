package postgres

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// Judging is what a workspace's judgements, and what is done about them, go by,
// cheap to compare.
type Judging struct {
	Book        int // version in force; 0: none
	Connections []JudgedConnection
}

// JudgedConnection is a connection whose deals and leads are judged.
type JudgedConnection struct {
	ID          int64
	Ready       bool      // it was read whole once, and is not being removed
	Definitions int64     // number of its map, field definitions, pipelines and stages
	Writes      string    // dry, live or stopped
	Live        time.Time // when its last dry run ended
	Card        string    // the vendor's code of the field on the deal's card; empty: there is none
	Moved       bool      // that number is another than the one its deals and leads were last asked to be judged by
}

// JudgingOf returns what a workspace's judgements go by. Whoever reads it after
// he has claimed what is dirty judges by nothing older than what made it so.
func JudgingOf(ctx context.Context, tx pgx.Tx, workspace int64) (j Judging, err error) {
	rows, err := tx.Query(ctx, `
		SELECT b.version, COALESCE(c.id, 0), COALESCE(c.read_at IS NOT NULL AND c.state <> 'removing', false), COALESCE(d.number, 0),
			COALESCE(c.writes, ''), COALESCE(c.live_at, 'epoch'), COALESCE(c.card_field, ''), COALESCE(m.judged <> d.number, false)
		FROM (SELECT COALESCE(max(version), 0) AS version FROM books WHERE workspace_id = $1) b
		LEFT JOIN connections c ON c.workspace_id = $1
		LEFT JOIN maps m ON (m.workspace_id, m.connection_id) = ($1, c.id)
		LEFT JOIN LATERAL (SELECT hash_record_extended(ROW(m.base, m.override,
			(SELECT bit_xor(hash_record_extended(ROW(external_id, object, code, name, type, custom, options), 0)) FROM fields WHERE (workspace_id, connection_id) = ($1, c.id)),
			(SELECT bit_xor(hash_record_extended(ROW(external_id, name, position, deleted_at IS NULL), 0)) FROM pipelines WHERE (workspace_id, connection_id) = ($1, c.id)),
			(SELECT bit_xor(hash_record_extended(ROW(external_id, pipeline_id, name, position, deleted_at IS NULL), 0)) FROM stages WHERE (workspace_id, connection_id) = ($1, c.id))
			), 0) AS number) d ON true
		ORDER BY c.id`, workspace)
	if err != nil {
		return j, err
	}
	var c JudgedConnection
	_, err = pgx.ForEachRow(rows, []any{&j.Book, &c.ID, &c.Ready, &c.Definitions, &c.Writes, &c.Live, &c.Card, &c.Moved}, func() error {
		if c.ID > 0 {
			j.Connections = append(j.Connections, c)
		}
		return nil
	})
	return j, err
}

// Same tells whether judgements go by the same as another time.
func (j Judging) Same(o Judging) bool {
	return j.Book == o.Book && slices.EqualFunc(j.Connections, o.Connections, func(a, b JudgedConnection) bool {
		la, lb := a.Live, b.Live
		a.Moved, b.Moved, a.Live, b.Live = false, false, time.Time{}, time.Time{}
		return a == b && la.Equal(lb)
	})
}

// Ready lists the connections whose deals and leads can be judged, as far as it
// stands in the database.
func (j Judging) Ready() (ids []int64) {
	for _, c := range j.Connections {
		if c.Ready {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

// Moved tells whether what some connection is judged by has changed, and nobody
// has asked yet for all of it to be judged anew.
func (j Judging) Moved() bool {
	return slices.ContainsFunc(j.Connections, func(c JudgedConnection) bool { return c.Ready && c.Moved })
}

// JudgeAnew asks for every deal and lead of the connections to be judged anew
// that go by other definitions than before.
func JudgeAnew(ctx context.Context, tx pgx.Tx, workspace int64, j Judging) error {
	for _, c := range j.Connections {
		if c.Ready && c.Moved {
			if err := MarkDirty(ctx, tx, workspace, c.ID, "connections", []string{fmt.Sprint(c.ID)}); err != nil {
				return err
			}
		}
	}
	return nil
}

// NoteJudged notes that JudgeAnew has asked. It stands last in a transaction:
// pages of records, too, mark what is dirty before they hold the map.
func NoteJudged(ctx context.Context, tx pgx.Tx, workspace int64, j Judging) error {
	for _, c := range j.Connections {
		if c.Ready && c.Moved {
			if _, err := tx.Exec(ctx, `UPDATE maps SET judged = $3 WHERE (workspace_id, connection_id) = ($1, $2)`, workspace, c.ID, c.Definitions); err != nil {
				return err
			}
		}
	}
	return nil
}

// MarkRead notes that everything of a connection has been read once.
func MarkRead(ctx context.Context, tx pgx.Tx, workspace, connection int64) error {
	_, err := tx.Exec(ctx, `UPDATE connections SET read_at = now() WHERE (workspace_id, id) = ($1, $2) AND read_at IS NULL`, workspace, connection)
	return err
}

// Unjudged is how much of a connection waits to be judged.
type Unjudged struct {
	Book  int   // version in force; 0: none
	Count int64 // deals and leads that are marked one by one
	All   bool  // and all others, too
}

// UnjudgedOf returns how much of a connection waits to be judged.
func UnjudgedOf(ctx context.Context, tx pgx.Tx, workspace, connection int64) (u Unjudged, err error) {
	err = tx.QueryRow(ctx, `
		SELECT (SELECT COALESCE(max(version), 0) FROM books WHERE workspace_id = $1),
			count(*) FILTER (WHERE kind IN ('deals', 'leads')), COALESCE(bool_or(kind = 'connections'), false)
		FROM dirty WHERE (workspace_id, connection_id) = ($1, $2)`, workspace, connection).Scan(&u.Book, &u.Count, &u.All)
	return u, err
}
