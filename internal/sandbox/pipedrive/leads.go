package pipedrive

import (
	"encoding/json"
	"hash/fnv"
	"net/http"
	"slices"
	"strconv"
)

// lead is a record of the lead inbox. v1 shows the custom values flat among
// the other keys and leaves out those without a value.
type lead struct {
	ID                string   `json:"id"`
	Title             string   `json:"title"`
	OwnerID           int64    `json:"owner_id"`
	CreatorID         int64    `json:"creator_id"`
	LabelIDs          []string `json:"label_ids"`
	PersonID          ref      `json:"person_id"`
	OrganizationID    ref      `json:"organization_id"`
	SourceName        string   `json:"source_name"`
	Origin            string   `json:"origin"`
	OriginID          text     `json:"origin_id"`
	Channel           ref      `json:"channel"`
	ChannelID         text     `json:"channel_id"`
	SourceDealID      ref      `json:"source_deal_id"`
	IsArchived        bool     `json:"is_archived"`
	WasSeen           bool     `json:"was_seen"`
	Value             *money   `json:"value"`
	ExpectedCloseDate day      `json:"expected_close_date"`
	NextActivityID    ref      `json:"next_activity_id"` // filled when shown
	AddTime           milli    `json:"add_time"`
	UpdateTime        milli    `json:"update_time"`
	VisibleTo         string   `json:"visible_to"`
	CCEmail           string   `json:"cc_email"`

	Row          int64   `json:"row,omitempty"`           // the simulator's number
	CustomFields customs `json:"custom_fields,omitempty"` // in the shape of v2
}

type money struct {
	Amount   amount `json:"amount"`
	Currency string `json:"currency"`
}

func indexLead(l *lead) row {
	r := row{id: l.Row, key: l.ID, added: int64(l.AddTime), updated: int64(l.UpdateTime)}
	r.refs[refOwner], r.refs[refPerson], r.refs[refOrg] = l.OwnerID, int64(l.PersonID), int64(l.OrganizationID)
	r.refs[refLead] = leadLink(l.ID)
	if l.IsArchived {
		r.flags |= flagArchived
	}
	return r
}

// leadLink turns a lead's uuid into the number by which relations are indexed.
func leadLink(uuid string) int64 {
	if uuid == "" {
		return 0
	}
	h := fnv.New64a()
	h.Write([]byte(uuid))
	return int64(h.Sum64() >> 1)
}

func (s *Sim) leadRoutes() []route {
	const read, full = "leads:read leads:full", "leads:full"
	return []route{
		{"GET", 1, "/leads", 20, read, func(c *call) (reply, error) { return c.listLeads(false) }},
		{"GET", 1, "/leads/archived", 40, read, func(c *call) (reply, error) { return c.listLeads(true) }},
		{"GET", 1, "/leads/{id}", 2, read, (*call).getLead},
		{"POST", 1, "/leads", 10, full, (*call).addLead},
		{"PATCH", 1, "/leads/{id}", 10, full, (*call).patchLead},
		{"DELETE", 1, "/leads/{id}", 6, full, (*call).deleteLead},
		{"GET", 1, "/leadFields", 20, "leads:read leads:full admin", (*call).listLeadFields},
	}
}

func leadSorts() []string {
	return []string{
		"id", "title", "owner_id", "creator_id", "was_seen", "expected_close_date", "next_activity_id", "add_time", "update_time",
	}
}

