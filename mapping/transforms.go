package mapping

import (
	"slices"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/sales"
)

// What a rule does with a value that cannot be converted.
const (
	otherwiseError = "error" // the record is put into quarantine
	otherwiseKeep  = "keep"  // the value stands as it was written
	otherwiseNull  = "null"  // the field stays empty, the item is left out
)

// Stages carry their outcome at some vendors, and deals only their stage. Such
// outcomes come as field definitions of this type, whose options are stages with
// the outcome as label; outcomeTransform looks a deal's stage up in all of them.
const (
	outcomeType      = "stage_outcome"
	outcomeTransform = "outcome"
)

// Accounts with one currency do not name it with each amount. It comes as a field
// definition of this type, whose one option it is; homeTransform gives it to whatever
// has an amount.
const (
	homeType      = "home_currency"
	homeTransform = "home_currency"
)

// transform is one entry of the catalogue. Exactly one of text and any is set.
type transform struct {
	name  string
	makes sales.Type
	doc   string
	// fallback is what happens to a value that cannot be converted, where the
	// rule does not say.
	fallback string
	// text converts to a text or reference; for a field that holds a list it is
	// applied to each item.
	text func(s *source, v *connectors.Value) (string, refusal)
	// any converts to the Go type of makes (see sales.Type), or to nil for null.
	// second is the currency or the time of day, if the rule names one; nil if
	// that is null.
	any func(s *source, v, second *connectors.Value) (any, refusal)
	// walks tells that a list is the transform's own business.
	walks bool
	// named tells that the rule's table, and the transform, are given the label of
	// an option in its place.
	named bool
}

// catalogue returns all transforms. It is closed on purpose: a map that needs
// more than these holds logic, and logic belongs into code with tests.
func catalogue() []transform {
	return []transform{
		{name: "text", makes: sales.Text, text: toText, fallback: otherwiseError, doc: "The value as text; numbers and flags as the vendor writes them, money with its currency."},
		{name: "lower", makes: sales.Text, text: toLower, fallback: otherwiseError, doc: "Text in lower case."},
		{name: "email", makes: sales.Text, text: toEmail, fallback: otherwiseError, doc: "Text in lower case without blanks around it."},
		{name: "phone", makes: sales.Text, text: toPhone, fallback: otherwiseError, doc: "A phone number in E.164, read as a number of the map's region."},
		{name: "currency", makes: sales.Text, text: toCurrency, fallback: otherwiseError, doc: "A currency code in upper case; of a money value, its currency."},
		{name: homeTransform, makes: sales.Text, text: toHome, fallback: otherwiseError, doc: "The account's own currency, for what has a value here."},
		{name: "label", makes: sales.Text, text: toLabel, fallback: otherwiseKeep, doc: "The label of an option instead of its id."},
		{name: outcomeTransform, makes: sales.Text, text: toText, named: true, fallback: otherwiseError, doc: "What the account's stages say of a stage: open, won or lost, in the vendor's words."},
		{name: "ref", makes: sales.Ref, text: toRef, fallback: otherwiseError, doc: "The id of another record."},
		{name: "decimal", makes: sales.Decimal, any: toDecimal, fallback: otherwiseError, doc: "An exact number; of a money value, its amount."},
		{name: "integer", makes: sales.Integer, any: toInteger, fallback: otherwiseError, doc: "A whole number of 64 bits."},
		{name: "minor", makes: sales.Integer, any: toMinor, fallback: otherwiseError, doc: "An amount in minor units (cents) of its currency."},
		{name: "minutes", makes: sales.Integer, any: toMinutes, fallback: otherwiseError, doc: "A duration HH:MM as minutes."},
		{name: "bool", makes: sales.Bool, any: toBool, fallback: otherwiseError, doc: "A flag: true, false, 1, 0."},
		{name: "any", makes: sales.Bool, any: toAny, walks: true, fallback: otherwiseError, doc: "True when any item of a list is true."},
		{name: "instant", makes: sales.Instant, any: toInstant, fallback: otherwiseError, doc: "A point in time; UTC where no zone is written."},
		{name: "day_and_time", makes: sales.Instant, any: toDayAndTime, fallback: otherwiseError, doc: "A day and a time of day in UTC, from two fields; null without a time."},
		{name: "date", makes: sales.Date, any: toDate, fallback: otherwiseError, doc: "A day of the calendar."},
		{name: "json", makes: sales.JSON, any: toJSON, walks: true, fallback: otherwiseError, doc: "Lists and parts as they are."},
		{name: "options", makes: sales.JSON, any: toOptions, walks: true, fallback: otherwiseError, doc: "A field definition's options as a list of {id, label, deleted, ends}."},
	}
}

func transformByName(name string) (transform, bool) {
	all := catalogue()
	i := slices.IndexFunc(all, func(t transform) bool { return t.name == name })
	if i < 0 {
		return transform{}, false
	}
	return all[i], true
}

func transformNames() []string {
	var out []string
	for _, t := range catalogue() {
		out = append(out, t.name)
	}
	return out
}

// defaultTransforms are used where a rule names none.
var defaultTransforms = [...]string{
	sales.Text: "text", sales.Ref: "ref", sales.Integer: "integer", sales.Decimal: "decimal", sales.Bool: "bool",
	sales.Instant: "instant", sales.Date: "date", sales.Texts: "text", sales.JSON: "json",
}
