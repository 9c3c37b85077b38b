package jobs

import (
	"slices"

	"salesbook.dev/internal/book"
	"salesbook.dev/mapping"
)

// renames are the names that options of a CRM's loss reasons have and had, of
// those that were ever renamed: by folded name, the other names. A deal has the
// text that its reason had when it was lost, and a CRM does not say whether it
// rewrites old deals when somebody renames a reason; with all its names, it does
// not matter.
type renames map[string][]string

// renamesOf finds the renamed options of the fields that loss reasons are read
// from.
func renamesOf(m *mapping.Map, d *mapping.Dictionary) renames {
	out := renames{}
	for _, code := range m.CodesOf("deals", "lost_reason") {
		def, _ := d.Field(m.DictionaryOf("deals"), code)
		for i := range def.Options {
			if labels := def.Options[i].Labels(); len(labels) > 1 {
				out.add(labels)
			}
		}
	}
	return out
}

// add notes the names of one option.
func (r renames) add(labels []string) {
	for _, label := range labels {
		key := book.FoldReason(label)
		for _, other := range labels {
			if book.FoldReason(other) != key && !slices.Contains(r[key], other) {
				r[key] = append(r[key], other)
			}
		}
	}
}

// of are the other names of a text.
func (r renames) of(text string) []string {
	if len(r) == 0 {
		return nil
	}
	return r[book.FoldReason(text)]
}
