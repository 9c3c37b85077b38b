package jobs

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/rest"
)

// PullOptions narrow a pull.
type PullOptions struct {
	Object string // only this object; empty: all
	Force  bool   // also objects that are not due yet
}

// Pull reads what a connection's vendor has changed since the stored cursors,
// page by page. It reports whether every object is now complete; it is not
// when the time slice ended first. While another worker is at it the error is
// fault.Lost.
func (p *Pipeline) Pull(ctx context.Context, workspace, connection int64, o PullOptions) (complete bool, err error) {
	mine, err := p.holding(ctx, workspace, "pull", connection, func(ctx context.Context, l postgres.Lease) error {
		s, err := p.openForWork(ctx, workspace, connection)
		if err != nil {
			return err
		}
		if s.State != "active" {
			return StateError(s.Connection)
		}
		w := &pull{p: p, s: s, lease: l, until: p.Now().Add(p.slice())}
		met, done, err := w.objects(ctx, o)
		if err == nil && done && o.Object == "" && met.lasting() {
			err = w.markRead(ctx)
		}
		if err == nil {
			err = p.askToEvaluate(ctx, workspace)
		}
		if err != nil || !done {
			return err
		}
		if met.lasting() { // what is refused has no rows to map
			if err := w.settleMap(ctx); err != nil {
				return err
			}
		}
		complete = met.err() == nil
		return met.err()
	})
	if err == nil && !mine {
		err = fault.New(fault.Lost, "another worker is pulling this connection")
	}
	return complete, err
}

// idle is why a connection is not worked on: a person has stopped it.
type idle struct{ error }

// Unwrap returns the words.
func (i idle) Unwrap() error { return i.error }

// StateError says why a connection that is not active is not worked on.
func StateError(c postgres.Connection) error {
	if c.State == "needs consent" {
		return idle{fault.New(fault.Auth, "%s needs consent: %s; run `salesbook connect %s %s --replace`", c.Name, c.StateWhy, c.Vendor, c.Name)}
	}
	return idle{fault.New(fault.Invalid, "%s is %s; `salesbook connections resume %s` sets it going again", c.Name, c.State, c.Name)}
}

// pull is one job's work on one connection.
type pull struct {
	p     *Pipeline
	s     *Source
	lease postgres.Lease
	until time.Time // when to let others in
}

// refusedAgain is how long an object that the vendor refused is left alone, unless a
// person asks: rights are seldom given by themselves, and each try costs quota.
const refusedAgain = time.Hour

// objects pulls what is due, dictionaries first. done tells that it came to the
// end of them, whatever it met on the way.
func (w *pull) objects(ctx context.Context, o PullOptions) (met setbacks, done bool, err error) {
	for _, object := range w.s.Spec.Objects {
		if object.Mode == connectors.Attached || object.Mode == connectors.Asked || o.Object != "" && o.Object != object.Name {
			continue
		}
		place, err := w.place(ctx, object.Name)
		if err != nil {
			return met, false, err
		}
		if due := place.LoadedAt == nil || o.Force || w.p.Now().Sub(place.MovedAt) >= object.Every; !due {
			continue
		}
		if !o.Force {
			if known, err := w.knownRefusal(ctx, object.Name); err != nil {
				return met, false, err
			} else if known != nil {
				met.known = append(met.known, known)
				continue
			}
		}
		done, err := w.object(ctx, object, place)
		if err != nil {
			err = fmt.Errorf("%s of %s: %w", object.Name, w.s.Name, err)
		}
		switch {
		case err != nil:
			if !met.met(err) {
				return met, false, met.err()
			}
		case !done:
			return met, false, met.err()
		default:
			met.passed()
		}
	}
	return met, true, nil
}

// knownRefusal is what the vendor answered when it refused an object not long
// ago, or nil.
func (w *pull) knownRefusal(ctx context.Context, object string) (refusal, err error) {
	err = w.p.DB.In(ctx, w.s.Workspace, func(tx pgx.Tx) error {
		t, err := postgres.LastTrouble(ctx, tx, w.s.Workspace, w.s.ID, PullArgs{}.Kind(), object)
		if err == nil && t != nil && refused(*t) && w.p.Now().Sub(t.At) < refusedAgain {
			refusal = fault.New(fault.Forbidden, "%s of %s: %s", object, w.s.Name, t.Error)
		}
		return err
	})
	return refusal, err
}

