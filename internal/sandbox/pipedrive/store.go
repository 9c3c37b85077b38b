package pipedrive

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"time"
)

// kind ties a table to the Go type of its records.
type kind[T any] struct {
	*table
	// index tells what lists need to know about a record; the JSON is added by save.
	index func(*T) row
	plan  plan
}

func newKind[T any](t *table, index func(*T) row) kind[T] {
	return kind[T]{t, index, planOf(reflect.TypeFor[T]())}
}

// load parses a row. Its JSON is the simulator's own, so it cannot fail.
func (k kind[T]) load(r *row) *T {
	v := new(T)
	if err := json.Unmarshal(r.json, v); err != nil {
		panic(fmt.Sprintf("pipedrive simulator: stored %s %d: %v", k.name, r.id, err))
	}
	return v
}

// find loads the record with that id, nil when there is none.
func (k kind[T]) find(id int64) *T {
	r := k.get(id)
	if r == nil {
		return nil
	}
	return k.load(r)
}

// render is the row a record becomes.
func (k kind[T]) render(v *T) *row {
	r := k.index(v)
	r.json = k.plan.append(nil, reflect.ValueOf(v).Elem())
	return &r
}

// save writes a record as part of a transaction.
func (k kind[T]) save(t *tx, v *T) *row {
	r := k.index(v)
	t.scratch = k.plan.append(t.scratch[:0], reflect.ValueOf(v).Elem())
	r.json = bytes.Clone(t.scratch)
	t.put(k.table, k.get(r.id), &r)
	return &r
}

// drop removes a record for good.
func (k kind[T]) drop(t *tx, id int64) { t.put(k.table, k.get(id), nil) }

// store is everything the account holds.
type store struct {
	users         kind[user]
	pipelines     kind[pipeline]
	stages        kind[stage]
	fields        map[string]kind[field] // by the object the fields belong to
	activityTypes kind[activityType]
	organizations kind[organization]
	persons       kind[person]
	products      kind[product]
	deals         kind[deal]
	items         kind[item]
	histories     kind[history]
	leads         kind[lead]
	leadLabels    kind[leadLabel]
	activities    kind[activity]
	notes         kind[note]
	conversions   kind[conversion]
	webhooks      kind[webhook]
	grants        kind[grant]

	tables   []*table            // all of them, for the journal
	catalogs map[string]*catalog // parsed fields, by object
}

func newStore() *store {
	s := &store{
		users:         newKind(newTable("users"), indexUser),
		pipelines:     newKind(newTable("pipelines"), indexPipeline),
		stages:        newKind(newTable("stages", refPipeline), indexStage),
		activityTypes: newKind(newTable("activityTypes"), indexActivityType),
		organizations: newKind(newTable("organizations"), indexOrganization),
		persons:       newKind(newTable("persons", refOrg), indexPerson),
		products:      newKind(newTable("products"), indexProduct),
		deals:         newKind(newTable("deals", refPerson, refOrg), indexDeal),
		items:         newKind(newTable("dealProducts", refDeal, refProduct), indexItem),
		histories:     newKind(newTable("histories"), indexHistory),
		leads:         newKind(newTable("leads", refPerson, refOrg), indexLead),
		leadLabels:    newKind(newTable("leadLabels"), indexLeadLabel),
		activities:    newKind(newTable("activities", refDeal, refPerson, refOrg, refLead), indexActivity),
		notes:         newKind(newTable("notes", refDeal, refPerson, refOrg, refLead), indexNote),
		conversions:   newKind(newTable("conversions"), indexConversion),
		webhooks:      newKind(newTable("webhooks"), indexWebhook),
		grants:        newKind(newTable("grants"), indexGrant),
		fields:        map[string]kind[field]{},
		catalogs:      map[string]*catalog{},
	}
	s.tables = []*table{
		s.users.table, s.pipelines.table, s.stages.table, s.activityTypes.table, s.organizations.table,
		s.persons.table, s.products.table, s.deals.table, s.items.table, s.histories.table, s.leads.table,
		s.leadLabels.table, s.activities.table, s.notes.table, s.conversions.table, s.webhooks.table, s.grants.table,
	}
	for _, object := range fieldObjects() {
		k := newKind(newTable(object+"Fields"), indexField)
		s.fields[object] = k
		s.tables = append(s.tables, k.table)
	}
	return s
}

// table returns the table of that name, nil when there is none.
func (s *store) table(name string) *table {
	for _, t := range s.tables {
		if t.name == name {
			return t
		}
	}
	return nil
}

// actor is who makes a change and by what way.
type actor struct {
	user   int64
	source string // "api" or "app", as the vendor's changelog calls it
}

// tx is one change of the account, which may touch many records. It takes
// effect at once within the simulator's lock and is undone when it fails.
type tx struct {
	*Sim
	by   actor
	at   time.Time
	puts []put
	// bulk keeps imports and generated history from writing change entries
	// and from firing webhooks.
	bulk bool
	// silent keeps changes that are no change of a record, such as a new
	// field, from writing entries and firing webhooks.
	silent bool
	// merge is what is being merged; its events tell so.
	merge merge
	// scratch is where save renders records before it copies them.
	scratch []byte
}

// merge is two records of a table of which one takes the other in.
type merge struct {
	table           *table
	loser, survivor int64
}

type put struct {
	table     *table
	old, next *row
}

func (t *tx) put(tb *table, old, next *row) {
	if old == nil && next == nil {
		return
	}
	tb.replace(old, next)
	t.puts = append(t.puts, put{tb, old, next})
}

func (t *tx) undo() {
	for i := len(t.puts) - 1; i >= 0; i-- {
		t.puts[i].table.replace(t.puts[i].next, t.puts[i].old)
	}
	if t.silent || t.bulk {
		t.recodeAll() // fields may have changed
	}
}

// net folds several writes of one record into one.
func (t *tx) net() []put {
	type recordID struct {
		table *table
		id    int64
	}
	at := make(map[recordID]int, len(t.puts))
	out := make([]put, 0, len(t.puts))
	for _, p := range t.puts {
		id := recordID{p.table, p.id()}
		if i, ok := at[id]; ok {
			out[i].next = p.next
			continue
		}
		at[id] = len(out)
		out = append(out, p)
	}
	return out
}

func (p put) id() int64 {
	if p.next != nil {
		return p.next.id
	}
	return p.old.id
}

// write runs one change under the lock, journals it and announces it to the
// webhooks. An error from fn leaves the account as it was.
func (s *Sim) write(by actor, fn func(*tx) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.change(&tx{Sim: s, by: by, at: s.Now().Truncate(time.Second)}, fn)
}

// importing is write for records that were there before anybody listened.
func (s *Sim) importing(fn func(*tx) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.change(&tx{Sim: s, at: s.Now().Truncate(time.Second), bulk: true}, fn)
}

func (s *Sim) change(t *tx, fn func(*tx) error) error {
	err := fn(t)
	// Read after fn, which may silence the change.
	loud := !t.bulk && !t.silent
	if err == nil && loud {
		t.recordHistory()
	}
	if err == nil {
		err = s.persist(t)
	}
	if err != nil {
		t.undo()
		return err
	}
	if loud {
		s.hooks.announce(t)
	}
	return nil
}

// empty reports that there is nothing that people made; the caller holds mu.
func (s *store) empty() bool {
	return len(s.deals.rows)+len(s.leads.rows)+len(s.persons.rows)+len(s.organizations.rows) == 0
}
