package pipedrive

import (
	"encoding/json"
	"strings"
	"time"
)

// person is a contact as v2 lists it. The fields that exist only with contact
// sync (notes, im, birthday, job_title, postal_address) are left out, as in an
// account without it; writing them is refused.
type person struct {
	ID           int64        `json:"id"`
	Name         string       `json:"name"`
	FirstName    text         `json:"first_name"`
	LastName     text         `json:"last_name"`
	OwnerID      int64        `json:"owner_id"`
	OrgID        ref          `json:"org_id"`
	AddTime      instant      `json:"add_time"`
	UpdateTime   instant      `json:"update_time"`
	Emails       []contactWay `json:"emails"`
	Phones       []contactWay `json:"phones"`
	IsDeleted    bool         `json:"is_deleted"`
	VisibleTo    int          `json:"visible_to"`
	LabelIDs     []int64      `json:"label_ids"`
	PictureID    ref          `json:"picture_id"`
	CustomFields customs      `json:"custom_fields"`
}

// contactWay is an e-mail address or a phone number.
type contactWay struct {
	Value   string `json:"value"`
	Primary bool   `json:"primary"`
	Label   string `json:"label"`
}

func indexPerson(p *person) row {
	r := row{id: p.ID, added: int64(p.AddTime) * 1000, updated: int64(p.UpdateTime) * 1000}
	r.refs[refOwner], r.refs[refOrg] = p.OwnerID, int64(p.OrgID)
	if p.IsDeleted {
		r.flags |= flagDeleted
	}
	return r
}

func (s *Sim) personRoutes() []route {
	const read, full = "contacts:read contacts:full", "contacts:full"
	res := resource[person]{
		kind: s.persons, what: "Person", body: personBody(), blank: (*tx).newPerson, fill: (*tx).fillPerson,
		erase: func(_ *tx, p *person) { p.IsDeleted = true },
		touch: func(p *person, now time.Time) { p.UpdateTime = instantOf(now) },
	}
	return []route{
		{"GET", 2, "/persons", 10, read, (*call).listPersons},
		{"GET", 2, "/persons/{id}", 1, read, (*call).getPerson},
		{"POST", 2, "/persons", 5, full, res.add},
		{"PATCH", 2, "/persons/{id}", 5, full, res.patch},
		{"DELETE", 2, "/persons/{id}", 3, full, res.remove},
	}
}

func (c *call) listPersons() (reply, error) {
	l, err := c.listing(c.persons.table, "update_time", "add_time")
	if err != nil {
		return reply{}, err
	}
	if err := l.byRef(c, map[string]refKind{"owner_id": refOwner, "org_id": refOrg}); err != nil {
		return reply{}, err
	}
	dealID, err := c.number("deal_id")
	if err != nil {
		return reply{}, err
	}
	if dealID != 0 {
		l.where(func(r *row) bool {
			d := c.deals.get(dealID)
			return d != nil && d.refs[refPerson] == r.id
		})
	}
	if l.show, err = c.showPerson(); err != nil {
		return reply{}, err
	}
	return c.respond(l)
}

func (c *call) getPerson() (reply, error) {
	show, err := c.showPerson()
	if err != nil {
		return reply{}, err
	}
	return c.getOne(c.persons.table, "Person", show)
}

func personBody() bodySpec {
	return bodySpec{
		"name": never, "owner_id": never, "org_id": maybe, "add_time": never, "emails": never, "phones": never,
		"visible_to": never, "label_ids": never, "custom_fields": never,
		"marketing_status": never, "notes": maybe, "im": maybe, "birthday": maybe, "job_title": maybe, "postal_address": maybe,
	}
}

func (t *tx) newPerson() person {
	now := instantOf(t.at)
	return person{
		ID: t.persons.next, OwnerID: t.by.user, AddTime: now, UpdateTime: now, VisibleTo: 3,
		Emails: []contactWay{}, Phones: []contactWay{}, LabelIDs: []int64{}, CustomFields: customs{},
	}
}

func (t *tx) fillPerson(p *person, body map[string]json.RawMessage) error {
	for _, key := range []string{"notes", "im", "birthday", "job_title", "postal_address", "marketing_status"} {
		if body[key] != nil {
			return forbidden("%s can be written only while contact sync or the marketing app is on", key)
		}
	}
	if raw := body["custom_fields"]; raw != nil {
		if err := t.setCustoms("person", p.CustomFields, raw); err != nil {
			return err
		}
	}
	if err := assign(p, without(body, "custom_fields")); err != nil {
		return err
	}
	p.CustomFields = t.normal("person", p.CustomFields)
	if body["name"] != nil {
		p.FirstName, p.LastName = splitName(p.Name)
	}
	onePrimary(p.Emails)
	onePrimary(p.Phones)
	return t.checkPerson(p, keysOf(body))
}

func (t *tx) checkPerson(p *person, set sent) error {
	if strings.TrimSpace(p.Name) == "" {
		return bad("body: name is required")
	}
	if !validVisibility(p.VisibleTo) {
		return bad("body: visible_to must be 1, 3, 5 or 7, got %d", p.VisibleTo)
	}
	return firstError(
		func() error { return t.checkOwner(set, "owner_id", p.OwnerID) },
		func() error { return t.checkRef(set, "org_id", t.organizations.table, int64(p.OrgID)) },
		func() error { return t.checkLabels(set, "person", p.LabelIDs) },
	)
}

// splitName takes the last word as the last name.
func splitName(name string) (first, last text) {
	name = strings.TrimSpace(name)
	i := strings.LastIndex(name, " ")
	if i < 0 {
		return text(name), ""
	}
	return text(strings.TrimSpace(name[:i])), text(name[i+1:])
}

// onePrimary leaves exactly one primary entry, the first so marked or the first.
func onePrimary(ways []contactWay) {
	found := false
	for i := range ways {
		if ways[i].Label == "" {
			ways[i].Label = "work"
		}
		ways[i].Primary = ways[i].Primary && !found
		found = found || ways[i].Primary
	}
	if !found && len(ways) > 0 {
		ways[0].Primary = true
	}
}
