package handbook

import (
	"slices"
	"strings"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/language"
)

// control tells when a deal hangs and what follows when a rule is broken.
func (w *writer) control() []section {
	k := &w.book.Control
	e := w.entries()
	e.add(language.Hangs, texts(w.hangs(k))...)
	if k.LargeDeal != nil {
		e.say(language.LargeDeals, w.Say(language.LargeAtOnce, w.Amount(*k.LargeDeal)))
	}
	if len(k.Touches) > 0 {
		e.say(language.Touch, w.Say(language.TouchBy, strings.Join(w.activityTypes(k.Touches), ", ")))
	} else {
		e.say(language.Touch, w.Say(language.TouchUsual))
	}
	if k.Grace != nil && k.Grace.N > 0 {
		e.say(language.GraceFor, w.Say(language.GraceWithin, w.Length(*k.Grace)))
	} else {
		e.say(language.GraceFor, w.Say(language.GraceNone))
	}
	return []section{{ID: "hanging", Entries: e.list}, w.enforcement()}
}

func (w *writer) activityTypes(codes []string) []string {
	out := make([]string, len(codes))
	for i, code := range codes {
		out[i] = w.ActivityType(code)
	}
	return out
}

// hangs lists what makes a deal hang.
func (w *writer) hangs(k *book.Control) []string {
	var out []string
	bound := func(everywhere *book.Span, what, own language.Phrase, of func(*book.Stage) *book.Span) {
		switch {
		case everywhere != nil:
			out = append(out, w.Say(what, w.Length(*everywhere)))
		case w.anyStage(func(s *book.Stage) bool { return of(s) != nil }):
			out = append(out, w.Say(own))
		}
	}
	bound(k.Limit, language.HangsLimit, language.HangsOwn, func(s *book.Stage) *book.Span { return s.Limit })
	bound(k.NoTouch, language.HangsTouch, language.HangsOwnTouch, func(s *book.Stage) *book.Span { return s.NoTouch })
	late := func(grace book.Span, now, after language.Phrase) {
		if grace.N == 0 {
			out = append(out, w.Say(now))
			return
		}
		out = append(out, w.Say(after, w.Length(grace)))
	}
	out = append(out, w.Say(language.HangsNoStep))
	late(or(k.Overdue, book.Span{N: 1, Unit: book.WorkingDays}), language.HangsStepNow, language.HangsStep)
	late(or(k.CloseDate, book.Span{Unit: book.Days}), language.HangsPast, language.HangsClose)
	return out
}

func or(s *book.Span, otherwise book.Span) book.Span {
	if s != nil {
		return *s
	}
	return otherwise
}

func (w *writer) anyStage(is func(*book.Stage) bool) bool {
	return slices.ContainsFunc(w.book.Funnels, func(f book.Funnel) bool {
		return slices.ContainsFunc(f.Stages, func(s book.Stage) bool { return is(&s) })
	})
}

// enforcement is what is done about each rule and from when. A book that says
// nothing observes.
func (w *writer) enforcement() section {
	t := &table{Head: []string{w.Say(language.RuleName), w.Say(language.ModeName), w.Say(language.FromDay), w.Say(language.GraceName)}}
	var all [][]string
	for i := range w.book.Enforcement {
		e := &w.book.Enforcement[i]
		if row := w.enforced(e); e.Rule == "all" {
			all = append(all, row)
		} else {
			t.Rows = append(t.Rows, row)
		}
	}
	if len(all) == 0 {
		all = [][]string{w.enforced(&book.Enforcement{Rule: "all"})}
	}
	if len(t.Rows) > 0 {
		for _, row := range all {
			row[0] = w.Say(language.AllRules)
		}
	}
	t.Rows = append(t.Rows, all...)
	return section{ID: "enforcement", Title: w.Say(language.Consequences), Table: t}
}

func (w *writer) enforced(e *book.Enforcement) []string {
	rule, mode := w.Say(language.EveryRule), e.Mode
	if e.Rule != "all" {
		rule = w.Rule(e.Rule)
	}
	if mode == "" {
		mode = book.Observe
	}
	from, grace := w.Say(language.FromTheStart), w.Say(language.NoGrace)
	if e.From != nil {
		from = w.Day(*e.From)
	}
	if e.Grace != nil && e.Grace.N > 0 {
		grace = w.Length(*e.Grace).String()
	}
	return []string{rule, w.Mode(string(mode)), from, grace}
}
