package book

import (
	"github.com/shopspring/decimal"

	"salesbook.dev/internal/strictyaml"
)

// Place is where something stands in the text of a book.
type Place = strictyaml.Place

// Book is a sales book as it is written. Names are for people, ids for
// references within the book; ids never change once a book was active, because
// violations are known by them.
type Book struct {
	At          Place
	Format      int           `yaml:"book,required" doc:"Version of this format: 1."`
	Name        string        `yaml:"name,required" doc:"What the company calls its book."`
	Language    Language      `yaml:"language" doc:"Language of the book: en, pl, ru or uk; en unless set."`
	Currency    string        `yaml:"currency" doc:"Currency of amounts in the book, ISO 4217, as in PLN."`
	Rates       []Rate        `yaml:"rates" doc:"What other currencies are worth in the book's."`
	Calendars   []Calendar    `yaml:"calendars" doc:"Working hours and holidays; the first one is everybody's who has no other."`
	Standard    []Commandment `yaml:"standard" doc:"Part one of the book: what always holds, at every stage."`
	Roles       []Role        `yaml:"roles" doc:"Who does what: hunter, closer, farmer, or your own."`
	Teams       []Team        `yaml:"teams" doc:"Teams with their heads."`
	Products    []Named       `yaml:"products" doc:"What is sold. The same thing sold to another segment is another product."`
	Segments    []Segment     `yaml:"segments" doc:"Target groups."`
	Funnels     []Funnel      `yaml:"funnels,required" doc:"Part two of the book: one sequence of stages for each product and segment."`
	Won         Won           `yaml:"won" doc:"When a deal may be called won."`
	LossReasons []LossReason  `yaml:"loss_reasons" doc:"Part three of the book: the only reasons for which a deal may be lost."`
	Refused     []Refused     `yaml:"refused_reasons" doc:"What reps like to write and what is no reason."`
	Leads       Leads         `yaml:"leads" doc:"How inquiries are met and what must be known of them."`
	Control     Control       `yaml:"control" doc:"When a deal hangs."`
	KPIs        []KPI         `yaml:"kpis" doc:"What is counted; five unless set."`
	Plans       []Plan        `yaml:"plans" doc:"What is to be sold."`
	Enforcement []Enforcement `yaml:"enforcement" doc:"What salesbook does about each rule and from when; observe unless set."`
	Cases       []Case        `yaml:"cases" doc:"Examples with the verdicts that the book must give; book test runs them."`
}

// Named is something that the rest of the book refers to.
type Named struct {
	At   Place
	ID   string `yaml:"id,required" doc:"Short name for references: letters, digits, - and _."`
	Name string `yaml:"name,required" doc:"What people call it."`
}

// Commandment is a rule of the whole department, tied to no stage.
type Commandment struct {
	At      Place
	ID      string     `yaml:"id,required" doc:"Short name for references."`
	Text    string     `yaml:"text,required" doc:"The commandment in words."`
	How     string     `yaml:"how" doc:"Script, checklist or link."`
	Funnels []string   `yaml:"funnels,one" doc:"Funnels it holds for; all unless set."`
	When    *Condition `yaml:"when" doc:"Deals it holds for; all unless set."`
	Must    *Condition `yaml:"must" doc:"What is checked; a commandment without it is for people alone."`
}

// Role is a kind of work in the department.
type Role struct {
	At   Place
	ID   string   `yaml:"id,required" doc:"Short name for references."`
	Name string   `yaml:"name,required" doc:"What people call it."`
	Reps []string `yaml:"reps,one" doc:"E-mail addresses of the reps who have it."`
}

// Team is a group of reps with a head.
type Team struct {
	At       Place
	ID       string   `yaml:"id,required" doc:"Short name for references."`
	Name     string   `yaml:"name,required" doc:"What people call it."`
	Heads    []string `yaml:"head,one" doc:"E-mail addresses of those who lead it."`
	Reps     []string `yaml:"reps,one" doc:"E-mail addresses of its reps."`
	Calendar string   `yaml:"calendar" doc:"Id of its calendar; the first one unless set."`
}

// Segment is a target group.
type Segment struct {
	At       Place
	ID       string   `yaml:"id,required" doc:"Short name for references."`
	Name     string   `yaml:"name,required" doc:"What people call it."`
	Priority Priority `yaml:"priority" doc:"Place in the work queue: high, normal or low; normal unless set."`
	Known    []string `yaml:"known,one" doc:"Fields that must be known before somebody counts as qualified."`
}

// Funnel is the way of one product to one segment.
type Funnel struct {
	At       Place
	ID       string  `yaml:"id,required" doc:"Short name for references."`
	Name     string  `yaml:"name,required" doc:"What people call it."`
	Product  string  `yaml:"product" doc:"Id of the product."`
	Segment  string  `yaml:"segment" doc:"Id of the segment."`
	CRM      []From  `yaml:"crm,required" doc:"Which pipeline of which connection it is."`
	Order    Order   `yaml:"order" doc:"strict: no stage may be skipped; free: stages may be skipped; none: any order. free unless set."`
	KeyStage string  `yaml:"key_stage" doc:"The stage whose passage best predicts money."`
	Stages   []Stage `yaml:"stages,required" doc:"Its stages in their order."`
}

