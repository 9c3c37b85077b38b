package zoho

import (
	"encoding/json"
	"slices"
	"strconv"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
)

// cursorVersion changes when old cursors can no longer be read.
const cursorVersion = 1

// cursor is what connectors.Cursor holds, as JSON. Instants are Unix seconds,
// since the vendor writes whole seconds.
type cursor struct {
	Version int   `json:"v"`
	Mark    int64 `json:"mark,omitempty"` // what changed before has been yielded; 0: no walk has ended yet
	Walk    *walk `json:"walk,omitempty"` // nil between walks
}

// walk is the place in a walk that is under way.
type walk struct {
	First bool  `json:"first,omitempty"` // everything, not only what changed
	Until int64 `json:"until,omitempty"` // complete up to here once it ends; 0 before the first answer
	From  int64 `json:"from,omitempty"`  // begins with what changed in this second
	Leg   leg   `json:"leg,omitempty"`

	// By query: the last row read, by time of change and id. While records are
	// loaded: the last id, and the latest time of creation.
	At int64  `json:"at,omitempty"`
	ID string `json:"id,omitempty"`

	// While records are loaded: the places in the lists of each group of columns,
	// empty behind the end of one; and whether records are read by ids alone.
	Tokens []string `json:"tokens,omitempty"`
	ByID   bool     `json:"by_id,omitempty"`

	// By token: the place that the vendor gave out.
	Token string `json:"token,omitempty"`
	// Where that list ended before its records did: lists in the order of changes,
	// the second in which the present one begins, and the last one that it has shown.
	ByTime bool  `json:"by_time,omitempty"`
	Since  int64 `json:"since,omitempty"`
	Last   int64 `json:"last,omitempty"`

	Page int `json:"page,omitempty"` // of the list of deleted records: pages read

	Oldest int64 `json:"oldest,omitempty"` // where the records begin, for the progress
	Begun  int64 `json:"begun,omitempty"`  // when the walk began, by the vendor's clock
}

// leg is one of the lists of a walk.
type leg uint8

const (
	legRecords leg = iota
	legDeleted
	legLoad
)

// parseCursor reads a cursor. One that is not ours, or of another version, is
// fault.Gone: its walk starts anew.
func parseCursor(src source, text connectors.Cursor) (cursor, error) {
	if text == "" {
		return cursor{Version: cursorVersion}, nil
	}
	var c cursor
	if err := json.Unmarshal([]byte(text), &c); err != nil || c.Version != cursorVersion || !c.valid() {
		return cursor{}, fault.New(fault.Gone, "the stored place in the walk of %s cannot be read by this version; the walk starts anew", src.Name)
	}
	return c, nil
}

func (c cursor) valid() bool {
	if c.Mark < 0 || c.Walk == nil {
		return c.Mark >= 0
	}
	w := c.Walk
	if slices.Min([]int64{w.Until, w.From, w.At, w.Oldest, w.Begun, w.Since, w.Last, int64(w.Page)}) < 0 {
		return false
	}
	return w.Leg <= legLoad && (w.ID == "" || numeric(w.ID)) && (w.Leg == legLoad || (w.ID == "") == (w.At == 0))
}

func (c cursor) String() string {
	b, err := json.Marshal(c)
	if err != nil {
		panic("zoho: a cursor cannot be written: " + err.Error()) // it has only numbers and texts
	}
	return string(b)
}

// numeric reports whether an id is a whole number, as all ids of records are.
func numeric(id string) bool {
	_, err := strconv.ParseUint(id, 10, 64)
	return err == nil
}
