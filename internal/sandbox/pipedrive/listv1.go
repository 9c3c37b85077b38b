package pipedrive

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
)

// listV1 is one page of a v1 list, paged by position.
type listV1 struct {
	start, limit int
	more         bool
}

// pageV1 filters, sorts and cuts rows as the v1 parameters say. What v1 does
// with a limit above 500 is not documented; here it is cut to that.
func (c *call) pageV1(rows []*row, keep func(*row) bool, sorts []string) ([]*row, listV1, error) {
	start, err := c.number("start")
	if err != nil {
		return nil, listV1{}, err
	}
	limit, err := c.number("limit")
	if err != nil {
		return nil, listV1{}, err
	}
	if limit <= 0 {
		limit = defaultLimit
	}
	limit = min(limit, maxLimit)
	kept := make([]*row, 0, len(rows))
	for _, r := range rows {
		if keep(r) {
			kept = append(kept, r)
		}
	}
	if err := c.sortV1(kept, sorts); err != nil {
		return nil, listV1{}, err
	}
	from := min(max(int(start), 0), len(kept))
	to := min(from+int(limit), len(kept))
	return kept[from:to], listV1{start: int(start), limit: int(limit), more: to < len(kept)}, nil
}

// sortV1 applies sort=field ASC,other DESC.
func (c *call) sortV1(rows []*row, allowed []string) error {
	text := c.query.Get("sort")
	if text == "" {
		return nil
	}
	var orders []func(a, b *row) int
	for _, part := range splitList(text) {
		name, direction, _ := strings.Cut(part, " ")
		if !slices.Contains(allowed, name) {
			return bad("query: sort may name %s, got %q", strings.Join(allowed, ", "), name)
		}
		order := sortedBy(name)
		if strings.EqualFold(strings.TrimSpace(direction), "DESC") {
			up := order
			order = func(a, b *row) int { return up(b, a) }
		}
		orders = append(orders, order)
	}
	slices.SortStableFunc(rows, func(a, b *row) int {
		for _, order := range orders {
			if n := order(a, b); n != 0 {
				return n
			}
		}
		return 0
	})
	return nil
}

func sortedBy(name string) func(a, b *row) int {
	switch name {
	case "add_time":
		return func(a, b *row) int { return cmp.Compare(a.added, b.added) }
	case "update_time":
		return func(a, b *row) int { return cmp.Compare(a.updated, b.updated) }
	case "id":
		return func(a, b *row) int { return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.id, b.id)) }
	}
	return func(a, b *row) int { return cmp.Compare(a.raw(name), b.raw(name)) }
}

// raw is the JSON text of one key of a record.
func (r *row) raw(key string) string {
	var v map[string]json.RawMessage
	if err := json.Unmarshal(r.json, &v); err != nil {
		return ""
	}
	return string(v[key])
}

func splitList(text string) []string {
	parts := strings.Split(text, ",")
	for i, p := range parts {
		parts[i] = strings.TrimSpace(p)
	}
	return parts
}

// splice adds members to the JSON object at the end of b.
func splice(b []byte, members string) []byte {
	return append(append(append(b[:len(b)-1], ','), members...), '}')
}
