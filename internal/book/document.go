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
	Format      int           `yaml:"book,required" doc:"Version of this format: 1." rules:"none"`
	Name        string        `yaml:"name,required" doc:"What the company calls its book." rules:"none"`
	Language    Language      `yaml:"language" doc:"Language of the book: en, pl, ru or uk; en unless set." rules:"none"`
	Currency    string        `yaml:"currency" doc:"Currency of amounts in the book, ISO 4217, as in PLN." rules:"amounts"`
	Rates       []Rate        `yaml:"rates" doc:"What other currencies are worth in the book's." rules:"amounts"`
	Calendars   []Calendar    `yaml:"calendars,ordered" doc:"Working hours and holidays; the first one is everybody's who has no other." rules:"clock"`
	Standard    []Commandment `yaml:"standard,ordered" doc:"Part one of the book: what always holds, at every stage." rules:"own"`
	Roles       []Role        `yaml:"roles" doc:"Who does what: hunter, closer, farmer, or your own." rules:"wrong_role"`
	Teams       []Team        `yaml:"teams,ordered" doc:"Teams with their heads." rules:"none"`
	Products    []Named       `yaml:"products" doc:"What is sold. The same thing sold to another segment is another product." rules:"none"`
	Segments    []Segment     `yaml:"segments" doc:"Target groups." rules:"none"`
	Funnels     []Funnel      `yaml:"funnels,required" doc:"Part two of the book: one sequence of stages for each product and segment." rules:"places"`
	Won         Won           `yaml:"won" doc:"When a deal may be called won." rules:"none"`
	LossReasons []LossReason  `yaml:"loss_reasons" doc:"Part three of the book: the only reasons for which a deal may be lost." rules:"loss_reason_unknown,loss_reason_refused,loss_too_early,loss_criteria,loss_facts,loss_approval"`
	Refused     []Refused     `yaml:"refused_reasons" doc:"What reps like to write and what is no reason." rules:"loss_reason_unknown,loss_reason_refused"`
	Leads       Leads         `yaml:"leads" doc:"How inquiries are met and what must be known of them." rules:"none"`
	Control     Control       `yaml:"control" doc:"When a deal hangs." rules:"none"`
	KPIs        []KPI         `yaml:"kpis" doc:"What is counted; five unless set." rules:"none"`
	Plans       []Plan        `yaml:"plans" doc:"What is to be sold." rules:"none"`
	Enforcement []Enforcement `yaml:"enforcement" doc:"What salesbook does about each rule and from when; observe unless set." rules:"none"`
	Cases       []Case        `yaml:"cases" doc:"Examples with the verdicts that the book must give; book test runs them." rules:"none"`
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
	Text    string     `yaml:"text,required" doc:"The commandment in words." rules:"none"`
	How     string     `yaml:"how" doc:"Script, checklist or link." rules:"none"`
	Funnels []string   `yaml:"funnels,one" doc:"Funnels it holds for; all unless set."`
	When    *Condition `yaml:"when" doc:"Deals it holds for; all unless set."`
	Must    *Condition `yaml:"must" doc:"What is checked; a commandment without it is for people alone."`
}

// Role is a kind of work in the department.
type Role struct {
	At   Place
	ID   string   `yaml:"id,required" doc:"Short name for references."`
	Name string   `yaml:"name,required" doc:"What people call it." rules:"none"`
	Reps []string `yaml:"reps,one" doc:"E-mail addresses of the reps who have it."`
}

// Team is a group of reps with a head.
type Team struct {
	At       Place
	ID       string   `yaml:"id,required" doc:"Short name for references."`
	Name     string   `yaml:"name,required" doc:"What people call it."`
	Heads    []string `yaml:"head,one" doc:"E-mail addresses of those who lead it." rules:"team"`
	Reps     []string `yaml:"reps,one" doc:"E-mail addresses of its reps." rules:"team"`
	Calendar string   `yaml:"calendar" doc:"Id of its calendar; the first one unless set." rules:"team"`
}

