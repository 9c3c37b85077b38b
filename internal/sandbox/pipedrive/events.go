package pipedrive

import (
	"encoding/json"
	"strconv"
	"strings"

	"salesbook.dev/internal/sandbox"
)

// eventMeta is the envelope's head. Ids are strings here and numbers in data
// (a production payload of 2026-01).
type eventMeta struct {
	Action           string   `json:"action"`
	Entity           string   `json:"entity"`
	EntityID         string   `json:"entity_id"`
	ID               string   `json:"id"`
	CorrelationID    string   `json:"correlation_id"`
	CompanyID        string   `json:"company_id"`
	UserID           string   `json:"user_id"`
	WebhookID        string   `json:"webhook_id"`
	WebhookOwnerID   string   `json:"webhook_owner_id"`
	Timestamp        milli    `json:"timestamp"`
	MergedToID       string   `json:"merged_to_id,omitempty"` // in the delete of a record that another one took in (guide on webhooks v2)
	Version          string   `json:"version"`
	Type             string   `json:"type"`
	IsBulkEdit       bool     `json:"is_bulk_edit"`
	ChangeSource     string   `json:"change_source"`
	PermittedUserIDs []string `json:"permitted_user_ids"`
	Attempt          int      `json:"attempt"`
	Host             string   `json:"host"`
}

type event struct {
	Meta     eventMeta                  `json:"meta"`
	Data     map[string]json.RawMessage `json:"data"`
	Previous map[string]json.RawMessage `json:"previous"`
}

// eventObject is the webhook name of a table, "" for tables without events.
func eventObject(table string) string {
	switch table {
	case "activities":
		return "activity"
	case "deals", "persons", "organizations", "products", "leads", "notes", "pipelines", "stages", "users":
		return strings.TrimSuffix(table, "s")
	}
	return ""
}

// announce queues the events of a change; the caller holds mu.
func (h *hookRunner) announce(t *tx) {
	if len(t.webhooks.rows) == 0 {
		return
	}
	correlation := ""
	for _, p := range t.net() {
		object := eventObject(p.table.name)
		if object == "" {
			continue
		}
		if correlation == "" {
			correlation = t.ids.uuid()
		}
		e, ok := t.event(p, object)
		if !ok {
			continue
		}
		e.Meta.CorrelationID = correlation
		h.fan(t, e)
	}
}

// event describes one changed record; false when nothing visible changed.
func (t *tx) event(p put, object string) (event, bool) {
	id := strconv.FormatInt(p.id(), 10)
	if object == "lead" {
		id = t.leadKey(p)
	}
	e := event{Meta: eventMeta{
		Entity: object, EntityID: id, CompanyID: strconv.FormatInt(t.opt.Company.ID, 10),
		UserID: strconv.FormatInt(t.by.user, 10), Timestamp: milliOf(t.Now()), Version: "2.0", Type: "general",
		ChangeSource: t.by.source, Host: t.opt.Company.Domain + ".pipedrive.com",
	}}
	switch {
	case p.old == nil:
		e.Meta.Action, e.Data = "create", t.hookShape(object, p.next)
	case p.next == nil || p.next.is(flagDeleted) && !p.old.is(flagDeleted):
		e.Meta.Action, e.Previous = "delete", t.hookShape(object, p.old)
		if m := t.merge; m.table == p.table && m.loser == p.id() {
			e.Meta.MergedToID = strconv.FormatInt(m.survivor, 10)
		}
	default:
		e.Meta.Action, e.Data = "change", t.hookShape(object, p.next)
		e.Previous = changed(t.hookShape(object, p.old), e.Data)
		return e, len(e.Previous) > 0
	}
	return e, true
}

func (t *tx) leadKey(p put) string {
	if p.next != nil {
		return p.next.key
	}
	return p.old.key
}

// changed keeps the values of old that next has otherwise.
func changed(old, next map[string]json.RawMessage) map[string]json.RawMessage {
	out := map[string]json.RawMessage{}
	for key, v := range old {
		if string(v) == string(next[key]) {
			continue
		}
		if key != "custom_fields" {
			out[key] = v
			continue
		}
		var a, b map[string]json.RawMessage
		if json.Unmarshal(v, &a) == nil && json.Unmarshal(next[key], &b) == nil {
			inner, err := marshal(changed(a, b))
			if err == nil {
				out[key] = inner
			}
		}
	}
	return out
}

// hookShape is a record as webhooks show it: visible_to as a string, custom
// fields as typed objects, otherwise like the lists.
func (t *tx) hookShape(object string, r *row) map[string]json.RawMessage {
	var m map[string]json.RawMessage
	if err := json.Unmarshal(r.json, &m); err != nil {
		panic("pipedrive simulator: event of " + object + ": " + err.Error())
	}
	delete(m, "row")
	if v, ok := m["visible_to"]; ok && v[0] != '"' {
		m["visible_to"] = quoted(string(v))
	}
	fields := object
	if object == "lead" {
		fields = "deal"
		m["custom_fields"] = t.leadCustoms(m["custom_fields"])
	}
	if raw, ok := m["custom_fields"]; ok {
		m["custom_fields"] = t.typedCustoms(fields, raw)
	}
	return m
}

func (t *tx) leadCustoms(raw json.RawMessage) json.RawMessage {
	var have customs
	if len(raw) > 0 {
		_ = json.Unmarshal(raw, &have)
	}
	b, err := marshal(t.normal("deal", have))
	if err != nil {
		panic("pipedrive simulator: event of a lead: " + err.Error())
	}
	return b
}

func (t *tx) typedCustoms(object string, raw json.RawMessage) json.RawMessage {
	var c customs
	if err := json.Unmarshal(raw, &c); err != nil {
		return raw
	}
	for code, v := range c {
		if f := t.field(object, code); f != nil {
			c[code] = f.typed(v)
		}
	}
	b, err := marshal(c)
	if err != nil {
		panic("pipedrive simulator: event: " + err.Error())
	}
	return b
}

// fan sends an event to every webhook that asked for it.
func (h *hookRunner) fan(t *tx, e event) {
	for _, r := range t.webhooks.rows {
		w := t.webhooks.load(r)
		wants := (w.EventObject == "*" || w.EventObject == e.Meta.Entity) && (w.EventAction == "*" || w.EventAction == e.Meta.Action)
		if !wants || h.banned(w.ID, t.Now()) {
			continue
		}
		mine := e
		mine.Meta.ID = t.ids.uuid()
		mine.Meta.WebhookID = strconv.FormatInt(w.ID, 10)
		mine.Meta.WebhookOwnerID = strconv.FormatInt(w.OwnerID, 10)
		mine.Meta.PermittedUserIDs = []string{strconv.FormatInt(w.UserID, 10)}
		h.dispatch(sandbox.Delivery{
			Subscriber: w.ID, URL: w.SubscriptionURL, User: string(w.HTTPAuthUser), Password: string(w.HTTPAuthPassword),
			Body: mine.body,
		})
	}
}

// body renders the event for an attempt; retries keep meta.id.
func (e event) body(attempt int) []byte {
	e.Meta.Attempt = attempt
	b, err := marshal(e)
	if err != nil {
		panic("pipedrive simulator: render an event: " + err.Error())
	}
	return b
}
