package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/jobs"
)

type proveCmd struct {
	Name    string        `arg:"" help:"Connection."`
	Object  string        `placeholder:"OBJECT" help:"Only this object of the vendor's, such as deals."`
	Confirm bool          `help:"Go on though the vendor no longer lists very many records: you have looked, and it is right. Each is still asked for before it counts as deleted."`
	Every   time.Duration `placeholder:"TIME" help:"From now on compare this often, such as 24h or 72h."`
}

// everyLeast is the shortest time between two sweeps that may be planned.
const everyLeast = time.Hour

// Validate refuses what would spend the quota for nothing.
func (c *proveCmd) Validate() error {
	if c.Every != 0 && c.Every < everyLeast {
		return fmt.Errorf("--every %v is too often: %v is the least", c.Every, everyLeast)
	}
	return nil
}

// Run compares both sides now, without a worker.
func (c *proveCmd) Run(ctx context.Context, g *globals) error {
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
	sync := &syncCmd{Name: c.Name, Object: c.Object}
	if err := sync.checkObject(spec); err != nil {
		return err
	}
	if err := c.plan(ctx, a, conn); err != nil {
		return err
	}
	f := &foreground{app: a, conn: conn, cmd: sync, reader: newStatusReader(a), began: time.Now()}
	return (&proving{foreground: f, options: jobs.SweepOptions{Object: c.Object, Confirm: c.Confirm}, spec: spec}).run(ctx)
}

// plan sets how often workers compare from now on, if that was asked for.
func (c *proveCmd) plan(ctx context.Context, a *app, conn postgres.Connection) error {
	if c.Every == 0 {
		return nil
	}
	return a.db.In(ctx, conn.Workspace, func(tx pgx.Tx) error {
		if err := postgres.Schedule(ctx, tx, conn.Workspace, jobs.SweepArgs{}.Kind(), conn.ID, c.Every); err != nil {
			return err
		}
		return postgres.Audit(ctx, tx, conn.Workspace, actor(), "plan sweeps", conn.Name, map[string]any{"every": c.Every.String()})
	})
}

// proving is a proof without workers.
type proving struct {
	*foreground
	options jobs.SweepOptions
	spec    connectors.Spec
}

// provenObject is one object's proof as it is printed.
type provenObject struct {
	Object     string    `json:"object"`
	Title      string    `json:"title"`
	AsOf       time.Time `json:"as_of"`
	StartedAt  time.Time `json:"started_at"`
	FinishedAt time.Time `json:"finished_at"`
	Found      int64     `json:"found"`    // records that differed though the vendor had them so before as_of
	Repaired   int64     `json:"repaired"` // those of them that no longer do
	postgres.Figures
}

// proofResult is what `prove` prints.
type proofResult struct {
	Connection string         `json:"connection"`
	Complete   bool           `json:"complete"`
	Why        string         `json:"why,omitempty"` // why it is not complete
	Seconds    float64        `json:"seconds"`
	State      string         `json:"state"` // of the whole connection, as in `status`
	ProvenAt   *time.Time     `json:"proven_at,omitempty"`
	Found      int64          `json:"found"`
	Repaired   int64          `json:"repaired"`
	Unrepaired int64          `json:"unrepaired"`
	Objects    []provenObject `json:"objects"`
}

func (p *proving) run(ctx context.Context) error {
	p.pipeline.Slice = 24 * time.Hour // nobody waits for this worker
	var err error
	if p.options.Since, err = p.db.Now(ctx); err != nil {
		return err
	}
	stop := p.show(ctx, p.progress, p.summary)
	// What is on its way anyway is no drift: it is read first, so that the proof
	// speaks of now.
	if err = p.catchUp(ctx); err == nil || refused(err) {
		err = errors.Join(p.persist(ctx, func() (bool, error) { return p.pipeline.Sweep(ctx, p.conn.Workspace, p.conn.ID, p.options) }), err)
	}
	stop()
	result, readErr := p.result(context.WithoutCancel(ctx))
	if readErr != nil {
		return errors.Join(err, readErr)
	}
	result.Why = p.shortfall(ctx, err)
	switch {
	case result.Why == "" && refused(err) && len(result.Objects) > 0:
		result.Why = err.Error() // what may be read is compared all the same
	case result.Why == "" && err != nil:
		return err
	}
	result.Complete = result.Why == ""
	if err := p.print(ctx, result); err != nil {
		return err
	}
	return result.verdict()
}

// verdict is nil only if nothing differed.
func (r *proofResult) verdict() error {
	switch {
	case !r.Complete:
		return incomplete{fmt.Sprintf("%s is not compared completely: %s", r.Connection, r.Why)}
	case r.Unrepaired > 0:
		return incomplete{fmt.Sprintf("%s of %s differ still: see above, and `salesbook failures list %s`", counted(r.Unrepaired, "record"), r.Connection, r.Connection)}
	case r.Found > 0:
		return incomplete{fmt.Sprintf("%s of %s differed and were repaired; run it again to see that nothing differs now", counted(r.Found, "record"), r.Connection)}
	}
	return nil
}

// result gathers the proofs that were finished since the command began.
func (p *proving) result(ctx context.Context) (*proofResult, error) {
	all, err := p.reader.read(ctx, p.conn.Name)
	if err != nil {
		return nil, err
	}
	r := &proofResult{Connection: p.conn.Name, Seconds: time.Since(p.began).Seconds(), State: all[0].Proof.State, ProvenAt: all[0].Proof.ProvenAt, Objects: []provenObject{}}
	var proofs map[string]postgres.Proof
	err = p.db.In(ctx, p.conn.Workspace, func(tx pgx.Tx) (err error) {
		proofs, err = postgres.Proofs(ctx, tx, p.conn.Workspace, p.conn.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, o := range p.spec.Objects {
		proof, ok := proofs[o.Name]
		if !ok || proof.FinishedAt.Before(p.options.Since) {
			continue
		}
		found, left := proof.Figures.Drift(), proof.Figures.Unrepaired
		r.Found, r.Unrepaired, r.Repaired = r.Found+found, r.Unrepaired+left, r.Repaired+found-left
		r.Objects = append(r.Objects, provenObject{o.Name, o.Title, proof.AsOf, proof.StartedAt, proof.FinishedAt, found, found - left, proof.Figures})
	}
	return r, nil
}
