package postgres

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"

	"salesbook.dev/internal/sales"
)

// CanonicalRow is one mapped row with what the store must know beside it.
type CanonicalRow struct {
	sales.Row
	At      time.Time // the vendor's modification time; zero where it has none
	Deleted bool      // its record says that it is gone
	Known   bool      // a version of its record was stored before
}

// Change is a difference between one canonical row and the next.
type Change struct {
	Kind   string
	ID     string
	At     time.Time
	Fields map[string]Diff
	Edit   *int64 // the edit of ours that brought it about; nil: somebody else did
}

// Diff is one field's old and new value as JSON.
type Diff struct {
	Old json.RawMessage `json:"old"`
	New json.RawMessage `json:"new"`
}

// OldText is the old value if it was a text; else empty.
func (d Diff) OldText() string { return text(d.Old) }

// Written is what became of canonical rows.
type Written struct {
	Changes []Change // how rows that existed differ from before; a difference in the modification time alone is none
	Made    []string // ids of rows that did not exist
}

// WriteRows writes canonical rows of one kind, in the order given.
func WriteRows(ctx context.Context, tx pgx.Tx, workspace, connection int64, k *sales.Kind, version int64, rows []CanonicalRow) (Written, error) {
	var fresh, known []CanonicalRow
	for _, r := range rows {
		if r.Known {
			known = append(known, r)
		} else {
			fresh = append(fresh, r)
		}
	}
	if len(fresh) > 0 {
		if _, err := tx.Exec(ctx, upsertSQL(k), upsertArgs(workspace, connection, k, version, fresh)...); err != nil {
			return Written{}, fmt.Errorf("write %s: %w", k.Name, err)
		}
	}
	var w Written
	if len(known) > 0 {
		var err error
		if w, err = rewrite(ctx, tx, workspace, connection, k, version, known); err != nil {
			return w, err
		}
	}
	for _, r := range fresh {
		w.Made = append(w.Made, r.ID)
	}
	return w, nil
}

// rewrite writes over rows that may exist and compares.
func rewrite(ctx context.Context, tx pgx.Tx, workspace, connection int64, k *sales.Kind, version int64, rows []CanonicalRow) (Written, error) {
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	before, err := documents(ctx, tx, k, `SELECT t.external_id, to_jsonb(t) FROM `+k.Name+` t
		WHERE (t.workspace_id, t.connection_id) = ($1, $2) AND t.external_id = ANY($3)`, workspace, connection, ids)
	if err != nil {
		return Written{}, err
	}
	after, err := documents(ctx, tx, k, upsertSQL(k)+` RETURNING t.external_id, to_jsonb(t)`, upsertArgs(workspace, connection, k, version, rows)...)
	if err != nil {
		return Written{}, err
	}
	var w Written
	for _, r := range rows {
		old, ok := before[r.ID]
		if !ok {
			w.Made = append(w.Made, r.ID)
			continue
		}
		if d := difference(k, old, after[r.ID]); len(d) > 0 {
			w.Changes = append(w.Changes, Change{Kind: k.Name, ID: r.ID, At: r.At, Fields: d})
		}
	}
	return w, nil
}

// document is a row as PostgreSQL renders it: equal values have equal bytes.
type document map[string]json.RawMessage

func documents(ctx context.Context, tx pgx.Tx, k *sales.Kind, sql string, args ...any) (map[string]document, error) {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", k.Name, err)
	}
	out := map[string]document{}
	var id string
	var text []byte
	_, err = pgx.ForEachRow(rows, []any{&id, &text}, func() error {
		var d document
		if err := json.Unmarshal(text, &d); err != nil {
			return err
		}
		out[id] = d
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", k.Name, err)
	}
	return out, nil
}

// difference compares two documents field by field; custom fields by code.
func difference(k *sales.Kind, old, new document) map[string]Diff {
	d := map[string]Diff{}
	for _, f := range k.Fields {
		if f.Name != "updated_at" && !bytes.Equal(old[f.Name], new[f.Name]) {
			d[f.Name] = Diff{old[f.Name], new[f.Name]}
		}
	}
	if (string(old["deleted_at"]) == "null") != (string(new["deleted_at"]) == "null") {
		d["deleted_at"] = Diff{old["deleted_at"], new["deleted_at"]}
	}
	if !bytes.Equal(old["merged_into"], new["merged_into"]) {
		d["merged_into"] = Diff{old["merged_into"], new["merged_into"]}
	}
	if k.Custom && !bytes.Equal(old["custom"], new["custom"]) {
		customDifference(d, old["custom"], new["custom"])
	}
	return d
}

