package jobs

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/book/starter"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
)

// StarterBy is who puts the starter book in force that is made by itself.
const StarterBy = "salesbook"

const (
	// startEvery is how often is looked whether a starter book can be made.
	startEvery = 5 * time.Second
	// startAgain is how often is looked whether a better one can be made: it takes
	// hours at least, and counting costs.
	startAgain = 5 * time.Minute
)

// Starter makes the starter book of a workspace from some of its connections,
// or from all. Nothing is put in force.
func (p *Pipeline) Starter(ctx context.Context, workspace int64, connections ...string) (starter.Draft, error) {
	var list []postgres.Connection
	err := p.DB.In(ctx, workspace, func(tx pgx.Tx) (err error) {
		if len(connections) == 0 {
			list, err = postgres.Connections(ctx, tx, workspace)
			return err
		}
		for _, name := range connections {
			c, err := postgres.ConnectionByName(ctx, tx, workspace, name)
			if err != nil {
				return err
			}
			list = append(list, c)
		}
		return nil
	})
	if err != nil {
		return starter.Draft{}, err
	}
	var accounts []starter.Account
	for _, c := range list {
		a, err := p.account(ctx, workspace, c.ID)
		if err != nil {
			return starter.Draft{}, err
		}
		if len(a.Pipelines) > 0 {
			accounts = append(accounts, a)
		}
	}
	if len(accounts) == 0 {
		return starter.Draft{}, fault.New(fault.NotFound, "no pipeline has been read yet, so there is nothing to make a book from; `salesbook status` tells how far the first load is")
	}
	return starter.Make(accounts, p.Now()), nil
}

// Start puts a starter book in force once the first load of a connection is over,
// another one as soon as one more connection is loaded, and a last one once the stage
// history of all deals is known. Where somebody has put a book in force, that stays,
// and nothing more is to be done.
func (p *Pipeline) Start(ctx context.Context, workspace int64) error {
	at, err := p.beginnings(ctx, workspace)
	if err != nil {
		return err
	}
	active, known := at.active, at.known
	speaksOf := spokenOf(active.Text)
	unspoken := slices.ContainsFunc(at.loaded, func(name string) bool { return !slices.Contains(speaksOf, name) })
	switch {
	case active.Version > 0 && active.ActiveBy != StarterBy:
		return p.stopStarting(ctx, workspace)
	case len(at.loaded) == 0 || active.Version > 0 && !known && !unspoken:
		return nil
	}
	draft, err := p.Starter(ctx, workspace, at.loaded...)
	if err != nil {
		return err
	}
	// A connection without pipelines gets none into the book.
	better := active.Version == 0 || known || !slices.Equal(spokenOf(draft.Text), speaksOf)
	if draft.Text != active.Text && better {
		b, err := book.Parse("starter book", []byte(draft.Text))
		if err != nil {
			return fault.New(fault.Invalid, "the starter book cannot be read, which is a fault of salesbook; please report it: %w", err)
		}
		_, err = p.activate(ctx, workspace, b, draft.Text, StarterBy, active.Version)
		if fault.KindOf(err) == fault.Conflict {
			return nil // somebody put a book in force meanwhile: the next look tells whose
		}
		if err != nil {
			return err
		}
		p.Log.InfoContext(ctx, "a starter book is in force; it only observes", "workspace", workspace, "connections", at.loaded)
	}
	if known {
		return p.stopStarting(ctx, workspace)
	}
	every := startAgain
	if at.loading {
		every = startEvery
	}
	return p.DB.In(ctx, workspace, func(tx pgx.Tx) error {
		return postgres.Schedule(ctx, tx, workspace, StartArgs{}.Kind(), 0, every)
	})
}

// spokenOf are the connections whose pipelines a book names, one for each
// pipeline.
func spokenOf(text string) (out []string) {
	b, err := book.Parse("starter book", []byte(text))
	if err != nil {
		return nil // none is in force yet
	}
	for i := range b.Funnels {
		for _, from := range b.Funnels[i].CRM {
			out = append(out, from.Connection)
		}
	}
	return out
}

// knownShare is of how many percent of deals the stage history must be known
// for a starter book that is worth making anew: new deals come all the time.
const knownShare = 99

// beginning is how far a workspace is.
type beginning struct {
	active  postgres.StoredBook
	loaded  []string // connections
	loading bool     // others are not loaded yet
	known   bool     // all are loaded, with the history of their deals
}

// beginnings tells which book is in force, which connections are loaded, and
// whether their history is known.
func (p *Pipeline) beginnings(ctx context.Context, workspace int64) (b beginning, err error) {
	b.known = true
	err = p.DB.In(ctx, workspace, func(tx pgx.Tx) error {
		if b.active, err = postgres.ActiveBook(ctx, tx, workspace); err != nil {
			return err
		}
		list, err := postgres.Connections(ctx, tx, workspace)
		if err != nil {
			return err
		}
		for _, c := range list {
			if c.ReadAt == nil {
				b.known, b.loading = false, true
				continue
			}
			b.loaded = append(b.loaded, c.Name)
			spec, err := p.SpecOf(c.Vendor)
			if err != nil {
				return err
			}
			if object, asks := askedOf(spec); asks {
				have, all, err := postgres.HistoryKnown(ctx, tx, workspace, c.ID, object.Name)
				if err != nil {
					return err
				}
				b.known = b.known && have*100 >= all*knownShare
			}
		}
		return nil
	})
	return b, err
}

// stopStarting ends the looking for whether a starter book is to be made.
func (p *Pipeline) stopStarting(ctx context.Context, workspace int64) error {
	return p.DB.In(ctx, workspace, func(tx pgx.Tx) error {
		return postgres.Unschedule(ctx, tx, workspace, StartArgs{}.Kind(), 0)
	})
}
