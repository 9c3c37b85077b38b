package jobs

import (
	"cmp"
	"context"
	"fmt"
	"hash/maphash"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/rest"
)

// What is implausible enough for a person to look first: that more than these
// many and this share of what we have should be gone.
const (
	plausibleCount = 100
	plausibleShare = 0.20
)

// sweep is the comparison of one object.
type sweep struct {
	*sweeps
	object    connectors.Object
	connector connectors.Connector
	place     postgres.Sweep
	run       int64
	seed      maphash.Seed
	shown     map[uint64]struct{} // hashes of the ids that pages have shown; nil: not read yet
	written   int64
}

// object sweeps one object to its proof or until the time slice is over, in a
// run of its own. A place that the vendor no longer accepts starts anew, once.
func (w *sweeps) object(ctx context.Context, o sweepable) (done bool, err error) {
	err = w.p.recorded(ctx, w.s, SweepArgs{}.Kind(), o.object.Name, func(run int64) error {
		c, err := w.s.Connector(ctx, rest.Sweep)
		if err != nil {
			return err
		}
		s := &sweep{sweeps: w, object: o.object, connector: c, run: run, seed: maphash.MakeSeed()}
		if o.place != nil {
			s.place = *o.place
		}
		if o.place == nil || o.place.Phase == "stopped" && !w.options.Confirm {
			if err := s.begin(ctx, o); err != nil {
				return err
			}
		}
		done, err = s.phases(ctx)
		if fault.KindOf(err) != fault.Gone || s.place.Cursor == "" {
			return err
		}
		w.p.Log.WarnContext(ctx, "the vendor no longer accepts the place in a sweep; it starts anew", "connection", w.s.Name, "object", o.object.Name)
		if err := s.begin(ctx, o); err != nil {
			return err
		}
		done, err = s.phases(ctx)
		return err
	})
	return done, err
}

// begin makes the place of a sweep that holds us to what has been pulled by now.
func (s *sweep) begin(ctx context.Context, o sweepable) error {
	s.shown = nil
	return s.p.DB.In(ctx, s.s.Workspace, func(tx pgx.Tx) (err error) {
		if s.place, err = postgres.BeginSweep(ctx, tx, s.s.Workspace, s.s.ID, o.object.Name, o.asOf); err != nil {
			return err
		}
		return s.s.hold(ctx, tx, s.lease)
	})
}

// phases bring the sweep on, phase by phase.
func (s *sweep) phases(ctx context.Context) (done bool, err error) {
	for ctx.Err() == nil {
		switch s.place.Phase {
		case "walk":
			err = s.walk(ctx)
		case "gather":
			err = s.gather(ctx)
		case "stopped":
			if !s.options.Confirm {
				return false, stoppedError(s.s, s.place)
			}
			next := s.next()
			next.Phase, next.Why = "confirm", ""
			err = s.move(ctx, next, nil)
		case "confirm":
			if done, err = s.confirm(ctx); done {
				return true, err
			}
		}
		if err != nil || s.p.Now().After(s.until) {
			return false, err
		}
	}
	return false, ctx.Err()
}

// next is the place after the present one, with figures of its own.
func (s *sweep) next() postgres.Sweep {
	next := s.place
	next.Figures = map[string]*postgres.Figures{s.object.Name: {}}
	for _, o := range s.s.Spec.Objects {
		if o.Mode == connectors.Attached && o.Parent == s.object.Name {
			next.Figures[o.Name] = &postgres.Figures{}
		}
	}
	for object, f := range s.place.Figures {
		next.Figures[object] = f.Clone()
	}
	return next
}

// move commits the next place, with what else belongs to the step.
func (s *sweep) move(ctx context.Context, next postgres.Sweep, more func(tx pgx.Tx) error) error {
	err := s.p.DB.In(ctx, s.s.Workspace, func(tx pgx.Tx) error {
		if more != nil {
			if err := more(tx); err != nil {
				return err
			}
		}
		return s.conclude(ctx, tx, next)
	})
	if err == nil {
		s.arrive(next)
	}
	return err
}

