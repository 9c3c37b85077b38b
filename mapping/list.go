package mapping

import (
	"slices"
	"strings"

	"salesbook.dev/connectors"
)

// items returns what a rule with each, or for a field with a list, reads: the
// items of a list, the ids of a text, or else the value itself.
func (s *source) items(v *connectors.Value) []connectors.Value {
	switch {
	case v.Kind == connectors.List:
		return v.Items
	case s.split && v.Kind == connectors.Text:
		var out []connectors.Value
		for _, id := range strings.Split(v.Text, ",") {
			out = append(out, connectors.Value{Kind: connectors.Text, Text: strings.TrimSpace(id)})
		}
		return out
	}
	return []connectors.Value{*v}
}

// firstItem returns the item to take where the field holds only one.
func (s *source) firstItem(v *connectors.Value) (*connectors.Value, refusal) {
	for _, favourites := range [2]bool{true, false} {
		items := s.items(v)
		for i := range items {
			if s.favourite(&items[i]) != favourites {
				continue
			}
			if item, no := follow(&items[i], s.each); no != fine || item != nil {
				return item, no
			}
		}
	}
	return nil, fine
}

// favourite tells whether an item carries the flag that puts it first.
func (s *source) favourite(item *connectors.Value) bool {
	if s.first == "" || item.Kind != connectors.Nested {
		return false
	}
	i := slices.IndexFunc(item.Fields, func(p connectors.Pair) bool { return p.Key == s.first })
	return i >= 0 && isTrue(&item.Fields[i].Value)
}

// convertList converts each item; favourites come first, nulls and repetitions
// are left out. An empty list is null.
func (s *source) convertList(v *connectors.Value) (any, refusal) {
	items := s.items(v)
	out := make([]string, 0, len(items))
	seen := newSeen(len(items))
	for _, favourites := range [2]bool{true, false} {
		if favourites && s.first == "" {
			continue
		}
		for i := range items {
			if s.favourite(&items[i]) != favourites {
				continue
			}
			item, no := follow(&items[i], s.each)
			if no != fine {
				return nil, no
			}
			if item == nil {
				continue
			}
			one, no := s.convertOne(item, nil)
			if no != fine {
				return nil, no
			}
			if text, ok := one.(string); ok && !seen.before(out, text) {
				out = append(out, text)
			}
		}
	}
	if len(out) == 0 {
		return nil, fine
	}
	return out, fine
}

// seen finds repetitions: by looking through short lists, by a set for long
// ones, so that a hostile record cannot cost the square of its length.
type seen map[string]bool

func newSeen(length int) seen {
	if length <= 32 {
		return nil
	}
	return make(seen, length)
}

// before tells whether text is among out already, and notes it.
func (s seen) before(out []string, text string) bool {
	if s == nil {
		return slices.Contains(out, text)
	}
	was := s[text]
	s[text] = true
	return was
}
