package jobs

import (
	"errors"
	"fmt"
	"time"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/rest"
)

// LeastFree is the share of the database's disk below which everything stops
// that can wait and that makes the database grow.
const LeastFree = 0.05

// roomEvery is how long such work waits before it looks again.
const roomEvery = time.Minute

// noRoom is why work waits for room on the disk.
type noRoom struct{ error }

// Unwrap returns the words, a fault.Limited.
func (n noRoom) Unwrap() error { return n.error }

// Room says whether the database's disk has room for work that can wait: first
// loads, sweeps and the past of deals. The error says how little is free and
// what to do. Where the disk is not ours to look at there always is.
func (p *Pipeline) Room() error {
	if p.FreeDisk == nil {
		return nil
	}
	free, err := p.FreeDisk()
	if err != nil {
		p.Log.Warn("how full the disk is cannot be told", "why", err)
		return nil
	}
	if free >= LeastFree {
		return nil
	}
	return noRoom{&fault.Error{Kind: fault.Limited, RetryAfter: roomEvery,
		Text: fmt.Sprintf("the disk of the database is nearly full (%.1f %% free): first loads, sweeps and the past of deals wait until %.0f %% are free; deliveries and changes still come in; make room", 100*free, 100*LeastFree)}}
}

// lacksRoom tells whether work ended for want of room.
func lacksRoom(err error) bool {
	_, lacks := errors.AsType[noRoom](err)
	return lacks
}

// room says whether the walk may go on filling the disk. Changes always may, and
// so may lists that are read whole each time: they are short and mostly the same.
func (w *walk) room() error {
	if w.lane != rest.Backfill || !w.loading && w.object.Mode == connectors.Listed {
		return nil
	}
	return w.p.Room()
}
