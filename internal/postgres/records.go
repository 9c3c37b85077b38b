package postgres

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/connectors"
)

// Hash identifies a record's bytes: the first 16 bytes of SHA-256.
type Hash [16]byte

// HashOf returns the hash of a record's bytes.
func HashOf(raw []byte) Hash {
	sum := sha256.Sum256(raw)
	return Hash(sum[:16])
}

// Sighting is a record that a page brought, on its way into the database.
type Sighting struct {
	connectors.Record
	Hash      Hash
	FetchedAt time.Time
}

// Sort orders sightings by object and id, the order in which every
// transaction locks records, and drops all but the newest of each id.
func Sort(s []Sighting) []Sighting {
	slices.SortStableFunc(s, func(a, b Sighting) int {
		if c := strings.Compare(a.Object, b.Object); c != 0 {
			return c
		}
		if c := strings.Compare(a.ID, b.ID); c != 0 {
			return c
		}
		return b.UpdatedAt.Compare(a.UpdatedAt)
	})
	return slices.CompactFunc(s, func(a, b Sighting) bool { return a.Object == b.Object && a.ID == b.ID })
}

// Unseen returns those of the sightings that tell anything new: other bytes
// than stored, a deletion, a merge, or a revival. Sightings older than what is stored
// are left out. moved tells that one of them is stored with another parent. It
// reads only.
func Unseen(ctx context.Context, tx pgx.Tx, workspace, connection int64, s []Sighting) (unseen []Sighting, moved bool, err error) {
	c := sightingColumns(s)
	// Each record is looked up by its whole key. As a plain join the planner would
	// be free to compare all with all, and is while it takes the table for empty.
	rows, err := tx.Query(ctx, `
		SELECT e.i, e.parent <> '' AND r.parent <> e.parent
		FROM unnest($3::text[], $4::text[], $5::bytea[], $6::timestamptz[], $7::timestamptz[], $8::bool[], $9::text[], $10::text[])
			WITH ORDINALITY AS e(object, id, hash, updated_at, fetched_at, gone, into_id, parent, i)
		LEFT JOIN LATERAL (SELECT * FROM records s
			WHERE (s.workspace_id, s.connection_id, s.object, s.external_id) = ($1, $2, e.object, e.id) OFFSET 0) r ON true
		WHERE r.external_id IS NULL
		   OR (r.hash IS DISTINCT FROM e.hash AND NOT (e.gone AND e.hash IS NULL) OR (r.deleted_at IS NOT NULL) <> e.gone
		       OR e.into_id <> '' AND r.merged_into IS NULL)
		  AND `+newer("e")+`
		ORDER BY e.i`, workspace, connection, c.object, c.id, c.hash, c.updated, c.fetched, c.gone, c.into, c.parent)
	if err != nil {
		return nil, false, err
	}
	var index []int64
	var i int64
	var other *bool
	_, err = pgx.ForEachRow(rows, []any{&i, &other}, func() error {
		index = append(index, i)
		moved = moved || other != nil && *other
		return nil
	})
	if err != nil {
		return nil, false, fmt.Errorf("compare records: %w", err)
	}
	if len(index) == len(s) {
		return s, moved, nil
	}
	unseen = make([]Sighting, len(index))
	for i, n := range index {
		unseen[i] = s[n-1]
	}
	return unseen, moved, nil
}

// newer holds when the sighting (columns of e) is not older than the stored
// record r, by the vendor's time and by when it was asked for. What was asked
// for a minute later is newer in any case: no copy that a vendor answers from
// lags so far behind, but its clock may have been set back. What was asked for
// before a tombstone was made does not revive it, and nothing an erased person's.
func newer(e string) string {
	return strings.ReplaceAll(`(r.deleted_why IS DISTINCT FROM 'erased' AND (e.fetched_at >= r.fetched_at AND (r.updated_at IS NULL OR e.updated_at IS NULL OR e.updated_at >= r.updated_at OR e.fetched_at >= r.fetched_at + interval '1 minute')
		OR e.fetched_at < r.fetched_at AND e.updated_at > r.updated_at AND r.deleted_at IS NULL))`, "e.", e+".")
}

type sightings struct {
	object, id, parent, shape []string
	hash                      [][]byte
	updated                   []*time.Time
	fetched                   []time.Time
	gone                      []bool
	into                      []string
}

func sightingColumns(s []Sighting) sightings {
	n := len(s)
	c := sightings{make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([][]byte, n), make([]*time.Time, n), make([]time.Time, n), make([]bool, n), make([]string, n)}
	for i := range s {
		r := &s[i]
		c.object[i], c.id[i], c.parent[i], c.shape[i] = r.Object, r.ID, r.Parent, r.Shape
		c.fetched[i], c.gone[i] = r.FetchedAt, r.Deleted
		if r.Deleted {
			c.into[i] = r.MergedInto
		}
		if len(r.Raw) > 0 {
			c.hash[i] = r.Hash[:]
		}
		if !r.UpdatedAt.IsZero() {
			c.updated[i] = &r.UpdatedAt
		}
	}
	return c
}

