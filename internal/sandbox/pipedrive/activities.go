package pipedrive

import (
	"encoding/json"
	"time"
)

// activity is a task, call or meeting as v2 lists it; due_time is UTC.
type activity struct {
	ID               int64         `json:"id"`
	Subject          string        `json:"subject"`
	Type             string        `json:"type"`
	OwnerID          int64         `json:"owner_id"`
	CreatorUserID    int64         `json:"creator_user_id"`
	IsDeleted        bool          `json:"is_deleted"`
	AddTime          instant       `json:"add_time"`
	UpdateTime       instant       `json:"update_time"`
	DealID           ref           `json:"deal_id"`
	LeadID           text          `json:"lead_id"`
	PersonID         ref           `json:"person_id"`
	OrgID            ref           `json:"org_id"`
	ProjectID        ref           `json:"project_id"`
	DueDate          day           `json:"due_date"`
	DueTime          text          `json:"due_time"`
	Duration         text          `json:"duration"`
	Busy             bool          `json:"busy"`
	Done             bool          `json:"done"`
	MarkedAsDoneTime instant       `json:"marked_as_done_time"`
	Location         *address      `json:"location"`
	Participants     []participant `json:"participants"`
	ConferenceClient text          `json:"conference_meeting_client"`
	ConferenceURL    text          `json:"conference_meeting_url"`
	ConferenceID     text          `json:"conference_meeting_id"`
	Public           text          `json:"public_description"`
	Priority         ref           `json:"priority"`
	Note             text          `json:"note"`
}

type participant struct {
	PersonID int64 `json:"person_id"`
	Primary  bool  `json:"primary"`
}

func indexActivity(a *activity) row {
	r := row{id: a.ID, added: int64(a.AddTime) * 1000, updated: int64(a.UpdateTime) * 1000, order: a.due()}
	r.refs[refOwner], r.refs[refDeal], r.refs[refPerson], r.refs[refOrg] = a.OwnerID, int64(a.DealID), int64(a.PersonID), int64(a.OrgID)
	r.refs[refLead] = leadLink(string(a.LeadID))
	if a.IsDeleted {
		r.flags |= flagDeleted
	}
	if a.Done {
		r.flags |= flagDone
	}
	return r
}

// due is the due date and time as a number that sorts likewise: the digits of
// both, down to the minute.
func (a *activity) due() int64 {
	var n int64
	digits := 0
	for _, part := range []string{string(a.DueDate), string(a.DueTime)} {
		for i := 0; i < len(part) && digits < 12; i++ {
			if c := part[i]; c >= '0' && c <= '9' {
				n = n*10 + int64(c-'0')
				digits++
			}
		}
	}
	for ; digits < 12; digits++ {
		n *= 10
	}
	return n
}

func (s *Sim) activityRoutes() []route {
	const read, full = "activities:read activities:full", "activities:full"
	res := resource[activity]{
		kind: s.activities, what: "Activity", body: activityBody(), blank: (*tx).newActivity, fill: (*tx).fillActivity,
		erase: func(_ *tx, a *activity) { a.IsDeleted = true },
		touch: func(a *activity, now time.Time) { a.UpdateTime = instantOf(now) },
	}
	return []route{
		{"GET", 2, "/activities", 10, read, (*call).listActivities},
		{"GET", 2, "/activities/{id}", 1, read, (*call).getActivity},
		{"POST", 2, "/activities", 5, full, res.add},
		{"PATCH", 2, "/activities/{id}", 5, full, res.patch},
		{"DELETE", 2, "/activities/{id}", 3, full, res.remove},
	}
}

func (c *call) listActivities() (reply, error) {
	l, err := c.listing(c.activities.table, "update_time", "add_time", "due_date")
	if err != nil {
		return reply{}, err
	}
	err = l.byRef(c, map[string]refKind{"owner_id": refOwner, "deal_id": refDeal, "person_id": refPerson, "org_id": refOrg})
	if err != nil {
		return reply{}, err
	}
	if id := c.query.Get("lead_id"); id != "" {
		l.links = append(l.links, link{refLead, leadLink(id)})
	}
	done, set, err := c.flag("done")
	if err != nil {
		return reply{}, err
	}
	if set {
		l.where(func(r *row) bool { return r.is(flagDone) == done })
	}
	if l.show, err = c.showActivity(); err != nil {
		return reply{}, err
	}
	return c.respond(l)
}

