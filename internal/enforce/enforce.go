// Package enforce turns what a sales book says of a deal or lead into what is to
// be done about it: what the card shows, the one task that stands, tasks that a
// stage or a loss makes, moves that are taken back, and who is told. It is pure:
// it knows facts and verdicts, and returns what is wanted. What is there already
// is part of its input, so that the same input gives the same answer and nothing
// is done twice.
package enforce

import (
	"slices"
	"time"

	"salesbook.dev/internal/book"
)

// State is what stands in the CRM by our doing, of one deal or lead.
type State struct {
	Task   *Standing       // our task, the last that we made; nil: there never was one
	Made   map[string]bool // keys of what was made once, or is on its way: Activity.Key, Revert.Key
	Takens []Taken         // what was taken back before, the latest last
	// Refused are the keys of what a person or the vendor has said no to: it is
	// not wanted again.
	Refused map[string]bool
	// Barred are those of them that the vendor has refused: it stands because the
	// CRM does not let it be otherwise.
	Barred map[string]bool
	// Old are the causes of violations that are older than the book that first
	// said so, or the connection: the backlog, as lists have it.
	Old map[string]bool
	// Excused is until when somebody lets violations pass, by their causes.
	Excused map[string]time.Time
}

// Standing is our task on a deal.
type Standing struct {
	Open   bool     // it is neither done nor deleted
	ByUs   bool     // if it is not open: we closed it
	Causes []string // of the violations that it was about, see book.Verdict.Cause
}

// Taken is a move or an ending that we have taken back.
type Taken struct {
	Key string // Revert.Key
	To  string // Revert.Undoes
	At  time.Time
}

// Effects is what is wanted of the CRM and of people about one deal or lead.
type Effects struct {
	Card       string     // what the card's field shall show; empty: nothing is missing
	Task       *Task      // the one task that shall stand; nil: none
	Activities []Activity // to be made once each
	Reverts    []Revert   // to be taken back, one after the other
	Tells      []Tell
	// Leave says that whatever stands there stays as it is, but for Reverts: it is
	// deleted, archived or gone, and nobody works with it.
	Leave bool
	// NextDue is when this may change though nothing happens; zero: never.
	NextDue time.Time
}

// Task is the one task on a deal's card.
type Task struct {
	Subject string
	Note    string   // HTML
	Causes  []string // see Standing
	// Due is for when it is made, and is another one on another day: a task that
	// stands keeps its own.
	Due book.Date
}

// Activity is a task that a stage or a loss makes.
type Activity struct {
	Key     string // stable; what has it is made once
	Type    string // as the book has it; task unless set
	Subject string
	Note    string    // HTML
	Due     book.Date // as of a Task
}

// Revert takes a move or an ending back.
type Revert struct {
	Key    string // stable, of its cause
	Cause  string // see book.Verdict.Cause
	Rule   book.Rule
	Detail string
	Opened time.Time
	Undoes string // what is taken back: stage ID, won, lost, deleted or archived
	// What the deal shall be: in the stage with this id of the vendor's, and open.
	Stage    string // empty: it stays where it is
	Reopen   bool   // its status becomes open, and the loss reason is emptied
	Unhide   bool   // it is no longer deleted or archived
	Note     string // HTML: why, and what to do
	NeedsYes bool   // somebody has to agree to it, whatever was agreed to before
}

// Occasion is why somebody is told something by name.
type Occasion string

// Instant tells whether it cannot wait; else people are told of it in the morning.
func (o Occasion) Instant() bool { return slices.Contains(Instant(), o) }

// Instant are the occasions that cannot wait.
func Instant() []Occasion { return []Occasion{OverdueLead, Escalation, LargeDeal} }

// The occasions.
const (
	OverdueLead Occasion = "overdue_lead" // nobody answered an inquiry in time
	LargeDeal   Occasion = "large_deal"   // a large deal hangs
	Escalation  Occasion = "escalation"   // and still nobody answers
	PastLimit   Occasion = "past_limit"   // a deal is over its stage's limit, and the stage says who is told
	Decision    Occasion = "decision"     // a loss waits for somebody to agree
	Repeated    Occasion = "repeated"     // what was taken back was done again
	Barred      Occasion = "barred"       // the CRM does not let it be taken back, and so it stands
	Overwritten Occasion = "overwritten"  // a person's change was written over, in the moment between reading and writing
)

// Tell is something to be told to people.
type Tell struct {
	Occasion Occasion
	Key      string   // stable; what has it is told once to each
	To       []string // e-mail addresses
	Rule     book.Rule
	Detail   string
	Opened   time.Time
}