func customDifference(d map[string]Diff, old, new json.RawMessage) {
	var a, b document
	// Both come from a jsonb column; null leaves the map empty.
	_ = json.Unmarshal(old, &a)
	_ = json.Unmarshal(new, &b)
	null := json.RawMessage("null")
	for key, v := range a {
		if w, ok := b[key]; !ok {
			d["custom."+key] = Diff{v, null}
		} else if !bytes.Equal(v, w) {
			d["custom."+key] = Diff{v, w}
		}
	}
	for key, w := range b {
		if _, ok := a[key]; !ok {
			d["custom."+key] = Diff{null, w}
		}
	}
}

// BuryRows makes tombstones of canonical rows, keeping their last content, and
// returns a change for each that was alive.
func BuryRows(ctx context.Context, tx pgx.Tx, workspace, connection int64, k *sales.Kind, ids []string, why string) ([]Change, error) {
	rows, err := tx.Query(ctx, `
		UPDATE `+k.Name+` SET deleted_at = now(), deleted_why = $4, changed_at = now()
		WHERE (workspace_id, connection_id) = ($1, $2) AND external_id = ANY($3) AND deleted_at IS NULL
		RETURNING external_id, to_jsonb(deleted_at)`, workspace, connection, ids, why)
	if err != nil {
		return nil, err
	}
	var changes []Change
	var id string
	var at []byte
	_, err = pgx.ForEachRow(rows, []any{&id, &at}, func() error {
		changes = append(changes, Change{Kind: k.Name, ID: id, Fields: map[string]Diff{"deleted_at": {json.RawMessage("null"), bytes.Clone(at)}}})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("bury %s: %w", k.Name, err)
	}
	return changes, nil
}

// NoteMerges says of tombstones why they are ones: each of ids was merged into
// the one at its place. It returns the ids of those that did not say so yet.
func NoteMerges(ctx context.Context, tx pgx.Tx, workspace, connection int64, k *sales.Kind, ids, into []string) ([]string, error) {
	rows, err := tx.Query(ctx, `
		UPDATE `+k.Name+` t SET deleted_why = 'merged', merged_into = e.into_id, changed_at = now() FROM unnest($3::text[], $4::text[]) AS e(id, into_id)
		WHERE (t.workspace_id, t.connection_id) = ($1, $2) AND t.external_id = e.id AND t.deleted_why = 'deleted'
		RETURNING t.external_id`, workspace, connection, ids, into)
	if err != nil {
		return nil, err
	}
	noted, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("note merges of %s: %w", k.Name, err)
	}
	return noted, nil
}

// DateTombstones gives canonical rows that were made anew from records of an
// object the instant and the reason at which each record was buried. rows are
// the canonical ids of the records.
func DateTombstones(ctx context.Context, tx pgx.Tx, workspace, connection int64, k *sales.Kind, object string, rows, records []string) error {
	_, err := tx.Exec(ctx, `
		UPDATE `+k.Name+` t SET deleted_at = r.deleted_at, deleted_why = r.deleted_why, merged_into = r.merged_into
		FROM unnest($4::text[], $5::text[]) e(row_id, record_id) JOIN records r
			ON (r.workspace_id, r.connection_id, r.object, r.external_id) = ($1, $2, $3, e.record_id)
		WHERE (t.workspace_id, t.connection_id, t.external_id) = ($1, $2, e.row_id) AND r.deleted_at IS NOT NULL
			AND t.deleted_at IS NOT NULL AND t.deleted_at > r.deleted_at`, workspace, connection, object, rows, records)
	if err != nil {
		return fmt.Errorf("date tombstones of %s: %w", k.Name, err)
	}
	return nil
}

// sqlTypes are the array types a column travels in, and the cast it is read with.
var sqlTypes = map[sales.Type]struct{ array, cast string }{
	sales.Text: {"text[]", ""}, sales.Ref: {"text[]", ""}, sales.Integer: {"bigint[]", ""}, sales.Decimal: {"text[]", "::numeric"},
	sales.Bool: {"bool[]", ""}, sales.Instant: {"timestamptz[]", ""}, sales.Date: {"text[]", "::date"}, sales.Texts: {"text[]", "::text[]"}, sales.JSON: {"text[]", "::jsonb"},
}

