package handbook

import (
	"strconv"
	"strings"

	"github.com/shopspring/decimal"

	"salesbook.dev/internal/book"
	"salesbook.dev/internal/language"
)

// figures tell what is counted and what is to be sold.
func (w *writer) figures() []section {
	out := []section{w.kpis()}
	if len(w.book.Plans) > 0 {
		out = append(out, w.plans())
	}
	if len(w.book.Rates) > 0 {
		out = append(out, w.rates())
	}
	return out
}

func (w *writer) rates() section {
	t := &table{Head: []string{w.Say(language.RateOf), w.Say(language.RateIs), w.Say(language.RateFrom)}}
	for _, r := range w.book.Rates {
		from := w.Say(language.RateAlways)
		if r.From != nil {
			from = w.Day(*r.From)
		}
		t.Rows = append(t.Rows, []string{w.Money(decimal.NewFromInt(1), r.Currency), w.Money(r.Is, w.book.Currency), from})
	}
	return section{ID: "rates", Title: w.Say(language.Rates), Table: t}
}

// usualKPIs are those of a book that names none.
func usualKPIs() []book.KPI {
	return []book.KPI{{KPI: "lead_to_client"}, {KPI: "key_stage_passage"}, {KPI: "first_response_in_time"}, {KPI: "sales_cycle"}, {KPI: "won_against_plan"}}
}

func (w *writer) kpis() section {
	t := &table{Head: []string{w.Say(language.Figure), w.Say(language.Target), w.Say(language.HowOften), w.Say(language.ForWhom)}}
	list := w.book.KPIs
	if len(list) == 0 {
		list = usualKPIs()
	}
	for i := range list {
		k := &list[i]
		target, period, whom := w.Say(language.OwnMedian), k.Period, w.Say(language.Everybody)
		if k.Target != nil {
			target = w.target(k.KPI, *k.Target)
		}
		if period == "" {
			period = "month"
		}
		if k.Role != "" {
			whom = w.roleName(k.Role)
		}
		t.Rows = append(t.Rows, []string{w.KPI(string(k.KPI)), target, w.Period(string(period)), whom})
	}
	return section{ID: "kpis", Title: w.Say(language.KPIs), Table: t}
}

// target writes the target of a figure with the unit that the figure has.
func (w *writer) target(kpi book.KPIName, d decimal.Decimal) string {
	switch kpi {
	case "average_check":
		return w.Amount(d)
	case "violations_per_rep":
		return w.Decimal(d)
	case "sales_cycle":
		if d.IsInteger() {
			return w.Count(language.Days, int(d.IntPart()))
		}
		return w.Say(language.PartDays, w.Decimal(d))
	}
	return w.Percent(d)
}

func (w *writer) plans() section {
	s := section{ID: "plans", Title: w.Say(language.Plans)}
	for i := range w.book.Plans {
		s.Cards = append(s.Cards, w.plan(&w.book.Plans[i], i+1))
	}
	return s
}

func (w *writer) plan(p *book.Plan, number int) card {
	var of []string
	if p.Team != "" {
		of = append(of, w.Say(language.OfTeam, w.Quote(w.teamName(p.Team))))
	}
	if p.Funnel != "" {
		of = append(of, w.Say(language.Pipeline, w.Quote(w.funnelName(p.Funnel))))
	}
	title := w.Say(language.PlanOf, strconv.Itoa(p.Year))
	if len(of) > 0 {
		title = w.Say(language.PlanOfPart, strconv.Itoa(p.Year), strings.Join(of, ", "))
	}
	unit := p.Unit
	if unit == "" {
		unit = "money"
	}
	e := w.entries()
	e.say(language.CountedIn, w.PlanUnit(string(unit)))
	e.say(language.ForTheYear, w.planned(p, p.Target))
	var work []string
	for _, one := range p.Work {
		work = append(work, w.Activities(one.Type, one.Count))
	}
	if len(work) > 0 {
		e.say(language.WorkBehind, w.Say(language.EachRep, strings.Join(work, ", ")))
	}
	return card{ID: "plan." + strconv.Itoa(number), Title: title, Entries: e.list, Table: w.quarters(p)}
}

// quarters are the year's parts: equal ones unless the plan says otherwise.
func (w *writer) quarters(p *book.Plan) *table {
	t := &table{Rows: [][]string{nil}, Numbers: true}
	for i, roman := range []string{"I", "II", "III", "IV"} {
		part := p.Target.Div(decimal.NewFromInt(4))
		if i < len(p.Quarters) {
			part = p.Quarters[i]
		}
		t.Head = append(t.Head, w.Say(language.Quarter, strconv.Itoa(i+1), roman))
		t.Rows[0] = append(t.Rows[0], w.planned(p, part))
	}
	return t
}

// planned writes an amount of a plan in what it counts.
func (w *writer) planned(p *book.Plan, d decimal.Decimal) string {
	if p.Unit != "units" {
		return w.Amount(d)
	}
	return strings.TrimSpace(w.Decimal(d) + "\u00a0" + p.Measure)
}
