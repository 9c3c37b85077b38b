package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/jobs"
)

type syncCmd struct {
	Name    string `arg:"" help:"Connection."`
	Once    bool   `help:"Do it here and now, without a worker; exit 0 only when complete."`
	Full    bool   `help:"Read everything again from the beginning."`
	Object  string `placeholder:"OBJECT" help:"Only this object of the vendor's, such as deals."`
	History bool   `help:"With --once: also read the past of deals, as far as the quota allows."`
}

// Validate refuses what would have no effect.
func (c *syncCmd) Validate() error {
	if c.History && !c.Once {
		return errors.New("--history needs --once: workers read the past of deals by themselves")
	}
	return nil
}

// Run pulls what changed at the vendor, or asks the workers to.
func (c *syncCmd) Run(ctx context.Context, g *globals) error {
	a, err := open(ctx, g, g.quiet(), need{})
	if err != nil {
		return err
	}
	defer a.shut()
	conn, err := a.connection(ctx, c.Name)
	if err != nil {
		return err
	}
	if conn.State != "active" {
		return jobs.StateError(conn)
	}
	spec, err := a.pipeline.SpecFor(conn)
	if err != nil {
		return err
	}
	if err := c.checkObject(spec); err != nil {
		return err
	}
	if c.Full {
		if err := c.reset(ctx, a, conn); err != nil {
			return err
		}
	}
	if !c.Once {
		return c.ask(ctx, a, conn)
	}
	return (&foreground{app: a, conn: conn, cmd: c, reader: newStatusReader(a), began: time.Now()}).run(ctx)
}

func (c *syncCmd) checkObject(spec connectors.Spec) error {
	var names []string
	for _, o := range spec.Objects {
		if pulled(o) {
			names = append(names, o.Name)
		} else if o.Name == c.Object {
			return fmt.Errorf("%s of %s have no list of their own: they come with %s", c.Object, c.Name, o.Parent)
		}
	}
	if c.Object != "" && !slices.Contains(names, c.Object) {
		return fmt.Errorf("%s has no object %q; there are: %s", spec.Title, c.Object, strings.Join(names, ", "))
	}
	return nil
}

// reset sends the objects' walks back to their beginnings. Nothing that was
// read is forgotten: bytes that are the same again change nothing.
func (c *syncCmd) reset(ctx context.Context, a *app, conn postgres.Connection) error {
	return a.db.In(ctx, conn.Workspace, func(tx pgx.Tx) error {
		places, err := postgres.Places(ctx, tx, conn.Workspace, conn.ID)
		if err != nil {
			return err
		}
		for _, p := range places {
			if c.Object != "" && c.Object != p.Object {
				continue
			}
			if err := postgres.ResetCursor(ctx, tx, conn.Workspace, conn.ID, p.Object); err != nil {
				return err
			}
		}
		return nil
	})
}

// ask gives the pull to the workers.
func (c *syncCmd) ask(ctx context.Context, a *app, conn postgres.Connection) error {
	err := a.db.In(ctx, conn.Workspace, func(tx pgx.Tx) error {
		_, err := a.pipeline.Queue.InsertTx(ctx, tx, jobs.PullArgs{Workspace: conn.Workspace, Connection: conn.ID, Force: true}, nil)
		return err
	})
	if err != nil {
		return err
	}
	alive, err := a.db.WorkersAlive(ctx)
	if err != nil {
		return err
	}
	if a.JSON {
		return a.printJSON(map[string]any{"connection": conn.Name, "queued": true, "workers_alive": alive})
	}
	fmt.Fprintf(a.stdout, "A pull of %s is queued; `salesbook status %s --watch` shows it.\n", conn.Name, conn.Name)
	if !alive {
		fmt.Fprintln(a.stdout, "No worker is running: start `salesbook up`, or do it here with --once.")
	}
	return nil
}

// foreground is a sync without workers.
type foreground struct {
	*app
	conn   postgres.Connection
	cmd    *syncCmd
	reader *statusReader
	began  time.Time
	wait   atomic.Pointer[string] // what is waited for, if anything
}

// syncResult is what `sync --once` prints.
type syncResult struct {
	Connection string            `json:"connection"`
	Complete   bool              `json:"complete"`
	Why        string            `json:"why,omitempty"` // what is missing
	Seconds    float64           `json:"seconds"`
	Seen       int64             `json:"seen"`    // records read
	Written    int64             `json:"written"` // records that were new or different
	Changed    int64             `json:"changed"` // canonical rows that differ from before
	Deleted    int64             `json:"deleted"`
	PutAside   int64             `json:"put_aside"` // records that could not be mapped
	Status     *connectionStatus `json:"status,omitempty"`
}

