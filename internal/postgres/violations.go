package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// SubjectKey names a deal or lead of a workspace.
type SubjectKey struct {
	Connection int64
	Kind       string
	ID         string
}

// AnythingToJudge tells whether something is dirty, or time alone may have
// changed something by an instant.
func AnythingToJudge(ctx context.Context, tx pgx.Tx, workspace int64, now time.Time) (any bool, err error) {
	err = tx.QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM dirty WHERE workspace_id = $1) OR EXISTS (SELECT FROM judgements WHERE workspace_id = $1 AND due_at <= $2)`,
		workspace, now).Scan(&any)
	return any, err
}

// MarkDue makes dirty what time alone may have changed by an instant.
func MarkDue(ctx context.Context, tx pgx.Tx, workspace int64, now time.Time, most int) error {
	_, err := tx.Exec(ctx, `
		WITH due AS (
			UPDATE judgements SET due_at = NULL WHERE workspace_id = $1 AND (connection_id, kind, external_id) IN (
				SELECT connection_id, kind, external_id FROM judgements WHERE workspace_id = $1 AND due_at <= $2 ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED)
			RETURNING connection_id, kind, external_id)
		INSERT INTO dirty (workspace_id, connection_id, kind, external_id)
		SELECT $1, connection_id, kind, external_id FROM due ORDER BY 2, 3, 4 ON CONFLICT DO NOTHING`, workspace, now, most)
	return err
}

// ClaimDirty takes up to most subjects that must be judged anew off the list.
// Whoever changes one of them meanwhile waits for this transaction and puts it
// back.
func ClaimDirty(ctx context.Context, tx pgx.Tx, workspace int64, most int) ([]SubjectKey, error) {
	rows, err := tx.Query(ctx, `
		DELETE FROM dirty WHERE workspace_id = $1 AND (connection_id, kind, external_id) IN (
			SELECT connection_id, kind, external_id FROM dirty WHERE workspace_id = $1 AND kind IN ('deals', 'leads')
			ORDER BY since, connection_id, kind, external_id LIMIT $2 FOR UPDATE SKIP LOCKED)
		RETURNING connection_id, kind, external_id`, workspace, most)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[SubjectKey])
}

// DealsByID returns deals.
func DealsByID(ctx context.Context, tx pgx.Tx, workspace, connection int64, ids []string) ([]Subject, error) {
	return subjects(tx.Query(ctx, `SELECT `+dealSubject+` FROM deals
		WHERE (workspace_id, connection_id) = ($1, $2) AND external_id = ANY($3) ORDER BY external_id`, workspace, connection, ids))
}

// LeadsByID returns leads.
func LeadsByID(ctx context.Context, tx pgx.Tx, workspace, connection int64, ids []string) ([]Subject, error) {
	return subjects(tx.Query(ctx, `SELECT `+leadSubject+` FROM leads
		WHERE (workspace_id, connection_id) = ($1, $2) AND external_id = ANY($3) ORDER BY external_id`, workspace, connection, ids))
}

// Violation is a rule that is or was broken.
type Violation struct {
	ID        int64
	Subject   SubjectKey
	Rule      string
	Detail    string
	Opened    time.Time
	Book      int
	Cannot    *string
	Assumed   bool
	Place     string
	Owner     string
	NoticedAt time.Time
	Mended    *time.Time
	Closed    *time.Time
	Excused   *time.Time // until when somebody lets it pass

	Acknowledged     *time.Time // when somebody took it on
	AcknowledgedBy   *string
	AcknowledgedNote *string
	Backlog          bool // it is older than the book that says so, or the connection
}

// Judged is what a book said of a subject.
type Judged struct {
	Subject    SubjectKey
	Due        *time.Time
	Ended      bool        // what it no longer says is closed; else it is mended
	Violations []Violation // of it
}

// WriteJudgements stores what a version of the book said of subjects. A
// violation that is there already stays what it is; one that the book no longer
// speaks of is mended or closed as of at.
func WriteJudgements(ctx context.Context, tx pgx.Tx, workspace int64, version int, at time.Time, judged []Judged) error {
	if err := writeDue(ctx, tx, workspace, version, at, judged); err != nil {
		return err
	}
	var c struct {
		connection                           []int64
		kind, id, rule, detail, place, owner []string
		opened                               []time.Time
		cannot                               []*string
		assumed                              []bool
		mended                               []*time.Time
	}
	for i := range judged {
		for _, v := range judged[i].Violations {
			s := judged[i].Subject
			c.connection, c.kind, c.id = append(c.connection, s.Connection), append(c.kind, s.Kind), append(c.id, s.ID)
			c.rule, c.detail, c.opened = append(c.rule, v.Rule), append(c.detail, v.Detail), append(c.opened, v.Opened)
			c.cannot, c.assumed, c.mended = append(c.cannot, v.Cannot), append(c.assumed, v.Assumed), append(c.mended, v.Mended)
			c.place, c.owner = append(c.place, v.Place), append(c.owner, v.Owner)
		}
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO violations AS v (workspace_id, connection_id, kind, external_id, rule, detail, opened_at, book, cannot, assumed, mended_at, place, owner)
		SELECT $1, e.connection, e.kind, e.id, e.rule, e.detail, e.opened, $2, e.cannot, e.assumed, e.mended, e.place, e.owner
		FROM unnest($3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::timestamptz[], $9::text[], $10::bool[], $11::timestamptz[], $12::text[], $13::text[])
			AS e(connection, kind, id, rule, detail, opened, cannot, assumed, mended, place, owner)
		ON CONFLICT (workspace_id, connection_id, kind, external_id, rule, detail, opened_at) DO UPDATE SET
			cannot = excluded.cannot, assumed = excluded.assumed, mended_at = excluded.mended_at, closed_at = NULL, place = excluded.place, owner = excluded.owner
		WHERE (v.cannot, v.assumed, v.mended_at, v.closed_at, v.place, v.owner) IS DISTINCT FROM
			(excluded.cannot, excluded.assumed, excluded.mended_at, NULL, excluded.place, excluded.owner)`,
		workspace, version, c.connection, c.kind, c.id, c.rule, c.detail, c.opened, c.cannot, c.assumed, c.mended, c.place, c.owner)
	if err != nil {
		return err
	}
	return settle(ctx, tx, workspace, at, judged, c.connection, c.kind, c.id, c.rule, c.detail, c.opened)
}

