package jobs

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/enforce"
	"salesbook.dev/internal/postgres"
)

// enforcement is what the book in force does about its verdicts.
type enforcement struct {
	acts   bool // it does, or did, more than show them
	since  enforce.Since
	active time.Time // when the book was put in force
}

// enforcementOf reads since when the book in force does what about its rules.
func enforcementOf(ctx context.Context, tx pgx.Tx, workspace int64, b *book.Book, stored postgres.StoredBook) (x enforcement, err error) {
	x.since, x.active = enforce.Since{}, stored.ActiveAt
	modes := enforce.Modes(b)
	for rule, list := range modes {
		x.since[rule] = map[book.Mode]time.Time{}
		for _, mode := range list {
			x.since[rule][mode] = stored.ActiveAt
		}
	}
	kept, err := postgres.RollOuts(ctx, tx, workspace)
	if err != nil {
		return x, err
	}
	for _, r := range kept {
		if of := x.since[book.Rule(r.Rule)]; of != nil {
			of[book.Mode(r.Mode)] = r.Since
		}
	}
	if x.acts = len(modes) > 0 || b.Makes(); !x.acts {
		x.acts, err = postgres.AnyEdits(ctx, tx, workspace)
	}
	return x, err
}

// keepRollOuts notes from when on a book that is put in force has its rules in
// which mode.
func keepRollOuts(ctx context.Context, tx pgx.Tx, workspace int64, b *book.Book) error {
	var rules, modes []string
	for rule, list := range enforce.Modes(b) {
		for _, mode := range list {
			rules, modes = append(rules, string(rule)), append(modes, string(mode))
		}
	}
	return postgres.KeepRollOuts(ctx, tx, workspace, rules, modes)
}
