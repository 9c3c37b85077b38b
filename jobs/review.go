package jobs

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/postgres"
)

// rehearsedAtOnce bounds the deals that are judged in one go.
const rehearsedAtOnce = 1000

// reviewed is a book by which everything is judged.
type reviewed struct {
	*book.Compiled
	bound map[int64][]postgres.Binding // by connection: what names mean to it; nil: what they mean now
}

// review judges everything that is stored, once, by some books.
type review struct {
	p     *Pipeline
	books []reviewed
	now   time.Time
	each  func(*book.Facts, []book.Judgement) // the facts as the first book has them, and the judgements by book
}

func (r *review) all(ctx context.Context, sources []*Source) error {
	for _, s := range sources {
		for _, lead := range []bool{false, true} {
			if err := r.source(ctx, s, lead); err != nil {
				return fmt.Errorf("judge %s: %w", s.Name, err)
			}
		}
	}
	return nil
}

// source judges a connection's deals or leads, page by page. The next page is
// read while one is judged: PostgreSQL and this process then work side by side.
func (r *review) source(ctx context.Context, s *Source, lead bool) error {
	group, ctx := errgroup.WithContext(ctx)
	pages := make(chan [][]*book.Facts)
	group.Go(func() error {
		defer close(pages)
		return r.read(ctx, s, lead, pages)
	})
	group.Go(func() error {
		for facts := range pages {
			if err := r.judge(ctx, facts); err != nil {
				return err
			}
		}
		return nil
	})
	return group.Wait()
}

// read reads deals or leads page by page, with what is known of them, by book.
func (r *review) read(ctx context.Context, s *Source, lead bool, pages chan<- [][]*book.Facts) error {
	some := postgres.Deals
	if lead {
		some = postgres.Leads
	}
	var tellers []*teller
	for after := ""; ; {
		var facts [][]*book.Facts
		err := r.p.DB.InByKey(ctx, s.Workspace, func(tx pgx.Tx) (err error) {
			if tellers == nil {
				if tellers, err = r.tellers(ctx, tx, s); err != nil {
					return err
				}
			}
			rows, err := some(ctx, tx, s.Workspace, s.ID, after, rehearsedAtOnce)
			if err != nil || len(rows) == 0 {
				return err
			}
			facts = make([][]*book.Facts, len(r.books))
			for i, t := range tellers {
				if t == nil {
					facts[i] = facts[0]
				} else if facts[i], err = t.facts(ctx, tx, lead, rows); err != nil {
					return err
				}
			}
			after = rows[len(rows)-1].ID
			return nil
		})
		if err != nil || len(facts) == 0 {
			return err
		}
		select {
		case pages <- facts:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// tellers tell each book what is known; nil for one that is told the same as the
// first.
func (r *review) tellers(ctx context.Context, tx pgx.Tx, s *Source) ([]*teller, error) {
	out := make([]*teller, len(r.books))
	for i, b := range r.books {
		t, err := newTeller(ctx, tx, s, b.Compiled, b.bound[s.ID])
		if err != nil {
			return nil, err
		}
		if i == 0 || !t.tellsAs(out[0]) {
			out[i] = t
		}
	}
	return out, nil
}

// judge judges a page on all processors.
func (r *review) judge(ctx context.Context, facts [][]*book.Facts) error {
	judgements := make([][]book.Judgement, len(facts[0]))
	err := share(ctx, len(judgements), func(i int) {
		judgements[i] = make([]book.Judgement, len(r.books))
		for b, c := range r.books {
			judgements[i][b] = c.Judge(facts[b][i], r.now)
		}
	})
	if err != nil {
		return err
	}
	for i, j := range judgements {
		r.each(facts[0][i], j)
	}
	return nil
}

// judgeAll judges many deals on all processors.
func judgeAll(ctx context.Context, c *book.Compiled, facts []*book.Facts, now time.Time) ([]book.Judgement, error) {
	out := make([]book.Judgement, len(facts))
	return out, share(ctx, len(facts), func(i int) { out[i] = c.Judge(facts[i], now) })
}

// share calls f for the numbers below n, on all processors.
func share(ctx context.Context, n int, f func(i int)) error {
	group, ctx := errgroup.WithContext(ctx)
	part := n/runtime.GOMAXPROCS(0) + 1
	for from := 0; from < n; from += part {
		group.Go(func() error {
			for i := from; i < min(from+part, n); i++ {
				f(i)
			}
			return ctx.Err()
		})
	}
	return group.Wait()
}
