package notify

import (
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"salesbook.dev/internal/language"
)

// Deal is a deal or lead in a message, in the words of the message's language.
type Deal struct {
	About    About
	Title    string
	Amount   *decimal.Decimal
	Currency string
	Stage    string // its name, quoted; empty: it is not known
	Owner    string
	Broken   []Broken
	Note     string // one line more; empty: none
	CRM      string // name of the connection, where the company has several
}

// Broken is a rule that a deal or lead breaks.
type Broken struct {
	What  string // what is wrong
	Mends string // what mends it, as a sentence; empty: it is not said
	Since time.Time
}

// Count is how often a rule was broken.
type Count struct {
	Rule string // what is wrong, in words
	N    int
}

// RepNews is what is new of one rep's.
type RepNews struct {
	Rep   string // empty: of what has no owner
	Rules []Count
}

// Stopped is a connection through which nothing is written any more.
type Stopped struct{ Connection, Why string }

// Digest is what a head of sales, or a rep, is told in the morning.
type Digest struct {
	Day      time.Time      // in the person's zone
	Zone     *time.Location // of the person
	Head     bool           // he leads a team
	Named    bool           // he is neither head nor rep, but the book names him
	Told     []Told         // what he is told by name, and could wait for the morning
	MoreTold int
	New      int       // violations since the last digest
	News     []RepNews // those, by rep
	MoreReps int       // reps with news who are not among them
	Top      []Deal    // of a head: the dearest; of a rep: all
	More     int       // violations of deals that are not among them
	Losses   []Deal    // that wait for somebody to agree
	MoreLost int
	Asked    int // edits that wait for somebody to agree
	Stopped  []Stopped
	Failed   int // messages and deliveries that failed
	Old      int // violations that are older than the book
}

// Empty tells that there is nothing to say.
func (d *Digest) Empty() bool {
	return d.New == 0 && len(d.Told) == 0 && len(d.Top) == 0 && d.More == 0 && len(d.Losses) == 0 && d.Asked == 0 && len(d.Stopped) == 0 && d.Failed == 0
}

// Message puts a digest into words.
func (d *Digest) Message(l language.Language, id, to string) Message {
	m := Message{ID: id, To: to, Occasion: "digest", Made: d.Day, Language: l, Intro: l.Say(language.DigestForRep), Closing: l.Say(language.WhyToldRep)}
	m.Subject = l.Say(language.DigestSubject, l.Date(d.Day.In(d.Zone).Date()))
	if d.New > 0 {
		m.Subject += " – " + l.Count(language.NewViolations, d.New)
	}
	heading := language.ToMend
	if d.Named {
		m.Intro, m.Closing = "", l.Say(language.WhyToldNamed)
	}
	if d.Head {
		m.Intro, m.Closing, heading = l.Say(language.DigestForHead), l.Say(language.WhyToldHead), language.TopDeals
		m.add(d.waits(l))
	}
	m.addTold(d.Zone, d.Told)
	if d.MoreTold > 0 {
		m.Sections[len(m.Sections)-1].More = l.Count(language.MoreViolations, d.MoreTold)
	}
	if d.Head {
		m.add(d.news(l))
	}
	m.add(d.deals(l, heading))
	if d.Old > 0 {
		m.Closing = l.Count(language.OldViolations, d.Old) + " " + m.Closing
	}
	return m
}

// add appends a section that has something to say.
func (m *Message) add(s Section) {
	if len(s.Items) > 0 || s.More != "" {
		m.Sections = append(m.Sections, s)
	}
}

// waits is what waits for a decision.
func (d *Digest) waits(l language.Language) Section {
	s := Section{Heading: l.Say(language.WaitsForYou)}
	for i := range d.Losses {
		loss := d.Losses[i].item(l, d.Zone)
		loss.Title = l.Say(language.LossToApprove, loss.Title)
		s.Items = append(s.Items, loss)
	}
	if d.MoreLost > 0 {
		s.Items = append(s.Items, Item{Title: l.Count(language.MoreLosses, d.MoreLost)})
	}
	if d.Asked > 0 {
		s.Items = append(s.Items, Item{Title: l.Count(language.AskedReverts, d.Asked), Lines: []string{"salesbook edits list --state asked"}})
	}
	for _, c := range d.Stopped {
		s.Items = append(s.Items, Item{Title: l.Say(language.WritingStopped, l.Quote(c.Connection), c.Why)})
	}
	if d.Failed > 0 {
		s.Items = append(s.Items, Item{Title: l.Count(language.FailedDeliveries, d.Failed), Lines: []string{"salesbook failures list"}})
	}
	return s
}

