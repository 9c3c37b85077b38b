package postgres

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/seal"
)

// Digest is a keyed hash of something of an erased person: the first 16 bytes
// of HMAC-SHA256 under the workspace's secret.
type Digest [16]byte

// Person is what identifies somebody among a connection's people.
type Person struct {
	Connection      int64
	ID              string // external id
	Name            string
	First, Last     string
	Former          []string // full names he had before
	Emails          []string // these and the numbers with those he had before
	Phones, Written []string // E.164, and as the CRM has them
	Erased          bool     // erased before: the rest is empty
}

// Wanted says who is looked for; exactly one of its last three is set.
type Wanted struct {
	Connection int64 // 0: in all
	ID         string
	Email      string // in any case of letters
	Phone      string // its digits, at least seven: numbers whose last seven are the same
}

const personColumns = `connection_id, external_id, name, COALESCE(first_name, ''), COALESCE(last_name, ''), COALESCE(emails, '{}'),
	COALESCE(phones, '{}'), COALESCE(phones_written, '{}'), COALESCE(deleted_why = 'erased', false)`

func persons(rows pgx.Rows, err error) ([]Person, error) {
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (p Person, err error) {
		var emails, phones, written []*string
		err = row.Scan(&p.Connection, &p.ID, &p.Name, &p.First, &p.Last, &emails, &phones, &written, &p.Erased)
		p.Emails, p.Phones, p.Written = present(emails), present(phones), present(written)
		return p, err
	})
}

// FindPersons returns the people who are wanted, also those who were deleted,
// by connection and id.
func FindPersons(ctx context.Context, tx pgx.Tx, workspace int64, w Wanted) ([]Person, error) {
	list, err := persons(tx.Query(ctx, `
		SELECT `+personColumns+` FROM people p WHERE workspace_id = $1 AND ($2 = 0 OR connection_id = $2) AND ($3 = '' OR external_id = $3)
			AND ($4 = '' OR lower($4) = ANY (emails))
			AND ($5 = '' OR EXISTS (SELECT FROM unnest(array_remove(phones, NULL) || phones_written) AS t(written)
				WHERE right(regexp_replace(t.written, '\D', '', 'g'), 7) = right($5, 7)))
		ORDER BY connection_id, external_id`, workspace, w.Connection, w.ID, w.Email, w.Phone))
	if err != nil {
		return nil, err
	}
	for i := range list {
		if err := list[i].recall(ctx, tx, workspace); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// recall adds what a person was called and reached by before, as far as the
// changes tell: texts of that time tell of him so.
func (p *Person) recall(ctx context.Context, tx pgx.Tx, workspace int64) error {
	rows, err := tx.Query(ctx, `
		SELECT f.key, t.text FROM changes c, jsonb_each(c.fields) f, LATERAL (
			SELECT f.value ->> 'old' AS text WHERE jsonb_typeof(f.value -> 'old') = 'string'
			UNION ALL SELECT jsonb_array_elements_text(f.value -> 'old') WHERE jsonb_typeof(f.value -> 'old') = 'array') t
		WHERE (c.workspace_id, c.connection_id, c.kind, c.external_id) = ($1, $2, 'people', $3)
			AND f.key IN ('name', 'emails', 'phones', 'phones_written') AND t.text IS NOT NULL
		GROUP BY f.key, t.text ORDER BY f.key, t.text`, workspace, p.Connection, p.ID)
	if err != nil {
		return err
	}
	var field, text string
	_, err = pgx.ForEachRow(rows, []any{&field, &text}, func() error {
		to := map[string]*[]string{"name": &p.Former, "emails": &p.Emails, "phones": &p.Phones, "phones_written": &p.Written}[field]
		if !slices.Contains(*to, text) {
			*to = append(*to, text)
		}
		return nil
	})
	return err
}

func present(texts []*string) (out []string) {
	for _, t := range texts {
		if t != nil {
			out = append(out, *t)
		}
	}
	return out
}

// EveryPerson returns a connection's people who were not erased, with ids after
// the given one, and as they are now.
func EveryPerson(ctx context.Context, tx pgx.Tx, workspace, connection int64, after string, most int) ([]Person, error) {
	return persons(tx.Query(ctx, `
		SELECT `+personColumns+` FROM people WHERE (workspace_id, connection_id) = ($1, $2) AND external_id > $3 AND deleted_why IS DISTINCT FROM 'erased'
		ORDER BY external_id LIMIT $4`, workspace, connection, after, most))
}

func erasureOf(workspace int64) string { return fmt.Sprintf("erasure/%d", workspace) }

// ErasureSecret returns the secret under which the workspace's suppressions are
// hashed; nil if nobody was ever erased.
func (v Vault) ErasureSecret(ctx context.Context, tx pgx.Tx, workspace int64) ([]byte, error) {
	var sealed []byte
	err := tx.QueryRow(ctx, `SELECT sealed FROM erasure_keys WHERE workspace_id = $1`, workspace).Scan(&sealed)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	secret, err := v.Keys.Unseal(sealed, erasureOf(workspace))
	if err != nil {
		return nil, fault.New(fault.Invalid, "erased persons cannot be recognised: %w; put the right key file in place, or run `salesbook key reset`", err)
	}
	return secret, nil
}

// MakeErasureSecret returns the workspace's secret, made if there is none.
func (v Vault) MakeErasureSecret(ctx context.Context, tx pgx.Tx, workspace int64) ([]byte, error) {
	secret, err := v.ErasureSecret(ctx, tx, workspace)
	if err != nil || secret != nil {
		return secret, err
	}
	secret = make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		return nil, err
	}
	return secret, v.saveErasureSecret(ctx, tx, workspace, secret)
}

func (v Vault) saveErasureSecret(ctx context.Context, tx pgx.Tx, workspace int64, secret []byte) error {
	sealed, err := v.Keys.Seal(secret, erasureOf(workspace))
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO erasure_keys (workspace_id, sealed, key_id) VALUES ($1, $2, $3)
		ON CONFLICT (workspace_id) DO UPDATE SET sealed = excluded.sealed, key_id = excluded.key_id`, workspace, sealed, int64(seal.KeyOf(sealed)))
	return err
}

// ResealErasures seals the workspace's secret with the present key.
func (v Vault) ResealErasures(ctx context.Context, tx pgx.Tx, workspace int64) error {
	var id int64
	err := tx.QueryRow(ctx, `SELECT key_id FROM erasure_keys WHERE workspace_id = $1 FOR UPDATE`, workspace).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && id == int64(v.Keys.Primary()) {
		return nil
	}
	if err != nil {
		return err
	}
	secret, err := v.ErasureSecret(ctx, tx, workspace)
	if err != nil {
		return err
	}
	return v.saveErasureSecret(ctx, tx, workspace, secret)
}

// TakeOverErasures seals the workspace's secret with the present key if that of
// another keyring opens it, and else forgets all suppressions, see
// GiveUpErasures.
func (v Vault) TakeOverErasures(ctx context.Context, tx pgx.Tx, workspace int64, from *seal.Keyring) error {
	if from == nil {
		return GiveUpErasures(ctx, tx, workspace)
	}
	secret, err := Vault{Keys: from}.ErasureSecret(ctx, tx, workspace)
	switch {
	case fault.KindOf(err) == fault.Invalid:
		return GiveUpErasures(ctx, tx, workspace)
	case err != nil || secret == nil:
		return err
	}
	return v.saveErasureSecret(ctx, tx, workspace, secret)
}

// GiveUpErasures forgets suppressions that no key opens any more. Records that
// were erased stay so; who comes back under another id is not recognised.
func GiveUpErasures(ctx context.Context, tx pgx.Tx, workspace int64) error {
	if _, err := tx.Exec(ctx, `DELETE FROM suppressions WHERE workspace_id = $1`, workspace); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM erasure_keys WHERE workspace_id = $1`, workspace)
	return err
}

