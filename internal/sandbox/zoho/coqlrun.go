package zoho

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// unqueried are modules that COQL does not know (its page of v8 lists the
// others; read 2026-11-27).
func unqueried(module string) bool { return module == "Notes" }

func invalidQuery(msg string, details object) error { return bad("INVALID_QUERY", msg, details) }

// runCOQL answers a query.
func runCOQL(c *call) (reply, error) {
	var body struct {
		Query string `json:"select_query"`
	}
	if err := c.parse(&body); err != nil {
		return reply{}, err
	}
	q, err := parseCOQL(body.Query)
	if err != nil {
		return reply{}, err
	}
	c.ordered(q.module)
	defer c.mu.RUnlock()
	m := c.visible(q.module)
	if m == nil || unqueried(q.module) {
		return reply{}, invalidQuery("invalid query formed", object{"reason": "the module is not supported", "module": q.module})
	}
	cols, err := c.columns(m, q.fields)
	if err != nil {
		return reply{}, err
	}
	rows, err := c.matching(m, q.where)
	if err != nil {
		return reply{}, err
	}
	if err := c.arrange(m, rows, q.orders); err != nil {
		return reply{}, err
	}
	from := min(q.offset, len(rows))
	to := min(from+q.limit, len(rows))
	if from == to {
		return empty(), nil
	}
	data := make([]object, 0, to-from)
	for _, r := range rows[from:to] {
		out := object{"id": r.key()}
		for _, col := range cols {
			out[col.name] = col.shown(c.Sim, r)
		}
		data = append(data, out)
	}
	return jsonReply(http.StatusOK, object{"data": data, "info": object{"count": len(data), "more_records": to < len(rows)}}), nil
}

// column is a field, or one of a record that a lookup points at.
type column struct {
	name string
	path []*field // lookups, then the field; nil at the end is the id
	last *module  // which has the field at the end; nil for the id
}

// columns resolves names like Stage, id or Account_Name.Account_Name.
func (c *call) columns(m *module, list []string) ([]column, error) {
	var out []column
	for _, name := range list {
		col, err := c.column(m, name)
		if err != nil {
			return nil, err
		}
		out = append(out, col)
	}
	return out, nil
}

func (s *store) column(m *module, name string) (column, error) {
	col := column{name: name}
	parts := strings.Split(name, ".")
	for i, part := range parts {
		if part == "id" && i == len(parts)-1 {
			col.path = append(col.path, nil)
			return col, nil
		}
		var f *field
		if m != nil {
			f = m.field(part)
		}
		if f == nil {
			return col, invalidQuery("column given seems to be invalid", object{"column_name": name})
		}
		col.path, col.last = append(col.path, f), m
		if m = nil; f.Type == "lookup" && f.Target != "*" {
			m = s.settings.module(f.Target)
		}
		if m == nil && i < len(parts)-1 && parts[i+1] != "id" {
			return col, invalidQuery("column given seems to be invalid", object{"column_name": name})
		}
	}
	return col, nil
}

// reach follows the lookups to the row that has the field.
func (col column) reach(s *Sim, r *row) (*field, *row) {
	for _, f := range col.path[:len(col.path)-1] {
		if f.Type == "ownerlookup" {
			r = s.tables[usersTable].find(r.text(f.APIName))
		} else {
			_, r = s.target(f, r.text(f.APIName))
		}
		if r == nil {
			return nil, nil
		}
	}
	return col.path[len(col.path)-1], r
}

// shown is the column's value in an answer.
func (col column) shown(s *Sim, r *row) any {
	f, r := col.reach(s, r)
	switch {
	case r == nil:
		return nil
	case f == nil:
		return r.key()
	}
	return s.value(col.last, f, r)
}

// raw is the column's value to compare, as a text; ok is false for null.
func (col column) raw(s *Sim, r *row) (text string, ok bool) {
	f, r := col.reach(s, r)
	switch {
	case r == nil:
		return "", false
	case f == nil:
		return r.key(), true
	case f.Type == "formula":
		n, ok := s.formula(col.last, f, r).(json.Number)
		return n.String(), ok
	case f.Type == "lookup":
		if _, to := s.target(f, r.text(f.APIName)); to == nil {
			return "", false
		}
	}
	switch v := r.values[f.APIName].(type) {
	case string:
		return v, v != ""
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	case nil:
		return "false", f.Type == "boolean"
	}
	return "", false
}

// kind tells how values of the column compare.
func (col column) kind() string {
	f := col.path[len(col.path)-1]
	if f == nil {
		return "id"
	}
	switch f.Type {
	case "currency", "double", "integer", "bigint", "percent", "formula":
		return "number"
	case "lookup", "ownerlookup":
		return "id"
	case "datetime", "date":
		return f.Type
	}
	return "text"
}

// matching are the living rows of a module that a condition lets through.
func (c *call) matching(m *module, where *cond) ([]*row, error) {
	t := c.tables[m.APIName]
	test, err := c.compile(m, where)
	if err != nil {
		return nil, err
	}
	rows := t.rows
	if from := where.since(); from != "" {
		rows = t.since(from)
	}
	var out []*row
	for _, r := range rows {
		if test(r) {
			out = append(out, r)
		}
	}
	return out, nil
}

