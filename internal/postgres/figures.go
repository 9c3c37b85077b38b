package postgres

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// Checksum is a sum over records that does not depend on their order: of the
// first eight bytes of SHA-256 over each record's id and the hash of its bytes.
// Its text is 16 hexadecimal digits.
type Checksum uint64

// ChecksumOf returns what one record adds to a sum.
func ChecksumOf(id string, h []byte) Checksum {
	sum := sha256.Sum256(append(append([]byte(id), 0), h...))
	return Checksum(binary.BigEndian.Uint64(sum[:8]))
}

// MarshalText implements encoding.TextMarshaler.
func (c Checksum) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%016x", uint64(c)), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *Checksum) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 16, 64)
	*c = Checksum(n)
	return err
}

// Side is what one side has of a group of records.
type Side struct {
	Count    int64    `json:"count"`
	Checksum Checksum `json:"checksum"`
}

func (s *Side) add(c Checksum) { s.Count, s.Checksum = s.Count+1, s.Checksum+c }

// Sides is what the vendor and we have of a group of records.
type Sides struct {
	There Side `json:"there"` // at the vendor
	Here  Side `json:"here"`  // in our tables, as found: before any repair
}

// Found is one difference, told as an example.
type Found struct {
	Object string `json:"object"`
	ID     string `json:"id"`
	What   string `json:"what"` // missing, differing, gone, not visible
}

// Figures is what a sweep of one object has found.
type Figures struct {
	Sides // all living records that had not changed since the sweep's as_of
	// Drift: what differed though the vendor had it so before as_of.
	Missing   int64 `json:"missing"`     // living at the vendor, not here
	Differing int64 `json:"differing"`   // living on both sides with other content
	Gone      int64 `json:"gone"`        // living here, deleted at the vendor
	Hidden    int64 `json:"not_visible"` // living here; the vendor neither shows it nor says that it is gone
	// Silent of the differing ones have the modification time that we know: no
	// pull could have seen that they changed.
	Silent int64 `json:"silent"`
	// Unrepaired of these differ still after the sweep has written what it read.
	Unrepaired int64 `json:"unrepaired"`
	// No drift: what the vendor has changed since, other bytes with the same
	// content, and records that do not fit the map (see failures).
	News     int64            `json:"news"`
	Reworded int64            `json:"reworded"`
	Aside    int64            `json:"put_aside"`
	Months   map[string]Sides `json:"months"`           // by month of the last update, UTC, as 2026-01; "" where there is none
	Stages   map[string]Sides `json:"stages,omitempty"` // by stage id; only of what has a stage
	Examples []Found          `json:"examples,omitempty"`
}

// Drift is how many records differed that must not.
func (f *Figures) Drift() int64 { return f.Missing + f.Differing + f.Gone + f.Hidden }

// Group says in which groups a side counts a record.
type Group struct {
	Updated time.Time // zero: the vendor has no modification time
	Stage   string    // empty: none
	Staged  bool      // records of the object have stages
}

// CountThere adds a record of the vendor's.
func (f *Figures) CountThere(g Group, c Checksum) {
	f.count(g, func(s *Sides) { s.There.add(c) })
}

// CountHere adds a record of ours.
func (f *Figures) CountHere(g Group, c Checksum) {
	f.count(g, func(s *Sides) { s.Here.add(c) })
}

func (f *Figures) count(g Group, add func(*Sides)) {
	add(&f.Sides)
	month := ""
	if !g.Updated.IsZero() {
		month = g.Updated.UTC().Format("2006-01")
	}
	into := func(groups *map[string]Sides, key string) {
		if *groups == nil {
			*groups = map[string]Sides{}
		}
		s := (*groups)[key]
		add(&s)
		(*groups)[key] = s
	}
	into(&f.Months, month)
	if g.Staged {
		into(&f.Stages, g.Stage)
	}
}

// Clone returns a copy that shares nothing.
func (f Figures) Clone() *Figures {
	f.Months, f.Stages, f.Examples = maps.Clone(f.Months), maps.Clone(f.Stages), slices.Clone(f.Examples)
	return &f
}
