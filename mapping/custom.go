package mapping

import (
	"slices"
	"strings"
	"sync"

	"salesbook.dev/connectors"
)

// class is the form in which the values of a field stand in the custom
// document. A map's types say which class each of the vendor's field types has.
type class uint8

const (
	anyClass class = iota // as the value itself says
	textClass
	numberClass
	boolClass
	dateClass
	moneyClass
	idClass  // one option or record, as text
	idsClass // several of them
)

var classNames = [...]string{"any", "text", "number", "bool", "date", "money", "id", "ids"}

func classByName(name string) (class, bool) {
	i := slices.Index(classNames[:], name)
	return class(max(i, 0)), i >= 0
}

// maxRoom is the largest room that is lent again: one giant record must not
// cost its size in every worker for ever.
const maxRoom = 64 << 10

// buffers lends room to write documents in; what is kept of them is copied.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// document writes the custom document of a record: the slots in their order,
// then what the map has never heard of, both in the order of names. So the
// same values give the same bytes whatever the vendor's order is.
func (o *ObjectMap) document(at []*connectors.Value, strangers []*connectors.Pair) ([]byte, refusal, string) {
	room := buffers.Get().(*[]byte)
	defer func() {
		if cap(*room) <= maxRoom {
			buffers.Put(room)
		}
	}()
	b := append((*room)[:0], '{')
	for i, v := range at {
		s := &o.slots[i]
		if v == nil || s.keep == keepNothing {
			continue
		}
		var no refusal
		if b, no = s.append(b, v); no != fine {
			return nil, no, s.key
		}
	}
	slices.SortStableFunc(strangers, func(x, y *connectors.Pair) int { return strings.Compare(x.Key, y.Key) })
	for _, p := range strangers {
		if nothing(&p.Value, anyClass) {
			continue
		}
		b = append(appendString(appendComma(b), p.Key), ':')
		var no refusal
		if b, no = appendTyped(b, &p.Value, anyClass); no != fine {
			return nil, no, p.Key
		}
	}
	*room = append(b, '}')
	return slices.Clone(*room), fine, ""
}

// append appends what of the slot's value belongs into the document.
func (s *slot) append(b []byte, v *connectors.Value) ([]byte, refusal) {
	parts := s.keep == keepRest && v.Kind == connectors.Nested
	switch {
	case nothing(v, s.class),
		parts && !s.restOf(v),
		s.keep == keepRest && v.Kind == connectors.Money: // read by its parts, and it has no more than two
		return b, fine
	}
	b = append(appendComma(b), s.member...)
	if parts {
		return appendParts(b, v.Fields, s.mapped, 1)
	}
	return appendTyped(b, v, s.class)
}

// restOf tells whether v has parts that the map leaves.
func (s *slot) restOf(v *connectors.Value) bool {
	return slices.ContainsFunc(v.Fields, func(p connectors.Pair) bool {
		return p.Value.Kind != connectors.Null && !slices.Contains(s.mapped, p.Key)
	})
}

// memberOf writes a member's name with the colon after it.
func memberOf(key string) string { return string(append(appendString(nil, key), ':')) }

// appendComma separates members.
func appendComma(b []byte) []byte {
	if len(b) > 1 {
		b = append(b, ',')
	}
	return b
}

// appendTyped appends a value in the form of its class; what contradicts the
// class stays as it is.
func appendTyped(b []byte, v *connectors.Value, c class) ([]byte, refusal) {
	switch c {
	case textClass:
		if v.Kind == connectors.Number || v.Kind == connectors.Bool {
			return appendString(b, v.Text), fine
		}
	case numberClass:
		if v.Kind == connectors.Text {
			return appendNumber(b, v.Text), fine
		}
	case boolClass:
		if flag, no := toBool(nil, v, nil); no == fine {
			if flag == true {
				return append(b, "true"...), fine
			}
			return append(b, "false"...), fine
		}
	case moneyClass:
		if _, _, no := numberOf(v); no == fine {
			return appendMoney(b, v.Text, v.Unit), fine
		}
	case idClass:
		if scalar(v) {
			return appendString(b, v.Text), fine
		}
	case idsClass:
		return appendIDs(b, v)
	}
	return appendValue(b, v, 1)
}

// nothing tells values that mean "not set" in one of the vendor's shapes.
func nothing(v *connectors.Value, c class) bool {
	switch v.Kind {
	case connectors.Null:
		return true
	case connectors.Text, connectors.Money, connectors.Date:
		return v.Text == "" && c != textClass && c != anyClass
	case connectors.List:
		return len(v.Items) == 0 && c == idsClass
	}
	return false
}

// scalar tells values that are one word.
func scalar(v *connectors.Value) bool {
	return v.Kind == connectors.Text || v.Kind == connectors.Number || v.Kind == connectors.Bool
}

// appendIDs appends several ids: a list, one id, or the text "12,13" in which
// older shapes write them.
func appendIDs(b []byte, v *connectors.Value) ([]byte, refusal) {
	switch {
	case scalar(v):
		b = append(b, '[')
		for i, id := range strings.Split(v.Text, ",") {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendString(b, strings.TrimSpace(id))
		}
		return append(b, ']'), fine
	case v.Kind != connectors.List:
		return appendValue(b, v, 1)
	}
	b = append(b, '[')
	for i := range v.Items {
		if i > 0 {
			b = append(b, ',')
		}
		if item := &v.Items[i]; scalar(item) {
			b = appendString(b, item.Text)
			continue
		}
		var no refusal
		if b, no = appendValue(b, &v.Items[i], 2); no != fine {
			return b, no
		}
	}
	return append(b, ']'), fine
}
