package zoho

import (
	"encoding/json"
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
	for i, at := range g.Births(g.scale.Deals) {
		l := g.newLife(i, at)
		l.run()
		l.finish(i)
	}
}

// life is one deal's way through its funnel.
type life struct {
	*generator
	v values
	funnel
	stays []stay
	owner string
	born  time.Time
	at    time.Time // of the latest change
	stage int       // index into the funnel's open stages
	dead  bool      // forgotten: open, with no next step
}

// stay is one row of the history to be.
type stay struct {
	stage string
	from  time.Time
}

func (g *generator) newLife(i int, at time.Time) *life {
	f := g.chooseFunnel()
	v := values{"Pipeline": f.Actual, "Amount": whole(g.Lognormal(f.median, 100)), "Currency": sandbox.Skewed(&g.Inventor, f.currency), "Exchange_Rate": whole(1), "Budget_OK": false}
	name := "Klient " + strconv.Itoa(i+1)
	if len(g.contacts) > 0 && g.Chance(0.93) {
		who := sandbox.Pick(&g.Inventor, g.contacts)
		v["Contact_Name"], name = who.key(), who.text("Full_Name")
		if a := g.tables["Accounts"].find(who.text("Account_Name")); a != nil {
			v["Account_Name"], name = a.key(), a.text("Account_Name")
		}
	}
	v["Deal_Name"] = fmt.Sprintf(sandbox.Pick(&g.Inventor, g.titles), name)
	if g.Chance(0.7) {
		v["Closing_Date"] = at.AddDate(0, 0, 20+g.Rng.IntN(100)).Format(time.DateOnly)
	}
	g.customValues(v, at, 0.4)
	l := &life{generator: g, v: v, funnel: f, owner: g.owner(at), born: at, at: at}
	l.enter(f.open[0].Actual)
	return l
}

func (l *life) enter(stage string) { l.stays = append(l.stays, stay{stage, l.at}) }

// run moves the deal until its end; each step takes its time.
func (l *life) run() {
	const steps = 60 // a bound, far above what a life takes
	for range steps {
		next := l.OfficeHours(l.at.Add(l.Around(l.pace)))
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
		l.lose()
		return !l.reopen()
	case l.stage > 0 && l.Chance(0.06):
		l.moveTo(l.stage - 1 - l.Rng.IntN(l.stage))
	case l.stage == len(l.open)-1:
		l.enter(l.won.Actual)
		if l.Chance(0.04) {
			l.v["Amount"] = whole(0)
		}
		return true
	case l.Chance(0.05):
		l.moveTo(min(l.stage+2, len(l.open)-1))
	default:
		l.moveTo(l.stage + 1)
	}
	if l.Chance(0.12) {
		l.v["Amount"] = whole(l.Lognormal(l.median, 100))
	}
	return false
}

func (l *life) moveTo(stage int) {
	l.stage = stage
	l.enter(l.open[stage].Actual)
}

// lose gives a reason: a good one, one that is none, or nothing.
func (l *life) lose() {
	l.enter(l.lost.Actual)
	switch n := l.Rng.Float64(); {
	case n < 0.58:
		l.v["Reason_For_Loss__s"] = sandbox.Skewed(&l.Inventor, l.good)
	case n < 0.88:
		l.v["Reason_For_Loss__s"] = sandbox.Skewed(&l.Inventor, badReasons())
	}
}

// reopen takes a lost deal up again now and then.
func (l *life) reopen() bool {
	again := l.at.Add(l.Around(20 * 24 * time.Hour))
	if !l.Chance(0.06) || again.After(l.Now) {
		return false
	}
	l.at = l.OfficeHours(again)
	if l.at.After(l.Now) {
		l.at = l.Now
	}
	delete(l.v, "Reason_For_Loss__s")
	l.moveTo(l.stage)
	return true
}

// finish stores the deal, its history, activities and notes.
func (l *life) finish(i int) {
	last := l.stays[len(l.stays)-1]
	st := l.pipeline.step(last.stage)
	l.v["Stage"], l.v["Stage_Modified_Time"] = st.Actual, utc(last.from)
	l.v["Probability"] = whole(int64(st.Probability))
	l.v["Expected_Revenue"] = expected(l.v)
	deal := l.write("Deals", l.owner, l.born, l.at, l.v)
	l.writeHistory(deal)
	open := st.Forecast == forecastOpen
	if open && l.Chance(0.1) {
		l.dead = true
	}
	l.addActivities(deal, open)
	l.addNotes(deal)
	if st.Forecast == forecastWon && l.Chance(0.5) {
		l.write("Contracts", l.owner, l.at, l.at, values{"Name": "Umowa " + deal.text("Deal_Name"), "Deal": deal.key(), "Value": deal.values["Amount"], "Signed": l.at.Format(time.DateOnly)})
	}
	if i >= spared && l.Chance(0.015) {
		l.end("Deals", deal)
	}
}

