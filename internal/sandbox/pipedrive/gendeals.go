package pipedrive

import (
	"cmp"
	"fmt"
	"strconv"
	"time"

	"salesbook.dev/internal/sandbox"
)

// lostAt is the chance to lose a deal at each stage of a funnel; the last
// figure serves the stages beyond.
func lostAt(stage int) float64 {
	odds := []float64{0.22, 0.14, 0.13, 0.12, 0.08, 0.05}
	return odds[min(stage, len(odds)-1)]
}

// makeDeals lets each deal live from its birth until it is closed, forgotten
// or the present day comes.
func (g *generator) makeDeals() {
	for _, at := range g.Births(g.scale.Deals) {
		l := g.newLife(at)
		l.run()
		l.finish()
		g.addItems(l)
		g.deals.save(g.tx, &l.deal)
		g.histories.save(g.tx, &l.history)
		g.addActivities(l)
		g.addNotes(l)
	}
}

// life is one deal's way through its funnel.
type life struct {
	*generator
	deal    deal
	history history
	funnel  funnel
	at      time.Time // of the latest change
	stage   int       // index into the funnel
	reps    int64     // who works on it
	dead    bool      // forgotten: open, with no next step
	born    time.Time
}

func (g *generator) newLife(at time.Time) *life {
	f := g.chooseFunnel()
	d := g.newDeal()
	d.CreatorUserID = g.owner(at)
	d.OwnerID, d.AddTime, d.UpdateTime, d.StageChangeTime = d.CreatorUserID, instantOf(at), instantOf(at), instantOf(at)
	d.PipelineID, d.StageID, d.Currency = f.pipeline, f.stages[0], sandbox.Skewed(&g.Inventor, f.currency)
	d.Value = cents(g.Lognormal(f.median*100, 100_00))
	name := "Klient " + id(d.ID)
	if len(g.contacts) > 0 && g.Chance(0.93) {
		who := sandbox.Pick(&g.Inventor, g.contacts)
		d.PersonID, d.OrgID = ref(who.id), ref(who.org)
		name = cmp.Or(g.orgNames[who.org], who.name)
	}
	d.Title = fmt.Sprintf(sandbox.Pick(&g.Inventor, g.titles), name)
	if g.Chance(0.4) {
		p := whole(int64(5 + 5*g.Rng.IntN(19)))
		d.Probability = &p
	}
	if g.Chance(0.7) {
		d.ExpectedCloseDate = dayOf(at.AddDate(0, 0, 20+g.Rng.IntN(100)))
	}
	if labels := g.field("deal", "label_ids").Options; g.Chance(0.3) {
		d.LabelIDs = []int64{sandbox.Pick(&g.Inventor, labels).ID.number()}
	}
	d.CustomFields = g.customValues("deal", at, 0.55)
	return &life{generator: g, deal: d, history: history{DealID: d.ID}, funnel: f, at: at, born: at, reps: d.OwnerID}
}

// change notes a new value in the history.
func (l *life) change(field, old, next string) {
	opt := func(s string) *string {
		if s == "" {
			return nil
		}
		return &s
	}
	l.history.Changes = append(l.history.Changes, entry{
		Field: field, Old: opt(old), New: opt(next), User: l.reps, At: instantOf(l.at), Source: "app",
	})
}

func id(n int64) string { return strconv.FormatInt(n, 10) }

// run moves the deal until its end; each step takes its time.
func (l *life) run() {
	const steps = 60 // a bound, far above what a life takes
	for range steps {
		next := l.OfficeHours(l.at.Add(l.Around(l.funnel.pace)))
		if !next.After(l.at) {
			next = l.at.Add(time.Hour)
		}
		if next.After(l.Now) {
			return
		}
		if l.Chance(0.015) {
			l.dead = true
			return
		}
		l.at = next
		if l.step() {
			return
		}
	}
}

// step makes one move and reports whether the deal is closed for good.
func (l *life) step() (closed bool) {
	switch {
	case l.Chance(lostAt(l.stage)):
		l.close(statusLost)
		return !l.reopen()
	case l.stage > 0 && l.Chance(0.06):
		l.moveTo(l.stage - 1 - l.Rng.IntN(l.stage))
	case l.stage == len(l.funnel.stages)-1:
		l.close(statusWon)
		return true
	case l.Chance(0.05):
		l.moveTo(min(l.stage+2, len(l.funnel.stages)-1))
	default:
		l.moveTo(l.stage + 1)
	}
	if l.Chance(0.12) {
		l.reprice()
	}
	return false
}

