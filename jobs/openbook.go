package jobs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
)

// LeftOut is a connection whose deals and leads no book judges, and why.
type LeftOut struct {
	Connection string `json:"connection"`
	Why        string `json:"why"`
}

// NotJudged is why a connection's deals and leads are not judged; empty if they
// are. broken is why its field map cannot be used; nil if it can. What is paused,
// rests or needs consent is judged as it is stored.
func NotJudged(c postgres.Connection, broken error) string {
	switch {
	case c.State == "removing":
		return "it is being removed"
	case broken != nil:
		return "its field map cannot be used: " + broken.Error()
	case c.ReadAt == nil:
		return "not everything has been read yet"
	}
	return ""
}

// judgeable is what a book can be held against.
type judgeable struct {
	sources   []*Source
	pipelines []book.Pipeline // also of what is left out, as far as they are known
	leftOut   []LeftOut
	broken    []brokenMap
}

// brokenMap is a connection's map that cannot be used, and why.
type brokenMap struct {
	connection postgres.Connection
	why        error
}

// judgeable opens a workspace's connections whose deals a book judges, with
// their pipelines. One that cannot be judged keeps none of the others waiting.
func (p *Pipeline) judgeable(ctx context.Context, tx pgx.Tx, workspace int64) (judgeable, error) {
	var j judgeable
	list, err := postgres.Connections(ctx, tx, workspace)
	if err != nil {
		return j, err
	}
	for _, c := range list {
		if err := j.add(ctx, tx, &Source{Connection: c, p: p}); err != nil {
			return j, err
		}
	}
	return j, nil
}

func (j *judgeable) add(ctx context.Context, tx pgx.Tx, s *Source) error {
	stored, err := postgres.MapOf(ctx, tx, s.Workspace, s.ID)
	if err != nil {
		return err
	}
	fields, err := postgres.FieldDefinitions(ctx, tx, s.Workspace, s.ID)
	if err != nil {
		return err
	}
	stages, err := postgres.Stages(ctx, tx, s.Workspace, s.ID)
	if err != nil {
		return err
	}
	broken := s.compileMap(stored, fields)
	if broken != nil {
		j.broken = append(j.broken, brokenMap{s.Connection, broken})
	}
	j.pipelines = append(j.pipelines, pipelinesOf(s.Name, stages)...)
	if why := NotJudged(s.Connection, broken); why != "" {
		j.leftOut = append(j.leftOut, LeftOut{s.Name, why})
		return nil
	}
	j.sources = append(j.sources, s)
	return nil
}

// compile makes a book ready for what is judged. What it names and no CRM has is
// an error, and may stand in a connection that is left out.
func (j *judgeable) compile(b *book.Book) (*book.Compiled, error) {
	c, err := book.Compile(b, j.pipelines)
	if err != nil && len(j.leftOut) > 0 {
		err = fmt.Errorf("%w\nleft out: %s", err, leftOutText(j.leftOut))
	}
	return c, err
}

// judged opens what a workspace's book can be held against, which must be
// something.
func (p *Pipeline) judged(ctx context.Context, workspace int64) (j judgeable, err error) {
	err = p.DB.In(ctx, workspace, func(tx pgx.Tx) error {
		j, err = p.judgeable(ctx, tx, workspace)
		return err
	})
	if err == nil && len(j.sources) == 0 {
		err = nothingToJudge(j.leftOut)
	}
	return j, err
}

func nothingToJudge(left []LeftOut) error {
	if len(left) == 0 {
		return fault.New(fault.NotFound, "nothing is connected yet, so there is nothing to judge; `salesbook connect` comes first")
	}
	return fault.New(fault.Invalid, "nothing can be judged: %s", leftOutText(left))
}

func leftOutText(left []LeftOut) string {
	parts := make([]string, len(left))
	for i, l := range left {
		parts[i] = l.Connection + ": " + l.Why
	}
	return strings.Join(parts, "; ")
}

func pipelinesOf(connection string, stages []postgres.StageOf) (out []book.Pipeline) {
	for _, s := range stages {
		if n := len(out); n == 0 || out[n-1].ID != s.PipelineID {
			out = append(out, book.Pipeline{Connection: connection, ID: s.PipelineID, Name: s.Pipeline})
		}
		last := &out[len(out)-1]
		last.Stages = append(last.Stages, book.CRMStage{ID: s.ID, Name: s.Name})
	}
	return out
}

