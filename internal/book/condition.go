package book

import "github.com/shopspring/decimal"

// Condition is one thing that can be checked of a deal or lead. Exactly one of
// the ways of checking is given.
type Condition struct {
	At             Place
	ID             string           `yaml:"id" doc:"Short name by which enforcement and cases refer to it."`
	Say            string           `yaml:"say" doc:"The rule in your own words; salesbook words it otherwise." rules:"none"`
	Required       []string         `yaml:"required,one,choice" doc:"These fields are filled."`
	Attempts       *Attempts        `yaml:"attempts,choice" doc:"Somebody tried so often to reach the client."`
	Activity       *ActivityRule    `yaml:"activity,choice" doc:"There is an activity of some types."`
	MeetingHeld    *MeetingHeld     `yaml:"meeting_held,choice" doc:"A meeting took place; {} for any."`
	DocumentSent   *DocumentSent    `yaml:"document_sent,choice" doc:"A document was sent."`
	NoteWritten    *NoteWritten     `yaml:"note_written,choice" doc:"Somebody wrote a note; {} for any."`
	NextStepDated  *NextStep        `yaml:"next_step_dated,choice" doc:"A next step with a date is planned; {} for any."`
	AmountAtLeast  *decimal.Decimal `yaml:"amount_at_least,choice" doc:"The amount is at least this, in the book's currency."`
	ProductsListed *int             `yaml:"products_listed,choice" doc:"At least so many products are listed."`
	Field          *FieldRule       `yaml:"field,choice" doc:"A field holds something."`
	StagePassed    string           `yaml:"stage_passed,choice" doc:"It has stood in this stage, given as funnel/stage."`
	InvoicePaid    *InvoicePaid     `yaml:"invoice_paid,choice" doc:"An invoice was paid; {} for all of it."`
	Any            []Condition      `yaml:"any,choice,ordered" doc:"At least one of these holds."`
	All            []Condition      `yaml:"all,choice,ordered" doc:"All of these hold."`
	Not            *Condition       `yaml:"not,choice" doc:"This does not hold."`
	CEL            string           `yaml:"cel,choice" doc:"An expression, for what nothing else says; see the manual."`
}

// Attempts asks for tries to reach the client: activities that were done.
type Attempts struct {
	At     Place
	Count  int      `yaml:"count,required" doc:"How many at least."`
	Days   int      `yaml:"days" doc:"On how many different days at least; 1 unless set."`
	Types  []string `yaml:"types,one" doc:"Types of activities that count; call unless set."`
	Within *Span    `yaml:"within" doc:"Only those of this last time; any unless set."`
}

// ActivityRule asks for an activity.
type ActivityRule struct {
	At      Place
	Types   []string `yaml:"types,one" doc:"Types that count; any unless set."`
	Subject []string `yaml:"subject,one" doc:"Words of which the subject holds one; any subject unless set."`
	Planned bool     `yaml:"planned" doc:"It is planned; unless set it was done."`
	Within  *Span    `yaml:"within" doc:"It was done within this last time, or is planned for this next time."`
	Here    bool     `yaml:"at_this_stage" doc:"It was done since the deal entered its stage."`
}

// MeetingHeld asks for a meeting that took place.
type MeetingHeld struct {
	At     Place
	Types  []string `yaml:"types,one" doc:"Types that count as meetings; meeting unless set."`
	Within *Span    `yaml:"within" doc:"Within this last time; any unless set."`
	Here   bool     `yaml:"at_this_stage" doc:"Since the deal entered its stage."`
}

// DocumentSent asks for a document that was sent: an activity that says so, or
// a field that holds it or its date.
type DocumentSent struct {
	At    Place
	Field string   `yaml:"field" doc:"The field that is filled once it was sent."`
	Types []string `yaml:"types,one" doc:"Types of activities by which it is sent; email unless set."`
	Words []string `yaml:"words,one" doc:"Words of which the activity's subject holds one, as in offer."`
}

// NoteWritten asks for a note.
type NoteWritten struct {
	At      Place
	Letters int   `yaml:"letters" doc:"At least so many letters long."`
	Within  *Span `yaml:"within" doc:"Within this last time; any unless set."`
	Here    bool  `yaml:"at_this_stage" doc:"Since the deal entered its stage."`
}

// NextStep asks for an activity that is planned and has a date.
type NextStep struct {
	At     Place
	Types  []string `yaml:"types,one" doc:"Types that count; any unless set."`
	Within *Span    `yaml:"within" doc:"At the latest so far ahead; any unless set."`
}