func (l *life) moveTo(stage int) {
	l.change("stage_id", id(l.funnel.stages[l.stage]), id(l.funnel.stages[stage]))
	l.stage = stage
	l.deal.StageID, l.deal.StageChangeTime = l.funnel.stages[stage], instantOf(l.at)
}

func (l *life) reprice() {
	old := l.deal.Value
	l.deal.Value = cents(l.Lognormal(l.funnel.median*100, 100_00))
	l.change("value", old.String(), l.deal.Value.String())
}

func (l *life) close(outcome status) {
	d := &l.deal
	l.change("status", d.Status.String(), outcome.String())
	d.Status, d.CloseTime = outcome, instantOf(l.at)
	if outcome == statusWon {
		d.WonTime, l.history.FirstWon = d.CloseTime, d.CloseTime
		if l.Chance(0.04) {
			d.Value = whole(0)
		}
	} else {
		d.LostTime = d.CloseTime
		l.loseFor()
	}
}

// loseFor gives a reason: a good one, one that is none, or nothing.
func (l *life) loseFor() {
	n := l.Rng.Float64()
	reason := ""
	switch {
	case n < 0.58:
		reason = sandbox.Skewed(&l.Inventor, l.goodReasons)
	case n < 0.88:
		reason = sandbox.Skewed(&l.Inventor, l.badReasons)
	default:
		return
	}
	l.deal.LostReason = &reason
	l.change("lost_reason", "", reason)
}

// reopen takes a lost deal up again now and then.
func (l *life) reopen() bool {
	again := l.at.Add(l.Around(20 * 24 * time.Hour))
	if !l.Chance(0.06) || again.After(l.Now) {
		return false
	}
	l.at = l.OfficeHours(again)
	d := &l.deal
	l.change("status", "lost", "open")
	d.Status, d.CloseTime, d.LostTime, d.LostReason = statusOpen, 0, 0, nil
	return true
}

// finish settles owner, archive, deletion and the times that follow.
func (l *life) finish() {
	d := &l.deal
	idle := l.Now.Sub(l.at)
	if d.Status == statusOpen && l.Chance(0.1) {
		l.dead = true
	}
	if idle > 45*24*time.Hour && l.leftOwner() && l.Chance(0.5) && d.Status == statusOpen {
		heir := sandbox.Pick(&l.Inventor, l.generator.reps).ID
		l.at = l.Past(l.at.AddDate(0, 0, 20))
		l.change("user_id", id(d.OwnerID), id(heir))
		d.OwnerID, l.reps = heir, heir
	}
	switch {
	case l.Chance(0.015) && idle > 24*time.Hour && d.ID > kept:
		l.at = l.Past(l.Now.AddDate(0, 0, -l.Rng.IntN(28)))
		l.change("status", d.Status.String(), "deleted")
		d.Status, d.IsDeleted = statusDeleted, true
	case l.Chance(0.06) && idle > 90*24*time.Hour:
		l.at = l.Past(l.at.AddDate(0, 2, 0))
		l.change("is_archived", "false", "true")
		d.IsArchived, d.ArchiveTime = true, instantOf(l.at)
	}
	d.UpdateTime = instantOf(l.at)
	d.LocalWonDate, d.LocalLostDate, d.LocalCloseDate = l.localDay(d.WonTime), l.localDay(d.LostTime), l.localDay(d.CloseTime)
}

func (l *life) leftOwner() bool {
	r := l.users.get(l.deal.OwnerID)
	return r != nil && r.is(flagInactive)
}

// addItems attaches products to two deals in five; their sum is the value.
func (g *generator) addItems(l *life) {
	if len(g.catalogue) == 0 || !g.Chance(0.4) {
		return
	}
	d := &l.deal
	var items []*item
	for n := range 1 + g.Rng.IntN(3) {
		p := sandbox.Pick(&g.Inventor, g.catalogue)
		it := item{
			ID: g.items.next, DealID: d.ID, ProductID: p.ID, Name: p.Name, OrderNr: int64(n + 1),
			AddTime: d.AddTime, UpdateTime: d.AddTime, Currency: d.Currency, Quantity: whole(int64(1 + g.Rng.IntN(3))),
			ItemPrice: p.Prices[0].Price, Discount: whole(int64(sandbox.Pick(&g.Inventor, []int{0, 0, 0, 5, 10}))), TaxMethod: "inclusive",
			DiscountType: "percentage", IsEnabled: true, BillingFrequency: "one-time",
		}
		it.price()
		g.items.save(g.tx, &it)
		items = append(items, &it)
	}
	d.valueBy(items)
}
