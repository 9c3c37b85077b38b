package postgres

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"
)

// Subject is a deal or lead as the sales book judges it: its canonical row.
type Subject struct {
	ID            string
	Title         string
	Status        string // of a lead open, or archived
	Stage         *string
	Owner         *string // external id
	Person        *string
	Company       *string
	Amount        *decimal.Decimal
	Currency      *string
	Reason        *string
	Source        *string
	Products      *int64
	Archived      bool
	StageEntered  *time.Time
	Added         *time.Time
	Updated       *time.Time
	Won           *time.Time
	Lost          *time.Time
	ArchivedAt    *time.Time
	ExpectedClose *string // YYYY-MM-DD
	Custom        json.RawMessage
	FirstSeen     time.Time
	Deleted       *time.Time
	DeletedWhy    *string
}

const dealSubject = `external_id, title, status, stage_id, owner_id, person_id, company_id, amount, currency, lost_reason, source, items_count, archived,
	stage_entered_at, added_at, updated_at, won_at, lost_at, archived_at, expected_close::text, custom, first_seen_at, deleted_at, deleted_why`

const leadSubject = `external_id, title, CASE WHEN archived THEN 'archived' ELSE 'open' END, NULL, owner_id, person_id, company_id, amount, currency, NULL, source, NULL::bigint, archived,
	NULL::timestamptz, added_at, updated_at, NULL::timestamptz, NULL::timestamptz, CASE WHEN archived THEN updated_at END, expected_close::text, custom, first_seen_at, deleted_at, deleted_why`

// Deals returns up to most deals of a connection with ids after the given one,
// by id, also those that are gone.
func Deals(ctx context.Context, tx pgx.Tx, workspace, connection int64, after string, most int) ([]Subject, error) {
	return subjects(tx.Query(ctx, `SELECT `+dealSubject+` FROM deals
		WHERE (workspace_id, connection_id) = ($1, $2) AND external_id > $3 ORDER BY external_id LIMIT $4`, workspace, connection, after, most))
}

// Leads returns up to most leads, see Deals.
func Leads(ctx context.Context, tx pgx.Tx, workspace, connection int64, after string, most int) ([]Subject, error) {
	return subjects(tx.Query(ctx, `SELECT `+leadSubject+` FROM leads
		WHERE (workspace_id, connection_id) = ($1, $2) AND external_id > $3 ORDER BY external_id LIMIT $4`, workspace, connection, after, most))
}

// DealsByID returns deals. They are looked up one by one, as what belongs to them
// is.
func DealsByID(ctx context.Context, tx pgx.Tx, workspace, connection int64, ids []string) ([]Subject, error) {
	return subjects(tx.Query(ctx, `SELECT s.* FROM unnest($3::text[]) AS w(id) CROSS JOIN LATERAL (
		SELECT `+dealSubject+` FROM deals WHERE (workspace_id, connection_id, external_id) = ($1, $2, w.id) OFFSET 0) s ORDER BY w.id`, workspace, connection, ids))
}

// LeadsByID returns leads, see DealsByID.
func LeadsByID(ctx context.Context, tx pgx.Tx, workspace, connection int64, ids []string) ([]Subject, error) {
	return subjects(tx.Query(ctx, `SELECT s.* FROM unnest($3::text[]) AS w(id) CROSS JOIN LATERAL (
		SELECT `+leadSubject+` FROM leads WHERE (workspace_id, connection_id, external_id) = ($1, $2, w.id) OFFSET 0) s ORDER BY w.id`, workspace, connection, ids))
}

// SubjectsByKey returns deals and leads of all connections; those that are not
// stored are left out.
func SubjectsByKey(ctx context.Context, tx pgx.Tx, workspace int64, keys []SubjectKey) (map[SubjectKey]Subject, error) {
	ids := map[SubjectKey][]string{}
	for _, k := range keys {
		group := SubjectKey{Connection: k.Connection, Kind: k.Kind}
		ids[group] = append(ids[group], k.ID)
	}
	out := map[SubjectKey]Subject{}
	for group, some := range ids {
		read := DealsByID
		if group.Kind == "leads" {
			read = LeadsByID
		}
		rows, err := read(ctx, tx, workspace, group.Connection, some)
		if err != nil {
			return nil, err
		}
		for i := range rows {
			out[SubjectKey{Connection: group.Connection, Kind: group.Kind, ID: rows[i].ID}] = rows[i]
		}
	}
	return out, nil
}

