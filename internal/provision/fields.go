package provision

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"salesbook.dev/internal/book"
)

// fields plans the fields that the book names and the CRM lacks.
func (p *planner) fields() {
	holds, done := p.c.Holds(), map[string]bool{}
	for _, f := range p.c.Fields() {
		if done[f.Folded] {
			continue
		}
		done[f.Folded] = true
		switch codes := p.crm.Named[f.Folded]; {
		case len(codes) > 1:
			p.hand("%d fields of deals are called %q: rename all but one, or name the one that is meant in the book by its code: %s", len(codes), f.Name, strings.Join(codes, ", "))
		case len(codes) == 1:
			p.fits(f, p.field(codes[0]), holds[f.Folded])
		default:
			p.lacks(f, holds[f.Folded])
		}
	}
	p.others(done)
}

func (p *planner) field(code string) *Field {
	i := slices.IndexFunc(p.crm.Fields, func(f Field) bool { return f.Code == code && code != "" })
	if i < 0 {
		return nil
	}
	return &p.crm.Fields[i]
}

// fits tells of a field that cannot hold what the book asks of it.
func (p *planner) fits(f book.NamedField, have *Field, want book.Content) {
	classes := map[book.Content][]string{book.ADay: {Date}, book.ANumber: {Number, "money"}}[want]
	if have == nil || classes == nil || slices.Contains(classes, have.Holds) {
		return
	}
	p.hand("field %q of deals holds %s, and the book asks it for a %s: make another one of that type, and give it the name once this one is called otherwise", have.Name, cmp.Or(have.Holds, "something else"), want)
}

// lacks plans a field that is not there.
func (p *planner) lacks(f book.NamedField, want book.Content) {
	for prefix, whose := range map[string]string{book.OfPerson: "people", book.OfCompany: "companies"} {
		if strings.HasPrefix(f.Folded, prefix) {
			p.hand("no field of %s is what the book calls %q: make it in the settings of the CRM; salesbook makes fields of deals alone", whose, f.Name)
			return
		}
	}
	if head, _, parted := cutLast(f.Folded); parted && len(p.crm.Named[head]) > 0 {
		p.hand("field %q of deals has no part that the book calls %q: mend the name in the book", head, f.Name)
		return
	}
	class := map[book.Content]string{book.AnyContent: Text, book.ADay: Date, book.ANumber: Number}[want]
	what := map[string]string{Text: "a text", Date: "a day", Number: "a number"}[class]
	p.made[f.Folded] = f.Name
	p.step(Step{Key: "fields/" + f.Folded, Kind: "fields", Set: p.newField(f.Name, class), Text: fmt.Sprintf("make field %q of deals, %s", f.Name, what)})
}

// cutLast parts a text at its last dot.
func cutLast(text string) (head, tail string, found bool) {
	i := strings.LastIndexByte(text, '.')
	if i < 0 {
		return text, "", false
	}
	return text[:i], text[i+1:], true
}

func (p *planner) newField(name, class string) map[string]any {
	return map[string]any{"object": "deals", "name": name, "type": class}
}

// others lists the account's own fields that the book does not name.
func (p *planner) others(done map[string]bool) {
	named := map[string]bool{p.crm.Card: true, p.crm.Reasons: true}
	for folded := range done {
		for _, code := range p.crm.Named[folded] {
			named[code] = true
		}
	}
	var others []string
	for i := range p.crm.Fields {
		if f := &p.crm.Fields[i]; f.Custom && !named[f.Code] && book.FoldField(f.Name) != book.FoldField(p.cardName()) {
			others = append(others, f.Name)
		}
	}
	if len(others) > 0 {
		p.alone("%s %s of deals", plural("field", len(others)), quoted(others))
	}
}

// card plans the field that shows on a deal's card what is missing.
func (p *planner) card() {
	if p.field(p.crm.Card) != nil {
		return
	}
	name := p.cardName()
	var same []*Field
	for i := range p.crm.Fields {
		if f := &p.crm.Fields[i]; book.FoldField(f.Name) == book.FoldField(name) {
			same = append(same, f)
		}
	}
	switch {
	case len(same) > 1:
		p.hand("%d fields of deals are called %q: rename all but one, that one shows what is missing", len(same), name)
	case len(same) == 1 && (same[0].Holds != Text || !same[0].Custom):
		p.hand("field %q of deals holds %s: rename it, so that one for what is missing can be made", name, cmp.Or(same[0].Holds, "something else"))
	case len(same) == 1:
		p.step(Step{Key: "card/" + same[0].Code, ID: same[0].Code, Card: true, Text: fmt.Sprintf("take field %q of deals for what is missing", name)})
	default:
		p.step(Step{Key: "card", Kind: "fields", Set: p.newField(name, Text), Card: true, Text: fmt.Sprintf("make field %q of deals, a text for what is missing", name)})
	}
}
