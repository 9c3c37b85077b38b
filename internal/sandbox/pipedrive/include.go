package pipedrive

import (
	"encoding/json"
	"fmt"
	"slices"
)

// extras computes the optional response fields of an object: each name of
// include_fields gives one member.
type extras map[string]func(s *Sim, r *row) any

func countOf(t func(*Sim) *table, kind refKind, keep func(*row) bool) func(*Sim, *row) any {
	return func(s *Sim, r *row) any {
		n := 0
		for _, x := range t(s).pick(t(s).related(kind, r.id)) {
			if keep(x) {
				n++
			}
		}
		return n
	}
}

func zero(*Sim, *row) any    { return 0 }
func nothing(*Sim, *row) any { return nil }

func live(r *row) bool { return !r.is(flagDeleted) }

// activityExtras are the members that deals, persons and organizations share.
func activityExtras(kind refKind) extras {
	activities := func(s *Sim) *table { return s.activities.table }
	notes := func(s *Sim) *table { return s.notes.table }
	return extras{
		"next_activity_id":        func(s *Sim, r *row) any { return ref(s.nextActivity(kind, r.id)) },
		"last_activity_id":        func(s *Sim, r *row) any { return ref(s.lastActivity(kind, r.id)) },
		"activities_count":        countOf(activities, kind, live),
		"done_activities_count":   countOf(activities, kind, func(r *row) bool { return live(r) && r.is(flagDone) }),
		"undone_activities_count": countOf(activities, kind, func(r *row) bool { return live(r) && !r.is(flagDone) }),
		"notes_count":             countOf(notes, kind, live),
		"files_count":             zero,
		"followers_count":         zero,
		"email_messages_count":    zero,
		"last_incoming_mail_time": nothing,
		"last_outgoing_mail_time": nothing,
		"smart_bcc_email":         (*Sim).bccEmail,
	}
}

func (s *Sim) bccEmail(r *row) any {
	return fmt.Sprintf("%s+%d@pipedrivemail.com", s.opt.Company.Domain, r.id)
}

func dealExtras() extras {
	e := activityExtras(refDeal)
	e["products_count"] = countOf(func(s *Sim) *table { return s.items.table }, refDeal, live)
	e["participants_count"] = func(_ *Sim, r *row) any { return min(r.refs[refPerson], 1) }
	e["first_won_time"] = func(s *Sim, r *row) any { return s.historyOf(r.id).FirstWon }
	e["source_lead_id"] = func(s *Sim, r *row) any { return s.historyOf(r.id).SourceLead }
	return e
}

func contactExtras(kind refKind) extras {
	e := activityExtras(kind)
	deals := func(s *Sim) *table { return s.deals.table }
	with := func(want ...status) func(*row) bool {
		return func(r *row) bool { return slices.Contains(want, r.status) }
	}
	for name, count := range map[string]func(*Sim, *row) any{
		"open_deals_count":   countOf(deals, kind, with(statusOpen)),
		"closed_deals_count": countOf(deals, kind, with(statusWon, statusLost)),
		"won_deals_count":    countOf(deals, kind, with(statusWon)),
		"lost_deals_count":   countOf(deals, kind, with(statusLost)),
	} {
		e[name], e["related_"+name] = count, zero
	}
	return e
}

func personExtras() extras {
	e := contactExtras(refPerson)
	e["participant_open_deals_count"], e["participant_closed_deals_count"] = zero, zero
	return e
}

func organizationExtras() extras {
	e := contactExtras(refOrg)
	e["people_count"] = countOf(func(s *Sim) *table { return s.persons.table }, refOrg, live)
	delete(e, "last_incoming_mail_time")
	delete(e, "last_outgoing_mail_time")
	return e
}

// nextActivity is the first activity that is still to be done, 0 for none.
func (s *store) nextActivity(kind refKind, id int64) int64 {
	var best *row
	for _, r := range s.activities.pick(s.activities.related(kind, id)) {
		if live(r) && !r.is(flagDone) && (best == nil || r.order < best.order) {
			best = r
		}
	}
	return rowID(best)
}

