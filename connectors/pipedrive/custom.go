package pipedrive

import (
	"slices"

	"salesbook.dev/connectors"
)

// codeLength is the length of a custom field's code: a hexadecimal hash, other
// in each account (OpenAPI v2 of 2026-08-18, field_code).
const codeLength = 40

// object makes a value of a closed object's members, which it may not keep.
func (r *reader) object(key string, members []connectors.Pair) connectors.Value {
	switch {
	case len(r.open) >= 2 && r.open[1].into == intoCustom:
		return r.customObject(members)
	case len(r.open) == 1:
		return reference(key, connectors.Value{Kind: connectors.Nested, Fields: slices.Clone(members)})
	}
	return connectors.Value{Kind: connectors.Nested, Fields: slices.Clone(members)}
}

// customObject unwraps the object around a custom field's value.
func (r *reader) customObject(members []connectors.Pair) connectors.Value {
	if r.shape == shapeWebhook && len(r.open) == 2 {
		if kind := lookup(members, "type"); kind != nil && kind.Kind == connectors.Text {
			return typed(kind.Text, members)
		}
	}
	return untyped(members)
}

// untyped unwraps {value, currency} and {id, label}; the latter stands for an
// option when labels are asked for, and for each option of a set in webhooks.
func untyped(members []connectors.Pair) connectors.Value {
	if len(members) == 2 {
		value, currency := lookup(members, "value"), lookup(members, "currency")
		if value != nil && currency != nil {
			return money(*value, *currency)
		}
	}
	if id := lookup(members, "id"); id != nil && (len(members) == 1 || len(members) == 2 && lookup(members, "label") != nil) {
		return *id
	}
	return connectors.Value{Kind: connectors.Nested, Fields: slices.Clone(members)}
}

// typed unwraps a custom field of a webhook: {"type":"enum","id":12},
// {"type":"set","values":[{"id":1}]}, {"type":"double","value":2}, and objects
// as in v2 with the type added (webhook of 2026-01 and type definitions in
// public code; the vendor's guide, 2026-11, shows no example).
func typed(kind string, members []connectors.Pair) connectors.Value {
	rest := slices.DeleteFunc(members, func(p connectors.Pair) bool { return p.Key == "type" })
	switch kind {
	case "address", "daterange", "timerange", "time":
		return connectors.Value{Kind: connectors.Nested, Fields: slices.Clone(rest)}
	}
	if len(rest) == 1 && (rest[0].Key == "value" || rest[0].Key == "values") {
		return rest[0].Value
	}
	return untyped(rest)
}

// lift moves the custom fields of a flat v1 record into a list of their own
// and joins what v1 spreads over keys: code, code_currency, code_until,
// code_timezone_id, and the parts of an address (OpenAPI v1 of 2026-08-18,
// leads: "in the same format as with the Deals endpoints"; custom fields guide).
func (r *reader) lift() {
	kept := r.record[:0]
	for _, p := range r.record {
		code, part, ok := customKey(p.Key)
		if !ok {
			kept = append(kept, p)
			continue
		}
		r.gather(code, part, p.Value)
	}
	r.record = kept
	for i := range r.custom {
		r.custom[i].Value = joined(r.custom[i].Value)
	}
}

// customKey takes a flat key apart; part is empty for the value itself.
func customKey(key string) (code, part string, ok bool) {
	if len(key) < codeLength || len(key) == codeLength+1 || len(key) > codeLength && key[codeLength] != '_' {
		return "", "", false
	}
	for i := range codeLength {
		if c := key[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return "", "", false
		}
	}
	if len(key) == codeLength {
		return key, "", true
	}
	return key[:codeLength], key[codeLength+1:], true
}

// gather collects the parts of one custom field as Nested, the value first.
func (r *reader) gather(code, part string, v connectors.Value) {
	i := len(r.custom) - 1 // the parts of a field stand together, as a rule
	if i < 0 || r.custom[i].Key != code {
		i = slices.IndexFunc(r.custom, func(p connectors.Pair) bool { return p.Key == code })
	}
	if i < 0 {
		i, r.custom = len(r.custom), append(r.custom, connectors.Pair{Key: code})
	}
	whole := &r.custom[i].Value
	switch {
	case part == "" && isParts(*whole):
		part = "value"
	case part == "":
		*whole = v
		return
	case !isParts(*whole):
		*whole = connectors.Value{Kind: connectors.Nested, Fields: []connectors.Pair{{Key: "value", Value: *whole}}}
	}
	if known := lookup(whole.Fields, part); known != nil {
		*known = v
		return
	}
	whole.Fields = append(whole.Fields, connectors.Pair{Key: part, Value: v})
}

// isParts tells values that gather has begun to collect: v1 itself never nests
// a custom field's value.
func isParts(v connectors.Value) bool {
	return v.Kind == connectors.Nested && len(v.Fields) > 0 && v.Fields[0].Key == "value"
}

// joined gives collected parts the form that v2 gives them.
func joined(v connectors.Value) connectors.Value {
	if !isParts(v) {
		return v
	}
	if !slices.ContainsFunc(v.Fields, func(p connectors.Pair) bool { return p.Value.Kind != connectors.Null }) {
		return connectors.Value{}
	}
	if currency := lookup(v.Fields, "currency"); currency != nil && len(v.Fields) == 2 {
		return money(v.Fields[0].Value, *currency)
	}
	for i := range v.Fields {
		// v1 documents the zone's number under this key; a name there is what v2
		// calls timezone_name.
		if v.Fields[i].Key == "timezone_id" && v.Fields[i].Value.Kind == connectors.Text {
			v.Fields[i].Key = "timezone_name"
		}
	}
	return v
}
