package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
)

// SweepEvery is how often everything is compared with the vendor, unless the
// connection's schedule says otherwise.
const SweepEvery = 24 * time.Hour

// notYetEvery is how long a sweep waits for the first load or for a replay.
const notYetEvery = time.Minute

// SweepOptions narrow a sweep.
type SweepOptions struct {
	Object string // only this object; empty: all
	// Since asks for a proof that was finished after it, whatever the schedule
	// says; zero: objects are swept when they are due.
	Since time.Time
	// Confirm goes on where a sweep stopped because it found implausibly much
	// to be gone: a person has looked.
	Confirm bool
}

// Sweep compares everything that a connection's vendor has with what we have,
// object by object, and repairs what differs. It reports whether all proofs
// that were asked for are there; they are not when the time slice ended first,
// and the next call goes on where this one was. While another worker is at it
// the error is fault.Lost.
func (p *Pipeline) Sweep(ctx context.Context, workspace, connection int64, o SweepOptions) (complete bool, err error) {
	mine, err := p.holding(ctx, workspace, "sweep", connection, func(ctx context.Context, l postgres.Lease) error {
		s, err := p.openForWork(ctx, workspace, connection)
		if err != nil {
			return err
		}
		if s.State != "active" {
			return StateError(s.Connection)
		}
		if err := p.Room(); err != nil {
			return err
		}
		w := &sweeps{p: p, s: s, lease: l, options: o, until: p.Now().Add(p.slice())}
		complete, err = w.objects(ctx)
		return err
	})
	if err == nil && !mine {
		err = fault.New(fault.Lost, "another worker is sweeping this connection")
	}
	return complete, err
}

// sweepJob sweeps for one time slice and, if there is more, asks to go on.
func (p *Pipeline) sweepJob(ctx context.Context, a SweepArgs) error {
	complete, err := p.Sweep(ctx, a.Workspace, a.Connection, SweepOptions{})
	if _, early := errors.AsType[notYet](err); early {
		return p.postpone(ctx, a.Kind(), a.Workspace, a.Connection, notYetEvery)
	}
	if err != nil || complete {
		return p.outcome(ctx, a.Kind(), a.Workspace, a.Connection, err)
	}
	if ctx.Err() != nil {
		return river.JobSnooze(0)
	}
	return p.postpone(ctx, a.Kind(), a.Workspace, a.Connection, 0)
}

// notYet is why a connection cannot be proven at the moment; it passes by itself.
type notYet struct{ text string }

// Error returns the words.
func (n notYet) Error() string { return n.text }

// sweeps is one job's work on one connection.
type sweeps struct {
	p       *Pipeline
	s       *Source
	lease   postgres.Lease
	options SweepOptions
	until   time.Time // when to let others in
}

// objects sweeps what is due. An object that the vendor refuses, or at which a
// person must look, does not keep those behind it waiting.
func (w *sweeps) objects(ctx context.Context) (complete bool, err error) {
	queue, waiting, err := w.queue(ctx)
	if err != nil {
		return false, err
	}
	if err := w.p.DB.EnsureStatistics(ctx); err != nil {
		return false, err
	}
	met := setbacks{refused: waiting}
	for _, next := range queue {
		done, err := w.object(ctx, next)
		if err != nil {
			err = fmt.Errorf("%s of %s: %w", next.object.Name, w.s.Name, err)
		}
		switch {
		case err != nil:
			if !met.met(err) {
				return false, met.err()
			}
		case !done:
			return false, met.err()
		default:
			met.passed()
		}
	}
	return met.err() == nil, met.err()
}

// sweepable is an object that may be swept, with what is known of it.
type sweepable struct {
	object connectors.Object
	asOf   time.Time       // up to which it has been pulled
	place  *postgres.Sweep // nil: no sweep of it is under way
	proof  *postgres.Proof // nil: none yet
}

