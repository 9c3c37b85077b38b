package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/book"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/provision"
	"salesbook.dev/internal/rest"
	"salesbook.dev/mapping"
)

// Provisioning is what a connection's CRM lacks to be as a book has it, and what
// was done about it.
type Provisioning struct {
	Connection string
	Name       string // the book's
	Version    int    // of the book in force; 0: it is a draft
	Plan       provision.Plan
	Done       []provision.Step // made by this call, in their order
	Refused    []RefusedStep
}

// RefusedStep is a step that the CRM refused, or that could not be made for want
// of one.
type RefusedStep struct {
	provision.Step
	Why string
}

// PlanSetup reads what a connection's CRM has anew, and says what it lacks to be as
// a draft has it; without a draft, as the book in force. Nothing is written there.
func (p *Pipeline) PlanSetup(ctx context.Context, workspace int64, connection string, draft *book.Book) (Provisioning, error) {
	u, err := p.openSetup(ctx, workspace, connection, draft)
	if err != nil {
		return Provisioning{}, err
	}
	err = u.holding(ctx, func(ctx context.Context) error {
		if err := u.read(ctx, kinds()...); err != nil {
			return err
		}
		_, err := u.plan(ctx)
		return err
	})
	return u.out, err
}

// setup is the work of setting a CRM up.
type setup struct {
	p        *Pipeline
	ws, conn int64
	compiled *book.Compiled
	before   []book.Binding // what names meant when the book in force was put in force
	bound    []postgres.Binding
	lease    postgres.Lease
	out      Provisioning
}

func (p *Pipeline) openSetup(ctx context.Context, workspace int64, connection string, draft *book.Book) (*setup, error) {
	u := &setup{p: p, ws: workspace}
	var stored postgres.StoredBook
	err := p.DB.In(ctx, workspace, func(tx pgx.Tx) error {
		c, err := postgres.ConnectionByName(ctx, tx, workspace, connection)
		if err != nil {
			return err
		}
		u.conn, u.out.Connection = c.ID, c.Name
		if stored, err = postgres.ActiveBook(ctx, tx, workspace); err != nil || stored.Version == 0 {
			return err
		}
		u.bound, err = postgres.BindingsOf(ctx, tx, workspace, stored.Version)
		return err
	})
	if err != nil {
		return nil, err
	}
	u.bound = slices.DeleteFunc(u.bound, func(k postgres.Binding) bool { return k.Connection != u.conn })
	for _, k := range u.bound {
		u.before = append(u.before, book.Binding{Connection: connection, Kind: k.Kind, Ref: k.Ref, ID: k.ID, Written: k.Written, Name: k.Name})
	}
	if draft == nil {
		if stored.Version == 0 {
			return nil, fault.New(fault.NotFound, "no book is in force; name a draft with --book, or put one in force with `salesbook book activate`")
		}
		if draft, err = parseStored(stored); err != nil {
			return nil, err
		}
		u.out.Version = stored.Version
	}
	u.out.Name = draft.Name
	if u.compiled, err = book.Compile(draft, nil); u.compiled == nil {
		return nil, err // else it says which pipelines are not there: they are to be made
	}
	return u, nil
}

// holding does work while nobody else sets the CRM up.
func (u *setup) holding(ctx context.Context, work func(context.Context) error) error {
	mine, err := u.p.holding(ctx, u.ws, "setup", u.conn, func(ctx context.Context, l postgres.Lease) error {
		u.lease = l
		return work(ctx)
	})
	if err == nil && !mine {
		err = fault.New(fault.Conflict, "%s is being set up by somebody else; try again once that is over", u.out.Connection)
	}
	return err
}

// kinds are what a CRM is set up with.
func kinds() []string { return []string{"pipelines", "stages", "fields"} }

