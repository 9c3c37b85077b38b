package jobs

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/rest"
)

// History reads what happened to deals before we came, deal by deal, in the
// lowest lane: open deals first, then the newest closed. It ends when the
// quota has no more to spare, everything is known, or the time slice is over.
func (p *Pipeline) History(ctx context.Context, workspace, connection int64) error {
	_, err := p.holding(ctx, workspace, "history", connection, func(ctx context.Context, l postgres.Lease) error {
		s, err := p.openForWork(ctx, workspace, connection)
		if err != nil {
			return err
		}
		object, ok := askedOf(s.Spec)
		if !ok || s.State != "active" {
			return nil
		}
		if err := p.Room(); err != nil {
			return err
		}
		return p.askAll(ctx, s, l, object)
	})
	return err
}

// askedOf returns the object that holds deals' past.
func askedOf(spec connectors.Spec) (connectors.Object, bool) {
	for _, o := range spec.Objects {
		if o.Mode == connectors.Asked {
			return o, true
		}
	}
	return connectors.Object{}, false
}

// dealsAtOnce is how many deals are looked up at a time: finding which are next
// costs more than reading one.
const dealsAtOnce = 500

func (p *Pipeline) askAll(ctx context.Context, s *Source, l postgres.Lease, object connectors.Object) error {
	deals, err := p.unaskedDeals(ctx, s, object)
	if err != nil || len(deals) == 0 {
		return err
	}
	c, err := s.Connector(ctx, rest.History)
	if err != nil {
		return err
	}
	fetcher, ok := c.(connectors.Fetcher)
	if !ok {
		return fault.New(fault.Invalid, "the connector for %s cannot read records by id", s.Vendor)
	}
	until := p.Now().Add(p.slice())
	return p.recorded(ctx, s, "history", object.Name, func(run int64) error {
		for len(deals) > 0 {
			for chunk := range slices.Chunk(deals, max(1, object.FetchMax)) {
				if err := ctx.Err(); err != nil || p.Now().After(until) {
					return err
				}
				page, left, err := fetchEach(ctx, fetcher, object.Name, chunk, hopeless)
				if err != nil {
					return p.historyRefused(ctx, s, err)
				}
				// Of those that the credentials may not see nothing is asked again.
				for _, u := range left {
					p.Log.InfoContext(ctx, "the vendor does not show the history of a deal", "connection", s.Name, "deal", u.id, "why", u.why)
					page.Closed = append(page.Closed, connectors.Scope{Object: object.Name, Parent: u.id, Ended: true})
				}
				if err := p.commitPage(ctx, s, l, run, "history", page); err != nil {
					return err
				}
			}
			next, err := p.unaskedDeals(ctx, s, object)
			if err != nil {
				return err
			}
			if slices.Equal(next, deals) {
				return fault.New(fault.Invalid, "the vendor answered for deal %s and others without saying that it was all of their history", deals[0])
			}
			deals = next
		}
		return nil
	})
}

// historyRefused leaves history alone for a while if the vendor shows none at
// all: each try costs quota.
func (p *Pipeline) historyRefused(ctx context.Context, s *Source, err error) error {
	if !hopeless(err) {
		return err
	}
	e := p.DB.In(ctx, s.Workspace, func(tx pgx.Tx) error {
		return postgres.DueIn(ctx, tx, s.Workspace, HistoryArgs{}.Kind(), s.ID, historyAgain)
	})
	return errors.Join(err, e)
}

// historyAgain is when history that was refused altogether is asked for again.
const historyAgain = 6 * time.Hour

func (p *Pipeline) unaskedDeals(ctx context.Context, s *Source, object connectors.Object) (deals []string, err error) {
	err = p.DB.In(ctx, s.Workspace, func(tx pgx.Tx) error {
		deals, err = postgres.DealsWithoutHistory(ctx, tx, s.Workspace, s.ID, object.Name, dealsAtOnce)
		return err
	})
	return deals, err
}

// noteParents notes the parents of whose asked records nothing is left to ask,
// and makes the stage history of those whose records a page holds whole. Of a
// parent that is gone, what was known and observed stays as it is.
func noteParents(ctx context.Context, tx pgx.Tx, s *Source, page connectors.Page) error {
	asked, whole := map[string][]string{}, map[string][]string{}
	for _, c := range page.Closed {
		if o, ok := s.Spec.Object(c.Object); !ok || o.Mode != connectors.Asked {
			continue
		}
		asked[c.Object] = append(asked[c.Object], c.Parent)
		if !c.Ended {
			whole[c.Object] = append(whole[c.Object], c.Parent)
		}
	}
	for object, ids := range asked {
		if err := postgres.MarkParentsRead(ctx, tx, s.Workspace, s.ID, object, ids); err != nil {
			return err
		}
		if err := postgres.RebuildStages(ctx, tx, s.Workspace, s.ID, s.us(), whole[object], page.FetchedAt); err != nil {
			return err
		}
		slices.Sort(whole[object])
		if err := postgres.MarkDirty(ctx, tx, s.Workspace, s.ID, "deals", slices.Compact(whole[object])); err != nil {
			return err
		}
	}
	return nil
}
