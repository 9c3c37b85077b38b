package pipedrive

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"
)

// customs holds custom field values by field code in the shape of v2, every
// code of the object present, null where there is no value.
type customs map[string]json.RawMessage

// none is the JSON null that stands for "no value".
func none() json.RawMessage { return json.RawMessage("null") }

// isNull reports that there is no value.
func isNull(v json.RawMessage) bool { return len(v) == 0 || string(v) == "null" }

// setCustoms checks the custom_fields of a request and writes them into dst.
func (t *tx) setCustoms(object string, dst customs, raw json.RawMessage) error {
	var values map[string]json.RawMessage
	if err := json.Unmarshal(raw, &values); err != nil {
		return bad("body: custom_fields must be an object")
	}
	for code, v := range values {
		f := t.field(object, code)
		if f == nil || !f.IsCustomField {
			return bad("body: custom_fields: %s is not a custom field of this object", code)
		}
		if isNull(v) {
			dst[code] = none()
			continue
		}
		checked, err := t.checkCustom(f, v)
		if err != nil {
			return bad("body: custom_fields: %s (%s): %s", code, f.FieldName, err)
		}
		dst[code] = checked
	}
	return nil
}

// normal keeps exactly the codes that the object's fields have.
func (s *store) normal(object string, c customs) customs {
	out := make(customs, len(s.catalogs[object].codes))
	for _, code := range s.catalogs[object].codes {
		out[code] = none()
		if v := c[code]; !isNull(v) {
			out[code] = v
		}
	}
	return out
}

// span is the object form of dates, times, ranges and money.
type span struct {
	Value    any     `json:"value"`
	Until    *string `json:"until,omitempty"`
	Zone     *string `json:"timezone_name,omitempty"`
	Currency string  `json:"currency,omitempty"`
}

// checkCustom returns the value as the vendor would store it.
func (t *tx) checkCustom(f *field, v json.RawMessage) (json.RawMessage, error) {
	switch f.FieldType {
	case "varchar", "text", "varchar_auto", "phone":
		var s string
		return v, strictly(v, &s)
	case "double", "int":
		var a amount
		return v, strictly(v, &a)
	case "enum":
		var id int64
		if err := strictly(v, &id); err != nil {
			return nil, err
		}
		return v, f.checkOption(id)
	case "set":
		return f.checkSet(v)
	case "user", "org", "people":
		return t.checkCustomRef(f.FieldType, v)
	case "date":
		var d day
		return v, strictly(v, &d)
	case "monetary":
		return checkMoney(v)
	case "daterange", "time", "timerange":
		return checkSpan(f.FieldType, v)
	case "address":
		return checkAddress(v)
	}
	return nil, bad("fields of type %s cannot be written", f.FieldType)
}

func strictly(v json.RawMessage, into any) error {
	if err := json.Unmarshal(v, into); err != nil {
		return bad("%s", plainError(err))
	}
	return nil
}

func (f *field) checkOption(id int64) error {
	if f.option(id) == nil {
		return bad("option %d does not exist", id)
	}
	return nil
}

// checkSet accepts option ids; an empty array is refused, null clears.
func (f *field) checkSet(v json.RawMessage) (json.RawMessage, error) {
	var ids []int64
	if err := strictly(v, &ids); err != nil {
		return nil, err
	}
	if len(ids) == 0 {
		return nil, bad("an empty array is not allowed, send null to clear the value")
	}
	for _, id := range ids {
		if err := f.checkOption(id); err != nil {
			return nil, err
		}
	}
	return v, nil
}

func (t *tx) checkCustomRef(kind string, v json.RawMessage) (json.RawMessage, error) {
	var id int64
	if err := strictly(v, &id); err != nil {
		return nil, err
	}
	target := map[string]*table{"user": t.users.table, "org": t.organizations.table, "people": t.persons.table}[kind]
	if !t.alive(target, id) {
		return nil, bad("%s %d does not exist", kind, id)
	}
	return v, nil
}

