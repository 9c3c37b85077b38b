package pipedrive

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"salesbook.dev/connectors"
	"salesbook.dev/connectors/answers"
	"salesbook.dev/internal/fault"
)

// writing says how records of an object are written.
type writing struct {
	creates bool            // POST makes one
	change  string          // the method that changes one
	keys    map[string]form // the fields that can be written
	once    string          // of these, the one that only a new record takes
	null    []string        // of these, those that null empties
	blank   []string        // and those that an empty text empties
	custom  form            // of the account's own fields; nothing: it has none
	marked  bool            // a mark stands in a text of it
	named   []string        // else Find tells it by these fields
}

// form is how the API wants a value.
type form uint8

const (
	asNothing form = iota
	asText         // a string
	asWhole        // a whole number
	asNumber       // a number
	asFlag         // true or false
	asNumbers      // a list of whole numbers
	asTexts        // a list of strings
	asWorth        // a lead's {amount, currency}
	asOptions      // options of a definition
	asDemand       // when the pages of the CRM demand a field
	asCustom       // custom_fields of v2
	asFlat         // custom fields of v1, among the others
)

// keyOptions is the field of a definition that holds its options.
const keyOptions = "options"

// writings lists what is written back (OpenAPI v2 and v1, request bodies). v1
// passes over what it does not know, so the lists are also what it is held to.
// Null goes only where the documents have it.
func writings() map[string]writing {
	definition := writing{
		creates: true, change: http.MethodPatch, once: "field_type", named: []string{"field_name"},
		keys: map[string]form{"field_name": asText, "field_type": asText, keyOptions: asOptions},
	}
	return map[string]writing{
		deals: {
			change: http.MethodPatch, custom: asCustom, null: []string{"lost_reason", "probability"},
			keys: map[string]form{
				"title": asText, "owner_id": asWhole, "person_id": asWhole, "org_id": asWhole, "pipeline_id": asWhole, "stage_id": asWhole,
				"value": asNumber, "currency": asText, "is_archived": asFlag, "is_deleted": asFlag, "status": asText, "probability": asNumber,
				"lost_reason": asText, "visible_to": asWhole, "expected_close_date": asText, "label_ids": asNumbers,
			},
		},
		leads: {
			change: http.MethodPatch, custom: asFlat, null: []string{"person_id", "organization_id", "value", "expected_close_date"},
			keys: map[string]form{
				"title": asText, "owner_id": asWhole, "label_ids": asTexts, "person_id": asWhole, "organization_id": asWhole, "is_archived": asFlag,
				"value": asWorth, "expected_close_date": asText, "visible_to": asText, "was_seen": asFlag,
			},
		},
		activities: {
			creates: true, change: http.MethodPatch, marked: true, blank: []string{"note", "public_description"},
			keys: map[string]form{
				"subject": asText, "type": asText, "owner_id": asWhole, "deal_id": asWhole, "lead_id": asText, "org_id": asWhole, "due_date": asText,
				"due_time": asText, "duration": asText, "busy": asFlag, "done": asFlag, "public_description": asText, "priority": asWhole, "note": asText,
			},
		},
		notes: {
			creates: true, change: http.MethodPut, marked: true,
			keys: map[string]form{"content": asText, "deal_id": asWhole, "lead_id": asText, "person_id": asWhole, "org_id": asWhole},
		},
		pipelines: {
			creates: true, change: http.MethodPatch, named: []string{"name"},
			keys: map[string]form{"name": asText, "is_deal_probability_enabled": asFlag},
		},
		stages: {
			creates: true, change: http.MethodPatch, named: []string{"name", "pipeline_id"},
			keys: map[string]form{
				"name": asText, "pipeline_id": asWhole, "deal_probability": asWhole, "is_deal_rot_enabled": asFlag, "days_to_rotten": asWhole,
			},
		},
		dealFields: dealDefinition(definition), personFields: definition, organizationFields: definition, productFields: definition,
	}
}