func (c *call) listLeads(archived bool) (reply, error) {
	var since int64
	var err error
	if !archived { // the archived list has no such parameter
		if since, err = c.moment("updated_since"); err != nil {
			return reply{}, err
		}
	}
	keep := func(r *row) bool { return r.is(flagArchived) == archived && r.updated >= since }
	for name, kind := range map[string]refKind{"owner_id": refOwner, "person_id": refPerson, "organization_id": refOrg} {
		id, err := c.number(name)
		if err != nil {
			return reply{}, err
		}
		if before := keep; id != 0 {
			keep = func(r *row) bool { return before(r) && r.refs[kind] == id }
		}
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	rows, page, err := c.pageV1(c.leads.rows, keep, leadSorts())
	if err != nil {
		return reply{}, err
	}
	list := make([]json.RawMessage, len(rows))
	for i, r := range rows {
		list[i] = c.showLead(r)
	}
	return answerMore(list, page.forLeads()), nil
}

// forLeads is the paging of leads. The document puts it in additional_data
// itself, live answers put it under pagination; both places tell the same.
// Neither has a next_start.
func (p listV1) forLeads() any {
	type paging struct {
		Start int  `json:"start"`
		Limit int  `json:"limit"`
		More  bool `json:"more_items_in_collection"`
	}
	in := paging{p.start, p.limit, p.more}
	return struct {
		paging
		Pagination paging `json:"pagination"`
	}{in, in}
}

// showLead is a lead as v1 shows it; the caller holds mu.
func (s *Sim) showLead(r *row) json.RawMessage {
	l := s.leads.load(r)
	flat := map[string]json.RawMessage{}
	for code, v := range l.CustomFields {
		if f := s.field("deal", code); f != nil && !isNull(v) {
			f.flatten(flat, v)
		}
	}
	l.NextActivityID = ref(s.nextActivity(refLead, r.refs[refLead]))
	l.Row, l.CustomFields = 0, nil
	b, err := marshal(l)
	if err != nil {
		panic("pipedrive simulator: render a lead: " + err.Error())
	}
	if len(flat) == 0 {
		return b
	}
	extra, err := marshal(flat)
	if err != nil {
		panic("pipedrive simulator: render a lead's custom fields: " + err.Error())
	}
	return splice(b, string(extra[1:len(extra)-1]))
}

// leadInPath finds the lead of the path; the caller holds mu.
func (c *call) leadInPath() (*row, error) {
	r := c.leads.byCode(c.r.PathValue("id"))
	if r == nil {
		return nil, notFound("Lead")
	}
	return r, nil
}

func (c *call) getLead() (reply, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	r, err := c.leadInPath()
	if err != nil {
		return reply{}, err
	}
	return answer(c.showLead(r)), nil
}

func leadBody() bodySpec {
	return bodySpec{
		"title": never, "owner_id": never, "label_ids": never, "person_id": maybe, "organization_id": maybe,
		"is_archived": never, "value": maybe, "expected_close_date": maybe, "visible_to": never, "was_seen": never,
		"origin_id": maybe, "channel": maybe, "channel_id": maybe,
	}
}

func (c *call) addLead() (reply, error) {
	body, err := c.leadFields("title")
	if err != nil {
		return reply{}, err
	}
	var out json.RawMessage
	err = c.write(c.by, func(t *tx) error {
		l := t.newLead()
		if err := t.fillLead(&l, body); err != nil {
			return err
		}
		out = t.showLead(t.leads.save(t, &l))
		return nil
	})
	if err != nil {
		return reply{}, err
	}
	return answerWith(http.StatusCreated, out), nil
}

// leadFields is the body of a write with the custom fields, which v1 takes
// flat among the others, left in.
func (c *call) leadFields(required ...string) (map[string]json.RawMessage, error) {
	spec := leadBody()
	c.mu.RLock()
	for _, f := range c.catalogs["deal"].list {
		if f.IsCustomField {
			for _, key := range f.flatKeys() {
				spec[key] = maybe
			}
		}
	}
	c.mu.RUnlock()
	return c.bodyFields(spec, required...)
}

func (t *tx) newLead() lead {
	now := milliOf(t.Now())
	id := t.ids.uuid()
	return lead{
		ID: id, Row: t.leads.next, OwnerID: t.by.user, CreatorID: t.by.user, LabelIDs: []string{}, SourceName: sourceName(t.by),
		Origin: origin(t.by), AddTime: now, UpdateTime: now, VisibleTo: "3", CustomFields: customs{},
		CCEmail: t.opt.Company.Domain + "+" + strconv.FormatInt(t.opt.Company.ID, 10) + "+lead" + id[:8] + "@pipedrivemail.com",
	}
}

func sourceName(by actor) string {
	if by.source == "api" {
		return "API"
	}
	return "Manually created"
}

func (t *tx) fillLead(l *lead, body map[string]json.RawMessage) error {
	plain := map[string]json.RawMessage{}
	for key, v := range body {
		if _, ok := leadBody()[key]; ok {
			plain[key] = v
		}
	}
	if err := t.fillLeadCustoms(l, body); err != nil {
		return err
	}
	if err := assign(l, plain); err != nil {
		return err
	}
	return t.checkLead(l, keysOf(body))
}

// fillLeadCustoms takes the flat custom values out of a body.
func (t *tx) fillLeadCustoms(l *lead, body map[string]json.RawMessage) error {
	if l.CustomFields == nil {
		l.CustomFields = customs{}
	}
	for _, f := range t.catalogs["deal"].list {
		v, ok := f.unflatten(body, t.opt.Company.Currency)
		if !ok || !f.IsCustomField {
			continue
		}
		if isNull(v) {
			delete(l.CustomFields, f.FieldCode)
			continue
		}
		checked, err := t.checkCustom(f, v)
		if err != nil {
			return bad("body: %s (%s): %s", f.FieldCode, f.FieldName, err)
		}
		l.CustomFields[f.FieldCode] = checked
	}
	return nil
}

func (t *tx) checkLead(l *lead, set sent) error {
	switch {
	case l.Title == "":
		return bad("body: title must not be empty")
	case l.PersonID == 0 && l.OrganizationID == 0:
		return bad("body: a lead must be linked to a person or an organization: send person_id or organization_id")
	case l.Value != nil && !validCurrency(l.Value.Currency):
		return bad("body: value: %q is not one of the account's currencies", l.Value.Currency)
	case !slices.Contains([]string{"1", "3", "5", "7"}, l.VisibleTo):
		return bad(`body: visible_to must be "1", "3", "5" or "7", got %q`, l.VisibleTo)
	}
	for _, id := range l.LabelIDs {
		if set("label_ids") && t.leadLabels.byCode(id) == nil {
			return bad("body: label_ids: label %s does not exist", id)
		}
	}
	return firstError(
		func() error { return t.checkOwner(set, "owner_id", l.OwnerID) },
		func() error { return t.checkRef(set, "person_id", t.persons.table, int64(l.PersonID)) },
		func() error {
			return t.checkRef(set, "organization_id", t.organizations.table, int64(l.OrganizationID))
		},
	)
}

func (c *call) patchLead() (reply, error) {
	body, err := c.leadFields()
	if err != nil {
		return reply{}, err
	}
	var out json.RawMessage
	err = c.write(c.by, func(t *tx) error {
		r, err := c.leadInPath()
		if err != nil {
			return err
		}
		l := t.leads.load(r)
		if err := t.fillLead(l, body); err != nil {
			return err
		}
		l.UpdateTime = milliOf(t.Now())
		out = t.showLead(t.leads.save(t, l))
		return nil
	})
	if err != nil {
		return reply{}, err
	}
	return answer(out), nil
}

// deleteLead removes a lead for good: v1 has no deleted state for leads.
func (c *call) deleteLead() (reply, error) {
	err := c.write(c.by, func(t *tx) error {
		r, err := c.leadInPath()
		if err != nil {
			return err
		}
		t.leads.drop(t, r.id)
		return nil
	})
	if err != nil {
		return reply{}, err
	}
	return deleted(c.r.PathValue("id")), nil
}
