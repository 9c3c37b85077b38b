package pipedrive

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// history is what happened to one deal, oldest first, and two facts that the
// deal's list shape does not hold.
type history struct {
	DealID     int64   `json:"d"`
	FirstWon   instant `json:"w,omitempty"`
	SourceLead text    `json:"l,omitempty"`
	Changes    []entry `json:"c"`
}

// entry is one changed value.
type entry struct {
	Field  string  `json:"f"`
	Old    *string `json:"o"`
	New    *string `json:"n"`
	User   int64   `json:"u"`
	At     instant `json:"t"`
	Source string  `json:"s"`
}

func indexHistory(h *history) row { return row{id: h.DealID} }

func (e entry) custom() bool { return len(e.Field) == 40 }

// historyOf loads a deal's history, an empty one when nothing happened yet.
func (s *store) historyOf(dealID int64) *history {
	if h := s.histories.find(dealID); h != nil {
		return h
	}
	return &history{DealID: dealID}
}

// recordHistory writes an entry for every changed value of every changed deal.
func (t *tx) recordHistory() {
	for _, p := range t.net() {
		if p.table != t.deals.table || p.old == nil || p.next == nil {
			continue
		}
		h := t.historyOf(p.next.id)
		for _, ch := range differences(p.old.json, p.next.json) {
			if untracked(ch.key) {
				continue
			}
			h.Changes = append(h.Changes, entry{
				Field: changelogKey(ch.key), Old: plainValue(ch.old), New: plainValue(ch.next),
				User: t.by.user, At: instantOf(t.at), Source: t.by.source,
			})
		}
		if p.next.status == statusWon && h.FirstWon == 0 {
			h.FirstWon = instantOf(t.at)
		}
		t.histories.save(t, h)
	}
}

// untracked are keys that follow from others.
func untracked(key string) bool {
	return key == "update_time" || strings.HasPrefix(key, "local_") || key == "acv" || key == "arr" || key == "mrr"
}

// changelogKey is the v1 code of a v2 key: the changelog belongs to v1.
func changelogKey(key string) string {
	switch key {
	case "owner_id":
		return "user_id"
	case "label_ids":
		return "label"
	}
	return key
}

// plainValue is a value as the changelog shows it: text or null, times as v1 writes them.
func plainValue(v json.RawMessage) *string {
	if isNull(v) {
		return nil
	}
	var s string
	if json.Unmarshal(v, &s) != nil {
		s = string(v)
	}
	if at, err := time.Parse(instantLayout, s); err == nil {
		s = at.Format(stampLayout)
	}
	return &s
}

// difference is one key whose value changed; custom fields come under their code.
type difference struct {
	key       string
	old, next json.RawMessage
}

// differences compares two renderings of a record, in order of key.
func differences(old, next []byte) []difference {
	a, b := members(old), members(next)
	var out []difference
	for _, key := range slices.Sorted(maps.Keys(b)) {
		if string(a[key]) != string(b[key]) && !(isNull(a[key]) && isNull(b[key])) {
			out = append(out, difference{key, a[key], b[key]})
		}
	}
	return out
}

// members are the keys of a record with those of custom_fields among them.
func members(record []byte) map[string]json.RawMessage {
	var all, custom map[string]json.RawMessage
	if err := json.Unmarshal(record, &all); err != nil {
		panic("pipedrive simulator: compare records: " + err.Error())
	}
	if raw, ok := all["custom_fields"]; ok && json.Unmarshal(raw, &custom) == nil {
		delete(all, "custom_fields")
		maps.Copy(all, custom)
	}
	return all
}

func (s *Sim) historyRoutes() []route {
	return []route{
		{"GET", 1, "/deals/{id}/changelog", 20, "recents:read", (*call).changelog},
		{"GET", 1, "/deals/{id}/flow", 40, "recents:read", (*call).flow},
	}
}

// change is an entry as the changelog shows it.
type change struct {
	FieldKey  string  `json:"field_key"`
	Old       *string `json:"old_value"`
	New       *string `json:"new_value"`
	Actor     int64   `json:"actor_user_id"`
	Time      stamp   `json:"time"`
	Source    string  `json:"change_source"`
	UserAgent *string `json:"change_source_user_agent"`
	Bulk      bool    `json:"is_bulk_update_flag"`
}

