package zoho

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// mapsLimit is the most stages of a pipeline (OpenAPI of 2026, pipeline).
const mapsLimit = 200

// inPipeline names a key of the only pipeline of a request.
func inPipeline(key string) object {
	name := key[strings.LastIndexByte(key, '.')+1:]
	return object{"api_name": name, "json_path": "$.pipeline[0]." + key}
}

// createPipelines adds a pipeline to the layout of deals: one in a call, with a
// name of its own, of stages that the account has (docs, create a pipeline; OpenAPI
// of 2026).
func createPipelines(c *call) (reply, error) {
	list, _, err := c.elements("pipeline", 1)
	if err != nil {
		return reply{}, err
	}
	return c.set("pipeline", http.StatusCreated, func(t *tx) (out []object, err error) {
		layout, err := c.dealsLayout()
		if err != nil {
			return nil, err
		}
		name, _ := list[0]["display_value"].(string)
		maps, _ := list[0]["maps"].([]any)
		switch {
		case strings.TrimSpace(name) == "":
			return nil, bad("MANDATORY_NOT_FOUND", "required field not found", inPipeline("display_value"))
		case len(maps) == 0:
			return nil, bad("MANDATORY_NOT_FOUND", "required field not found", inPipeline("maps"))
		}
		t.configure(func(s *settings) {
			if err = s.freePipeline(name, layout, nil); err != nil {
				return
			}
			p := t.addPipeline(s, name, false, nil)
			p.Layout = layout
			err = remap(s, p, maps)
			out = append(out, settled(p.ID, "Pipeline created"))
		})
		return out, err
	})
}

// freePipeline tells whether a pipeline of a layout may have a name.
func (c *settings) freePipeline(name string, layout int64, own *pipeline) error {
	if slices.ContainsFunc(c.Pipelines, func(p *pipeline) bool {
		return p != own && p.Layout == layout && (strings.EqualFold(p.Display, name) || strings.EqualFold(p.Actual, name))
	}) {
		return bad("DUPLICATE_DATA", "a pipeline of this name exists", inPipeline("display_value"))
	}
	return nil
}

// changePipeline renames a pipeline or changes its stages.
func changePipeline(c *call) (reply, error) {
	list, _, err := c.elements("pipeline", 1)
	if err != nil {
		return reply{}, err
	}
	return c.set("pipeline", http.StatusOK, func(t *tx) (out []object, err error) {
		layout, err := c.dealsLayout()
		if err != nil {
			return nil, err
		}
		err = invalidData("the id given seems to be invalid", object{"resource_path_index": 3})
		t.configure(func(s *settings) {
			i := slices.IndexFunc(s.Pipelines, func(p *pipeline) bool { return idText(p.ID) == c.r.PathValue("id") && p.Layout == layout })
			if i < 0 {
				return
			}
			p := s.Pipelines[i]
			name, _ := list[0]["display_value"].(string)
			if err = s.freePipeline(name, layout, p); err != nil {
				return
			}
			if name != "" {
				p.Display = name
			}
			maps, _ := list[0]["maps"].([]any)
			err = remap(s, p, maps)
			out = []object{settled(p.ID, "Pipeline updated")}
		})
		return out, err
	})
}

// remap takes a request's stages into a pipeline, each by the id of its value: those
// it has may get another place, those with _delete leave, the others come in. Those
// that the request does not name stay.
func remap(s *settings, p *pipeline, maps []any) error {
	if len(maps) > mapsLimit {
		d := inPipeline("maps")
		d["maximum_length"] = mapsLimit
		return invalidData("invalid data", d)
	}
	var moved []step
	places := map[int64]int{}
	for i, x := range maps {
		in, _ := x.(map[string]any)
		at := inPipeline(fmt.Sprintf("maps[%d].id", i))
		id := idOf(in["id"])
		if id == "" {
			return bad("MANDATORY_NOT_FOUND", "required field not found", at)
		}
		st, ok := s.stageValue(id)
		if !ok {
			return invalidData("the id given seems to be invalid", at)
		}
		if _, again := places[st.ID]; again {
			return bad("DUPLICATE_DATA", "the stage is named twice", at)
		}
		known := slices.IndexFunc(p.Maps, func(have step) bool { return have.ID == st.ID })
		if known >= 0 {
			st = p.Maps[known]
			p.Maps = slices.Delete(p.Maps, known, known+1)
		}
		if in["_delete"] != nil && in["_delete"] != false {
			continue
		}
		places[st.ID], moved = turnOf(in["sequence_number"]), append(moved, st)
	}
	slices.SortStableFunc(moved, func(a, b step) int { return places[a.ID] - places[b.ID] })
	for _, st := range moved {
		p.Maps = slices.Insert(p.Maps, min(places[st.ID]-1, len(p.Maps)), st)
	}
	if len(p.Maps) == 0 {
		return bad("CANNOT_DELETE", "the last stage of a pipeline cannot be deleted", object{})
	}
	return nil
}

// turnOf is where a request wants a stage, counted from one; at the end if it does
// not say.
func turnOf(v any) int {
	n, _ := v.(json.Number)
	if at, err := n.Int64(); err == nil && at > 0 && at < mapsLimit {
		return int(at)
	}
	return mapsLimit
}

// stageValue finds a stage by the id of its value.
func (c *settings) stageValue(id string) (step, bool) {
	stage := c.module("Deals").field("Stage")
	i := slices.IndexFunc(stage.Options, func(o option) bool { return idText(o.ID) == id && !o.Unused })
	if i < 0 {
		return step{}, false
	}
	o := stage.Options[i]
	if known := c.stage(o.Actual); known != nil {
		st := *known
		st.ID, st.Display = o.ID, o.Display
		return st, true
	}
	return step{ID: o.ID, Actual: o.Actual, Display: o.Display, Forecast: forecastOpen, Probability: 50}, true
}

// SetStage makes a stage, or changes what it says, as an administrator does on the
// screen of stages and probabilities: the API has no call for it. The stage is in no
// pipeline yet.
func (s *Sim) SetStage(name, forecast string, probability int) error {
	return s.write("", func(t *tx) error {
		if !slices.Contains([]string{forecastOpen, forecastWon, forecastLost}, forecast) {
			return fmt.Errorf("stage %s: there is no forecast type %q", name, forecast)
		}
		t.configure(func(c *settings) {
			stage := c.module("Deals").field("Stage")
			i := slices.IndexFunc(stage.Options, func(o option) bool { return o.Display == name })
			if i < 0 {
				i = len(stage.Options)
				stage.Options = append(stage.Options, option{ID: t.newID(), Actual: name, Display: name})
			}
			o := &stage.Options[i]
			o.Forecast, o.Probability = forecast, probability
			for _, p := range c.Pipelines {
				if st := p.step(o.Actual); st != nil {
					st.Forecast, st.Probability = forecast, probability
				}
			}
		})
		return nil
	})
}
