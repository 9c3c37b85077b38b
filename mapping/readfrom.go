package mapping

import (
	"maps"
	"slices"
)

// CodesOf returns the codes of the account's fields that a canonical field of a
// kind is read from, in their order: what the vendor calls by those codes is known
// as the canonical field.
func (m *Map) CodesOf(kind, field string) []string {
	codes := map[string]bool{}
	for _, o := range m.objects {
		if o.kind.Name != kind {
			continue
		}
		for i := range o.fields {
			if f := &o.fields[i]; f.Name == field {
				for _, s := range f.sources {
					if s.fixed == nil && !s.parent && s.name != homeTransform { // that reads only whether there is one
						codes[o.slots[s.slot].key] = true
					}
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(codes))
}

// Kept returns the definitions of the fields that may stand in the custom
// documents of a kind, in the order of their codes.
func (m *Map) Kept(kind string) []FieldDef {
	found := map[string]FieldDef{}
	for _, o := range m.objects {
		if o.kind.Name != kind {
			continue
		}
		for i := range o.slots {
			if s := &o.slots[i]; s.keep != keepNothing && s.def.Code != "" {
				found[s.def.Code] = s.def
			}
		}
	}
	out := make([]FieldDef, 0, len(found))
	for _, code := range slices.Sorted(maps.Keys(found)) {
		out = append(out, found[code])
	}
	return out
}
