package pipedrive

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"salesbook.dev/internal/sandbox"
)

// A journal entry is a sequence of operations that take effect together. Rows
// are stored with what the indexes need, so that a restart parses no JSON.
const (
	opPut    = 'p' // table, row
	opRemove = 'r' // table, id
	opSpent  = 's' // day, tokens spent on it
)

var errDamaged = errors.New("damaged journal entry: remove the simulator's data directory to start afresh")

// restore opens the journal, if there is to be one, and applies its entries.
func (s *Sim) restore() error {
	if s.opt.Dir == "" {
		return nil
	}
	byName := map[string]*table{}
	for _, t := range s.tables {
		byName[t.name] = t
	}
	j, err := sandbox.OpenJournal(s.opt.Dir, func(entry []byte) error {
		d := decoder{rest: entry}
		for len(d.rest) > 0 && !d.bad {
			s.apply(&d, byName)
		}
		if d.bad {
			return errDamaged
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("restore the Pipedrive simulator: %w", err)
	}
	s.journal = j
	for object := range s.fields {
		s.recode(object)
	}
	return nil
}

func (s *Sim) apply(d *decoder, tables map[string]*table) {
	switch d.byte() {
	case opPut:
		t, r := tables[d.string()], d.row()
		if t == nil || d.bad {
			d.bad = true
			return
		}
		t.replace(t.get(r.id), r)
	case opRemove:
		t, id := tables[d.string()], d.int()
		if t == nil || d.bad {
			d.bad = true
			return
		}
		if old := t.get(id); old != nil {
			t.replace(old, nil)
		}
	case opSpent:
		s.quota.restore(d.int(), d.int())
	default:
		d.bad = true
	}
}

// persist journals a transaction before anybody hears of it.
func (s *Sim) persist(t *tx) error {
	if s.journal == nil || len(t.puts) == 0 {
		return nil
	}
	if t.bulk {
		return s.compact()
	}
	var b []byte
	for _, p := range t.net() {
		if p.next == nil {
			b = appendString(append(b, opRemove), p.table.name)
			b = binary.AppendVarint(b, p.old.id)
			continue
		}
		b = appendRow(appendString(append(b, opPut), p.table.name), p.next)
	}
	if err := s.journal.Append(s.appendSpent(b)); err != nil {
		return err
	}
	if s.journal.Grown() {
		return s.compact()
	}
	return nil
}

// compact writes the whole account as a new snapshot; the caller holds mu.
func (s *Sim) compact() error {
	return s.journal.Compact(func(add func([]byte) error) error {
		var b []byte
		for _, t := range s.tables {
			for _, r := range t.rows {
				b = appendRow(appendString(append(b[:0], opPut), t.name), r)
				if err := add(b); err != nil {
					return err
				}
			}
		}
		return add(s.appendSpent(b[:0]))
	})
}

func (s *Sim) appendSpent(b []byte) []byte {
	day, spent := s.quota.spentToday()
	b = binary.AppendVarint(append(b, opSpent), day)
	return binary.AppendVarint(b, spent)
}

// saveSpent keeps a restart from giving the day's budget back. Every write
// carries the figure too, so that a kill forgets only the reads since then.
func (s *Sim) saveSpent() error {
	if s.journal == nil {
		return nil
	}
	return s.journal.Append(s.appendSpent(nil))
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendRow(b []byte, r *row) []byte {
	for _, n := range [...]int64{r.id, r.added, r.updated, r.order, int64(r.status), int64(r.flags)} {
		b = binary.AppendVarint(b, n)
	}
	for _, n := range r.refs {
		b = binary.AppendVarint(b, n)
	}
	b = appendString(b, r.key)
	b = binary.AppendUvarint(b, uint64(len(r.json)))
	return append(b, r.json...)
}

// decoder reads an entry; after the first mistake it is bad and reads zeros.
type decoder struct {
	rest []byte
	bad  bool
}

func (d *decoder) byte() byte {
	if len(d.rest) == 0 {
		d.bad = true
		return 0
	}
	c := d.rest[0]
	d.rest = d.rest[1:]
	return c
}

func (d *decoder) int() int64 {
	n, size := binary.Varint(d.rest)
	if size <= 0 {
		d.bad, d.rest = true, nil
		return 0
	}
	d.rest = d.rest[size:]
	return n
}

func (d *decoder) bytes() []byte {
	n, size := binary.Uvarint(d.rest)
	if size <= 0 || n > math.MaxInt32 || uint64(len(d.rest)-size) < n {
		d.bad, d.rest = true, nil
		return nil
	}
	b := d.rest[size : size+int(n) : size+int(n)]
	d.rest = d.rest[size+int(n):]
	return b
}

func (d *decoder) string() string { return string(d.bytes()) }

func (d *decoder) row() *row {
	r := &row{id: d.int(), added: d.int(), updated: d.int(), order: d.int()}
	r.status, r.flags = status(d.int()), uint8(d.int())
	for i := range r.refs {
		r.refs[i] = d.int()
	}
	r.key = d.string()
	r.json = d.bytes()
	return r
}
