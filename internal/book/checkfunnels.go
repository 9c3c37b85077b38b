package book

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"salesbook.dev/internal/sales"
)

func (c *checker) funnels() {
	ids, from := c.ids("funnels"), map[string]string{}
	for i := range c.b.Funnels {
		f := &c.b.Funnels[i]
		where := "funnels › " + f.ID
		ids.add(f.At, f.ID)
		c.known(f.At, where, f.Product, "product", c.b.productIDs())
		c.known(f.At, where, f.Segment, "segment", c.b.segmentIDs())
		c.known(f.At, where, f.KeyStage, "stage", f.stageIDs())
		for _, p := range f.CRM {
			c.pipeline(where, f, p, from)
		}
		if len(f.CRM) == 0 {
			c.fail(f.At, where, "", "it is no pipeline of any CRM", "name one under crm")
		}
		if len(f.Stages) == 0 {
			c.fail(f.At, where, "", "a funnel without stages cannot be passed", "list its stages")
		}
		c.stages(where, f)
	}
	if len(c.b.Funnels) == 0 {
		c.fail(c.b.At, "funnels", "", "a book has at least one funnel", "`salesbook book starter` makes some from what the CRM has")
	}
}

// pipeline finds a pipeline that two funnels claim. One that is named without a
// connection is that of any.
func (c *checker) pipeline(where string, f *Funnel, p From, from map[string]string) {
	for other, funnel := range from {
		connection, pipeline, _ := strings.Cut(other, "\x00")
		if pipeline == fold(p.Pipeline) && (connection == p.Connection || connection == "" || p.Connection == "") {
			c.fail(p.At, where, p.Pipeline, "this pipeline is funnel "+funnel+" already", "a pipeline is one funnel; name the connection if they are of two CRMs")
		}
	}
	from[p.Connection+"\x00"+fold(p.Pipeline)] = f.ID
}

func (c *checker) stages(where string, f *Funnel) {
	ids, crm := c.ids(where+" › stages"), map[string]string{}
	for i := range f.Stages {
		s := &f.Stages[i]
		at := where + " › stages › " + s.ID
		ids.add(s.At, s.ID)
		c.known(s.At, at, s.Role, "role", c.b.roleIDs())
		c.who(s.At, at, s.Tell)
		for _, name := range s.CRMNames() {
			if other, ok := crm[fold(name)]; ok {
				c.fail(s.At, at, name, "this stage of the CRM is stage "+other+" already", "")
			}
			crm[fold(name)] = s.ID
		}
		tasks := c.ids(at + " › tasks")
		for _, t := range s.Tasks {
			tasks.add(t.At, t.ID)
		}
		if len(s.Tell) > 0 && s.Limit == nil && s.NoTouch == nil {
			c.fail(s.At, at, "", "people are to be told, but there is no limit that could be broken", "add limit or no_touch")
		}
		if s.Probability != nil && (*s.Probability < 0 || *s.Probability > 100) {
			c.fail(s.At, at+" › probability", strconv.Itoa(*s.Probability), "no such share of deals can be won", "0 to 100")
		}
		c.positive(s.At, at+" › limit", s.Limit)
		c.positive(s.At, at+" › no_touch", s.NoTouch)
	}
}

// positive refuses a limit that everything breaks at once.
func (c *checker) positive(at Place, where string, s *Span) {
	if s != nil && s.N == 0 {
		c.fail(at, where, s.String(), "nobody can keep to this", "leave it out, or give it a length")
	}
}

// CRMNames are the names of a stage in the CRM, or # and an id.
func (s *Stage) CRMNames() []string {
	if len(s.CRM) > 0 {
		return s.CRM
	}
	return []string{s.Name}
}

// fold is a text as it is compared: without regard to case and blanks around.
func fold(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }

func (c *checker) won() {
	for _, ref := range c.b.Won.From {
		c.stage(c.b.Won.At, "won", ref)
	}
}

