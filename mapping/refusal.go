package mapping

// refusal says why a value cannot become what a field wants. The words for it
// are looked up only when a record is refused, which keeps them off the way of
// all the others.
type refusal uint8

const (
	fine refusal = iota
	missing
	notPlain
	notParts
	notList
	notNumber
	notWhole
	notBool
	notInstant
	notDay
	notTimeOfDay
	notDuration
	notAllowed
	notListed
	notPhone
	notOption
	tooDeep
)

// refusals are the words for each refusal, for the admin who sees the
// quarantined record.
var refusals = [...]struct{ reason, hint string }{
	fine:         {},
	missing:      {"is required and the record has no value for it", "give it another source with first_of, for example {const: ...}"},
	notPlain:     {"the value is a list or has parts, a plain one is needed", "name one part (from: field.part), or read a list with each and first"},
	notParts:     {"the value has no parts", "leave the part out of from"},
	notList:      {"the value is not a list", "leave each and first out"},
	notNumber:    {"not a number, or out of bounds (28 digits before the point, 30 after it)", "map it to a text field, or set otherwise"},
	notWhole:     {"not a whole number, or out of bounds", "map it to a decimal field, or set otherwise"},
	notBool:      {"neither true nor false", "list the vendor's values under values"},
	notInstant:   {"not an instant between the years 1 and 9999", "a day without a time needs a date field; or set otherwise"},
	notDay:       {"not a day of the calendar (YYYY-MM-DD)", "an instant needs as: instant; or set otherwise"},
	notTimeOfDay: {"not a time of day (HH:MM)", "set otherwise: null to leave such values out"},
	notDuration:  {"not a duration (HH:MM)", "set otherwise: null to leave such values out"},
	notAllowed:   {"not one of the values the field may have", "list the vendor's values under values, or set otherwise: null"},
	notListed:    {"a value that the rule's values do not list", "add it to values, or set otherwise"},
	notPhone:     {"not a phone number that can be read", "set the map's region, or otherwise: keep"},
	notOption:    {"an option that the field's definition does not have", "pull the field definitions again, or set otherwise: keep"},
	tooDeep:      {"lists and parts nested more than 32 levels deep", "ignore the field"},
}
