package starter

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"salesbook.dev/internal/book"
)

// Draft is a starter book with what it was made from.
type Draft struct {
	Text      string           `json:"book"`
	Limits    []Limit          `json:"limits"`
	KeyStages []KeyStage       `json:"key_stages"`
	Fields    []FieldProposal  `json:"fields"`
	Reasons   []ReasonProposal `json:"loss_reasons"`
}

// draft is a Draft that is being written.
type draft struct {
	writer
	Draft
	accounts []Account
	refs     []string // of each funnel's second stage, as funnel/stage
}

// Make makes the starter book of a company from one or more of its
// connections, as of a day. The text can be parsed, and passes the check of
// books.
func Make(accounts []Account, on time.Time) Draft {
	d := &draft{accounts: accounts, Draft: Draft{Limits: []Limit{}, KeyStages: []KeyStage{}, Fields: []FieldProposal{}, Reasons: []ReasonProposal{}}}
	d.head(on)
	d.calendar()
	d.funnels()
	d.won()
	d.reasons()
	d.leads()
	d.line(0, "enforcement:")
	d.line(1, "- {rule: all, mode: observe}")
	d.Text = d.String()
	return d.Draft
}

func (d *draft) head(on time.Time) {
	var names []string
	var all Account
	for _, a := range d.accounts {
		names = append(names, a.Connection)
		all.Deals, all.Won, all.Lost, all.Leads = all.Deals+a.Deals, all.Won+a.Won, all.Lost+a.Lost, all.Leads+a.Leads
	}
	d.remark(0, "A starter book, made on %s from what %s holds: %d deals (%d won, %d lost) and %d leads.", on.Format(time.DateOnly), strings.Join(names, ", "), all.Deals, all.Won, all.Lost, all.Leads)
	d.remark(0, "It only observes: nothing is written to a CRM. Whatever stands behind a single # is a proposal;")
	d.remark(0, "take the # away from what you want, add one rule a week, then: salesbook book check, plan, activate.")
	d.line(0, "book: 1")
	d.line(0, "name: %s", quote("Starter book of "+strings.Join(names, ", ")))
	if l := language(d.accounts); l != "en" {
		d.line(0, "language: %s", l)
	}
	if c := first(d.accounts, func(a *Account) string { return a.Currency }); c != "" {
		d.line(0, "currency: %s", c)
	}
}

// first is the first thing that accounts know.
func first(accounts []Account, of func(*Account) string) string {
	for i := range accounts {
		if v := of(&accounts[i]); v != "" {
			return v
		}
	}
	return ""
}

// language is the one of the book's languages that most reps have set; en if
// they have none of them.
func language(accounts []Account) string {
	count := map[string]int{}
	best := "en"
	for _, a := range accounts {
		for _, locale := range a.Locales {
			l, _, _ := strings.Cut(strings.ToLower(strings.ReplaceAll(locale, "-", "_")), "_")
			if !slices.Contains(book.Language("").Words(), l) {
				continue
			}
			if count[l]++; count[l] > count[best] {
				best = l
			}
		}
	}
	return best
}

func (d *draft) calendar() {
	zone := first(d.accounts, func(a *Account) string { return a.Zone })
	if _, err := time.LoadLocation(zone); err != nil || zone == "" || zone == "Local" {
		zone = "UTC"
	}
	d.line(0, "calendars:")
	d.line(1, "- id: office")
	d.line(1, "  name: Office hours")
	d.line(1, "  zone: %s", zone)
	if country := book.CountryOf(zone); country != "" {
		d.line(1, "  holidays_of: %s", country)
	} else {
		d.remark(2, "Whose holidays are free is not told by the zone; the countries known are: %s", strings.Join(book.Countries(), ", "))
		d.proposed = true
		d.line(2, "holidays_of: %s", book.Countries()[0])
		d.proposed = false
	}
	d.line(1, "  hours:")
	d.line(2, `  - {days: [mon, tue, wed, thu, fri], from: "09:00", to: "18:00"}`)
}

func (d *draft) funnels() {
	d.line(0, "funnels:")
	taken := ids{}
	for i := range d.accounts {
		a := &d.accounts[i]
		for j := range a.Pipelines {
			if p := &a.Pipelines[j]; len(p.Stages) > 0 {
				d.funnel(a, p, taken.of(p.Name, fmt.Sprintf("funnel-%d", j+1)))
			}
		}
	}
}

