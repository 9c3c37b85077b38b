package mapping

import (
	"slices"
	"strconv"
	"strings"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/sales"
)

// target is the canonical field that sources fill.
type target struct {
	*sales.Field
	words []any // Enum, each as a value of Row.Values
}

// source is a compiled rule.
type source struct {
	target      *target
	rule        *rule
	fixed       any  // a constant
	parent      bool // the owner's id
	slot        int
	steps       []string // into the slot's nested value
	second      int      // slot of the currency or the time of day; -1 for none
	secondSteps []string
	when        int    // slot of the flag that must be true; -1 for none
	is          string // the outcome that the stage in the slot must have; empty: it is a flag
	each        []string
	first       string
	pick        []string
	split       bool // a text holds several ids with commas between
	values      map[string]any
	otherwise   string
	labels      map[string]string
	home        string // the account's own currency; empty: not known
	region      string
	transform
}

// value computes the source for one record; nil is null. found is the vendor's
// value, for messages.
func (s *source) value(at []*connectors.Value, parent string) (out any, no refusal, found *connectors.Value) {
	switch {
	case s.fixed != nil:
		return s.fixed, fine, nil
	case s.parent && parent == "":
		return nil, fine, nil
	case s.parent:
		return clean(parent), fine, nil
	}
	found = at[s.slot]
	if found == nil || found.Kind == connectors.Null || s.when >= 0 && !s.holds(at[s.when]) {
		return nil, fine, nil
	}
	v, no := follow(found, s.steps)
	if no != fine || v == nil {
		return nil, no, found
	}
	var second *connectors.Value
	if s.second >= 0 {
		if second, no = follow(at[s.second], s.secondSteps); no != fine {
			return nil, no, at[s.second]
		}
	}
	out, no = s.convert(v, second)
	return out, no, found
}

// holds tells whether the condition of a rule is met.
func (s *source) holds(v *connectors.Value) bool {
	if s.is == "" || v == nil || v.Kind == connectors.Null {
		return isTrue(v)
	}
	outcome, no := toLabel(s, v)
	return no == fine && outcome == s.is
}

func isTrue(v *connectors.Value) bool {
	if v == nil {
		return false
	}
	set, _ := toBool(nil, v, nil)
	return set == true
}

// follow walks a path into a nested value. It is nil where the way ends in null.
func follow(v *connectors.Value, steps []string) (*connectors.Value, refusal) {
	for _, name := range steps {
		if v == nil || v.Kind == connectors.Null {
			return nil, fine
		}
		if v.Kind == connectors.Money {
			v = moneyPart(v, name)
			continue
		}
		if v.Kind != connectors.Nested {
			return nil, notParts
		}
		i := slices.IndexFunc(v.Fields, func(p connectors.Pair) bool { return p.Key == name })
		if i < 0 {
			return nil, fine
		}
		v = &v.Fields[i].Value
	}
	if v == nil || v.Kind == connectors.Null {
		return nil, fine
	}
	return v, fine
}

// moneyPart makes money readable by parts, as vendors write it: amount (or
// value) and currency.
func moneyPart(v *connectors.Value, name string) *connectors.Value {
	switch {
	case name == "currency" && v.Unit != "":
		return &connectors.Value{Kind: connectors.Text, Text: v.Unit}
	case name == "amount" || name == "value":
		return &connectors.Value{Kind: connectors.Number, Text: v.Text}
	}
	return nil
}

// convert applies the rule to a value that is not null.
func (s *source) convert(v, second *connectors.Value) (any, refusal) {
	if s.target.Type == sales.Texts {
		return s.convertList(v)
	}
	if s.each != nil && !s.walks {
		item, no := s.firstItem(v)
		if no != fine || item == nil {
			return nil, no
		}
		v = item
	}
	return s.convertOne(v, second)
}

// convertOne converts one value, by the rule's table or its transform.
func (s *source) convertOne(v, second *connectors.Value) (any, refusal) {
	if s.named {
		label, no := toLabel(s, v)
		switch {
		case no == notOption && s.otherwise == otherwiseNull:
			return nil, fine
		case no != fine:
			return nil, no
		}
		v = &connectors.Value{Kind: connectors.Text, Text: label}
	}
	if s.values != nil {
		key, no := textOf(v)
		if out, ok := s.values[key]; ok && no == fine {
			return out, fine
		}
		switch s.otherwise {
		case otherwiseError:
			return nil, notListed
		case otherwiseNull:
			return nil, fine
		}
	}
	out, no := s.transformed(v, second)
	switch {
	case no == fine:
		return out, fine
	case s.otherwise == otherwiseNull:
		return nil, fine
	case s.otherwise == otherwiseKeep:
		if text, bad := textOf(v); bad == fine {
			return s.target.box(text)
		}
	}
	return nil, no
}

func (s *source) transformed(v, second *connectors.Value) (any, refusal) {
	if s.text == nil {
		return s.any(s, v, second)
	}
	text, no := s.text(s, v)
	if no != fine {
		return nil, no
	}
	return s.target.box(text)
}

// box makes a text a value of the field: an empty one is null where it may be,
// and a fixed list of values is kept to.
func (t *target) box(text string) (any, refusal) {
	if text == "" && (!t.Required || t.Type == sales.Ref) {
		return nil, fine
	}
	if t.Enum == nil {
		return text, fine
	}
	for i, word := range t.Enum {
		if word == text {
			return t.words[i], fine
		}
	}
	return nil, notAllowed
}

// show describes a value for a message.
func show(v *connectors.Value) string {
	switch v.Kind {
	case connectors.List:
		return "a list of " + strconv.Itoa(len(v.Items))
	case connectors.Nested:
		var names []string
		for i := range v.Fields[:min(len(v.Fields), 8)] {
			names = append(names, clean(v.Fields[i].Key))
		}
		return "parts " + strings.Join(names, ", ")
	}
	text, _ := textOf(v)
	return text
}
