package postgres

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// Failure is a dead letter: something that was given up, can be looked at and
// retried.
type Failure struct {
	ID           int64
	ConnectionID int64
	Kind         string // record, job, delivery, edit, fight, notification
	Object       string
	ExternalID   string
	Place        string // field, line or step
	Reason       string
	Hint         string
	Args         json.RawMessage
	FirstAt      time.Time
	LastAt       time.Time
	Times        int64
	ResolvedAt   *time.Time
}

const failureColumns = `id, connection_id, kind, object, external_id, place, reason, hint, args, first_at, last_at, times, resolved_at`

// AddFailures lists failures; one that is open already is counted up.
func AddFailures(ctx context.Context, tx pgx.Tx, workspace int64, failures []Failure) error {
	if len(failures) == 0 {
		return nil
	}
	var connections []int64
	var kinds, objects, ids, places, reasons, hints, args []string
	for _, f := range once(failures) {
		connections, kinds, objects, ids = append(connections, f.ConnectionID), append(kinds, f.Kind), append(objects, f.Object), append(ids, f.ExternalID)
		places, reasons, hints = append(places, f.Place), append(reasons, f.Reason), append(hints, f.Hint)
		args = append(args, cmp.Or(string(f.Args), "{}"))
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO failures AS f (workspace_id, connection_id, kind, object, external_id, place, reason, hint, args)
		SELECT $1, e.* FROM (SELECT connection, kind, object, id, place, reason, hint, args::jsonb
			FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[])
				u(connection, kind, object, id, place, reason, hint, args)) e
		ON CONFLICT (workspace_id, connection_id, kind, object, external_id) WHERE resolved_at IS NULL DO UPDATE SET
			place = excluded.place, reason = excluded.reason, hint = excluded.hint, args = excluded.args, last_at = now(), times = f.times + 1`,
		workspace, connections, kinds, objects, ids, places, reasons, hints, args)
	if err != nil {
		return fmt.Errorf("list failures: %w", err)
	}
	return nil
}

// once leaves the last of failures of one and the same thing, in the order of
// their keys, so that all transactions lock in one order.
func once(failures []Failure) []Failure {
	sorted := slices.Clone(failures)
	slices.SortStableFunc(sorted, byThing)
	out := sorted[:0]
	for i, f := range sorted {
		if i+1 < len(sorted) && byThing(f, sorted[i+1]) == 0 {
			continue
		}
		out = append(out, f)
	}
	return out
}

func byThing(a, b Failure) int {
	return cmp.Or(cmp.Compare(a.ConnectionID, b.ConnectionID), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Object, b.Object), cmp.Compare(a.ExternalID, b.ExternalID))
}

// ResolveRecords closes the open failures, of these kinds, of records that were
// mapped now.
func ResolveRecords(ctx context.Context, tx pgx.Tx, workspace, connection int64, kinds []string, object string, ids []string) error {
	_, err := tx.Exec(ctx, `
		UPDATE failures SET resolved_at = now() WHERE (workspace_id, connection_id, object) = ($1, $2, $3) AND kind = ANY($4)
			AND external_id = ANY($5) AND resolved_at IS NULL`, workspace, connection, object, kinds, ids)
	return err
}

// ResolveFailure closes one failure.
func ResolveFailure(ctx context.Context, tx pgx.Tx, workspace, id int64) error {
	_, err := tx.Exec(ctx, `UPDATE failures SET resolved_at = now() WHERE (workspace_id, id) = ($1, $2) AND resolved_at IS NULL`, workspace, id)
	return err
}

// AnyFailure tells whether a connection has open failures of these kinds.
func AnyFailure(ctx context.Context, tx pgx.Tx, workspace, connection int64, kinds []string) (bool, error) {
	var any bool
	err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM failures WHERE (workspace_id, connection_id) = ($1, $2) AND kind = ANY($3) AND resolved_at IS NULL)`, workspace, connection, kinds).Scan(&any)
	return any, err
}

// ResolveJob closes the open failure of a kind of job that came to a good end.
func ResolveJob(ctx context.Context, tx pgx.Tx, workspace, connection int64, kind string) error {
	_, err := tx.Exec(ctx, `
		UPDATE failures SET resolved_at = now() WHERE (workspace_id, connection_id, kind, object) = ($1, $2, 'job', $3) AND resolved_at IS NULL`,
		workspace, connection, kind)
	return err
}

// Failures lists open failures (all: also the resolved ones), newest first,
// with ids below before (0: from the newest).
func Failures(ctx context.Context, tx pgx.Tx, workspace, connection int64, all bool, before int64, most int) ([]Failure, error) {
	rows, err := tx.Query(ctx, `
		SELECT `+failureColumns+` FROM failures
		WHERE workspace_id = $1 AND ($2 = 0 OR connection_id = $2) AND ($3 OR resolved_at IS NULL) AND ($4 = 0 OR id < $4)
		ORDER BY id DESC LIMIT $5`, workspace, connection, all, before, most)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Failure])
}

// FailureByID returns one failure, or fault.NotFound.
func FailureByID(ctx context.Context, tx pgx.Tx, workspace, id int64) (Failure, error) {
	rows, err := tx.Query(ctx, `SELECT `+failureColumns+` FROM failures WHERE (workspace_id, id) = ($1, $2)`, workspace, id)
	if err != nil {
		return Failure{}, err
	}
	f, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Failure])
	return f, notFound(err, "there is no failure %d", id)
}
