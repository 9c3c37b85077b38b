package jobs

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/rest"
)

const (
	// pushEvery is how often a connection's edits are looked at without being
	// asked: those that wait for an instant.
	pushEvery = 30 * time.Second
	// editsAtOnce bounds how many edits are read in one go. Before each go it is
	// looked at whether all of them together are too many.
	editsAtOnce = 100
	// pushWindow is how old what was read of a record may be when it is written.
	pushWindow = 2 * time.Second
	// doubtRest is how long a record is left alone that does not hold what the vendor
	// says to have written: what is read may lag behind.
	doubtRest = 5 * time.Second
	// stoppedRest is how long a new record is not looked for again that was not made,
	// and may not be made as long as nothing is written: each look is a call.
	stoppedRest = 10 * time.Minute
	// tooManyAttempts in a row leave an edit to a person.
	tooManyAttempts = 5
)

// Push makes the edits of a connection that have their turn, one after the
// other, and finds out what became of those of which nobody knows. It reports
// false if the time slice ended first.
func (p *Pipeline) Push(ctx context.Context, workspace, connection int64) (complete bool, err error) {
	until := p.Now().Add(p.slice())
	for after := int64(0); ; {
		last, err := p.editsWait(ctx, workspace, connection, after)
		if err != nil || last == 0 {
			return err == nil, err
		}
		mine, err := p.holding(ctx, workspace, "push", connection, func(ctx context.Context, l postgres.Lease) error {
			complete, err = p.pushSome(ctx, workspace, connection, l, until)
			return err
		})
		if err != nil || !mine || !complete {
			return err == nil && !mine, err
		}
		after = last // whoever wanted more meanwhile found the lease taken
	}
}

// editsWait returns the highest number above after of edits that have their turn.
func (p *Pipeline) editsWait(ctx context.Context, workspace, connection, after int64) (last int64, err error) {
	err = p.DB.In(ctx, workspace, func(tx pgx.Tx) error {
		last, err = postgres.EditsWait(ctx, tx, workspace, connection, p.Now(), after)
		return err
	})
	return last, err
}

// askToPush has the edits of a connection made soon that become ready in this
// transaction.
func (p *Pipeline) askToPush(ctx context.Context, tx pgx.Tx, workspace, connection int64) error {
	_, err := p.Queue.InsertTx(ctx, tx, PushArgs{workspace, connection}, nil)
	return err
}

// pushJob pushes for one time slice and, if there is more, asks to go on.
func (p *Pipeline) pushJob(ctx context.Context, a PushArgs) error {
	complete, err := p.Push(ctx, a.Workspace, a.Connection)
	if err != nil || complete {
		return p.outcome(ctx, a.Kind(), a.Workspace, a.Connection, err)
	}
	return p.postpone(ctx, a.Kind(), a.Workspace, a.Connection, 0)
}

// pushing is one job's work on the edits of one connection.
type pushing struct {
	p       *Pipeline
	s       *Source
	lease   postgres.Lease
	run     int64
	until   time.Time
	live    bool // edits may be made
	pusher  connectors.Pusher
	fetcher connectors.Fetcher
	puller  connectors.Puller
	worked  bool  // some edit had its turn without a failure
	silent  int   // how many failed since the vendor last answered properly
	failed  error // the last of them
}

func (p *Pipeline) pushSome(ctx context.Context, workspace, connection int64, l postgres.Lease, until time.Time) (complete bool, err error) {
	s, err := p.openForWork(ctx, workspace, connection)
	if err != nil || s.State != "active" || s.RestUntil != nil {
		return err == nil, err
	}
	c, err := s.Connector(ctx, rest.WriteBack)
	if err != nil {
		return false, err
	}
	w := &pushing{p: p, s: s, lease: l, until: until}
	var pushes, fetches, pulls bool
	w.pusher, pushes = c.(connectors.Pusher)
	w.fetcher, fetches = c.(connectors.Fetcher)
	w.puller, pulls = c.(connectors.Puller)
	if !pushes || !fetches || !pulls {
		return false, fault.New(fault.Invalid, "the connector for %s cannot write back; `salesbook edits dry %s` only shows what is wanted", s.Vendor, s.Name)
	}
	err = p.recorded(ctx, s, PushArgs{}.Kind(), "", func(run int64) error {
		w.run = run
		complete, err = w.all(ctx)
		return err
	})
	if err == nil {
		err = p.askToEvaluate(ctx, workspace)
	}
	return complete, err
}

// all works off what waits, in its order. An edit at which the vendor fails keeps
// no other waiting, unless it fails at several in a row.
func (w *pushing) all(ctx context.Context) (complete bool, err error) {
	for place := (postgres.EditPlace{}); ; {
		if err := w.allowed(ctx); err != nil {
			return false, err
		}
		list, err := w.waiting(ctx, place)
		if err != nil {
			return false, err
		}
		if len(list) == 0 {
			break
		}
		for i := range list {
			if ctx.Err() != nil || w.p.Now().After(w.until) {
				return false, ctx.Err()
			}
			if err := w.met(w.one(ctx, &list[i])); err != nil {
				return false, err
			}
		}
		place = list[len(list)-1].Place()
	}
	if err := w.witness(ctx); err != nil {
		return false, err
	}
	if w.worked {
		return true, nil // what failed has a time of its own
	}
	return true, w.failed
}

