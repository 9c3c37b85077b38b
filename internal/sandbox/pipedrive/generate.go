package pipedrive

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// Scale says how large a generated company is. Fields that are zero give none
// of that object; users, pipelines and fields are always there.
type Scale struct {
	Deals, Persons, Organizations, Activities, Notes, Leads, Products int
}

// ScaleOf returns a company with that many deals and everything else in
// proportion. 5,000 deals are a year of two teams of twelve.
func ScaleOf(deals int) Scale {
	part := func(perThousand int) int { return (deals*perThousand + 999) / 1000 }
	return Scale{
		Deals: deals, Persons: part(800), Organizations: part(400), Activities: part(3000), Notes: part(1200), Leads: part(160),
		Products: min(60, max(5, deals/50)),
	}
}

// FullScale is the company that the demo shows.
const FullScale = 5000

// Generate fills the account with a company and its last year. The same seed,
// scale and clock give the same company. It keeps what is there already, so it
// belongs into an empty account; webhooks hear nothing of it.
func (s *Sim) Generate(seed uint64, sc Scale) error {
	err := s.importing(func(t *tx) error {
		g := &generator{tx: t, rng: rand.New(rand.NewPCG(seed, 0xc0de)), scale: sc, now: t.at, tongues: tongues(), orgNames: map[int64]string{},
			titles: dealTitles(), goodReasons: goodReasons(), badReasons: badReasons(), remarks: noteTexts()}
		g.company()
		g.makeOrganizations()
		g.makePersons()
		g.makeProducts()
		g.makeDeals()
		g.makeLeads()
		return nil
	})
	if err != nil {
		return fmt.Errorf("generate a company of %d deals: %w", sc.Deals, err)
	}
	return s.tieAll(s.opt.Faults)
}

// generator makes up a company. It writes records directly, as history that
// nobody watched.
type generator struct {
	*tx
	rng   *rand.Rand
	scale Scale
	now   time.Time

	tongues                                  []tongue
	titles, goodReasons, badReasons, remarks []string

	reps       []*user // who sell today
	leavers    []*user // who sold and left
	funnels    []funnel
	dealFields []*field
	orgIDs     []int64
	orgNames   map[int64]string
	contacts   []contact
	catalogue  []product
}

// contact is what deals and leads need to know of a person.
type contact struct {
	id, org int64
	name    string
}

// chance is true with probability p.
func (g *generator) chance(p float64) bool { return g.rng.Float64() < p }

func pick[T any](g *generator, list []T) T { return list[g.rng.IntN(len(list))] }

// skewed picks early members more often than late ones.
func skewed[T any](g *generator, list []T) T {
	x := g.rng.Float64()
	return list[int(x*x*float64(len(list)))]
}

// around is a duration with that median and a long tail.
func (g *generator) around(median time.Duration) time.Duration {
	return time.Duration(float64(median) * math.Exp(g.rng.NormFloat64()*0.8))
}

// officeHours moves an instant into working hours of the company's zone; one in
// twenty-five stays where it is, because some people work at night.
func (g *generator) officeHours(at time.Time) time.Time {
	if g.chance(0.04) {
		return at.Truncate(time.Second)
	}
	local := at.In(g.zone)
	for local.Weekday() == time.Saturday || local.Weekday() == time.Sunday {
		local = local.AddDate(0, 0, 1)
	}
	hour := 9 + g.rng.IntN(9)
	local = time.Date(local.Year(), local.Month(), local.Day(), hour, g.rng.IntN(60), g.rng.IntN(60), 0, g.zone)
	return local.UTC()
}

// past is officeHours that never lies in the future.
func (g *generator) past(at time.Time) time.Time {
	at = g.officeHours(at)
	if at.After(g.now) {
		return g.now.Add(-time.Duration(g.rng.IntN(3600)) * time.Second)
	}
	return at
}

// season is how busy a month is: quiet in summer and at the turn of the year.
func season(m time.Month) float64 {
	return [...]float64{0, 0.7, 0.9, 1.15, 1.1, 1.05, 0.9, 0.6, 0.65, 1.1, 1.25, 1.2, 0.8}[m]
}

// birth is when a record of the past year came to be.
func (g *generator) birth() time.Time {
	const year = 365 * 24 * time.Hour
	for {
		at := g.now.Add(-time.Duration(g.rng.Int64N(int64(year))))
		if g.rng.Float64()*1.25 < season(at.Month()) {
			return g.past(at)
		}
	}
}

// births returns n such instants in rising order.
func (g *generator) births(n int) []time.Time {
	out := make([]time.Time, n)
	for i := range out {
		out[i] = g.birth()
	}
	sortTimes(out)
	return out
}

// lognormal is a number of that median with a long tail, rounded to step.
func (g *generator) lognormal(median float64, step int64) int64 {
	n := int64(median * math.Exp(g.rng.NormFloat64()*0.7))
	return max(step, n/step*step)
}
