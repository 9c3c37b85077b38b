package zoho

import (
	"slices"
	"strings"

	"salesbook.dev/connectors"
)

// derive adds the fields that are made of others.
func derive(src source, v *connectors.Values) {
	switch {
	case src.Name == deals, src.Name == stageHistory:
		if stage := v.Get("Stage"); stage.Kind == connectors.Text && stage.Text != "" {
			v.Standard = append(v.Standard, connectors.Pair{Key: keyStage, Value: text(stageKey(pipelineOf(v.Get("Pipeline")), stage.Text))})
		}
	case src.way == byFields:
		enabled := v.Get("system_mandatory")
		if by := v.Get("required"); by.Kind == connectors.Bool && by.Text == "true" { // stands in what a layout says
			enabled = by
		}
		if enabled.Kind == connectors.Bool {
			demanded := connectors.Value{Kind: connectors.Nested, Fields: []connectors.Pair{{Key: "enabled", Value: enabled}}}
			v.Standard = append(v.Standard, connectors.Pair{Key: keyDemanded, Value: demanded})
		}
		v.Standard = append(v.Standard, connectors.Pair{Key: keyOptions, Value: options(v.Get("pick_list_values"), "actual_value", "display_value", func(s string) string { return s })})
	case src.Name == stageOutcomes:
		v.Standard = append(v.Standard, connectors.Pair{Key: keyOptions, Value: outcomes(v)}, connectors.Pair{Key: keyOutcome, Value: text("$outcome." + v.Get("actual_value").Text)})
	case src.Name == organization:
		v.Standard = append(v.Standard, connectors.Pair{Key: keyOptions, Value: currencyOf(v)})
	}
	if src.way == byFields || src.Name == stageOutcomes {
		v.Standard = slices.DeleteFunc(v.Standard, func(p connectors.Pair) bool { return p.Key == keyOptions && p.Value.Kind == connectors.Null })
	}
}

// currencyOf is the organization's currency, as the one option of a definition.
func currencyOf(v *connectors.Values) connectors.Value {
	code := v.Get("iso_code")
	if code.Kind != connectors.Text || code.Text == "" {
		return connectors.Value{}
	}
	option := []connectors.Pair{{Key: "id", Value: code}, {Key: "label", Value: code}}
	return connectors.Value{Kind: connectors.List, Items: []connectors.Value{{Kind: connectors.Nested, Fields: option}}}
}

// keyOutcome is the code of a definition that lists the outcomes of a pipeline's
// stages: no field of the account's can have it.
const keyOutcome = "outcome_code"

// keyDemanded is the field of a definition that says when the account's pages
// demand it, in the form that the canonical model has.
const keyDemanded = "required_always"

// keyPipeline is the field of a deal that names its pipeline.
const keyPipeline = "Pipeline"

// related tells what an activity or a note hangs on: What_Id and Parent_Id refer
// to a record of the module that $se_module or the reference itself names, Who_Id
// to a contact (docs, tasks, events, calls and notes).
func related(src source, fields []connectors.Pair) []connectors.Pair {
	if !slices.Contains([]string{tasks, events, calls, notes}, src.Name) {
		return nil
	}
	all := connectors.Value{Kind: connectors.Nested, Fields: fields}
	var out []connectors.Pair
	for _, key := range []string{"What_Id", "Parent_Id", "Who_Id"} {
		to := part(all, key)
		if to == nil {
			continue
		}
		module := moduleOf(*to)
		if module == "" && key == "Who_Id" {
			module = contacts
		} else if se := part(all, "$se_module"); module == "" && se != nil && se.Kind == connectors.Text {
			module = se.Text
		}
		id := unwrapped(*to)
		key := keyRelated + module
		if module == "" || id.Kind != connectors.Text || id.Text == "" || slices.ContainsFunc(out, func(p connectors.Pair) bool { return p.Key == key }) {
			continue
		}
		out = append(out, connectors.Pair{Key: key, Value: id})
	}
	// A record's own fields may be called so, too; those stand first.
	return slices.DeleteFunc(out, func(p connectors.Pair) bool { return part(all, p.Key) != nil })
}

// moduleOf is the module that a reference names: as a text, or by its api_name.
func moduleOf(v connectors.Value) string {
	module := part(v, "module")
	if module == nil {
		return ""
	}
	if name := part(*module, "api_name"); name != nil {
		module = name
	}
	if module.Kind != connectors.Text {
		return ""
	}
	return module.Text
}

func text(s string) connectors.Value { return connectors.Value{Kind: connectors.Text, Text: s} }

// pipelineOf is the name of a deal's pipeline, empty where the account has none.
func pipelineOf(v connectors.Value) string {
	if v.Kind == connectors.Text {
		return v.Text
	}
	return ""
}

// none is how a picklist offers to be left empty. No record holds it.
const none = "-None-"

// options lists the choices of a definition. A picklist's records hold the
// actual value, people see the display value (docs, fields); those of Stage have a
// forecast type (OpenAPI, fields).
func options(list connectors.Value, id, label string, key func(string) string) connectors.Value {
	if list.Kind != connectors.List || len(list.Items) == 0 {
		return connectors.Value{}
	}
	out := connectors.Value{Kind: connectors.List}
	for _, item := range list.Items {
		value, shown := part(item, id), part(item, label)
		if value == nil || value.Kind != connectors.Text || value.Text == "" || value.Text == none {
			continue
		}
		option := []connectors.Pair{{Key: "id", Value: text(key(value.Text))}}
		if shown != nil {
			option = append(option, connectors.Pair{Key: "label", Value: *shown})
		}
		if kind := part(item, "forecast_type"); kind != nil && label != "forecast_type" {
			option = append(option, connectors.Pair{Key: "outcome", Value: *kind})
		}
		if kind := part(item, "type"); kind != nil && kind.Text == "unused" {
			option = append(option, connectors.Pair{Key: "deleted", Value: connectors.Value{Kind: connectors.Bool, Text: "true"}})
		}
		out.Items = append(out.Items, connectors.Value{Kind: connectors.Nested, Fields: option})
	}
	return out
}

// outcomes lists the stages of a pipeline with their forecast types. Those of the
// default pipeline count also for deals that name none.
func outcomes(v *connectors.Values) connectors.Value {
	name, maps := v.Get("actual_value").Text, v.Get(keyStages)
	out := options(maps, "actual_value", "forecast_type", func(stage string) string { return stageKey(name, stage) })
	if v.Get("default").Text == "true" && out.Kind == connectors.List {
		unnamed := options(maps, "actual_value", "forecast_type", func(stage string) string { return stageKey("", stage) })
		out.Items = append(out.Items, unnamed.Items...)
	}
	return out
}

// stageKey is the id of a stage: names of pipeline and stage, which are all that
// a deal holds, with a bar between.
func stageKey(pipeline, stage string) string {
	if !strings.ContainsAny(pipeline, "%|") && !strings.ContainsAny(stage, "%|") {
		return pipeline + "|" + stage
	}
	escape := strings.NewReplacer("%", "%25", "|", "%7C")
	return escape.Replace(pipeline) + "|" + escape.Replace(stage)
}

// stageOf takes a stage's id apart.
func stageOf(key string) (pipeline, stage string, ok bool) {
	pipeline, stage, ok = strings.Cut(key, "|")
	unescape := strings.NewReplacer("%7C", "|", "%25", "%")
	return unescape.Replace(pipeline), unescape.Replace(stage), ok && stage != "" && !strings.Contains(stage, "|")
}
