package zoho

import "slices"

// pipeline is an order of stages.
type pipeline struct {
	ID      int64  `json:"id"`
	Actual  string `json:"actual"`
	Display string `json:"display"`
	Default bool   `json:"default,omitempty"`
	Layout  int64  `json:"layout,omitempty"` // 0: the standard one
	Maps    []step `json:"maps"`
}

// layout is one of the pages that deals are shown on, with pipelines of its own.
type layout struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

// AddLayout makes a layout of deals with a pipeline, as an administrator does on the
// screen of layouts. Stages that the account lacks are open ones. Nobody documents
// that layouts may not have pipelines of one name, and whoever clones a layout has
// them, so they may.
func (s *Sim) AddLayout(name, pipeline string, stages ...string) error {
	return s.write("", func(t *tx) error {
		t.configure(func(c *settings) {
			l := layout{ID: t.newID(), Name: name}
			var drafts []draft
			for _, stage := range stages {
				drafts = append(drafts, draft{stage, forecastOpen, 50})
			}
			c.Layouts = append(c.Layouts, l)
			t.addPipeline(c, pipeline, false, drafts).Layout = l.ID
		})
		return nil
	})
}

// step is one stage of a pipeline. A stage is a value of the Stage picklist and
// may stand in several pipelines.
type step struct {
	ID          int64  `json:"id"` // of the picklist's value
	Actual      string `json:"actual"`
	Display     string `json:"display"`
	Forecast    string `json:"forecast"` // Open, Closed Won or Closed Lost
	Probability int    `json:"probability"`
}

// The vendor's forecast types.
const (
	forecastOpen = "Open"
	forecastWon  = "Closed Won"
	forecastLost = "Closed Lost"
)

func (p *pipeline) step(stage string) *step {
	i := slices.IndexFunc(p.Maps, func(s step) bool { return s.Actual == stage })
	if i < 0 {
		return nil
	}
	return &p.Maps[i]
}

// pipeline finds one by its value; "" is the default one.
func (c *settings) pipeline(name string) *pipeline {
	i := slices.IndexFunc(c.Pipelines, func(p *pipeline) bool { return p.Actual == name || name == "" && p.Default })
	if i < 0 {
		return nil
	}
	return c.Pipelines[i]
}

// pipelineWith finds one by its value that has a stage, in any layout; without the
// stage if none has it.
func (c *settings) pipelineWith(name, stage string) *pipeline {
	i := slices.IndexFunc(c.Pipelines, func(p *pipeline) bool { return p.Actual == name && p.step(stage) != nil })
	if i < 0 {
		return c.pipeline(name)
	}
	return c.Pipelines[i]
}

// stage finds what is known of a stage: by the first pipeline that it stands in, or
// by itself.
func (c *settings) stage(actual string) *step {
	for _, p := range c.Pipelines {
		if st := p.step(actual); st != nil {
			return st
		}
	}
	for _, o := range c.module("Deals").field("Stage").Options {
		if o.Actual == actual && o.Forecast != "" {
			return &step{ID: o.ID, Actual: o.Actual, Display: o.Display, Forecast: o.Forecast, Probability: o.Probability}
		}
	}
	return nil
}

// draft is a stage to be: its value, forecast type and probability.
type draft struct {
	name, forecast string
	probability    int
}

// addPipeline makes a pipeline of stages, which keep their ids where the
// picklist has them already.
func (t *tx) addPipeline(c *settings, name string, preset bool, stages []draft) *pipeline {
	deals := c.module("Deals")
	p := &pipeline{ID: t.newID(), Actual: name, Display: name, Default: preset}
	for _, d := range stages {
		st := c.stage(d.name)
		if st == nil {
			st = &step{ID: t.newID(), Actual: d.name, Display: d.name, Forecast: d.forecast, Probability: d.probability}
		}
		p.Maps = append(p.Maps, *st)
		addOption(deals.field("Stage"), option{ID: st.ID, Actual: st.Actual, Display: st.Display})
	}
	c.Pipelines = append(c.Pipelines, p)
	addOption(deals.field("Pipeline"), option{ID: p.ID, Actual: p.Actual, Display: p.Display})
	return p
}

func addOption(f *field, o option) {
	if !slices.ContainsFunc(f.Options, func(have option) bool { return have.ID == o.ID || have.Actual == o.Actual }) {
		f.Options = append(f.Options, o)
	}
}

// shown is the vendor's form of a pipeline (pipeline.json).
func (p *pipeline) shown() object {
	maps := make([]object, len(p.Maps))
	for i, st := range p.Maps {
		maps[i] = st.shown(i + 1)
	}
	return object{
		"id": idText(p.ID), "display_value": p.Display, "actual_value": p.Actual, "default": p.Default, "child_available": false, "maps": maps,
	}
}

func (st step) shown(place int) object {
	// The categories' ids are the simulator's own.
	category := map[string]object{
		forecastOpen: {"name": "Pipeline", "id": "3652397000000000901"}, forecastWon: {"name": "Closed", "id": "3652397000000000902"},
		forecastLost: {"name": "Omitted", "id": "3652397000000000903"},
	}[st.Forecast]
	return object{
		"id": idText(st.ID), "display_value": st.Display, "actual_value": st.Actual, "sequence_number": place, "colour_code": "#e1e5ef",
		"forecast_category": category, "forecast_type": st.Forecast,
	}
}

func getPipelines(c *call) (reply, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	in, err := c.dealsLayout()
	if err != nil {
		return reply{}, err
	}
	var list []object
	for _, p := range c.settings.Pipelines {
		if id := c.r.PathValue("id"); p.Layout == in && (id == "" || id == idText(p.ID)) {
			list = append(list, p.shown())
		}
	}
	if list == nil {
		return empty(), nil
	}
	return jsonReply(200, object{"pipeline": list}), nil
}

// dealsLayout is the layout that every call about pipelines names; 0 is the standard
// one.
func (c *call) dealsLayout() (int64, error) {
	id := c.query.Get("layout_id")
	switch id {
	case "":
		return 0, missingParam("layout_id")
	case idText(c.settings.module("Deals").Layout):
		return 0, nil
	}
	for _, l := range c.settings.Layouts {
		if idText(l.ID) == id {
			return l.ID, nil
		}
	}
	return 0, invalidData("the layout id given seems to be invalid", object{"param_name": "layout_id"})
}
