package pipedrive

import (
	"cmp"
	"slices"
)

// refKind is one of the relations by which the vendor's lists are filtered.
type refKind int

const (
	refOwner refKind = iota
	refPerson
	refOrg
	refDeal
	refLead // the lead's row id, not its uuid
	refPipeline
	refStage
	refProduct
	refKinds
)

// Flags of a row.
const (
	flagDeleted = 1 << iota
	flagArchived
	flagDone
	flagAdmin
	flagInactive
)

// row is one record: its JSON as the vendor's list shows it and, beside it,
// what lists filter and sort by, so that serving a page parses nothing. Rows
// never change; a write replaces the row, and a reader keeps what it has.
type row struct {
	id      int64
	key     string // uuid or field code; "" for records known by number
	added   int64  // milliseconds since the epoch
	updated int64  // the same
	order   int64  // order_nr, or the due date as a number
	refs    [refKinds]int64
	status  status
	flags   uint8
	json    []byte
}

func (r *row) is(flag uint8) bool { return r.flags&flag != 0 }

// link is one side of a relation: all records whose refs[kind] is id.
type link struct {
	kind refKind
	id   int64
}

// table holds the records of one object in order of id.
type table struct {
	name      string
	rows      []*row
	byUpdated []*row // nil until a list needs it
	byKey     map[string]int64
	linked    []refKind // relations worth an index
	links     map[link][]int64
	next      int64 // the next free id
}

func newTable(name string, linked ...refKind) *table {
	return &table{name: name, byKey: map[string]int64{}, linked: linked, links: map[link][]int64{}, next: 1}
}

func byID(a *row, id int64) int { return cmp.Compare(a.id, id) }

func byUpdated(a, b *row) int {
	return cmp.Or(cmp.Compare(a.updated, b.updated), cmp.Compare(a.id, b.id))
}

// get returns the row with that id, nil when there is none.
func (t *table) get(id int64) *row {
	// Ids are dense in practice, so the first guess is nearly always right.
	if len(t.rows) > 0 {
		if i := id - t.rows[0].id; i >= 0 && i < int64(len(t.rows)) && t.rows[i].id == id {
			return t.rows[i]
		}
	}
	if i, ok := slices.BinarySearchFunc(t.rows, id, byID); ok {
		return t.rows[i]
	}
	return nil
}

func (t *table) byCode(key string) *row {
	id, ok := t.byKey[key]
	if !ok {
		return nil
	}
	return t.get(id)
}

// related returns the ids of the records whose relation kind points to id.
func (t *table) related(kind refKind, id int64) []int64 { return t.links[link{kind, id}] }

// replace puts next in the place of old; either may be nil.
func (t *table) replace(old, next *row) {
	switch {
	case old == nil:
		t.insert(next)
	case next == nil:
		t.remove(old)
	default:
		i, _ := slices.BinarySearchFunc(t.rows, old.id, byID)
		t.rows[i] = next
		t.relink(old, next)
		if old.key != next.key {
			delete(t.byKey, old.key)
			t.byKey[next.key] = next.id
		}
	}
	t.reorder(old, next)
}

func (t *table) insert(r *row) {
	if n := len(t.rows); n == 0 || t.rows[n-1].id < r.id {
		t.rows = append(t.rows, r)
	} else {
		i, _ := slices.BinarySearchFunc(t.rows, r.id, byID)
		t.rows = slices.Insert(t.rows, i, r)
	}
	t.next = max(t.next, r.id+1)
	if r.key != "" {
		t.byKey[r.key] = r.id
	}
	for _, k := range t.linked {
		t.addLink(k, r)
	}
}

func (t *table) remove(r *row) {
	if i, ok := slices.BinarySearchFunc(t.rows, r.id, byID); ok {
		t.rows = slices.Delete(t.rows, i, i+1)
	}
	delete(t.byKey, r.key)
	for _, k := range t.linked {
		t.dropLink(k, r)
	}
}

func (t *table) relink(old, next *row) {
	for _, k := range t.linked {
		if old.refs[k] != next.refs[k] {
			t.dropLink(k, old)
			t.addLink(k, next)
		}
	}
}

func (t *table) addLink(k refKind, r *row) {
	if r.refs[k] == 0 {
		return
	}
	l := link{k, r.refs[k]}
	ids := t.links[l]
	if n := len(ids); n == 0 || ids[n-1] < r.id {
		t.links[l] = append(ids, r.id)
		return
	}
	i, _ := slices.BinarySearch(ids, r.id)
	t.links[l] = slices.Insert(ids, i, r.id)
}

func (t *table) dropLink(k refKind, r *row) {
	l := link{k, r.refs[k]}
	ids := t.links[l]
	i, ok := slices.BinarySearch(ids, r.id)
	if !ok {
		return
	}
	if len(ids) == 1 {
		delete(t.links, l)
		return
	}
	t.links[l] = slices.Delete(ids, i, i+1)
}

// reorder keeps the order of update times, once a list has asked for it.
func (t *table) reorder(old, next *row) {
	if t.byUpdated == nil {
		return
	}
	if old != nil {
		if i, ok := slices.BinarySearchFunc(t.byUpdated, old, byUpdated); ok {
			t.byUpdated = slices.Delete(t.byUpdated, i, i+1)
		}
	}
	if next != nil {
		i, _ := slices.BinarySearchFunc(t.byUpdated, next, byUpdated)
		t.byUpdated = slices.Insert(t.byUpdated, i, next)
	}
}

// sortUpdated builds the order of update times.
func (t *table) sortUpdated() {
	if t.byUpdated == nil {
		t.byUpdated = slices.Clone(t.rows)
		slices.SortFunc(t.byUpdated, byUpdated)
	}
}

// window returns the rows updated in [since, until), milliseconds; a zero
// until has no end. sortUpdated must have been called.
func (t *table) window(since, until int64) []*row {
	i, _ := slices.BinarySearchFunc(t.byUpdated, since, func(r *row, ms int64) int { return cmp.Compare(r.updated, ms) })
	if until == 0 {
		return t.byUpdated[i:]
	}
	j, _ := slices.BinarySearchFunc(t.byUpdated, until, func(r *row, ms int64) int { return cmp.Compare(r.updated, ms) })
	return t.byUpdated[i:max(i, j)]
}
