package jobs

import (
	"maps"
	"slices"
	"strings"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/postgres"
)

// unknownFields are the fields that a book names and none of the accounts has.
// before says what names meant until now. Nothing is told of accounts whose
// fields are not known.
func unknownFields(c *book.Compiled, accounts map[int64]accountFields, before []postgres.Binding) book.Problems {
	for _, a := range accounts {
		if a == nil {
			return nil
		}
	}
	return c.UnknownFields(func(folded string) book.Seen {
		if len(accounts) == 0 || slices.ContainsFunc(before, func(b postgres.Binding) bool { return b.Kind == book.BindsField && b.Ref == folded }) {
			return book.Seen{Known: true}
		}
		return look(folded, accounts)
	})
}

// look finds what the accounts know of a name.
func look(folded string, accounts map[int64]accountFields) (s book.Seen) {
	labels := map[string]bool{}
	for _, id := range slices.Sorted(maps.Keys(accounts)) {
		for _, kind := range asked(folded) {
			n := accounts[id][kind]
			if n.is[folded] != nil {
				return book.Seen{Known: true}
			}
			if keys := n.several[folded]; s.Several == nil && keys != nil {
				s.Several = slices.Compact(slices.Sorted(slices.Values(keys)))
			}
			for _, f := range n.is {
				if !f.gone {
					labels[f.label] = true
				}
			}
		}
	}
	s.Labels = slices.Sorted(maps.Keys(labels))
	return s
}

// bindFields says what the names of a book mean that renaming in the CRM would
// take from it. A name that nothing has now means what it meant before.
func bindFields(c *book.Compiled, accounts map[int64]accountFields, before []postgres.Binding) (out []postgres.Binding) {
	done := map[string]bool{}
	for _, f := range c.Fields() {
		if done[f.Folded] {
			continue
		}
		done[f.Folded] = true
		for _, id := range slices.Sorted(maps.Keys(accounts)) {
			out = append(out, bindField(f, id, accounts[id], before)...)
		}
	}
	return out
}

func bindField(f book.NamedField, connection int64, a accountFields, before []postgres.Binding) (out []postgres.Binding) {
	for _, kind := range asked(f.Folded) {
		found := a[kind].is[f.Folded]
		switch {
		case found == nil:
			i := slices.IndexFunc(before, func(b postgres.Binding) bool {
				return b.Connection == connection && b.Kind == book.BindsField && b.Ref == f.Folded && strings.HasPrefix(b.ID, kind+".")
			})
			if i >= 0 {
				out = append(out, before[i])
			}
		case found.id != "" && found.key != f.Folded: // its key is what nobody renames
			out = append(out, postgres.Binding{Connection: connection, Kind: book.BindsField, Ref: f.Folded, ID: found.id, Written: f.Name, Name: found.label})
		}
	}
	return out
}

// fieldDrift is what bound names mean that a CRM calls otherwise by now, or has
// deleted.
func fieldDrift(connection string, bound []postgres.Binding, a accountFields) (out []Renamed) {
	for _, b := range bound {
		if b.Kind != book.BindsField || a == nil {
			continue
		}
		kind, _, _ := strings.Cut(b.ID, ".")
		label := ""
		for _, f := range a[kind].is {
			if f.id == b.ID && !f.gone {
				label = f.label
			}
		}
		told := slices.ContainsFunc(out, func(r Renamed) bool { return r.Ref == b.Ref && r.Now == label }) // leads may have the fields of deals
		if !told && book.FoldField(label) != book.FoldField(b.Name) {
			out = append(out, Renamed{connection, "field", b.Ref, b.Written, b.Name, label, label == "", b.ID})
		}
	}
	return out
}