// read reads what the CRM has of some kinds anew, and writes it as any page. Kinds
// that come in one list are read once.
func (u *setup) read(ctx context.Context, kinds ...string) error {
	done := map[string]bool{}
	for _, kind := range kinds {
		s, err := u.p.openForWork(ctx, u.ws, u.conn)
		if err != nil {
			return err
		}
		if s.State != "active" {
			return StateError(s.Connection)
		}
		object, err := definitionsOf(s.Map, kind)
		if err != nil {
			return err
		}
		object = listWith(s.Spec, object)
		if done[object] {
			continue
		}
		done[object] = true
		puller, err := ability[connectors.Puller](ctx, s, rest.Interactive)
		if err != nil {
			return err
		}
		err = u.p.recorded(ctx, s, "setup", object, func(run int64) error {
			for page, err := range puller.Pull(ctx, object, "") {
				if err != nil {
					return err
				}
				if err := u.p.commitPage(ctx, s, u.lease, run, "pull", page); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("%s of %s: %w", object, s.Name, err)
		}
	}
	return nil
}

// definitionsOf is the vendor's object in which pipelines, stages or the fields of
// deals are defined.
func definitionsOf(m *mapping.Map, kind string) (string, error) {
	which := map[string]json.RawMessage{}
	if kind == "fields" {
		which["object"] = json.RawMessage(`"deals"`)
	}
	object, _, err := m.Write(kind, which)
	return object, err
}

// listWith is the object that is pulled for the records of another one: those that are
// attached come with their parents.
func listWith(spec connectors.Spec, object string) string {
	if o, ok := spec.Object(object); ok && o.Mode == connectors.Attached {
		return o.Parent
	}
	return object
}

// plan compares the book with what is stored of the CRM.
func (u *setup) plan(ctx context.Context) (*Source, error) {
	s, err := u.p.openForWork(ctx, u.ws, u.conn)
	if err != nil {
		return nil, err
	}
	crm := provision.CRM{Connection: s.Name}
	var required []postgres.RequiredField
	err = u.p.DB.In(ctx, u.ws, func(tx pgx.Tx) error {
		pipelines, stages, err := postgres.PipelineDefinitions(ctx, tx, u.ws, u.conn)
		if err != nil {
			return err
		}
		crm.Pipelines = pipelinesWith(pipelines, stages)
		if crm.Card, err = postgres.CardField(ctx, tx, u.ws, u.conn); err != nil {
			return err
		}
		required, err = postgres.RequiredFields(ctx, tx, u.ws, u.conn)
		return err
	})
	if err != nil {
		return nil, err
	}
	if crm.Fields, err = fieldsWith(s, required); err != nil {
		return nil, err
	}
	crm.Named = u.named(s)
	crm.ByHand, crm.Without, crm.Offered = s.Spec.Setup.ByHand, without(s.Map), offered(s)
	crm.OptionsAtOnce = s.Spec.Setup.OptionsAtOnce
	crm.Reasons = reasonsField(s, crm.Fields)
	u.out.Plan = provision.Make(u.compiled, u.before, crm, u.p.Now())
	return s, nil
}

// without lists what a book says of definitions and the CRM has nothing for: nothing
// of it is mapped to these.
func without(m *mapping.Map) (out []string) {
	for _, name := range []string{"pipelines.probability_enabled", "stages.probability", "stages.rot_days", "stages.position", "fields.required"} {
		if kind, field, _ := strings.Cut(name, "."); !m.Maps(kind, field) {
			out = append(out, name)
		}
	}
	return out
}

// offered lists the stages that pipelines can have, where the CRM has a list of them.
func offered(s *Source) (out []provision.Offered) {
	field, ok := s.Dictionary.Field("deals", s.Spec.Setup.StageNames)
	if !ok {
		return nil
	}
	out = []provision.Offered{}
	for _, o := range field.Options {
		if !o.Deleted {
			stage := provision.Offered{Name: o.Label}
			if status := s.Map.Outcome(o.Outcome); status != "open" {
				stage.Ends = status
			}
			out = append(out, stage)
		}
	}
	return out
}

func pipelinesWith(pipelines []postgres.PipelineDefinition, stages []postgres.StageDefinition) (out []provision.Pipeline) {
	for _, pl := range pipelines {
		one := provision.Pipeline{ID: pl.ID, Name: pl.Name, Probabilities: pl.Probabilities}
		for _, st := range stages {
			if st.PipelineID == pl.ID {
				one.Stages = append(one.Stages, provision.Stage{ID: st.ID, Name: st.Name, Position: st.Position, Probability: st.Probability, RotDays: st.RotDays})
			}
		}
		out = append(out, one)
	}
	return out
}

// fieldsWith lists the fields of deals that there are.
func fieldsWith(s *Source, required []postgres.RequiredField) (out []provision.Field, err error) {
	for _, def := range s.Dictionary.Fields() {
		if def.Kind != "deals" || def.Deleted {
			continue
		}
		f := provision.Field{Code: def.Code, Name: def.Name, Custom: def.Custom, Holds: s.Map.ClassOf(def.Type)}
		for _, o := range def.Options {
			if !o.Deleted {
				f.Options = append(f.Options, o.Label)
			}
		}
		if i := slices.IndexFunc(required, func(r postgres.RequiredField) bool { return r.Code == def.Code }); i >= 0 {
			if err := json.Unmarshal(required[i].Required, &f.Required); err != nil {
				return nil, fault.New(fault.Invalid, "when %s demands the field %s cannot be read: %w", s.Name, def.Name, err)
			}
		}
		out = append(out, f)
	}
	return out, nil
}

// named finds what the fields that the book names mean.
func (u *setup) named(s *Source) map[string][]string {
	a := accountFieldsOf(s.Map, s.Dictionary, u.compiled)
	out := map[string][]string{}
	for _, f := range u.compiled.Fields() {
		for _, kind := range asked(f.Folded) {
			if codes := u.means(a[kind], kind, f.Folded); out[f.Folded] == nil {
				out[f.Folded] = codes
			}
		}
	}
	return out
}

// means finds the fields of a kind that a name means, by their codes; an empty code
// is of one that the CRM does not define, nil means nothing.
func (u *setup) means(n naming, kind, folded string) []string {
	if keys := n.several[folded]; keys != nil {
		return keys
	}
	f := n.is[folded]
	if f == nil { // what it meant when the book was put in force
		i := slices.IndexFunc(u.bound, func(b postgres.Binding) bool {
			return b.Kind == book.BindsField && b.Ref == folded && n.keys[b.ID] != ""
		})
		if i >= 0 {
			f = n.is[n.keys[u.bound[i].ID]]
		}
	}
	if f == nil || f.gone {
		return nil
	}
	return []string{strings.TrimPrefix(f.id, kind+".")}
}

// reasonsField is the code of the field that loss reasons are read from: the first
// that has options, if one has.
func reasonsField(s *Source, fields []provision.Field) (code string) {
	for _, c := range s.Map.CodesOf("deals", "lost_reason") {
		i := slices.IndexFunc(fields, func(f provision.Field) bool { return f.Code == c })
		if i >= 0 && (code == "" || len(fields[i].Options) > 0) {
			code = c
		}
	}
	return code
}
