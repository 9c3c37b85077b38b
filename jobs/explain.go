package jobs

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
)

// Explanation is what the book in force says of one deal or lead.
type Explanation struct {
	Connection string
	Version    int // of the book
	Place      string
	Facts      *book.Facts
	Judgement  book.Judgement
}

// Explain judges one deal or lead as of an instant by the book that is in force.
// An id that several connections have is explained for each.
func (p *Pipeline) Explain(ctx context.Context, workspace int64, lead bool, id string, at time.Time) (out []Explanation, err error) {
	e, err := p.inForce(ctx, workspace)
	if err != nil {
		return nil, err
	}
	for _, s := range e.sources {
		err := p.DB.InByKey(ctx, workspace, func(tx pgx.Tx) error {
			facts, err := e.facts(ctx, tx, s, lead, []string{id})
			for _, f := range facts {
				out = append(out, Explanation{s.Name, e.version, e.compiled.Place(f, at), f, e.compiled.Judge(f, at)})
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	if len(out) == 0 {
		return nil, fault.New(fault.NotFound, "there is no such %s here: %s", map[bool]string{false: "deal", true: "lead"}[lead], id)
	}
	return out, nil
}

// inForce opens the book that is in force; fault.NotFound if none is.
func (p *Pipeline) inForce(ctx context.Context, workspace int64) (*evaluation, error) {
	var stored postgres.StoredBook
	err := p.DB.In(ctx, workspace, func(tx pgx.Tx) (err error) {
		stored, err = postgres.ActiveBook(ctx, tx, workspace)
		return err
	})
	if err != nil {
		return nil, err
	}
	if stored.Version == 0 {
		return nil, fault.New(fault.NotFound, "no book is in force yet; `salesbook book activate` puts one")
	}
	return p.openBook(ctx, workspace, stored)
}

// BookZone is the time zone of the first calendar of the book in force, by which
// people mean days.
func (p *Pipeline) BookZone(ctx context.Context, workspace int64) (*time.Location, error) {
	e, err := p.inForce(ctx, workspace)
	if err != nil {
		return nil, err
	}
	return e.compiled.Zone(), nil
}