// FieldRule asks for what a field holds. Exactly one of the comparisons is given.
type FieldRule struct {
	At      Place
	Name    string           `yaml:"name,required" doc:"The field, as the CRM calls it, or its name in salesbook."`
	Is      []string         `yaml:"is,one,choice" doc:"It holds one of these."`
	IsNot   []string         `yaml:"is_not,one,choice" doc:"It is filled and holds none of these."`
	AtLeast *decimal.Decimal `yaml:"at_least,choice" doc:"It is a number and at least this."`
	AtMost  *decimal.Decimal `yaml:"at_most,choice" doc:"It is a number and at most this."`
	Ahead   *Span            `yaml:"ahead,choice" doc:"It is a day that is still to come, at most so far ahead."`
	Past    *Span            `yaml:"past,choice" doc:"It is a day that is over, at most so long ago."`
}

// InvoicePaid asks for money that came in.
type InvoicePaid struct {
	At    Place
	Share *decimal.Decimal `yaml:"share" doc:"Percent of the deal's amount; 100 unless set."`
}

// Case is an example: a deal or lead, and the verdicts that the book gives on it.
type Case struct {
	At     Place
	Name   string    `yaml:"name,required,key" doc:"What it shows."`
	Now    Moment    `yaml:"now,required" doc:"When it is looked at, as in 2026-11-20 12:00, in the first calendar's zone."`
	Deal   *CaseDeal `yaml:"deal,choice" doc:"The deal."`
	Lead   *CaseLead `yaml:"lead,choice" doc:"The lead."`
	Expect []string  `yaml:"expect,one,required" doc:"The rules that it breaks, by their ids; [] for none."`
}

// CaseDeal is the deal of a case.
type CaseDeal struct {
	At         Place
	Funnel     string           `yaml:"funnel,required" doc:"Id of the funnel."`
	Added      Moment           `yaml:"added,required" doc:"When it was made."`
	Owner      string           `yaml:"owner" doc:"E-mail address of the rep; somebody unless set, nobody is -."`
	OwnerLeft  bool             `yaml:"owner_left" doc:"The rep is no longer there."`
	Amount     *decimal.Decimal `yaml:"amount" doc:"What it is worth."`
	Currency   string           `yaml:"currency" doc:"Currency of the amount; the book's unless set."`
	Close      *Date            `yaml:"expected_close" doc:"The expected close date."`
	Fields     []CaseField      `yaml:"fields,ordered" doc:"Other fields."`
	Moves      []CaseMove       `yaml:"moves,required,ordered" doc:"The stages that it entered."`
	Activities []CaseActivity   `yaml:"activities,ordered" doc:"Calls, meetings and tasks."`
	Notes      []CaseNote       `yaml:"notes,ordered" doc:"Notes."`
	Won        *Moment          `yaml:"won" doc:"When it was won."`
	Lost       *CaseLoss        `yaml:"lost" doc:"When and why it was lost."`
	Deleted    *Moment          `yaml:"deleted" doc:"When it was deleted."`
	Archived   *Moment          `yaml:"archived" doc:"When it was archived."`
}

// CaseLead is the lead of a case.
type CaseLead struct {
	At         Place
	Added      Moment         `yaml:"added,required" doc:"When it came."`
	Owner      string         `yaml:"owner" doc:"E-mail address of the rep; somebody unless set, nobody is -."`
	Source     string         `yaml:"source" doc:"Where it came from, as the CRM has it."`
	Fields     []CaseField    `yaml:"fields,ordered" doc:"Other fields."`
	Activities []CaseActivity `yaml:"activities,ordered" doc:"Calls, meetings and tasks."`
	Notes      []CaseNote     `yaml:"notes,ordered" doc:"Notes."`
}

// CaseField is a field of a case.
type CaseField struct {
	At   Place
	Name string `yaml:"name,required,key" doc:"The field."`
	Is   string `yaml:"is,required" doc:"What it holds."`
	Set  Moment `yaml:"at" doc:"Since when; since the deal was made unless set."`
}

// CaseMove is an entry into a stage.
type CaseMove struct {
	At    Place
	When  Moment `yaml:"at,required" doc:"When."`
	Stage string `yaml:"stage,required" doc:"Id of the stage."`
}

// CaseActivity is an activity of a case.
type CaseActivity struct {
	At      Place
	Type    string  `yaml:"type,required" doc:"Its type, as in call."`
	Subject string  `yaml:"subject" doc:"Its subject."`
	Done    *Moment `yaml:"done,choice" doc:"When it was done."`
	Due     *Moment `yaml:"due,choice" doc:"When it is due: it is planned."`
	Planned *Moment `yaml:"planned_at" doc:"When it was written down; when the deal was made unless set."`
}

// CaseNote is a note of a case.
type CaseNote struct {
	At   Place
	When Moment `yaml:"at,required" doc:"When it was written."`
	Text string `yaml:"text,required" doc:"What it says."`
}

// CaseLoss is how a deal of a case was lost.
type CaseLoss struct {
	At     Place
	When   Moment  `yaml:"at,required" doc:"When."`
	Reason string  `yaml:"reason" doc:"What the rep gave as the reason; nothing unless set."`
	Agreed *Moment `yaml:"approved" doc:"When the head agreed to it, before or after; never unless set."`
}
