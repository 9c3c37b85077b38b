package zoho

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"

	"salesbook.dev/internal/sandbox"
)

// The vendor's bounds of a list (fact sheet 2.2, 2026-11-21).
const (
	maxFields    = 50
	maxPage      = 200
	maxByNumber  = 2000    // records that page numbers reach
	maxByToken   = 100_000 // records that page tokens reach
	pageLifetime = 24 * time.Hour
)

// module is the one that the path names; the caller holds mu.
func (c *call) module() (*module, error) {
	m := c.visible(c.r.PathValue("module"))
	if m == nil {
		return nil, invalidModule()
	}
	return m, nil
}

// fieldNames are those asked for, of which a list needs some.
func (c *call) fieldNames(needed bool) ([]string, error) {
	list := names(c.query.Get("fields"))
	if len(list) == 0 && needed {
		return nil, missingParam("fields")
	}
	if len(list) > maxFields {
		return nil, bad("LIMIT_EXCEEDED", "the number of fields exceeds the limit", object{"param_name": "fields", "limit": maxFields})
	}
	return list, nil
}

// ordered makes sure that a module's order of time is there, then takes the
// lock for reading; the caller lets it go.
func (c *call) ordered(module string) {
	c.mu.RLock()
	t := c.tables[module]
	if t == nil || t.byTime != nil {
		return
	}
	c.mu.RUnlock()
	c.mu.Lock()
	t.sortTime()
	c.mu.Unlock()
	c.mu.RLock()
}

// place is where a page token goes on: after this record in the order.
type place struct {
	Module string `json:"m"`
	User   string `json:"u"`
	SortBy string `json:"s"`
	Desc   bool   `json:"d"`
	Value  string `json:"v"`
	ID     int64  `json:"i"`
	Seen   int    `json:"n"` // records before
	Page   int    `json:"p"`
	Made   string `json:"t"`
}