// lastActivity is the latest activity that was done, 0 for none.
func (s *store) lastActivity(kind refKind, id int64) int64 {
	var best *row
	for _, r := range s.activities.pick(s.activities.related(kind, id)) {
		if live(r) && r.is(flagDone) && (best == nil || r.order >= best.order) {
			best = r
		}
	}
	return rowID(best)
}

func rowID(r *row) int64 {
	if r == nil {
		return 0
	}
	return r.id
}

// showing reads the parameters that change how records are shown.
type showing struct {
	include []string
	extra   extras
	customs func(customs) customs
	labels  func(ids []int64) any
}

func (c *call) showing(object string, e extras) (*showing, error) {
	names := make([]string, 0, len(e))
	for name := range e {
		names = append(names, name)
	}
	slices.Sort(names)
	include, err := c.words("include_fields", names)
	if err != nil {
		return nil, err
	}
	out := &showing{include: include, extra: e}
	if out.customs, err = c.showCustoms(object); err != nil {
		return nil, err
	}
	labels, _, err := c.flag("include_labels")
	if err != nil {
		return nil, err
	}
	if labels {
		out.labels = func(ids []int64) any { return c.labelsOf(object, ids) }
	}
	if include == nil && out.customs == nil && out.labels == nil {
		return nil, nil
	}
	return out, nil
}

func (s *store) labelsOf(object string, ids []int64) []plainOption {
	f := s.field(object, "label_ids")
	out := make([]plainOption, 0, len(ids))
	for _, id := range ids {
		if o := f.option(id); o != nil {
			out = append(out, plainOption{id, o.Label})
		}
	}
	return out
}

// appendTo adds the members asked for to a record's JSON.
func (sh *showing) appendTo(s *Sim, b []byte, r *row, record []byte, labels []int64) []byte {
	b = append(b, record...)
	for _, name := range sh.include {
		v, err := marshal(sh.extra[name](s, r))
		if err != nil {
			panic("pipedrive simulator: render " + name + ": " + err.Error())
		}
		b = splice(b, `"`+name+`":`+string(v))
	}
	if sh.labels != nil {
		v, err := marshal(sh.labels(labels))
		if err != nil {
			panic("pipedrive simulator: render labels: " + err.Error())
		}
		b = splice(b, `"labels":`+string(v))
	}
	return b
}

func (c *call) showDeal() (func([]byte, *row) []byte, error) {
	sh, err := c.showing("deal", dealExtras())
	if err != nil || sh == nil {
		return nil, err
	}
	return func(b []byte, r *row) []byte {
		record, labels := json.RawMessage(r.json), []int64(nil)
		if sh.customs != nil || sh.labels != nil {
			d := c.deals.load(r)
			labels = d.LabelIDs
			if sh.customs != nil {
				d.CustomFields = sh.customs(d.CustomFields)
				record = c.deals.render(d).json
			}
		}
		return sh.appendTo(c.Sim, b, r, record, labels)
	}, nil
}

func (c *call) showPerson() (func([]byte, *row) []byte, error) {
	sh, err := c.showing("person", personExtras())
	if err != nil || sh == nil {
		return nil, err
	}
	return func(b []byte, r *row) []byte {
		p := c.persons.load(r)
		if sh.customs != nil {
			p.CustomFields = sh.customs(p.CustomFields)
		}
		return sh.appendTo(c.Sim, b, r, c.persons.render(p).json, p.LabelIDs)
	}, nil
}

func (c *call) showOrganization() (func([]byte, *row) []byte, error) {
	sh, err := c.showing("organization", organizationExtras())
	if err != nil || sh == nil {
		return nil, err
	}
	return func(b []byte, r *row) []byte {
		o := c.organizations.load(r)
		if sh.customs != nil {
			o.CustomFields = sh.customs(o.CustomFields)
		}
		return sh.appendTo(c.Sim, b, r, c.organizations.render(o).json, o.LabelIDs)
	}, nil
}
