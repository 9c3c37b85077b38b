package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
)

const (
	// judgedAtOnce bounds the subjects of one transaction: whoever changes one of
	// them meanwhile waits for it.
	judgedAtOnce = 200
	// comeDueAtOnce bounds the subjects that time alone makes dirty in one go.
	comeDueAtOnce = 5000
	// evaluateEvery is how often a workspace's book is looked at without being
	// asked: for what time alone has changed.
	evaluateEvery = 15 * time.Second
)

// evaluation is one look at a workspace's dirty subjects.
type evaluation struct {
	p         *Pipeline
	workspace int64
	version   int
	ground    postgres.Ground
	compiled  *book.Compiled
	problems  book.Problems // pipelines and stages that it names and no CRM ever had
	sources   map[int64]*Source
	bound     map[int64][]postgres.Binding // by connection: what names meant when the book was put in force
}

// errMoved tells that the book or what it stands on is another by now.
var errMoved = errors.New("the book, or the pipelines that it names, have changed meanwhile")

// Evaluate judges what has changed, or what time alone may have changed, by the
// workspace's book. It returns how many subjects were judged. Without a book
// nothing is judged, and what is dirty waits for one.
func (p *Pipeline) Evaluate(ctx context.Context, workspace int64) (judged int, err error) {
	e, err := p.evaluation(ctx, workspace)
	if err != nil || e == nil {
		return 0, err
	}
	if err := e.spread(ctx); err != nil {
		return 0, err
	}
	for until := p.Now().Add(p.slice()); p.Now().Before(until); {
		n, err := e.some(ctx)
		if errors.Is(err, errMoved) {
			if e, err = p.evaluation(ctx, workspace); err != nil || e == nil {
				return judged, err
			}
			continue
		}
		judged += n
		if err != nil || n < judgedAtOnce {
			return judged, err
		}
	}
	return judged, nil
}