// Stored is what became of a sighting that was written.
type Stored struct {
	Sighting
	Known bool // a version of it was stored before
}

// WriteRecords stores sightings and returns those that were taken, in order. A
// sighting that lost a race against a newer one is not taken. A deletion
// without bytes keeps the bytes that are stored.
func WriteRecords(ctx context.Context, tx pgx.Tx, workspace, connection int64, s []Sighting, z *Compressor) ([]Stored, error) {
	if len(s) == 0 {
		return nil, nil
	}
	c := sightingColumns(s)
	raw := make([][]byte, len(s))
	dict := make([]*int64, len(s))
	for i := range s {
		if len(s[i].Raw) == 0 {
			continue
		}
		raw[i], dict[i] = z.compress(workspace, connection, s[i].Object, s[i].Raw)
	}
	rows, err := tx.Query(ctx, `
		INSERT INTO records AS r (workspace_id, connection_id, object, external_id, parent, shape, hash, dictionary_id, raw, updated_at, fetched_at, deleted_at, deleted_why, merged_into)
		SELECT $1, $2, e.object, e.id, NULLIF(e.parent, ''), e.shape, e.hash, e.dict, e.raw, e.updated_at, e.fetched_at,
			CASE WHEN e.gone THEN now() END, CASE WHEN e.into_id <> '' THEN 'merged' WHEN e.gone THEN 'deleted' END, NULLIF(e.into_id, '')
		FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::bytea[], $8::bigint[], $9::bytea[], $10::timestamptz[], $11::timestamptz[], $12::bool[], $13::text[])
			AS e(object, id, parent, shape, hash, dict, raw, updated_at, fetched_at, gone, into_id)
		ON CONFLICT (workspace_id, connection_id, object, external_id) DO UPDATE SET
			parent = COALESCE(excluded.parent, r.parent),
			shape = CASE WHEN excluded.raw IS NULL THEN r.shape ELSE excluded.shape END,
			hash = COALESCE(excluded.hash, r.hash),
			dictionary_id = CASE WHEN excluded.raw IS NULL THEN r.dictionary_id ELSE excluded.dictionary_id END,
			raw = COALESCE(excluded.raw, r.raw),
			updated_at = COALESCE(excluded.updated_at, r.updated_at),
			fetched_at = excluded.fetched_at,
			deleted_at = CASE WHEN excluded.deleted_at IS NOT NULL THEN COALESCE(r.deleted_at, excluded.deleted_at) END,
			deleted_why = CASE WHEN excluded.merged_into IS NOT NULL THEN 'merged' WHEN excluded.deleted_at IS NOT NULL THEN COALESCE(r.deleted_why, excluded.deleted_why) END,
			merged_into = CASE WHEN excluded.deleted_at IS NOT NULL THEN COALESCE(excluded.merged_into, r.merged_into) END
		WHERE `+newer("excluded")+`
		RETURNING object, external_id, xmax <> 0`,
		workspace, connection, c.object, c.id, c.parent, c.shape, c.hash, dict, raw, c.updated, c.fetched, c.gone, c.into)
	if err != nil {
		return nil, err
	}
	return takenOf(rows, s)
}

