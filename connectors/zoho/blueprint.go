package zoho

import (
	"context"
	"net/http"
	"slices"

	"github.com/bytedance/sonic"

	"salesbook.dev/connectors"
	"salesbook.dev/connectors/answers"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/rest"
)

// process is the Blueprint that a record is in (OpenAPI, blueprint).
type process struct {
	Info struct {
		Field string `json:"api_name"` // the field that it holds
	} `json:"process_info"`
	Transitions []transition `json:"transitions"`
}

// transition is one way on in a Blueprint. It need not lead to a value of the field
// that the Blueprint holds (OpenAPI, blueprint: next_field_value is nullable).
type transition struct {
	ID      sonic.NoCopyRawMessage `json:"id"`
	Next    string                 `json:"next_field_value"`
	Matched *bool                  `json:"criteria_matched"`
}

// to finds the transition that leads to a stage and may be taken now.
func (p *process) to(stage string) (id string, ok bool) {
	if p.Info.Field != "" && p.Info.Field != "Stage" {
		return "", false
	}
	i := slices.IndexFunc(p.Transitions, func(t transition) bool {
		return t.Next == stage && numeric(answers.Text(t.ID)) && (t.Matched == nil || *t.Matched)
	})
	if i < 0 {
		return "", false
	}
	return answers.Text(p.Transitions[i].ID), true
}

// transit moves a deal by the Blueprint that holds its stage. A transition is one
// from the stage in which the deal stands: if somebody has moved it meanwhile, it
// is none any more. None leads out of the deal's pipeline, though another pipeline
// may have a stage of the same name.
func (c *Connector) transit(ctx context.Context, src source, e connectors.Edit, body map[string]any) error {
	stage, _ := body["Stage"].(string)
	if pipeline, _ := body[keyPipeline].(string); pipeline != "" && stage != "" {
		if err := c.within(ctx, src, e.ID, pipeline); err != nil {
			return err
		}
	}
	path := "/" + deals + "/" + e.ID + "/actions/blueprint"
	answer, err := c.get(ctx, path, nil, "")
	if missing(err) {
		return fault.New(fault.NotFound, "there is no such record any more: %w", err)
	}
	if err != nil {
		return err
	}
	var found struct {
		Blueprint process `json:"blueprint"`
	}
	if nothing(answer, nil) || answers.ReadProven(answer.Body, &found) != nil {
		return malformed("the Blueprint of deal " + e.ID)
	}
	way, ok := found.Blueprint.to(stage)
	if !ok || stage == "" {
		return fault.New(fault.Barred, "deal %s is in a Blueprint, and none of its transitions leads to the stage %s; move it in the CRM, or give the Blueprint such a transition", e.ID, shortened(stage))
	}
	data := map[string]any{}
	for name, v := range body {
		if name != "Stage" && name != keyPipeline {
			data[name] = v
		}
	}
	step := map[string]any{"transition_id": way, "data": data}
	_, err = c.do(ctx, rest.Call{Method: http.MethodPut, Path: root + path, Body: map[string]any{"blueprint": []any{step}}, Classify: untaken})
	if fault.KindOf(err) == fault.Invalid {
		return fault.New(fault.Barred, "deal %s is in a Blueprint, which does not let it take the transition to the stage %s as it is; move it in the CRM: %w", e.ID, shortened(stage), err)
	}
	return err
}

// within makes sure that a deal stands in a pipeline. It is read as it will be when
// it is read back.
func (c *Connector) within(ctx context.Context, src source, id, pipeline string) error {
	list, err := c.records(ctx, src, []string{id})
	switch {
	case err != nil:
		return err
	case len(list) == 0:
		return fault.New(fault.Temporary, "deal %s is not shown, so that nobody knows in which pipeline its Blueprint holds it; try again later", id)
	}
	held, err := c.Decode(list[0].Object, list[0].Shape, list[0].Raw)
	if err != nil {
		return err
	}
	now, _, ok := stageOf(held.Get(keyStage).Text)
	if ok && now != "" && now != pipeline {
		return fault.New(fault.Barred, "deal %s is in a Blueprint of the pipeline %s, and no transition leads to another pipeline; move it to %s in the CRM", id, shortened(now), shortened(pipeline))
	}
	return nil
}

// untaken tells a transition that there is no more from one that the Blueprint
// does not let a deal take.
func untaken(_ int, _ http.Header, body []byte) error {
	if no := refusalOf(body); no.code == codeInvalid && no.field == "transition_id" {
		return fault.New(fault.Conflict, "somebody else has moved it (%s); read it again", codeInvalid)
	}
	return nil
}