// writeHistory stores the stays; each but the last knows where it led and how
// many days it took.
func (l *life) writeHistory(deal *row) {
	for i, st := range l.stays {
		v := values{
			"Potential_Name": deal.key(), "Stage": st.stage, "Amount": deal.values["Amount"], "Closing_Date": deal.values["Closing_Date"],
			"Probability": whole(int64(l.pipeline.step(st.stage).Probability)), "Expected_Revenue": deal.values["Expected_Revenue"],
		}
		if i+1 < len(l.stays) {
			v["Moved_To__s"] = l.stays[i+1].stage
			v["Duration_Days"] = json.Number(strconv.Itoa(int(l.stays[i+1].from.Sub(st.from) / (24 * time.Hour))))
		}
		l.write("DealHistory", l.owner, st.from, st.from, v)
	}
}

// share is how many of total belong to one of n, the fraction by chance: few
// deals get many and many get few.
func (g *generator) share(total, n int) int {
	if n == 0 {
		return 0
	}
	count := float64(total) / float64(n) * (0.3 + g.Rng.ExpFloat64()*0.7)
	whole := int(count)
	if g.Chance(count - float64(whole)) {
		whole++
	}
	return whole
}

// addActivities gives a deal its touches and, while it is open and not
// forgotten, mostly a next step.
func (l *life) addActivities(deal *row, open bool) {
	n := l.share(l.scale.Activities, l.scale.Deals)
	if n > 0 && open && !l.dead && l.Chance(0.75) {
		n--
		due := l.OfficeHours(l.Now.AddDate(0, 0, l.Rng.IntN(21)-6))
		l.write("Tasks", l.owner, l.at, l.at, values{
			"Subject": sandbox.Pick(&l.Inventor, sandbox.Subjects("call")), "Due_Date": due.Format(time.DateOnly), "Status": "Not Started", "Priority": "High",
			"What_Id": deal.key(), "Who_Id": deal.values["Contact_Name"],
		})
	}
	span := l.at.Sub(l.born)
	for range n {
		l.touch(deal, l.Past(l.born.Add(time.Duration(l.Rng.Float64()*float64(span)))).Truncate(time.Second))
	}
}

// touch is something done with a customer: a call, a meeting or a task.
func (l *life) touch(deal *row, at time.Time) {
	kind := sandbox.Skewed(&l.Inventor, []string{"call", "call", "meeting", "email"})
	subject := sandbox.Pick(&l.Inventor, sandbox.Subjects(kind))
	v := values{"What_Id": deal.key(), "Who_Id": deal.values["Contact_Name"]}
	switch kind {
	case "call":
		v["Subject"], v["Call_Type"], v["Call_Start_Time"] = subject, "Outbound", utc(at)
		v["Call_Duration"], v["Call_Duration_in_seconds"], v["Outgoing_Call_Status"] = "05:30", whole(330), "Completed"
		l.write("Calls", l.owner, at, at, v)
	case "meeting":
		v["Event_Title"], v["Start_DateTime"], v["End_DateTime"], v["All_day"] = subject, utc(at), utc(at.Add(time.Hour)), false
		l.write("Events", l.owner, at, at, v)
	default:
		v["Subject"], v["Status"], v["Priority"], v["Due_Date"], v["Closed_Time"] = subject, "Completed", "Normal", at.Format(time.DateOnly), utc(at)
		l.write("Tasks", l.owner, at, at, v)
	}
}

func (l *life) addNotes(deal *row) {
	span := l.at.Sub(l.born)
	for range l.share(l.scale.Notes, l.scale.Deals) {
		at := l.Past(l.born.Add(time.Duration(l.Rng.Float64() * float64(span)))).Truncate(time.Second)
		l.write("Notes", l.owner, at, at, values{"Note_Content": sandbox.Pick(&l.Inventor, l.remarks), "Parent_Id": deal.key()})
	}
}
