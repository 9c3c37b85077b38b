package pipedrive

import (
	"slices"
)

func (s *Sim) mergeRoutes() []route {
	return []route{
		{"PUT", 1, "/deals/{id}/merge", 40, "deals:full", func(c *call) (reply, error) { return c.merge("Deal", (*tx).mergeDeals) }},
		{"PUT", 1, "/persons/{id}/merge", 40, "contacts:full", func(c *call) (reply, error) { return c.merge("Person", (*tx).mergePersons) }},
		{"PUT", 1, "/organizations/{id}/merge", 40, "contacts:full", func(c *call) (reply, error) { return c.merge("Organization", (*tx).mergeOrganizations) }},
	}
}

// merge folds the record of the path into merge_with_id, which survives: its
// values win, its empty ones are filled from the other, and what hangs on the
// other moves over (the vendor's tutorials on merging).
func (c *call) merge(what string, fold func(t *tx, loser, survivor int64) (any, error)) (reply, error) {
	body, err := c.bodyFields(bodySpec{"merge_with_id": never}, "merge_with_id")
	if err != nil {
		return reply{}, err
	}
	loser, err := c.pathID("id")
	if err != nil {
		return reply{}, err
	}
	var in struct {
		With int64 `json:"merge_with_id"`
	}
	if err := assign(&in, body); err != nil {
		return reply{}, err
	}
	if in.With == loser {
		return reply{}, bad("body: merge_with_id: a record cannot be merged with itself")
	}
	var out any
	err = c.write(c.by, func(t *tx) (err error) {
		out, err = fold(t, loser, in.With)
		return err
	})
	if err != nil {
		return reply{}, err
	}
	return answer(out), nil
}

// pair loads the two records of a merge.
func pair[T any](t *tx, k kind[T], what string, loser, survivor int64) (a, b *T, err error) {
	if !t.alive(k.table, loser) || !t.alive(k.table, survivor) {
		return nil, nil, notFound(what)
	}
	t.merge = merge{k.table, loser, survivor}
	return k.find(loser), k.find(survivor), nil
}

// fillEmpty copies custom values that the survivor lacks.
func fillEmpty(into, from customs) {
	for code, v := range from {
		if isNull(into[code]) {
			into[code] = v
		}
	}
}

func firstRef(a, b ref) ref {
	if a != 0 {
		return a
	}
	return b
}

func union(a, b []int64) []int64 {
	out := append(append([]int64{}, a...), b...)
	slices.Sort(out)
	return slices.Compact(out)
}

func (t *tx) mergeDeals(loser, survivor int64) (any, error) {
	from, to, err := pair(t, t.deals, "Deal", loser, survivor)
	if err != nil {
		return nil, err
	}
	to.PersonID, to.OrgID = firstRef(to.PersonID, from.PersonID), firstRef(to.OrgID, from.OrgID)
	if to.ExpectedCloseDate == "" {
		to.ExpectedCloseDate = from.ExpectedCloseDate
	}
	to.LabelIDs = union(to.LabelIDs, from.LabelIDs)
	fillEmpty(to.CustomFields, from.CustomFields)
	t.moveHangers(refDeal, loser, survivor)
	t.moveItems(loser, survivor)
	t.markDeleted(from)
	t.deals.save(t, from)
	to.UpdateTime = instantOf(t.at)
	t.valueDeal(to)
	t.deals.save(t, to)
	return t.dealV1(to, loser), nil
}

func (t *tx) mergePersons(loser, survivor int64) (any, error) {
	from, to, err := pair(t, t.persons, "Person", loser, survivor)
	if err != nil {
		return nil, err
	}
	to.OrgID = firstRef(to.OrgID, from.OrgID)
	to.Emails, to.Phones = joinWays(to.Emails, from.Emails), joinWays(to.Phones, from.Phones)
	to.LabelIDs = union(to.LabelIDs, from.LabelIDs)
	fillEmpty(to.CustomFields, from.CustomFields)
	t.moveHangers(refPerson, loser, survivor)
	t.moveDeals(refPerson, loser, survivor)
	t.moveLeads(refPerson, loser, survivor)
	from.IsDeleted, from.UpdateTime, to.UpdateTime = true, instantOf(t.at), instantOf(t.at)
	t.persons.save(t, from)
	t.persons.save(t, to)
	return t.personV1(to, loser), nil
}

func joinWays(a, b []contactWay) []contactWay {
	out := slices.Clone(a)
	for _, w := range b {
		if !slices.ContainsFunc(out, func(have contactWay) bool { return have.Value == w.Value }) {
			out = append(out, w)
		}
	}
	onePrimary(out)
	return out
}

func (t *tx) mergeOrganizations(loser, survivor int64) (any, error) {
	from, to, err := pair(t, t.organizations, "Organization", loser, survivor)
	if err != nil {
		return nil, err
	}
	if to.Address == nil {
		to.Address = from.Address
	}
	if to.Website == "" {
		to.Website = from.Website
	}
	to.LabelIDs = union(to.LabelIDs, from.LabelIDs)
	fillEmpty(to.CustomFields, from.CustomFields)
	t.moveHangers(refOrg, loser, survivor)
	t.moveDeals(refOrg, loser, survivor)
	t.moveLeads(refOrg, loser, survivor)
	t.movePersons(loser, survivor)
	from.IsDeleted, from.UpdateTime, to.UpdateTime = true, instantOf(t.at), instantOf(t.at)
	t.organizations.save(t, from)
	t.organizations.save(t, to)
	return map[string]int64{"id": survivor}, nil
}