// refused tells whether a run ended because the vendor refused it for good.
func refused(t postgres.Trouble) bool {
	return slices.Contains([]string{fault.Forbidden.String(), fault.NotFound.String(), fault.Invalid.String()}, t.Outcome)
}

// markRead notes that everything has been read once: from now on the sales book
// judges it.
func (w *pull) markRead(ctx context.Context) error {
	if w.s.ReadAt != nil {
		return nil
	}
	return w.p.DB.In(ctx, w.s.Workspace, func(tx pgx.Tx) error {
		if err := postgres.MarkRead(ctx, tx, w.s.Workspace, w.s.ID); err != nil {
			return err
		}
		return w.lease.Hold(ctx, tx)
	})
}

// settleMap asks for a replay when rows may have been mapped with another map
// than the present one. After a first load none is due: dictionaries come first.
func (w *pull) settleMap(ctx context.Context) error {
	return w.p.DB.In(ctx, w.s.Workspace, func(tx pgx.Tx) error {
		due, fresh, err := postgres.ReplayDue(ctx, tx, w.s.Workspace, w.s.ID)
		switch {
		case err != nil || !due && !fresh:
			return err
		case fresh:
			if err := w.s.hold(ctx, tx, w.lease); err != nil {
				return err
			}
			// What has been loaded is to be proven.
			if err := postgres.DueIn(ctx, tx, w.s.Workspace, SweepArgs{}.Kind(), w.s.ID, 0); err != nil {
				return err
			}
			return postgres.MarkReplayed(ctx, tx, w.s.Workspace, w.s.ID, w.s.MapVersion)
		}
		_, err = w.p.Queue.InsertTx(ctx, tx, ReplayArgs{Workspace: w.s.Workspace, Connection: w.s.ID}, nil)
		return err
	})
}

func (w *pull) place(ctx context.Context, object string) (place postgres.Place, err error) {
	err = w.p.DB.In(ctx, w.s.Workspace, func(tx pgx.Tx) error {
		place, err = postgres.PlaceOf(ctx, tx, w.s.Workspace, w.s.ID, object)
		return err
	})
	return place, err
}

// object walks one object to its end or until the time slice is over, in a run
// of its own. A cursor that the vendor no longer accepts starts anew, once.
func (w *pull) object(ctx context.Context, object connectors.Object, place postgres.Place) (bool, error) {
	done, err := w.run(ctx, object, place)
	if fault.KindOf(err) != fault.Gone || place.Cursor == "" {
		return done, err
	}
	w.p.Log.WarnContext(ctx, "the vendor no longer accepts the cursor; reading the object from its beginning", "connection", w.s.Name, "object", object.Name)
	err = w.p.DB.In(ctx, w.s.Workspace, func(tx pgx.Tx) error {
		if err := postgres.ResetCursor(ctx, tx, w.s.Workspace, w.s.ID, object.Name); err != nil {
			return err
		}
		return w.lease.Hold(ctx, tx)
	})
	if err != nil {
		return false, err
	}
	if place, err = w.place(ctx, object.Name); err != nil {
		return false, err
	}
	return w.run(ctx, object, place)
}

func (w *pull) run(ctx context.Context, object connectors.Object, place postgres.Place) (done bool, err error) {
	err = w.p.recorded(ctx, w.s, "pull", object.Name, func(run int64) error {
		walk := &walk{pull: w, object: object, run: run, seq: place.Seq, loading: place.LoadedAt == nil, lane: rest.Incremental}
		// A walk from the beginning is a backfill, also of what was loaded before.
		if walk.loading || place.Cursor == "" || place.Progress >= 0 && place.Progress < 1 {
			walk.lane = rest.Backfill
		}
		if err := walk.pages(ctx, connectors.Cursor(place.Cursor)); err != nil {
			return err
		}
		done = walk.done
		if object.Dictionary && walk.written > 0 {
			return w.s.refreshMap(ctx)
		}
		return nil
	})
	return done, err
}

// walk is the way through one object's pages.
type walk struct {
	*pull
	object  connectors.Object
	run     int64
	seq     int64
	loading bool
	lane    rest.Lane
	done    bool
	written int64
}

// writers is how many pages may be on their way into the database at once.
const writers = 2

