package jobs

import (
	"cmp"
	"slices"
	"time"

	"salesbook.dev/internal/book"
)

// Steps are what reps did with deals, and what of it a book would have refused:
// moves from stage to stage, wins and losses that broke a rule when they
// happened, whether that was mended later or not.
type Steps struct {
	StepCount
	ByKind  map[string]*StepCount `json:"by_kind"`  // moved, won, lost
	ByPlace map[string]*StepCount `json:"by_stage"` // by the funnel/stage that the deal stood in
	ByRep   map[string]*StepCount `json:"by_rep"`   // who did it, or else the deal's owner
	ByRule  map[book.Rule]int     `json:"by_rule"`  // refused for it, among others
}

// StepCount counts steps.
type StepCount struct {
	Judged  int     `json:"judged"`
	Refused int     `json:"refused"`
	Cannot  int     `json:"cannot_judge"` // not refused, but something about them cannot be judged
	Share   float64 `json:"share"`        // refused of those judged, from 0 to 1
}

func newSteps() Steps {
	return Steps{ByKind: map[string]*StepCount{}, ByPlace: map[string]*StepCount{}, ByRep: map[string]*StepCount{}, ByRule: map[book.Rule]int{}}
}

func (s *Steps) count(steps []book.Step, verdicts []book.Verdict, since time.Time) {
	for i := range steps {
		step := &steps[i]
		if step.At.Before(since) {
			continue
		}
		one := StepCount{Judged: 1}
		var rules []book.Rule
		for n := range verdicts {
			v := &verdicts[n]
			switch {
			case v.Step != step.Number:
			case v.Cannot != "":
				one.Cannot = 1
			case !slices.Contains(rules, v.Rule):
				rules = append(rules, v.Rule)
				s.ByRule[v.Rule]++
			}
		}
		if len(rules) > 0 {
			one.Refused, one.Cannot = 1, 0
		}
		s.Add(one)
		at(s.ByKind, cmp.Or(step.End, "moved")).Add(one)
		at(s.ByPlace, step.Place).Add(one)
		at(s.ByRep, step.By).Add(one)
	}
}

func at(counts map[string]*StepCount, key string) *StepCount {
	c := counts[key]
	if c == nil {
		c = &StepCount{}
		counts[key] = c
	}
	return c
}

// Add adds the steps of another count.
func (c *StepCount) Add(o StepCount) {
	c.Judged += o.Judged
	c.Refused += o.Refused
	c.Cannot += o.Cannot
	if c.Judged > 0 {
		c.Share = float64(c.Refused) / float64(c.Judged)
	}
}