// From names a pipeline of a CRM.
type From struct {
	At         Place
	Connection string `yaml:"connection" doc:"Name of the connection; any unless set."`
	Pipeline   string `yaml:"pipeline,required" doc:"The pipeline's name in the CRM, or # and its id."`
}

// Stage is one step of a funnel: one goal and a fixed list of actions.
type Stage struct {
	At         Place
	ID         string      `yaml:"id,required" doc:"Short name for references, unique in its funnel."`
	Name       string      `yaml:"name,required" doc:"What people call it."`
	CRM        []string    `yaml:"crm,one" doc:"Its names in the CRM, or # and an id; its name unless set."`
	Goal       string      `yaml:"goal" doc:"What is to be reached here."`
	Role       string      `yaml:"role" doc:"Id of the role that it belongs to."`
	Tasks      []Task      `yaml:"tasks" doc:"What is to be done here, in this order."`
	Entry      []Condition `yaml:"entry" doc:"What must hold when a deal enters."`
	Required   []string    `yaml:"required,one" doc:"Fields that must be filled while a deal stands here."`
	Exit       []Condition `yaml:"exit" doc:"The result that must exist before a deal moves on."`
	Limit      *Span       `yaml:"limit" doc:"How long a deal may stand here, as in 5wd or 14d."`
	NoTouch    *Span       `yaml:"no_touch" doc:"How long it may go without a call, meeting, mail or note."`
	Tell       []Who       `yaml:"tell,one" doc:"Who is told when the limit is broken: owner, head or an e-mail address."`
	IfLostHere string      `yaml:"if_lost_here" doc:"What it means if many clients are lost here."`
}

// Task is one thing to do at a stage.
type Task struct {
	At   Place
	ID   string     `yaml:"id,required" doc:"Short name for references, unique in its stage."`
	Name string     `yaml:"name,required" doc:"What is to be done."`
	How  string     `yaml:"how" doc:"Script, checklist or link."`
	Done *Condition `yaml:"done" doc:"How it shows that it was done; a task without it is for people alone."`
}

// Won tells when a deal may be called won.
type Won struct {
	At       Place
	Criteria []Condition `yaml:"criteria" doc:"What must hold."`
	From     []string    `yaml:"from_stage,one" doc:"Stages as funnel/stage from which on it may be given; any unless set."`
}

// LossReason is one of the reasons for which a deal may be lost.
type LossReason struct {
	At        Place
	ID        string      `yaml:"id,required" doc:"Short name for references."`
	Name      string      `yaml:"name,required" doc:"What reps choose in the CRM."`
	Group     string      `yaml:"group" doc:"Heading in reports."`
	Spellings []string    `yaml:"spellings,one" doc:"Other ways in which the CRM has it written."`
	Criteria  []Condition `yaml:"criteria" doc:"When it may be used. A reason without criteria can be given to anybody, so each has some, or says any_time."`
	AnyTime   bool        `yaml:"any_time" doc:"It needs no criteria, on purpose."`
	From      []string    `yaml:"from_stage,one" doc:"Stages as funnel/stage from which on it may be used; any unless set."`
	Facts     []string    `yaml:"facts,one" doc:"Fields that must be recorded with it."`
	Approval  *Approval   `yaml:"approval" doc:"When the head has to agree."`
	Nurture   *Nurture    `yaml:"nurture" doc:"When the client is called on again."`
	OnLost    []LostTask  `yaml:"on_lost" doc:"Tasks that a loss for this reason makes."`
}

// Approval tells when the head has to agree to a loss.
type Approval struct {
	At     Place
	Always bool             `yaml:"always" doc:"To each."`
	Above  *decimal.Decimal `yaml:"above" doc:"To deals worth more than this."`
	By     []Who            `yaml:"by,one" doc:"Who agrees: head or e-mail addresses; head unless set."`
}

// Nurture tells when a lost client is called on again.
type Nurture struct {
	At    Place
	After *Span  `yaml:"after" doc:"So long after the loss."`
	Field string `yaml:"field" doc:"The date that this field holds."`
}

// LostTask is a task that a loss makes.
type LostTask struct {
	At    Place
	Task  string `yaml:"task,required" doc:"What is to be done."`
	Type  string `yaml:"type" doc:"Type of the activity, as in call; task unless set."`
	After *Span  `yaml:"after" doc:"So long after the loss."`
	Field string `yaml:"field" doc:"On the date that this field holds."`
}

// Refused is a text that is no reason.
type Refused struct {
	At        Place
	Text      string   `yaml:"text,required" doc:"What is written."`
	Spellings []string `yaml:"spellings,one" doc:"Other ways of writing it."`
	Why       string   `yaml:"why" doc:"Why it is no reason, and what to write."`
}

