package mapping

import (
	"slices"
	"strconv"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/strictyaml"
)

// Warnings tells where a record contradicts the account's field definitions.
// Nothing is lost by it: Row keeps such values as they are. It costs a walk of
// its own, so it is for previews and samples, not for every record.
func (o *ObjectMap) Warnings(recordID string, v *connectors.Values) Problems {
	if !o.kind.Custom {
		return nil
	}
	var out Problems
	warn := func(key string, value *connectors.Value, reason, hint string) {
		out = append(out, &Problem{Object: o.name, ID: clean(recordID), Field: clean(key), Value: strictyaml.Shorten(show(value)), Reason: reason, Hint: hint})
	}
	for i := range v.Standard {
		p := &v.Standard[i]
		if n, ok := o.standard[p.Key]; ok && o.slots[n].keep == keepAll {
			o.slots[n].doubt(&p.Value, warn)
		}
	}
	for i := range v.Custom {
		p := &v.Custom[i]
		n, ok := o.custom[p.Key]
		switch {
		case ok:
			o.slots[n].doubt(&p.Value, warn)
		case p.Value.Kind != connectors.Null:
			warn(p.Key, &p.Value, "the account's field definitions do not have this field", "pull the field definitions again")
		}
	}
	return out
}

// doubt reports what of a value contradicts the slot's definition.
func (s *slot) doubt(v *connectors.Value, warn func(key string, value *connectors.Value, reason, hint string)) {
	if nothing(v, s.class) {
		return
	}
	if !s.class.fits(v) {
		warn(s.key, v, "the value of "+strconv.Quote(s.def.Name)+" is no "+classNames[s.class]+", as the field's type "+s.def.Type+" wants", "it is kept as it is; check the field in the CRM")
		return
	}
	if s.class != idClass && s.class != idsClass || len(s.def.Options) == 0 {
		return
	}
	list := source{split: true}
	items := list.items(v)
	for i := range items {
		known := slices.ContainsFunc(s.def.Options, func(o Option) bool { return o.ID == items[i].Text })
		if scalar(&items[i]) && !known {
			warn(s.key, &items[i], "the definition of "+strconv.Quote(s.def.Name)+" has no such option", "pull the field definitions again")
		}
	}
}

// fits tells whether a value can be what the class says.
func (c class) fits(v *connectors.Value) bool {
	switch c {
	case textClass:
		return scalar(v) || v.Kind == connectors.Date
	case numberClass:
		_, _, no := numberOf(v)
		return no == fine && v.Kind != connectors.Money
	case boolClass:
		_, no := toBool(nil, v, nil)
		return no == fine
	case dateClass:
		_, no := dayOf(v)
		return no == fine
	case moneyClass:
		_, _, no := numberOf(v)
		return no == fine
	case idClass:
		return scalar(v)
	case idsClass:
		return scalar(v) || v.Kind == connectors.List && !slices.ContainsFunc(v.Items, func(item connectors.Value) bool { return !scalar(&item) })
	}
	return true
}
