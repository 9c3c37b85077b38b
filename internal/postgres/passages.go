package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/sales"
)

// Passage is a stored text that may quote somebody, with what finds it again.
type Passage struct {
	Key   int64     // number of its row, where rows have one
	At    time.Time // with Key, where rows are partitioned
	Kind  string    // canonical kind, or kind of failure
	ID    string    // external id
	Text  []byte
	Reads string // deliveries: the JSON of what is to be read again
}

// Renderings returns canonical rows of a kind as JSON, with ids after the given one.
func Renderings(ctx context.Context, tx pgx.Tx, workspace, connection int64, k *sales.Kind, after string, most int) ([]Passage, error) {
	rows, err := tx.Query(ctx, `SELECT t.external_id, to_jsonb(t) FROM `+k.Name+` t
		WHERE (t.workspace_id, t.connection_id) = ($1, $2) AND t.external_id > $3 ORDER BY t.external_id LIMIT $4`, workspace, connection, after, most)
	if err != nil {
		return nil, err
	}
	var out []Passage
	var id string
	var doc json.RawMessage
	_, err = pgx.ForEachRow(rows, []any{&id, &doc}, func() error {
		out = append(out, Passage{Kind: k.Name, ID: id, Text: append([]byte(nil), doc...)})
		return nil
	})
	return out, err
}

// RewriteDocuments puts documents in the place of those with the same ids.
func RewriteDocuments(ctx context.Context, tx pgx.Tx, workspace, connection int64, k *sales.Kind, docs []Passage) error {
	ids, texts := make([]string, len(docs)), make([]string, len(docs))
	for i, d := range docs {
		ids[i], texts[i] = d.ID, string(d.Text)
	}
	if _, err := tx.Exec(ctx, `DELETE FROM `+k.Name+` t WHERE (t.workspace_id, t.connection_id) = ($1, $2) AND t.external_id = ANY ($3)`, workspace, connection, ids); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, populateSQL(k), texts)
	return err
}

// populateSQL makes rows of a kind from documents.
func populateSQL(k *sales.Kind) string {
	return `INSERT INTO ` + k.Name + ` SELECT p.* FROM unnest($1::text[]) AS d(doc), jsonb_populate_record(NULL::` + k.Name + `, d.doc::jsonb) p`
}

// passages collects rows of (number, instant, kind, id, text, reads).
func passages(rows pgx.Rows, err error) ([]Passage, error) {
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Passage])
}

func split(list []Passage) (keys []int64, at []time.Time, texts []string, bodies [][]byte) {
	for _, p := range list {
		keys, at, texts, bodies = append(keys, p.Key), append(at, p.At), append(texts, string(p.Text)), append(bodies, p.Text)
	}
	return keys, at, texts, bodies
}

// ChangePassages returns changes with numbers after the given one.
func ChangePassages(ctx context.Context, tx pgx.Tx, workspace, connection, after int64, most int) ([]Passage, error) {
	return passages(tx.Query(ctx, `
		SELECT id, seen_at, kind, external_id, convert_to(fields::text, 'UTF8'), '' FROM changes
		WHERE (workspace_id, connection_id) = ($1, $2) AND id > $3 ORDER BY id LIMIT $4`, workspace, connection, after, most))
}

// RewriteChanges gives changes other fields.
func RewriteChanges(ctx context.Context, tx pgx.Tx, workspace int64, list []Passage) error {
	keys, at, texts, _ := split(list)
	_, err := tx.Exec(ctx, `
		UPDATE changes c SET fields = e.fields::jsonb FROM unnest($2::bigint[], $3::timestamptz[], $4::text[]) AS e(id, at, fields)
		WHERE (c.workspace_id, c.id, c.seen_at) = ($1, e.id, e.at)`, workspace, keys, at, texts)
	return err
}

// DeliveryPassages returns deliveries, read or not, with numbers after the given one.
func DeliveryPassages(ctx context.Context, tx pgx.Tx, workspace, connection, after int64, most int) ([]Passage, error) {
	return passages(tx.Query(ctx, `
		SELECT id, at, '', key, body, reads::text FROM inbox
		WHERE (workspace_id, connection_id) = ($1, $2) AND id > $3 AND body <> '' ORDER BY id LIMIT $4`, workspace, connection, after, most))
}

