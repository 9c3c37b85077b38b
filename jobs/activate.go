package jobs

import (
	"context"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/postgres"
)

// Activation is a book that was put in force.
type Activation struct {
	Version  int           `json:"version"`
	Problems book.Problems `json:"-"` // pipelines and stages that it names and no CRM has; those parts judge nothing
	LeftOut  []LeftOut     `json:"-"` // connections that are not judged yet
	Fields   book.Problems `json:"-"` // fields that it names and no CRM has; rules about them are broken everywhere
}

// Activate puts a book in force for a workspace and has everything judged anew.
// What its names mean now they mean as long as it is in force.
func (p *Pipeline) Activate(ctx context.Context, workspace int64, b *book.Book, text, by string) (Activation, error) {
	return p.activate(ctx, workspace, b, text, by, postgres.AfterAny)
}

// activate puts a book in force if the one with the given version still is, or
// else is fault.Conflict.
func (p *Pipeline) activate(ctx context.Context, workspace int64, b *book.Book, text, by string, after int) (a Activation, err error) {
	bound, err := p.bind(ctx, workspace, b, &a)
	if err != nil {
		return a, err
	}
	err = p.DB.In(ctx, workspace, func(tx pgx.Tx) error {
		if a.Version, err = postgres.AddBook(ctx, tx, workspace, b.Name, text, by, after); err != nil {
			return err
		}
		if err := postgres.AddBindings(ctx, tx, workspace, a.Version, bound); err != nil {
			return err
		}
		if err := keepRollOuts(ctx, tx, workspace, b); err != nil {
			return err
		}
		if err := postgres.MarkAllDirty(ctx, tx, workspace); err != nil {
			return err
		}
		if err := postgres.Schedule(ctx, tx, workspace, EvaluateArgs{}.Kind(), 0, evaluateEvery); err != nil {
			return err
		}
		if err := postgres.Audit(ctx, tx, workspace, by, "activate book", b.Name, map[string]any{"version": a.Version}); err != nil {
			return err
		}
		_, err := p.Queue.InsertTx(ctx, tx, EvaluateArgs{Workspace: workspace}, nil)
		return err
	})
	return a, err
}

// bind finds what the names of a book mean in what is connected.
func (p *Pipeline) bind(ctx context.Context, workspace int64, b *book.Book, a *Activation) ([]postgres.Binding, error) {
	var j judgeable
	var before []postgres.Binding
	accounts := map[int64]accountFields{}
	err := p.DB.In(ctx, workspace, func(tx pgx.Tx) (err error) {
		if j, err = p.judgeable(ctx, tx, workspace); err != nil {
			return err
		}
		active, err := postgres.ActiveBook(ctx, tx, workspace)
		if err != nil {
			return err
		}
		before, err = postgres.BindingsOf(ctx, tx, workspace, active.Version)
		return err
	})
	if err != nil {
		return nil, err
	}
	if a.LeftOut = j.leftOut; len(j.sources)+len(j.leftOut) == 0 {
		return nil, nil // nothing is connected yet
	}
	compiled, err := book.Compile(b, j.pipelines)
	if compiled == nil {
		return nil, err
	}
	err = p.DB.In(ctx, workspace, func(tx pgx.Tx) (err error) {
		accounts, err = accountsOf(ctx, tx, j.sources, compiled)
		return err
	})
	if err != nil {
		return nil, err
	}
	e := &evaluation{sources: map[int64]*Source{}}
	ids := map[string]int64{}
	for _, s := range j.sources {
		e.sources[s.ID], ids[s.Name] = s, s.ID
	}
	var out []postgres.Binding
	bindings, problems := book.Rebind(b, j.pipelines, e.bindings(before))
	for _, k := range bindings {
		out = append(out, postgres.Binding{Connection: ids[k.Connection], Kind: k.Kind, Ref: k.Ref, ID: k.ID, Written: k.Written, Name: k.Name})
	}
	a.Problems, a.Fields = problems, unknownFields(compiled, accounts, before)
	return append(out, bindFields(compiled, accounts, before)...), nil
}

// accountsOf reads the fields of connections; nil of one whose definitions are not
// read yet.
func accountsOf(ctx context.Context, tx pgx.Tx, sources []*Source, c *book.Compiled) (map[int64]accountFields, error) {
	out := map[int64]accountFields{}
	for _, s := range sources {
		dict, err := Dictionary(ctx, tx, s.Workspace, s.ID)
		if err != nil {
			return nil, err
		}
		if out[s.ID] = nil; len(dict.Fields()) > 0 {
			out[s.ID] = accountFieldsOf(s.Map, dict, c)
		}
	}
	return out, nil
}
