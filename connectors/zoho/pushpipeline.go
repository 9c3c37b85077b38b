package zoho

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/bytedance/sonic"

	"salesbook.dev/connectors"
	"salesbook.dev/connectors/answers"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/rest"
)

// The fields of pipelines and stages that are written.
const (
	keyDisplay = "display_value"
	keyPlace   = "sequence_number"
)

// shownPipeline is a pipeline as the account has it.
type shownPipeline struct {
	ID      sonic.NoCopyRawMessage `json:"id"`
	Name    string                 `json:"display_value"`
	Value   string                 `json:"actual_value"`
	Default bool                   `json:"default"`
	Stages  []shownStage           `json:"maps"`
}

// shownStage is a stage: one of the values of the field Stage, alone or in a
// pipeline.
type shownStage struct {
	ID       sonic.NoCopyRawMessage `json:"id"`
	Name     string                 `json:"display_value"`
	Value    string                 `json:"actual_value"`
	Place    int                    `json:"sequence_number"`
	Forecast string                 `json:"forecast_type"`
	Use      string                 `json:"type"`
}

// pushPipeline makes a pipeline in the standard layout. None is without stages
// (docs, create a pipeline), and in one without stages that end a deal none could be
// won or lost: it gets those that end deals in the default pipeline. The others are
// put in by edits of their own.
func (c *Connector) pushPipeline(ctx context.Context, e connectors.Edit) (connectors.Record, error) {
	name := e.Set.Get(keyDisplay)
	if err := onlySets(e, keyDisplay); err != nil {
		return connectors.Record{}, err
	}
	if e.ID != "" || name.Kind != connectors.Text || name.Text == "" {
		return connectors.Record{}, fault.New(fault.Invalid, "of pipelines, only new ones are written, with a name")
	}
	layout, err := c.layoutForNew(ctx)
	if err != nil {
		return connectors.Record{}, err
	}
	ends, err := c.stagesThatEnd(ctx, layout)
	if err != nil {
		return connectors.Record{}, err
	}
	id, err := c.write(ctx, rest.Call{
		Method: http.MethodPost, Path: root + "/settings/pipeline", Query: url.Values{"layout_id": {layout}},
		Body: map[string]any{"pipeline": []any{map[string]any{keyDisplay: name.Text, "maps": asMaps(ends)}}},
	}, "pipeline")
	if err != nil {
		return connectors.Record{}, err
	}
	return c.reread(ctx, c.sources[pipelines], id, func(r connectors.Record) bool { return r.Object == pipelines && hasPart(r, id) })
}

// hasPart reports whether a record, or a part of it, has an id of the vendor's.
func hasPart(r connectors.Record, id string) bool {
	parts := []sonic.NoCopyRawMessage{r.Raw}
	if r.Shape == shapeParts && answers.ReadProven(r.Raw, &parts) != nil {
		return false
	}
	return slices.ContainsFunc(parts, func(raw sonic.NoCopyRawMessage) bool { return answers.Text(labelOf(raw).ID) == id })
}

// onlySets refuses edits of a definition that set anything but some fields.
func onlySets(e connectors.Edit, keys ...string) error {
	stray := slices.IndexFunc(e.Set.Standard, func(p connectors.Pair) bool { return !slices.Contains(keys, p.Key) })
	switch {
	case stray >= 0:
		return fault.New(fault.Invalid, "%s of one of %s cannot be written so", shortened(e.Set.Standard[stray].Key), e.Object)
	case e.Undelete || len(e.Set.Custom) > 0 || len(e.Set.Standard) == 0:
		return fault.New(fault.Invalid, "of %s, the name of a new one and the place of a stage are written", e.Object)
	}
	return nil
}

// layoutForNew is where a new pipeline belongs: the vendor has it in one layout.
func (c *Connector) layoutForNew(ctx context.Context) (string, error) {
	layouts, _, err := c.layouts(ctx)
	if err != nil {
		return "", err
	}
	if len(layouts) > 1 {
		layouts = slices.DeleteFunc(layouts, func(l dealLayout) bool { return !l.standard })
	}
	if len(layouts) != 1 {
		return "", fault.New(fault.Invalid, "deals have several layouts and no standard one, so where the pipeline belongs is not clear; make it under Setup > Customization > Pipelines")
	}
	return layouts[0].id, nil
}

