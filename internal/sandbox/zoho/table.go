package zoho

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
)

// values are a record's fields by api name: nil, string, bool, json.Number or a
// list of strings. A lookup is the other record's id, a time UTC in RFC 3339,
// so that both compare as text.
type values = map[string]any

// row is one record. Rows never change; a write replaces the row, and a reader
// keeps what it has.
type row struct {
	id     int64
	values values
	gone   *passing // nil while it lives
}

// passing is the end of a record.
type passing struct {
	Kind string `json:"k"` // recycle or permanent
	By   string `json:"b"`
	At   string `json:"t"`
	Into string `json:"m,omitempty"` // of a merged record: the one that lives on
}

func (r *row) key() string { return strconv.FormatInt(r.id, 10) }

func (r *row) text(field string) string {
	s, _ := r.values[field].(string)
	return s
}

// with returns a copy of the row with other values in some fields.
func (r *row) with(change values) *row {
	v := maps.Clone(r.values)
	maps.Copy(v, change)
	return &row{id: r.id, values: v, gone: r.gone}
}

// table holds the records of one module in order of id.
type table struct {
	name   string
	byID   map[int64]*row
	rows   []*row // living
	dead   []*row // in order of their end
	byTime []*row // living by Modified_Time and id; nil until somebody asks
	// parent is the field by which related lists find records; children are their ids.
	parent   string
	children map[string][]int64
}

func newTable(name, parent string) *table {
	return &table{name: name, byID: map[int64]*row{}, parent: parent, children: map[string][]int64{}}
}

func byID(a *row, id int64) int { return cmp.Compare(a.id, id) }

func byTime(a, b *row) int {
	return cmp.Or(cmp.Compare(a.text("Modified_Time"), b.text("Modified_Time")), cmp.Compare(a.id, b.id))
}

func byEnd(a, b *row) int { return cmp.Or(cmp.Compare(a.gone.At, b.gone.At), cmp.Compare(a.id, b.id)) }

// get returns the living record of that id, nil when there is none.
func (t *table) get(id int64) *row {
	if r := t.byID[id]; r != nil && r.gone == nil {
		return r
	}
	return nil
}

func (t *table) find(id string) *row {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return nil
	}
	return t.get(n)
}

// replace puts next in the place of old; either may be nil.
func (t *table) replace(old, next *row) {
	if old != nil {
		t.drop(old, next)
	}
	if next == nil {
		return
	}
	t.byID[next.id] = next
	if next.gone != nil {
		t.dead = insert(t.dead, next, byEnd)
		return
	}
	if old == nil || old.gone != nil {
		t.rows = insert(t.rows, next, func(a, b *row) int { return cmp.Compare(a.id, b.id) })
	} else if i, ok := slices.BinarySearchFunc(t.rows, next.id, byID); ok {
		t.rows[i] = next
	}
	if t.byTime != nil {
		t.byTime = insert(t.byTime, next, byTime)
	}
	t.adopt(next)
}

// drop takes old out of every order it stands in, but for its place in rows
// where next takes it.
func (t *table) drop(old, next *row) {
	delete(t.byID, old.id)
	if old.gone != nil {
		t.dead = remove(t.dead, old, byEnd)
		return
	}
	if next == nil || next.gone != nil {
		t.rows = remove(t.rows, old, func(a, b *row) int { return cmp.Compare(a.id, b.id) })
	}
	if t.byTime != nil {
		t.byTime = remove(t.byTime, old, byTime)
	}
	if p := old.text(t.parent); p != "" {
		t.children[p] = slices.DeleteFunc(t.children[p], func(id int64) bool { return id == old.id })
	}
}

func (t *table) adopt(r *row) {
	if p := r.text(t.parent); p != "" {
		ids := t.children[p]
		i, _ := slices.BinarySearch(ids, r.id)
		t.children[p] = slices.Insert(ids, i, r.id)
	}
}

// insert puts r where it belongs; nearly always that is the end.
func insert(list []*row, r *row, order func(a, b *row) int) []*row {
	if n := len(list); n == 0 || order(list[n-1], r) < 0 {
		return append(list, r)
	}
	i, _ := slices.BinarySearchFunc(list, r, order)
	return slices.Insert(list, i, r)
}

func remove(list []*row, r *row, order func(a, b *row) int) []*row {
	if i, ok := slices.BinarySearchFunc(list, r, order); ok {
		return slices.Delete(list, i, i+1)
	}
	return list
}

// sortTime builds the order of Modified_Time.
func (t *table) sortTime() {
	if t.byTime == nil {
		t.byTime = append(make([]*row, 0, len(t.rows)), t.rows...)
		slices.SortFunc(t.byTime, byTime)
	}
}

// since returns the living rows modified at or after an instant, by time and id.
// sortTime must have been called.
func (t *table) since(at string) []*row {
	i, _ := slices.BinarySearchFunc(t.byTime, at, func(r *row, at string) int { return cmp.Compare(r.text("Modified_Time"), at) })
	return t.byTime[i:]
}

// related are the living records whose parent is id, in order of creation.
func (t *table) related(id string) []*row {
	var out []*row
	for _, n := range t.children[id] {
		if r := t.get(n); r != nil {
			out = append(out, r)
		}
	}
	return out
}