// since is a time before which nothing can match, "" when the condition says
// nothing of it: only a shortcut.
func (c *cond) since() string {
	switch {
	case c.join == "and":
		return max(c.left.since(), c.right.since())
	case c.join == "" && c.field == "Modified_Time" && (c.op == ">" || c.op == ">=" || c.op == "="):
		if at, err := time.Parse(time.RFC3339, c.args[0]); err == nil {
			return utc(at)
		}
	}
	return ""
}

// compile turns a condition into a test.
func (c *call) compile(m *module, where *cond) (func(*row) bool, error) {
	if where.join != "" {
		left, err := c.compile(m, where.left)
		if err != nil {
			return nil, err
		}
		right, err := c.compile(m, where.right)
		if err != nil {
			return nil, err
		}
		if where.join == "and" {
			return func(r *row) bool { return left(r) && right(r) }, nil
		}
		return func(r *row) bool { return left(r) || right(r) }, nil
	}
	col, err := c.column(m, where.field)
	if err != nil {
		return nil, err
	}
	args, err := normal(col, where.args)
	if err != nil {
		return nil, err
	}
	return comparing(c.Sim, col, where.op, args), nil
}

// normal writes arguments as values of the column are stored.
func normal(col column, args []string) ([]string, error) {
	out := make([]string, len(args))
	for i, a := range args {
		var err error
		out[i] = a
		switch col.kind() {
		case "datetime":
			var at time.Time
			at, err = time.Parse(time.RFC3339, a)
			out[i] = utc(at)
		case "date":
			_, err = time.Parse(time.DateOnly, a)
		case "number":
			_, err = decimal.NewFromString(a)
		case "id":
			var n int64
			n, err = strconv.ParseInt(a, 10, 64)
			out[i] = strconv.FormatInt(n, 10)
		}
		if err != nil {
			return nil, invalidQuery("value given seems to be invalid for the column", object{"column_name": col.name})
		}
	}
	return out, nil
}

// comparing is one comparison as a test. A null satisfies "is null" only.
func comparing(s *Sim, col column, op string, args []string) func(*row) bool {
	kind := col.kind()
	if among := op == "in"; kind != "number" && (among || op == "not in") {
		set := map[string]bool{}
		for _, a := range args {
			set[a] = true
		}
		return func(r *row) bool {
			have, ok := col.raw(s, r)
			return ok && set[have] == among
		}
	}
	return func(r *row) bool {
		have, ok := col.raw(s, r)
		switch op {
		case "is null":
			return !ok
		case "is not null":
			return ok
		}
		return ok && holds(kind, have, op, args)
	}
}

func holds(kind, have, op string, args []string) bool {
	is := func(i int) int { return compareAs(kind, have, args[i]) }
	switch op {
	case "=":
		return is(0) == 0
	case "!=":
		return is(0) != 0
	case ">":
		return is(0) > 0
	case ">=":
		return is(0) >= 0
	case "<":
		return is(0) < 0
	case "<=":
		return is(0) <= 0
	case "between":
		return is(0) >= 0 && is(1) <= 0
	case "not between":
		return is(0) < 0 || is(1) > 0
	case "like":
		return like(have, args[0])
	case "not like":
		return !like(have, args[0])
	}
	found := slices.ContainsFunc(args, func(a string) bool { return compareAs(kind, have, a) == 0 })
	return found == (op == "in")
}

func compareAs(kind, a, b string) int {
	switch kind {
	case "number":
		x, err1 := decimal.NewFromString(a)
		y, err2 := decimal.NewFromString(b)
		if err1 == nil && err2 == nil {
			return x.Cmp(y)
		}
	case "id":
		x, err1 := strconv.ParseInt(a, 10, 64)
		y, err2 := strconv.ParseInt(b, 10, 64)
		if err1 == nil && err2 == nil {
			return cmp.Compare(x, y)
		}
	}
	return cmp.Compare(a, b)
}

// like knows % at either end.
func like(have, pattern string) bool {
	have, pattern = strings.ToLower(have), strings.ToLower(pattern)
	body := strings.Trim(pattern, "%")
	before, after := strings.HasPrefix(pattern, "%"), strings.HasSuffix(pattern, "%")
	switch {
	case before && after:
		return strings.Contains(have, body)
	case before:
		return strings.HasSuffix(have, body)
	case after:
		return strings.HasPrefix(have, body)
	}
	return have == body
}

// arrange sorts rows, by id where nothing else is asked.
func (c *call) arrange(m *module, rows []*row, orders []ordering) error {
	type key struct {
		column
		desc bool
		kind string
	}
	var keys []key
	for _, o := range orders {
		col, err := c.column(m, o.field)
		if err != nil {
			return err
		}
		keys = append(keys, key{col, o.desc, col.kind()})
	}
	slices.SortStableFunc(rows, func(a, b *row) int {
		for _, k := range keys {
			x, _ := k.raw(c.Sim, a)
			y, _ := k.raw(c.Sim, b)
			n := compareAs(k.kind, x, y)
			if k.desc {
				n = -n
			}
			if n != 0 {
				return n
			}
		}
		return cmp.Compare(a.id, b.id)
	})
	return nil
}