// body is what is sent for an edit.
func (w writing) body(e connectors.Edit) (map[string]any, error) {
	body := map[string]any{}
	for _, p := range e.Set.Standard {
		f := w.keys[p.Key]
		switch {
		case f == asNothing:
			return nil, fault.New(fault.Invalid, "Pipedrive's API cannot write %s of %s", printable(p.Key), e.Object)
		case p.Key == w.once && e.ID != "":
			return nil, fault.New(fault.Invalid, "%s of one of %s cannot be changed once it is made", p.Key, e.Object)
		case p.Key == keyOptions && e.ID != "" && len(e.Set.Standard) > 1:
			return nil, fault.New(fault.Invalid, "options of a field are added by an edit of their own: Pipedrive takes them apart from the rest")
		}
		v, err := w.value(e.Object, p)
		if err != nil {
			return nil, err
		}
		body[p.Key] = v
	}
	if err := w.customs(e, body); err != nil {
		return nil, err
	}
	if err := deletion(e, body); err != nil {
		return nil, err
	}
	if len(body) == 0 {
		return nil, fault.New(fault.Invalid, "the edit of one of %s sets nothing", e.Object)
	}
	return body, nil
}

// value writes one standard field.
func (w writing) value(object string, p connectors.Pair) (any, error) {
	f := w.keys[p.Key]
	null := p.Value.Kind == connectors.Null
	switch v, ok := f.of(p.Value); {
	case null && slices.Contains(w.null, p.Key):
		return nil, nil
	case null && slices.Contains(w.blank, p.Key):
		return "", nil
	case null:
		return nil, fault.New(fault.Invalid, "Pipedrive's API cannot empty %s of %s", p.Key, object)
	case !ok:
		return nil, fault.New(fault.Invalid, "%s of %s cannot hold such a value: Pipedrive wants %s there", p.Key, object, f)
	default:
		return v, nil
	}
}

// deletion turns the status "deleted", in which deals are read, into the flag by
// which they are deleted, and Undelete into its opposite.
func deletion(e connectors.Edit, body map[string]any) error {
	switch {
	case e.Undelete && e.Object != deals:
		return fault.New(fault.Invalid, "Pipedrive cannot bring back a deleted one of %s, only deals", e.Object)
	case e.Undelete:
		body["is_deleted"] = false
	case e.Object == deals && body["status"] == "deleted":
		delete(body, "status")
		body["is_deleted"] = true
	}
	return nil
}

// customs adds the account's own fields.
func (w writing) customs(e connectors.Edit, body map[string]any) error {
	if len(e.Set.Custom) == 0 {
		return nil
	}
	if w.custom == asNothing {
		return fault.New(fault.Invalid, "%s have no fields of the account's own that could be written", e.Object)
	}
	inner := map[string]any{}
	for _, p := range e.Set.Custom {
		code, part, ok := customKey(p.Key)
		if !ok || part != "" {
			return fault.New(fault.Invalid, "%s is no code of a field of the account's own", printable(p.Key))
		}
		if w.custom == asFlat {
			if !flatten(body, code, p.Value) {
				return fault.New(fault.Invalid, "a lead's field with a time zone (%s) cannot be written: Pipedrive wants a number of the zone that it tells nobody", code)
			}
			continue
		}
		inner[code] = jsonOf(p.Value)
	}
	if w.custom == asCustom {
		body["custom_fields"] = inner
	}
	return nil
}

// printable shortens a key that came from outside.
func printable(key string) string { return strconv.Quote(answers.PlaceOf([]string{key})) }

