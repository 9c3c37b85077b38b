package book

import (
	"fmt"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"salesbook.dev/internal/sales"
	"salesbook.dev/internal/strictyaml"
)

// checker collects what is wrong with a book that could be read.
type checker struct {
	b        *Book
	dialect  *dialect // made for the first expression
	problems Problems
}

// check finds what is wrong with a book beyond its form, in the order of the
// parts of a book.
func check(b *Book) Problems {
	c := &checker{b: b}
	if b.Format != 1 {
		c.fail(b.At, "book", fmt.Sprint(b.Format), "this format is not known", "write book: 1")
	}
	if _, known := sales.MinorDigits(b.Currency); b.Currency != "" && !known {
		c.fail(b.At, "currency", b.Currency, "is no currency", "three capital letters of ISO 4217, as in PLN")
	}
	c.calendars()
	c.rates()
	c.people()
	c.standard()
	c.funnels()
	c.conditions()
	c.fields()
	c.won()
	c.reasons()
	c.leads()
	c.figures()
	c.enforcement()
	c.cases()
	return c.problems
}

func (c *checker) fail(at Place, where, value, reason, hint string) {
	strictyaml.Add(&c.problems, &strictyaml.Problem{Place: at, Where: where, Value: strictyaml.Shorten(value), Reason: reason, Hint: hint})
}