// Segment is a target group.
type Segment struct {
	At       Place
	ID       string   `yaml:"id,required" doc:"Short name for references."`
	Name     string   `yaml:"name,required" doc:"What people call it."`
	Priority Priority `yaml:"priority" doc:"Place in the work queue: high, normal or low; normal unless set."`
	Known    []string `yaml:"known,one" doc:"Fields that must be known before somebody counts as qualified." rules:"qualification"`
}

// Funnel is the way of one product to one segment.
type Funnel struct {
	At       Place
	ID       string  `yaml:"id,required" doc:"Short name for references."`
	Name     string  `yaml:"name,required" doc:"What people call it." rules:"none"`
	Product  string  `yaml:"product" doc:"Id of the product." rules:"none"`
	Segment  string  `yaml:"segment" doc:"Id of the segment." rules:"qualification"`
	CRM      []From  `yaml:"crm,required" doc:"Which pipeline of which connection it is."`
	Order    Order   `yaml:"order" doc:"strict: no stage may be skipped; free: stages may be skipped; none: any order. free unless set." rules:"skipped_stage,moved_back"`
	KeyStage string  `yaml:"key_stage" doc:"The stage whose passage best predicts money." rules:"none"`
	Stages   []Stage `yaml:"stages,required,ordered" doc:"Its stages in their order."`
}

// From names a pipeline of a CRM.
type From struct {
	At         Place
	Connection string `yaml:"connection,key" doc:"Name of the connection; any unless set."`
	Pipeline   string `yaml:"pipeline,required,key" doc:"The pipeline's name in the CRM, or # and its id."`
}

// Stage is one step of a funnel: one goal and a fixed list of actions.
type Stage struct {
	At          Place
	ID          string      `yaml:"id,required" doc:"Short name for references, unique in its funnel."`
	Name        string      `yaml:"name,required" doc:"What people call it." rules:"stage_name"`
	CRM         []string    `yaml:"crm,one" doc:"Its names in the CRM, or # and an id; its name unless set."`
	Goal        string      `yaml:"goal" doc:"What is to be reached here." rules:"none"`
	Role        string      `yaml:"role" doc:"Id of the role that it belongs to." rules:"wrong_role"`
	Tasks       []Task      `yaml:"tasks,ordered" doc:"What is to be done here, in this order." rules:"none"`
	Entry       []Condition `yaml:"entry,ordered" doc:"What must hold when a deal enters." rules:"entry_criteria,own"`
	Required    []string    `yaml:"required,one" doc:"Fields that must be filled while a deal stands here." rules:"required_fields"`
	Exit        []Condition `yaml:"exit,ordered" doc:"The result that must exist before a deal moves on." rules:"exit_criteria,own"`
	Probability *int        `yaml:"probability" doc:"Percent of the deals here that are won in the end, as the CRM is to reckon; the CRM's own unless set." rules:"none"`
	Limit       *Span       `yaml:"limit" doc:"How long a deal may stand here, as in 5wd or 14d." rules:"over_limit"`
	NoTouch     *Span       `yaml:"no_touch" doc:"How long it may go without a call, meeting, mail or note." rules:"no_touch"`
	Tell        []Who       `yaml:"tell,one" doc:"Who is told when the limit is broken: owner, head or an e-mail address." rules:"none"`
	IfLostHere  string      `yaml:"if_lost_here" doc:"What it means if many clients are lost here." rules:"none"`
}

// Task is one thing to do at a stage.
type Task struct {
	At     Place
	ID     string     `yaml:"id,required" doc:"Short name for references, unique in its stage."`
	Name   string     `yaml:"name,required" doc:"What is to be done." rules:"none"`
	How    string     `yaml:"how" doc:"Script, checklist or link." rules:"none"`
	Done   *Condition `yaml:"done" doc:"How it shows that it was done; a task without it is for people alone." rules:"task_not_done"`
	Create *Create    `yaml:"create" doc:"The activity that is made in the CRM when a deal enters the stage; none unless set." rules:"none"`
}

