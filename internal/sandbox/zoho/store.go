package zoho

import (
	"strconv"
	"time"
)

// firstID is where ids begin: nineteen digits, beyond what a float can hold, as
// the vendor's are.
const firstID = 3652397000000000001

// store is everything the account holds.
type store struct {
	settings *settings
	tables   map[string]*table // by api name of the module, and the users
	grants   []*grant
	channels []*channel
	// Bulk Read jobs and the latest downloads; forgotten when the simulator stops.
	jobs      []*job
	downloads []time.Time
	triggered map[string][]string // automations set off by the latest write, by record
	next      int64
}

func newStore() *store {
	return &store{triggered: map[string][]string{}, tables: map[string]*table{usersTable: newTable(usersTable, "")}, next: firstID}
}

const usersTable = "users"

// tx is one change of the account, which may touch many records. It takes
// effect at once within the simulator's lock and is undone when it fails.
type tx struct {
	*Sim
	by string // the acting user's id
	at time.Time
	// quiet keeps imports from notifying anybody.
	quiet bool

	puts   []put
	before before
}

// put is one record's change.
type put struct {
	table     string
	old, next *row
	// moved are the api names of the fields that somebody changed.
	moved []string
}

// before is what a failed change goes back to.
type before struct {
	settings *settings
	grants   []*grant
	channels []*channel
	next     int64
}

// write runs one change under the lock, journals it and announces it. An error
// from fn leaves the account as it was.
func (s *Sim) write(by string, fn func(*tx) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.change(&tx{Sim: s, by: by, at: s.Now().Truncate(time.Second)}, fn)
}

// importing is write for records that were there before anybody listened.
func (s *Sim) importing(fn func(*tx) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.tables {
		t.byTime = nil // dearer to keep than to make again
	}
	return s.change(&tx{Sim: s, at: s.Now().Truncate(time.Second), quiet: true}, fn)
}

func (s *Sim) change(t *tx, fn func(*tx) error) error {
	t.before = before{s.settings, s.grants, s.channels, s.next}
	err := fn(t)
	if err == nil {
		err = s.persist(t)
	}
	if err != nil {
		t.undo()
		return err
	}
	if !t.quiet {
		s.hooks.announce(t)
	}
	return nil
}

// back undoes the writes after the first n.
func (t *tx) back(n int) {
	for i := len(t.puts) - 1; i >= n; i-- {
		t.tables[t.puts[i].table].replace(t.puts[i].next, t.puts[i].old)
	}
	t.puts = t.puts[:n]
}

func (t *tx) undo() {
	t.back(0)
	t.Sim.settings, t.Sim.grants, t.Sim.channels, t.Sim.next = t.before.settings, t.before.grants, t.before.channels, t.before.next
}

// put writes a record; old or next may be nil.
func (t *tx) put(table string, old, next *row, moved ...string) {
	t.tables[table].replace(old, next)
	t.puts = append(t.puts, put{table, old, next, moved})
}

// newID is the next free id, of whatever it be.
func (t *tx) newID() int64 {
	t.Sim.next++
	return t.Sim.next
}

// add stores a new record and gives it an id.
func (t *tx) add(table string, v values) *row {
	r := &row{id: t.newID(), values: v}
	t.put(table, nil, r)
	return r
}

// configure changes the settings.
func (t *tx) configure(change func(*settings)) {
	next := t.settings.clone()
	change(next)
	next.index()
	t.Sim.settings = next
	for _, m := range next.Modules {
		if t.tables[m.APIName] == nil {
			t.tables[m.APIName] = newTable(m.APIName, m.Parent)
		}
	}
}

func idText(n int64) string { return strconv.FormatInt(n, 10) }

// utc is how a stored time is written.
func utc(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// shown is a stored time as the organization reads it.
func (s *Sim) shown(at string) any {
	t, err := time.Parse(time.RFC3339, at)
	if err != nil {
		return nil
	}
	return t.In(s.zone).Format("2006-01-02T15:04:05-07:00")
}
