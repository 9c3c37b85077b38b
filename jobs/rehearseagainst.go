package jobs

import (
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"salesbook.dev/internal/book"
)

// Against is what a draft says otherwise than the book in force.
type Against struct {
	Version      int           `json:"version"`         // of the book in force
	Rules        []RuleChange  `json:"rules"`           // broken under either
	Stale        StaleChange   `json:"stale"`           // deals that hang
	Reasons      []ReasonCount `json:"reasons_no_more"` // texts of losses that the book in force accepts and the draft does not, the most frequent first
	OtherReasons int           `json:"other_reasons"`   // losses for further texts, of which there are too many to keep
}

// RuleChange is how many deals and leads break a rule under one book or both.
type RuleChange struct {
	Rule     book.Rule `json:"rule"`
	Newly    int       `json:"newly_broken"`
	NoLonger int       `json:"no_longer_broken"`
	Still    int       `json:"still_broken"`
}

// StaleChange is which deals hang now under one book and not under the other,
// since whenever.
type StaleChange struct {
	Newly    int                        `json:"newly"`
	NoLonger int                        `json:"no_longer"`
	Still    int                        `json:"still"`
	Worth    map[string]decimal.Decimal `json:"worth"`    // of those that newly hang, by currency
	Examples []SubjectRef               `json:"examples"` // of those, the dearest first
}

// against is a comparison under way.
type against struct {
	active  activeBook
	draft   *book.Compiled
	since   time.Time
	now     time.Time
	rules   map[book.Rule]*RuleChange
	stale   StaleChange
	samples samples
	reasons texts
}

func newAgainst(active activeBook, r *rehearsal) *against {
	return &against{active: active, draft: r.c, since: r.options.Since, now: r.now, rules: map[book.Rule]*RuleChange{},
		stale: StaleChange{Worth: map[string]decimal.Decimal{}}, samples: samples{most: r.options.Samples}}
}

func (a *against) count(f *book.Facts, place string, draft, active []book.Verdict) {
	is, was := a.broken(draft), a.broken(active)
	for _, rule := range is {
		if slices.Contains(was, rule) {
			a.rule(rule).Still++
		} else {
			a.rule(rule).Newly++
		}
	}
	for _, rule := range was {
		if !slices.Contains(is, rule) {
			a.rule(rule).NoLonger++
		}
	}
	if f.Lead {
		return
	}
	a.hanging(f, place, hangs(draft), hangs(active))
	if f.Status == "lost" && !f.Lost.Before(a.since) && !f.Lost.After(a.now) && a.active.compiled.Accepts(f) && !a.draft.Accepts(f) {
		a.reasons.add(f.Reason)
	}
}

func (a *against) rule(rule book.Rule) *RuleChange {
	c := a.rules[rule]
	if c == nil {
		c = &RuleChange{Rule: rule}
		a.rules[rule] = c
	}
	return c
}

// broken are the rules that are broken, each once.
func (a *against) broken(verdicts []book.Verdict) (rules []book.Rule) {
	for i := range verdicts {
		if v := &verdicts[i]; brokenNow(v) && !v.Opened.Before(a.since) && !slices.Contains(rules, v.Rule) {
			rules = append(rules, v.Rule)
		}
	}
	return rules
}

// hangs is the first reason for which a deal hangs; nil: it does not.
func hangs(verdicts []book.Verdict) *book.Verdict {
	hanging := book.Hanging()
	for i := range verdicts {
		if v := &verdicts[i]; brokenNow(v) && slices.Contains(hanging, v.Rule) {
			return v
		}
	}
	return nil
}

func (a *against) hanging(f *book.Facts, place string, is, was *book.Verdict) {
	switch {
	case is != nil && was != nil:
		a.stale.Still++
	case is != nil:
		a.stale.Newly++
		addWorth(a.stale.Worth, f)
		a.samples.add(subjectRef(f, is, place))
	case was != nil:
		a.stale.NoLonger++
	}
}

func (a *against) result() *Against {
	out := &Against{Version: a.active.version, Rules: []RuleChange{}, Stale: a.stale}
	out.Stale.Examples = a.samples.dearest()
	names := a.draft.Book.RuleNames()
	for _, name := range a.active.compiled.Book.RuleNames() {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, name := range names {
		if c := a.rules[book.Rule(name)]; c != nil {
			out.Rules = append(out.Rules, *c)
		}
	}
	out.Reasons, out.OtherReasons = a.reasons.result()
	return out
}
