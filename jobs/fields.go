package jobs

import (
	"slices"
	"strings"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/postgres"
	"salesbook.dev/internal/sales"
	"salesbook.dev/mapping"
)

// crmField is a field of a CRM's deals, leads, people or companies, as the book
// may name it.
type crmField struct {
	id    string // its kind and code, as in deals.value; empty: salesbook's own name of one that the CRM does not define
	key   string // as book.Facts has it
	label string // what the CRM calls it, with the prefix of its kind
	gone  bool   // the account has it no longer
	names []string
}

// prefixOf is what stands before the names of a kind's fields in a book.
func prefixOf(kind string) string {
	switch kind {
	case "people":
		return book.OfPerson
	case "companies":
		return book.OfCompany
	}
	return ""
}

// factOf is the name under which a field of a kind stands in book.Facts; empty: it
// does not.
func factOf(kind, field string) string {
	switch field {
	case "owner_id", "person_id", "company_id":
		field = field[:len(field)-len("_id")]
	case "title", "amount", "currency", "expected_close", "source":
	default:
		if prefixOf(kind) == "" {
			return "" // of deals and leads the book knows the rest as status, moves and the like
		}
	}
	return prefixOf(kind) + field
}

// fieldsOf lists the fields of a kind: first salesbook's own, then those that
// stand in custom documents.
func fieldsOf(kind string, m *mapping.Map, d *mapping.Dictionary) []crmField {
	k, _ := sales.KindByName(kind)
	prefix := prefixOf(kind)
	var out []crmField
	for _, f := range k.Fields {
		key := factOf(kind, f.Name)
		if key == "" {
			continue
		}
		one := crmField{key: key, label: key, names: []string{key}}
		for _, code := range m.CodesOf(kind, f.Name) {
			if def, ok := d.Field(m.DictionaryOf(kind), code); ok {
				one.id, one.label = kind+"."+code, prefix+def.Name
				one.names = append(one.names, book.FoldField(prefix+def.Name), book.FoldField(prefix+code))
			}
		}
		out = append(out, one)
	}
	for _, kept := range m.Kept(kind) {
		def, ok := d.Field(m.DictionaryOf(kind), kept.Code)
		if !ok {
			def = kept
		}
		key := book.FoldField(prefix + def.Code)
		out = append(out, crmField{id: kind + "." + def.Code, key: key, label: prefix + def.Name, gone: def.Deleted, names: []string{key, book.FoldField(prefix + def.Name)}})
	}
	return out
}

// naming says which field each name means.
type naming struct {
	is      map[string]*crmField
	several map[string][]string // names that mean nothing, since several fields have them: the keys of those
	keys    map[string]string   // by id: the key of the field, or of the first of its parts
}

// namingOf finds what names mean. Salesbook's own names come first; fields that
// the account has no longer come last.
func namingOf(fields []crmField) naming {
	n := naming{is: map[string]*crmField{}, several: map[string][]string{}, keys: map[string]string{}}
	for i := range fields {
		if f := &fields[i]; n.keys[f.id] == "" {
			n.keys[f.id] = f.key
		}
	}
	n.claim(fields, func(f *crmField) []string { return f.names[:1] })
	n.claim(fields, func(f *crmField) []string {
		if f.gone {
			return nil
		}
		return f.names[1:]
	})
	n.claim(fields, func(f *crmField) []string { return f.names[1:] })
	return n
}

// claim gives fields those of their names that nobody has yet.
func (n *naming) claim(fields []crmField, names func(f *crmField) []string) {
	claimed := map[string][]*crmField{}
	for i := range fields {
		f := &fields[i]
		for _, name := range names(f) {
			taken := n.is[name] != nil || n.several[name] != nil
			same := slices.ContainsFunc(claimed[name], func(o *crmField) bool { return o.id == f.id && f.id != "" || o == f })
			if !taken && !same { // two of ours may be parts of one of the CRM's
				claimed[name] = append(claimed[name], f)
			}
		}
	}
	for name, list := range claimed {
		if len(list) == 1 {
			n.is[name] = list[0]
			continue
		}
		for _, f := range list {
			n.several[name] = append(n.several[name], f.key)
		}
	}
}

// accountFields are the fields of all that a book may ask about in one account.
type accountFields map[string]naming // by kind

// accountFieldsOf finds the fields of all that a book asks about.
func accountFieldsOf(m *mapping.Map, d *mapping.Dictionary, c *book.Compiled) accountFields {
	out := accountFields{}
	for _, kind := range []string{"deals", "leads", "people", "companies"} {
		if prefix := prefixOf(kind); prefix != "" && !c.Reads(prefix) {
			continue
		}
		out[kind] = namingOf(fieldsOf(kind, m, d))
	}
	return out
}

// asked are the kinds whose fields a name may mean.
func asked(name string) []string {
	switch {
	case strings.HasPrefix(name, book.OfPerson):
		return []string{"people"}
	case strings.HasPrefix(name, book.OfCompany):
		return []string{"companies"}
	}
	return []string{"deals", "leads"}
}

// aliases are the names under which a book may ask of deals, or leads, for what
// stands in facts under another.
func (a accountFields) aliases(kind string, bound []postgres.Binding) map[string]string {
	out := map[string]string{}
	for _, k := range []string{kind, "people", "companies"} {
		for name, f := range a[k].is {
			if f.key != name {
				out[name] = f.key
			}
		}
		for _, b := range bound {
			if key := a[k].keys[b.ID]; b.Kind == book.BindsField && key != "" && key != b.Ref {
				out[b.Ref] = key
			}
		}
	}
	return out
}