func subjects(rows pgx.Rows, err error) ([]Subject, error) {
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Subject])
}

// Deed is an activity or note about a subject.
type Deed struct {
	Subject string // external id
	ID      string
	Type    string // of an activity
	Title   string // its subject
	Added   *time.Time
	Updated *time.Time
	Done    bool
	DoneAt  *time.Time
	DueOn   *string // YYYY-MM-DD
	DueAt   *time.Time
	Letters int  // of a note, markup not counted
	Ours    bool // our one task about the subject, or a note of ours; what a stage or a loss has made is the rep's own work
}

// What belongs to many subjects is looked up subject by subject: as a list of ids
// beside a whole table the planner compares all with all, see Unseen. Whose they
// are is only asked where we have made any.
const (
	activityDeed = `SELECT w.id, d.* FROM unnest($3::text[]) AS w(id) CROSS JOIN LATERAL (
		SELECT external_id, COALESCE(type, ''), COALESCE(subject, ''), added_at, updated_at, done, done_at, due_on::text, due_at, 0,
			(SELECT EXISTS (SELECT FROM edits WHERE (workspace_id, connection_id) = ($1, $2) AND target_kind = 'activities')) AND EXISTS (
				SELECT FROM edits e WHERE (e.workspace_id, e.connection_id, e.target_kind, e.target_id) = ($1, $2, 'activities', activities.external_id) AND e.what = 'task' AND e.before IS NULL OFFSET 0)
		FROM activities WHERE (workspace_id, connection_id) = ($1, $2) AND deleted_at IS NULL`

	noteDeed = `SELECT w.id, d.* FROM unnest($3::text[]) AS w(id) CROSS JOIN LATERAL (
		SELECT external_id, '', '', added_at, updated_at, true, added_at AS done_at, NULL, NULL::timestamptz,
			length(btrim(regexp_replace(COALESCE(content, ''), '<[^>]*>|&nbsp;', ' ', 'g'))),
			(SELECT EXISTS (SELECT FROM edits WHERE (workspace_id, connection_id) = ($1, $2) AND target_kind = 'notes')) AND EXISTS (
				SELECT FROM edits e WHERE (e.workspace_id, e.connection_id, e.target_kind, e.target_id) = ($1, $2, 'notes', notes.external_id) OFFSET 0)
		FROM notes WHERE (workspace_id, connection_id) = ($1, $2) AND deleted_at IS NULL`
)

// EachActivity calls each with what was planned and done about deals, or leads,
// one subject's after the other's. What it is given is overwritten by the next.
func EachActivity(ctx context.Context, tx pgx.Tx, workspace, connection int64, lead bool, ids []string, each func(*Deed)) error {
	if lead {
		return deeds(each)(tx.Query(ctx, activityDeed+` AND lead_id = w.id OFFSET 0) d`, workspace, connection, ids))
	}
	return deeds(each)(tx.Query(ctx, activityDeed+` AND deal_id = w.id OFFSET 0) d`, workspace, connection, ids))
}

// EachNote calls each with what was written about deals, or leads, see
// EachActivity.
func EachNote(ctx context.Context, tx pgx.Tx, workspace, connection int64, lead bool, ids []string, each func(*Deed)) error {
	if lead {
		return deeds(each)(tx.Query(ctx, noteDeed+` AND lead_id = w.id OFFSET 0) d`, workspace, connection, ids))
	}
	return deeds(each)(tx.Query(ctx, noteDeed+` AND deal_id = w.id OFFSET 0) d`, workspace, connection, ids))
}