// spread makes dirty what has come due, and what depends on what has changed. Each
// has a transaction of its own: within one, subjects are marked in one order.
func (e *evaluation) spread(ctx context.Context) error {
	db, ws := e.p.DB, e.workspace
	err := db.In(ctx, ws, func(tx pgx.Tx) error { return postgres.MarkDue(ctx, tx, ws, e.p.Now(), comeDueAtOnce) })
	if err != nil {
		return err
	}
	if err := db.In(ctx, ws, func(tx pgx.Tx) error { return postgres.SpreadDirty(ctx, tx, ws) }); err != nil {
		return err
	}
	for kind, spread := range map[string]func(context.Context, pgx.Tx, int64) error{"people": postgres.SpreadPeople, "companies": postgres.SpreadCompanies} {
		err := db.InByKey(ctx, ws, func(tx pgx.Tx) error {
			if !e.compiled.Reads(prefixOf(kind)) {
				return postgres.DropDirty(ctx, tx, ws, kind) // the book asks for nothing of them
			}
			return spread(ctx, tx, ws)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// evaluation opens what is needed to judge; nil if no book is in force, or there
// is nothing to judge.
func (p *Pipeline) evaluation(ctx context.Context, workspace int64) (*evaluation, error) {
	var stored postgres.StoredBook
	something := false
	err := p.DB.In(ctx, workspace, func(tx pgx.Tx) (err error) {
		if stored, err = postgres.ActiveBook(ctx, tx, workspace); err == nil {
			something, err = postgres.AnythingToJudge(ctx, tx, workspace, p.Now())
		}
		return err
	})
	if err != nil || stored.Version == 0 || !something {
		return nil, err
	}
	e, err := p.openBook(ctx, workspace, stored)
	if fault.KindOf(err) == fault.NotFound {
		return nil, nil // nothing is connected any more
	}
	return e, err
}

// openBook opens a stored book and the connections that it judges.
func (p *Pipeline) openBook(ctx context.Context, workspace int64, stored postgres.StoredBook) (*evaluation, error) {
	b, err := book.Parse(fmt.Sprintf("book, version %d", stored.Version), []byte(stored.Text))
	if err != nil {
		return nil, fault.New(fault.Invalid, "the book that is in force cannot be read by this release: %w; activate a mended one", err)
	}
	e := &evaluation{p: p, workspace: workspace, version: stored.Version, sources: map[int64]*Source{}, bound: map[int64][]postgres.Binding{}}
	var bound []postgres.Binding
	err = p.DB.In(ctx, workspace, func(tx pgx.Tx) (err error) {
		if e.ground, err = postgres.GroundOf(ctx, tx, workspace); err != nil {
			return err
		}
		e.ground.Version = stored.Version // another may be in force by now
		bound, err = postgres.BindingsOf(ctx, tx, workspace, stored.Version)
		return err
	})
	if err != nil {
		return nil, err
	}
	sources, pipelines, err := p.judged(ctx, workspace)
	if err != nil {
		return nil, err
	}
	for _, s := range sources {
		e.sources[s.ID] = s
	}
	for _, k := range bound {
		e.bound[k.Connection] = append(e.bound[k.Connection], k)
	}
	e.compiled, err = book.CompileBound(b, pipelines, e.bindings(bound))
	problems, unfit := errors.AsType[book.Problems](err)
	if err != nil && !unfit {
		return nil, err
	}
	e.problems = problems
	return e, nil
}

// bindings are stored bindings as the book has them: connections by their names.
func (e *evaluation) bindings(list []postgres.Binding) (out []book.Binding) {
	for _, k := range list {
		if s := e.sources[k.Connection]; s != nil {
			out = append(out, book.Binding{Connection: s.Name, Kind: k.Kind, Ref: k.Ref, ID: k.ID, Written: k.Written, Name: k.Name})
		}
	}
	return out
}

// some judges some dirty subjects in one transaction and returns how many.
func (e *evaluation) some(ctx context.Context) (n int, err error) {
	err = e.p.DB.InByKey(ctx, e.workspace, func(tx pgx.Tx) error {
		keys, err := postgres.ClaimDirty(ctx, tx, e.workspace, judgedAtOnce)
		if err != nil || len(keys) == 0 {
			return err
		}
		ground, err := postgres.GroundOf(ctx, tx, e.workspace)
		if err != nil {
			return err
		}
		if !ground.Same(e.ground) {
			return errMoved
		}
		n = len(keys)
		now := e.p.Now()
		var judged []postgres.Judged
		for group, ids := range groupKeys(keys) {
			list, err := e.judge(ctx, tx, group, ids, now)
			if err != nil {
				return err
			}
			judged = append(judged, list...)
		}
		slices.SortFunc(judged, func(a, b postgres.Judged) int { return compareKeys(a.Subject, b.Subject) })
		return postgres.WriteJudgements(ctx, tx, e.workspace, e.version, now, judged)
	})
	return n, err
}

// judge judges subjects of one connection and kind.
func (e *evaluation) judge(ctx context.Context, tx pgx.Tx, group postgres.SubjectKey, ids []string, now time.Time) ([]postgres.Judged, error) {
	s := e.sources[group.Connection]
	if s == nil {
		return nil, nil // it was connected a moment ago, or is being removed
	}
	facts, err := e.facts(ctx, tx, s, group.Kind == "leads", ids)
	if err != nil {
		return nil, err
	}
	judgements, err := judgeAll(ctx, e.compiled, facts, now)
	if err != nil {
		return nil, err
	}
	out := make([]postgres.Judged, len(facts))
	for i, f := range facts {
		out[i] = e.judged(group, f, &judgements[i], now)
	}
	return out, nil
}

// facts gathers what is known of some deals or leads of a connection.
func (e *evaluation) facts(ctx context.Context, tx pgx.Tx, s *Source, lead bool, ids []string) ([]*book.Facts, error) {
	read := postgres.DealsByID
	if lead {
		read = postgres.LeadsByID
	}
	rows, err := read(ctx, tx, e.workspace, s.ID, ids)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	t, err := newTeller(ctx, tx, s, e.compiled, e.bound[s.ID])
	if err != nil {
		return nil, err
	}
	return t.facts(ctx, tx, lead, rows)
}

// judged is what is stored of a judgement.
func (e *evaluation) judged(group postgres.SubjectKey, f *book.Facts, j *book.Judgement, now time.Time) postgres.Judged {
	out := postgres.Judged{Subject: postgres.SubjectKey{Connection: group.Connection, Kind: group.Kind, ID: f.ID}, Ended: f.Ended(now)}
	if !j.NextDue.IsZero() {
		out.Due = &j.NextDue
	}
	place := e.compiled.Place(f, now)
	seen := map[string]bool{}
	for i := range j.Verdicts {
		v := &j.Verdicts[i]
		if seen[v.Cause()] {
			continue // two lines of a book may say the same
		}
		seen[v.Cause()] = true
		one := postgres.Violation{Rule: string(v.Rule), Detail: v.Detail, Opened: v.Opened, Assumed: v.Assumed, Place: place, Owner: f.Owner}
		if v.Cannot != "" {
			one.Cannot = &v.Cannot
		}
		if !v.Mended.IsZero() {
			one.Mended = &v.Mended
		}
		out.Violations = append(out.Violations, one)
	}
	return out
}

func groupKeys(keys []postgres.SubjectKey) map[postgres.SubjectKey][]string {
	out := map[postgres.SubjectKey][]string{}
	for _, k := range keys {
		group := postgres.SubjectKey{Connection: k.Connection, Kind: k.Kind}
		out[group] = append(out[group], k.ID)
	}
	return out
}

// askToEvaluate has what is dirty judged soon, if a book is in force.
func (p *Pipeline) askToEvaluate(ctx context.Context, workspace int64) error {
	return p.DB.In(ctx, workspace, func(tx pgx.Tx) error {
		b, err := postgres.ActiveBook(ctx, tx, workspace)
		if err != nil || b.Version == 0 {
			return err
		}
		if any, err := postgres.AnythingToJudge(ctx, tx, workspace, p.Now()); err != nil || !any {
			return err
		}
		_, err = p.Queue.InsertTx(ctx, tx, EvaluateArgs{Workspace: workspace}, nil)
		return err
	})
}

// evaluateJob evaluates for one time slice and, if there is more, goes on.
func (p *Pipeline) evaluateJob(ctx context.Context, a EvaluateArgs) error {
	n, err := p.Evaluate(ctx, a.Workspace)
	if err == nil && n > 0 && n%judgedAtOnce == 0 {
		return river.JobSnooze(0)
	}
	return err
}

func compareKeys(a, b postgres.SubjectKey) int {
	return cmp.Or(cmp.Compare(a.Connection, b.Connection), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID))
}