// upsertSQL writes one row per element of its array arguments, see upsertArgs.
// A living row that its record calls deleted becomes a tombstone; one that was
// a tombstone revives.
func upsertSQL(k *sales.Kind) string {
	var cols, selects, arrays, names, sets strings.Builder
	n := 4
	add := func(name, array, cast string) {
		fmt.Fprintf(&cols, ", %s", name)
		fmt.Fprintf(&selects, ", e.%s%s", name, cast)
		fmt.Fprintf(&arrays, ", $%d::%s", n, array)
		fmt.Fprintf(&names, ", %s", name)
		fmt.Fprintf(&sets, "%s = excluded.%s, ", name, name)
		n++
	}
	for _, f := range k.Fields {
		add(f.Name, sqlTypes[f.Type].array, sqlTypes[f.Type].cast)
	}
	if k.Custom {
		add("custom", "text[]", "::jsonb")
	}
	return fmt.Sprintf(`INSERT INTO %[1]s AS t (workspace_id, connection_id, map_version, external_id, deleted_at, deleted_why%[2]s)
		SELECT $1, $2, $3, e.external_id, CASE WHEN e.gone THEN now() END, CASE WHEN e.gone THEN 'deleted' END%[3]s
		FROM unnest(%[4]s, $%[6]d::text[], $%[7]d::bool[]) AS e(%[5]s, external_id, gone)
		ON CONFLICT (workspace_id, connection_id, external_id) DO UPDATE SET %[8]smap_version = excluded.map_version, changed_at = now(),
			deleted_at = CASE WHEN excluded.deleted_at IS NOT NULL THEN COALESCE(t.deleted_at, excluded.deleted_at) END,
			deleted_why = CASE WHEN excluded.deleted_at IS NOT NULL THEN COALESCE(t.deleted_why, excluded.deleted_why) END,
			merged_into = CASE WHEN excluded.deleted_at IS NOT NULL THEN t.merged_into END`,
		k.Name, cols.String(), selects.String(), arrays.String()[2:], names.String()[2:], n, n+1, sets.String())
}

func upsertArgs(workspace, connection int64, k *sales.Kind, version int64, rows []CanonicalRow) []any {
	args := []any{workspace, connection, version}
	for i, f := range k.Fields {
		args = append(args, column(f.Type, i, rows))
	}
	ids, gone := make([]string, len(rows)), make([]bool, len(rows))
	custom := make([]*string, len(rows))
	for i := range rows {
		ids[i], gone[i] = rows[i].ID, rows[i].Deleted
		if rows[i].Custom != nil {
			s := string(rows[i].Custom)
			custom[i] = &s
		}
	}
	if k.Custom {
		args = append(args, custom)
	}
	return append(args, ids, gone)
}

// column gathers field i of all rows as an array of its type.
func column(t sales.Type, i int, rows []CanonicalRow) any {
	switch t {
	case sales.Integer:
		return gather(rows, i, func(v any) int64 { return v.(int64) })
	case sales.Bool:
		return gather(rows, i, func(v any) bool { return v.(bool) })
	case sales.Instant:
		return gather(rows, i, func(v any) time.Time { return v.(time.Time) })
	case sales.Decimal:
		return gather(rows, i, func(v any) string { return v.(decimal.Decimal).String() })
	case sales.Texts:
		return gather(rows, i, func(v any) string { return arrayLiteral(v.([]string)) })
	case sales.JSON:
		return gather(rows, i, func(v any) string { return string(v.(json.RawMessage)) })
	default:
		return gather(rows, i, func(v any) string { return v.(string) })
	}
}

func gather[T any](rows []CanonicalRow, i int, as func(any) T) []*T {
	values, out := make([]T, len(rows)), make([]*T, len(rows))
	for n := range rows {
		if v := rows[n].Values[i]; v != nil {
			values[n] = as(v)
			out[n] = &values[n]
		}
	}
	return out
}

// arrayLiteral renders a text[] for an input cast: arrays of arrays cannot be unnested.
func arrayLiteral(items []string) string {
	var b strings.Builder
	b.WriteByte('{')
	for i, s := range items {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('"')
		for j := range len(s) {
			if s[j] == '"' || s[j] == '\\' {
				b.WriteByte('\\')
			}
			b.WriteByte(s[j])
		}
		b.WriteByte('"')
	}
	b.WriteByte('}')
	return b.String()
}

// VersionNumber folds a map's version into the number that canonical rows carry.
func VersionNumber(version string) int64 {
	n, _ := strconv.ParseUint(version[:min(16, len(version))], 16, 64)
	return int64(n)
}
