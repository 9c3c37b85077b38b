package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/sales"
)

// Held is what we have of one record.
type Held struct {
	ID        string
	Parent    string
	Hash      []byte     // nil when only a deletion is known
	UpdatedAt *time.Time // the vendor's modification time
	FetchedAt time.Time
	Deleted   bool
	Stage     string // of its canonical row; empty if it has none
}

// HeldRecords returns what we have of these records, by id. kind and prefix
// say where their canonical rows are; kind is nil where the map leaves the
// object out.
func HeldRecords(ctx context.Context, tx pgx.Tx, workspace, connection int64, object string, kind *sales.Kind, prefix string, ids []string) (map[string]Held, error) {
	rows, err := tx.Query(ctx, heldSQL(kind, "external_id"), workspace, connection, object, prefix, ids)
	if err != nil {
		return nil, err
	}
	found, err := collectHeld(rows, object)
	if err != nil {
		return nil, err
	}
	held := make(map[string]Held, len(found))
	for _, h := range found {
		held[h.ID] = h
	}
	return held, nil
}

// Vanishing returns what we have of the living records of an object that stand
// under these parents (nil: of all) and are not among present, in an answer
// that was asked for at the given instant. Records read later are left out.
func Vanishing(ctx context.Context, tx pgx.Tx, workspace, connection int64, object string, kind *sales.Kind, prefix string, parents, present []string, asked time.Time) ([]Held, error) {
	key := "parent"
	if parents == nil {
		key, parents = "object", []string{object}
	}
	rows, err := tx.Query(ctx, heldSQL(kind, key), workspace, connection, object, prefix, parents)
	if err != nil {
		return nil, err
	}
	all, err := collectHeld(rows, object)
	there := make(map[string]bool, len(present))
	for _, id := range present {
		there[id] = true
	}
	return slices.DeleteFunc(all, func(h Held) bool { return h.Deleted || there[h.ID] || !h.FetchedAt.Before(asked) }), err
}

// heldSQL selects what there is of the records with each value of a column in
// $5, with the stage of their rows where the kind has one. It looks up value by
// value: OFFSET keeps the planner from reading the whole object for each page,
// which it would before the table's first statistics and in plans for any
// parameters.
func heldSQL(kind *sales.Kind, key string) string {
	stage := "''"
	if Staged(kind) {
		stage = `COALESCE((SELECT t.stage_id FROM ` + kind.Name + ` t WHERE (t.workspace_id, t.connection_id, t.external_id) = ($1, $2, $4 || h.external_id)), '')`
	}
	return `SELECT h.external_id, COALESCE(h.parent, ''), h.hash, h.updated_at, h.fetched_at, h.deleted_at IS NOT NULL, ` + stage + `
		FROM unnest($5::text[]) AS e(key) CROSS JOIN LATERAL (
			SELECT r.external_id, r.parent, r.hash, r.updated_at, r.fetched_at, r.deleted_at FROM records r
			WHERE (r.workspace_id, r.connection_id, r.object, r.` + key + `) = ($1, $2, $3, e.key) OFFSET 0) h WHERE $4::text IS NOT NULL`
}

// Staged tells whether rows of a kind stand in stages.
func Staged(kind *sales.Kind) bool { return kind != nil && kind.Index("stage_id") >= 0 }

func collectHeld(rows pgx.Rows, object string) ([]Held, error) {
	held, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Held])
	if err != nil {
		return nil, fmt.Errorf("look up stored %s: %w", object, err)
	}
	return held, nil
}

// Unlike returns, of canonical rows as they should be, those that are not so in
// their table, by id; absent tells that there is no living row at all. The
// modification time alone is no difference.
func Unlike(ctx context.Context, tx pgx.Tx, workspace, connection int64, k *sales.Kind, rows []CanonicalRow) (absent map[string]bool, err error) {
	if len(rows) == 0 {
		return nil, nil
	}
	// upsertArgs ends with ids and tombstones; the map's version is not compared.
	args := upsertArgs(workspace, connection, k, 0, rows)
	args = append(args[:2:2], args[3:len(args)-1]...)
	result, err := tx.Query(ctx, unlikeSQL(k), args...)
	if err != nil {
		return nil, err
	}
	absent = map[string]bool{}
	var id string
	var none bool
	_, err = pgx.ForEachRow(result, []any{&id, &none}, func() error { absent[id] = none; return nil })
	if err != nil {
		return nil, fmt.Errorf("compare %s: %w", k.Name, err)
	}
	return absent, nil
}

func unlikeSQL(k *sales.Kind) string {
	var names, arrays, ours, theirs strings.Builder
	n := 3
	add := func(name, array, cast string) {
		fmt.Fprintf(&names, "%s, ", name)
		fmt.Fprintf(&arrays, "$%d::%s, ", n, array)
		if name != "updated_at" {
			fmt.Fprintf(&ours, ", t.%s", name)
			fmt.Fprintf(&theirs, ", e.%s%s", name, cast)
		}
		n++
	}
	for _, f := range k.Fields {
		add(f.Name, sqlTypes[f.Type].array, sqlTypes[f.Type].cast)
	}
	if k.Custom {
		add("custom", "text[]", "::jsonb")
	}
	// As in heldSQL. What lies behind OFFSET must not fit a partial index.
	return fmt.Sprintf(`SELECT e.external_id, t.external_id IS NULL FROM unnest(%[1]s$%[2]d::text[]) AS e(%[3]sexternal_id)
		LEFT JOIN LATERAL (SELECT * FROM %[4]s r WHERE (r.workspace_id, r.connection_id, r.external_id) = ($1, $2, e.external_id) OFFSET 0) t ON t.deleted_at IS NULL
		WHERE t.external_id IS NULL OR (t.external_id%[5]s) IS DISTINCT FROM (e.external_id%[6]s)`,
		arrays.String(), n, names.String(), k.Name, ours.String(), theirs.String())
}
