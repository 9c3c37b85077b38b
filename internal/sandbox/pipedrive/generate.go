package pipedrive

import (
	"fmt"
	"math/rand/v2"

	"salesbook.dev/internal/sandbox"
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
		g := &generator{tx: t, Inventor: sandbox.Inventor{Rng: rand.New(rand.NewPCG(seed, 0xc0de)), Now: t.at, Zone: t.zone}, scale: sc, tongues: sandbox.Tongues(), orgNames: map[int64]string{},
			titles: sandbox.DealTitles(), goodReasons: sandbox.GoodReasons(), badReasons: sandbox.BadReasons(), remarks: sandbox.NoteTexts()}
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
	sandbox.Inventor
	scale Scale

	tongues                                  []sandbox.Tongue
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