func (c *call) getActivity() (reply, error) {
	show, err := c.showActivity()
	if err != nil {
		return reply{}, err
	}
	return c.getOne(c.activities.table, "Activity", show)
}

// showActivity adds the attendees where they are asked for.
func (c *call) showActivity() (func([]byte, *row) []byte, error) {
	include, err := c.words("include_fields", []string{"attendees"})
	if err != nil || include == nil {
		return nil, err
	}
	return func(b []byte, r *row) []byte { return splice(append(b, r.json...), `"attendees":[]`) }, nil
}

func activityBody() bodySpec {
	return bodySpec{
		"subject": never, "type": never, "owner_id": never, "deal_id": maybe, "lead_id": maybe, "person_id": maybe,
		"org_id": maybe, "project_id": maybe, "due_date": maybe, "due_time": maybe, "duration": maybe, "busy": never,
		"done": never, "location": maybe, "participants": never, "attendees": never, "public_description": maybe,
		"priority": maybe, "note": maybe,
	}
}

func (t *tx) newActivity() activity {
	now := instantOf(t.at)
	return activity{
		ID: t.activities.next, Type: "call", OwnerID: t.by.user, CreatorUserID: t.by.user, AddTime: now,
		UpdateTime: now, DueDate: dayOf(t.at), Participants: []participant{},
	}
}

func (t *tx) fillActivity(a *activity, body map[string]json.RawMessage) error {
	if body["person_id"] != nil && !isNull(body["person_id"]) {
		return bad("body: person_id is read-only: send participants")
	}
	if body["location"] != nil {
		a.Location = nil
	}
	wasDone := a.Done
	if err := assign(a, without(body, "attendees")); err != nil {
		return err
	}
	if a.Done != wasDone {
		a.MarkedAsDoneTime = 0
		if a.Done {
			a.MarkedAsDoneTime = instantOf(t.at)
		}
	}
	if a.Subject == "" {
		a.Subject = t.activityName(a.Type)
	}
	if body["participants"] != nil {
		a.PersonID = primaryParticipant(a.Participants)
	}
	return t.checkActivity(a, keysOf(body))
}

func primaryParticipant(list []participant) ref {
	for _, p := range list {
		if p.Primary {
			return ref(p.PersonID)
		}
	}
	return 0
}

func (t *tx) checkActivity(a *activity, set sent) error {
	if t.activityName(a.Type) == "" {
		return bad("body: type: activity type %q does not exist", a.Type)
	}
	if a.DealID != 0 && a.LeadID != "" {
		return bad("body: an activity belongs to a deal or a lead, not to both")
	}
	for _, p := range a.Participants {
		if set("participants") && !t.alive(t.persons.table, p.PersonID) {
			return bad("body: participants: person %d does not exist", p.PersonID)
		}
	}
	return firstError(
		func() error { return t.checkOwner(set, "owner_id", a.OwnerID) },
		func() error { return t.checkRef(set, "deal_id", t.deals.table, int64(a.DealID)) },
		func() error { return t.checkRef(set, "org_id", t.organizations.table, int64(a.OrgID)) },
		func() error { return t.checkLeadRef(set, string(a.LeadID)) },
		func() error { return clockTime("due_time", &a.DueTime) },
		func() error { return clockTime("duration", &a.Duration) },
	)
}

// clockTime accepts HH:MM and HH:MM:SS and keeps the longer form.
func clockTime(key string, v *text) error {
	if _, err := time.Parse("15:04", string(*v)); err == nil {
		*v += ":00"
	}
	if _, err := time.Parse(time.TimeOnly, string(*v)); *v != "" && err != nil {
		return bad("body: %s must be a time like 14:30, got %q", key, string(*v))
	}
	return nil
}