// LetterPassages returns deliveries by their numbers.
func LetterPassages(ctx context.Context, tx pgx.Tx, workspace int64, letters []Waiting) ([]Passage, error) {
	ids := make([]int64, len(letters))
	for i, l := range letters {
		ids[i] = l.ID
	}
	return passages(tx.Query(ctx, `
		SELECT id, at, '', key, body, reads::text FROM inbox WHERE workspace_id = $1 AND id = ANY ($2) AND body <> '' ORDER BY id`, workspace, ids))
}

// RewriteDeliveries gives deliveries other bodies. What they name stays.
func RewriteDeliveries(ctx context.Context, tx pgx.Tx, workspace int64, list []Passage) error {
	keys, at, _, bodies := split(list)
	_, err := tx.Exec(ctx, `
		UPDATE inbox i SET body = e.body FROM unnest($2::bigint[], $3::timestamptz[], $4::bytea[]) AS e(id, at, body)
		WHERE (i.workspace_id, i.id, i.at) = ($1, e.id, e.at)`, workspace, keys, at, bodies)
	return err
}

// FailurePassages returns the words of dead letters with numbers after the
// given one, as a JSON array of place, reason and hint.
func FailurePassages(ctx context.Context, tx pgx.Tx, workspace, connection, after int64, most int) ([]Passage, error) {
	return passages(tx.Query(ctx, `
		SELECT id, first_at, object, external_id, convert_to(jsonb_build_array(place, reason, hint)::text, 'UTF8'), '' FROM failures
		WHERE workspace_id = $1 AND connection_id = $2 AND id > $3 ORDER BY id LIMIT $4`, workspace, connection, after, most))
}

// RewriteFailures gives dead letters other words, in the form of FailurePassages.
func RewriteFailures(ctx context.Context, tx pgx.Tx, workspace int64, list []Passage) error {
	keys, _, texts, _ := split(list)
	_, err := tx.Exec(ctx, `
		UPDATE failures f SET place = e.words->>0, reason = e.words->>1, hint = e.words->>2
		FROM (SELECT u.id, u.t::jsonb AS words FROM unnest($2::bigint[], $3::text[]) AS u(id, t)) e WHERE (f.workspace_id, f.id) = ($1, e.id)`, workspace, keys, texts)
	return err
}

// RunPassages returns the errors of runs with numbers after the given one.
func RunPassages(ctx context.Context, tx pgx.Tx, workspace, connection, after int64, most int) ([]Passage, error) {
	return passages(tx.Query(ctx, `
		SELECT id, started_at, kind, object, convert_to(to_jsonb(error)::text, 'UTF8'), '' FROM runs
		WHERE (workspace_id, connection_id) = ($1, $2) AND id > $3 AND error <> '' ORDER BY id LIMIT $4`, workspace, connection, after, most))
}

// RewriteRuns gives runs other errors, each as a JSON string.
func RewriteRuns(ctx context.Context, tx pgx.Tx, workspace int64, list []Passage) error {
	keys, _, texts, _ := split(list)
	_, err := tx.Exec(ctx, `
		UPDATE runs r SET error = e.t::jsonb #>> '{}' FROM unnest($2::bigint[], $3::text[]) AS e(id, t) WHERE (r.workspace_id, r.id) = ($1, e.id)`, workspace, keys, texts)
	return err
}

// RewriteRaw gives stored records other bytes, with the hash of these.
func RewriteRaw(ctx context.Context, tx pgx.Tx, workspace, connection int64, object string, records []RawRecord, z *Compressor) error {
	n := len(records)
	ids, raw, hash, dict := make([]string, n), make([][]byte, n), make([][]byte, n), make([]*int64, n)
	for i, r := range records {
		h := HashOf(r.Raw)
		ids[i], hash[i] = r.ID, h[:]
		raw[i], dict[i] = z.compress(workspace, connection, object, r.Raw)
	}
	_, err := tx.Exec(ctx, `
		UPDATE records r SET raw = e.raw, hash = e.hash, dictionary_id = e.dict FROM unnest($4::text[], $5::bytea[], $6::bytea[], $7::bigint[]) AS e(id, raw, hash, dict)
		WHERE (r.workspace_id, r.connection_id, r.object, r.external_id) = ($1, $2, $3, e.id)`, workspace, connection, object, ids, raw, hash, dict)
	if err != nil {
		return fmt.Errorf("rewrite %s: %w", object, err)
	}
	return nil
}
