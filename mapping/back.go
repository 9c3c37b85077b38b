package mapping

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/sales"
)

// obstacle says why a field cannot be written.
type obstacle uint8

const (
	passable obstacle = iota
	notMapped
	notOfType
	neverEmpty
	constant
	ofParent
	aPart
	partsOfItems
	counted
	severalWords
	noWord
	noLabel
	severalLabels
	twice
	halfMoney
	readsOther
	noCustom
)

// obstacles are the words for each obstacle, for the admin who reads the map.
var obstacles = [...]struct{ reason, hint string }{
	passable:      {},
	notMapped:     {"no rule says which of the vendor's fields it is", "map it"},
	notOfType:     {"the value is none of the field's type", "give it as the canonical row has it"},
	neverEmpty:    {"is never empty", "give it a value"},
	constant:      {"it is always the same and nothing of the vendor's can be written", "map it to one of the vendor's fields"},
	ofParent:      {"it is the id of the record that owns this one, which cannot be written", "map it to one of the vendor's fields"},
	aPart:         {"it is a part of a field, whose other parts would be lost", "map it to a field of its own"},
	partsOfItems:  {"it is a part of each item of a list, whose other parts would be lost", "write it in the CRM"},
	counted:       {"it is reckoned from other fields", "write those"},
	severalWords:  {"several of the vendor's words mean this", "leave one of them under values, or write it in the CRM"},
	noWord:        {"none of the vendor's words means this", "add one to values"},
	noLabel:       {"no option has this label", "add the option in the CRM, then pull the field definitions again"},
	severalLabels: {"several options have this label", "map the field without as: label, and write the option's id"},
	twice:         {"it stands in the same field of the vendor's as another one that shall hold something else", "write one of them"},
	halfMoney:     {"an amount is written with its currency only", "write both fields"},
	readsOther:    {"it would be read back as something else", "write it in the form in which it is read"},
	noCustom:      {"the account's field definitions do not have this field", "pull the field definitions again"},
}

// obstacle tells what keeps a rule from being turned around, whatever the value.
func (s *source) obstacle() obstacle {
	switch {
	case s.parent:
		return ofParent
	case len(s.steps) > 0 || len(s.secondSteps) > 0:
		return aPart
	case len(s.each) > 0 || s.pick != nil:
		return partsOfItems
	case s.name == "minor" || s.name == "any" || s.name == homeTransform || s.is != "" && s.when != s.slot:
		return counted
	}
	return passable
}

// back turns the conversion of a value around; nil is null. c is the class of an
// account's field, any where its rule alone tells.
func (s *source) back(want any, c class) (connectors.Value, obstacle) {
	items, list := want.([]string)
	switch {
	case want == nil && s.values != nil:
		return s.word(nil)
	case want == nil:
		return connectors.Value{}, passable
	case !list:
		return s.backOne(want, c)
	}
	out := connectors.Value{Kind: connectors.List}
	for _, item := range items {
		v, no := s.backOne(item, c)
		if no != passable {
			return v, no
		}
		out.Items = append(out.Items, v)
	}
	return out, passable
}

// backOne turns a value around that is neither null nor a list.
func (s *source) backOne(want any, c class) (connectors.Value, obstacle) {
	switch {
	case s.values != nil:
		return s.word(want)
	case s.labels != nil && s.name == "label":
		return s.optionOf(want)
	}
	switch v := want.(type) {
	case bool:
		return connectors.Value{Kind: connectors.Bool, Text: strconv.FormatBool(v)}, passable
	case int64:
		if s.name == "minutes" {
			return connectors.Value{Kind: connectors.Text, Text: fmt.Sprintf("%02d:%02d", v/60, v%60)}, passable
		}
		return connectors.Value{Kind: connectors.Number, Text: strconv.FormatInt(v, 10)}, passable
	case decimal.Decimal:
		if c == moneyClass {
			return connectors.Value{Kind: connectors.Money, Text: v.String()}, passable
		}
		return connectors.Value{Kind: connectors.Number, Text: v.String()}, passable
	case time.Time:
		return connectors.Value{Kind: connectors.Time, Time: v}, passable
	case json.RawMessage:
		if s.name == "options" {
			return optionsBack(v)
		}
		return plainOf(v), passable
	case string:
		return s.textBack(v, c), passable
	}
	return connectors.Value{}, notOfType
}

