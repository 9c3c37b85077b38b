package pipedrive

import (
	"maps"
	"slices"

	"salesbook.dev/connectors"
)

// keyRequired is the field of a definition that says when the CRM's own pages
// demand a value: {enabled, stage_ids, statuses} (OpenAPI v2, dealFields). It is
// shown on request alone, and only of deals' fields is it known by stage.
const keyRequired = "required_fields"

// demanded gives when a field is demanded the form that all vendors' definitions
// have: ids of stages are texts.
func demanded(v *connectors.Values) {
	for i := range v.Standard {
		if v.Standard[i].Key != keyRequired {
			continue
		}
		parts := slices.Clone(v.Standard[i].Value.Fields)
		for j := range parts {
			if parts[j].Key != "stage_ids" {
				continue
			}
			parts[j].Value.Items = slices.Clone(parts[j].Value.Items)
			for k := range parts[j].Value.Items {
				if id := &parts[j].Value.Items[k]; id.Kind == connectors.Number {
					id.Kind = connectors.Text
				}
			}
		}
		v.Standard[i].Value.Fields = parts
	}
}

// dealDefinition is how definitions of deals' fields are written.
func dealDefinition(w writing) writing {
	w.keys = maps.Clone(w.keys)
	w.keys[keyRequired] = asDemand
	return w
}

// demandOf writes when a field is demanded. Lists that are empty stay lists.
func demandOf(v connectors.Value) (any, bool) {
	enabled, stages, statuses := field(v, "enabled"), field(v, "stage_ids"), field(v, "statuses")
	if enabled == nil || enabled.Kind != connectors.Bool {
		return nil, false
	}
	out, sound := map[string]any{"enabled": enabled.Text == "true"}, true
	if stages != nil {
		out["stage_ids"], sound = asNumbers.of(*stages)
	}
	by := map[string]any{}
	if statuses != nil {
		for _, p := range statuses.Fields {
			list, ok := asTexts.of(p.Value)
			by[p.Key], sound = list, sound && ok
		}
	}
	out["statuses"] = by
	return out, sound
}
