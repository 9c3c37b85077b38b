package book

import "slices"

// Language is a language that people read.
type Language string

// Words implements strictyaml.Worded.
func (Language) Words() []string { return []string{"en", "pl", "ru", "uk"} }

// Priority is a place in the work queue.
type Priority string

// Words implements strictyaml.Worded.
func (Priority) Words() []string { return []string{"high", "normal", "low"} }

// Order tells how the stages of a funnel may be passed.
type Order string

// The orders.
const (
	Strict Order = "strict" // stages may not be skipped
	Free   Order = "free"   // stages may be skipped
	None   Order = "none"   // deals without a process
)

// Words implements strictyaml.Worded.
func (Order) Words() []string { return []string{string(Strict), string(Free), string(None)} }

// Mode is what is done about a rule.
type Mode string

// The modes, from the mildest on.
const (
	Off     Mode = "off"     // it is not judged
	Observe Mode = "observe" // it is shown
	Tell    Mode = "tell"    // people are told
	TaskIt  Mode = "task"    // the rep gets a task
	Revert  Mode = "revert"  // the move is taken back
)

// Words implements strictyaml.Worded.
func (Mode) Words() []string {
	return []string{string(Off), string(Observe), string(Tell), string(TaskIt), string(Revert)}
}

// AtLeast tells whether as much is done as in another mode: what is a task is
// told, too.
func (m Mode) AtLeast(o Mode) bool {
	return slices.Index(m.Words(), string(m)) >= slices.Index(m.Words(), string(o))
}

// Period is a stretch of time for figures.
type Period string

// Words implements strictyaml.Worded.
func (Period) Words() []string { return []string{"week", "month", "quarter", "year"} }

// PlanUnit is what a plan counts.
type PlanUnit string

// Words implements strictyaml.Worded.
func (PlanUnit) Words() []string { return []string{"money", "units", "margin"} }

// KPIName names a figure of the catalogue.
type KPIName string

// Words implements strictyaml.Worded.
func (KPIName) Words() []string {
	return []string{"lead_to_client", "key_stage_passage", "first_response_in_time", "sales_cycle", "won_against_plan",
		"average_check", "repeat_share", "new_client_share", "overdue_receivables", "violations_per_rep"}
}

// Who is somebody who is told: the owner, the head of his team, or an address.
type Who string

// known tells whether w can be somebody.
func (w Who) known() bool {
	return slices.Contains([]Who{"owner", "head"}, w) || isAddress(string(w))
}
