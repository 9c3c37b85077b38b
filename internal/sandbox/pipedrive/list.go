package pipedrive

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"salesbook.dev/internal/sandbox"
)

const (
	defaultLimit = 100
	maxLimit     = 500
	maxIDs       = 100
)

// listing is one page of a v2 list: which records, in which order, from where.
type listing struct {
	table  *table
	keep   func(*row) bool
	sort   string
	desc   bool
	limit  int
	since  int64 // update time in milliseconds, inclusive
	until  int64 // exclusive; 0 is no end
	only   []int64
	narrow bool   // only is in force, even if empty
	links  []link // relations that narrow it further
	cursor *cursor
	// show appends a record to the answer; nil appends its JSON as it is.
	show func(dst []byte, r *row) []byte
}

// listing reads what all v2 lists have in common.
func (c *call) listing(t *table, sorts ...string) (*listing, error) {
	l := &listing{table: t, keep: func(r *row) bool { return !r.is(flagDeleted) }}
	if err := l.readOrder(c, append([]string{"id"}, sorts...)); err != nil {
		return nil, err
	}
	var err error
	if l.limit, err = c.limit(); err != nil {
		return nil, err
	}
	if l.since, err = c.moment("updated_since"); err != nil {
		return nil, err
	}
	if l.until, err = c.moment("updated_until"); err != nil {
		return nil, err
	}
	if c.query.Get("filter_id") != "" {
		return nil, bad("query: filter_id %s does not exist: the simulator has no filters", c.query.Get("filter_id"))
	}
	return l, l.readIDs(c)
}

func (c *call) limit() (int, error) {
	n, err := c.number("limit")
	switch {
	case err != nil:
		return 0, err
	case c.query.Get("limit") == "":
		return defaultLimit, nil
	case n < 1 || n > maxLimit:
		return 0, bad("query: limit must be 1 to %d, got %d", maxLimit, n)
	}
	return int(n), nil
}

func (l *listing) readOrder(c *call, sorts []string) error {
	l.sort = cmp.Or(c.query.Get("sort_by"), "id")
	if !slices.Contains(sorts, l.sort) {
		return bad("query: sort_by must be one of %s, got %q", strings.Join(sorts, ", "), l.sort)
	}
	direction := cmp.Or(c.query.Get("sort_direction"), "asc")
	if direction != "asc" && direction != "desc" {
		return bad("query: sort_direction must be asc or desc, got %q", direction)
	}
	l.desc = direction == "desc"
	return l.readCursor(c, direction)
}

func (l *listing) readCursor(c *call, direction string) (err error) {
	l.cursor, err = parseCursor(c.query.Get("cursor"), l.sort, direction)
	if err != nil || l.cursor == nil {
		return err
	}
	age := c.Now().Sub(l.cursor.issued())
	tooOld := func(f sandbox.Fault) bool { return age >= f.Delay }
	if _, ok := c.faults.HitIf(sandbox.CursorExpire, c.r.URL.Path, tooOld); ok {
		return bad("query: cursor is invalid")
	}
	return nil
}

func (l *listing) readIDs(c *call) error {
	text := c.query.Get("ids")
	if text == "" {
		return nil
	}
	ids, err := parseIDs("ids", text)
	if err != nil {
		return err
	}
	l.restrict(ids)
	return nil
}