// dealHistory loads the history of the deal in the path, newest entry first.
func (c *call) dealHistory() (*history, error) {
	id, err := c.pathID("id")
	if err != nil {
		return nil, err
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	if gone(c.deals.get(id), c.Now()) {
		return nil, notFound("Deal")
	}
	h := c.historyOf(id)
	slices.Reverse(h.Changes)
	return h, nil
}

func (c *call) changelog() (reply, error) {
	h, err := c.dealHistory()
	if err != nil {
		return reply{}, err
	}
	limit, err := c.limit()
	if err != nil {
		return reply{}, err
	}
	cur, err := parseCursor(c.query.Get("cursor"), "changelog", "desc")
	if err != nil {
		return reply{}, err
	}
	// The cursor counts from the oldest entry, so that new ones do not shift it.
	last := len(h.Changes)
	if cur != nil {
		last = min(last, int(cur.ID))
	}
	first := max(0, last-limit)
	list := make([]change, 0, last-first)
	for _, e := range h.Changes[len(h.Changes)-last : len(h.Changes)-first] {
		list = append(list, change{FieldKey: e.Field, Old: e.Old, New: e.New, Actor: e.User, Time: stamp(e.At), Source: e.Source})
	}
	var more *string
	if first > 0 {
		text := cursor{Field: "changelog", Direction: "desc", ID: int64(first), Issued: c.Now().Unix()}.encode()
		more = &text
	}
	return answerMore(list, struct {
		Next *string `json:"next_cursor"`
	}{more}), nil
}

// flow serves the changes among a deal's updates; items other than dealChange
// are left out.
func (c *call) flow() (reply, error) {
	h, err := c.dealHistory()
	if err != nil {
		return reply{}, err
	}
	if items := c.query.Get("items"); items != "" && !slices.Contains(splitList(items), "dealChange") {
		h.Changes = nil
	}
	if c.query.Get("all_changes") != "1" {
		h.Changes = slices.DeleteFunc(h.Changes, entry.custom)
	}
	start, err := c.number("start")
	if err != nil {
		return reply{}, err
	}
	limit, err := c.limit()
	if err != nil {
		return reply{}, err
	}
	from := min(max(int(start), 0), len(h.Changes))
	to := min(from+limit, len(h.Changes))
	page := listV1{start: int(start), limit: limit, more: to < len(h.Changes)}
	c.mu.RLock()
	defer c.mu.RUnlock()
	return jsonReply(http.StatusOK, map[string]any{
		"success": true, "data": flowItems(h, from, to), "additional_data": page.forLeads(), "related_objects": c.relatedTo(h.DealID),
	}), nil
}

func flowItems(h *history, from, to int) []map[string]any {
	items := make([]map[string]any, 0, to-from)
	for i, e := range h.Changes[from:to] {
		items = append(items, map[string]any{
			"object": "dealChange", "timestamp": stamp(e.At),
			"data": map[string]any{
				"id": h.DealID*1000 + int64(len(h.Changes)-from-i), "item_id": h.DealID, "user_id": e.User, "field_key": e.Field,
				"old_value": e.Old, "new_value": e.New, "is_bulk_update_flag": nil, "log_time": stamp(e.At),
				"change_source": e.Source, "change_source_user_agent": nil, "additional_data": []int{},
			},
		})
	}
	return items
}

// relatedTo describes the deal and its owner, as flow does beside its items.
func (c *call) relatedTo(dealID int64) map[string]any {
	d := c.deals.find(dealID)
	out := map[string]any{"deal": map[string]any{strconv.FormatInt(d.ID, 10): map[string]any{
		"id": d.ID, "title": d.Title, "status": d.Status, "value": d.Value, "currency": d.Currency,
		"stage_id": d.StageID, "pipeline_id": d.PipelineID,
	}}}
	if u := c.users.find(d.OwnerID); u != nil {
		out["user"] = map[string]any{strconv.FormatInt(u.ID, 10): map[string]any{
			"id": u.ID, "name": u.Name, "email": u.Email, "has_pic": 0, "pic_hash": nil, "active_flag": u.ActiveFlag,
		}}
	}
	return out
}