// textBack writes a text, a day or an id.
func (s *source) textBack(text string, c class) connectors.Value {
	switch {
	case s.target.Type == sales.Date:
		return connectors.Value{Kind: connectors.Date, Text: text}
	case s.name == "currency" && c == moneyClass:
		return connectors.Value{Kind: connectors.Money, Unit: text}
	case s.target.Type == sales.Ref, c == idClass, c == idsClass:
		return idOf(text)
	}
	return connectors.Value{Kind: connectors.Text, Text: text}
}

// word finds the vendor's word that the rule's table turns into a value.
func (s *source) word(want any) (connectors.Value, obstacle) {
	var found []string
	for _, key := range slices.Sorted(maps.Keys(s.values)) {
		if sameValue(s.values[key], want) {
			found = append(found, key)
		}
	}
	text, isText := want.(string)
	switch {
	case len(found) > 1 && want != nil:
		return connectors.Value{}, severalWords
	case want == nil: // the vendor's own null is null by every table
		return connectors.Value{}, passable
	case len(found) == 1:
		return scalarBack(found[0]), passable
	case s.otherwise == otherwiseKeep && isText:
		return connectors.Value{Kind: connectors.Text, Text: text}, passable
	}
	return connectors.Value{}, noWord
}

// scalarBack reads a table's key, which YAML has as text.
func scalarBack(key string) connectors.Value {
	switch n, ok := scanNumber(key); {
	case key == "true" || key == "false":
		return connectors.Value{Kind: connectors.Bool, Text: key}
	case ok && string(n.append(nil)) == key:
		return connectors.Value{Kind: connectors.Number, Text: key}
	}
	return connectors.Value{Kind: connectors.Text, Text: key}
}

// optionOf finds the option with a label.
func (s *source) optionOf(want any) (connectors.Value, obstacle) {
	var found []string
	for id, label := range s.labels {
		if label == want {
			found = append(found, id)
		}
	}
	switch len(found) {
	case 0:
		return connectors.Value{}, noLabel
	case 1:
		return idOf(found[0]), passable
	}
	return connectors.Value{}, severalLabels
}

// idOf writes an id as a number where it is one.
func idOf(id string) connectors.Value {
	if n, err := strconv.ParseInt(id, 10, 64); err == nil && strconv.FormatInt(n, 10) == id {
		return connectors.Value{Kind: connectors.Number, Text: id}
	}
	return connectors.Value{Kind: connectors.Text, Text: id}
}

// optionsBack writes the options that a field definition shall offer: id and label
// of those that it has, the label of those that are new.
func optionsBack(value json.RawMessage) (connectors.Value, obstacle) {
	options, err := readOptions(value)
	if err != nil {
		return connectors.Value{}, notOfType
	}
	out := connectors.Value{Kind: connectors.List}
	for _, o := range options {
		parts := []connectors.Pair{{Key: "label", Value: connectors.Value{Kind: connectors.Text, Text: o.Label}}}
		if o.ID != "" {
			parts = append([]connectors.Pair{{Key: "id", Value: idOf(o.ID)}}, parts...)
		}
		if !o.Deleted {
			out.Items = append(out.Items, connectors.Value{Kind: connectors.Nested, Fields: parts})
		}
	}
	return out, passable
}

// dayAndTime takes an instant apart; nil has no time of day.
func dayAndTime(want any) (day, clock connectors.Value) {
	at, ok := want.(time.Time)
	if !ok {
		return day, clock
	}
	layout := "15:04"
	if at.Second() != 0 {
		layout = time.TimeOnly
	}
	return connectors.Value{Kind: connectors.Date, Text: at.UTC().Format(time.DateOnly)}, connectors.Value{Kind: connectors.Text, Text: at.UTC().Format(layout)}
}

