package mapping

import (
	"encoding/json"

	"salesbook.dev/connectors"
)

// custom writes a field that stands in the custom document.
func (w *writing) custom(code string, value json.RawMessage) {
	n, ok := w.o.custom[code]
	if !ok {
		if n, ok = w.o.standard[code]; ok && w.o.slots[n].keep != keepAll {
			w.fail(aPart, "")
			return
		}
	}
	if !ok || w.o.slots[n].def.Deleted {
		w.fail(noCustom, "")
		return
	}
	if isNone(value) {
		w.put(n, connectors.Value{})
		return
	}
	v, ok := w.o.slots[n].class.back(value)
	if !ok {
		w.fail(notOfType, string(value))
		return
	}
	w.put(n, v)
}

// back reads a value of a custom document, in the form that its class has there.
func (c class) back(value json.RawMessage) (connectors.Value, bool) {
	switch c {
	case textClass:
		text, ok := read[string](value)
		return connectors.Value{Kind: connectors.Text, Text: text}, ok
	case numberClass:
		return numberIn(value)
	case boolClass:
		_, ok := read[bool](value)
		return plainOf(value), ok
	case dateClass:
		text, _ := read[string](value)
		day, no := dayOf(&connectors.Value{Kind: connectors.Date, Text: text})
		return connectors.Value{Kind: connectors.Date, Text: day}, no == fine && day != ""
	case moneyClass:
		return moneyBack(value)
	case idClass:
		id, ok := read[string](value)
		return idOf(id), ok && id != ""
	case idsClass:
		return idsBack(value)
	}
	return plainOf(value), json.Valid(value)
}

func moneyBack(value json.RawMessage) (connectors.Value, bool) {
	parts, ok := read[struct{ Amount, Currency string }](value)
	_, sound := scanNumber(parts.Amount)
	return connectors.Value{Kind: connectors.Money, Text: parts.Amount, Unit: parts.Currency}, ok && sound
}

// idsBack writes several ids; none is null, as no document holds an empty list.
func idsBack(value json.RawMessage) (connectors.Value, bool) {
	ids, ok := read[[]string](value)
	if !ok || len(ids) == 0 {
		return connectors.Value{}, ok
	}
	out := connectors.Value{Kind: connectors.List}
	for _, id := range ids {
		out.Items = append(out.Items, idOf(id))
	}
	return out, true
}
