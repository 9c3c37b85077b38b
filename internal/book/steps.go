package book

import (
	"cmp"
	"time"
)

// Step is something that a rep did with a deal and that rules are about: he moved
// it from one stage of the book to another, called it won or gave it up as lost.
type Step struct {
	Number int // of the move, from 1, and of the end one more than of the last move; as Verdict.Step has it
	At     time.Time
	End    string // won or lost; empty: it was moved
	Place  string // funnel/stage where it stood; where it came to, if it stood in none of the book
	By     string // who did it, or else the owner
}

// Steps lists what was done with a deal by an instant. Into the first stage a
// deal does not move, it begins there.
func (c *Compiled) Steps(f *Facts, now time.Time) (steps []Step) {
	if f.Gone || f.Lead {
		return nil
	}
	c.eachMove(f, now, func(i int, from, to place) {
		if from.funnel == nil {
			from = to
		}
		m := &f.Moves[i]
		steps = append(steps, Step{Number: i + 1, At: m.At, Place: from.String(), By: cmp.Or(m.By, f.Owner)})
	})
	if end, at := f.End(now); end == "won" || end == "lost" {
		steps = append(steps, Step{Number: len(f.Moves) + 1, At: at, End: end, Place: c.Place(f, at), By: f.Owner})
	}
	return steps
}

// place is a stage of the book; without a funnel none of it.
type place struct {
	funnel *Funnel
	stage  int
}

// String is the place as funnel/stage.
func (p place) String() string { return p.funnel.ID + "/" + p.funnel.Stages[p.stage].ID }

// eachMove calls do for each move of a deal by an instant that ends in a stage of
// the book, other than the one that it began in, with the number of the move. Moves
// of salesbook's own are none: nobody is to answer for them.
func (c *Compiled) eachMove(f *Facts, now time.Time, do func(i int, from, to place)) {
	for i := 1; i < len(f.Moves) && !f.Moves[i].At.After(now); i++ {
		var from, to place
		from.funnel, from.stage = c.stage(f.Connection, f.Moves[i-1].Stage)
		to.funnel, to.stage = c.stage(f.Connection, f.Moves[i].Stage)
		if to.funnel != nil && from != to && !f.Moves[i].Ours {
			do(i, from, to)
		}
	}
}

// Accepts tells whether the loss reason of a deal is one of the book's. A book
// without reasons takes any that is not refused.
func (c *Compiled) Accepts(f *Facts) bool {
	m := c.Meaning(f.Reason, f.Renamed, f.Spellings)
	return m.Reason != nil || !m.Refused && len(c.reasons) == 0 && fold(f.Reason) != ""
}
