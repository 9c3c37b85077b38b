package jobs

import (
	"slices"
	"time"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/enforce"
)

// Doing is what a book would do about what it says, if everything that is broken
// now, or since an instant, were news. What broke before a book is put in force it
// leaves in peace, but for the cards.
type Doing struct {
	OpenDeals int `json:"open_deals"`
	Cards     int `json:"cards"`   // of deals, that would show something
	Tasks     int `json:"tasks"`   // deals and leads with a task
	Made      int `json:"made"`    // activities that stages and losses would make
	Reverts   int `json:"reverts"` // moves and endings that would be taken back
	Told      int `json:"told"`    // things that people would be told at once
	Changed   int `json:"changed"` // deals that would be changed by more than their card
}

// doing counts what a draft would do.
type doing struct {
	policy enforce.Policy
	now    time.Time
	makes  bool
	Doing
}

// newDoing is nil for a draft that only shows what it finds.
func newDoing(c *book.Compiled, o RehearseOptions, now time.Time) *doing {
	modes := enforce.Modes(c.Book)
	if len(modes) == 0 && !c.Book.Makes() {
		return nil
	}
	d := &doing{policy: enforce.Policy{Book: c, Since: enforce.Since{}, Read: o.Since, Active: o.Since}, now: now, makes: c.Book.Makes() && !o.Since.IsZero()}
	if o.Since.IsZero() {
		d.policy.Active = now // what every stage and loss of the past would have made says nothing
	}
	for rule, list := range modes {
		d.policy.Since[rule] = map[book.Mode]time.Time{}
		for _, mode := range list {
			d.policy.Since[rule][mode] = o.Since
		}
	}
	return d
}

func (d *doing) count(f *book.Facts, j *book.Judgement) {
	if !f.Lead && f.Status == "open" && !f.Ended(d.now) {
		d.OpenDeals++
	}
	acts := func(v book.Verdict) bool { return v.Mode.AtLeast(book.Tell) && v.Mended.IsZero() && v.Cannot == "" }
	if !d.makes && !slices.ContainsFunc(j.Verdicts, acts) {
		return
	}
	e := d.policy.Effects(f, j, enforce.State{}, d.now)
	if e.Card != "" && !f.Lead {
		d.Cards++
	}
	if e.Task != nil {
		d.Tasks++
	}
	d.Made += len(e.Activities)
	d.Reverts += len(e.Reverts)
	d.Told += len(e.Tells)
	if !f.Lead && (e.Task != nil || len(e.Activities)+len(e.Reverts) > 0) {
		d.Changed++
	}
}