// stagesThatEnd are those of a layout's default pipeline, or else all of the
// account's. An account has no pipeline before it makes one (docs, multiple
// pipelines).
func (c *Connector) stagesThatEnd(ctx context.Context, layout string) ([]shownStage, error) {
	found, _, err := c.pipelines(ctx)
	if err != nil {
		return nil, err
	}
	var of []shownStage
	for _, p := range found {
		var shown shownPipeline
		if p.layout == layout && answers.ReadProven(p.raw, &shown) == nil && shown.Default {
			of = shown.ordered()
		}
	}
	if of == nil {
		if of, err = c.allStages(ctx); err != nil {
			return nil, err
		}
	}
	of = slices.DeleteFunc(of, func(s shownStage) bool { return !final(s.Forecast) })
	if len(of) == 0 {
		return nil, fault.New(fault.Invalid, "no stage of the account has the forecast type Closed Won or Closed Lost, so that no deal of a new pipeline could end; %s is where they are made", stagesScreen)
	}
	return of, nil
}

// ordered are the stages in their order.
func (p *shownPipeline) ordered() []shownStage {
	slices.SortStableFunc(p.Stages, func(a, b shownStage) int { return a.Place - b.Place })
	return p.Stages
}

// allStages are the account's stages that may stand in a pipeline.
func (c *Connector) allStages(ctx context.Context) ([]shownStage, error) {
	values, err := c.stageValues(ctx)
	if err != nil {
		return nil, err
	}
	var out []shownStage
	for _, raw := range values {
		var s shownStage
		if answers.ReadProven(raw, &s) == nil && numeric(answers.Text(s.ID)) && s.Use != "unused" && s.Value != none {
			out = append(out, s)
		}
	}
	return out, nil
}

// asMaps writes stages in their order. All of a pipeline are sent, also those that
// stay: whether those that are left out would stay is undocumented.
func asMaps(list []shownStage) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = map[string]any{"id": answers.Text(s.ID), keyDisplay: s.Name, keyPlace: i + 1}
	}
	return out
}

// pushStage puts a stage into a pipeline, or gives one another place there. The API
// makes no stages: a pipeline names some of those that the account has (docs, create
// a pipeline), and nothing of the API sets their forecast type and probability
// (OpenAPI of 2026, fields).
func (c *Connector) pushStage(ctx context.Context, e connectors.Edit) (connectors.Record, error) {
	pipeline, value := e.Parent, ""
	keys := []string{keyDisplay, keyPlace}
	if e.ID != "" {
		var ok bool
		if pipeline, value, ok = stageOf(e.ID); !ok {
			return connectors.Record{}, fault.New(fault.Invalid, "%q is no id of a stage", shortened(e.ID))
		}
		keys = []string{keyPlace}
	}
	if err := onlySets(e, keys...); err != nil {
		return connectors.Record{}, err
	}
	place, err := placeIn(e)
	if err != nil {
		return connectors.Record{}, err
	}
	where, p, err := c.pipelineOf(ctx, pipeline, value)
	if err != nil {
		return connectors.Record{}, err
	}
	list := p.ordered()
	if e.ID == "" {
		var s shownStage
		if s, err = c.stageNamed(ctx, p, e.Set.Get(keyDisplay)); err != nil {
			return connectors.Record{}, err
		}
		value = s.Value
		list = slices.Insert(list, s.at(list, place), s)
	} else {
		i := slices.IndexFunc(list, func(s shownStage) bool { return s.Value == value })
		if i < 0 {
			return connectors.Record{}, fault.New(fault.NotFound, "pipeline %s has no stage %s any more", shortened(p.Name), shortened(value))
		}
		s := list[i]
		list = slices.Delete(list, i, i+1)
		list = slices.Insert(list, s.at(list, place), s)
	}
	return c.writeStages(ctx, where, p, list, stageKey(p.Value, value))
}

// placeIn is the place that an edit asks for, counted from one; 0: it names none.
func placeIn(e connectors.Edit) (int, error) {
	v := e.Set.Get(keyPlace)
	if v.Kind == connectors.Null && e.ID == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(v.Text)
	if err != nil || n < 1 {
		return 0, fault.New(fault.Invalid, "%q is no place of a stage", shortened(v.Text))
	}
	return n, nil
}

// at is where a stage comes to stand among others: at a place, or behind those in
// which deals are open.
func (s shownStage) at(list []shownStage, place int) int {
	if place > 0 {
		return min(place-1, len(list))
	}
	for i := len(list); i > 0; i-- {
		if !final(list[i-1].Forecast) {
			return i
		}
	}
	return 0
}

