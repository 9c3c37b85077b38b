package zoho

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"salesbook.dev/internal/sandbox"
)

// entry is what the journal keeps of one change. Settings, grants and channels
// are there whole when they changed.
type entry struct {
	Next     int64       `json:"n"`
	Settings *settings   `json:"s,omitempty"`
	Grants   *[]*grant   `json:"g,omitempty"`
	Channels *[]*channel `json:"c,omitempty"`
	Rows     []kept      `json:"r,omitempty"`
}

// kept is one record of an entry; without values it is gone without a trace.
type kept struct {
	Table  string   `json:"t"`
	ID     int64    `json:"i"`
	Values values   `json:"v,omitempty"`
	Gone   *passing `json:"g,omitempty"`
}

func keep(table string, old, next *row) kept {
	if next == nil {
		return kept{Table: table, ID: old.id}
	}
	return kept{Table: table, ID: next.id, Values: next.values, Gone: next.gone}
}

// restore opens the journal, if there is to be one, and applies its entries.
func (s *Sim) restore() error {
	if s.opt.Dir == "" {
		return nil
	}
	j, err := sandbox.OpenJournal(s.opt.Dir, s.apply)
	if err != nil {
		return fmt.Errorf("restore the Zoho simulator: %w", err)
	}
	s.journal = j
	return nil
}

func (s *Sim) apply(data []byte) error {
	var e entry
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber() // amounts are decimals, ids exceed a float
	if err := d.Decode(&e); err != nil {
		return fmt.Errorf("damaged journal entry: %w; remove the simulator's data directory to start afresh", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("damaged journal entry: more than one value; remove the simulator's data directory to start afresh")
	}
	s.next = max(s.next, e.Next)
	if e.Settings != nil {
		s.settings = e.Settings
		s.settings.index()
		for _, m := range s.settings.Modules {
			if s.tables[m.APIName] == nil {
				s.tables[m.APIName] = newTable(m.APIName, m.Parent)
			}
		}
	}
	if e.Grants != nil {
		s.grants = *e.Grants
	}
	if e.Channels != nil {
		s.channels = *e.Channels
	}
	for _, k := range e.Rows {
		t := s.tables[k.Table]
		if t == nil {
			return fmt.Errorf("damaged journal entry: no module %q", k.Table)
		}
		var next *row
		if k.Values != nil {
			next = &row{id: k.ID, values: k.Values, gone: k.Gone}
		}
		t.replace(t.byID[k.ID], next)
	}
	return nil
}

// persist journals a change before anybody hears of it.
func (s *Sim) persist(t *tx) error {
	if s.journal == nil {
		return nil
	}
	if t.quiet {
		return s.compact()
	}
	e := entry{Next: s.next}
	if s.settings != t.before.settings {
		e.Settings = s.settings
	}
	// Both lists are replaced, never changed in place.
	if !same(s.grants, t.before.grants) {
		e.Grants = &s.grants
	}
	if !same(s.channels, t.before.channels) {
		e.Channels = &s.channels
	}
	for _, p := range t.puts {
		if p.old != nil || p.next != nil {
			e.Rows = append(e.Rows, keep(p.table, p.old, p.next))
		}
	}
	b, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("write the simulator's journal: %w", err)
	}
	if err := s.journal.Append(b); err != nil {
		return err
	}
	if s.journal.Grown() {
		return s.compact()
	}
	return nil
}

func same[T any](a, b []*T) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// compact writes the whole account as a new snapshot; the caller holds mu.
func (s *Sim) compact() error {
	return s.journal.Compact(func(add func([]byte) error) error {
		put := func(e entry) error {
			b, err := json.Marshal(e)
			if err != nil {
				return err
			}
			return add(b)
		}
		if err := put(entry{Next: s.next, Settings: s.settings, Grants: &s.grants, Channels: &s.channels}); err != nil {
			return err
		}
		for name, t := range s.tables {
			for _, list := range [][]*row{t.rows, t.dead} {
				for _, r := range list {
					if err := put(entry{Rows: []kept{keep(name, nil, r)}}); err != nil {
						return err
					}
				}
			}
		}
		return nil
	})
}
