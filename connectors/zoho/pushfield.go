package zoho

import (
	"context"
	"net/http"

	"salesbook.dev/connectors"
	"salesbook.dev/connectors/answers"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/rest"
)

// fieldLength is that of new texts (docs, fields: the longest of a single line).
const fieldLength = 255

// optionsLimit is how many values of a picklist one request holds, to make a field and
// to change one (OpenAPI of 2026-08, fields: pick_list_values, maxItems). The OpenAPI
// of 2025 and the pages of v8 on creating and updating custom fields name no bound
// (read 2026-11-28). A change that names a new value adds it to those that the field
// has (the vendor's series Kaizen, 205).
const optionsLimit = 10

// pushField makes the definition of a field, gives it another label or more
// options. Options are added, never taken away: options lists {label}, or {id,
// label} of those that stand.
func (c *Connector) pushField(ctx context.Context, src source, e connectors.Edit) (connectors.Record, error) {
	body, err := definition(src, e)
	if err != nil {
		return connectors.Record{}, err
	}
	path := root + "/settings/fields"
	call := rest.Call{Method: http.MethodPost, Path: path, Query: map[string][]string{"module": {src.module}}, Body: map[string]any{"fields": []any{body}}}
	if e.ID != "" {
		known, found, err := c.findField(ctx, src, func(v *connectors.Values) bool { return v.Get("api_name").Text == e.ID })
		if err != nil {
			return connectors.Record{}, err
		}
		if !found {
			return connectors.Record{}, fault.New(fault.NotFound, "%s have no field %s any more; pull the field definitions again", src.module, shortened(e.ID))
		}
		call.Method, call.Path = http.MethodPatch, path+"/"+answers.Text(labelOf(known.Raw).ID)
	}
	id, err := c.write(ctx, call, "fields")
	if err != nil {
		return connectors.Record{}, err
	}
	r, found, err := c.findField(ctx, src, func(v *connectors.Values) bool { return v.Get("id").Text == id })
	if err != nil || !found {
		return connectors.Record{}, unread(src, id, err)
	}
	return r, nil
}

// definition is what is sent for the definition of a field.
func definition(src source, e connectors.Edit) (map[string]any, error) {
	body := map[string]any{}
	if e.Undelete || len(e.Set.Custom) > 0 || len(e.Set.Standard) == 0 {
		return nil, fault.New(fault.Invalid, "of definitions of fields, the label, the type and the options are written")
	}
	for _, p := range e.Set.Standard {
		switch {
		case p.Key == "field_label" && p.Value.Text != "":
			body["field_label"] = p.Value.Text
		case p.Key == "data_type" && e.ID == "" && p.Value.Text != "":
			body["data_type"] = p.Value.Text
			if p.Value.Text == "text" {
				body["length"] = fieldLength
			}
		case p.Key == keyOptions && p.Value.Kind == connectors.List:
			if len(p.Value.Items) > optionsLimit {
				return nil, fault.New(fault.Invalid, "Zoho takes at most %d choices of a field in one request, and these are %d", optionsLimit, len(p.Value.Items))
			}
			body["pick_list_values"] = choices(p.Value)
		default:
			return nil, fault.New(fault.Invalid, "%s of a definition in %s cannot be written so", shortened(p.Key), src.Name)
		}
	}
	return body, nil
}

// choices lists options as they are added.
func choices(v connectors.Value) []any {
	out := []any{}
	for _, item := range v.Items {
		label := part(item, "label")
		if label == nil {
			continue
		}
		choice := map[string]any{"display_value": label.Text, "actual_value": label.Text}
		if id := part(item, "id"); id != nil && id.Text != "" {
			choice["actual_value"] = id.Text
		}
		out = append(out, choice)
	}
	return out
}

// findField looks for a definition.
func (c *Connector) findField(ctx context.Context, src source, fits func(*connectors.Values) bool) (connectors.Record, bool, error) {
	page, err := c.listFields(ctx, src)
	if err != nil {
		return connectors.Record{}, false, err
	}
	for _, r := range page.Records {
		v, err := c.Decode(r.Object, r.Shape, r.Raw)
		if err == nil && fits(&v) {
			return r, true, nil
		}
	}
	return connectors.Record{}, false, nil
}
