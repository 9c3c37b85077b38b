package pipedrive

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"salesbook.dev/internal/sandbox"
)

// kept is up to which number organizations, persons and deals are never deleted,
// so that whoever speaks of deal 3 finds it, at whatever hour an account is
// generated.
const kept = 12

func (g *generator) makeOrganizations() {
	for i, at := range g.Births(g.scale.Organizations) {
		t := g.tongues[i%3]
		o := g.newOrganization()
		o.Name, o.OwnerID = g.CompanyName(t, i/3), g.owner(at)
		o.AddTime, o.UpdateTime = instantOf(at), instantOf(g.later(at))
		o.Address = g.address(t)
		if g.Chance(0.5) {
			o.Website = text(fmt.Sprintf("https://firma%d.example.com", o.ID))
			staff := g.Lognormal(40, 1)
			o.EmployeeCount = &staff
		}
		o.CustomFields = g.customValues("organization", at, 0.5)
		o.IsDeleted = g.Chance(0.01) && o.ID > kept
		g.organizations.save(g.tx, &o)
		if !o.IsDeleted {
			g.orgIDs, g.orgNames[o.ID] = append(g.orgIDs, o.ID), o.Name
		}
	}
}

// later is a last change somewhere between a record's birth and now.
func (g *generator) later(at time.Time) time.Time {
	if g.Chance(0.5) {
		return at
	}
	return g.Past(at.Add(time.Duration(g.Rng.Float64() * float64(g.Now.Sub(at)))))
}

func (g *generator) address(t sandbox.Tongue) *address {
	street, number, city := sandbox.Pick(&g.Inventor, t.Streets), fmt.Sprint(1+g.Rng.IntN(120)), sandbox.Pick(&g.Inventor, t.Cities)
	return &address{
		Value: text(street + " " + number + ", " + city), Country: text(t.Country), Locality: text(city), Route: text(street),
		StreetNumber: text(number), PostalCode: text(fmt.Sprintf("%02d-%03d", g.Rng.IntN(100), g.Rng.IntN(1000))),
	}
}

// persons come with some duplicates: the same human again under another
// spelling, with the phone written otherwise.
func (g *generator) makePersons() {
	var last person
	for i, at := range g.Births(g.scale.Persons) {
		t := g.tongues[i%3]
		p := g.newPerson()
		p.Name, p.Phones, p.Emails = g.PersonName(t), []contactWay{{g.Phone(t), true, "work"}}, []contactWay{{g.Email(p.ID), true, "work"}}
		if i > 0 && g.Chance(0.04) {
			p.Name, p.Phones, p.Emails = g.misspell(last.Name), []contactWay{{digitsOnly(last.Phones[0].Value), true, "mobile"}}, []contactWay{}
		}
		if g.Chance(0.1) {
			p.Phones = append(p.Phones, contactWay{g.Phone(t), false, "home"})
		}
		p.FirstName, p.LastName = splitName(p.Name)
		p.OwnerID, p.AddTime, p.UpdateTime = g.owner(at), instantOf(at), instantOf(g.later(at))
		if len(g.orgIDs) > 0 && g.Chance(0.6) {
			p.OrgID = ref(sandbox.Skewed(&g.Inventor, g.orgIDs))
		}
		p.CustomFields = g.customValues("person", at, 0.4)
		p.IsDeleted = g.Chance(0.01) && p.ID > kept
		g.persons.save(g.tx, &p)
		last = p
		if !p.IsDeleted {
			g.contacts = append(g.contacts, contact{p.ID, int64(p.OrgID), p.Name})
		}
	}
}

// misspell changes a name as hurried people do.
func (g *generator) misspell(name string) string {
	switch g.Rng.IntN(3) {
	case 0:
		return strings.ToUpper(name)
	case 1:
		return strings.NewReplacer("ё", "е", "ł", "l", "ś", "s", "ą", "a", "ü", "ue").Replace(name)
	}
	first, rest, _ := strings.Cut(name, " ")
	return rest + " " + first
}

func digitsOnly(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, s)
}

// owner is who sold at that time: now and then somebody who has left since.
func (g *generator) owner(at time.Time) int64 {
	if g.Now.Sub(at) > 90*24*time.Hour && g.Chance(0.15) {
		return sandbox.Pick(&g.Inventor, g.leavers).ID
	}
	return sandbox.Pick(&g.Inventor, g.reps).ID
}