func (d *draft) funnel(a *Account, p *Pipeline, id string) {
	d.line(1, "- id: %s", quote(id))
	d.line(1, "  name: %s", quote(p.Name))
	name := quote(p.Name)
	if slices.ContainsFunc(a.Pipelines, func(o Pipeline) bool { return o.ID != p.ID && book.FoldField(o.Name) == book.FoldField(p.Name) }) {
		name = quote("#" + p.ID)
	}
	d.line(1, "  crm: [{connection: %s, pipeline: %s}]", quote(a.Connection), name)
	d.line(1, "  order: free")
	var stages []string
	taken := ids{}
	for i := range p.Stages {
		stages = append(stages, taken.of(p.Stages[i].Name, fmt.Sprintf("stage-%d", i+1)))
	}
	d.keyStage(p, id, stages)
	d.line(1, "  stages:")
	for i := range p.Stages {
		d.stage(a, p, i, id, stages[i])
	}
	if len(stages) > 1 {
		d.refs = append(d.refs, id+"/"+stages[1])
	}
}

// keyStage proposes a key stage, and shows the second best.
func (d *draft) keyStage(p *Pipeline, funnel string, stages []string) {
	if closed := p.Won + p.Lost; closed < enoughClosed {
		d.remark(2, "A key stage is proposed from %d closed deals on; there are %d.", enoughClosed, closed)
		return
	}
	best := keyStages(p, funnel, stages)
	d.KeyStages = append(d.KeyStages, best...)
	for i, k := range best {
		if i == 0 {
			d.remark(2, "The stage whose passage tells most: %s.", k.why())
			d.proposed = true
			d.line(2, "key_stage: %s", quote(k.Stage))
			d.proposed = false
		} else {
			d.remark(2, "The next is %s: %s.", k.Stage, k.why())
		}
	}
}

func (d *draft) stage(a *Account, p *Pipeline, i int, funnel, id string) {
	s := &p.Stages[i]
	d.line(3, "- id: %s", quote(id))
	name := "  name: " + quote(s.Name)
	if s.Probability != nil {
		name = remarked(name, "%s %% by the CRM", s.Probability)
	}
	d.line(3, "%s", name)
	if slices.ContainsFunc(p.Stages, func(o Stage) bool { return o.ID != s.ID && book.FoldField(o.Name) == book.FoldField(s.Name) }) {
		d.line(3, "  crm: %s", quote("#"+s.ID))
	}
	l := limitOf(s)
	l.Connection, l.Funnel, l.Stage = a.Connection, funnel, id
	d.Limits = append(d.Limits, l)
	d.line(3, "%s", remarked(fmt.Sprintf("  limit: %dd", l.Days), "%s", l.why()))
	proposed := d.proposals(p, i, funnel)
	if len(s.Required) > 0 {
		d.line(3, "%s", remarked("  required: "+list(s.Required), "the CRM asks for it"))
	}
	if len(proposed) > 0 {
		all := slices.Clone(s.Required)
		for _, f := range proposed {
			d.remark(4, "%s is filled in %d %% of won deals and in %d %% of lost ones.", f.Field, f.Won, f.Lost)
			if !slices.Contains(all, f.Field) {
				all = append(all, f.Field)
			}
		}
		d.proposed = true
		if len(s.Required) == 0 {
			d.line(4, "required: %s", list(all))
		} else {
			d.line(4, "exit: [{required: %s}]", list(all))
		}
		d.proposed = false
	}
}

// proposals are the fields to require at a stage: those that only sellers fill
// are proposed at the last but one, from where a deal is brought home.
func (d *draft) proposals(p *Pipeline, stage int, funnel string) []FieldProposal {
	if stage != max(0, len(p.Stages)-2) {
		return nil
	}
	list := telling(p, funnel)
	d.Fields = append(d.Fields, list...)
	return list
}

// won asks of a won deal what the CRM asks for in every pipeline. That it has
// an amount every book asks for.
func (d *draft) won() {
	var fields []string
	pipelines, asked := 0, map[string]int{}
	for i := range d.accounts {
		for j := range d.accounts[i].Pipelines {
			pipelines++
			for _, f := range d.accounts[i].Pipelines[j].Fields {
				if f.RequiredWon {
					if asked[f.Name]++; asked[f.Name] == 1 {
						fields = append(fields, f.Name)
					}
				}
			}
		}
	}
	fields = slices.DeleteFunc(fields, func(f string) bool { return asked[f] < pipelines })
	if len(fields) > 0 {
		d.line(0, "won:")
		d.line(1, "%s", remarked("criteria: [{required: "+list(fields)+"}]", "the CRM asks for it"))
	}
}

func (d *draft) leads() {
	leads := 0
	for _, a := range d.accounts {
		leads += a.Leads
	}
	d.line(0, "leads:")
	if leads == 0 && len(d.refs) > 0 {
		d.line(1, "%s", remarked("deals_below: "+list(d.refs), "the lead inbox is not used, so deals in the first stage count as leads"))
	}
	d.line(1, "first_response: 1wd")
}
