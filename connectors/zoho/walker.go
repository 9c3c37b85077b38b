package zoho

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/rest"
)

const (
	// overlap is read again by each walk for what was written late (customary
	// in public code).
	overlap = 10 * time.Minute
	// margin is subtracted from the vendor's clock for writes under way.
	margin = 5 * time.Second
	// blindMargin is subtracted from our clock when the vendor tells no date.
	blindMargin = time.Minute
	// pagesLimit bounds the pages of one list against a vendor whose paging runs in
	// circles.
	pagesLimit = 100_000
	// restartsLimit bounds how often a list starts anew in one Pull because its place was
	// refused.
	restartsLimit = 5
)

// Pull implements connectors.Puller. Listed objects come as one page.
func (c *Connector) Pull(ctx context.Context, object string, after connectors.Cursor) iter.Seq2[connectors.Page, error] {
	return func(yield func(connectors.Page, error) bool) {
		next, err := c.pager(object, after)
		for err == nil {
			var page connectors.Page
			if page, err = next(ctx); err == nil && (!yield(page, nil) || !page.More) {
				return
			}
		}
		yield(connectors.Page{}, err)
	}
}

// pager returns what reads one page after the other.
func (c *Connector) pager(object string, after connectors.Cursor) (func(context.Context) (connectors.Page, error), error) {
	src, ok := c.sources[object]
	if !ok {
		return nil, unknownObject(object)
	}
	cur, err := parseCursor(src, after)
	if err != nil {
		return nil, err
	}
	switch src.Mode {
	case connectors.Listed:
		return func(ctx context.Context) (connectors.Page, error) { return c.list(ctx, src) }, nil
	case connectors.Windowed:
		return (&walker{Connector: c, src: src, cur: cur}).next, nil
	}
	return nil, fault.New(fault.Invalid, "%s are not pulled by name: they belong to their %s", src.Title, src.Parent)
}

// walker walks a module. Its state is the cursor; what else it knows saves
// requests.
type walker struct {
	*Connector
	src      source
	cur      cursor
	load     loading
	restarts int // of a list whose place was refused, see restartsLimit
}

// next reads one page. It asks nothing beyond it.
func (w *walker) next(ctx context.Context) (connectors.Page, error) {
	if w.cur.Walk == nil {
		w.cur.Walk = &walk{First: w.cur.Mark == 0, From: max(w.cur.Mark-int64(overlap/time.Second), 0)}
		if w.cur.Walk.First && w.src.way == byQuery {
			w.cur.Walk.Leg = legLoad
		}
	}
	for {
		page, more, err := w.read(ctx)
		if err != nil {
			return connectors.Page{}, err
		}
		page.Progress = w.progress(more)
		if !more {
			w.advance()
		}
		// An empty page is worth yielding only to say that the walk is over.
		if len(page.Records) > 0 || w.cur.Walk == nil {
			return w.stamped(page), nil
		}
	}
}

func (w *walker) read(ctx context.Context) (connectors.Page, bool, error) {
	switch {
	case w.cur.Walk.Leg == legLoad:
		return w.readLoad(ctx)
	case w.cur.Walk.Leg == legDeleted:
		return w.readDeleted(ctx)
	case w.src.way == byToken:
		return w.readByToken(ctx)
	}
	return w.readByQuery(ctx)
}

// advance goes to the next list, or ends the walk. Behind the load comes what
// changed since it began. A first walk has nothing to take back, so it leaves the
// deleted records out; the next one begins where this one did.
func (w *walker) advance() {
	k := w.cur.Walk
	switch {
	case k.Leg == legLoad:
		w.cur.Walk = &walk{First: true, Until: k.Until, From: k.Until, Oldest: k.Oldest}
		w.load = loading{}
	case k.Leg == legRecords && !k.First:
		w.cur.Walk = &walk{Until: k.Until, From: k.From, Leg: legDeleted}
	default:
		w.cur.Mark, w.cur.Walk = k.Until, nil
	}
}

// stamped completes a page with the place behind it.
func (w *walker) stamped(page connectors.Page) connectors.Page {
	page.Next, page.More = connectors.Cursor(w.cur.String()), w.cur.Walk != nil
	if !page.More {
		page.AsOf = time.Unix(w.cur.Mark, 0).UTC()
	}
	return page
}

// heard notes the instant up to which the walk will be complete: the vendor's
// clock at its first answer.
func (w *walker) heard(a rest.Answer) {
	if w.cur.Walk.Until == 0 && !a.SentAt.IsZero() {
		w.cur.Walk.Until = max(safe(a), 1)
	}
}

// safe is the instant before which the answer shows everything.
func safe(a rest.Answer) int64 {
	if a.Date.IsZero() {
		return a.SentAt.Add(-blindMargin).Unix()
	}
	return a.Date.Add(-margin).Unix()
}

// readByQuery finds which records come next, and reads them.
func (w *walker) readByQuery(ctx context.Context) (connectors.Page, bool, error) {
	k := w.cur.Walk
	found, answer, err := w.query(ctx, w.src.module, "id, Modified_Time", w.where(), "Modified_Time asc, id asc", queryLimit)
	if err != nil {
		return connectors.Page{}, false, err
	}
	if !slices.IsSortedFunc(found, func(a, b row) int { return cmp.Compare(a.at, b.at) }) {
		return connectors.Page{}, false, disorder(w.src.module)
	}
	w.heard(answer)
	page := connectors.Page{FetchedAt: answer.SentAt}
	if len(found) == 0 {
		return page, false, nil
	}
	if page.Records, err = w.records(ctx, w.src, ids(found)); err != nil {
		return connectors.Page{}, false, err
	}
	last := found[len(found)-1]
	if k.Oldest == 0 {
		k.Oldest = found[0].at
	}
	k.At, k.ID = last.at, last.id
	return page, len(found) == queryLimit, nil
}

// where asks for what follows the last row read. Whatever shares its second comes
// by id, so that any number of rows may. The end is open: what changes meanwhile
// comes at the end, again, until a page is not full.
func (w *walker) where() string {
	k := w.cur.Walk
	switch {
	case k.ID != "":
		at := literal(k.At)
		return fmt.Sprintf("(Modified_Time >= %s and (Modified_Time > %s or id > %s))", at, at, k.ID)
	case k.From > 0:
		return "Modified_Time >= " + literal(k.From)
	}
	return "id is not null"
}

// literal writes an instant as queries have it (docs, COQL).
func literal(seconds int64) string { return "'" + stamp(seconds) + "'" }

// stamp writes an instant with its offset, not with Z: so the documents have it.
func stamp(seconds int64) string {
	return time.Unix(seconds, 0).UTC().Format("2006-01-02T15:04:05") + "+00:00"
}

// progress of a first walk by time: how much of that between the oldest record and
// now is behind, of the times of creation while records are loaded.
func (w *walker) progress(more bool) float64 {
	k := w.cur.Walk
	switch {
	case !more:
		return 1
	case !k.First || k.Oldest == 0 || k.Until <= k.Oldest || k.At == 0:
		return -1
	}
	return min(max(float64(k.At-k.Oldest)/float64(k.Until-k.Oldest), 0), 1)
}