// wanted reads a canonical value from JSON; nil is null. A list without items is
// null as well, as no row holds one.
func (t *target) wanted(value json.RawMessage) (any, refusal) {
	if isNone(value) {
		return nil, fine
	}
	switch t.Type {
	case sales.Text, sales.Ref:
		text, ok := read[string](value)
		if !ok || clean(text) != text {
			return nil, notPlain
		}
		return t.box(text)
	case sales.Date, sales.Instant:
		text, ok := read[string](value)
		if !ok || neverSet(text) {
			return nil, notInstant
		}
		if t.Type == sales.Date {
			return toDate(nil, &connectors.Value{Kind: connectors.Text, Text: text}, nil)
		}
		return toInstant(nil, &connectors.Value{Kind: connectors.Text, Text: text}, nil)
	case sales.Integer, sales.Decimal:
		number, ok := numberIn(value)
		if !ok {
			return nil, notNumber
		}
		if t.Type == sales.Integer {
			return toInteger(nil, &number, nil)
		}
		return toDecimal(nil, &number, nil)
	case sales.Bool:
		flag, ok := read[bool](value)
		return orRefused(flag, ok, notBool)
	case sales.Texts:
		items, ok := read[[]string](value)
		if ok && len(items) == 0 {
			return nil, fine
		}
		return orRefused(items, ok, notList)
	}
	return orRefused(slices.Clone(value), json.Valid(value), notPlain)
}

func orRefused(v any, ok bool, no refusal) (any, refusal) {
	if !ok {
		return nil, no
	}
	return v, fine
}

// numberIn reads a JSON number; one in quotes is a text.
func numberIn(value json.RawMessage) (connectors.Value, bool) {
	number, ok := read[json.Number](value)
	_, sound := scanNumber(number.String())
	return connectors.Value{Kind: connectors.Number, Text: number.String()}, ok && sound && bytes.TrimSpace(value)[0] != '"'
}

// isNone tells JSON's null, also where there is nothing at all.
func isNone(value json.RawMessage) bool {
	text := bytes.TrimSpace(value)
	return len(text) == 0 || string(text) == "null"
}

// read reads JSON of one type.
func read[T any](value json.RawMessage) (v T, ok bool) {
	d := json.NewDecoder(bytes.NewReader(value))
	d.UseNumber()
	return v, d.Decode(&v) == nil
}

// plainOf makes a plain value of any JSON.
func plainOf(value json.RawMessage) connectors.Value {
	v, _ := read[any](value)
	return plainAny(v)
}

func plainAny(v any) connectors.Value {
	switch v := v.(type) {
	case bool:
		return connectors.Value{Kind: connectors.Bool, Text: strconv.FormatBool(v)}
	case json.Number:
		return connectors.Value{Kind: connectors.Number, Text: v.String()}
	case string:
		return connectors.Value{Kind: connectors.Text, Text: v}
	case []any:
		out := connectors.Value{Kind: connectors.List}
		for _, item := range v {
			out.Items = append(out.Items, plainAny(item))
		}
		return out
	case map[string]any:
		out := connectors.Value{Kind: connectors.Nested}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			out.Fields = append(out.Fields, connectors.Pair{Key: key, Value: plainAny(v[key])})
		}
		return out
	}
	return connectors.Value{}
}

// sameValue compares canonical values.
func sameValue(a, b any) bool {
	switch x := a.(type) {
	case decimal.Decimal:
		y, ok := b.(decimal.Decimal)
		return ok && x.Equal(y)
	case time.Time:
		y, ok := b.(time.Time)
		return ok && x.Equal(y)
	case json.RawMessage:
		y, ok := b.(json.RawMessage)
		if !ok {
			return false
		}
		p, q := plainOf(x), plainOf(y)
		return alike(&p, &q)
	}
	return reflect.DeepEqual(a, b)
}

// alike compares plain values as a custom document has them, where parts without
// a value are left out.
func alike(a, b *connectors.Value) bool {
	x, no := appendValue(nil, a, 0)
	y, nor := appendValue(nil, b, 0)
	return no == fine && nor == fine && bytes.Equal(x, y)
}

// labelsOf returns the labels of the options that a field definition offers: a new
// one has no id yet.
func labelsOf(options any) any {
	text, _ := options.(json.RawMessage)
	all, err := readOptions(text)
	if err != nil {
		return nil
	}
	var out []string
	for _, o := range all {
		if !o.Deleted && o.ID != "" {
			out = append(out, o.ID+" "+o.Label)
		}
	}
	return out
}

// textIn shows a canonical value in a message.
func textIn(v any) string {
	switch v := v.(type) {
	case nil:
		return "nothing"
	case json.RawMessage:
		return string(v)
	case []string:
		return strings.Join(v, ", ")
	case time.Time:
		return v.Format(time.RFC3339Nano)
	}
	return fmt.Sprint(v)
}
