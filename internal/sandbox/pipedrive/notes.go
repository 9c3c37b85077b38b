package pipedrive

import (
	"encoding/json"

	"github.com/tidwall/gjson"
)

// note is a comment on records; v1 shows beside it the names of what it hangs on.
type note struct {
	ID               int64  `json:"id"`
	ActiveFlag       bool   `json:"active_flag"`
	AddTime          stamp  `json:"add_time"`
	Content          string `json:"content"`
	LeadID           text   `json:"lead_id"`
	DealID           ref    `json:"deal_id"`
	LastUpdateUserID ref    `json:"last_update_user_id"`
	OrgID            ref    `json:"org_id"`
	PersonID         ref    `json:"person_id"`
	ProjectID        ref    `json:"project_id"`
	TaskID           ref    `json:"task_id"`
	PinnedToLead     pin    `json:"pinned_to_lead_flag"`
	PinnedToDeal     pin    `json:"pinned_to_deal_flag"`
	PinnedToOrg      pin    `json:"pinned_to_organization_flag"`
	PinnedToPerson   pin    `json:"pinned_to_person_flag"`
	PinnedToProject  pin    `json:"pinned_to_project_flag"`
	PinnedToTask     pin    `json:"pinned_to_task_flag"`
	UpdateTime       stamp  `json:"update_time"`
	UserID           int64  `json:"user_id"`
}

// pin is written as 0 or 1 and read as false or true.
type pin bool

func (p *pin) UnmarshalJSON(b []byte) error {
	switch string(b) {
	case "1", "true":
		*p = true
	case "0", "false":
		*p = false
	default:
		return bad("want 0 or 1, got %s", clip(b))
	}
	return nil
}

func indexNote(n *note) row {
	r := row{id: n.ID, added: int64(n.AddTime) * 1000, updated: int64(n.UpdateTime) * 1000}
	r.refs[refOwner], r.refs[refDeal], r.refs[refPerson], r.refs[refOrg] = n.UserID, int64(n.DealID), int64(n.PersonID), int64(n.OrgID)
	r.refs[refLead] = leadLink(string(n.LeadID))
	if !n.ActiveFlag {
		r.flags |= flagDeleted
	}
	return r
}

func (s *Sim) noteRoutes() []route {
	const read, full = "deals:read deals:full contacts:read contacts:full", "deals:full contacts:full"
	return []route{
		{"GET", 1, "/notes", 20, read, (*call).listNotes},
		{"GET", 1, "/notes/{id}", 2, read, (*call).getNote},
		{"POST", 1, "/notes", 10, full, (*call).addNote},
		{"PUT", 1, "/notes/{id}", 10, full, (*call).putNote},
		{"DELETE", 1, "/notes/{id}", 6, full, (*call).deleteNote},
		{"GET", 1, "/noteFields", 20, read, (*call).listNoteFields},
	}
}

func noteSorts() []string {
	return []string{"id", "user_id", "deal_id", "person_id", "org_id", "content", "add_time", "update_time"}
}