func (p place) token() string {
	b, err := json.Marshal(p)
	if err != nil {
		panic("zoho simulator: page token: " + err.Error())
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func (c *call) placeOf(token string) (place, error) {
	var p place
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err == nil {
		err = json.Unmarshal(b, &p)
	}
	if err != nil || p.User != c.by || p.Module != c.r.PathValue("module") {
		return p, invalidData("the page_token given seems to be invalid", object{"param_name": "page_token"})
	}
	made, err := time.Parse(time.RFC3339, p.Made)
	age := c.at.Sub(made)
	_, struck := c.faults.HitIf(sandbox.CursorExpire, c.r.URL.Path, func(f sandbox.Fault) bool { return age >= f.Delay })
	if err != nil || struck || age >= pageLifetime {
		return p, bad("EXPIRED_VALUE", "the page_token has expired", object{"param_name": "page_token"})
	}
	return p, nil
}

// listing is a list's order and place.
type listing struct {
	place
	per     int
	numbers bool // paged by number
}

func (c *call) listing() (listing, error) {
	per, err := c.number("per_page", maxPage, 1, maxPage)
	if err != nil {
		return listing{}, err
	}
	l := listing{per: per, place: place{
		Module: c.r.PathValue("module"), User: c.by, SortBy: cmp.Or(c.query.Get("sort_by"), "id"), Desc: c.query.Get("sort_order") != "asc", Page: 1,
		Made: utc(c.at),
	}}
	if !slices.Contains([]string{"id", "Created_Time", "Modified_Time"}, l.SortBy) {
		return l, invalidData("invalid data", object{"param_name": "sort_by"})
	}
	if token := c.query.Get("page_token"); token != "" {
		if c.query.Get("page") != "" {
			return l, bad("AMBIGUITY_DURING_PROCESSING", "page and page_token cannot be given together", object{"param_name": "page_token"})
		}
		p, err := c.placeOf(token)
		if err != nil {
			return l, err
		}
		p.Made = utc(c.at)
		p.Page++
		l.place = p
		if l.Seen >= c.opt.ListReach {
			return l, bad("PAGINATION_LIMIT_EXCEEDED", "the page_token reaches no further", object{"limit": c.opt.ListReach})
		}
		return l, nil
	}
	l.Page, err = c.number("page", 1, 1, 1<<30)
	l.numbers = true
	if err == nil && l.Page*l.per > maxByNumber {
		err = bad("DISCRETE_PAGINATION_LIMIT_EXCEEDED", "page numbers reach "+strconv.Itoa(maxByNumber)+" records, go on with page_token", object{"param": "page", "limit": maxByNumber})
	}
	return l, err
}

// sortValue is what a row sorts by, besides its id.
func (l listing) sortValue(r *row) string {
	if l.SortBy == "id" {
		return ""
	}
	return r.text(l.SortBy)
}

func (l listing) order(a, b *row) int {
	n := cmp.Or(cmp.Compare(l.sortValue(a), l.sortValue(b)), cmp.Compare(a.id, b.id))
	if l.Desc {
		return -n
	}
	return n
}

// getRecords lists a module, or reads records by ids.
func getRecords(c *call) (reply, error) {
	c.ordered(c.r.PathValue("module"))
	defer c.mu.RUnlock()
	m, err := c.module()
	if err != nil {
		return reply{}, err
	}
	fields, err := c.fieldNames(true)
	if err != nil {
		return reply{}, err
	}
	l, err := c.listing()
	if err != nil {
		return reply{}, err
	}
	since, err := c.moment("If-Modified-Since")
	if err != nil {
		return reply{}, err
	}
	rows := c.candidates(m, l, since)
	if rows == nil && since != "" {
		return unchanged(), nil
	}
	return c.pageOf(m, rows, l, fields)
}

// candidates are the rows that a list may show, in its order.
func (c *call) candidates(m *module, l listing, since string) []*row {
	t := c.tables[m.APIName]
	if text := c.query.Get("ids"); text != "" {
		var out []*row
		for _, id := range names(text) {
			if r := t.find(id); r != nil && c.shows(r) && r.text("Modified_Time") > since {
				out = append(out, r)
			}
		}
		return out
	}
	rows, most := t.rows, len(t.rows)
	switch {
	case l.SortBy == "Modified_Time" || since != "":
		rows = t.since(since)
	case l.SortBy == "id" && !l.Desc: // no more than the page, and one to know that there are more
		most = l.Page*l.per + 1
		if !l.numbers {
			from, _ := slices.BinarySearchFunc(rows, l.ID, byID)
			rows, most = rows[from:], l.per+2 // that of the place may still be there
		}
	}
	var out []*row
	for _, r := range rows {
		if len(out) == most {
			break
		}
		if c.shows(r) && r.text("Modified_Time") > since {
			out = append(out, r)
		}
	}
	switch {
	case l.SortBy != "id" || since != "":
		slices.SortFunc(out, l.order)
	case l.Desc: // rows are in the order of ids
		slices.Reverse(out)
	}
	return out
}

// shows leaves converted leads out unless they are asked for.
func (c *call) shows(r *row) bool {
	converted, _ := r.values["Converted__s"].(bool)
	switch c.query.Get("converted") {
	case "both":
		return true
	case "true":
		return converted
	}
	return !converted
}

// pageOf cuts a page and renders it.
func (c *call) pageOf(m *module, rows []*row, l listing, fields []string) (reply, error) {
	from := (l.Page - 1) * l.per
	if !l.numbers {
		// Go on after the last record's place, whatever has become of it.
		at := &row{id: l.ID, values: values{l.SortBy: l.Value}}
		from, _ = slices.BinarySearchFunc(rows, at, l.order)
		if from < len(rows) && rows[from].id == l.ID {
			from++
		}
	}
	from = min(from, len(rows))
	to := min(from+l.per, len(rows))
	if from == to {
		return empty(), nil
	}
	data := make([]object, 0, to-from)
	for _, r := range rows[from:to] {
		data = append(data, c.show(m, r, fields))
	}
	info := object{
		"per_page": l.per, "count": len(data), "page": l.Page, "more_records": to < len(rows), "sort_by": l.SortBy, "sort_order": order(l.Desc),
		"next_page_token": nil, "previous_page_token": nil, "page_token_expiry": nil,
	}
	if to < len(rows) {
		next := l.place
		next.Value, next.ID, next.Seen = l.sortValue(rows[to-1]), rows[to-1].id, l.Seen+len(data)
		if l.numbers {
			next.Seen = to
		}
		info["next_page_token"] = next.token()
		info["page_token_expiry"] = c.at.Add(pageLifetime).In(c.zone).Format(time.RFC3339)
	}
	return jsonReply(http.StatusOK, object{"data": data, "info": info}), nil
}

func order(desc bool) string {
	if desc {
		return "desc"
	}
	return "asc"
}

// getRecord reads one record; "deleted" in the id's place is another list.
func getRecord(c *call) (reply, error) {
	id := c.r.PathValue("id")
	if id == "deleted" {
		return getDeleted(c)
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	m, err := c.module()
	if err != nil {
		return reply{}, err
	}
	if _, err := strconv.ParseInt(id, 10, 64); err != nil {
		return reply{}, invalidData("the id given seems to be invalid", object{"resource_path_index": 1})
	}
	fields, err := c.fieldNames(false)
	if err != nil {
		return reply{}, err
	}
	since, err := c.moment("If-Modified-Since")
	if err != nil {
		return reply{}, err
	}
	r := c.tables[m.APIName].find(id)
	switch {
	case r == nil:
		return empty(), nil
	case since != "" && r.text("Modified_Time") <= since:
		return unchanged(), nil
	}
	return jsonReply(http.StatusOK, object{"data": []object{c.show(m, r, fields)}}), nil
}

// recycleBin is how long a deleted record can be restored (fact sheet 2.3: 60
// days, from memory there).
const recycleBin = 60 * 24 * time.Hour

// getDeleted lists what is gone, the latest first (record.json, .../deleted).
func getDeleted(c *call) (reply, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	m, err := c.module()
	if err != nil {
		return reply{}, err
	}
	per, err := c.number("per_page", maxPage, 1, maxPage)
	if err != nil {
		return reply{}, err
	}
	page, err := c.number("page", 1, 1, 1<<30)
	if err != nil {
		return reply{}, err
	}
	since, err := c.moment("If-Modified-Since")
	if err != nil {
		return reply{}, err
	}
	kind := cmp.Or(c.query.Get("type"), "all")
	if !slices.Contains([]string{"all", "recycle", "permanent"}, kind) {
		return reply{}, invalidData("invalid data", object{"param_name": "type"})
	}
	rows, older := c.deadSince(m, kind, since)
	if len(rows) == 0 && older {
		return unchanged(), nil
	}
	from := min((page-1)*per, len(rows))
	to := min(from+per, len(rows))
	if from == to {
		return empty(), nil
	}
	var data []object
	for _, r := range rows[from:to] {
		data = append(data, object{
			"id": r.key(), "display_name": r.text(m.Name), "deleted_by": c.person(r.gone.By), "deleted_time": c.shown(r.gone.At),
			"created_by": c.person(r.text("Created_By")), "type": c.endOf(r),
		})
	}
	return jsonReply(http.StatusOK, object{"data": data, "info": object{
		"per_page": per, "count": len(data), "page": page, "more_records": to < len(rows),
	}}), nil
}

func (c *call) deadSince(m *module, kind, since string) (rows []*row, older bool) {
	dead := c.tables[m.APIName].dead
	for i := len(dead) - 1; i >= 0; i-- {
		r := dead[i]
		if kind != "all" && c.endOf(r) != kind {
			continue
		}
		if since != "" && r.gone.At <= since {
			older = true
			continue
		}
		rows = append(rows, r)
	}
	return rows, older
}

// endOf tells whether a record can still be restored.
func (c *call) endOf(r *row) string {
	if r.gone.Kind == "recycle" && r.gone.At <= utc(c.at.Add(-recycleBin)) {
		return "permanent"
	}
	return r.gone.Kind
}

// getRelated lists the records that belong to another, the newest first.
func getRelated(c *call) (reply, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	m, err := c.module()
	if err != nil {
		return reply{}, err
	}
	id := c.r.PathValue("id")
	if c.tables[m.APIName].find(id) == nil {
		return reply{}, invalidData("the related id given seems to be invalid", object{"resource_path_index": 1})
	}
	lists := relatedLists(m.APIName)
	i := slices.IndexFunc(lists, func(rl relatedList) bool { return rl.name == c.r.PathValue("list") })
	if i < 0 || slices.Contains(c.unlisted, m.APIName+"/"+lists[i].name) {
		return reply{}, invalidData("The relation name given seems to be invalid", object{"resource_path_index": 2})
	}
	fields, err := c.fieldNames(true)
	if err != nil {
		return reply{}, err
	}
	per, err := c.number("per_page", maxPage, 1, maxPage)
	if err != nil {
		return reply{}, err
	}
	page, err := c.number("page", 1, 1, maxByNumber/per)
	if err != nil {
		return reply{}, err
	}
	rows := c.tables[lists[i].module].related(id)
	if c.openOnly && lists[i].module == "Tasks" {
		rows = slices.DeleteFunc(rows, func(r *row) bool { return r.text("Status") == "Completed" })
	}
	slices.Reverse(rows)
	l := listing{per: per, numbers: true, place: place{Page: page, SortBy: "id", Desc: true, User: c.by, Made: utc(c.at)}}
	return c.pageOf(c.settings.module(lists[i].module), rows, l, fields)
}
