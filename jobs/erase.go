package jobs

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
)

// Erasure says what an erasure did, or would do. It holds nothing of the
// person but ids.
type Erasure struct {
	Persons []ErasedPerson   `json:"persons"`
	Rows    map[string]int64 `json:"rows"`  // rows that were changed, by table
	Named   []Place          `json:"named"` // what names the person and is not about him: for a person to look at; the first hundred
	Done    bool             `json:"done"`
}

// ErasedPerson is one of those who were erased.
type ErasedPerson struct {
	Connection string `json:"connection"`
	ID         string `json:"id"`
	Already    bool   `json:"already"` // erased before
}

// Place is a record of a vendor.
type Place struct {
	Connection string `json:"connection"`
	Object     string `json:"object"`
	ID         string `json:"id"`
}

const maxNamed = 100

// Erase takes out of a workspace all that is known of the persons who are
// wanted, and has them recognised from now on. Dry, it only counts. Stopped
// anywhere, it is begun again: the persons themselves go last.
func (p *Pipeline) Erase(ctx context.Context, workspace int64, w postgres.Wanted, by string, dry bool) (Erasure, error) {
	r := &erasing{p: p, workspace: workspace, dry: dry, report: Erasure{Rows: map[string]int64{}, Named: []Place{}}}
	if err := r.begin(ctx, w, by); err != nil || r.left() == 0 {
		r.report.Done = err == nil && !dry
		return r.report, err
	}
	// Once the persons themselves are gone nobody can tell any more what is left
	// to do, so they stay until it is done in all connections.
	for _, passes := range []func(*scrub) []pass{(*scrub).mentions, (*scrub).persons} {
		for _, c := range r.connections {
			if err := r.connection(ctx, c, passes); err != nil {
				return r.report, fmt.Errorf("erase in %s: %w", c.Name, err)
			}
		}
	}
	r.report.Done = !dry
	return r.report, nil
}

// EraseAgain erases the persons whom a restored backup has brought back, and
// returns how many.
func (p *Pipeline) EraseAgain(ctx context.Context, workspace int64, by string) (int, error) {
	var back []postgres.Wanted
	err := p.DB.In(ctx, workspace, func(tx pgx.Tx) error {
		back = nil
		e, err := p.recall(ctx, tx, workspace)
		if err != nil || e == nil {
			return err
		}
		list, err := postgres.Connections(ctx, tx, workspace)
		if err != nil {
			return err
		}
		for _, c := range list {
			for after := ""; ; {
				ids, err := postgres.EveryPerson(ctx, tx, workspace, c.ID, after, 5000)
				if err != nil || len(ids) == 0 {
					if err != nil {
						return err
					}
					break
				}
				for _, id := range ids {
					if after = id; e.knows("person", accountOf(c), id) {
						back = append(back, postgres.Wanted{Connection: c.ID, ID: id})
					}
				}
			}
		}
		return nil
	})
	for _, w := range back {
		if err == nil {
			_, err = p.Erase(ctx, workspace, w, by, false)
		}
	}
	return len(back), err
}

// recall returns what recognises erased persons; nil if nobody was erased.
func (p *Pipeline) recall(ctx context.Context, tx pgx.Tx, workspace int64) (*erased, error) {
	secret, err := p.Vault.ErasureSecret(ctx, tx, workspace)
	if err != nil || secret == nil {
		return nil, err
	}
	digests, err := postgres.Suppressions(ctx, tx, workspace)
	return &erased{secret, digests}, err
}

// erasing is one erasure under way.
type erasing struct {
	p           *Pipeline
	workspace   int64
	dry         bool
	e           *erased
	connections []postgres.Connection
	found       map[int64][]postgres.Person // by connection: those who were not erased before
	report      Erasure
}

func (r *erasing) left() (n int) {
	for _, list := range r.found {
		n += len(list)
	}
	return n
}

// begin finds the persons, has them recognised from now on, and writes down
// that they were erased, without saying who they were.
func (r *erasing) begin(ctx context.Context, w postgres.Wanted, by string) error {
	return r.p.DB.In(ctx, r.workspace, func(tx pgx.Tx) (err error) {
		r.found, r.report.Persons = map[int64][]postgres.Person{}, nil
		if r.connections, err = postgres.Connections(ctx, tx, r.workspace); err != nil {
			return err
		}
		found, err := postgres.FindPersons(ctx, tx, r.workspace, w)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return fault.New(fault.NotFound, "nobody of that description is stored; `salesbook show person ID` shows whom an id belongs to")
		}
		names := map[int64]string{}
		for _, c := range r.connections {
			names[c.ID] = c.Name
		}
		for _, f := range found {
			r.report.Persons = append(r.report.Persons, ErasedPerson{names[f.Connection], f.ID, f.Erased})
			if !f.Erased {
				r.found[f.Connection] = append(r.found[f.Connection], f)
			}
		}
		if r.left() == 0 {
			return nil
		}
		return r.suppress(ctx, tx, by)
	})
}