var idPattern = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N}_-]{0,62}$`)

// ids checks the ids of a list.
type ids struct {
	c     *checker
	where string
	seen  map[string]bool
}

func (c *checker) ids(where string) *ids { return &ids{c, where, map[string]bool{}} }

func (i *ids) add(at Place, id string) {
	switch {
	case !idPattern.MatchString(id):
		i.c.fail(at, i.where, id, "cannot be an id", "letters, digits, - and _, at most 63, beginning with a letter or digit")
	case i.seen[id]:
		i.c.fail(at, i.where, id, "stands twice", "give each its own id")
	}
	i.seen[id] = true
}

// known finds an id in a list of the book, unless it is empty.
func (c *checker) known(at Place, where, id, what string, ids []string) {
	if id != "" && !slices.Contains(ids, id) {
		c.fail(at, where, id, "there is no such "+what+" in the book", strictyaml.Suggest(id, ids))
	}
}

// idsOf lists the ids of a list of the book.
func idsOf[T any](list []T, id func(*T) string) []string {
	out := make([]string, len(list))
	for i := range list {
		out[i] = id(&list[i])
	}
	return out
}

func (b *Book) roleIDs() []string   { return idsOf(b.Roles, func(r *Role) string { return r.ID }) }
func (b *Book) teamIDs() []string   { return idsOf(b.Teams, func(t *Team) string { return t.ID }) }
func (b *Book) funnelIDs() []string { return idsOf(b.Funnels, func(f *Funnel) string { return f.ID }) }
func (b *Book) calendarIDs() []string {
	return idsOf(b.Calendars, func(c *Calendar) string { return c.ID })
}
func (b *Book) productIDs() []string { return idsOf(b.Products, func(p *Named) string { return p.ID }) }
func (b *Book) segmentIDs() []string {
	return idsOf(b.Segments, func(s *Segment) string { return s.ID })
}
func (f *Funnel) stageIDs() []string { return idsOf(f.Stages, func(s *Stage) string { return s.ID }) }

// stageRef finds a stage that is named as funnel/stage.
func (b *Book) stageRef(ref string) (f *Funnel, stage int, ok bool) {
	funnel, id, _ := strings.Cut(ref, "/")
	for i := range b.Funnels {
		if b.Funnels[i].ID == funnel {
			stage = slices.Index(b.Funnels[i].stageIDs(), id)
			return &b.Funnels[i], stage, stage >= 0
		}
	}
	return nil, -1, false
}

// stageRefs lists all stages as funnel/stage.
func (b *Book) stageRefs() (all []string) {
	for i := range b.Funnels {
		for _, id := range b.Funnels[i].stageIDs() {
			all = append(all, b.Funnels[i].ID+"/"+id)
		}
	}
	return all
}

func (c *checker) stage(at Place, where, ref string) {
	if _, _, ok := c.b.stageRef(ref); !ok {
		c.fail(at, where, ref, "there is no such stage in the book; stages are named as funnel/stage", strictyaml.Suggest(ref, c.b.stageRefs()))
	}
}

func isAddress(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s && a.Name == ""
}

func (c *checker) addresses(at Place, where string, list []string) {
	for _, a := range list {
		if !isAddress(a) {
			c.fail(at, where, a, "is no e-mail address", "reps are known by the address they have in the CRM, as in anna@example.com")
		}
	}
}

func (c *checker) who(at Place, where string, list []Who) {
	for _, w := range list {
		if !w.known() {
			c.fail(at, where, string(w), "can be nobody", "write owner, head or an e-mail address")
		}
	}
}

// amount checks an amount of money of the book.
func (c *checker) amount(at Place, where string, d *decimal.Decimal) {
	switch {
	case d == nil:
	case d.IsNegative():
		c.fail(at, where, d.String(), "an amount cannot be negative", "")
	case c.b.Currency == "":
		c.fail(at, where, d.String(), "nobody knows in which currency this is", "write currency: PLN, or another, at the top of the book")
	}
}

func (c *checker) calendars() {
	ids := c.ids("calendars")
	for i := range c.b.Calendars {
		cal := &c.b.Calendars[i]
		where := "calendars › " + cal.ID
		ids.add(cal.At, cal.ID)
		if _, err := time.LoadLocation(cal.Zone); err != nil || cal.Zone == "Local" {
			c.fail(cal.At, where, cal.Zone, "is no time zone", "as in Europe/Warsaw")
		}
		if cal.Holidays != "" && !slices.Contains(Countries(), cal.Holidays) {
			c.fail(cal.At, where, cal.Holidays, "the holidays of this country are not known", "list them under closed; known: "+strings.Join(Countries(), ", "))
		}
		c.shifts(where, cal.Hours)
		for _, d := range cal.Open {
			if slices.Contains(cal.Closed, d) {
				c.fail(cal.At, where, d.String(), "the day is both open and closed", "remove it from one of the lists")
			}
		}
	}
}

func (c *checker) shifts(where string, shifts []Shift) {
	var week [7][]stretch
	for _, s := range shifts {
		if s.From >= s.To {
			c.fail(s.At, where, s.From.String()+" to "+s.To.String(), "work ends before it begins", "for a night write two lines: until 24:00, and from 00:00 on the next day")
			continue
		}
		for _, d := range s.Days {
			for _, other := range week[d.weekday()] {
				if s.From < other.to && other.from < s.To {
					c.fail(s.At, where, string(d), "these hours overlap others of the same day", "")
				}
			}
			week[d.weekday()] = append(week[d.weekday()], stretch{s.From, s.To})
		}
	}
}

func (c *checker) people() {
	roles, teams, products, segments := c.ids("roles"), c.ids("teams"), c.ids("products"), c.ids("segments")
	for _, r := range c.b.Roles {
		roles.add(r.At, r.ID)
		c.addresses(r.At, "roles › "+r.ID, r.Reps)
	}
	in := map[string]string{}
	for _, t := range c.b.Teams {
		where := "teams › " + t.ID
		teams.add(t.At, t.ID)
		c.addresses(t.At, where, slices.Concat(t.Heads, t.Reps))
		c.known(t.At, where, t.Calendar, "calendar", c.b.calendarIDs())
		for _, r := range t.Reps {
			if other, ok := in[strings.ToLower(r)]; ok {
				c.fail(t.At, where, r, "this rep is in team "+other+" already", "a rep is in one team")
			}
			in[strings.ToLower(r)] = t.ID
		}
	}
	for _, p := range c.b.Products {
		products.add(p.At, p.ID)
	}
	for _, s := range c.b.Segments {
		segments.add(s.At, s.ID)
	}
}

// standard checks the commandments. Their ids are names of rules.
func (c *checker) standard() {
	ids := c.ids("standard")
	for _, r := range Rules() {
		ids.seen[string(r)] = true // a rule of salesbook's own
	}
	for _, s := range c.b.Standard {
		ids.add(s.At, s.ID)
		for _, f := range s.Funnels {
			c.known(s.At, "standard › "+s.ID, f, "funnel", c.b.funnelIDs())
		}
		if s.When != nil && s.Must == nil {
			c.fail(s.At, "standard › "+s.ID, "", "it says when, but not what must hold", "add must")
		}
	}
}
