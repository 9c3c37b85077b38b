package handbook

import (
	"slices"
	"strings"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/language"
)

// broken says which rule a case breaks, and below it what the book asks for
// where the case itself tells: the reason that was given, the answer that was
// due.
func (w *writer) broken(rule book.Rule, k *book.Case) line {
	l := text(w.Rule(string(rule)))
	if rule == book.FirstResponse && w.book.Leads.FirstResponse != nil {
		l.Below = []line{text(w.Say(language.AnswerWithin, w.Length(*w.book.Leads.FirstResponse)))}
	}
	if k.Deal != nil && k.Deal.Lost != nil {
		l.Below = append(l.Below, w.ofReason(rule, k.Deal.Lost.Reason)...)
	}
	return l
}

// ofReason is what the book says of the reason that a rule is about.
func (w *writer) ofReason(rule book.Rule, given string) []line {
	if rule == book.LossReasonRefused {
		for _, r := range w.book.Refused {
			if r.Why != "" && names(given, r.Text, r.Spellings) {
				return []line{text(r.Why)}
			}
		}
		return nil
	}
	i := slices.IndexFunc(w.book.LossReasons, func(r book.LossReason) bool { return names(given, r.Name, r.Spellings) })
	if i < 0 {
		return nil
	}
	r := &w.book.LossReasons[i]
	switch rule {
	case book.LossTooEarly:
		return []line{text(w.Say(language.NotBefore, w.Stages(r.From)))}
	case book.LossCriteria:
		return clauses(w.Conditions(r.Criteria))
	case book.LossFacts:
		return []line{text(strings.Join(w.Fields(r.Facts), ", "))}
	case book.LossApproval:
		if r.Approval != nil {
			return []line{text(w.approval(r.Approval))}
		}
	}
	return nil
}

// names tells whether a text is the name of something or another spelling of it,
// without regard to case and blanks.
func names(text, name string, spellings []string) bool {
	return slices.ContainsFunc(append([]string{name}, spellings...), func(s string) bool { return book.FoldField(s) == book.FoldField(text) })
}
