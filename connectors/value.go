package connectors

import "time"

// ValueKind is the type of a plain value.
type ValueKind uint8

// The kinds of plain values. What a vendor wraps (option objects, nested
// references, typed custom fields of webhooks) is unwrapped by its connector.
const (
	Null   ValueKind = iota
	Bool             // Text is "true" or "false"
	Number           // Text is the literal as the vendor wrote it: exact
	Text             // Text
	Time             // Time, in UTC
	Date             // Text is YYYY-MM-DD, without a zone
	Money            // Text is the exact amount, Unit the currency code
	List             // Items
	Nested           // Fields
)

// Value is one plain value of a record.
type Value struct {
	Kind   ValueKind
	Text   string
	Unit   string // only Money: the ISO 4217 code, may be empty
	Time   time.Time
	Items  []Value
	Fields []Pair
}

// Pair is a named value.
type Pair struct {
	Key   string
	Value Value
}

// Values is a record in plain values, in the vendor's order. A key stands at
// most once in Standard and at most once in Custom.
type Values struct {
	Standard []Pair // the vendor's own fields
	Custom   []Pair // the account's custom fields, by the vendor's code
}

// Get returns the standard field with the given key, or a Null value.
func (v *Values) Get(key string) Value {
	for i := range v.Standard {
		if v.Standard[i].Key == key {
			return v.Standard[i].Value
		}
	}
	return Value{}
}
