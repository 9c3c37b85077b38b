package pipedrive

import (
	"fmt"
	"time"

	"salesbook.dev/internal/sandbox"
)

// share is how many of total belong to one of n, the fraction by chance.
func (g *generator) share(total, n int) int {
	if n == 0 {
		return 0
	}
	mean := float64(total) / float64(n)
	// Few deals get many touches and many get few.
	count := mean * (0.3 + g.Rng.ExpFloat64()*0.7)
	whole := int(count)
	if g.Chance(count - float64(whole)) {
		whole++
	}
	return whole
}

// addActivities gives a deal its touches and, while it is open and not
// forgotten, mostly a next step.
func (g *generator) addActivities(l *life) {
	n := g.share(g.scale.Activities, g.scale.Deals)
	if n == 0 {
		return
	}
	d := &l.deal
	if d.Status == statusOpen && !l.dead && g.Chance(0.75) {
		n--
		due := g.OfficeHours(g.Now.AddDate(0, 0, g.Rng.IntN(21)-6))
		a := g.touch(due)
		a.OwnerID, a.DealID, a.PersonID, a.OrgID = d.OwnerID, ref(d.ID), d.PersonID, d.OrgID
		a.AddTime = instantOf(l.at)
		a.UpdateTime = a.AddTime
		g.finishActivity(&a)
	}
	span := l.at.Sub(l.born)
	for range n {
		at := g.Past(l.born.Add(time.Duration(g.Rng.Float64() * float64(span))))
		a := g.touch(at)
		a.OwnerID, a.DealID, a.PersonID, a.OrgID = l.reps, ref(d.ID), d.PersonID, d.OrgID
		a.AddTime, a.Done = instantOf(at.Add(-time.Hour)), true
		a.MarkedAsDoneTime, a.UpdateTime = instantOf(at), instantOf(at)
		g.finishActivity(&a)
	}
}

// touch is an activity due at that time.
func (g *generator) touch(due time.Time) activity {
	a := g.newActivity()
	a.Type = sandbox.Skewed(&g.Inventor, []string{"call", "call", "meeting", "email", "task", "pokaz", "prezentacja_online"})
	a.Subject = sandbox.Pick(&g.Inventor, sandbox.Subjects(a.Type))
	a.DueDate, a.DueTime, a.Duration = dayOf(due), text(due.Format("15:04:00")), text(sandbox.Pick(&g.Inventor, []string{"00:15:00", "00:30:00", "01:00:00"}))
	if g.Chance(0.2) {
		a.Note = text(sandbox.Pick(&g.Inventor, g.remarks))
	}
	return a
}

func (g *generator) finishActivity(a *activity) {
	a.CreatorUserID = a.OwnerID
	if a.PersonID != 0 {
		a.Participants = []participant{{int64(a.PersonID), true}}
	}
	g.activities.save(g.tx, a)
}

func (g *generator) addNotes(l *life) {
	span := l.at.Sub(l.born)
	for range g.share(g.scale.Notes, g.scale.Deals) {
		at := g.Past(l.born.Add(time.Duration(g.Rng.Float64() * float64(span))))
		n := note{
			ID: g.notes.next, ActiveFlag: true, AddTime: stampOf(at), UpdateTime: stampOf(at), UserID: l.reps, LastUpdateUserID: ref(l.reps),
			Content: sandbox.Pick(&g.Inventor, g.remarks), DealID: ref(l.deal.ID), PersonID: l.deal.PersonID, OrgID: l.deal.OrgID,
			PinnedToDeal: pin(g.Chance(0.05)),
		}
		g.notes.save(g.tx, &n)
	}
}

// makeLeads fills the lead inbox; a fifth is archived, many were never seen.
func (g *generator) makeLeads() {
	if len(g.contacts) == 0 {
		return
	}
	for _, at := range g.Births(g.scale.Leads) {
		who := sandbox.Pick(&g.Inventor, g.contacts)
		at = at.Add(time.Duration(g.Rng.IntN(1000)) * time.Millisecond)
		l := g.newLead()
		l.ID = uuidFrom(g.Rng)
		l.PersonID, l.OrganizationID, l.OwnerID = ref(who.id), ref(who.org), g.owner(at)
		l.CreatorID, l.AddTime, l.UpdateTime = l.OwnerID, milliOf(at), milliOf(at)
		l.Title = fmt.Sprintf(sandbox.Pick(&g.Inventor, []string{"Заявка с сайта: %s", "Zapytanie: %s", "Lead %s"}), who.name)
		l.SourceName, l.IsArchived, l.WasSeen = sandbox.Pick(&g.Inventor, leadSources()), g.Chance(0.2), g.Chance(0.7)
		if g.Chance(0.5) {
			l.Value = &money{cents(g.Lognormal(2_000_000, 100)), sandbox.Pick(&g.Inventor, []string{"PLN", "EUR", "USD", "UAH"})}
		}
		if g.Chance(0.4) {
			l.LabelIDs = []string{sandbox.Pick(&g.Inventor, g.leadLabels.rows).key}
		}
		g.leadCustoms(&l, at)
		g.leads.save(g.tx, &l)
		if !l.IsArchived && g.Chance(0.3) {
			a := g.touch(g.OfficeHours(g.Now.AddDate(0, 0, g.Rng.IntN(10)-3)))
			a.LeadID, a.OwnerID, a.PersonID, a.AddTime, a.UpdateTime = text(l.ID), l.OwnerID, l.PersonID, instantOf(at), instantOf(at)
			g.finishActivity(&a)
		}
	}
}

// leadCustoms fills some of the fields that leads share with deals.
func (g *generator) leadCustoms(l *lead, at time.Time) {
	l.CustomFields = customs{}
	for _, f := range g.dealFields {
		if g.Chance(0.15) {
			l.CustomFields[f.FieldCode] = g.customValue(f, at)
		}
	}
}
