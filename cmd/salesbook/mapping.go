package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/postgres"
	"salesbook.dev/jobs"
	"salesbook.dev/mapping"
)

type mappingCmd struct {
	Show    mappingShowCmd    `cmd:"" help:"Print what was changed of the vendor's default map."`
	Check   mappingCheckCmd   `cmd:"" help:"Check a map against the canonical model and the account's fields."`
	Preview mappingPreviewCmd `cmd:"" help:"Show what a map would make of real records, before and after."`
	Apply   mappingApplyCmd   `cmd:"" help:"Make a map the connection's, and map everything again."`
	Upgrade mappingUpgradeCmd `cmd:"" help:"Take over this release's default map."`
}

// editor is a connection's map on the table.
type editor struct {
	*app
	conn   postgres.Connection
	stored postgres.FieldMap
	dict   *mapping.Dictionary
}

// openMap opens a connection's stored map. It works also while the map does
// not fit any more: that is when one needs it.
func openMap(ctx context.Context, g *globals, name string) (*editor, error) {
	a, err := open(ctx, g, g.quiet(), need{})
	if err != nil {
		return nil, err
	}
	e := &editor{app: a}
	if e.conn, err = a.connection(ctx, name); err == nil {
		err = a.db.In(ctx, e.conn.Workspace, func(tx pgx.Tx) error {
			if e.stored, err = postgres.MapOf(ctx, tx, e.conn.Workspace, e.conn.ID); err != nil {
				return err
			}
			e.dict, err = jobs.Dictionary(ctx, tx, e.conn.Workspace, e.conn.ID)
			return err
		})
	}
	if err != nil {
		a.shut()
		return nil, err
	}
	return e, nil
}

// read reads a map from a file, to be laid over the stored base.
func (e *editor) read(file string) (postgres.FieldMap, error) {
	text, err := os.ReadFile(file)
	return postgres.FieldMap{Base: e.stored.Base, Override: string(text)}, err
}

// compile checks a changed map whole: base, override and the account's fields.
func (e *editor) compile(file string, m postgres.FieldMap) (*mapping.Map, error) {
	return jobs.CompileMap(file, m, e.dict)
}

type mappingShowCmd struct {
	Name      string `arg:"" help:"Connection."`
	Effective bool   `help:"Print the whole map: the default with the changes laid over it."`
}

// Run prints the connection's map, in a form that can be edited and applied.
func (c *mappingShowCmd) Run(ctx context.Context, g *globals) error {
	e, err := openMap(ctx, g, c.Name)
	if err != nil {
		return err
	}
	defer e.shut()
	text := e.stored.Override
	if c.Effective {
		if text, err = e.effective(); err != nil {
			return err
		}
	}
	if g.JSON {
		return g.printJSON(map[string]any{"connection": c.Name, "effective": c.Effective, "map": text})
	}
	if text == "" {
		text = fmt.Sprintf("# %s uses the default map of %s as it is. Write here what is to differ;\n# `salesbook mapping show %s --effective` prints the whole map.\nvendor: %s\n", c.Name, e.conn.Vendor, c.Name, e.conn.Vendor)
	}
	fmt.Fprint(g.stdout, text)
	return nil
}

func (e *editor) effective() (string, error) {
	base, err := mapping.Parse(e.conn.Name+" (base)", []byte(e.stored.Base))
	if err != nil || e.stored.Override == "" {
		return string(e.stored.Base), err
	}
	override, err := mapping.Parse(e.conn.Name, []byte(e.stored.Override))
	if err != nil {
		return "", err
	}
	merged, err := mapping.Merge(base, override)
	if err != nil {
		return "", err
	}
	return string(merged.YAML()), nil
}

type mappingCheckCmd struct {
	Name string `arg:"" help:"Connection."`
	File string `arg:"" optional:"" help:"Map to check; the stored one if left out."`
}

// problemView is one thing that is wrong with a map. Its JSON stays.
type problemView struct {
	Place  string `json:"place,omitempty"` // file:line:column
	Object string `json:"object,omitempty"`
	Field  string `json:"field,omitempty"`
	Value  string `json:"value,omitempty"`
	Reason string `json:"reason"`
	Hint   string `json:"hint,omitempty"`
}