// takenOf pairs the returned keys, which come in the order of the input, with
// their sightings.
func takenOf(rows pgx.Rows, s []Sighting) ([]Stored, error) {
	out := make([]Stored, 0, len(s))
	next := 0
	var object, id string
	var known bool
	_, err := pgx.ForEachRow(rows, []any{&object, &id, &known}, func() error {
		for next < len(s) && (s[next].Object != object || s[next].ID != id) {
			next++
		}
		if next == len(s) {
			return fmt.Errorf("record %s %s came back out of order", object, id)
		}
		out = append(out, Stored{s[next], known})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("write records: %w", err)
	}
	return out, nil
}

// Missing returns the ids of stored, living records in the scopes of object
// that are not among present, in an answer that was asked for at the given
// instant: they have vanished at the vendor. Records read later are not missing.
func Missing(ctx context.Context, tx pgx.Tx, workspace, connection int64, object string, parents, present []string, asked time.Time) ([]string, error) {
	where, args := "", []any{workspace, connection, object, present, asked}
	if parents != nil {
		where, args = " AND r.parent = ANY($6)", append(args, parents)
	}
	rows, err := tx.Query(ctx, `
		SELECT r.external_id FROM records r
		WHERE (r.workspace_id, r.connection_id, r.object) = ($1, $2, $3) AND r.deleted_at IS NULL
		  AND r.external_id <> ALL($4) AND r.fetched_at < $5`+where+` ORDER BY 1`, args...)
	if err != nil {
		return nil, err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("look for vanished %s: %w", object, err)
	}
	return ids, nil
}

// BuryRecords makes tombstones of records that are known to be gone, from an
// answer that was asked for at the given instant.
func BuryRecords(ctx context.Context, tx pgx.Tx, workspace, connection int64, object string, ids []string, why string, asked time.Time) error {
	_, err := tx.Exec(ctx, `
		UPDATE records SET deleted_at = now(), deleted_why = $5, fetched_at = greatest(fetched_at, $6)
		WHERE (workspace_id, connection_id, object) = ($1, $2, $3) AND external_id = ANY($4) AND deleted_at IS NULL`,
		workspace, connection, object, ids, why, asked)
	return err
}

// RawRecord is one stored record read back.
type RawRecord struct {
	Object, ID, Parent, Shape string
	Raw                       []byte
	UpdatedAt                 time.Time
	Deleted                   bool
}

const rawColumns = `object, external_id, COALESCE(parent, ''), shape, raw, dictionary_id, updated_at, deleted_at IS NOT NULL`

// ReadRecords returns up to most stored records of an object with bytes, with
// ids after the given one, in the order of ids (C collation).
func ReadRecords(ctx context.Context, tx pgx.Tx, workspace, connection int64, object, after string, most int, z *Compressor) ([]RawRecord, error) {
	return readRecords(ctx, tx, workspace, connection, object, after, most, z, "")
}

// HoldRecords is ReadRecords for those who write canonical rows from what they
// read: the records cannot change until the transaction ends, so that rows
// from older bytes are never written over those from newer ones.
func HoldRecords(ctx context.Context, tx pgx.Tx, workspace, connection int64, object, after string, most int, z *Compressor) ([]RawRecord, error) {
	return readRecords(ctx, tx, workspace, connection, object, after, most, z, " FOR SHARE")
}

func readRecords(ctx context.Context, tx pgx.Tx, workspace, connection int64, object, after string, most int, z *Compressor, lock string) ([]RawRecord, error) {
	rows, err := tx.Query(ctx, `
		SELECT `+rawColumns+` FROM records
		WHERE (workspace_id, connection_id, object) = ($1, $2, $3) AND external_id > $4 AND raw IS NOT NULL
		ORDER BY external_id LIMIT $5`+lock, workspace, connection, object, after, most)
	if err != nil {
		return nil, err
	}
	return collectRaw(ctx, tx, rows, workspace, z)
}

// AnyRecord returns the id of a living record of an object that is not among
// others; fault.NotFound if there is none.
func AnyRecord(ctx context.Context, tx pgx.Tx, workspace, connection int64, object string, others []string) (string, error) {
	var id string
	err := tx.QueryRow(ctx, `
		SELECT external_id FROM records
		WHERE (workspace_id, connection_id, object) = ($1, $2, $3) AND deleted_at IS NULL AND external_id <> ALL($4)
		ORDER BY external_id DESC LIMIT 1`, workspace, connection, object, append([]string{}, others...)).Scan(&id)
	return id, notFound(err, "there is no other record of %s", object)
}

// ReadRecordsByID returns the stored records with these ids that have bytes,
// and keeps them from changing until the transaction ends.
func ReadRecordsByID(ctx context.Context, tx pgx.Tx, workspace, connection int64, object string, ids []string, z *Compressor) ([]RawRecord, error) {
	rows, err := tx.Query(ctx, `
		SELECT `+rawColumns+` FROM records
		WHERE (workspace_id, connection_id, object) = ($1, $2, $3) AND external_id = ANY($4) AND raw IS NOT NULL
		ORDER BY external_id FOR SHARE`, workspace, connection, object, ids)
	if err != nil {
		return nil, err
	}
	return collectRaw(ctx, tx, rows, workspace, z)
}

func collectRaw(ctx context.Context, tx pgx.Tx, rows pgx.Rows, workspace int64, z *Compressor) ([]RawRecord, error) {
	var out []RawRecord
	var dicts []*int64
	var r RawRecord
	var packed []byte
	var dict *int64
	var updated *time.Time
	_, err := pgx.ForEachRow(rows, []any{&r.Object, &r.ID, &r.Parent, &r.Shape, &packed, &dict, &updated, &r.Deleted}, func() error {
		r.Raw, r.UpdatedAt = packed, time.Time{}
		if updated != nil {
			r.UpdatedAt = updated.UTC()
		}
		out, dicts, packed, dict = append(out, r), append(dicts, dict), nil, nil
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read records: %w", err)
	}
	for i := range out {
		if dicts[i] == nil {
			continue
		}
		if out[i].Raw, err = z.expand(ctx, tx, workspace, *dicts[i], out[i].Raw); err != nil {
			return nil, fmt.Errorf("read %s %s: %w", out[i].Object, out[i].ID, err)
		}
	}
	return out, nil
}
