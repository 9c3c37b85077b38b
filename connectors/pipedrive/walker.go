package pipedrive

import (
	"context"
	"iter"
	"maps"
	"net/url"
	"strconv"
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
	// pagesLimit bounds the pages of one slice or list against a vendor whose
	// paging runs in circles: 50 million records.
	pagesLimit = 100_000
	// emptyLimit is how many empty pages are read before one is yielded.
	emptyLimit = 20
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
	return nil, fault.New(fault.Invalid, "%s are not pulled by name: they come with their %s", src.Title, src.Parent)
}

// walker walks a windowed object. Its state is the cursor and nothing else.
type walker struct {
	*Connector
	src source
	cur cursor
}

func (w *walker) leg() leg { return w.src.legs[w.cur.Walk.Leg] }

// next reads one page. It asks nothing ahead.
func (w *walker) next(ctx context.Context) (connectors.Page, error) {
	if w.cur.Walk == nil {
		w.cur.Walk = &walk{First: w.cur.Mark == 0}
	}
	for pages := 1; ; pages++ {
		page, err := w.step(ctx)
		if err != nil {
			return connectors.Page{}, err
		}
		// An empty page is worth yielding only to say that the walk is over, or
		// to save a place after many.
		if len(page.Records) > 0 || w.cur.Walk == nil || pages == emptyLimit {
			return w.stamped(page), nil
		}
	}
}

// step reads one page, or finds that a leg is empty, and moves the place.
func (w *walker) step(ctx context.Context) (connectors.Page, error) {
	empty, err := w.begin(ctx)
	if err != nil {
		return connectors.Page{}, err
	}
	if empty {
		w.advance()
		return connectors.Page{FetchedAt: w.now().UTC(), Progress: 1}, nil
	}
	page, more, err := w.read(ctx)
	if err != nil {
		return connectors.Page{}, err
	}
	page.Progress = w.progress(more)
	if !more && !w.nextSlice() {
		w.advance()
	}
	return page, nil
}

// begin sets the first slice of a leg. empty reports that the leg has none.
func (w *walker) begin(ctx context.Context) (empty bool, err error) {
	k := w.cur.Walk
	switch {
	case k.Begun:
		return false, nil
	case !k.First:
		k.From = max(w.cur.Mark-seconds(overlap), 0)
	case w.leg().until:
		return w.slices(ctx)
	}
	k.Begun = true
	return false, nil
}

func (w *walker) read(ctx context.Context) (connectors.Page, bool, error) {
	if w.leg().paging == byStart {
		return w.readByStart(ctx)
	}
	return w.readByCursor(ctx)
}

// advance goes to the next leg, or ends the walk.
func (w *walker) advance() {
	k := w.cur.Walk
	if k.Leg+1 < len(w.src.legs) {
		w.cur.Walk = &walk{First: k.First, Until: k.Until, Leg: k.Leg + 1}
		return
	}
	w.cur.Mark, w.cur.Walk = k.Until, nil
}

// stamped completes a page with the place behind it.
func (w *walker) stamped(page connectors.Page) connectors.Page {
	page.Next, page.More = connectors.Cursor(w.cur.String()), w.cur.Walk != nil
	if !page.More {
		page.AsOf = unixTime(w.cur.Mark)
	}
	return page
}

// ask reads from the leg and notes the instant up to which the walk will be
// complete: the vendor's clock at its first answer.
func (w *walker) ask(ctx context.Context, query url.Values) (rest.Answer, error) {
	leg := w.leg()
	for _, more := range []url.Values{w.src.query, leg.query} {
		maps.Copy(query, more)
	}
	answer, err := w.get(ctx, leg.api, leg.path, query)
	if err == nil && w.cur.Walk.Until == 0 {
		w.cur.Walk.Until = safe(answer)
	}
	return answer, err
}

// safe is the instant before which the answer shows everything.
func safe(a rest.Answer) int64 {
	if a.Date.IsZero() {
		return a.SentAt.Add(-blindMargin).Unix()
	}
	return a.Date.Add(-margin).Unix()
}

// window adds the slice to a query. Fractions of a second are refused with 400
// (public code).
func (w *walker) window(query url.Values) {
	k, leg := w.cur.Walk, w.leg()
	if k.From > 0 && leg.since {
		query.Set("updated_since", unixTime(k.From).Format(time.RFC3339))
	}
	if k.To > 0 && leg.until {
		query.Set("updated_until", unixTime(k.To).Format(time.RFC3339))
	}
}

func limited(n int) url.Values { return url.Values{"limit": {strconv.Itoa(n)}} }

func unixTime(n int64) time.Time { return time.Unix(n, 0).UTC() }

func seconds(d time.Duration) int64 { return int64(d / time.Second) }