// evaluation is the book in force, opened with the connections that it judges,
// as of one state of what it goes by. It never changes.
type evaluation struct {
	p         *Pipeline
	workspace int64
	version   int
	by        postgres.Judging
	compiled  *book.Compiled
	problems  book.Problems // pipelines and stages that it names and no CRM ever had
	sources   map[int64]*Source
	bound     map[int64][]postgres.Binding // by connection: what names meant when the book was put in force
	leftOut   []LeftOut
	broken    []brokenMap
	does      enforcement
}

// openBook opens the book that is in force and the connections that it judges;
// nil if none is.
func (p *Pipeline) openBook(ctx context.Context, workspace int64) (*evaluation, error) {
	var stored postgres.StoredBook
	var by postgres.Judging
	var bound []postgres.Binding
	var j judgeable
	err := p.DB.In(ctx, workspace, func(tx pgx.Tx) (err error) {
		// The numbers are read first: what is read after them is no older.
		if by, err = postgres.JudgingOf(ctx, tx, workspace); err != nil || by.Book == 0 {
			return err
		}
		if stored, err = postgres.BookVersion(ctx, tx, workspace, by.Book); err != nil {
			return err
		}
		if bound, err = postgres.BindingsOf(ctx, tx, workspace, by.Book); err != nil {
			return err
		}
		j, err = p.judgeable(ctx, tx, workspace)
		return err
	})
	if err != nil || by.Book == 0 {
		return nil, err
	}
	b, err := parseStored(stored)
	if err != nil {
		return nil, err
	}
	var does enforcement
	if err := p.DB.In(ctx, workspace, func(tx pgx.Tx) error {
		does, err = enforcementOf(ctx, tx, workspace, b, stored)
		return err
	}); err != nil {
		return nil, err
	}
	e := &evaluation{does: does, p: p, workspace: workspace, version: stored.Version, by: by, sources: map[int64]*Source{}, bound: map[int64][]postgres.Binding{}, leftOut: j.leftOut, broken: j.broken}
	for _, s := range j.sources {
		e.sources[s.ID] = s
	}
	for _, k := range bound {
		e.bound[k.Connection] = append(e.bound[k.Connection], k)
	}
	e.compiled, err = book.CompileBound(b, j.pipelines, e.bindings(bound))
	problems, unfit := errors.AsType[book.Problems](err)
	if err != nil && !unfit {
		return nil, err
	}
	e.problems = problems
	return e, nil
}

func parseStored(stored postgres.StoredBook) (*book.Book, error) {
	b, err := book.Parse(fmt.Sprintf("book, version %d", stored.Version), []byte(stored.Text))
	if err != nil {
		return nil, fault.New(fault.Invalid, "the book that is in force cannot be read by this release: %w; activate a mended one", err)
	}
	return b, nil
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

// notJudged is why a connection's deals and leads are not judged.
func (e *evaluation) notJudged(connection string) error {
	for _, l := range e.leftOut {
		if l.Connection == connection {
			return fault.New(fault.Conflict, "deals and leads of %s are not judged: %s", connection, l.Why)
		}
	}
	return fault.New(fault.Conflict, "%s was connected this moment; try again", connection)
}

// judges lists the connections that are judged.
func (e *evaluation) judges() []int64 { return slices.Sorted(maps.Keys(e.sources)) }

// report lists connections whose maps cannot be used among the failures, and
// takes off those that are judged again.
func (e *evaluation) report(ctx context.Context, tx pgx.Tx) error {
	var failures []postgres.Failure
	for _, b := range e.broken {
		c := b.connection
		failures = append(failures, postgres.Failure{ConnectionID: c.ID, Kind: "job", Object: EvaluateArgs{}.Kind(), ExternalID: fmt.Sprint(c.ID),
			Reason: "its deals and leads are not judged by the sales book: " + b.why.Error(),
			Hint:   fmt.Sprintf("`salesbook mapping check %s` says what to mend; what waits is judged as soon as the map can be used", c.Name)})
	}
	if err := postgres.AddFailures(ctx, tx, e.workspace, failures); err != nil {
		return err
	}
	for _, id := range e.judges() {
		if err := postgres.ResolveJob(ctx, tx, e.workspace, id, EvaluateArgs{}.Kind()); err != nil {
			return err
		}
	}
	return nil
}
