package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// Judged is what a book said of a subject.
type Judged struct {
	Subject    SubjectKey
	Due        *time.Time
	Ended      bool        // what it no longer says is closed; else it is mended
	Violations []Violation // of it
}

// WriteJudgements stores what a version of the book said of subjects. A
// violation that is there already stays what it is; one that the book no longer
// speaks of is mended or closed as of at. What has not changed is not written.
func WriteJudgements(ctx context.Context, tx pgx.Tx, workspace int64, version int, at time.Time, judged []Judged) error {
	if err := writeDue(ctx, tx, workspace, version, at, judged); err != nil {
		return err
	}
	stored, err := violationsOf(ctx, tx, workspace, judged)
	if err != nil {
		return err
	}
	var changed []Violation
	for i := range judged {
		changed = append(changed, differences(&judged[i], stored[i], at)...)
	}
	return writeViolations(ctx, tx, workspace, version, changed)
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

// violationsOf returns all that was ever stored of subjects, in their order.
// They are looked up subject by subject, see ActivitiesAbout.
func violationsOf(ctx context.Context, tx pgx.Tx, workspace int64, judged []Judged) ([][]Violation, error) {
	n := len(judged)
	connection, kind, id := make([]int64, n), make([]string, n), make([]string, n)
	for i := range judged {
		s := judged[i].Subject
		connection[i], kind[i], id[i] = s.Connection, s.Kind, s.ID
	}
	rows, err := tx.Query(ctx, `
		SELECT w.n, v.* FROM unnest($2::bigint[], $3::text[], $4::text[]) WITH ORDINALITY AS w(connection, kind, id, n) CROSS JOIN LATERAL (
			SELECT rule, detail, opened_at, cannot, assumed, place, owner, mended_at, closed_at FROM violations
			WHERE (workspace_id, connection_id, kind, external_id) = ($1, w.connection, w.kind, w.id) OFFSET 0) v`, workspace, connection, kind, id)
	if err != nil {
		return nil, err
	}
	out := make([][]Violation, n)
	var at int
	var v Violation
	_, err = pgx.ForEachRow(rows, []any{&at, &v.Rule, &v.Detail, &v.Opened, &v.Cannot, &v.Assumed, &v.Place, &v.Owner, &v.Mended, &v.Closed}, func() error {
		v.Subject = judged[at-1].Subject
		out[at-1] = append(out[at-1], v)
		v = Violation{}
		return nil
	})
	return out, err
}

// cause tells one violation of a subject from another.
type cause struct {
	rule, detail string
	opened       int64 // microseconds, as they are stored
}

func causeOf(v *Violation) cause { return cause{v.Rule, v.Detail, v.Opened.UnixMicro()} }

// differences are the violations of a subject that are not stored as the book
// has them, as they are to be stored.
func differences(j *Judged, stored []Violation, at time.Time) (out []Violation) {
	before := make(map[cause]*Violation, len(stored))
	for i := range stored {
		before[causeOf(&stored[i])] = &stored[i]
	}
	for _, v := range j.Violations {
		v.Subject = j.Subject
		old := before[causeOf(&v)]
		if old == nil || !alike(old, &v) {
			out = append(out, v)
		}
		delete(before, causeOf(&v))
	}
	for i := range stored {
		v := stored[i]
		if before[causeOf(&v)] == nil || v.Mended != nil || v.Closed != nil {
			continue
		}
		if j.Ended {
			v.Closed = &at
		} else {
			v.Mended = &at
		}
		out = append(out, v)
	}
	return out
}

// alike tells whether a violation is stored as the book has it, which never
// closes one.
func alike(stored, v *Violation) bool {
	return equal(stored.Cannot, v.Cannot) && stored.Assumed == v.Assumed && stored.Place == v.Place && stored.Owner == v.Owner &&
		micro(stored.Mended) == micro(v.Mended) && stored.Closed == nil
}

func equal(a, b *string) bool { return a == nil && b == nil || a != nil && b != nil && *a == *b }

func micro(t *time.Time) int64 {
	if t == nil {
		return 0
	}
	return t.UnixMicro()
}

func writeViolations(ctx context.Context, tx pgx.Tx, workspace int64, version int, list []Violation) error {
	if len(list) == 0 {
		return nil
	}
	var c struct {
		connection                           []int64
		kind, id, rule, detail, place, owner []string
		opened                               []time.Time
		cannot                               []*string
		assumed                              []bool
		mended, closed                       []*time.Time
	}
	for i := range list {
		v := &list[i]
		c.connection, c.kind, c.id = append(c.connection, v.Subject.Connection), append(c.kind, v.Subject.Kind), append(c.id, v.Subject.ID)
		c.rule, c.detail, c.opened = append(c.rule, v.Rule), append(c.detail, v.Detail), append(c.opened, v.Opened)
		c.cannot, c.assumed, c.mended, c.closed = append(c.cannot, v.Cannot), append(c.assumed, v.Assumed), append(c.mended, v.Mended), append(c.closed, v.Closed)
		c.place, c.owner = append(c.place, v.Place), append(c.owner, v.Owner)
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO violations (workspace_id, connection_id, kind, external_id, rule, detail, opened_at, book, cannot, assumed, mended_at, closed_at, place, owner)
		SELECT $1, e.connection, e.kind, e.id, e.rule, e.detail, e.opened, $2, e.cannot, e.assumed, e.mended, e.closed, e.place, e.owner
		FROM unnest($3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::timestamptz[], $9::text[], $10::bool[], $11::timestamptz[], $12::timestamptz[], $13::text[], $14::text[])
			AS e(connection, kind, id, rule, detail, opened, cannot, assumed, mended, closed, place, owner)
		ON CONFLICT (workspace_id, connection_id, kind, external_id, rule, detail, opened_at) DO UPDATE SET
			cannot = excluded.cannot, assumed = excluded.assumed, mended_at = excluded.mended_at, closed_at = excluded.closed_at, place = excluded.place, owner = excluded.owner`,
		workspace, version, c.connection, c.kind, c.id, c.rule, c.detail, c.opened, c.cannot, c.assumed, c.mended, c.closed, c.place, c.owner)
	return err
}