// Suppressions returns the workspace's digests.
func Suppressions(ctx context.Context, tx pgx.Tx, workspace int64) (map[Digest]bool, error) {
	rows, err := tx.Query(ctx, `SELECT digest FROM suppressions WHERE workspace_id = $1`, workspace)
	if err != nil {
		return nil, err
	}
	out := map[Digest]bool{}
	var b []byte
	_, err = pgx.ForEachRow(rows, []any{&b}, func() error { out[Digest(b)] = true; return nil })
	return out, err
}

// Suppress stores digests, in an order that all transactions keep to.
func Suppress(ctx context.Context, tx pgx.Tx, workspace int64, digests []Digest) error {
	digests = slices.SortedFunc(slices.Values(digests), func(a, b Digest) int { return bytes.Compare(a[:], b[:]) })
	list := make([][]byte, len(digests))
	for i := range digests {
		list[i] = digests[i][:]
	}
	_, err := tx.Exec(ctx, `INSERT INTO suppressions (workspace_id, digest) SELECT $1, d FROM unnest($2::bytea[]) d ON CONFLICT DO NOTHING`, workspace, list)
	return err
}

// SubjectsOf returns the deals or leads of these people.
func SubjectsOf(ctx context.Context, tx pgx.Tx, workspace, connection int64, kind string, people []string) ([]string, error) {
	rows, err := tx.Query(ctx, `
		SELECT external_id FROM deals WHERE $3 = 'deals' AND (workspace_id, connection_id) = ($1, $2) AND person_id = ANY ($4)
		UNION ALL
		SELECT external_id FROM leads WHERE $3 = 'leads' AND (workspace_id, connection_id) = ($1, $2) AND person_id = ANY ($4)`,
		workspace, connection, kind, people)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// EraseRecords makes tombstones without content of records, which nothing
// brings back, and deletes the dead letters about them.
func EraseRecords(ctx context.Context, tx pgx.Tx, workspace, connection int64, object string, ids []string) error {
	_, err := tx.Exec(ctx, `
		UPDATE records SET raw = NULL, hash = NULL, dictionary_id = NULL, deleted_at = COALESCE(deleted_at, now()), deleted_why = 'erased'
		WHERE (workspace_id, connection_id, object) = ($1, $2, $3) AND external_id = ANY ($4)`, workspace, connection, object, ids)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `DELETE FROM failures WHERE (workspace_id, connection_id, object) = ($1, $2, $3) AND external_id = ANY ($4)`, workspace, connection, object, ids)
	return err
}

// ErasePeople makes tombstones without content of people.
func ErasePeople(ctx context.Context, tx pgx.Tx, workspace, connection int64, ids []string) error {
	_, err := tx.Exec(ctx, `
		UPDATE people SET name = 'erased', first_name = NULL, last_name = NULL, owner_id = NULL, company_id = NULL, job_title = NULL, emails = NULL,
			phones = NULL, phones_written = NULL, labels = NULL, added_at = NULL, updated_at = NULL, custom = NULL, changed_at = now(),
			deleted_at = COALESCE(deleted_at, now()), deleted_why = 'erased'
		WHERE (workspace_id, connection_id) = ($1, $2) AND external_id = ANY ($3)`, workspace, connection, ids)
	return err
}