// flatten writes a value as v1 has it: over several keys, several options as one
// text. See lift for the way back.
func flatten(body map[string]any, code string, v connectors.Value) bool {
	switch v.Kind {
	case connectors.Money:
		body[code], body[code+"_currency"] = numeral(v.Text), v.Unit
	case connectors.List:
		var ids []string
		for _, item := range v.Items {
			ids = append(ids, item.Text)
		}
		body[code] = nil
		if len(ids) > 0 {
			body[code] = strings.Join(ids, ",")
		}
	case connectors.Nested:
		for _, part := range v.Fields {
			switch part.Key {
			case "timezone_name":
				return false
			case "value":
				body[code] = jsonOf(part.Value)
			default:
				body[code+"_"+part.Key] = jsonOf(part.Value)
			}
		}
	default:
		body[code] = jsonOf(v)
	}
	return true
}

// jsonOf is a value of the account's own fields as v2 has it (OpenAPI v2,
// custom_fields). An empty set is null: [] is refused.
func jsonOf(v connectors.Value) any {
	switch v.Kind {
	case connectors.Null:
		return nil
	case connectors.Bool:
		return v.Text == "true"
	case connectors.Number:
		return numeral(v.Text)
	case connectors.Time:
		return v.Time.UTC().Format(time.RFC3339)
	case connectors.Money:
		return map[string]any{"value": numeral(v.Text), "currency": v.Unit}
	case connectors.List:
		if len(v.Items) == 0 {
			return nil
		}
		items := make([]any, len(v.Items))
		for i, item := range v.Items {
			items[i] = jsonOf(item)
		}
		return items
	case connectors.Nested:
		parts := map[string]any{}
		for _, p := range v.Fields {
			parts[p.Key] = jsonOf(p.Value)
		}
		return parts
	}
	return v.Text
}

// numeral is a number as it was written; what is none stays a text, for the vendor
// to refuse.
func numeral(text string) any {
	if !json.Valid([]byte(text)) {
		return text
	}
	return json.Number(text)
}

// String says what the form wants.
func (f form) String() string {
	return [...]string{
		asNothing: "nothing", asText: "a text", asWhole: "a whole number", asNumber: "a number", asFlag: "true or false", asNumbers: "a list of numbers",
		asTexts: "a list of ids", asWorth: "an amount with its currency", asOptions: "a list of options with labels", asDemand: "enabled, stage_ids and statuses", asCustom: "fields", asFlat: "fields",
	}[f]
}

// of writes a value other than null in the form; it is false for one that cannot be.
func (f form) of(v connectors.Value) (any, bool) {
	switch f {
	case asText:
		return v.Text, v.Kind == connectors.Text || v.Kind == connectors.Date || v.Kind == connectors.Number
	case asWhole:
		n, err := strconv.ParseInt(v.Text, 10, 64)
		return n, err == nil && (v.Kind == connectors.Number || v.Kind == connectors.Text)
	case asNumber:
		return numeral(v.Text), v.Kind == connectors.Number
	case asFlag:
		return v.Text == "true", v.Kind == connectors.Bool
	case asWorth:
		return map[string]any{"amount": numeral(v.Text), "currency": v.Unit}, v.Kind == connectors.Money
	case asNumbers:
		return f.list(v, asWhole)
	case asTexts:
		return f.list(v, asText)
	case asOptions:
		return optionsOf(v)
	case asDemand:
		return demandOf(v)
	}
	return nil, false
}

func (f form) list(v connectors.Value, each form) (any, bool) {
	items := make([]any, len(v.Items))
	for i, item := range v.Items {
		var ok bool
		if items[i], ok = each.of(item); !ok {
			return nil, false
		}
	}
	return items, v.Kind == connectors.List
}

// option is an option of a definition, as it is added.
type option struct {
	Label string `json:"label"`
}

func optionsOf(v connectors.Value) (any, bool) {
	var out []option
	for _, item := range v.Items {
		label := field(item, "label")
		if label == nil || label.Kind != connectors.Text || label.Text == "" {
			return nil, false
		}
		out = append(out, option{Label: label.Text})
	}
	return out, v.Kind == connectors.List && len(out) > 0
}