// moveHangers moves activities and notes. Moved records count as changed,
// which the vendor does not document.
func (t *tx) moveHangers(kind refKind, from, to int64) {
	for _, id := range slices.Clone(t.activities.related(kind, from)) {
		a := t.activities.find(id)
		switch kind {
		case refDeal:
			a.DealID = ref(to)
		case refPerson:
			a.PersonID = ref(to)
			a.Participants = replaceParticipant(a.Participants, from, to)
		case refOrg:
			a.OrgID = ref(to)
		}
		a.UpdateTime = instantOf(t.at)
		t.activities.save(t, a)
	}
	for _, id := range slices.Clone(t.notes.related(kind, from)) {
		n := t.notes.find(id)
		switch kind {
		case refDeal:
			n.DealID = ref(to)
		case refPerson:
			n.PersonID = ref(to)
		case refOrg:
			n.OrgID = ref(to)
		}
		n.UpdateTime = stampOf(t.at)
		t.notes.save(t, n)
	}
}

func replaceParticipant(list []participant, from, to int64) []participant {
	out := slices.Clone(list)
	for i := range out {
		if out[i].PersonID == from {
			out[i].PersonID = to
		}
	}
	return out
}

func (t *tx) moveItems(from, to int64) {
	for _, id := range slices.Clone(t.items.related(refDeal, from)) {
		it := t.items.find(id)
		it.DealID, it.UpdateTime = to, instantOf(t.at)
		t.items.save(t, it)
	}
}

func (t *tx) moveDeals(kind refKind, from, to int64) {
	for _, id := range slices.Clone(t.deals.related(kind, from)) {
		d := t.deals.find(id)
		if kind == refPerson {
			d.PersonID = ref(to)
		} else {
			d.OrgID = ref(to)
		}
		d.UpdateTime = instantOf(t.at)
		t.deals.save(t, d)
	}
}

func (t *tx) moveLeads(kind refKind, from, to int64) {
	for _, id := range slices.Clone(t.leads.related(kind, from)) {
		l := t.leads.find(id)
		if kind == refPerson {
			l.PersonID = ref(to)
		} else {
			l.OrganizationID = ref(to)
		}
		l.UpdateTime = milliOf(t.Now())
		t.leads.save(t, l)
	}
}

func (t *tx) movePersons(from, to int64) {
	for _, id := range slices.Clone(t.persons.related(refOrg, from)) {
		p := t.persons.find(id)
		p.OrgID, p.UpdateTime = ref(to), instantOf(t.at)
		t.persons.save(t, p)
	}
}

// dealV1 is a deal as the merge operation, which belongs to v1, shows it.
func (t *tx) dealV1(d *deal, loser int64) map[string]any {
	return map[string]any{
		"id": d.ID, "creator_user_id": d.CreatorUserID, "user_id": d.OwnerID, "person_id": d.PersonID, "org_id": d.OrgID,
		"stage_id": d.StageID, "pipeline_id": d.PipelineID, "title": d.Title, "value": d.Value, "currency": d.Currency,
		"add_time": stamp(d.AddTime), "update_time": stamp(d.UpdateTime), "stage_change_time": stamp(d.StageChangeTime),
		"active": d.Status == statusOpen, "deleted": d.IsDeleted, "is_archived": d.IsArchived, "status": d.Status,
		"probability": d.Probability, "lost_reason": d.LostReason, "visible_to": string(optionNumber(int64(d.VisibleTo))),
		"close_time": stamp(d.CloseTime), "won_time": stamp(d.WonTime), "lost_time": stamp(d.LostTime),
		"expected_close_date": d.ExpectedCloseDate, "origin": d.Origin, "origin_id": d.OriginID, "channel": d.Channel,
		"channel_id": d.ChannelID, "acv": d.ACV, "arr": d.ARR, "mrr": d.MRR, "merge_what_id": loser,
		"products_count":   len(t.items.related(refDeal, d.ID)),
		"activities_count": len(t.activities.related(refDeal, d.ID)),
		"notes_count":      len(t.notes.related(refDeal, d.ID)),
	}
}

// personV1 is a person as the merge operation shows it.
func (t *tx) personV1(p *person, loser int64) map[string]any {
	return map[string]any{
		"id": p.ID, "company_id": t.opt.Company.ID, "owner_id": p.OwnerID, "org_id": p.OrgID, "name": p.Name,
		"first_name": string(p.FirstName), "last_name": p.LastName, "active_flag": !p.IsDeleted, "phone": p.Phones, "email": p.Emails,
		"add_time": stamp(p.AddTime), "update_time": stamp(p.UpdateTime), "visible_to": string(optionNumber(int64(p.VisibleTo))),
		"label_ids": p.LabelIDs, "merge_what_id": loser,
	}
}
