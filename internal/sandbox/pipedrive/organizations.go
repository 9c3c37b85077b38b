package pipedrive

import (
	"encoding/json"
	"time"
)

// organization is a company as v2 lists it.
type organization struct {
	ID            int64    `json:"id"`
	Name          string   `json:"name"`
	OwnerID       int64    `json:"owner_id"`
	AddTime       instant  `json:"add_time"`
	UpdateTime    instant  `json:"update_time"`
	IsDeleted     bool     `json:"is_deleted"`
	VisibleTo     int      `json:"visible_to"`
	Address       *address `json:"address"`
	LabelIDs      []int64  `json:"label_ids"`
	Website       text     `json:"website"`
	LinkedIn      text     `json:"linkedin"`
	Industry      ref      `json:"industry"`
	AnnualRevenue *int64   `json:"annual_revenue"`
	EmployeeCount *int64   `json:"employee_count"`
	CustomFields  customs  `json:"custom_fields"`
}

// address is a postal address with the parts that the vendor's geocoder finds.
type address struct {
	Value        text `json:"value"`
	Country      text `json:"country"`
	AdminArea1   text `json:"admin_area_level_1"`
	AdminArea2   text `json:"admin_area_level_2"`
	Locality     text `json:"locality"`
	Sublocality  text `json:"sublocality"`
	Route        text `json:"route"`
	StreetNumber text `json:"street_number"`
	Subpremise   text `json:"subpremise"`
	PostalCode   text `json:"postal_code"`
}

func indexOrganization(o *organization) row {
	r := row{id: o.ID, added: int64(o.AddTime) * 1000, updated: int64(o.UpdateTime) * 1000}
	r.refs[refOwner] = o.OwnerID
	if o.IsDeleted {
		r.flags |= flagDeleted
	}
	return r
}

func (s *Sim) organizationRoutes() []route {
	const read, full = "contacts:read contacts:full", "contacts:full"
	res := resource[organization]{
		kind: s.organizations, what: "Organization", body: organizationBody(), required: []string{"name"},
		blank: (*tx).newOrganization, fill: (*tx).fillOrganization,
		erase: func(_ *tx, o *organization) { o.IsDeleted = true },
		touch: func(o *organization, now time.Time) { o.UpdateTime = instantOf(now) },
	}
	return []route{
		{"GET", 2, "/organizations", 10, read, (*call).listOrganizations},
		{"GET", 2, "/organizations/{id}", 1, read, (*call).getOrganization},
		{"POST", 2, "/organizations", 5, full, res.add},
		{"PATCH", 2, "/organizations/{id}", 5, full, res.patch},
		{"DELETE", 2, "/organizations/{id}", 3, full, res.remove},
	}
}

func (c *call) listOrganizations() (reply, error) {
	l, err := c.listing(c.organizations.table, "update_time", "add_time")
	if err != nil {
		return reply{}, err
	}
	if err := l.byRef(c, map[string]refKind{"owner_id": refOwner}); err != nil {
		return reply{}, err
	}
	if l.show, err = c.showOrganization(); err != nil {
		return reply{}, err
	}
	return c.respond(l)
}

func (c *call) getOrganization() (reply, error) {
	show, err := c.showOrganization()
	if err != nil {
		return reply{}, err
	}
	return c.getOne(c.organizations.table, "Organization", show)
}

func organizationBody() bodySpec {
	return bodySpec{
		"name": never, "owner_id": never, "add_time": never, "visible_to": never, "label_ids": never, "address": maybe,
		"website": maybe, "linkedin": maybe, "industry": maybe, "annual_revenue": maybe, "employee_count": maybe,
		"custom_fields": never,
	}
}

func (t *tx) newOrganization() organization {
	now := instantOf(t.at)
	return organization{
		ID: t.organizations.next, OwnerID: t.by.user, AddTime: now, UpdateTime: now, VisibleTo: 3,
		LabelIDs: []int64{}, CustomFields: customs{},
	}
}

func (t *tx) fillOrganization(o *organization, body map[string]json.RawMessage) error {
	if raw := body["custom_fields"]; raw != nil {
		if err := t.setCustoms("organization", o.CustomFields, raw); err != nil {
			return err
		}
	}
	if body["address"] != nil {
		o.Address = nil
	}
	if err := assign(o, without(body, "custom_fields")); err != nil {
		return err
	}
	o.CustomFields = t.normal("organization", o.CustomFields)
	if o.Name == "" {
		return bad("body: name must not be empty")
	}
	if !validVisibility(o.VisibleTo) {
		return bad("body: visible_to must be 1, 3, 5 or 7, got %d", o.VisibleTo)
	}
	set := keysOf(body)
	return firstError(
		func() error { return t.checkOwner(set, "owner_id", o.OwnerID) },
		func() error { return t.checkLabels(set, "organization", o.LabelIDs) },
	)
}