// conclude moves the place and makes sure that we still hold the lease.
func (s *sweep) conclude(ctx context.Context, tx pgx.Tx, next postgres.Sweep) error {
	if err := postgres.MoveSweep(ctx, tx, s.s.Workspace, s.s.ID, next); err != nil {
		return err
	}
	return s.s.hold(ctx, tx, s.lease)
}

// arrive goes on from a place that has been committed.
func (s *sweep) arrive(next postgres.Sweep) {
	s.place = next
	s.place.Seq++
}

// walk compares pages, from the place on, until the last or until the time
// slice is over.
func (s *sweep) walk(ctx context.Context) error {
	puller, ok := s.connector.(connectors.Puller)
	if !ok {
		return fault.New(fault.Invalid, "the connector for %s cannot pull", s.s.Vendor)
	}
	if err := s.recall(ctx); err != nil {
		return err
	}
	for page, err := range puller.Pull(ctx, s.object.Name, connectors.Cursor(s.place.Cursor)) {
		if err != nil {
			return err
		}
		if err := s.page(ctx, page); err != nil {
			return err
		}
		if page.More && s.p.Now().After(s.until) {
			return nil
		}
	}
	if s.place.Phase == "walk" { // the sequence ended without a last page: only an interruption may do that
		return cmp.Or(ctx.Err(), fault.New(fault.Temporary, "the listing of %s ended without a last page; the connector is at fault", s.object.Name))
	}
	if s.object.Dictionary && s.written > 0 {
		return s.s.refreshMap(ctx)
	}
	return nil
}

// recall reads which ids the pages before have shown: a vendor may show a
// record again, which then is compared once only.
func (s *sweep) recall(ctx context.Context) error {
	if s.shown != nil {
		return nil
	}
	return s.p.DB.In(ctx, s.s.Workspace, func(tx pgx.Tx) error {
		s.shown = map[uint64]struct{}{}
		return postgres.EachShown(ctx, tx, s.s.Workspace, s.s.ID, s.object.Name, func(id string) { s.shown[s.hash(id)] = struct{}{} })
	})
}

func (s *sweep) hash(id string) uint64 { return maphash.String(s.seed, id) }

