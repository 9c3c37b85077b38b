package pipedrive

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// v1, and so leads, spread one custom value over several flat keys.

// flatten adds the flat keys of a value.
func (f *field) flatten(into map[string]json.RawMessage, v json.RawMessage) {
	switch f.FieldType {
	case "set":
		var ids []int64
		_ = json.Unmarshal(v, &ids) // the store holds checked values only
		into[f.FieldCode] = quoted(joinIDs(ids))
	case "monetary", "daterange", "time", "timerange", "address":
		var parts map[string]json.RawMessage
		_ = json.Unmarshal(v, &parts)
		for name, part := range parts {
			if name == "timezone_name" {
				part = zoneID(part)
			}
			into[flatKey(f.FieldCode, name)] = part
		}
	default:
		into[f.FieldCode] = v
	}
}

// unflatten gathers a value from its flat keys; absent when none is there.
func (f *field) unflatten(flat map[string]json.RawMessage, currency string) (v json.RawMessage, present bool) {
	v, present = flat[f.FieldCode]
	if !present || isNull(v) {
		return v, present
	}
	switch f.FieldType {
	case "set":
		return json.RawMessage("[" + strings.Trim(string(v), `"[]`) + "]"), true
	case "enum":
		return json.RawMessage(strings.Trim(string(v), `"`)), true
	case "monetary":
		return f.gather(flat, map[string]json.RawMessage{"currency": quoted(currency)}), true
	case "daterange", "address":
		return f.gather(flat, nil), true
	case "time", "timerange":
		return f.gather(flat, map[string]json.RawMessage{"timezone_name": quoted("UTC")}), true
	}
	return v, true
}

func (f *field) gather(flat, parts map[string]json.RawMessage) json.RawMessage {
	if parts == nil {
		parts = map[string]json.RawMessage{}
	}
	for _, sub := range subfieldsOf(f.FieldCode, f.FieldName, f.FieldType) {
		if v, ok := flat[flatKey(f.FieldCode, sub.FieldCode)]; ok {
			if sub.FieldCode == "timezone_name" {
				v = zoneName(v)
			}
			parts[sub.FieldCode] = v
		}
	}
	b, err := marshal(parts)
	if err != nil {
		return none()
	}
	return b
}

// flatKeys are all keys that a value of the field may have.
func (f *field) flatKeys() []string {
	keys := []string{f.FieldCode}
	for _, sub := range subfieldsOf(f.FieldCode, f.FieldName, f.FieldType) {
		keys = append(keys, flatKey(f.FieldCode, sub.FieldCode))
	}
	return keys
}

// flatKey is the v1 name of one part of a value.
func flatKey(code, part string) string {
	switch part {
	case "value":
		return code
	case "timezone_name":
		return code + "_timezone_id"
	}
	return code + "_" + part
}

// zones are the time zones that v1 numbers. The vendor's numbers are not
// published; these are the simulator's.
func zones() []string {
	return []string{"UTC", "Europe/Warsaw", "Europe/Kyiv", "Europe/Berlin", "Europe/Moscow", "Europe/London", "America/New_York"}
}

func zoneID(name json.RawMessage) json.RawMessage {
	i := slices.Index(zones(), strings.Trim(string(name), `"`))
	return json.RawMessage(strconv.Itoa(i + 1))
}

func zoneName(id json.RawMessage) json.RawMessage {
	n, err := strconv.Atoi(string(id))
	if err != nil || n < 1 || n > len(zones()) {
		return quoted("UTC")
	}
	return quoted(zones()[n-1])
}