func (c *checker) reasons() {
	ids, spelt := c.ids("loss_reasons"), map[string]string{}
	for i := range c.b.LossReasons {
		r := &c.b.LossReasons[i]
		where := "loss_reasons › " + r.ID
		ids.add(r.At, r.ID)
		for _, s := range r.written() {
			c.spelling(r.At, where, s, FoldReason(s), r.ID, spelt)
		}
		c.reason(where, r)
	}
	for i := range c.b.Refused {
		r := &c.b.Refused[i]
		for _, s := range r.written() {
			c.spelling(r.At, "refused_reasons", s, FoldReason(s), r.Text, spelt)
		}
	}
}

func (c *checker) spelling(at Place, where, s, folded, owner string, spelt map[string]string) {
	if other, ok := spelt[folded]; ok {
		c.fail(at, where, s, "this is how "+other+" is written", "a text stands for one reason")
	}
	spelt[folded] = owner
}

func (c *checker) reason(where string, r *LossReason) {
	switch {
	case len(r.Criteria) == 0 && !r.AnyTime:
		c.fail(r.At, where, "", "a reason without criteria is none: any rep can give it to any client", "say when it may be used under criteria, or write any_time: true")
	case len(r.Criteria) > 0 && r.AnyTime:
		c.fail(r.At, where, "", "it has criteria, and any_time says that it has none", "remove one of them")
	}
	for _, ref := range r.From {
		c.stage(r.At, where, ref)
	}
	if a := r.Approval; a != nil {
		if a.Always == (a.Above != nil) {
			c.fail(a.At, where+" › approval", "", "it must say either always or above", "")
		}
		c.amount(a.At, where+" › approval", a.Above)
		c.who(a.At, where+" › approval", a.By)
	}
	if n := r.Nurture; n != nil && (n.After == nil) == (n.Field == "") {
		c.fail(n.At, where+" › nurture", "", "it must say either after or field", "")
	}
	for _, t := range r.OnLost {
		if t.After != nil && t.Field != "" {
			c.fail(t.At, where+" › on_lost", "", "it has two dates", "give either after or field")
		}
	}
}

func (c *checker) leads() {
	l := &c.b.Leads
	ends := map[string]string{}
	for _, ref := range l.Below {
		c.stage(l.At, "leads › deals_below", ref)
		funnel, _, _ := strings.Cut(ref, "/")
		if other, ok := ends[funnel]; ok {
			c.fail(l.At, "leads › deals_below", ref, "leads of this funnel end at "+other+" already", "one stage for each funnel")
		}
		ends[funnel] = ref
	}
	c.positive(l.At, "leads › first_response", l.FirstResponse)
	if l.Escalate != nil {
		c.who(l.Escalate.At, "leads › escalate", l.Escalate.Tell)
		if l.FirstResponse == nil {
			c.fail(l.Escalate.At, "leads › escalate", "", "no response is due, so none can be late", "add first_response")
		}
	}
	ids, sources := c.ids("leads › channels"), map[string]string{}
	for _, ch := range l.Channels {
		ids.add(ch.At, ch.ID)
		for _, s := range ch.Sources {
			c.spelling(ch.At, "leads › channels › "+ch.ID, s, fold(s), ch.ID, sources)
		}
	}
	for _, d := range l.Distribution {
		c.known(d.At, "leads › distribution", d.Team, "team", c.b.teamIDs())
		c.known(d.At, "leads › distribution", d.Role, "role", c.b.roleIDs())
		if d.Team == "" && d.Role == "" {
			c.fail(d.At, "leads › distribution", "", "it says to nobody who gets the lead", "name a team or a role")
		}
	}
	k := &c.b.Control
	c.positive(k.At, "control › no_touch", k.NoTouch)
	c.positive(k.At, "control › limit", k.Limit)
	c.amount(k.At, "control › large_deal", k.LargeDeal)
}

func (c *checker) figures() {
	kpis := map[string]bool{}
	for _, k := range c.b.KPIs {
		key := string(k.KPI) + "/" + k.Role + "/" + string(k.Period)
		if kpis[key] {
			c.fail(k.At, "kpis", string(k.KPI), "stands twice", "one line for each role and period")
		}
		kpis[key] = true
		c.known(k.At, "kpis › "+string(k.KPI), k.Role, "role", c.b.roleIDs())
	}
	plans := map[string]bool{}
	for _, p := range c.b.Plans {
		where := fmt.Sprint("plans › ", p.Year)
		key := fmt.Sprint(p.Year, p.Unit, p.Measure, p.Team, p.Funnel)
		if plans[key] {
			c.fail(p.At, where, "", "stands twice", "one plan for each year, unit, team and funnel")
		}
		plans[key] = true
		c.plan(where, p)
	}
}