func (g *generator) makeProducts() {
	kinds := []string{"Квартира %d комн.", "Офис %d м²", "Паркинг %d", "Licencja CRM %d użytk.", "Wdrożenie pakiet %d", "Support plan %d"}
	for i, at := range g.Births(g.scale.Products) {
		p := g.newProduct()
		p.Name, p.Code = fmt.Sprintf(sandbox.Pick(&g.Inventor, kinds), i+1), text(fmt.Sprintf("SKU-%04d", i+1))
		p.OwnerID, p.AddTime, p.UpdateTime, p.Tax = g.owner(at), instantOf(at), instantOf(g.later(at)), whole(int64(sandbox.Pick(&g.Inventor, []int{0, 8, 20, 23})))
		unit := cents(g.Lognormal(1_200_000, 5_000))
		p.Prices = []price{{ProductID: p.ID, Price: unit, Currency: "PLN", Cost: whole(0)}, {ProductID: p.ID, Price: amount{unit.Div(whole(4).Decimal).Round(2)}, Currency: "EUR", Cost: whole(0)}}
		if g.Chance(0.2) {
			p.BillingFrequency = "monthly"
		}
		p.CustomFields = g.customValues("product", at, 0.7)
		g.products.save(g.tx, &p)
		g.catalogue = append(g.catalogue, p)
	}
}

// customValues fills each custom field of an object with probability p.
func (g *generator) customValues(object string, at time.Time, p float64) customs {
	c := g.catalogs[object]
	out := make(customs, len(c.codes))
	for _, code := range c.codes {
		out[code] = none()
		if g.Chance(p) {
			out[code] = g.customValue(c.by[code], at)
		}
	}
	return out
}

// customValue makes up a value in the shape of v2.
func (g *generator) customValue(f *field, at time.Time) json.RawMessage {
	switch f.FieldType {
	case "text", "varchar":
		return quoted(sandbox.Pick(&g.Inventor, []string{"да, важно", "для семьи", "polecenie znajomego", "promocja jesienna", "utm_source=google", "ждёт ипотеку", "na wczoraj"}))
	case "varchar_auto":
		return quoted(fmt.Sprintf("U/%d/%04d", at.Year(), g.Rng.IntN(10000)))
	case "phone":
		return quoted(g.Phone(g.tongues[1]))
	case "double":
		return json.RawMessage(cents(g.Rng.Int64N(20_000)).String())
	case "enum":
		return json.RawMessage(g.anyOption(f))
	case "set":
		return json.RawMessage("[" + g.anyOption(f) + "]")
	case "user":
		return rawNumber(sandbox.Pick(&g.Inventor, g.reps).ID)
	case "org":
		if len(g.orgIDs) > 0 {
			return rawNumber(sandbox.Pick(&g.Inventor, g.orgIDs))
		}
		return none()
	case "people":
		if len(g.contacts) > 0 {
			return rawNumber(sandbox.Pick(&g.Inventor, g.contacts).id)
		}
		return none()
	case "date":
		return quoted(string(dayOf(at.AddDate(0, 0, g.Rng.IntN(120)))))
	}
	return g.customObject(f, at)
}

// customObject makes up the values that are objects.
func (g *generator) customObject(f *field, at time.Time) json.RawMessage {
	switch f.FieldType {
	case "monetary":
		return fmt.Appendf(nil, `{"value":%s,"currency":%q}`, cents(g.Lognormal(900_000, 100)), sandbox.Pick(&g.Inventor, []string{"PLN", "EUR", "USD", "UAH"}))
	case "daterange":
		return fmt.Appendf(nil, `{"value":%q,"until":%q}`, dayOf(at.AddDate(0, 0, 10)), dayOf(at.AddDate(0, 1, g.Rng.IntN(60))))
	case "time":
		return fmt.Appendf(nil, `{"value":"%02d:30:00","timezone_name":%q}`, 8+g.Rng.IntN(10), g.opt.Company.TimeZone)
	case "timerange":
		return fmt.Appendf(nil, `{"value":"%02d:00:00","until":"18:00:00","timezone_name":%q}`, 8+g.Rng.IntN(6), g.opt.Company.TimeZone)
	}
	b, err := marshal(g.address(sandbox.Pick(&g.Inventor, g.tongues)))
	if err != nil {
		panic("pipedrive simulator: make up an address: " + err.Error())
	}
	return b
}

// anyOption is the id of an option; one in ten is a deleted one, if there is any.
func (g *generator) anyOption(f *field) string {
	if len(f.Retired) > 0 && g.Chance(0.1) {
		return string(sandbox.Pick(&g.Inventor, f.Retired).ID)
	}
	return string(sandbox.Pick(&g.Inventor, f.Options).ID)
}
