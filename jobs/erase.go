package jobs

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/nyaruka/phonenumbers"

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
	if err := r.spellings(ctx); err != nil {
		return r.report, fmt.Errorf("erase in spellings: %w", err)
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
			err := eachPerson(ctx, tx, c, func(p postgres.Person) error {
				if e.knows("person", accountOf(c), p.ID) {
					back = append(back, postgres.Wanted{Connection: c.ID, ID: p.ID})
				}
				return nil
			})
			if err != nil {
				return err
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

// eachPerson shows a connection's people who were not erased.
func eachPerson(ctx context.Context, tx pgx.Tx, c postgres.Connection, show func(postgres.Person) error) error {
	for after := ""; ; {
		page, err := postgres.EveryPerson(ctx, tx, c.Workspace, c.ID, after, 5000)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, p := range page {
			if err := show(p); err != nil {
				return err
			}
		}
		after = page[len(page)-1].ID
	}
}

// recall returns what recognises erased persons; nil if nobody was erased.
func (p *Pipeline) recall(ctx context.Context, tx pgx.Tx, workspace int64) (*erased, error) {
	secret, err := p.Vault.ErasureSecret(ctx, tx, workspace)
	if err != nil || secret == nil {
		return nil, err
	}
	digests, err := postgres.Suppressions(ctx, tx, workspace)
	return &erased{secret: secret, digests: digests}, err
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
		if err == nil && w.Phone != "" {
			found, err = reachedBy(found, w.Phone)
		}
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return fault.New(fault.NotFound, "nobody of that description is stored; `salesbook show person ID` shows whom an id belongs to")
		}
		if err := r.recognise(ctx, tx); err != nil {
			return err
		}
		// Whoever is added may be known by more than the ones before.
		for len(found) > 0 {
			r.add(found)
			if found, err = r.others(ctx, tx); err != nil {
				return err
			}
		}
		if r.left() == 0 {
			return nil
		}
		return r.suppress(ctx, tx, by)
	})
}

// reachedBy leaves those who have a number, also as it is dialled within their
// country. One that several countries have is not enough to erase somebody.
func reachedBy(found []postgres.Person, phone string) (reached []postgres.Person, err error) {
	countries := map[int32]bool{}
	for _, p := range found {
		has := false
		for _, number := range slices.Concat(p.Phones, p.Written) {
			if !slices.Contains(contactsOf(nil, []string{number}), phoneOf(phone)) {
				continue
			}
			has = true
			if n, err := phonenumbers.Parse(number, "ZZ"); err == nil {
				countries[n.GetCountryCode()] = true
			}
		}
		if has {
			reached = append(reached, p)
		}
	}
	if len(countries) > 1 {
		return nil, fault.New(fault.Invalid, "people of several countries have that number there; give the id or an address of the one who is meant")
	}
	return reached, nil
}

// recognise recalls who was erased before; of a workspace in which nobody was,
// it makes the secret.
func (r *erasing) recognise(ctx context.Context, tx pgx.Tx) (err error) {
	if r.e, err = r.p.recall(ctx, tx, r.workspace); err != nil || r.e != nil {
		return err
	}
	r.e = &erased{digests: map[postgres.Digest]bool{}}
	if r.dry {
		r.e.secret = make([]byte, 32)
		_, err = rand.Read(r.e.secret)
	} else {
		r.e.secret, err = r.p.Vault.MakeErasureSecret(ctx, tx, r.workspace)
	}
	return err
}

// add has persons recognised, and erased unless they were before.
func (r *erasing) add(persons []postgres.Person) {
	for _, p := range persons {
		i := slices.IndexFunc(r.connections, func(c postgres.Connection) bool { return c.ID == p.Connection })
		if i < 0 {
			continue // connected this moment
		}
		r.report.Persons = append(r.report.Persons, ErasedPerson{r.connections[i].Name, p.ID, p.Erased})
		if p.Erased {
			continue
		}
		r.found[p.Connection] = append(r.found[p.Connection], p)
		for _, d := range r.e.digestsOf(accountOf(r.connections[i]), p) {
			r.e.learn(d)
		}
	}
}

// others are the people, not found yet, whom pages would no longer show because
// they are taken for one of the persons: further records of him, in whichever
// connection.
func (r *erasing) others(ctx context.Context, tx pgx.Tx) (more []postgres.Person, err error) {
	for _, c := range r.connections {
		known := map[string]bool{}
		for _, p := range r.found[c.ID] {
			known[p.ID] = true
		}
		err := eachPerson(ctx, tx, c, func(p postgres.Person) error {
			if known[p.ID] || !r.e.knows("person", accountOf(c), p.ID) && !r.e.same(p) {
				return nil
			}
			whole, err := postgres.FindPersons(ctx, tx, r.workspace, postgres.Wanted{Connection: c.ID, ID: p.ID})
			more = append(more, whole...)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return more, nil
}

// suppress has deals and leads of the persons recognised as well, and stores
// the digests unless dry.
func (r *erasing) suppress(ctx context.Context, tx pgx.Tx, by string) error {
	for _, c := range r.connections {
		for _, kind := range []string{"deals", "leads"} {
			subjects, err := postgres.SubjectsOf(ctx, tx, r.workspace, c.ID, kind, idsOfPersons(r.found[c.ID]))
			if err != nil {
				return err
			}
			for _, id := range subjects {
				r.e.learn(r.e.sum("about", accountOf(c), kind, id))
			}
		}
	}
	news := r.e.told()
	if r.dry {
		return nil
	}
	if err := postgres.Suppress(ctx, tx, r.workspace, news.digests); err != nil {
		return err
	}
	return postgres.Audit(ctx, tx, r.workspace, by, "erase", "person", map[string]any{"persons": r.left()})
}

func idsOfPersons(list []postgres.Person) []string {
	ids := make([]string, len(list))
	for i, p := range list {
		ids[i] = p.ID
	}
	return ids
}

// writing are the kinds of work that write what vendors say.
func writing() []string { return []string{"pull", "receive", "history", "replay", "sweep", "push"} }

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
	return []pass{x.records, x.documents, x.decisions, x.deliveries, x.failures, x.runs, x.dictionaries, x.changes}
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