// page compares a page of the walk and writes it.
func (s *sweep) page(ctx context.Context, page connectors.Page) error {
	var ids []string
	for _, r := range page.Records {
		if _, again := s.shown[s.hash(r.ID)]; r.Object == s.object.Name && !again {
			ids = append(ids, r.ID)
			s.shown[s.hash(r.ID)] = struct{}{} // if the page does not commit, neither does anything after it
		}
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	return s.commit(ctx, page, ids, func(tx pgx.Tx, next *postgres.Sweep) error {
		next.Cursor, next.Progress = string(page.Next), page.Progress
		next.Seen += int64(len(ids))
		if !page.More {
			next.Phase = "gather"
		}
		return postgres.NoteShown(ctx, tx, s.s.Workspace, s.s.ID, s.object.Name, next.Seq, ids)
	})
}

// commit compares the records with these sorted ids, and what belongs to them,
// with what is stored, then writes the page: that is the repair.
func (s *sweep) commit(ctx context.Context, page connectors.Page, ids []string, step func(tx pgx.Tx, next *postgres.Sweep) error) error {
	b := newBatch(s.s, SweepArgs{}.Kind(), page)
	if err := b.prepare(ctx); err != nil {
		return err
	}
	var next postgres.Sweep
	err := s.p.DB.In(ctx, s.s.Workspace, func(tx pgx.Tx) error {
		next = s.next()
		c := &comparison{sweep: s, batch: b, figures: next.Figures, ids: ids}
		if err := c.read(ctx, tx); err != nil {
			return err
		}
		if err := b.write(ctx, tx); err != nil {
			return err
		}
		if err := c.repair(ctx, tx); err != nil {
			return err
		}
		if err := step(tx, &next); err != nil {
			return err
		}
		if err := postgres.CountRun(ctx, tx, s.s.Workspace, s.run, b.counts); err != nil {
			return err
		}
		return s.conclude(ctx, tx, next)
	})
	if err != nil {
		return err
	}
	s.written += b.counts.Written
	s.arrive(next)
	return nil
}

// gather looks for what no page showed. Implausibly much of it, or a listing
// that showed nothing at all, stops the sweep for a person to look.
func (s *sweep) gather(ctx context.Context) error {
	var next postgres.Sweep
	err := s.p.DB.In(ctx, s.s.Workspace, func(tx pgx.Tx) error {
		next = s.next()
		missed, known, err := postgres.GatherMissed(ctx, tx, s.s.Workspace, s.s.ID, s.place, attachedTo(s.s.Spec, s.object.Name), max(1, s.object.FetchMax))
		if err != nil {
			return err
		}
		next.Phase = "confirm"
		if why := implausible(s.object, s.place.Seen, missed, known); why != "" && !s.options.Confirm {
			next.Phase, next.Why = "stopped", why
		}
		return s.conclude(ctx, tx, next)
	})
	if err != nil {
		return err
	}
	s.arrive(next)
	return nil
}

// implausible says why what a walk did not show cannot be believed to be gone,
// or nothing.
func implausible(o connectors.Object, seen, missed, known int64) string {
	switch {
	case seen == 0 && missed > 0:
		return fmt.Sprintf("the vendor lists no %s at all, and there are %d here", o.Name, known)
	case missed > plausibleCount && float64(missed) > plausibleShare*float64(known):
		return fmt.Sprintf("the vendor no longer lists %d of %d %s", missed, known, o.Name)
	}
	return ""
}

// confirm asks for a chunk of what no page showed, record by record: only what
// the vendor says is gone becomes a tombstone. Once nothing is left it writes
// the proof.
func (s *sweep) confirm(ctx context.Context) (done bool, err error) {
	var seq int64
	var ids []string
	err = s.p.DB.In(ctx, s.s.Workspace, func(tx pgx.Tx) error {
		if seq, ids, err = postgres.NextMissed(ctx, tx, s.s.Workspace, s.s.ID, s.object.Name); err != nil || len(ids) > 0 {
			return err
		}
		if err := postgres.CloseSweep(ctx, tx, s.s.Workspace, s.s.ID, s.next()); err != nil {
			return err
		}
		return s.s.hold(ctx, tx, s.lease)
	})
	if err != nil || len(ids) == 0 {
		return err == nil, err
	}
	page, err := s.fetch(ctx, ids)
	if err != nil {
		return false, err
	}
	return false, s.commit(ctx, page, ids, func(tx pgx.Tx, next *postgres.Sweep) error {
		if err := s.hidden(ctx, tx, next, ids, page); err != nil {
			return err
		}
		return postgres.SettleMissed(ctx, tx, s.s.Workspace, s.s.ID, s.object.Name, seq)
	})
}

// fetch reads the records with these ids. One that may not be seen is no error
// as long as another may: it is not in the page then.
func (s *sweep) fetch(ctx context.Context, ids []string) (connectors.Page, error) {
	fetcher, ok := s.connector.(connectors.Fetcher)
	if !ok || s.object.FetchMax == 0 {
		return connectors.Page{FetchedAt: s.p.Now()}, nil
	}
	page, _, err := fetchEach(ctx, fetcher, s.object.Name, ids, func(err error) bool { return fault.KindOf(err) == fault.Forbidden })
	return page, err
}

// hidden counts those of the ids that the page tells nothing of, and that are
// living here still. They stay.
func (s *sweep) hidden(ctx context.Context, tx pgx.Tx, next *postgres.Sweep, ids []string, page connectors.Page) error {
	silent := map[string]bool{}
	for _, id := range ids {
		silent[id] = true
	}
	for _, r := range page.Records {
		if r.Object == s.object.Name {
			delete(silent, r.ID)
		}
	}
	if len(silent) == 0 {
		return nil
	}
	c := &comparison{sweep: s, figures: next.Figures}
	return c.hide(ctx, tx, slices.Sorted(maps.Keys(silent)))
}