// Create makes a task of a stage an activity in the CRM.
type Create struct {
	At    Place
	Type  string `yaml:"type" doc:"Type of the activity, as in call; task unless set."`
	After *Span  `yaml:"after" doc:"When it is due: so long after the deal entered; the same day unless set."`
}

// Won tells when a deal may be called won.
type Won struct {
	At       Place
	Criteria []Condition `yaml:"criteria,ordered" doc:"What must hold." rules:"won_criteria,own"`
	From     []string    `yaml:"from_stage,one" doc:"Stages as funnel/stage from which on it may be given; any unless set." rules:"won_too_early"`
}

// LossReason is one of the reasons for which a deal may be lost.
type LossReason struct {
	At        Place
	ID        string      `yaml:"id,required" doc:"Short name for references."`
	Name      string      `yaml:"name,required" doc:"What reps choose in the CRM." rules:"loss_reason_unknown,loss_reason_refused,loss_too_early,loss_criteria,loss_facts,loss_approval"`
	Group     string      `yaml:"group" doc:"Heading in reports." rules:"none"`
	Spellings []string    `yaml:"spellings,one" doc:"Other ways in which the CRM has it written."`
	Criteria  []Condition `yaml:"criteria,ordered" doc:"When it may be used. A reason without criteria can be given to anybody, so each has some, or says any_time." rules:"loss_criteria,own"`
	AnyTime   bool        `yaml:"any_time" doc:"It needs no criteria, on purpose." rules:"none"`
	From      []string    `yaml:"from_stage,one" doc:"Stages as funnel/stage from which on it may be used; any unless set." rules:"loss_too_early"`
	Facts     []string    `yaml:"facts,one" doc:"Fields that must be recorded with it." rules:"loss_facts"`
	Approval  *Approval   `yaml:"approval" doc:"When the head has to agree." rules:"loss_approval"`
	Nurture   *Nurture    `yaml:"nurture" doc:"When the client is called on again." rules:"none"`
	OnLost    []LostTask  `yaml:"on_lost,ordered" doc:"Tasks that a loss for this reason makes." rules:"none"`
}

// Approval tells when the head has to agree to a loss.
type Approval struct {
	At     Place
	Always bool             `yaml:"always" doc:"To each."`
	Above  *decimal.Decimal `yaml:"above" doc:"To deals worth more than this."`
	By     []Who            `yaml:"by,one" doc:"Who agrees: head or e-mail addresses; head unless set." rules:"none"`
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
	Task  string `yaml:"task,required,key" doc:"What is to be done."`
	Type  string `yaml:"type" doc:"Type of the activity, as in call; task unless set."`
	After *Span  `yaml:"after" doc:"So long after the loss."`
	Field string `yaml:"field" doc:"On the date that this field holds."`
}

// Refused is a text that is no reason.
type Refused struct {
	At        Place
	Text      string   `yaml:"text,required,key" doc:"What is written."`
	Spellings []string `yaml:"spellings,one" doc:"Other ways of writing it."`
	Why       string   `yaml:"why" doc:"Why it is no reason, and what to write." rules:"none"`
}