// pages commits the object's pages in their order. While one page is written
// the next is fetched, and its rows may be written beside it, but its cursor
// moves only once the page before has committed. Pages that share a record
// wait for each other altogether.
func (w *walk) pages(ctx context.Context, after connectors.Cursor) error {
	c, err := w.s.Connector(ctx, w.lane)
	if err != nil {
		return err
	}
	puller, ok := c.(connectors.Puller)
	if !ok {
		return fault.New(fault.Invalid, "the connector for %s cannot pull", w.s.Vendor)
	}
	if err := w.room(); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(writers)
	previous := landed()
	for page, err := range puller.Pull(ctx, w.object.Name, after) {
		if err != nil {
			return firstError(group.Wait(), err)
		}
		step := &step{walk: w, page: page, seq: w.seq, before: previous, landed: make(chan struct{})}
		step.batch = newBatch(w.s, "pull", page)
		step.batch.loading, step.batch.before = w.loading, previous.wait
		w.seq++
		previous = step
		group.Go(func() error { return step.commit(ctx) })
		w.done = !page.More
		if ctx.Err() != nil || page.More && w.p.Now().After(w.until) {
			break
		}
		if full := w.room(); page.More && full != nil {
			return firstError(group.Wait(), full)
		}
	}
	err = group.Wait()
	if err != nil {
		w.done = false
	}
	return err
}

// firstError prefers the failure that made the others happen.
func firstError(commit, fetch error) error {
	if commit != nil {
		return commit
	}
	return fetch
}

// step is one page on its way.
type step struct {
	*walk
	page   connectors.Page
	batch  *batch
	seq    int64
	before *step
	landed chan struct{} // closed once the page has committed
}

// landed returns a step that needs no waiting for, to stand before the first.
func landed() *step {
	s := &step{landed: make(chan struct{})}
	close(s.landed)
	return s
}

func (s *step) commit(ctx context.Context) error {
	if err := s.batch.prepare(ctx); err != nil {
		return err
	}
	if s.batch.meets(s.before.batch) {
		if err := s.before.wait(ctx); err != nil {
			return err
		}
	}
	err := s.p.DB.InByKey(ctx, s.s.Workspace, func(tx pgx.Tx) error {
		if err := s.batch.write(ctx, tx); err != nil {
			return err
		}
		if err := s.before.wait(ctx); err != nil {
			return err
		}
		return s.conclude(ctx, tx)
	})
	if err != nil {
		return err
	}
	s.written += s.batch.counts.Written
	s.before, s.batch.before = nil, nil // lets earlier pages be collected
	close(s.landed)
	return nil
}

// wait returns once the page has committed.
func (s *step) wait(ctx context.Context) error {
	select {
	case <-s.landed:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// conclude moves the cursor, counts, and makes sure that we still hold the lease.
func (s *step) conclude(ctx context.Context, tx pgx.Tx) error {
	err := postgres.MoveCursor(ctx, tx, s.s.Workspace, s.s.ID, postgres.Move{
		Object: s.object.Name, From: s.seq, Cursor: string(s.page.Next), Seen: len(s.page.Records),
		Progress: s.page.Progress, Done: !s.page.More, AsOf: s.page.AsOf})
	if err != nil {
		return err
	}
	if err := postgres.CountRun(ctx, tx, s.s.Workspace, s.run, s.batch.counts); err != nil {
		return err
	}
	if s.loading && !s.page.More {
		// One row stands for all subjects of a connection that is being loaded.
		if err := postgres.MarkDirty(ctx, tx, s.s.Workspace, s.s.ID, "connections", []string{fmt.Sprint(s.s.ID)}); err != nil {
			return err
		}
	}
	return s.s.hold(ctx, tx, s.lease)
}

// meets tells whether two batches share a record or a scope.
func (b *batch) meets(other *batch) bool {
	if other == nil {
		return false
	}
	if len(b.closed) > 0 && len(other.closed) > 0 && (b.closed[0].Parent == "" || other.closed[0].Parent == "") {
		return true
	}
	i, j := 0, 0
	for i < len(b.sightings) && j < len(other.sightings) {
		x, y := &b.sightings[i], &other.sightings[j]
		switch {
		case x.Object == y.Object && x.ID == y.ID:
			return true
		case x.Object < y.Object || x.Object == y.Object && x.ID < y.ID:
			i++
		default:
			j++
		}
	}
	return false
}
