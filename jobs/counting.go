package jobs

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/book/starter"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sales"
)

// reasonsRead bounds the different texts of loss reasons that are looked at.
const reasonsRead = 5000

// account counts what a connection's stored data tell.
func (p *Pipeline) account(ctx context.Context, workspace, connection int64) (a starter.Account, err error) {
	s, err := p.Open(ctx, workspace, connection)
	if err != nil {
		return a, err
	}
	c := counting{s: s}
	if err := p.DB.In(ctx, workspace, func(tx pgx.Tx) error { return c.read(ctx, tx) }); err != nil {
		return a, fmt.Errorf("count what %s holds: %w", s.Name, err)
	}
	return c.account()
}

// counting is what was counted of a connection.
type counting struct {
	s         *Source
	selling   postgres.Selling
	stages    []postgres.StageOf
	fare      []postgres.StageFigures
	outcomes  []postgres.Outcomes
	filled    []postgres.Filled
	reasons   []postgres.GivenReason
	required  []postgres.RequiredField
	duplicate map[string]bool // names of several custom fields
}

func (c *counting) read(ctx context.Context, tx pgx.Tx) (err error) {
	ws, id := c.s.Workspace, c.s.ID
	steps := []func() error{
		func() error { c.selling, err = postgres.SellingOf(ctx, tx, ws, id); return err },
		func() error { c.stages, err = postgres.Stages(ctx, tx, ws, id); return err },
		func() error { c.fare, err = postgres.StagesFare(ctx, tx, ws, id); return err },
		func() error { c.outcomes, err = postgres.OutcomesByPipeline(ctx, tx, ws, id); return err },
		func() error { c.filled, err = postgres.FieldsFilled(ctx, tx, ws, id); return err },
		func() error { c.reasons, err = postgres.ReasonsGiven(ctx, tx, ws, id, reasonsRead); return err },
		func() error { c.required, err = postgres.RequiredFields(ctx, tx, ws, id); return err },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// account puts together what was counted.
func (c *counting) account() (starter.Account, error) {
	c.duplicate = c.namedTwice()
	a := starter.Account{Connection: c.s.Name, Zone: c.s.Zone, Locales: c.selling.Locales, Currency: c.selling.Currency,
		Deals: c.selling.Deals, Won: c.selling.Won, Lost: c.selling.Lost, Leads: c.selling.Leads, Options: c.options()}
	for _, r := range c.reasons {
		a.Reasons = append(a.Reasons, starter.Reason(r))
	}
	asked, err := c.asked()
	if err != nil {
		return a, err
	}
	fare := map[string]postgres.StageFigures{}
	for _, f := range c.fare {
		fare[f.ID] = f
	}
	for _, s := range c.stages {
		if n := len(a.Pipelines); n == 0 || a.Pipelines[n-1].ID != s.PipelineID {
			a.Pipelines = append(a.Pipelines, c.pipeline(s.PipelineID, s.Pipeline, asked))
		}
		p := &a.Pipelines[len(a.Pipelines)-1]
		f := fare[s.ID]
		p.Stages = append(p.Stages, starter.Stage{ID: s.ID, Name: s.Name, Probability: f.Probability, RotDays: *cmp.Or(f.RotDays, new(int64)),
			Stood: f.Stood, Stay: f.Stay, Reached: f.Reached, ReachedWon: f.ReachedWon, Required: asked.at(s.ID)})
	}
	return a, nil
}

// pipeline puts together what was counted of a pipeline, without its stages.
func (c *counting) pipeline(id, name string, asked demands) starter.Pipeline {
	p := starter.Pipeline{ID: id, Name: name}
	for _, o := range c.outcomes {
		if o.PipelineID == id {
			p.Won, p.Lost = o.Won, o.Lost
		}
	}
	wanted := asked.whenWon(id)
	for _, f := range c.filled {
		if called, ok := c.field(f.Field); ok && f.PipelineID == id {
			p.Fields = append(p.Fields, starter.Field{Name: called, Won: f.Won, Lost: f.Lost, RequiredWon: slices.Contains(wanted, called)})
		}
	}
	for _, name := range wanted {
		if !slices.ContainsFunc(p.Fields, func(f starter.Field) bool { return f.Name == name }) {
			p.Fields = append(p.Fields, starter.Field{Name: name, RequiredWon: true})
		}
	}
	return p
}

// namedTwice are the folded names that several custom fields of deals have.
func (c *counting) namedTwice() map[string]bool {
	seen, twice := map[string]bool{}, map[string]bool{}
	for _, f := range c.s.Dictionary.Fields() {
		if key := book.FoldField(f.Name); f.Kind == "deals" {
			twice[key] = twice[key] || seen[key]
			seen[key] = true
		}
	}
	return twice
}

// field is what the book calls a field; false if it cannot speak of it.
func (c *counting) field(stored string) (string, bool) {
	code, custom := strings.CutPrefix(stored, "custom.")
	if !custom {
		return stored, true
	}
	def, ok := c.s.Dictionary.Field("deals", code)
	if !ok || !def.Custom {
		return "", false
	}
	return c.called(def.Name, code), true
}

// called is a custom field's name, or its code where several have that name.
func (c *counting) called(name, code string) string {
	if c.duplicate[book.FoldField(name)] {
		return code
	}
	return name
}

// options are the loss reasons that the CRM offers.
func (c *counting) options() (out []string) {
	for _, code := range c.s.Map.CodesOf("deals", "lost_reason") {
		def, _ := c.s.Dictionary.Field(c.s.Map.DictionaryOf("deals"), code)
		for _, o := range def.Options {
			if !o.Deleted {
				out = append(out, o.Label)
			}
		}
	}
	return out
}

// demand is when the CRM's own pages demand a field of deals.
type demand struct {
	sales.Demand
	field string // as the book names it
}

type demands []demand

// asked reads which fields the CRM's own pages demand.
func (c *counting) asked() (out demands, err error) {
	known := map[string]string{} // what the book calls fields of the vendor's own
	for _, column := range []string{"amount", "expected_close", "person_id", "company_id", "source"} {
		for _, code := range c.s.Map.CodesOf("deals", column) {
			known[code] = strings.TrimSuffix(column, "_id")
		}
	}
	for _, f := range c.required {
		d := demand{field: c.called(f.Name, f.Code)}
		if !f.Custom {
			ours, ok := known[f.Code]
			if !ok {
				continue
			}
			d.field = ours
		}
		if err := json.Unmarshal(f.Required, &d.Demand); err != nil {
			return nil, fault.New(fault.Invalid, "when %s demands the field %s cannot be read: %w", c.s.Name, f.Name, err)
		}
		if d.Enabled {
			out = append(out, d)
		}
	}
	return out, nil
}

// at lists the fields that are demanded at a stage.
func (list demands) at(stage string) (out []string) {
	for _, d := range list {
		if d.At(stage) {
			out = append(out, d.field)
		}
	}
	return out
}

// whenWon lists the fields that are demanded of won deals of a pipeline.
func (list demands) whenWon(pipeline string) (out []string) {
	for _, d := range list {
		if d.To("won", pipeline) {
			out = append(out, d.field)
		}
	}
	return out
}
