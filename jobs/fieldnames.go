package jobs

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/strictyaml"
)

// fewFields is how many fields are listed where none is called like the one that
// is wanted.
const fewFields = 12

// unknownFields are the fields that a book names and none of the accounts has: a
// rule that asks for one is broken for every deal. before says what names meant
// until now. Nothing is told of accounts whose fields are not known.
func unknownFields(c *book.Compiled, accounts map[int64]accountFields, before []postgres.Binding) (out book.Problems) {
	for _, a := range accounts {
		if a == nil {
			return nil
		}
	}
	for _, f := range c.Fields() {
		meant := slices.ContainsFunc(before, func(b postgres.Binding) bool { return b.Kind == book.BindsField && b.Ref == f.Folded })
		if meant || len(accounts) == 0 || known(f.Folded, accounts) {
			continue
		}
		p := strictyaml.Problem{Place: f.At, Where: f.Where, Value: f.Name, Reason: "no CRM that is connected has such a field", Hint: suggestField(f.Name, f.Folded, accounts)}
		if keys := sharedBy(f.Folded, accounts); len(keys) > 0 {
			p.Reason, p.Hint = "several fields of the CRM are called so", "name one by its code: "+strings.Join(keys, ", ")
		}
		strictyaml.Add(&out, &p)
	}
	slices.SortStableFunc(out, func(a, b *strictyaml.Problem) int {
		return cmp.Or(cmp.Compare(a.Place.Line, b.Place.Line), cmp.Compare(a.Place.Column, b.Place.Column))
	})
	return out
}

// known tells whether one of the accounts has a field of that name.
func known(folded string, accounts map[int64]accountFields) bool {
	for _, a := range accounts {
		for _, kind := range asked(folded) {
			if a[kind].is[folded] != nil {
				return true
			}
		}
	}
	return false
}

// sharedBy are the keys of several fields of one account that have a name.
func sharedBy(folded string, accounts map[int64]accountFields) []string {
	for _, id := range slices.Sorted(maps.Keys(accounts)) {
		for _, kind := range asked(folded) {
			if keys := accounts[id][kind].several[folded]; len(keys) > 0 {
				return slices.Compact(slices.Sorted(slices.Values(keys)))
			}
		}
	}
	return nil
}

// suggestField names the field that is called most like a name.
func suggestField(name, folded string, accounts map[int64]accountFields) string {
	labels := map[string]bool{}
	for _, a := range accounts {
		for _, kind := range asked(folded) {
			for _, f := range a[kind].is {
				if !f.gone {
					labels[f.label] = true
				}
			}
		}
	}
	hint := strictyaml.Suggest(name, slices.Sorted(maps.Keys(labels)))
	if strings.HasPrefix(hint, "known:") && len(labels) > fewFields {
		return ""
	}
	return hint
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