// Leads tells how inquiries are met.
type Leads struct {
	At            Place
	Below         []string       `yaml:"deals_below,one" doc:"Stages as funnel/stage: a deal before it counts as a lead. For companies that do not use the lead inbox." rules:"first_response,qualification,primary_demand,reason_for_contact,nuances"`
	Channels      []Channel      `yaml:"channels" doc:"Where inquiries come from."`
	FirstResponse *Span          `yaml:"first_response" doc:"How soon a person must have called, met or written, as in 15wm." rules:"first_response"`
	Escalate      *Escalation    `yaml:"escalate" doc:"What happens to a lead that nobody answers."`
	Entry         []string       `yaml:"entry_data,one" doc:"Fields that must be asked for at once." rules:"entry_data"`
	Demand        []string       `yaml:"primary_demand,one" doc:"Fields with what the client first asked for and which features he wants." rules:"primary_demand"`
	Reason        []string       `yaml:"reason_for_contact,one" doc:"Fields with the result that the client wants, why it matters and why now." rules:"reason_for_contact"`
	Nuances       []string       `yaml:"nuances,one" doc:"Fields with what else is known of the client." rules:"nuances"`
	Distribution  []Distribution `yaml:"distribution,ordered" doc:"Who gets which lead; the first that fits."`
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
	NoTouch   *Span            `yaml:"no_touch" doc:"How long any deal may go without a call, meeting, mail or note; stages may say otherwise." rules:"no_touch"`
	Limit     *Span            `yaml:"limit" doc:"How long a deal may stand in any stage that says nothing of its own." rules:"over_limit"`
	Overdue   *Span            `yaml:"next_step_grace" doc:"How long a next step may be overdue; 1wd unless set." rules:"next_step_overdue"`
	CloseDate *Span            `yaml:"close_date_grace" doc:"How long an expected close date may be past; 0d unless set." rules:"close_date_past"`
	Touches   []string         `yaml:"touches,one" doc:"Types of activities by which a client is touched; all but task unless set." rules:"no_touch,first_response"`
	LargeDeal *decimal.Decimal `yaml:"large_deal" doc:"From this amount on a hanging deal is told at once."`
	Grace     *Span            `yaml:"grace" doc:"How long a deal may be without what its stage requires; 0d unless set." rules:"required_fields,qualification,primary_demand,reason_for_contact,nuances"`
}

// KPI is a figure of the catalogue with a target.
type KPI struct {
	At     Place
	KPI    KPIName          `yaml:"kpi,required,key" doc:"Which figure."`
	Target *decimal.Decimal `yaml:"target" doc:"Percent, days or money, as the figure has; the own median is the reference unless set."`
	Period Period           `yaml:"period,key" doc:"week, month, quarter or year; month unless set."`
	Role   string           `yaml:"role,key" doc:"Id of the role it is for; all unless set."`
}

// Plan is what is to be sold in a year.
type Plan struct {
	At       Place
	Year     int               `yaml:"year,required,key" doc:"Calendar year."`
	Unit     PlanUnit          `yaml:"unit,key" doc:"money, units or margin; money unless set."`
	Measure  string            `yaml:"measure,key" doc:"What units count, as in m2."`
	Target   decimal.Decimal   `yaml:"target,required" doc:"For the year."`
	Quarters []decimal.Decimal `yaml:"quarters,ordered" doc:"The same by quarter; equal parts unless set."`
	Team     string            `yaml:"team,key" doc:"Id of the team it is for; the company unless set."`
	Funnel   string            `yaml:"funnel,key" doc:"Id of the funnel it is for; all unless set."`
	Work     []Work            `yaml:"work" doc:"How much work of reps it stands for."`
}

// Work is an amount of work behind a plan.
type Work struct {
	At    Place
	Type  string `yaml:"type,required,key" doc:"Type of the activity, as in call or meeting."`
	Count int    `yaml:"count,required" doc:"How many in a month by each rep."`
}

// Enforcement tells what salesbook does about a rule and from when.
type Enforcement struct {
	At    Place
	Rule  string `yaml:"rule,required,key" doc:"Id of the rule, as violations have it; all for all."`
	Mode  Mode   `yaml:"mode" doc:"off, observe, tell, task or revert; observe unless set."`
	From  *Date  `yaml:"from,key" doc:"Day from which on it is so; at once unless set."`
	Grace *Span  `yaml:"grace" doc:"How long after the violation it begins."`
}