// news is what is new, rep by rep.
func (d *Digest) news(l language.Language) Section {
	s := Section{Heading: l.Say(language.NewHere)}
	for _, r := range d.News {
		it := Item{Title: r.Rep}
		if r.Rep == "" {
			it.Title = l.Say(language.WithoutOwner)
		}
		for _, c := range r.Rules {
			it.Lines = append(it.Lines, l.Say(language.RuleCount, c.Rule, l.Number(c.N)))
		}
		s.Items = append(s.Items, it)
	}
	if d.MoreReps > 0 {
		s.More = l.Count(language.MoreReps, d.MoreReps)
	}
	return s
}

func (d *Digest) deals(l language.Language, heading language.Phrase) Section {
	s := Section{Heading: l.Say(heading)}
	for i := range d.Top {
		deal := &d.Top[i]
		if !d.Head {
			deal.Owner = "" // he knows who he is
		}
		s.Items = append(s.Items, deal.item(l, d.Zone))
	}
	if d.More > 0 {
		s.More = l.Count(language.MoreViolations, d.More)
	}
	return s
}

// item puts a deal or lead into words.
func (d *Deal) item(l language.Language, zone *time.Location) Item {
	it := Item{About: d.About, Title: d.Title}
	if it.Title == "" {
		unnamed := language.DealsUnnamed
		if d.About.Kind == "lead" {
			unnamed = language.LeadsUnnamed
		}
		it.Title = l.Say(unnamed, d.About.ID)
	}
	if d.Amount != nil {
		it.Title += ", " + l.Money(*d.Amount, d.Currency)
	}
	if where := strings.Join(present(d.Stage, d.Owner, d.CRM), ", "); where != "" {
		it.Lines = append(it.Lines, where)
	}
	for _, b := range d.Broken {
		text := b.What + ", " + l.Say(language.SinceDay, l.Date(b.Since.In(zone).Date()))
		if b.Mends != "" {
			text += " → " + b.Mends
		}
		it.Lines = append(it.Lines, text)
	}
	if d.Note != "" {
		it.Lines = append(it.Lines, d.Note)
	}
	return it
}

func present(texts ...string) (out []string) {
	for _, t := range texts {
		if t != "" {
			out = append(out, t)
		}
	}
	return out
}

// Told is one thing that somebody is told by name.
type Told struct {
	Occasion string // as language.Occasion has it
	Deal     Deal
}

// AtOnce puts several things that one person is told at once into one message,
// those of one occasion together.
func AtOnce(l language.Language, id, to string, now time.Time, zone *time.Location, list []Told) Message {
	m := Message{ID: id, To: to, Made: now, Language: l, Subject: l.Count(language.Told, len(list)), Closing: l.Say(language.WhyToldNamed)}
	m.addTold(zone, list)
	if len(list) > 0 {
		m.Occasion = list[0].Occasion
	}
	if len(list) == 1 {
		m.Subject = l.Occasion(m.Occasion) + ": " + m.Sections[0].Items[0].Title
	}
	return m
}

// addTold appends a section for each occasion.
func (m *Message) addTold(zone *time.Location, list []Told) {
	at := map[string]int{}
	for i := range list {
		t := &list[i]
		n, there := at[t.Occasion]
		if !there {
			n = len(m.Sections)
			at[t.Occasion] = n
			m.Sections = append(m.Sections, Section{Heading: m.Language.Occasion(t.Occasion)})
		}
		m.Sections[n].Items = append(m.Sections[n].Items, t.Deal.item(m.Language, zone))
	}
}