// Leads tells how inquiries are met.
type Leads struct {
	At            Place
	Below         []string       `yaml:"deals_below,one" doc:"Stages as funnel/stage: a deal before it counts as a lead. For companies that do not use the lead inbox."`
	Channels      []Channel      `yaml:"channels" doc:"Where inquiries come from."`
	FirstResponse *Span          `yaml:"first_response" doc:"How soon a person must have called, met or written, as in 15wm."`
	Escalate      *Escalation    `yaml:"escalate" doc:"What happens to a lead that nobody answers."`
	Entry         []string       `yaml:"entry_data,one" doc:"Fields that must be asked for at once."`
	Demand        []string       `yaml:"primary_demand,one" doc:"Fields with what the client first asked for and which features he wants."`
	Reason        []string       `yaml:"reason_for_contact,one" doc:"Fields with the result that the client wants, why it matters and why now."`
	Nuances       []string       `yaml:"nuances,one" doc:"Fields with what else is known of the client."`
	Distribution  []Distribution `yaml:"distribution" doc:"Who gets which lead; the first that fits."`
}

// Channel is a way by which inquiries come.
type Channel struct {
	At      Place
	ID      string   `yaml:"id,required" doc:"Short name for references."`
	Name    string   `yaml:"name,required" doc:"What people call it."`
	Sources []string `yaml:"sources,one" doc:"What the CRM has as the source."`
}

// Escalation is what happens to a lead that nobody answers.
type Escalation struct {
	At    Place
	After *Span `yaml:"after,required" doc:"So long after the first response was due."`
	Tell  []Who `yaml:"tell,one,required" doc:"Who is told: owner, head or an e-mail address."`
}

// Distribution gives leads to reps in turn.
type Distribution struct {
	At     Place
	When   *Condition `yaml:"when" doc:"Leads it holds for; all unless set."`
	Team   string     `yaml:"team" doc:"Id of the team whose reps take turns."`
	Role   string     `yaml:"role" doc:"Id of the role whose reps take turns."`
	Within *Span      `yaml:"take_within" doc:"A lead that nobody took by then goes to the next rep."`
}

// Control tells when a deal hangs.
type Control struct {
	At        Place
	NoTouch   *Span            `yaml:"no_touch" doc:"How long any deal may go without a call, meeting, mail or note; stages may say otherwise."`
	Limit     *Span            `yaml:"limit" doc:"How long a deal may stand in any stage that says nothing of its own."`
	Overdue   *Span            `yaml:"next_step_grace" doc:"How long a next step may be overdue; 1wd unless set."`
	CloseDate *Span            `yaml:"close_date_grace" doc:"How long an expected close date may be past; 0d unless set."`
	Touches   []string         `yaml:"touches,one" doc:"Types of activities by which a client is touched; all but task unless set."`
	LargeDeal *decimal.Decimal `yaml:"large_deal" doc:"From this amount on a hanging deal is told at once."`
	Grace     *Span            `yaml:"grace" doc:"How long a deal may be without what its stage requires; 0d unless set."`
}

// KPI is a figure of the catalogue with a target.
type KPI struct {
	At     Place
	KPI    KPIName          `yaml:"kpi,required" doc:"Which figure."`
	Target *decimal.Decimal `yaml:"target" doc:"Percent, days or money, as the figure has; the own median is the reference unless set."`
	Period Period           `yaml:"period" doc:"week, month, quarter or year; month unless set."`
	Role   string           `yaml:"role" doc:"Id of the role it is for; all unless set."`
}

// Plan is what is to be sold in a year.
type Plan struct {
	At       Place
	Year     int               `yaml:"year,required" doc:"Calendar year."`
	Unit     PlanUnit          `yaml:"unit" doc:"money, units or margin; money unless set."`
	Measure  string            `yaml:"measure" doc:"What units count, as in m2."`
	Target   decimal.Decimal   `yaml:"target,required" doc:"For the year."`
	Quarters []decimal.Decimal `yaml:"quarters" doc:"The same by quarter; equal parts unless set."`
	Team     string            `yaml:"team" doc:"Id of the team it is for; the company unless set."`
	Funnel   string            `yaml:"funnel" doc:"Id of the funnel it is for; all unless set."`
	Work     []Work            `yaml:"work" doc:"How much work of reps it stands for."`
}

// Work is an amount of work behind a plan.
type Work struct {
	At    Place
	Type  string `yaml:"type,required" doc:"Type of the activity, as in call or meeting."`
	Count int    `yaml:"count,required" doc:"How many in a month by each rep."`
}

// Enforcement tells what salesbook does about a rule and from when.
type Enforcement struct {
	At    Place
	Rule  string `yaml:"rule,required" doc:"Id of the rule, as violations have it; all for all."`
	Mode  Mode   `yaml:"mode" doc:"off, observe, tell, task or revert; observe unless set."`
	From  *Date  `yaml:"from" doc:"Day from which on it is so; at once unless set."`
	Grace *Span  `yaml:"grace" doc:"How long after the violation it begins."`
}
