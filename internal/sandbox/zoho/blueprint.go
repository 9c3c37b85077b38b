package zoho

import (
	"fmt"
	"net/http"
	"slices"
)

// blueprint is a process that deals of a pipeline have to follow: while a
// transition leads on from a deal's stage, the stage is written by transitions
// alone.
type blueprint struct {
	ID          int64        `json:"id"`
	Name        string       `json:"name"`
	Pipeline    string       `json:"pipeline"`
	Transitions []transition `json:"transitions"`
}

type transition struct {
	ID int64 `json:"id"`
	Transition
}

// Transition is one way on in a Blueprint.
type Transition struct {
	Name string   `json:"name"`
	From []string `json:"from"` // stages by their actual value
	// To is the stage it leads to; "" is none: its next_field_value is null.
	To string `json:"to"`
	// Needs are api names of fields that the transition wants filled.
	Needs []string `json:"needs,omitempty"`
}

// next is the value that the Blueprint's field has afterwards, nil where it stays as
// it is.
func (w Transition) next() any {
	if w.To == "" {
		return nil
	}
	return w.To
}

// AddBlueprint puts a pipeline's deals under a Blueprint.
func (s *Sim) AddBlueprint(pipeline, name string, ways ...Transition) error {
	return s.write("", func(t *tx) error {
		p := t.settings.pipeline(pipeline)
		if p == nil {
			return fmt.Errorf("blueprint %s: no pipeline %q", name, pipeline)
		}
		b := &blueprint{ID: t.newID(), Name: name, Pipeline: p.Actual}
		for _, w := range ways {
			stages := slices.Clone(w.From)
			if w.To != "" {
				stages = append(stages, w.To)
			}
			for _, stage := range stages {
				if p.step(stage) == nil {
					return fmt.Errorf("blueprint %s, transition %s: the pipeline has no stage %q", name, w.Name, stage)
				}
			}
			b.Transitions = append(b.Transitions, transition{t.newID(), w})
		}
		t.configure(func(c *settings) { c.Blueprints = append(c.Blueprints, b) })
		return nil
	})
}

// process is the Blueprint that a deal is in, nil when it is in none.
func (c *settings) process(deal *row) *blueprint {
	for _, b := range c.Blueprints {
		if b.Pipeline == deal.text("Pipeline") && len(b.from(deal.text("Stage"))) > 0 {
			return b
		}
	}
	return nil
}

func (b *blueprint) from(stage string) []transition {
	var out []transition
	for _, w := range b.Transitions {
		if slices.Contains(w.From, stage) {
			out = append(out, w)
		}
	}
	return out
}

func notInProcess() error { return bad("RECORD_NOT_IN_PROCESS", "record not in process", nil) }

// inProcess finds the path's record and its Blueprint; the caller holds mu.
func (c *call) inProcess() (*row, *blueprint, error) {
	m, err := c.module()
	if err != nil {
		return nil, nil, err
	}
	r := c.tables[m.APIName].find(c.r.PathValue("id"))
	if r == nil {
		return nil, nil, invalidData("the id given seems to be invalid", object{"resource_path_index": 1})
	}
	b := c.settings.process(r)
	if m.APIName != "Deals" || b == nil {
		return nil, nil, notInProcess()
	}
	return r, b, nil
}

// getBlueprint tells which transitions lead on (blueprint.json).
func getBlueprint(c *call) (reply, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	r, b, err := c.inProcess()
	if err != nil {
		return reply{}, err
	}
	deals := c.settings.module("Deals")
	field := deals.field("Stage")
	var ways []object
	for _, w := range b.from(r.text("Stage")) {
		fields := []object{}
		for i, name := range w.Needs {
			f := deals.field(name)
			fields = append(fields, object{
				"api_name": name, "field_label": f.Label, "display_label": f.Label, "id": idText(f.ID), "data_type": f.Type, "mandatory": true,
				"_type": "field", "transition_sequence": i + 1, "pick_list_values": c.settings.optionsShown(f),
			})
		}
		ways = append(ways, object{
			"id": idText(w.ID), "name": w.Name, "next_field_value": w.next(), "criteria_matched": true, "criteria_message": nil, "type": "manual",
			"data": object{}, "next_transitions": c.nextTransitions(b, w.To), "fields": fields, "percent_partial_save": 0,
			"color_code": "#379e29", "text_color_code": "#ffffff",
		})
	}
	return jsonReply(http.StatusOK, object{"blueprint": object{
		"process_info": object{
			"id": idText(b.ID), "name": b.Name, "api_name": "Stage", "field_id": idText(field.ID), "field_label": field.Label, "field_name": "Stage",
			"column_name": "STAGE", "field_value": r.values["Stage"], "is_continuous": false, "continuous": false,
			"current_picklist": object{"value": r.values["Stage"], "id": idText(field.option(r.text("Stage")).ID)},
		},
		"transitions": ways,
	}}), nil
}

func (c *call) nextTransitions(b *blueprint, stage string) []object {
	out := []object{}
	for _, w := range b.from(stage) {
		out = append(out, object{"id": idText(w.ID), "name": w.Name, "criteria_matched": nil, "type": "manual"})
	}
	return out
}

// takeTransition moves a deal on.
func takeTransition(c *call) (reply, error) {
	list, _, err := c.elements("blueprint", 1)
	if err != nil {
		return reply{}, err
	}
	data, _ := list[0]["data"].(map[string]any)
	err = c.write(c.by, func(t *tx) error {
		r, b, err := c.inProcess()
		if err != nil {
			return err
		}
		ways := b.from(r.text("Stage"))
		i := slices.IndexFunc(ways, func(w transition) bool { return idText(w.ID) == idOf(list[0]["transition_id"]) })
		if i < 0 {
			return invalidData("invalid transition", object{"api_name": "transition_id", "json_path": "$.blueprint[0].transition_id"})
		}
		m := t.settings.module("Deals")
		change, err := t.parse(m, data, 0)
		if err != nil {
			return err
		}
		for _, name := range ways[i].Needs {
			if v := change[name]; v == nil && r.values[name] == nil {
				return bad("MANDATORY_NOT_FOUND", "required field not found", object{"api_name": name, "json_path": "$.blueprint[0].data." + name})
			}
		}
		if ways[i].To != "" {
			change["Stage"] = ways[i].To
		}
		next, err := t.apply(m, r, change, 0)
		if err != nil {
			return err
		}
		t.Sim.triggered[next.key()] = []string{"blueprint"}
		return nil
	})
	if err != nil {
		return reply{}, err
	}
	return jsonReply(http.StatusOK, object{"code": "SUCCESS", "details": object{}, "message": "transition updated successfully", "status": "success"}), nil
}