// suppress makes the digests of the persons, and stores them unless dry.
func (r *erasing) suppress(ctx context.Context, tx pgx.Tx, by string) (err error) {
	if r.e, err = r.p.recall(ctx, tx, r.workspace); err != nil {
		return err
	}
	if r.e == nil {
		r.e = &erased{digests: map[postgres.Digest]bool{}}
		if r.dry {
			r.e.secret = make([]byte, 32)
			_, err = rand.Read(r.e.secret)
		} else {
			r.e.secret, err = r.p.Vault.MakeErasureSecret(ctx, tx, r.workspace)
		}
		if err != nil {
			return err
		}
	}
	fresh := map[postgres.Digest]bool{}
	for _, c := range r.connections {
		if err := r.digests(ctx, tx, c, fresh); err != nil {
			return err
		}
	}
	maps.Copy(r.e.digests, fresh)
	if r.dry {
		return nil
	}
	list := make([]postgres.Digest, 0, len(fresh))
	for d := range fresh {
		list = append(list, d)
	}
	if err := postgres.Suppress(ctx, tx, r.workspace, list); err != nil {
		return err
	}
	return postgres.Audit(ctx, tx, r.workspace, by, "erase", "person", map[string]any{"persons": r.left()})
}

// digests adds those of a connection's persons, of their deals and leads.
func (r *erasing) digests(ctx context.Context, tx pgx.Tx, c postgres.Connection, into map[postgres.Digest]bool) error {
	account, ids := accountOf(c), idsOfPersons(r.found[c.ID])
	for _, person := range r.found[c.ID] {
		for _, d := range r.e.digestsOf(account, person) {
			into[d] = true
		}
	}
	for _, kind := range []string{"deals", "leads"} {
		subjects, err := postgres.SubjectsOf(ctx, tx, r.workspace, c.ID, kind, ids)
		if err != nil {
			return err
		}
		for _, id := range subjects {
			into[r.e.sum("about", account, kind, id)] = true
		}
	}
	return nil
}

func idsOfPersons(list []postgres.Person) []string {
	ids := make([]string, len(list))
	for i, p := range list {
		ids[i] = p.ID
	}
	return ids
}

// writing are the kinds of work that write what vendors say.
func writing() []string { return []string{"pull", "receive", "history", "replay", "sweep"} }

// connection erases what one connection has brought. Nobody else writes
// meanwhile: their leases are taken from them, and they come back.
func (r *erasing) connection(ctx context.Context, c postgres.Connection, passes func(*scrub) []pass) error {
	if r.dry {
		s, err := r.p.Open(ctx, r.workspace, c.ID)
		if err != nil {
			return err
		}
		return r.passes(ctx, s, nil, passes)
	}
	return r.p.seizing(ctx, r.workspace, c.ID, writing(), func(ctx context.Context, held []postgres.Lease) error {
		s, err := r.p.openForWork(ctx, r.workspace, c.ID)
		if err != nil {
			return err
		}
		return r.passes(ctx, s, held, passes)
	})
}

// pass is one way through a connection's rows.
type pass func(context.Context) error

// mentions are the passes through what tells of the persons. Changes are the
// last: they know what he was called before.
func (x *scrub) mentions() []pass {
	return []pass{x.records, x.documents, x.deliveries, x.failures, x.runs, x.dictionaries, x.changes}
}

// persons is the pass through the persons themselves.
func (x *scrub) persons() []pass { return []pass{x.people} }

func (r *erasing) passes(ctx context.Context, s *Source, held []postgres.Lease, passes func(*scrub) []pass) error {
	s.erased = r.e
	x := &scrub{erasing: r, s: s, held: held, about: map[string]map[string]bool{}}
	for _, pass := range passes(x) {
		if err := pass(ctx); err != nil {
			return err
		}
	}
	return nil
}

// seizing runs work while this process holds the leases of these kinds on a
// connection, taken from whoever had them.
func (p *Pipeline) seizing(ctx context.Context, workspace, connection int64, kinds []string, work func(context.Context, []postgres.Lease) error) (err error) {
	held, cancel := context.WithCancelCause(ctx)
	var leases []postgres.Lease
	var stopped []chan struct{}
	defer func() {
		cancel(nil)
		free := context.WithoutCancel(ctx)
		for i, l := range leases {
			<-stopped[i]
			err = errors.Join(err, p.DB.In(free, workspace, func(tx pgx.Tx) error { return l.Release(free, tx) }))
		}
	}()
	for _, kind := range kinds {
		l := postgres.Lease{Workspace: workspace, Kind: kind, Subject: fmt.Sprint(connection), Holder: p.Holder, TTL: p.leaseTTL()}
		if err := p.DB.Seize(ctx, &l); err != nil {
			return err
		}
		done := make(chan struct{})
		leases, stopped = append(leases, l), append(stopped, done)
		go func() {
			defer close(done)
			p.renew(held, cancel, l)
		}()
	}
	return work(held, leases)
}