func (c *call) listNotes() (reply, error) {
	since, err := c.moment("updated_since")
	if err != nil {
		return reply{}, err
	}
	keep := func(r *row) bool { return !r.is(flagDeleted) && r.updated >= since }
	for name, kind := range map[string]refKind{"user_id": refOwner, "deal_id": refDeal, "person_id": refPerson, "org_id": refOrg} {
		id, err := c.number(name)
		if err != nil {
			return reply{}, err
		}
		if before := keep; id != 0 {
			keep = func(r *row) bool { return before(r) && r.refs[kind] == id }
		}
	}
	if id, before := c.query.Get("lead_id"), keep; id != "" {
		keep = func(r *row) bool { return before(r) && r.refs[refLead] == leadLink(id) }
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	rows, page, err := c.pageV1(c.notes.rows, keep, noteSorts())
	if err != nil {
		return reply{}, err
	}
	list := make([]json.RawMessage, len(rows))
	for i, r := range rows {
		list[i] = c.showNote(r, c.by.user)
	}
	return answerMore(list, page.forNotes()), nil
}

// forNotes is the paging of notes, with the start of the next page.
func (p listV1) forNotes() any {
	type paging struct {
		Start int  `json:"start"`
		Limit int  `json:"limit"`
		More  bool `json:"more_items_in_collection"`
		Next  *int `json:"next_start,omitempty"`
	}
	out := paging{Start: p.start, Limit: p.limit, More: p.more}
	if p.more {
		next := p.start + p.limit
		out.Next = &next
	}
	return struct {
		Pagination paging `json:"pagination"`
	}{out}
}

// showNote adds the names; the caller holds mu.
func (s *Sim) showNote(r *row, viewer int64) json.RawMessage {
	type named struct {
		Name string `json:"name"`
	}
	type titled struct {
		Title string `json:"title"`
	}
	var joined struct {
		Deal         *titled  `json:"deal"`
		Organization *named   `json:"organization"`
		Person       *named   `json:"person"`
		Project      *titled  `json:"project"`
		Task         *titled  `json:"task"`
		User         *webUser `json:"user"`
	}
	if d := s.deals.get(r.refs[refDeal]); d != nil {
		joined.Deal = &titled{gjson.GetBytes(d.json, "title").Str}
	}
	if o := s.organizations.get(r.refs[refOrg]); o != nil {
		joined.Organization = &named{o.name()}
	}
	if p := s.persons.get(r.refs[refPerson]); p != nil {
		joined.Person = &named{p.name()}
	}
	if u := s.users.find(r.refs[refOwner]); u != nil {
		joined.User = &webUser{u.Email, u.IconURL, u.ID == viewer, u.Name}
	}
	b, err := marshal(joined)
	if err != nil {
		panic("pipedrive simulator: render a note: " + err.Error())
	}
	return splice(append([]byte(nil), r.json...), string(b[1:len(b)-1]))
}

func (c *call) getNote() (reply, error) {
	id, err := c.pathID("id")
	if err != nil {
		return reply{}, err
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	r := c.notes.get(id)
	if gone(r, c.Now()) {
		return reply{}, notFound("Note")
	}
	return answer(c.showNote(r, c.by.user)), nil
}

func noteBody() bodySpec {
	return bodySpec{
		"content": never, "lead_id": maybe, "deal_id": maybe, "person_id": maybe, "org_id": maybe, "project_id": maybe,
		"task_id": maybe, "user_id": never, "add_time": never, "pinned_to_lead_flag": never, "pinned_to_deal_flag": never,
		"pinned_to_organization_flag": never, "pinned_to_person_flag": never, "pinned_to_project_flag": never,
		"pinned_to_task_flag": never,
	}
}

func (c *call) addNote() (reply, error) {
	body, err := c.bodyFields(noteBody(), "content")
	if err != nil {
		return reply{}, err
	}
	return c.saveNote(body, func(t *tx) (*note, error) {
		return &note{ID: t.notes.next, ActiveFlag: true, AddTime: stampOf(t.at), UserID: t.by.user}, nil
	})
}

func (c *call) putNote() (reply, error) {
	body, err := c.bodyFields(noteBody())
	if err != nil {
		return reply{}, err
	}
	return c.saveNote(body, c.liveNote)
}

// liveNote finds the note of the path.
func (c *call) liveNote(t *tx) (*note, error) {
	id, err := c.pathID("id")
	if err != nil {
		return nil, err
	}
	n := t.notes.find(id)
	if n == nil || !n.ActiveFlag {
		return nil, notFound("Note")
	}
	return n, nil
}

func (c *call) saveNote(body map[string]json.RawMessage, start func(*tx) (*note, error)) (reply, error) {
	var out json.RawMessage
	err := c.write(c.by, func(t *tx) error {
		n, err := start(t)
		if err != nil {
			return err
		}
		if err := assign(n, body); err != nil {
			return err
		}
		if err := t.checkNote(n, keysOf(body)); err != nil {
			return err
		}
		n.UpdateTime, n.LastUpdateUserID = stampOf(t.at), ref(t.by.user)
		out = t.showNote(t.notes.save(t, n), t.by.user)
		return nil
	})
	if err != nil {
		return reply{}, err
	}
	return answer(out), nil
}

func (t *tx) checkNote(n *note, set sent) error {
	if n.Content == "" {
		return bad("body: content must not be empty")
	}
	if n.DealID == 0 && n.PersonID == 0 && n.OrgID == 0 && n.LeadID == "" && n.ProjectID == 0 && n.TaskID == 0 {
		return bad("body: a note must hang on a deal, a lead, a person or an organization")
	}
	return firstError(
		func() error { return t.checkOwner(set, "user_id", n.UserID) },
		func() error { return t.checkRef(set, "deal_id", t.deals.table, int64(n.DealID)) },
		func() error { return t.checkRef(set, "person_id", t.persons.table, int64(n.PersonID)) },
		func() error { return t.checkRef(set, "org_id", t.organizations.table, int64(n.OrgID)) },
		func() error { return t.checkLeadRef(set, string(n.LeadID)) },
	)
}

func (c *call) deleteNote() (reply, error) {
	err := c.write(c.by, func(t *tx) error {
		n, err := c.liveNote(t)
		if err != nil {
			return err
		}
		n.ActiveFlag, n.UpdateTime = false, stampOf(t.at)
		t.notes.save(t, n)
		return nil
	})
	if err != nil {
		return reply{}, err
	}
	return answer(true), nil
}