// pipelineOf finds a pipeline by its id among ours, which is its value: of several, in
// layouts of their own, the first that has a stage, or else the first.
func (c *Connector) pipelineOf(ctx context.Context, value, stage string) (layout string, p shownPipeline, err error) {
	found, _, err := c.pipelines(ctx)
	if err != nil {
		return "", p, err
	}
	for _, in := range found {
		var shown shownPipeline
		if answers.ReadProven(in.raw, &shown) != nil || shown.Value != value || !numeric(answers.Text(shown.ID)) {
			continue
		}
		has := slices.ContainsFunc(shown.Stages, func(s shownStage) bool { return s.Value == stage })
		if layout == "" || has {
			layout, p = in.layout, shown
		}
		if has {
			break
		}
	}
	if layout == "" {
		return "", p, fault.New(fault.NotFound, "there is no pipeline %s any more", shortened(value))
	}
	return layout, p, nil
}

// stageNamed is the account's stage of a name that a pipeline does not have yet.
func (c *Connector) stageNamed(ctx context.Context, p shownPipeline, name connectors.Value) (shownStage, error) {
	all, err := c.allStages(ctx)
	if err != nil {
		return shownStage{}, err
	}
	fit := slices.DeleteFunc(all, func(s shownStage) bool { return s.Name != name.Text || name.Kind != connectors.Text })
	switch {
	case len(fit) != 1:
		return shownStage{}, fault.New(fault.Invalid, "the account has %d stages that are called %s, and one is needed; the API makes none, %s does", len(fit), shortened(name.Text), stagesScreen)
	case final(fit[0].Forecast):
		return shownStage{}, fault.New(fault.Invalid, "the stage %s has the forecast type %s: it ends deals, and none stands in it", shortened(name.Text), fit[0].Forecast)
	case slices.ContainsFunc(p.Stages, func(s shownStage) bool { return s.Value == fit[0].Value }):
		return shownStage{}, fault.New(fault.Invalid, "pipeline %s has the stage %s already", shortened(p.Name), shortened(name.Text))
	}
	return fit[0], nil
}

// writeStages writes which stages a pipeline has, and returns one of them.
func (c *Connector) writeStages(ctx context.Context, layout string, p shownPipeline, list []shownStage, id string) (connectors.Record, error) {
	number := answers.Text(p.ID)
	body := map[string]any{keyDisplay: p.Name, "maps": asMaps(list)}
	if p.Default {
		body["default"] = true
	}
	wrote, err := c.write(ctx, rest.Call{
		Method: http.MethodPut, Path: root + "/settings/pipeline/" + number, Query: url.Values{"layout_id": {layout}},
		Body: map[string]any{"pipeline": []any{body}},
	}, "pipeline")
	switch {
	case err != nil:
		return connectors.Record{}, err
	case wrote != number:
		return connectors.Record{}, fault.New(fault.Temporary, "asked for a change of pipeline %s, the vendor answered with another; read it again", number)
	}
	return c.reread(ctx, c.sources[stages], id, func(r connectors.Record) bool { return r.Object == stages && r.ID == id })
}

// reread reads the pipelines again after one was written, and returns a record of
// theirs. Whatever goes wrong here, the change was made.
func (c *Connector) reread(ctx context.Context, src source, id string, fits func(connectors.Record) bool) (connectors.Record, error) {
	page, err := c.listPipelines(ctx, c.sources[pipelines])
	if i := slices.IndexFunc(page.Records, fits); err == nil && i >= 0 {
		return page.Records[i], nil
	}
	return connectors.Record{}, unread(src, id, err)
}

// findPipelineOrStage looks for one by its name.
func (c *Connector) findPipelineOrStage(ctx context.Context, e connectors.Edit) (connectors.Record, bool, error) {
	name := e.Set.Get(keyDisplay).Text
	if name == "" || e.Object == stages && e.Parent == "" {
		return connectors.Record{}, false, fault.New(fault.Invalid, "a new one of %s is found by its name, a stage in its pipeline, and the edit says neither", e.Object)
	}
	page, err := c.listPipelines(ctx, c.sources[pipelines])
	if err != nil {
		return connectors.Record{}, false, err
	}
	for _, r := range page.Records {
		if r.Object != e.Object || r.Parent != e.Parent {
			continue
		}
		v, err := c.Decode(r.Object, r.Shape, r.Raw)
		if err == nil && v.Get(keyDisplay).Text == name {
			return r, true, nil
		}
	}
	return connectors.Record{}, false, nil
}