func parseIDs(name, text string) ([]int64, error) {
	parts := strings.Split(text, ",")
	if len(parts) > maxIDs {
		return nil, bad("query: %s may hold %d ids, got %d", name, maxIDs, len(parts))
	}
	ids := make([]int64, len(parts))
	for i, p := range parts {
		n, err := strconv.ParseInt(strings.TrimSpace(p), 10, 64)
		if err != nil {
			return nil, bad("query: %s must be whole numbers separated by commas, got %q", name, p)
		}
		ids[i] = n
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// restrict narrows the list to these ids, in rising order.
func (l *listing) restrict(ids []int64) {
	if !l.narrow {
		l.only, l.narrow = ids, true
		return
	}
	l.only = slices.DeleteFunc(slices.Clone(l.only), func(id int64) bool {
		_, found := slices.BinarySearch(ids, id)
		return !found
	})
}

// where adds a condition.
func (l *listing) where(cond func(*row) bool) {
	before := l.keep
	l.keep = func(r *row) bool { return before(r) && cond(r) }
}

// byRef filters by query parameters that name a related record.
func (l *listing) byRef(c *call, params map[string]refKind) error {
	for name, kind := range params {
		id, err := c.number(name)
		if err != nil {
			return err
		}
		if id != 0 {
			l.where(func(r *row) bool { return r.refs[kind] == id })
		}
		if id != 0 && slices.Contains(l.table.linked, kind) {
			l.links = append(l.links, link{kind, id})
		}
	}
	return nil
}

// page selects the rows; the caller holds mu. more is the cursor of the next page.
func (l *listing) page(now time.Time) (rows []*row, more string) {
	for _, k := range l.links {
		l.restrict(l.table.related(k.kind, k.id))
	}
	source, value := l.source()
	rows = make([]*row, 0, min(l.limit+1, len(source)))
	l.walk(source, value, func(r *row) bool {
		if l.match(r) {
			rows = append(rows, r)
		}
		return len(rows) <= l.limit
	})
	if len(rows) <= l.limit {
		return rows, ""
	}
	next := rows[l.limit]
	direction := "asc"
	if l.desc {
		direction = "desc"
	}
	c := cursor{Field: l.sort, Value: value(next), Direction: direction, ID: next.id, Issued: now.Unix()}
	return rows[:l.limit], c.encode()
}

func (l *listing) match(r *row) bool {
	return r.updated >= l.since && (l.until == 0 || r.updated < l.until) && l.keep(r)
}

// source returns rows in rising order of (value, id) that hold all matches,
// reading as few rows as it can.
func (l *listing) source() ([]*row, func(*row) string) {
	value := l.sortValue()
	switch {
	case l.narrow:
		return l.ordered(l.table.pick(l.only), value), value
	case l.sort == "update_time":
		return l.table.window(l.since, l.until), value
	case l.sort != "id":
		return l.ordered(slices.DeleteFunc(slices.Clone(l.table.rows), func(r *row) bool { return !l.match(r) }), value), value
	case l.since > 0:
		if w := l.table.window(l.since, l.until); len(w) < len(l.table.rows)/8 {
			return l.ordered(slices.Clone(w), value), value
		}
	}
	return l.table.rows, value
}

// needsUpdated reports whether page reads the order of update times.
func (l *listing) needsUpdated() bool { return l.sort == "update_time" || l.since > 0 }

func (l *listing) ordered(rows []*row, value func(*row) string) []*row {
	slices.SortFunc(rows, func(a, b *row) int {
		if l.sort == "id" {
			return cmp.Compare(a.id, b.id)
		}
		return cmp.Or(cmp.Compare(value(a), value(b)), cmp.Compare(a.id, b.id))
	})
	return rows
}

// sortValue returns what a row is sorted by, as text that sorts likewise.
func (l *listing) sortValue() func(*row) string {
	number := func(n int64) string {
		const width = 20
		s := strconv.FormatInt(n, 10)
		return strings.Repeat("0", width-len(s)) + s
	}
	switch l.sort {
	case "update_time":
		return func(r *row) string { return number(r.updated) }
	case "add_time":
		return func(r *row) string { return number(r.added) }
	case "order_nr", "due_date":
		return func(r *row) string { return number(r.order) }
	case "deal_id":
		return func(r *row) string { return number(r.refs[refDeal]) }
	case "name":
		return func(r *row) string { return r.name() }
	}
	return func(r *row) string { return number(r.id) }
}

// walk visits source from the cursor on, in the list's direction.
func (l *listing) walk(source []*row, value func(*row) string, visit func(*row) bool) {
	start := 0
	if l.desc {
		start = len(source) - 1
	}
	if l.cursor != nil {
		start = l.position(source, value)
	}
	step := 1
	if l.desc {
		step = -1
	}
	for i := start; i >= 0 && i < len(source) && visit(source[i]); i += step {
	}
}

// position finds the cursor's record, or where it would be.
func (l *listing) position(source []*row, value func(*row) string) int {
	i, found := slices.BinarySearchFunc(source, l.cursor, func(r *row, c *cursor) int {
		if l.sort == "id" {
			return cmp.Compare(r.id, c.ID)
		}
		return cmp.Or(cmp.Compare(value(r), c.Value), cmp.Compare(r.id, c.ID))
	})
	if !found && l.desc {
		return i - 1
	}
	return i
}

// pick returns the rows with these ids that exist.
func (t *table) pick(ids []int64) []*row {
	rows := make([]*row, 0, len(ids))
	for _, id := range ids {
		if r := t.get(id); r != nil {
			rows = append(rows, r)
		}
	}
	return rows
}

// respond serves the page as the v2 envelope.
func (c *call) respond(l *listing) (reply, error) {
	if l.needsUpdated() {
		c.mu.Lock()
		l.table.sortUpdated()
		c.mu.Unlock()
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	rows, more := l.page(c.Now())
	buf := c.buffer()
	b := append(*buf, `{"success":true,"data":[`...)
	for i, r := range rows {
		if i > 0 {
			b = append(b, ',')
		}
		if l.show != nil {
			b = l.show(b, r)
		} else {
			b = append(b, r.json...)
		}
	}
	b = append(b, `],"additional_data":{"next_cursor":`...)
	b = appendNullable(b, more)
	*buf = append(b, "}}"...)
	return reply{status: http.StatusOK, body: *buf, buf: buf}, nil
}

// appendNullable writes text that needs no escaping, or null.
func appendNullable(b []byte, s string) []byte {
	if s == "" {
		return append(b, "null"...)
	}
	return append(append(append(b, '"'), s...), '"')
}
