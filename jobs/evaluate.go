package jobs

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"salesbook.dev/internal/book"
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

// Evaluate judges what has changed, or what time alone may have changed, by the
// workspace's book. It returns how many subjects were judged. Without a book
// nothing is judged, and what is dirty waits for one; so waits what belongs to a
// connection that cannot be judged.
func (p *Pipeline) Evaluate(ctx context.Context, workspace int64) (judged int, err error) {
	e, err := p.toJudge(ctx, workspace)
	for until := p.Now().Add(p.slice()); err == nil && e != nil && p.Now().Before(until); {
		n, someErr := e.some(ctx)
		judged += n
		switch {
		case errors.Is(someErr, errMoved):
			e, err = p.toJudge(ctx, workspace)
		case someErr != nil || n < judgedAtOnce:
			return judged, someErr
		}
	}
	return judged, err
}

// toJudge opens the book that is in force, unless it stands open, and makes dirty
// what time or another book, map or stage may have changed; nil if there is
// nothing to judge.
func (p *Pipeline) toJudge(ctx context.Context, workspace int64) (e *evaluation, err error) {
	var by postgres.Judging
	any := false
	err = p.DB.In(ctx, workspace, func(tx pgx.Tx) error {
		by, e, any, err = p.look(ctx, tx, workspace)
		return err
	})
	if err != nil || !any {
		return nil, err
	}
	if e != nil {
		return e, e.spread(ctx, by)
	}
	if e, err = p.openBook(ctx, workspace); err != nil || e == nil {
		return nil, err
	}
	if err := p.DB.In(ctx, workspace, func(tx pgx.Tx) error { return e.report(ctx, tx) }); err != nil {
		return nil, err
	}
	if err := e.spread(ctx, e.by); err != nil {
		return nil, err
	}
	p.books.put(e)
	return e, nil
}

// look tells whether there is anything to judge, and returns the book if it
// stands open.
func (p *Pipeline) look(ctx context.Context, tx pgx.Tx, workspace int64) (by postgres.Judging, e *evaluation, any bool, err error) {
	if by, err = postgres.JudgingOf(ctx, tx, workspace); err != nil || by.Book == 0 {
		return by, nil, false, err
	}
	judges := by.Ready()
	if e = p.books.get(workspace, by); e != nil {
		judges = e.judges()
	}
	if len(judges) == 0 {
		return by, e, false, nil
	}
	any, err = postgres.AnythingToJudge(ctx, tx, workspace, judges, p.Now())
	return by, e, any || by.Moved(), err
}

// spread makes dirty what time alone may have changed, all of what goes by another
// map or other stages than before, and what depends on what has changed. Each has
// a transaction of its own: within one, subjects are marked in one order.
func (e *evaluation) spread(ctx context.Context, by postgres.Judging) error {
	steps := []func(context.Context, pgx.Tx, int64) error{
		func(ctx context.Context, tx pgx.Tx, ws int64) error {
			if err := postgres.JudgeAnew(ctx, tx, ws, by); err != nil {
				return err
			}
			return postgres.NoteJudged(ctx, tx, ws, by)
		},
		func(ctx context.Context, tx pgx.Tx, ws int64) error {
			return postgres.MarkDue(ctx, tx, ws, e.p.Now(), comeDueAtOnce)
		},
		func(ctx context.Context, tx pgx.Tx, ws int64) error {
			return postgres.SpreadDirty(ctx, tx, ws, e.judges())
		},
		e.clients("people", postgres.SpreadPeople), e.clients("companies", postgres.SpreadCompanies),
	}
	for _, step := range steps {
		if err := e.p.DB.InByKey(ctx, e.workspace, func(tx pgx.Tx) error { return step(ctx, tx, e.workspace) }); err != nil {
			return err
		}
	}
	return nil
}

// clients spreads people or companies, if the book asks for anything of them.
func (e *evaluation) clients(kind string, spread func(context.Context, pgx.Tx, int64) error) func(context.Context, pgx.Tx, int64) error {
	if e.compiled.Reads(prefixOf(kind)) {
		return spread
	}
	return func(ctx context.Context, tx pgx.Tx, ws int64) error { return postgres.DropDirty(ctx, tx, ws, kind) }
}

// errMoved tells that the book, a map or a stage is another than the one that
// stands open.
var errMoved = errors.New("what is judged by has changed meanwhile")

// some judges some dirty subjects in one transaction and returns how many. What
// it goes by is compared after the subjects were claimed, so it is no older than
// what made them dirty; who changes it later marks them anew.
func (e *evaluation) some(ctx context.Context) (n int, err error) {
	err = e.p.DB.InByKey(ctx, e.workspace, func(tx pgx.Tx) error {
		n = 0
		keys, err := postgres.ClaimDirty(ctx, tx, e.workspace, e.judges(), judgedAtOnce)
		if err != nil {
			return err
		}
		by, err := postgres.JudgingOf(ctx, tx, e.workspace)
		if err != nil {
			return err
		}
		if !by.Same(e.by) {
			return errMoved
		}
		if len(keys) == 0 {
			return nil
		}
		now := e.p.Now().Truncate(time.Microsecond) // as it is stored
		var judged []postgres.Judged
		for group, ids := range groupKeys(keys) {
			list, err := e.judge(ctx, tx, group, ids, now)
			if err != nil {
				return err
			}
			judged = append(judged, list...)
		}
		slices.SortFunc(judged, func(a, b postgres.Judged) int { return compareKeys(a.Subject, b.Subject) })
		n = len(keys)
		return postgres.WriteJudgements(ctx, tx, e.workspace, e.version, now, judged)
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// judge judges subjects of one connection and kind, and has done what follows.
func (e *evaluation) judge(ctx context.Context, tx pgx.Tx, group postgres.SubjectKey, ids []string, now time.Time) ([]postgres.Judged, error) {
	list, err := e.facts(ctx, tx, e.sources[group.Connection], group.Kind == "leads", ids)
	if err != nil {
		return nil, err
	}
	facts := make([]*book.Facts, len(list))
	for i := range list {
		facts[i] = list[i].facts
	}
	judgements, err := judgeAll(ctx, e.compiled, facts, now)
	if err != nil {
		return nil, err
	}
	out := make([]postgres.Judged, len(facts))
	for i, f := range facts {
		out[i] = e.judged(group, f, &judgements[i], now)
	}
	return out, e.act(ctx, tx, group, list, judgements, out, now)
}

// matter is a deal or lead, as it is stored and as the book sees it.
type matter struct {
	row   *postgres.Subject
	facts *book.Facts
}

// facts gathers what is known of some deals or leads of a connection.
func (e *evaluation) facts(ctx context.Context, tx pgx.Tx, s *Source, lead bool, ids []string) ([]matter, error) {
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
	facts, err := t.facts(ctx, tx, lead, rows)
	out := make([]matter, len(facts))
	for i := range facts {
		out[i] = matter{&rows[i], facts[i]}
	}
	return out, err
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
		_, _, any, err := p.look(ctx, tx, workspace)
		if err != nil || !any {
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
