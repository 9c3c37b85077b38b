package book

import (
	"fmt"
	"slices"

	"github.com/shopspring/decimal"

	"salesbook.dev/internal/strictyaml"
)

// conditions checks every condition of the book on its own.
func (c *checker) conditions() {
	ids := c.ids("conditions")
	for _, r := range Rules() {
		ids.seen[string(r)] = true
	}
	for _, s := range c.b.Standard {
		ids.seen[s.ID] = true
	}
	c.b.eachCondition(func(k *Condition, s scope) {
		if k.ID != "" {
			ids.add(k.At, k.ID)
		}
		c.condition(k, s)
	})
}

func (c *checker) condition(k *Condition, s scope) {
	switch {
	case k.Required != nil:
		c.nonEmpty(k, s, len(k.Required), "required")
	case k.Any != nil:
		c.nonEmpty(k, s, len(k.Any), "any")
	case k.All != nil:
		c.nonEmpty(k, s, len(k.All), "all")
		c.contradictions(k, s)
	case k.Attempts != nil:
		c.attempts(k.Attempts, s)
	case k.AmountAtLeast != nil:
		c.amount(k.At, s.where, k.AmountAtLeast)
	case k.ProductsListed != nil && *k.ProductsListed < 1:
		c.fail(k.At, s.where, fmt.Sprint(*k.ProductsListed), "every deal has so many products", "at least 1")
	case k.StagePassed != "":
		c.stagePassed(k, s)
	case k.CEL != "":
		c.expression(k, s)
	case k.DocumentSent != nil && k.DocumentSent.Field == "" && len(k.DocumentSent.Types) == 0 && len(k.DocumentSent.Words) == 0:
		c.fail(k.At, s.where, "", "it does not say how it shows that the document was sent", "name a field, or types of activities, or words of their subject")
	case k.InvoicePaid != nil && k.InvoicePaid.Share != nil && (k.InvoicePaid.Share.Sign() <= 0 || k.InvoicePaid.Share.GreaterThan(decimal.NewFromInt(100))):
		c.fail(k.At, s.where, k.InvoicePaid.Share.String(), "is no share of an invoice", "percent, above 0 and at most 100")
	case k.NoteWritten != nil && k.NoteWritten.Letters < 0:
		c.fail(k.At, s.where, fmt.Sprint(k.NoteWritten.Letters), "is no length", "")
	}
}

func (c *checker) expression(k *Condition, s scope) {
	if c.dialect == nil {
		d, err := newDialect()
		if err != nil {
			c.fail(k.At, s.where, "", err.Error(), "")
			return
		}
		c.dialect = d
	}
	e, err := c.dialect.compile(k.CEL)
	switch {
	case err != nil:
		c.fail(k.At, s.where, k.CEL, "the expression is wrong: "+err.Error(), "")
	case e.never:
		c.fail(k.At, s.where, k.CEL, neverPasses+": it says no whatever it is asked about", "")
	}
}

func (c *checker) nonEmpty(k *Condition, s scope, n int, key string) {
	if n == 0 {
		c.fail(k.At, s.where, "", key+" is empty, so it says nothing", "")
	}
}

// neverPasses is what is said of a rule that no deal can keep to.
const neverPasses = "this rule can never pass"

func (c *checker) attempts(a *Attempts, s scope) {
	days := max(1, a.Days)
	switch {
	case a.Count < 1 || a.Days < 0:
		c.fail(a.At, s.where, fmt.Sprint(a.Count), "is no number of attempts", "at least 1")
	case days > a.Count:
		c.fail(a.At, s.where, "", neverPasses+": "+fmt.Sprintf("%d attempts cannot lie on %d days", a.Count, days), "more attempts, or fewer days")
	case a.Within != nil && a.Within.days() > 0 && days > a.Within.days()+1:
		c.fail(a.At, s.where, a.Within.String(), neverPasses+": "+fmt.Sprintf("%d different days do not fit into %s", days, a.Within), "a longer time, or fewer days")
	}
}

// days is how many days a span of days has at most; 0 for other units.
func (s Span) days() int {
	switch s.Unit {
	case Days:
		return s.N
	case WorkingDays:
		return s.N*7/5 + 2
	}
	return 0
}

// stagePassed finds a stage that a deal cannot have been in by then.
func (c *checker) stagePassed(k *Condition, s scope) {
	f, stage, ok := c.b.stageRef(k.StagePassed)
	switch {
	case !ok:
		c.fail(k.At, s.where, k.StagePassed, "there is no such stage in the book; stages are named as funnel/stage", strictyaml.Suggest(k.StagePassed, c.b.stageRefs()))
	case s.funnel == nil:
	case f != s.funnel:
		c.fail(k.At, s.where, k.StagePassed, neverPasses+": a deal of funnel "+s.funnel.ID+" does not pass a stage of "+f.ID, "")
	case s.funnel.Order == Strict && (stage > s.stage || s.entry && stage == s.stage):
		c.fail(k.At, s.where, k.StagePassed, neverPasses+": in a strict funnel this stage comes later, so "+s.funnel.Stages[s.stage].ID+" cannot be reached or left", "name an earlier stage, or write order: free")
	}
}

// contradictions finds conditions that cannot hold together.
func (c *checker) contradictions(k *Condition, s scope) {
	type bound struct{ least, most *decimal.Decimal }
	bounds := map[string]bound{}
	is := map[string][]string{}
	for i := range k.All {
		f := k.All[i].Field
		if f == nil {
			continue
		}
		b := bounds[f.Name]
		if f.AtLeast != nil && (b.least == nil || f.AtLeast.GreaterThan(*b.least)) {
			b.least = f.AtLeast
		}
		if f.AtMost != nil && (b.most == nil || f.AtMost.LessThan(*b.most)) {
			b.most = f.AtMost
		}
		bounds[f.Name] = b
		if b.least != nil && b.most != nil && b.least.GreaterThan(*b.most) {
			c.fail(f.At, s.where, f.Name, neverPasses+": it is to be at least "+b.least.String()+" and at most "+b.most.String(), "")
		}
		if f.Is != nil {
			if before, ok := is[f.Name]; ok && !slices.ContainsFunc(f.Is, func(v string) bool { return slices.Contains(before, v) }) {
				c.fail(f.At, s.where, f.Name, neverPasses+": it cannot hold two things at once", "write one list under is, or use any")
			}
			is[f.Name] = f.Is
		}
	}
}
