package pipedrive

import (
	"encoding/json"
	"slices"
)

// fieldAccess are the scopes of an object's field operations in the v2 document.
type fieldAccess struct{ object, read, create, change, remove, options string }

func fieldAccesses() []fieldAccess {
	contact := "contacts:read contacts:full admin contact-fields:full"
	product := "products:full product-fields:full"
	return []fieldAccess{
		{"deal", "deals:read deals:full admin deal-fields:full", "admin deal-fields:full", "deals:full admin deal-fields:full", "admin deal-fields:full", "deals:full admin deal-fields:full"},
		{"person", contact, "admin contact-fields:full", "contacts:full admin contact-fields:full", "admin contact-fields:full", "contacts:full admin contact-fields:full"},
		{"organization", contact, "admin contact-fields:full", "contacts:full admin contact-fields:full", "admin contact-fields:full", "contacts:full admin contact-fields:full"},
		{"product", "products:read products:full product-fields:full", product, product, product, product},
		{"activity", "admin", "", "", "", ""},
	}
}

func (s *Sim) fieldRoutes() []route {
	var out []route
	for _, a := range fieldAccesses() {
		on := func(do func(*call, string) (reply, error)) func(*call) (reply, error) {
			return func(c *call) (reply, error) { return do(c, a.object) }
		}
		list, one := "/"+a.object+"Fields", "/"+a.object+"Fields/{field_code}"
		out = append(out,
			route{"GET", 2, list, 10, a.read, on((*call).listFields)},
			route{"GET", 2, one, 1, a.read, on((*call).getField)})
		if a.object == "activity" {
			continue // read-only in the document
		}
		out = append(out,
			route{"POST", 2, list, 5, a.create, on((*call).addField)},
			route{"PATCH", 2, one, 5, a.change, on((*call).patchField)},
			route{"DELETE", 2, one, 3, a.remove, on((*call).deleteField)},
			route{"POST", 2, one + "/options", 5, a.options, on((*call).addOptions)},
			route{"PATCH", 2, one + "/options", 5, a.options, on((*call).renameOptions)},
			route{"DELETE", 2, one + "/options", 3, a.options, on((*call).deleteOptions)})
	}
	return out
}

func (c *call) fieldIncludes() ([]string, error) {
	return c.words("include_fields", []string{"ui_visibility", "important_fields", "required_fields"})
}

func (c *call) listFields(object string) (reply, error) {
	include, err := c.fieldIncludes()
	if err != nil {
		return reply{}, err
	}
	l, err := c.listing(c.fields[object].table)
	if err != nil {
		return reply{}, err
	}
	l.show = func(b []byte, r *row) []byte { return append(b, c.field(object, r.key).shown(include)...) }
	return c.respond(l)
}