// queue lists what is due: sweeps under way first, then what has never been
// proven, then the oldest proof. waiting are sweeps that wait for a person.
func (w *sweeps) queue(ctx context.Context) (queue []sweepable, waiting []error, err error) {
	var all []sweepable
	var every time.Duration
	err = w.p.DB.In(ctx, w.s.Workspace, func(tx pgx.Tx) error {
		if all, err = w.sweepable(ctx, tx); err != nil {
			return err
		}
		every, err = postgres.ScheduleOf(ctx, tx, w.s.Workspace, SweepArgs{}.Kind(), w.s.ID)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	if every <= 0 {
		every = SweepEvery
	}
	for _, o := range all {
		switch due, waits := w.due(o, every); {
		case waits:
			waiting = append(waiting, fmt.Errorf("%s of %s: %w", o.object.Name, w.s.Name, stoppedError(w.s, *o.place)))
		case due:
			queue = append(queue, o)
		}
	}
	slices.SortStableFunc(queue, func(a, b sweepable) int { return a.urgency().Compare(b.urgency()) })
	return queue, waiting, nil
}

// urgency sorts what is due; earlier comes first.
func (o sweepable) urgency() time.Time {
	switch {
	case o.place != nil:
		return time.Time{}
	case o.proof == nil:
		return time.Unix(0, 0)
	}
	return o.proof.FinishedAt
}

// due tells whether an object's turn has come. waits tells that its sweep has
// stopped and that nobody has looked yet. Half an interval after the last one
// an object is due again: the job runs once in an interval, then works until
// all are done.
func (w *sweeps) due(o sweepable, every time.Duration) (due, waits bool) {
	old := func(at time.Time) bool { return w.p.Now().Sub(at) >= every/2 }
	switch {
	case o.place != nil && o.place.Phase == "stopped":
		again := w.options.Confirm || !w.options.Since.IsZero() || old(o.place.MovedAt)
		return again, !again
	case o.place != nil, o.proof == nil:
		return true, false
	case !w.options.Since.IsZero():
		return o.proof.FinishedAt.Before(w.options.Since), false
	}
	return old(o.proof.StartedAt), false
}

// sweepable lists the objects that can be compared. While the first load or a
// replay is under way the error is notYet; an object that the vendor refuses
// to be loaded at all is left out.
func (w *sweeps) sweepable(ctx context.Context, tx pgx.Tx) ([]sweepable, error) {
	places, err := postgres.Places(ctx, tx, w.s.Workspace, w.s.ID)
	if err != nil {
		return nil, err
	}
	loaded := map[string]postgres.Place{}
	for _, place := range places {
		if place.LoadedAt != nil && place.AsOf != nil {
			loaded[place.Object] = place
		}
	}
	under, err := postgres.Sweeps(ctx, tx, w.s.Workspace, w.s.ID)
	if err != nil {
		return nil, err
	}
	proofs, err := postgres.Proofs(ctx, tx, w.s.Workspace, w.s.ID)
	if err != nil {
		return nil, err
	}
	var all []sweepable
	for _, object := range w.s.Spec.Objects {
		if !Swept(object) || w.options.Object != "" && w.options.Object != object.Name {
			continue
		}
		place, ok := loaded[object.Name]
		if !ok {
			t, err := postgres.LastTrouble(ctx, tx, w.s.Workspace, w.s.ID, PullArgs{}.Kind(), object.Name)
			if err != nil {
				return nil, err
			}
			if t != nil && refused(*t) {
				continue
			}
			return nil, notYet{fmt.Sprintf("%s of %s have not been loaded yet; a proof follows the first load", object.Name, w.s.Name)}
		}
		o := sweepable{object: object, asOf: *place.AsOf}
		if i := slices.IndexFunc(under, func(s postgres.Sweep) bool { return s.Object == object.Name }); i >= 0 {
			o.place = &under[i]
		}
		if proof, ok := proofs[object.Name]; ok {
			o.proof = &proof
		}
		all = append(all, o)
	}
	return all, w.settled(ctx, tx)
}

// Swept tells whether an object has sweeps of its own.
func Swept(o connectors.Object) bool {
	return o.Mode == connectors.Windowed || o.Mode == connectors.Listed
}

// settled fails while rows are mapped with another map than the present one:
// they would differ from what the vendor has for that reason alone.
func (w *sweeps) settled(ctx context.Context, tx pgx.Tx) error {
	done, err := postgres.Replayed(ctx, tx, w.s.Workspace, w.s.ID, w.s.MapVersion)
	if err == nil && !done {
		err = notYet{"the rows of " + w.s.Name + " are being mapped anew; a proof follows"}
	}
	return err
}

// stoppedError says why a sweep waits for a person, and what to do.
func stoppedError(s *Source, place postgres.Sweep) error {
	return fault.New(fault.Invalid, "%s; nothing was deleted here. Look into the CRM and at what the credentials may see (`salesbook connections show %s`): if it is right, `salesbook prove %s --object %s --confirm` goes on; if not, mend it and the next sweep starts anew",
		place.Why, s.Name, s.Name, place.Object)
}
