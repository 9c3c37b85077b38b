package book

import (
	"cmp"
	"slices"
	"strings"

	"salesbook.dev/internal/strictyaml"
)

// The prefixes of fields that are not the deal's or lead's own.
const (
	OfPerson  = "person."
	OfCompany = "company."
)

// NamedField is a field that the book speaks of.
type NamedField struct {
	Name   string
	Folded string // as Facts has it
	At     Place
	Where  string
}

// Fields lists the fields that the book speaks of, also in its expressions, each
// name once for each place.
func (c *Compiled) Fields() []NamedField { return c.fields }

// Reads tells whether the book asks for fields with a prefix, or may.
func (c *Compiled) Reads(prefix string) bool {
	return c.anyField || slices.ContainsFunc(c.fields, func(f NamedField) bool { return strings.HasPrefix(f.Folded, prefix) })
}

// Seen is what the CRMs know of the name of a field.
type Seen struct {
	Known   bool     // one of them has such a field
	Several []string // several fields of one of them are called so: their codes
	Labels  []string // what fields are called that could be meant
}

// fewFields is how many fields are listed where none is called like the one that
// is wanted.
const fewFields = 12

// UnknownFields are the fields that the book names and no CRM has, in the order of
// the text: a rule that asks for one is broken for every deal.
func (c *Compiled) UnknownFields(look func(folded string) Seen) (out Problems) {
	for _, f := range c.fields {
		s := look(f.Folded)
		if s.Known {
			continue
		}
		p := strictyaml.Problem{Place: f.At, Where: f.Where, Value: f.Name, Reason: "no CRM that is connected has such a field", Hint: strictyaml.Suggest(f.Name, s.Labels)}
		if strings.HasPrefix(p.Hint, "known:") && len(s.Labels) > fewFields {
			p.Hint = ""
		}
		if len(s.Several) > 0 {
			p.Reason, p.Hint = "several fields of the CRM are called so", "name one by its code: "+strings.Join(s.Several, ", ")
		}
		strictyaml.Add(&out, &p)
	}
	slices.SortStableFunc(out, func(a, b *strictyaml.Problem) int {
		return cmp.Or(cmp.Compare(a.Place.Line, b.Place.Line), cmp.Compare(a.Place.Column, b.Place.Column))
	})
	return out
}

// compileFields finds the fields that the book speaks of. Expressions are
// compiled before.
func (c *Compiled) compileFields() {
	add := func(at Place, where string, names ...string) {
		for _, name := range names {
			if c.folded[name] == "" {
				c.folded[name] = fold(name)
			}
			c.fields = append(c.fields, NamedField{name, c.folded[name], at, where})
		}
	}
	c.Book.eachField(add)
	c.Book.eachCondition(func(k *Condition, s scope) {
		if e := c.expressions[k]; e != nil {
			add(k.At, s.where, e.fields...)
			c.anyField = c.anyField || e.anyField
		}
	})
}

// eachField calls f with the fields that the book speaks of, but for those in
// expressions.
func (b *Book) eachField(f func(at Place, where string, names ...string)) {
	f(b.Leads.At, "leads › entry_data", b.Leads.Entry...)
	f(b.Leads.At, "leads › primary_demand", b.Leads.Demand...)
	f(b.Leads.At, "leads › reason_for_contact", b.Leads.Reason...)
	f(b.Leads.At, "leads › nuances", b.Leads.Nuances...)
	for i := range b.Segments {
		f(b.Segments[i].At, "segments › "+b.Segments[i].ID, b.Segments[i].Known...)
	}
	for i := range b.LossReasons {
		b.LossReasons[i].eachField("loss_reasons › "+b.LossReasons[i].ID, f)
	}
	for i := range b.Funnels {
		for j := range b.Funnels[i].Stages {
			s := &b.Funnels[i].Stages[j]
			f(s.At, "funnels › "+b.Funnels[i].ID+" › stages › "+s.ID, s.Required...)
		}
	}
	b.eachCondition(func(k *Condition, s scope) {
		f(k.At, s.where, k.Required...)
		switch {
		case k.Field != nil:
			f(k.Field.At, s.where, k.Field.Name)
		case k.DocumentSent != nil && k.DocumentSent.Field != "":
			f(k.At, s.where, k.DocumentSent.Field)
		}
	})
}

// eachField calls f with the fields that a reason speaks of outside its criteria.
func (r *LossReason) eachField(where string, f func(at Place, where string, names ...string)) {
	f(r.At, where, r.Facts...)
	if r.Nurture != nil && r.Nurture.Field != "" {
		f(r.Nurture.At, where+" › nurture", r.Nurture.Field)
	}
	for _, t := range r.OnLost {
		if t.Field != "" {
			f(t.At, where+" › on_lost", t.Field)
		}
	}
}

// fields checks that names of fields name something.
func (c *checker) fields() {
	c.b.eachField(func(at Place, where string, names ...string) {
		for _, name := range names {
			if folded := fold(name); folded == "" || folded == OfPerson || folded == OfCompany {
				c.fail(at, where, name, "no field is named", "as in Budget, person.Email or company.Industry")
			}
		}
	})
}
