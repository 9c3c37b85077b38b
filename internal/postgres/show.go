package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/sales"
)

// Card is one canonical record as it stands, with what the store knows of it.
type Card struct {
	Connection  int64
	ID          string
	Fields      map[string]json.RawMessage // by the kind's field
	Custom      json.RawMessage            // nil where the kind has none
	MapVersion  int64
	FirstSeenAt time.Time
	ChangedAt   time.Time
	DeletedAt   *time.Time
	DeletedWhy  string
	MergedInto  string
}

// cardSQL selects cards of a kind; a condition on t follows it.
func cardSQL(k *sales.Kind) string {
	return `SELECT t.connection_id, t.external_id, to_jsonb(t), t.map_version, t.first_seen_at, t.changed_at, t.deleted_at, COALESCE(t.deleted_why, ''), COALESCE(t.merged_into, '') FROM ` + k.Name + ` t WHERE `
}

func collectCards(rows pgx.Rows, k *sales.Kind) ([]Card, error) {
	cards, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (c Card, err error) {
		var all map[string]json.RawMessage
		if err := row.Scan(&c.Connection, &c.ID, &all, &c.MapVersion, &c.FirstSeenAt, &c.ChangedAt, &c.DeletedAt, &c.DeletedWhy, &c.MergedInto); err != nil {
			return c, err
		}
		c.Fields = make(map[string]json.RawMessage, len(k.Fields))
		for _, f := range k.Fields {
			c.Fields[f.Name] = all[f.Name]
		}
		if k.Custom && string(all["custom"]) != "null" {
			c.Custom = all["custom"]
		}
		return c, nil
	})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", k.Name, err)
	}
	return cards, nil
}

// Cards returns the canonical records of a kind with this id, one per
// connection that has one.
func Cards(ctx context.Context, tx pgx.Tx, workspace int64, connections []int64, k *sales.Kind, id string) ([]Card, error) {
	rows, err := tx.Query(ctx, cardSQL(k)+`t.workspace_id = $1 AND t.connection_id = ANY($2) AND t.external_id = $3 ORDER BY t.connection_id`,
		workspace, connections, id)
	if err != nil {
		return nil, err
	}
	return collectCards(rows, k)
}

// CardsByID returns the canonical records of a kind with these ids.
func CardsByID(ctx context.Context, tx pgx.Tx, workspace, connection int64, k *sales.Kind, ids []string) ([]Card, error) {
	rows, err := tx.Query(ctx, `SELECT d.* FROM unnest($3::text[]) AS w(id) CROSS JOIN LATERAL (`+cardSQL(k)+`
		(t.workspace_id, t.connection_id, t.external_id) = ($1, $2, w.id) OFFSET 0) d`, workspace, connection, ids)
	if err != nil {
		return nil, err
	}
	return collectCards(rows, k)
}

// ItemsOf returns the living items of a deal.
func ItemsOf(ctx context.Context, tx pgx.Tx, workspace, connection int64, deal string) ([]Card, error) {
	k, _ := sales.KindByName("deal_items")
	rows, err := tx.Query(ctx, cardSQL(k)+`(t.workspace_id, t.connection_id, t.deal_id) = ($1, $2, $3) AND t.deleted_at IS NULL
		ORDER BY t.added_at, t.external_id`, workspace, connection, deal)
	if err != nil {
		return nil, err
	}
	return collectCards(rows, k)
}

// Names returns what records are called, by id; ids without a record are left out.
func Names(ctx context.Context, tx pgx.Tx, workspace, connection int64, k *sales.Kind, ids []string) (map[string]string, error) {
	column := nameColumn(k)
	if column == "" || len(ids) == 0 {
		return nil, nil
	}
	rows, err := tx.Query(ctx, `
		SELECT external_id, COALESCE(`+column+`, '') FROM `+k.Name+`
		WHERE (workspace_id, connection_id) = ($1, $2) AND external_id = ANY($3)`, workspace, connection, ids)
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	var id, name string
	_, err = pgx.ForEachRow(rows, []any{&id, &name}, func() error { names[id] = name; return nil })
	return names, err
}

// nameColumn returns the field that people call a record by, or nothing.
func nameColumn(k *sales.Kind) string {
	for _, name := range []string{"name", "title", "subject"} {
		if k.Index(name) >= 0 {
			return name
		}
	}
	return ""
}

// RawPlace says where the vendor's bytes of a record lie and of when they are.
type RawPlace struct {
	Object      string     `json:"object"`
	ID          string     `json:"id"`
	Parent      string     `json:"parent,omitempty"`
	Shape       string     `json:"shape"`
	Stored      int64      `json:"stored_bytes"` // packed; 0 when only a deletion is known
	UpdatedAt   *time.Time `json:"updated_at,omitempty"`
	FetchedAt   time.Time  `json:"fetched_at"`
	FirstSeenAt time.Time  `json:"first_seen_at"`
	DeletedAt   *time.Time `json:"deleted_at,omitempty"`
	DeletedWhy  string     `json:"deleted_why,omitempty"`
}

// RawPlaceOf returns where a record's bytes lie; ok is false when none are stored.
func RawPlaceOf(ctx context.Context, tx pgx.Tx, workspace, connection int64, object, id string) (place RawPlace, ok bool, err error) {
	rows, err := tx.Query(ctx, `
		SELECT object, external_id, COALESCE(parent, ''), shape, COALESCE(octet_length(raw), 0), updated_at, fetched_at, first_seen_at, deleted_at, COALESCE(deleted_why, '')
		FROM records WHERE (workspace_id, connection_id, object, external_id) = ($1, $2, $3, $4)`, workspace, connection, object, id)
	if err != nil {
		return place, false, err
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[RawPlace])
	if err != nil || len(found) == 0 {
		return place, false, err
	}
	return found[0], true, nil
}

// CountRecords returns how many raw records a connection has.
func CountRecords(ctx context.Context, tx pgx.Tx, workspace, connection int64) (int64, error) {
	var n int64
	err := tx.QueryRow(ctx, `SELECT count(*) FROM records WHERE (workspace_id, connection_id) = ($1, $2)`, workspace, connection).Scan(&n)
	return n, err
}
