package jobs

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
)

// Figure names one of the figures of an overview.
type Figure string

// The figures.
const (
	Hanging    Figure = "hanging"    // open deals that hang
	Reasonless Figure = "reasonless" // lost deals without a reason of the book
	Untouched  Figure = "untouched"  // leads, and deals that count as leads, that nobody has answered in time
	LosesMost  Figure = "loses-most" // deals lost in the stage in which most are
)

// Overview is what a head of sales sees first. Each figure counts exactly the
// deals that Behind lists.
type Overview struct {
	Book       postgres.StoredBook
	Portfolio  postgres.Portfolio
	Hanging    []postgres.Worth
	Reasonless []postgres.Worth
	Untouched  []postgres.Worth
	Leaks      []postgres.Leak // the stage that loses most first
	LosesMost  []postgres.Worth
}

// Overview counts the figures of a workspace by its book in force.
func (p *Pipeline) Overview(ctx context.Context, workspace int64) (o Overview, err error) {
	err = p.DB.In(ctx, workspace, func(tx pgx.Tx) error {
		if o.Book, err = postgres.ActiveBook(ctx, tx, workspace); err != nil {
			return err
		}
		if o.Book.Version == 0 {
			return noBookYet()
		}
		if o.Portfolio, err = postgres.PortfolioOf(ctx, tx, workspace); err != nil {
			return err
		}
		for figure, into := range map[Figure]*[]postgres.Worth{Hanging: &o.Hanging, Reasonless: &o.Reasonless, Untouched: &o.Untouched} {
			if *into, err = postgres.CountBroken(ctx, tx, workspace, broken(figure, p.Now())); err != nil {
				return err
			}
		}
		if o.Leaks, err = postgres.Leaks(ctx, tx, workspace); err != nil || len(o.Leaks) == 0 {
			return err
		}
		o.LosesMost, err = postgres.LostInWorth(ctx, tx, workspace, o.Leaks[0])
		return err
	})
	return o, err
}

func noBookYet() error {
	return fault.New(fault.NotFound, "no book is in force yet; one is made by itself once the first load is over (`salesbook status`), or put your own in force with `salesbook book activate`")
}

// broken chooses what a figure counts.
func broken(f Figure, now time.Time) postgres.Broken {
	b := postgres.Broken{Status: "open", Now: now}
	rules := book.Hanging()
	switch f {
	case Reasonless:
		rules, b.Status = book.Reasonless(), "lost"
	case Untouched:
		rules, b.Leads = []book.Rule{book.FirstResponse}, true
	}
	for _, r := range rules {
		b.Rules = append(b.Rules, string(r))
	}
	return b
}

// Behind lists the deals and leads that a figure of the overview counts, those
// of the largest amounts first.
func (p *Pipeline) Behind(ctx context.Context, workspace int64, f Figure, most int) (list []postgres.Named, err error) {
	err = p.DB.In(ctx, workspace, func(tx pgx.Tx) error {
		if f != LosesMost {
			list, err = postgres.ListBroken(ctx, tx, workspace, broken(f, p.Now()), most)
			return err
		}
		leaks, err := postgres.Leaks(ctx, tx, workspace)
		if err != nil || len(leaks) == 0 {
			return err
		}
		list, err = postgres.ListLostIn(ctx, tx, workspace, leaks[0], most)
		return err
	})
	return list, err
}