func checkMoney(v json.RawMessage) (json.RawMessage, error) {
	var m struct {
		Value    *amount `json:"value"`
		Currency string  `json:"currency"`
	}
	if err := strictly(v, &m); err != nil {
		return nil, err
	}
	if m.Value == nil || !validCurrency(m.Currency) {
		return nil, bad(`want {"value": 13, "currency": "EUR"} with one of the account's currencies`)
	}
	return marshal(span{Value: m.Value, Currency: m.Currency})
}

func checkSpan(kind string, v json.RawMessage) (json.RawMessage, error) {
	var m struct {
		Value string `json:"value"`
		Until string `json:"until"`
		Zone  string `json:"timezone_name"`
	}
	if err := strictly(v, &m); err != nil {
		return nil, err
	}
	layout, out := time.TimeOnly, span{Value: m.Value}
	if kind == "daterange" {
		layout = dateLayout
	} else {
		out.Zone = &m.Zone
	}
	if kind != "time" {
		out.Until = &m.Until
	}
	for _, s := range []string{m.Value, m.Until} {
		if _, err := time.Parse(layout, s); err != nil && !(kind == "time" && s == m.Until) {
			return nil, bad("want times like %s, got %q", layout, s)
		}
	}
	return marshal(out)
}

func checkAddress(v json.RawMessage) (json.RawMessage, error) {
	var a address
	if err := strictly(v, &a); err != nil {
		return nil, err
	}
	return marshal(a)
}

func quoted(s string) json.RawMessage { return json.RawMessage(strconv.Quote(s)) }

func joinIDs(ids []int64) string {
	var b []byte
	for i, id := range ids {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, id, 10)
	}
	return string(b)
}

// typed is the third shape of a value, used in webhooks only: an object that
// names the field's type (seen in a production payload of 2026-01 for enum,
// monetary and user; the others follow the same pattern).
func (f *field) typed(v json.RawMessage) json.RawMessage {
	if isNull(v) {
		return none()
	}
	out := map[string]any{"type": f.FieldType}
	switch f.FieldType {
	case "enum", "user", "org", "people":
		out["id"] = v
	case "set":
		var ids []int64
		_ = json.Unmarshal(v, &ids)
		values := make([]map[string]int64, len(ids))
		for i, id := range ids {
			values[i] = map[string]int64{"id": id}
		}
		out["values"] = values
	case "monetary", "daterange", "time", "timerange", "address":
		var parts map[string]json.RawMessage
		_ = json.Unmarshal(v, &parts)
		for name, part := range parts {
			out[name] = part
		}
	default:
		out["value"] = v
	}
	b, err := marshal(out)
	if err != nil {
		panic("pipedrive simulator: render a custom field: " + err.Error())
	}
	return b
}

// labelled replaces option ids by {id, label}, for include_option_labels.
func (f *field) labelled(v json.RawMessage) json.RawMessage {
	if isNull(v) || f.FieldType != "enum" && f.FieldType != "set" {
		return v
	}
	type option struct {
		ID    int64  `json:"id"`
		Label string `json:"label"`
	}
	named := func(id int64) option {
		if o := f.option(id); o != nil {
			return option{id, o.Label}
		}
		return option{ID: id}
	}
	var out any
	if f.FieldType == "enum" {
		var id int64
		_ = json.Unmarshal(v, &id)
		out = named(id)
	} else {
		var ids []int64
		_ = json.Unmarshal(v, &ids)
		list := make([]option, len(ids))
		for i, id := range ids {
			list[i] = named(id)
		}
		out = list
	}
	b, _ := marshal(out)
	return b
}

// showCustoms returns what the custom_fields and include_option_labels
// parameters make of a record's values; nil when they ask for nothing.
func (c *call) showCustoms(object string) (func(customs) customs, error) {
	const most = 15
	var only []string
	if text := c.query.Get("custom_fields"); text != "" {
		only = splitList(text)
		if len(only) > most {
			return nil, bad("query: custom_fields may hold %d keys, got %d", most, len(only))
		}
	}
	labels, _, err := c.flag("include_option_labels")
	if err != nil || only == nil && !labels {
		return nil, err
	}
	return func(in customs) customs {
		out := customs{}
		for code, v := range in {
			if only != nil && !slices.Contains(only, code) {
				continue
			}
			if f := c.field(object, code); labels && f != nil {
				v = f.labelled(v)
			}
			out[code] = v
		}
		return out
	}, nil
}