// deeds reads rows into one place: there are many of them, and most of a copy
// would be thrown away.
func deeds(each func(*Deed)) func(pgx.Rows, error) error {
	return func(rows pgx.Rows, err error) error {
		if err != nil {
			return err
		}
		var d Deed
		_, err = pgx.ForEachRow(rows, []any{&d.Subject, &d.ID, &d.Type, &d.Title, &d.Added, &d.Updated, &d.Done, &d.DoneAt, &d.DueOn, &d.DueAt, &d.Letters, &d.Ours}, func() error {
			each(&d)
			return nil
		})
		return err
	}
}

// Entry is an entry of a deal into a stage.
type Entry struct {
	Deal  string
	At    time.Time
	Stage string
	Actor *string // external id of the rep
	Ours  bool    // an edit of ours moved it
}

// EntriesOf returns the stage history of deals, each deal's oldest first. Of one
// instant what we took back is the last: vendors tell whole seconds, and we are
// quick.
func EntriesOf(ctx context.Context, tx pgx.Tx, workspace, connection int64, deals []string) ([]Entry, error) {
	rows, err := tx.Query(ctx, `
		SELECT w.id, d.at, d.stage_id, d.actor_id, d.ours FROM unnest($3::text[]) AS w(id) CROSS JOIN LATERAL (
			SELECT at, stage_id, actor_id, edit_id IS NOT NULL AS ours FROM deal_stages WHERE (workspace_id, connection_id, deal_id) = ($1, $2, w.id) ORDER BY at, edit_id IS NOT NULL, stage_id OFFSET 0) d`, workspace, connection, deals)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Entry])
}

// Past is a change of a subject.
type Past struct {
	ID     string
	At     time.Time
	Fields map[string]Diff
}

// PastOf returns the changes of subjects, each subject's oldest first.
func PastOf(ctx context.Context, tx pgx.Tx, workspace, connection int64, kind string, ids []string) ([]Past, error) {
	rows, err := tx.Query(ctx, `
		SELECT w.id, d.at, d.fields FROM unnest($4::text[]) AS w(id) CROSS JOIN LATERAL (
			SELECT at, fields FROM changes WHERE (workspace_id, connection_id, kind, external_id) = ($1, $2, $3, w.id) ORDER BY at, id OFFSET 0) d`, workspace, connection, kind, ids)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Past])
}

// RepOf is a user of a CRM as the book knows him.
type RepOf struct {
	ID     string
	Email  string
	Active bool
}

// Reps returns the users of a connection.
func Reps(ctx context.Context, tx pgx.Tx, workspace, connection int64) ([]RepOf, error) {
	rows, err := tx.Query(ctx, `
		SELECT external_id, COALESCE(NULLIF(email, ''), name), active AND deleted_at IS NULL FROM reps
		WHERE (workspace_id, connection_id) = ($1, $2)`, workspace, connection)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[RepOf])
}

// OwnersOf returns what users of all CRMs are known by: as owners of violations,
// and by name.
func OwnersOf(ctx context.Context, tx pgx.Tx, workspace int64) (owners, names []string, err error) {
	rows, err := tx.Query(ctx, `SELECT DISTINCT COALESCE(NULLIF(email, ''), name), name FROM reps WHERE workspace_id = $1 ORDER BY 1, 2`, workspace)
	if err != nil {
		return nil, nil, err
	}
	var owner, name string
	_, err = pgx.ForEachRow(rows, []any{&owner, &name}, func() error {
		owners, names = append(owners, owner), append(names, name)
		return nil
	})
	return owners, names, err
}

// StageOf is a stage of a pipeline, with both names.
type StageOf struct {
	PipelineID, Pipeline string
	ID, Name             string
}

// Stages returns the stages of a connection in the order of their pipelines.
func Stages(ctx context.Context, tx pgx.Tx, workspace, connection int64) ([]StageOf, error) {
	rows, err := tx.Query(ctx, `
		SELECT p.external_id, p.name, s.external_id, s.name FROM pipelines p
		JOIN stages s ON (s.workspace_id, s.connection_id, s.pipeline_id) = (p.workspace_id, p.connection_id, p.external_id)
		WHERE (p.workspace_id, p.connection_id) = ($1, $2) AND p.deleted_at IS NULL AND s.deleted_at IS NULL
		ORDER BY p.position, p.external_id, s.position, s.external_id`, workspace, connection)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[StageOf])
}
