package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/fault"
)

// StoredBook is a sales book that is or was in force.
type StoredBook struct {
	Version  int
	Name     string
	Text     string
	ActiveAt time.Time
	ActiveBy string
}

const bookColumns = `version, name, text, active_at, active_by`

// ActiveBook returns the book that is in force; version 0 if there is none.
func ActiveBook(ctx context.Context, tx pgx.Tx, workspace int64) (StoredBook, error) {
	rows, err := tx.Query(ctx, `SELECT `+bookColumns+` FROM books WHERE workspace_id = $1 ORDER BY version DESC LIMIT 1`, workspace)
	if err != nil {
		return StoredBook{}, err
	}
	b, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[StoredBook])
	if errors.Is(err, pgx.ErrNoRows) {
		return StoredBook{}, nil
	}
	return b, err
}

// BookVersion returns a book that is or was in force, or fault.NotFound.
func BookVersion(ctx context.Context, tx pgx.Tx, workspace int64, version int) (StoredBook, error) {
	rows, err := tx.Query(ctx, `SELECT `+bookColumns+` FROM books WHERE (workspace_id, version) = ($1, $2)`, workspace, version)
	if err != nil {
		return StoredBook{}, err
	}
	b, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[StoredBook])
	return b, notFound(err, "there is no version %d of the book; `salesbook book history` lists them", version)
}

// Books lists the books that were ever in force, the present one first, without
// their texts.
func Books(ctx context.Context, tx pgx.Tx, workspace int64) ([]StoredBook, error) {
	rows, err := tx.Query(ctx, `SELECT version, name, '', active_at, active_by FROM books WHERE workspace_id = $1 ORDER BY version DESC`, workspace)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[StoredBook])
}

// AfterAny puts a book in force whichever is.
const AfterAny = -1

// AddBook puts a book in force after the one with the given version (0: after
// none), and returns its version. If another one is in force it is
// fault.Conflict.
func AddBook(ctx context.Context, tx pgx.Tx, workspace int64, name, text, by string, after int) (version int, err error) {
	err = tx.QueryRow(ctx, `
		INSERT INTO books (workspace_id, version, name, text, active_by)
		SELECT $1, COALESCE(max(version), 0) + 1, $2, $3, $4 FROM books WHERE workspace_id = $1
		HAVING $5 < 0 OR COALESCE(max(version), 0) = $5
		ON CONFLICT DO NOTHING RETURNING version`, workspace, name, text, by, after).Scan(&version)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, fault.New(fault.Conflict, "another book was put in force meanwhile; `salesbook book history` lists them")
	}
	return version, err
}