func (w *pushing) waiting(ctx context.Context, after postgres.EditPlace) (list []postgres.Edit, err error) {
	err = w.p.DB.In(ctx, w.s.Workspace, func(tx pgx.Tx) error {
		list, err = postgres.WaitingEdits(ctx, tx, w.s.Workspace, w.s.ID, w.p.Now(), after, editsAtOnce)
		return err
	})
	return list, err
}

// met sorts out what one edit brought: nil if the next may have its turn.
func (w *pushing) met(err error) error {
	if err == nil {
		w.worked, w.silent, w.failed = true, 0, nil
		return nil
	}
	if fault.KindOf(err) != fault.Temporary {
		return err
	}
	w.failed = err
	if w.silent++; w.silent < tooManySilent {
		return nil
	}
	return err
}

// one gives one edit its turn.
func (w *pushing) one(ctx context.Context, e *postgres.Edit) error {
	if e.State == "ready" && !w.live {
		return nil
	}
	edit, err := inVendorWords(w.s, e)
	if err != nil {
		return w.refuse(ctx, e, err)
	}
	switch {
	case e.TargetID != nil:
		return w.correct(ctx, e, edit)
	case e.State == "sent":
		return w.find(ctx, e, edit)
	}
	return w.make(ctx, e, edit)
}

// correct reads the record again that an edit is about, and writes it if that is
// still right.
func (w *pushing) correct(ctx context.Context, e *postgres.Edit, edit connectors.Edit) error {
	for range 3 {
		r, asked, err := w.reread(ctx, edit)
		if hopeless(err) {
			return w.refuse(ctx, e, err)
		}
		if err != nil {
			return err
		}
		if err := noteEnding(w.s, e, r); err != nil {
			return w.refuse(ctx, e, err)
		}
		call, err := w.decide(ctx, e, r, asked)
		if err != nil || !call {
			return err
		}
		if w.p.Now().Sub(asked) <= pushWindow {
			edit.Unless = r.UpdatedAt
			return w.call(ctx, e, edit)
		}
		if err := w.giveBack(ctx, e, 0, "what was read had become old before it could be written", false); err != nil {
			return err
		}
	}
	return nil // the next look
}

// reread reads a record again and writes it as any page, and returns it with when
// it was asked for.
func (w *pushing) reread(ctx context.Context, edit connectors.Edit) (r connectors.Record, asked time.Time, err error) {
	page, err := w.read(ctx, edit)
	if err != nil {
		return r, asked, err
	}
	if err := w.p.commitPage(ctx, w.s, w.lease, w.run, "push", page); err != nil {
		return r, asked, err
	}
	if i := slices.IndexFunc(page.Records, func(r connectors.Record) bool { return r.Object == edit.Object && r.ID == edit.ID }); i >= 0 {
		r = page.Records[i]
	}
	return r, page.FetchedAt, nil
}

// read reads the record of an edit, or the whole list that it comes with where there is
// no way to read one.
func (w *pushing) read(ctx context.Context, edit connectors.Edit) (page connectors.Page, err error) {
	if o, ok := w.s.Spec.Object(edit.Object); ok && o.FetchMax > 0 {
		return w.fetcher.Fetch(ctx, edit.Object, []string{edit.ID})
	}
	for page, err := range w.puller.Pull(ctx, listWith(w.s.Spec, edit.Object), "") {
		return page, err // lists come in one page
	}
	return page, nil
}

// make makes a new record.
func (w *pushing) make(ctx context.Context, e *postgres.Edit, edit connectors.Edit) error {
	call := false
	err := w.p.DB.In(ctx, w.s.Workspace, func(tx pgx.Tx) (err error) {
		call, err = w.intend(ctx, tx, e, nil)
		return err
	})
	if err != nil || !call {
		return err
	}
	onItsWay(e, nil)
	return w.call(ctx, e, edit)
}

// onItsWay is what an edit is once its intent is written down.
func onItsWay(e *postgres.Edit, before contents) {
	e.State, e.Before, e.After = "sent", before, nil
	e.Attempts++
}

// find looks for the record that an earlier call may have made, once that call
// is over for certain.
func (w *pushing) find(ctx context.Context, e *postgres.Edit, edit connectors.Edit) error {
	if w.p.Now().Before(e.SentAt.Add(w.p.patience())) {
		return nil
	}
	asked := w.p.Now()
	r, found, err := w.pusher.Find(ctx, edit)
	switch {
	case hopeless(err):
		return w.refused(ctx, e, err)
	case err != nil:
		return err
	case found:
		return w.receive(ctx, e, r, asked, "what became of the call was not known; it had been made")
	case e.Attempts >= tooManyAttempts:
		return w.refuse(ctx, e, inVain(e))
	case !w.live:
		return w.delay(ctx, e, stoppedRest, e.Why)
	}
	return w.make(ctx, e, edit)
}

// inVain is why an edit is left to a person.
func inVain(e *postgres.Edit) error {
	return fault.New(fault.Temporary, "the vendor failed at it %d times, the last time with: %s", e.Attempts, e.Why)
}
