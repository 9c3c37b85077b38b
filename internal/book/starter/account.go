package starter

import (
	"time"

	"github.com/shopspring/decimal"
)

// Account is what a connection's stored data tell of how a company sells.
type Account struct {
	Connection string
	Zone       string   // IANA; empty: not known
	Locales    []string // of the active reps, as in pl_PL
	Currency   string   // of most deals; empty: there are none
	Deals      int
	Won        int
	Lost       int
	Leads      int // in the lead inbox, also those that were archived
	Pipelines  []Pipeline
	Options    []string // loss reasons that the CRM offers
	Reasons    []Reason // what stands as a reason, the most frequent first
}

// Pipeline is a pipeline of the CRM with its stages in their order.
type Pipeline struct {
	ID, Name string
	Stages   []Stage
	Won      int // deals
	Lost     int
	Fields   []Field
}

// Stage is a stage of a pipeline.
type Stage struct {
	ID, Name    string
	Probability *decimal.Decimal // percent, as the CRM has it
	RotDays     int64            // after which the CRM calls a deal rotten; 0: it never does
	Stood       int              // won deals of which it is known how long they stood here
	Stay        time.Duration    // within which four of five of them went on
	Reached     int              // closed deals that came here, or further
	ReachedWon  int              // won ones among them
	Required    []string         // fields without which the CRM lets nobody save a deal here
}

// Field is a field of deals and how often it is filled.
type Field struct {
	Name        string // as the book names it
	Won, Lost   int    // deals that have it filled
	RequiredWon bool   // the CRM asks for it when a deal is won
}

// Reason is a text that stands as the reason of losses.
type Reason struct {
	Text  string
	Deals int
}
