package jobs

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"salesbook.dev/internal/book"
)

// RuleCount is how often a rule is broken.
type RuleCount struct {
	Rule     book.Rule                  `json:"rule"`
	Broken   int                        `json:"broken"`   // violations that are not mended
	Subjects int                        `json:"subjects"` // deals and leads that have some
	Mended   int                        `json:"mended"`
	Cannot   int                        `json:"cannot_judge"`
	Assumed  int                        `json:"on_present_values"`       // of the broken: judged on later values, for want of older ones
	Share    float64                    `json:"share_on_present_values"` // of the broken, from 0 to 1
	Worth    map[string]decimal.Decimal `json:"worth"`                   // of the deals, by currency
	ByFunnel map[string]int             `json:"by_funnel"`               // violations
	ByPlace  map[string]int             `json:"by_stage"`                // violations by funnel/stage
	ByRep    map[string]int             `json:"by_rep"`
	Examples []SubjectRef               `json:"examples"` // the dearest first
	samples  samples
}

// SubjectRef names a deal or lead that breaks a rule.
type SubjectRef struct {
	Connection string           `json:"connection"`
	Kind       string           `json:"kind"`
	ID         string           `json:"id"`
	Title      string           `json:"title"`
	Amount     *decimal.Decimal `json:"amount,omitempty"`
	Currency   string           `json:"currency,omitempty"`
	Place      string           `json:"place,omitempty"`
	Rep        string           `json:"rep,omitempty"`
	Rule       book.Rule        `json:"rule"`
	Detail     string           `json:"detail,omitempty"`
	Opened     time.Time        `json:"opened_at"`
	Assumed    bool             `json:"on_present_values,omitempty"`
	Evidence   []book.Evidence  `json:"evidence"`
}

func newRuleCount(rule book.Rule, most int) *RuleCount {
	return &RuleCount{Rule: rule, Worth: map[string]decimal.Decimal{}, ByFunnel: map[string]int{}, ByPlace: map[string]int{}, ByRep: map[string]int{}, samples: samples{most: most}}
}

// brokenNow tells a rule that is broken from one that is mended or cannot be
// judged.
func brokenNow(v *book.Verdict) bool { return v.Mended.IsZero() && v.Cannot == "" }

// add counts a verdict; first tells that it is the subject's first of the rule.
func (c *RuleCount) add(f *book.Facts, v *book.Verdict, place string, first bool) {
	switch {
	case v.Cannot != "":
		c.Cannot++
		return
	case !v.Mended.IsZero():
		c.Mended++
		return
	}
	c.Broken++
	funnel, _, _ := strings.Cut(place, "/")
	c.ByFunnel[funnel]++
	c.ByPlace[place]++
	c.ByRep[f.Owner]++
	if v.Assumed {
		c.Assumed++
	}
	if !first {
		return
	}
	c.Subjects++
	addWorth(c.Worth, f)
	c.samples.add(subjectRef(f, v, place))
}

func (c *RuleCount) result() RuleCount {
	c.Examples = c.samples.dearest()
	if c.Broken > 0 {
		c.Share = float64(c.Assumed) / float64(c.Broken)
	}
	return *c
}

func addWorth(sums map[string]decimal.Decimal, f *book.Facts) {
	if f.Amount != nil {
		sums[f.Currency] = sums[f.Currency].Add(*f.Amount)
	}
}

func subjectRef(f *book.Facts, v *book.Verdict, place string) SubjectRef {
	kind := "deal"
	if f.Lead {
		kind = "lead"
	}
	return SubjectRef{Connection: f.Connection, Kind: kind, ID: f.ID, Title: f.Title, Amount: f.Amount, Currency: f.Currency, Place: place, Rep: f.Owner,
		Rule: v.Rule, Detail: v.Detail, Opened: v.Opened.UTC(), Assumed: v.Assumed, Evidence: append([]book.Evidence{}, v.Evidence...)}
}

// samples keeps the dearest of many deals and leads.
type samples struct {
	most int
	list []SubjectRef
}

func (s *samples) add(ref SubjectRef) {
	if s.list = append(s.list, ref); len(s.list) >= 4*s.most+16 {
		s.list = s.dearest()
	}
}

// dearest are those that are worth most, the dearest first.
func (s *samples) dearest() []SubjectRef {
	worth := func(s *SubjectRef) decimal.Decimal {
		if s.Amount == nil {
			return decimal.Zero
		}
		return *s.Amount
	}
	slices.SortStableFunc(s.list, func(a, b SubjectRef) int {
		return cmp.Or(worth(&b).Cmp(worth(&a)), a.Opened.Compare(b.Opened), cmp.Compare(a.ID, b.ID))
	})
	clear(s.list[min(len(s.list), s.most):])
	return append([]SubjectRef{}, s.list[:min(len(s.list), s.most)]...)
}

// ReasonCount is a text that stands as a loss reason and is none.
type ReasonCount struct {
	Text        string            `json:"text"` // empty: none was given
	Count       int               `json:"count"`
	Suggestions []book.Suggestion `json:"suggestions,omitempty"` // what it may mean
}

// mostTexts bounds the different texts that are kept: where reps write freely
// each loss may have one of its own.
const mostTexts = 10_000

// texts counts texts however they are capitalized, by their first spelling.
type texts struct {
	counts map[string]*ReasonCount // by folded text
	other  int                     // of those that found no room
}

func (t *texts) add(text string) {
	key := book.FoldReason(text)
	c := t.counts[key]
	switch {
	case c != nil:
		c.Count++
	case len(t.counts) == mostTexts:
		t.other++
	case t.counts == nil:
		t.counts = map[string]*ReasonCount{key: {Text: text, Count: 1}}
	default:
		t.counts[key] = &ReasonCount{Text: text, Count: 1}
	}
}

// result lists the texts, the most frequent first.
func (t *texts) result() (list []ReasonCount, other int) {
	list = []ReasonCount{}
	for _, key := range slices.Sorted(maps.Keys(t.counts)) {
		list = append(list, *t.counts[key])
	}
	slices.SortStableFunc(list, func(a, b ReasonCount) int { return cmp.Compare(b.Count, a.Count) })
	return list, t.other
}
