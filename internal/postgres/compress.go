package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/klauspost/compress/zstd"
)

// Compressor packs records' bytes with a dictionary per connection and object.
// The first record of an object becomes its dictionary: records of one object
// share their keys, and an account's custom field codes are long. It is safe
// for concurrent use.
type Compressor struct {
	mu       sync.Mutex
	encoders map[encoderKey]*encoder
	decoders map[decoderKey]*zstd.Decoder
}

type encoderKey struct {
	workspace, connection int64
	object                string
}

type decoderKey struct{ workspace, dictionary int64 }

type encoder struct {
	id int64
	z  *zstd.Encoder
}

// NewCompressor returns a compressor that has loaded no dictionary yet.
func NewCompressor() *Compressor {
	return &Compressor{encoders: map[encoderKey]*encoder{}, decoders: map[decoderKey]*zstd.Decoder{}}
}

// maxOpen bounds the encoders and the decoders that are kept open, and so the
// memory of a worker that serves many connections.
const maxOpen = 64

// Prepare makes sure that records of an object can be compressed: it loads the
// dictionary, or stores sample as a new one. It runs in a transaction of its
// own, so that a page that fails takes no dictionary with it.
func (z *Compressor) Prepare(ctx context.Context, db *DB, workspace, connection int64, object string, sample []byte) error {
	key := encoderKey{workspace, connection, object}
	if z.encoderOf(key) != nil {
		return nil
	}
	var id int64
	content := sample[:min(len(sample), 16<<10)]
	err := db.In(ctx, workspace, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, `
			SELECT id, content FROM dictionaries WHERE (workspace_id, connection_id, object) = ($1, $2, $3) ORDER BY id DESC LIMIT 1`,
			workspace, connection, object).Scan(&id, &content)
		if !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		return tx.QueryRow(ctx, `
			INSERT INTO dictionaries (workspace_id, connection_id, object, content) VALUES ($1, $2, $3, $4) RETURNING id`,
			workspace, connection, object, content).Scan(&id)
	})
	if err != nil {
		return fmt.Errorf("dictionary of %s: %w", object, err)
	}
	w, err := zstd.NewWriter(nil, zstd.WithEncoderDictRaw(uint32(id), content), zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false), zstd.WithWindowSize(64<<10), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return err
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	evict(z.encoders)
	z.encoders[key] = &encoder{id, w}
	return nil
}

func (z *Compressor) encoderOf(key encoderKey) *encoder {
	z.mu.Lock()
	defer z.mu.Unlock()
	return z.encoders[key]
}

// evict makes room for one more entry by dropping any.
func evict[K comparable, V any](m map[K]V) {
	for k := range m {
		if len(m) < maxOpen {
			return
		}
		delete(m, k)
	}
}

// compress returns raw packed, and the id of the dictionary it was packed
// with; unprepared objects are stored plain.
func (z *Compressor) compress(workspace, connection int64, object string, raw []byte) ([]byte, *int64) {
	e := z.encoderOf(encoderKey{workspace, connection, object})
	if e == nil {
		return raw, nil
	}
	return e.z.EncodeAll(raw, make([]byte, 0, len(raw)/3+64)), &e.id
}

// expand returns the bytes that were packed with the given dictionary.
func (z *Compressor) expand(ctx context.Context, tx pgx.Tx, workspace, dictionary int64, packed []byte) ([]byte, error) {
	d, err := z.decoder(ctx, tx, decoderKey{workspace, dictionary})
	if err != nil {
		return nil, err
	}
	return d.DecodeAll(packed, nil)
}

func (z *Compressor) decoder(ctx context.Context, tx pgx.Tx, key decoderKey) (*zstd.Decoder, error) {
	z.mu.Lock()
	d := z.decoders[key]
	z.mu.Unlock()
	if d != nil {
		return d, nil
	}
	var content []byte
	err := tx.QueryRow(ctx, `SELECT content FROM dictionaries WHERE (workspace_id, id) = ($1, $2)`, key.workspace, key.dictionary).Scan(&content)
	if err != nil {
		return nil, notFound(err, "the dictionary %d, with which stored records were compressed, is missing", key.dictionary)
	}
	d, err = zstd.NewReader(nil, zstd.WithDecoderDictRaw(uint32(key.dictionary), content), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	evict(z.decoders)
	z.decoders[key] = d
	return d, nil
}

// Keep forgets encoders of a connection whose dictionary is no longer the
// newest of its object: an erasure has replaced it and will delete it.
func (z *Compressor) Keep(ctx context.Context, tx pgx.Tx, workspace, connection int64) error {
	rows, err := tx.Query(ctx, `SELECT object, max(id) FROM dictionaries WHERE (workspace_id, connection_id) = ($1, $2) GROUP BY object`, workspace, connection)
	if err != nil {
		return err
	}
	newest := map[string]int64{}
	var object string
	var id int64
	if _, err := pgx.ForEachRow(rows, []any{&object, &id}, func() error { newest[object] = id; return nil }); err != nil {
		return err
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	for key, e := range z.encoders {
		if key.workspace == workspace && key.connection == connection && newest[key.object] != e.id {
			delete(z.encoders, key)
		}
	}
	return nil
}

// Dictionaries returns, by their ids, the contents of an object's dictionaries.
func Dictionaries(ctx context.Context, tx pgx.Tx, workspace, connection int64, object string) (map[int64][]byte, error) {
	rows, err := tx.Query(ctx, `SELECT id, content FROM dictionaries WHERE (workspace_id, connection_id, object) = ($1, $2, $3)`, workspace, connection, object)
	if err != nil {
		return nil, err
	}
	out := map[int64][]byte{}
	var id int64
	var content []byte
	_, err = pgx.ForEachRow(rows, []any{&id, &content}, func() error { out[id] = append([]byte(nil), content...); return nil })
	return out, err
}

// AddDictionary stores a dictionary that is the newest from now on.
func AddDictionary(ctx context.Context, tx pgx.Tx, workspace, connection int64, object string, content []byte) error {
	_, err := tx.Exec(ctx, `INSERT INTO dictionaries (workspace_id, connection_id, object, content) VALUES ($1, $2, $3, $4)`,
		workspace, connection, object, content[:min(len(content), 16<<10)])
	return err
}

// DropDictionaries deletes dictionaries that no record names any more.
func DropDictionaries(ctx context.Context, tx pgx.Tx, workspace, connection int64, object string, ids []int64) error {
	_, err := tx.Exec(ctx, `
		DELETE FROM dictionaries d WHERE (d.workspace_id, d.connection_id, d.object) = ($1, $2, $3) AND d.id = ANY ($4) AND NOT EXISTS (
			SELECT FROM records r WHERE (r.workspace_id, r.connection_id, r.object, r.dictionary_id) = ($1, $2, $3, d.id))`,
		workspace, connection, object, ids)
	return err
}
