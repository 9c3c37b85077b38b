package pipedrive

import (
	"strings"
	"time"

	"salesbook.dev/connectors"
)

// stampLayout is how v1 writes instants: in UTC, without a zone (documented
// e.g. at users' last_login, OpenAPI v1 of 2026-08-18).
const stampLayout = "2006-01-02 15:04:05"

// standardText gives a text of the record itself the type of its field.
func standardText(key string, v *connectors.Value) {
	switch {
	case isTimeKey(key):
		*v = timeValue(*v)
	case isDateKey(key):
		if _, err := time.Parse(time.DateOnly, v.Text); err == nil {
			v.Kind = connectors.Date
		}
	case key == "visible_to" && digits(v.Text):
		// A number in v2, a text in v1 and in webhooks (OpenAPI v1 of
		// 2026-08-18, leads; webhook of 2026-01 in public code).
		v.Kind = connectors.Number
	}
}

func isTimeKey(key string) bool {
	switch key {
	case "created", "modified", "last_login", // users (OpenAPI v1 of 2026-08-18)
		"time": // changelog
		return true
	}
	return strings.HasSuffix(key, "_time")
}

func isDateKey(key string) bool { return strings.HasSuffix(key, "_date") || key == "birthday" }

// timeValue is the instant that a text tells. An activity's due_time is a time
// of day and stays Text.
func timeValue(v connectors.Value) connectors.Value {
	if v.Text == "" || strings.HasPrefix(v.Text, "0000-00-00") { // a database's ways to say "never", undocumented
		return connectors.Value{}
	}
	if at, ok := instant(v.Text); ok {
		return connectors.Value{Kind: connectors.Time, Time: at}
	}
	return v
}

// instant parses the three ways in which Pipedrive writes an instant: RFC 3339
// (v2), with milliseconds (leads), and without a zone (the rest of v1).
func instant(s string) (time.Time, bool) {
	layout := time.RFC3339
	if len(s) == len(stampLayout) && s[10] == ' ' {
		layout = stampLayout
	}
	at, err := time.Parse(layout, s)
	return at.UTC(), err == nil
}

// reference unwraps an object that stands for another record, and a lead's
// value {amount, currency}. v1 nests related records: {"value": 5, "name": ...}
// holds the id in value, others in id.
func reference(key string, v connectors.Value) connectors.Value {
	switch {
	case key == "value" && len(v.Fields) == 2:
		if amount, currency := field(v, "amount"), field(v, "currency"); amount != nil && currency != nil {
			return money(*amount, *currency)
		}
	case key == "lost_reason": // {id, label} when option labels are asked for (public code)
		if label := field(v, "label"); label != nil {
			return *label
		}
	case strings.HasSuffix(key, "_id"):
		for _, name := range []string{"value", "id"} {
			if id := field(v, name); id != nil {
				return *id
			}
		}
	}
	return v
}

func field(v connectors.Value, key string) *connectors.Value { return lookup(v.Fields, key) }

func lookup(pairs []connectors.Pair, key string) *connectors.Value {
	for i := range pairs {
		if pairs[i].Key == key {
			return &pairs[i].Value
		}
	}
	return nil
}

// money joins an amount and its currency; without an amount there is nothing.
func money(amount, currency connectors.Value) connectors.Value {
	if amount.Kind == connectors.Null || amount.Text == "" {
		return connectors.Value{}
	}
	return connectors.Value{Kind: connectors.Money, Text: amount.Text, Unit: currency.Text}
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
