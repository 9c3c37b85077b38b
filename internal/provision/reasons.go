package provision

import (
	"fmt"
	"slices"

	"salesbook.dev/internal/book"
)

// reasons plans the loss reasons of the book that reps cannot choose in the CRM.
func (p *planner) reasons() {
	b := p.c.Book
	if len(b.LossReasons) == 0 {
		return
	}
	f := p.field(p.crm.Reasons)
	if f == nil {
		p.hand("the CRM has no field for loss reasons: make a list of the book's reasons there, and name its field in the field map under deals › lost_reason")
		return
	}
	options := map[string]string{} // by folded text
	for _, o := range f.Options {
		options[book.FoldReason(o)] = o
	}
	var missing []string
	for i := range b.LossReasons {
		r := &b.LossReasons[i]
		other := ""
		for _, written := range append([]string{r.Name}, r.Spellings...) {
			if o, ok := options[book.FoldReason(written)]; ok && other == "" {
				other = o
			}
			delete(options, book.FoldReason(written))
		}
		switch {
		case other == "":
			missing = append(missing, r.Name)
		case book.FoldReason(other) != book.FoldReason(r.Name):
			p.alone("loss reason %q, another spelling of the book's %q", other, r.Name)
		}
	}
	for len(missing) > 0 {
		n := len(missing)
		if most := p.crm.OptionsAtOnce; most > 0 {
			n = min(n, most)
		}
		p.offer(f, missing[:n])
		missing = missing[n:]
	}
	p.otherReasons(options)
}

// offer plans that a field offers more reasons. The key has the first of them: once
// it is done, a plan has the steps behind it under the keys that they had before.
func (p *planner) offer(f *Field, reasons []string) {
	var add []Option
	for _, r := range reasons {
		add = append(add, Option{r})
	}
	s := Step{Key: "fields/" + f.Code + "/options/" + reasons[0], Kind: "fields", ID: f.Code, Set: map[string]any{"options": add},
		Text: fmt.Sprintf("field %q of deals offers the %s %s", f.Name, plural("loss reason", len(reasons)), quoted(reasons))}
	if !f.Custom {
		s.Else = "some CRMs let nobody but an administrator add loss reasons: do it in the settings of the CRM"
	}
	p.step(s)
}

// otherReasons tells of options that are no reasons of the book.
func (p *planner) otherReasons(options map[string]string) {
	var others, refused []string
	for _, o := range options {
		if slices.ContainsFunc(p.c.Book.Refused, func(r book.Refused) bool {
			return slices.ContainsFunc(append([]string{r.Text}, r.Spellings...), func(t string) bool { return book.FoldReason(t) == book.FoldReason(o) })
		}) {
			refused = append(refused, o)
		} else {
			others = append(others, o)
		}
	}
	slices.Sort(others)
	slices.Sort(refused)
	if len(others) > 0 {
		p.alone("%s %s", plural("loss reason", len(others)), quoted(others))
	}
	if len(refused) > 0 {
		p.hand("the CRM offers %s as %s, which the book refuses: take them off the list in the settings of the CRM", quoted(refused), plural("loss reason", len(refused)))
	}
}