func (f *foreground) run(ctx context.Context) error {
	f.pipeline.Slice = 24 * time.Hour // nobody waits for this worker
	first, err := f.lastRun(ctx)
	if err != nil {
		return err
	}
	stop := f.show(ctx, f.progress, f.summary)
	err = f.work(ctx)
	stop()
	late := context.WithoutCancel(ctx)
	result, sumErr := f.sum(late, first)
	if sumErr != nil {
		return errors.Join(err, sumErr)
	}
	if result.Why = f.shortfall(ctx, err); result.Why == "" && err != nil {
		return err
	}
	result.Complete = result.Why == ""
	if err := f.print(result); err != nil {
		return err
	}
	if !result.Complete {
		return incomplete{fmt.Sprintf("%s is not complete: %s", f.conn.Name, result.Why)}
	}
	return nil
}

// shortfall says why not everything was read, if that is no failure.
func (f *foreground) shortfall(ctx context.Context, err error) string {
	switch {
	case ctx.Err() != nil:
		return "interrupted; the same command goes on where it stopped"
	case fault.KindOf(err) == fault.Limited:
		until := time.Now().Add(fault.RetryAfter(err))
		return fmt.Sprintf("%v; the same command goes on from %s (in %s)", err, until.UTC().Format("2006-01-02 15:04 UTC"), span(time.Until(until)))
	}
	return ""
}

// work does what the workers would: deliveries, pull, replay, history.
func (f *foreground) work(ctx context.Context) error {
	caught := f.catchUp(ctx)
	if caught != nil && !refused(caught) || !f.cmd.History {
		return caught
	}
	return errors.Join(f.persist(ctx, func() (bool, error) { return true, f.pipeline.History(ctx, f.conn.Workspace, f.conn.ID) }), caught)
}

// catchUp reads what deliveries named and what changed since the last pull.
func (f *foreground) catchUp(ctx context.Context) error {
	if err := f.persist(ctx, func() (bool, error) { return f.receive(ctx) }); err != nil {
		return err
	}
	o := jobs.PullOptions{Object: f.cmd.Object, Force: true}
	pulled := f.persist(ctx, func() (bool, error) { return f.pipeline.Pull(ctx, f.conn.Workspace, f.conn.ID, o) })
	if pulled != nil && !refused(pulled) {
		return pulled
	}
	return errors.Join(f.persist(ctx, func() (bool, error) { return f.replay(ctx) }), pulled)
}

// refused tells that the vendor refuses something for good. The rest is read.
func refused(err error) bool { return err != nil && fault.KindOf(err).Outcome() == fault.Discard }

// receive reads what deliveries named, now: a person asked.
func (f *foreground) receive(ctx context.Context) (empty bool, err error) {
	ws, id := f.conn.Workspace, f.conn.ID
	err = f.db.In(ctx, ws, func(tx pgx.Tx) error { return postgres.Rest(ctx, tx, ws, id, 0) })
	if err != nil {
		return false, err
	}
	if err := f.pipeline.Receive(ctx, ws, id); err != nil {
		return false, err
	}
	err = f.db.In(ctx, ws, func(tx pgx.Tx) error {
		waiting, err := postgres.AnyWaiting(ctx, tx, ws, id)
		empty = !waiting
		return err
	})
	return empty, err
}

// replay maps again what was mapped under another map, if anything was.
func (f *foreground) replay(ctx context.Context) (done bool, err error) {
	ws, id := f.conn.Workspace, f.conn.ID
	var due bool
	err = f.db.In(ctx, ws, func(tx pgx.Tx) error {
		due, _, err = postgres.ReplayDue(ctx, tx, ws, id)
		return err
	})
	if err != nil || !due {
		return true, err
	}
	r, err := f.pipeline.Replay(ctx, ws, id)
	return r.Complete, err
}

const (
	patience  = time.Minute // how long a limit is waited for in place
	retries   = 4           // how often in a row the vendor may be out of reach
	busyPause = 500 * time.Millisecond
)

// persist repeats work until it is complete: it waits out short limits, other
// workers on the same connection, and a vendor that is out of reach for a moment.
func (f *foreground) persist(ctx context.Context, work func() (complete bool, err error)) error {
	for failures := 0; ; {
		complete, err := work()
		wait, why := busyPause, ""
		switch k := fault.KindOf(err); {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil && complete:
			return nil
		case err == nil:
		case k == fault.Lost:
			why = "another process is at it"
		case k == fault.Conflict && failures < retries:
			why = "the map or the field definitions changed; going on with the new ones"
			failures++
		case k == fault.Limited && fault.RetryAfter(err) <= patience:
			wait, why = max(fault.RetryAfter(err), busyPause), "waiting for the vendor's limit"
		case k == fault.Temporary && failures < retries, f.server != nil && postgres.Unreachable(err) && failures < retries:
			wait, why = time.Second<<failures, "trying again: "+err.Error()
			failures++
		default:
			return err
		}
		f.wait.Store(&why)
		if err := pause(ctx, wait); err != nil {
			return err
		}
		f.wait.Store(nil)
	}
}

// waiting says what is waited for, if anything.
func (f *foreground) waiting() string {
	if why := f.wait.Load(); why != nil {
		return *why
	}
	return ""
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
