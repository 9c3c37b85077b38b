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
	Book       *book.Book
}

// Explain judges one deal or lead as of an instant by the book that is in force.
// The connection's name may be empty unless several have the id.
func (p *Pipeline) Explain(ctx context.Context, workspace int64, lead bool, id, connection string, at time.Time) (x Explanation, err error) {
	e, err := p.inForce(ctx, workspace)
	if err != nil {
		return x, err
	}
	return x, p.DB.InByKey(ctx, workspace, func(tx pgx.Tx) error {
		f, _, err := e.called(ctx, tx, lead, id, connection)
		if err == nil {
			x = Explanation{f.Connection, e.version, e.compiled.Place(f, at), f, e.compiled.Judge(f, at), e.compiled.Book}
		}
		return err
	})
}

// called tells what is known of the deal or lead that has an id.
func (e *evaluation) called(ctx context.Context, tx pgx.Tx, lead bool, id, connection string) (*book.Facts, postgres.SubjectKey, error) {
	c, err := postgres.SubjectCalled(ctx, tx, e.workspace, kindOf(lead), id, connection)
	if err != nil {
		return nil, c.SubjectKey, err
	}
	s := e.sources[c.Connection]
	if s == nil {
		return nil, c.SubjectKey, e.notJudged(c.ConnectionName)
	}
	list, err := e.facts(ctx, tx, s, lead, []string{id})
	if err == nil && len(list) == 0 {
		err = fault.New(fault.Conflict, "%s %s was removed this moment", c.ConnectionName, id)
	}
	if err != nil {
		return nil, c.SubjectKey, err
	}
	return list[0].facts, c.SubjectKey, nil
}

// inForce opens the book that is in force; fault.NotFound if none is.
func (p *Pipeline) inForce(ctx context.Context, workspace int64) (*evaluation, error) {
	e, err := p.openBook(ctx, workspace)
	if err == nil && e == nil {
		err = noBookYet()
	}
	return e, err
}

// storedBook is the book that is in force; fault.NotFound if none is.
func storedBook(ctx context.Context, tx pgx.Tx, workspace int64) (postgres.StoredBook, error) {
	stored, err := postgres.ActiveBook(ctx, tx, workspace)
	if err == nil && stored.Version == 0 {
		err = fault.New(fault.NotFound, "no book is in force yet; `salesbook book activate` puts one")
	}
	return stored, err
}

// Book is the book that is in force; fault.NotFound if none is.
func Book(ctx context.Context, tx pgx.Tx, workspace int64) (*book.Book, error) {
	stored, err := storedBook(ctx, tx, workspace)
	if err != nil {
		return nil, err
	}
	return parseStored(stored)
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