// Run lists everything that is wrong with a map.
func (c *mappingCheckCmd) Run(ctx context.Context, g *globals) error {
	e, err := openMap(ctx, g, c.Name)
	if err != nil {
		return err
	}
	defer e.shut()
	problems, err := c.problems(e)
	if err != nil {
		return err
	}
	if g.JSON {
		if err := g.printJSON(map[string]any{"connection": c.Name, "ok": len(problems) == 0, "problems": problemViews(problems)}); err != nil {
			return err
		}
	} else if len(problems) == 0 {
		fmt.Fprintln(g.stdout, "The map is fine.")
	}
	for _, p := range problems {
		if !g.JSON {
			fmt.Fprintln(g.stdout, p.Error())
		}
	}
	if len(problems) > 0 {
		return incomplete{fmt.Sprintf("the map has %s", counted(int64(len(problems)), "problem"))}
	}
	return nil
}

func (c *mappingCheckCmd) problems(e *editor) (mapping.Problems, error) {
	m, name := e.stored, c.Name
	var err error
	if c.File != "" {
		if m, err = e.read(c.File); err != nil {
			return nil, err
		}
		name = c.File
	}
	_, err = e.compile(name, m)
	if problems, ok := errors.AsType[mapping.Problems](err); ok {
		return problems, nil
	}
	return nil, err
}

func problemViews(problems mapping.Problems) []problemView {
	views := make([]problemView, len(problems))
	for i, p := range problems {
		views[i] = problemView{p.Place.String(), p.Object, p.Field, p.Value, p.Reason, p.Hint}
	}
	return views
}

// pinned returns the map to store: custom fields that the override calls by
// name are stored by code, so that renaming them in the CRM breaks nothing.
// Otherwise the text stays as it was written, comments included.
func (e *editor) pinned(m postgres.FieldMap) (postgres.FieldMap, error) {
	if m.Override == "" {
		return m, nil
	}
	base, err := mapping.Parse(e.conn.Name+" (base)", []byte(m.Base))
	if err != nil {
		return m, err
	}
	override, err := mapping.Parse(e.conn.Name, []byte(m.Override))
	if err != nil {
		return m, err
	}
	if p := override.PinOver(base, e.dict).YAML(); string(p) != string(override.YAML()) {
		m.Override = string(p)
	}
	return m, nil
}

// store makes m the connection's map, and has everything mapped again. From the
// commit on nobody writes rows by the old one.
func (e *editor) store(ctx context.Context, m postgres.FieldMap, action string) error {
	compiled, err := e.compile(e.conn.Name, m)
	if err != nil {
		return err
	}
	ws, id := e.conn.Workspace, e.conn.ID
	return e.db.In(ctx, ws, func(tx pgx.Tx) error {
		if err := postgres.SetMap(ctx, tx, ws, id, m, actor()); err != nil {
			return err
		}
		if err := postgres.AdoptMap(ctx, tx, ws, id, postgres.VersionNumber(compiled.Version())); err != nil {
			return err
		}
		if err := postgres.Audit(ctx, tx, ws, actor(), action, e.conn.Name, map[string]any{"before": e.stored.Override, "after": m.Override}); err != nil {
			return err
		}
		_, err := e.pipeline.Queue.InsertTx(ctx, tx, jobs.ReplayArgs{Workspace: ws, Connection: id}, nil)
		return err
	})
}

// settle waits until everything is mapped by the stored map: it does so itself,
// or watches the worker that was quicker.
func (e *editor) settle(ctx context.Context) (jobs.ReplayReport, error) {
	s, err := e.pipeline.Open(ctx, e.conn.Workspace, e.conn.ID)
	if err != nil {
		return jobs.ReplayReport{}, err
	}
	for {
		report, err := e.replay(ctx, e.conn)
		if err != nil || report.Complete {
			return report, err
		}
		err = e.db.In(ctx, e.conn.Workspace, func(tx pgx.Tx) (err error) {
			report.Complete, err = postgres.Replayed(ctx, tx, e.conn.Workspace, e.conn.ID, s.MapVersion)
			return err
		})
		if err != nil || report.Complete {
			return report, err
		}
		if err := pause(ctx, 500*time.Millisecond); err != nil {
			return report, err
		}
	}
}