func (c *call) getField(object string) (reply, error) {
	include, err := c.fieldIncludes()
	if err != nil {
		return reply{}, err
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	f := c.field(object, c.r.PathValue("field_code"))
	if f == nil {
		return reply{}, notFound("Field")
	}
	return answer(f.shown(include)), nil
}

// changeField runs one change of a field named in the path.
func (c *call) changeField(object string, change func(*tx, *field) (any, error)) (reply, error) {
	var out any
	err := c.write(c.by, func(t *tx) error {
		f := t.field(object, c.r.PathValue("field_code"))
		if f == nil {
			return notFound("Field")
		}
		mine := *f
		mine.Options, mine.Retired = slices.Clone(f.Options), slices.Clone(f.Retired)
		var err error
		out, err = change(t, &mine)
		return err
	})
	if err != nil {
		return reply{}, err
	}
	return answer(out), nil
}

func creatableTypes() []string {
	return []string{
		"varchar", "text", "double", "phone", "date", "daterange", "time", "timerange", "set", "enum",
		"varchar_auto", "address", "monetary", "org", "people", "user",
	}
}

func fieldBody() bodySpec {
	return bodySpec{
		"field_name": never, "field_type": never, "options": never, "description": maybe,
		"ui_visibility": never, "important_fields": never, "required_fields": never,
	}
}

func (c *call) addField(object string) (reply, error) {
	body, err := c.bodyFields(fieldBody(), "field_name", "field_type")
	if err != nil {
		return reply{}, err
	}
	f := field{FieldCode: c.ids.hex(40), IsCustomField: true}
	if err := assign(&f, without(body, "options")); err != nil {
		return reply{}, err
	}
	if f.FieldName == "" || !slices.Contains(creatableTypes(), f.FieldType) {
		return reply{}, bad("body: field_name must not be empty and field_type must be one that can be created, got %q", f.FieldType)
	}
	labels, err := optionLabels(body["options"])
	if err != nil {
		return reply{}, err
	}
	if choice := f.FieldType == "enum" || f.FieldType == "set"; choice != (len(labels) > 0) {
		return reply{}, bad("body: options are needed for enum and set and allowed for nothing else")
	}
	f.Subfields = subfieldsOf(f.FieldCode, f.FieldName, f.FieldType)
	err = c.write(c.by, func(t *tx) error {
		f.ID = t.fields[object].next
		f.addOptions(t, labels)
		t.saveField(object, &f)
		t.rerender(object)
		return nil
	})
	if err != nil {
		return reply{}, err
	}
	return answer(f.shown([]string{"ui_visibility", "important_fields", "required_fields"})), nil
}

func optionLabels(raw json.RawMessage) ([]string, error) {
	if raw == nil {
		return nil, nil
	}
	var list []struct {
		Label string `json:"label"`
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, bad(`body: options must be an array like [{"label": "Low"}]`)
	}
	labels := make([]string, len(list))
	for i, o := range list {
		if o.Label == "" {
			return nil, bad("body: options: a label must not be empty")
		}
		labels[i] = o.Label
	}
	return labels, nil
}

func (f *field) addOptions(t *tx, labels []string) []option {
	next := t.nextOption()
	now := instantOf(t.at)
	for i, label := range labels {
		f.Options = append(f.Options, option{ID: optionNumber(next + int64(i)), Label: label, AddTime: now, UpdateTime: now})
	}
	return f.Options[len(f.Options)-len(labels):]
}

func (c *call) patchField(object string) (reply, error) {
	body, err := c.bodyFields(fieldBody())
	if err != nil {
		return reply{}, err
	}
	if body["field_type"] != nil || body["options"] != nil {
		return reply{}, bad("body: field_type and options cannot be changed here")
	}
	return c.changeField(object, func(t *tx, f *field) (any, error) {
		if err := assign(f, body); err != nil {
			return nil, err
		}
		if f.FieldName == "" {
			return nil, bad("body: field_name must not be empty")
		}
		t.saveField(object, f)
		return f.shown([]string{"ui_visibility", "important_fields", "required_fields"}), nil
	})
}

func (c *call) deleteField(object string) (reply, error) {
	return c.changeField(object, func(t *tx, f *field) (any, error) {
		if !f.IsCustomField {
			return nil, bad("the field %s is the vendor's own and cannot be deleted", f.FieldCode)
		}
		t.silent = true
		t.fields[object].drop(t, f.ID)
		t.recode(object)
		t.rerender(object)
		return f.shown(nil), nil
	})
}

func (c *call) addOptions(object string) (reply, error) {
	labels, err := optionLabels(c.body)
	if err != nil {
		return reply{}, err
	}
	if len(labels) == 0 {
		return reply{}, bad("body: at least one option is required")
	}
	return c.changeField(object, func(t *tx, f *field) (any, error) {
		if f.Options == nil {
			return nil, bad("the field %s has no options", f.FieldCode)
		}
		added := f.addOptions(t, labels)
		t.saveField(object, f)
		return plainOptions(added), nil
	})
}

// plainOption is an option as the options operations show it.
type plainOption struct {
	ID    int64  `json:"id"`
	Label string `json:"label"`
}

func plainOptions(list []option) []plainOption {
	out := make([]plainOption, len(list))
	for i, o := range list {
		out[i] = plainOption{o.ID.number(), o.Label}
	}
	return out
}

func (c *call) renameOptions(object string) (reply, error) {
	return c.eachOption(object, func(t *tx, f *field, o plainOption) (plainOption, error) {
		have := f.option(o.ID)
		if have == nil || o.Label == "" {
			return o, bad("body: option %d does not exist or its label is empty", o.ID)
		}
		have.Label, have.UpdateTime = o.Label, instantOf(t.at)
		return o, nil
	})
}

func (c *call) deleteOptions(object string) (reply, error) {
	return c.eachOption(object, func(_ *tx, f *field, o plainOption) (plainOption, error) {
		was, ok := f.retire(o.ID)
		if !ok {
			return o, bad("body: option %d does not exist", o.ID)
		}
		return plainOption{o.ID, was.Label}, nil
	})
}

func (c *call) eachOption(object string, change func(*tx, *field, plainOption) (plainOption, error)) (reply, error) {
	var list []plainOption
	if err := json.Unmarshal(c.body, &list); err != nil || len(list) == 0 {
		return reply{}, bad(`body must be an array like [{"id": 4, "label": "Critical"}]`)
	}
	return c.changeField(object, func(t *tx, f *field) (any, error) {
		for i, o := range list {
			var err error
			if list[i], err = change(t, f, o); err != nil {
				return nil, err
			}
		}
		t.saveField(object, f)
		return list, nil
	})
}

// rerender gives every record of an object exactly the custom fields that
// there are now. Update times stay: the vendor changed no record.
func (t *tx) rerender(object string) {
	switch object {
	case "deal":
		rerenderAll(t, t.deals, func(d *deal) { d.CustomFields = t.normal(object, d.CustomFields) })
	case "person":
		rerenderAll(t, t.persons, func(p *person) { p.CustomFields = t.normal(object, p.CustomFields) })
	case "organization":
		rerenderAll(t, t.organizations, func(o *organization) { o.CustomFields = t.normal(object, o.CustomFields) })
	case "product":
		rerenderAll(t, t.products, func(p *product) { p.CustomFields = t.normal(object, p.CustomFields) })
	}
}

func rerenderAll[T any](t *tx, k kind[T], change func(*T)) {
	for _, r := range slices.Clone(k.rows) {
		v := k.load(r)
		change(v)
		k.save(t, v)
	}
}
