package provision

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/sales"
)

// demand is where a field must be filled.
type demand struct {
	field  string // as the book has it
	stages []place
	won    []place
}

// fieldRequired names when the CRM demands a field.
const fieldRequired = "fields.required"

// demands plans what the CRM itself shall ask for: the fields that the book asks
// for by rules in mode task or revert. What it only looks at, or tells of, the CRM
// does not demand.
func (p *planner) demands() {
	var list []*demand
	later := map[string]bool{}
	note := func(d book.Demand, at []place, won bool) {
		if mode := p.c.ModeAt(d.Rule, p.now); mode != book.TaskIt && mode != book.Revert {
			if mode != book.Off {
				later[string(d.Rule)] = true
			}
			return
		}
		i := slices.IndexFunc(list, func(o *demand) bool { return book.FoldField(o.field) == book.FoldField(d.Field) })
		if i < 0 {
			i, list = len(list), append(list, &demand{field: d.Field})
		}
		if won {
			list[i].won = append(list[i].won, at...)
		} else {
			list[i].stages = append(list[i].stages, at...)
		}
	}
	for i := range p.c.Book.Funnels {
		f := &p.c.Book.Funnels[i]
		for j := range f.Stages {
			for _, d := range f.DemandsAt(j) {
				note(d, p.stages[f.ID+"/"+f.Stages[j].ID], false)
			}
		}
	}
	for _, d := range p.c.Book.DemandsWhenWon() {
		note(d, p.wins, true)
	}
	for _, d := range list {
		p.demand(d)
	}
	switch rules := strings.Join(slices.Sorted(maps.Keys(later)), ", "); {
	case len(later) == 0 || slices.Contains(p.crm.Without, fieldRequired):
	case p.crm.ByHand[fieldRequired] != "":
		p.plan.Later = append(p.plan.Later, "the CRM need not demand the fields of "+rules+": a person sees to that once these rules are in mode task or revert")
	default:
		p.plan.Later = append(p.plan.Later, "the CRM is not told to demand the fields of "+rules+": it is once these rules are in mode task or revert")
	}
}

// demand plans that the CRM demands a field where it does not yet.
func (p *planner) demand(d *demand) {
	codes := p.crm.Named[book.FoldField(d.field)]
	var f *Field
	if len(codes) == 1 {
		f = p.field(codes[0])
	}
	switch {
	case len(codes) > 1, len(codes) == 0 && p.made[book.FoldField(d.field)] == "":
		return // that was told
	case len(codes) == 1 && f == nil:
		p.hand("the book demands %q, which the CRM has no field for that it could demand", d.field)
		return
	case f == nil:
		f = &Field{Name: p.made[book.FoldField(d.field)], Custom: true}
	}
	have := f.Required
	if !have.Enabled {
		have = sales.Demand{}
	} else if have.Everywhere() {
		return
	}
	d.stages = slices.DeleteFunc(d.stages, func(at place) bool { return at.stageID != "" && slices.Contains(have.Stages, at.stageID) })
	d.won = slices.DeleteFunc(d.won, func(at place) bool { return slices.Contains(have.Statuses[at.pipelineID], "won") })
	if len(d.stages)+len(d.won) == 0 {
		return
	}
	if slices.Contains(p.crm.Without, fieldRequired) {
		p.nothing("fields that are required: salesbook alone asks for them")
		return
	}
	if where := p.crm.ByHand[fieldRequired]; where != "" {
		p.hand("field %q of deals is to be required %s: see to it in %s; salesbook cannot see whether it is done", f.Name, d.text(), where)
		return
	}
	s := Step{Key: "fields/" + book.FoldField(d.field) + "/required", Kind: "fields", ID: f.Code, Waits: f.Code == "", Text: fmt.Sprintf("field %q of deals is required %s", f.Name, d.text())}
	if !f.Custom {
		s.Else = "some CRMs let nobody but an administrator require fields of their own: do it in the settings of the CRM"
	}
	want := d.over(have, &s.Waits)
	s.Set = map[string]any{"required": want}
	p.step(s)
}

// over adds a demand to those that the CRM has. waits is set if something that it
// names is yet to be made.
func (d *demand) over(have sales.Demand, waits *bool) sales.Demand {
	out := sales.Demand{Enabled: true, Stages: append([]string{}, have.Stages...), Statuses: map[string][]string{}}
	for id, list := range have.Statuses {
		out.Statuses[id] = slices.Clone(list)
	}
	for _, at := range d.stages {
		if at.stageID == "" {
			*waits = true
		} else if !slices.Contains(out.Stages, at.stageID) {
			out.Stages = append(out.Stages, at.stageID)
		}
	}
	for _, at := range d.won {
		if at.pipelineID == "" {
			*waits = true
		} else if !slices.Contains(out.Statuses[at.pipelineID], "won") {
			out.Statuses[at.pipelineID] = append(out.Statuses[at.pipelineID], "won")
		}
	}
	return out
}

// text says where a field is demanded.
func (d *demand) text() string {
	var parts, order []string
	stages := map[string][]string{}
	for _, at := range d.stages {
		if stages[at.pipeline] == nil {
			order = append(order, at.pipeline)
		}
		if !slices.Contains(stages[at.pipeline], at.stage) {
			stages[at.pipeline] = append(stages[at.pipeline], at.stage)
		}
	}
	for _, name := range order {
		parts = append(parts, fmt.Sprintf("in %s %s of pipeline %q", plural("stage", len(stages[name])), quoted(stages[name]), name))
	}
	var won []string
	for _, at := range d.won {
		if !slices.Contains(won, at.pipeline) {
			won = append(won, at.pipeline)
		}
	}
	if len(won) > 0 {
		parts = append(parts, fmt.Sprintf("to win in %s %s", plural("pipeline", len(won)), quoted(won)))
	}
	return strings.Join(parts, ", and ")
}