// settle mends or closes what the book no longer says of the subjects.
func settle(ctx context.Context, tx pgx.Tx, workspace int64, at time.Time, judged []Judged, connection []int64, kind, id, rule, detail []string, opened []time.Time) error {
	n := len(judged)
	connections, kinds, ids, ended := make([]int64, n), make([]string, n), make([]string, n), make([]bool, n)
	for i := range judged {
		s := judged[i].Subject
		connections[i], kinds[i], ids[i], ended[i] = s.Connection, s.Kind, s.ID, judged[i].Ended
	}
	_, err := tx.Exec(ctx, `
		UPDATE violations v SET mended_at = CASE WHEN NOT s.ended THEN $2::timestamptz END, closed_at = CASE WHEN s.ended THEN $2::timestamptz END
		FROM unnest($3::bigint[], $4::text[], $5::text[], $6::bool[]) AS s(connection, kind, id, ended)
		WHERE (v.workspace_id, v.connection_id, v.kind, v.external_id) = ($1, s.connection, s.kind, s.id)
			AND v.mended_at IS NULL AND v.closed_at IS NULL AND NOT EXISTS (
				SELECT FROM unnest($7::bigint[], $8::text[], $9::text[], $10::text[], $11::text[], $12::timestamptz[]) AS e(connection, kind, id, rule, detail, opened)
				WHERE (e.connection, e.kind, e.id, e.rule, e.detail, e.opened) = (v.connection_id, v.kind, v.external_id, v.rule, v.detail, v.opened_at))`,
		workspace, at, connections, kinds, ids, ended, connection, kind, id, rule, detail, opened)
	return err
}

func writeDue(ctx context.Context, tx pgx.Tx, workspace int64, version int, at time.Time, judged []Judged) error {
	n := len(judged)
	connection, kind, id, due := make([]int64, n), make([]string, n), make([]string, n), make([]*time.Time, n)
	for i := range judged {
		s := judged[i].Subject
		connection[i], kind[i], id[i], due[i] = s.Connection, s.Kind, s.ID, judged[i].Due
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO judgements (workspace_id, connection_id, kind, external_id, book, judged_at, due_at)
		SELECT $1, e.connection, e.kind, e.id, $2, $3, e.due FROM unnest($4::bigint[], $5::text[], $6::text[], $7::timestamptz[]) AS e(connection, kind, id, due)
		ON CONFLICT (workspace_id, connection_id, kind, external_id) DO UPDATE SET book = excluded.book, judged_at = excluded.judged_at, due_at = excluded.due_at`,
		workspace, version, at, connection, kind, id, due)
	return err
}
