package pipedrive

import (
	"encoding/json"
	"slices"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
)

// cursorVersion changes when old cursors can no longer be read.
const cursorVersion = 1

// cursor is what connectors.Cursor holds, as JSON. Instants are Unix seconds,
// since the vendor's windows are whole seconds.
type cursor struct {
	Version int   `json:"v"`
	Mark    int64 `json:"mark,omitempty"` // what changed before has been yielded; 0: no walk has ended yet
	Walk    *walk `json:"walk,omitempty"` // nil between walks
}

// walk is the place in a walk that is under way.
type walk struct {
	First bool  `json:"first,omitempty"` // everything, not only what changed
	Until int64 `json:"until,omitempty"` // complete up to here once it ends; 0 before the first answer
	Leg   int   `json:"leg,omitempty"`   // index of the list that is walked
	Begun bool  `json:"begun,omitempty"` // the leg's first slice is known

	// The slice of update times [From, To) within the leg; 0 is an open end.
	From int64 `json:"from,omitempty"`
	To   int64 `json:"to,omitempty"`
	// Oldest is where the leg's records begin, for the progress of a first walk.
	Oldest int64 `json:"oldest,omitempty"`
	Pages  int   `json:"pages,omitempty"`  // read in this slice
	Expect int   `json:"expect,omitempty"` // expected in this slice

	// Restarts counts how often the slice has begun anew.
	Restarts int `json:"restarts,omitempty"`

	Next string `json:"next,omitempty"` // v2: the vendor's cursor

	// v1: see start.go.
	Start  int      `json:"start,omitempty"`
	Anchor string   `json:"anchor,omitempty"`
	Seen   []string `json:"seen,omitempty"`
}

// parseCursor reads a cursor. One that is not ours, or of another version, is
// fault.Gone: its walk starts anew.
func parseCursor(src source, text connectors.Cursor) (cursor, error) {
	if text == "" {
		return cursor{Version: cursorVersion}, nil
	}
	var c cursor
	if err := json.Unmarshal([]byte(text), &c); err != nil || c.Version != cursorVersion || !c.valid(src) {
		return cursor{}, fault.New(fault.Gone, "the stored place in the walk of %s cannot be read by this version; the walk starts anew", src.Name)
	}
	return c, nil
}

func (c cursor) valid(src source) bool {
	if c.Mark < 0 || c.Walk == nil {
		return c.Mark >= 0
	}
	w := c.Walk
	negative := slices.Min([]int64{w.Until, w.From, w.To, w.Oldest, int64(w.Pages), int64(w.Expect), int64(w.Start), int64(w.Restarts)}) < 0
	return !negative && w.Leg >= 0 && w.Leg < len(src.legs) && (w.To == 0 || w.To > w.From)
}

func (c cursor) String() string {
	b, err := json.Marshal(c)
	if err != nil {
		panic("pipedrive: a cursor cannot be written: " + err.Error()) // it has only numbers and texts
	}
	return string(b)
}