func (c *checker) plan(where string, p Plan) {
	c.known(p.At, where, p.Team, "team", c.b.teamIDs())
	c.known(p.At, where, p.Funnel, "funnel", c.b.funnelIDs())
	if p.Unit != "units" {
		c.amount(p.At, where, &p.Target)
	}
	if p.Year < 2000 || p.Year > 2100 {
		c.fail(p.At, where, fmt.Sprint(p.Year), "is no year to plan for", "")
	}
	if len(p.Quarters) == 0 {
		return
	}
	sum := p.Quarters[0]
	for _, q := range p.Quarters[1:] {
		sum = sum.Add(q)
	}
	if len(p.Quarters) != 4 || !sum.Equal(p.Target) {
		c.fail(p.At, where, sum.String(), "the quarters are not the year's target", "four of them, with the sum "+p.Target.String())
	}
}

func (c *checker) enforcement() {
	names := append([]string{"all"}, c.b.RuleNames()...)
	seen := map[string]bool{}
	for _, e := range c.b.Enforcement {
		c.known(e.At, "enforcement", e.Rule, "rule", names)
		if e.Mode == Revert && !c.ofStep(e.Rule) {
			c.fail(e.At, "enforcement", e.Rule, "only a move or the end of a deal can be taken back", "write task; revert is for "+c.takeable())
		}
		key := e.Rule
		if e.From != nil {
			key += " from " + e.From.String()
		}
		if seen[key] {
			c.fail(e.At, "enforcement", e.Rule, "stands twice for the same day", "")
		}
		seen[key] = true
	}
}

// ofStep tells whether a rule is about a move or the end of a deal: commandments
// and all rules together are not. Names that are no rule are told elsewhere.
func (c *checker) ofStep(rule string) bool {
	if slices.Contains(OfSteps(), Rule(rule)) {
		return true
	}
	return rule != "all" && !slices.Contains(Rules(), Rule(rule)) && !slices.ContainsFunc(c.b.Standard, func(k Commandment) bool { return k.ID == rule })
}

// takeable lists the rules that revert is for.
func (c *checker) takeable() string {
	names := idsOf(OfSteps(), func(r *Rule) string { return string(*r) })
	return strings.Join(names, ", ") + " and conditions with an id under entry, exit and criteria"
}

func (c *checker) cases() {
	names := c.b.RuleNames()
	for i := range c.b.Cases {
		k := &c.b.Cases[i]
		where := "cases › " + k.Name
		for _, e := range k.Expect {
			c.known(k.At, where, e, "rule", names)
		}
		if len(c.b.Calendars) == 0 {
			c.fail(k.At, where, "", "nobody knows in which time zone this is", "a book with cases has a calendar")
		}
		if d := k.Deal; d != nil {
			c.caseDeal(where, d)
		}
	}
}

func (c *checker) caseDeal(where string, d *CaseDeal) {
	c.known(d.At, where, d.Funnel, "funnel", c.b.funnelIDs())
	i := slices.Index(c.b.funnelIDs(), d.Funnel)
	if i < 0 {
		return
	}
	last := d.Added
	for _, m := range d.Moves {
		c.known(m.At, where, m.Stage, "stage", c.b.Funnels[i].stageIDs())
		if m.When.before(last) {
			c.fail(m.At, where, m.Stage, "this move comes before what stands above it", "moves stand in the order of time")
		}
		last = m.When
	}
	if _, known := sales.MinorDigits(d.Currency); d.Currency != "" && !known {
		c.fail(d.At, where, d.Currency, "is no currency", "three capital letters of ISO 4217, as in EUR")
	}
	if d.Won != nil && d.Lost != nil {
		c.fail(d.At, where, "", "a deal is not both won and lost", "")
	}
	if len(d.Moves) == 0 {
		c.fail(d.At, where, "", "a deal stands in some stage", "list the stages that it entered under moves")
	}
}
