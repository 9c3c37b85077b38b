package starter

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// What a number must come from to be worth something.
const (
	enoughWon    = 30 // won deals behind a limit or a field
	enoughClosed = 50 // closed deals behind a key stage
	usualDays    = 14 // the limit of a stage of which nothing is known
)

// Limit is how long a deal may stand in a stage, and why.
type Limit struct {
	Connection string `json:"connection"`
	Funnel     string `json:"funnel"` // id in the book
	Stage      string `json:"stage"`  // id in the book
	Days       int    `json:"days"`
	Source     Source `json:"source"`
	N          int    `json:"n"` // won deals behind it
}

// Source is where a limit comes from.
type Source string

// The sources, the best first.
const (
	FromWon   Source = "won deals"       // four of five won deals went on within it
	FromRot   Source = "rot days"        // the CRM calls a deal rotten then
	FromUsage Source = "usual fortnight" // neither is known
)

// limitOf chooses a stage's limit.
func limitOf(s *Stage) Limit {
	switch {
	case s.Stood >= enoughWon:
		const day = 24 * time.Hour
		return Limit{Days: max(1, int((s.Stay+day-1)/day)), Source: FromWon, N: s.Stood}
	case s.RotDays > 0:
		return Limit{Days: int(s.RotDays), Source: FromRot, N: s.Stood}
	}
	return Limit{Days: usualDays, Source: FromUsage, N: s.Stood}
}

// why says where a limit comes from.
func (l Limit) why() string {
	known := fmt.Sprintf("of only %d won deals it is known how long they stood here", l.N)
	if l.N == 0 {
		known = "of no won deal it is known how long it stood here"
	}
	switch l.Source {
	case FromWon:
		return fmt.Sprintf("four of five of %d won deals went on within it", l.N)
	case FromRot:
		return "the CRM's rot days; " + known
	}
	return "the usual fortnight: the CRM has no rot days, and " + known
}

// KeyStage is a stage whose passage tells who will buy.
type KeyStage struct {
	Funnel  string `json:"funnel"`
	Stage   string `json:"stage"`
	Reached int    `json:"reached"` // closed deals that came to it
	Bought  int    `json:"bought"`  // won ones among them
	Passed  int    `json:"passed"`  // closed deals that went on from it
	Won     int    `json:"won"`     // won ones among these
	// More is how many more of those who passed it bought than would have bought
	// at the rate of all who came to it.
	More float64 `json:"more"`
}

// keyStages weighs all stages of a pipeline but the last, whose passage is the
// sale itself: the best first. ids are theirs in the book.
func keyStages(p *Pipeline, funnel string, ids []string) []KeyStage {
	var out []KeyStage
	for i := range len(p.Stages) - 1 {
		at, next := &p.Stages[i], &p.Stages[i+1]
		if next.Reached == 0 {
			continue
		}
		k := KeyStage{Funnel: funnel, Stage: ids[i], Reached: at.Reached, Bought: at.ReachedWon, Passed: next.Reached, Won: next.ReachedWon}
		k.More = float64(k.Won) - rate(k.Bought, k.Reached)*float64(k.Passed)
		if k.More > 0 {
			out = append(out, k)
		}
	}
	slices.SortStableFunc(out, func(a, b KeyStage) int { return cmp.Compare(b.More, a.More) })
	return out[:min(len(out), 2)]
}

func (k KeyStage) why() string {
	return fmt.Sprintf("of %d deals that passed it %s were won, of all %d that came to it %s", k.Passed, share(k.Won, k.Passed), k.Reached, share(k.Bought, k.Reached))
}

// FieldProposal is a field that those who sell fill, and others do not.
type FieldProposal struct {
	Funnel string `json:"funnel"`
	Field  string `json:"field"`
	Won    int    `json:"won_percent"`
	Lost   int    `json:"lost_percent"`
}

// telling lists the fields of a pipeline that are filled in at least 80 % of
// won deals and in less than 50 % of lost ones.
func telling(p *Pipeline, funnel string) []FieldProposal {
	var out []FieldProposal
	if p.Won < enoughWon || p.Lost < enoughWon {
		return nil
	}
	for _, f := range p.Fields {
		if f.Won*100 >= p.Won*80 && f.Lost*100 < p.Lost*50 {
			out = append(out, FieldProposal{funnel, f.Name, 100 * f.Won / p.Won, 100 * f.Lost / p.Lost})
		}
	}
	return out
}

func rate(part, of int) float64 {
	if of == 0 {
		return 0
	}
	return float64(part) / float64(of)
}

func share(part, of int) string { return fmt.Sprintf("%.0f %%", 100*rate(part, of)) }
