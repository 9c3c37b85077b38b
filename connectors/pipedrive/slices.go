package pipedrive

import (
	"context"
	"errors"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
)

const (
	// slicePages is how many pages a slice of a first walk should have: a place
	// that the vendor no longer accepts costs that much.
	slicePages = 150
	// sliceParts is how many parts of the history the first slice is.
	sliceParts = 64
	// sliceGrowth bounds how much longer a slice is than the one before.
	sliceGrowth = 16
	// sliceLeast is the shortest slice in seconds.
	sliceLeast = 3600
)

// slices starts the first walk of a leg at its oldest record. It is empty when
// there are no records.
func (w *walker) slices(ctx context.Context) (empty bool, err error) {
	query := limited(1)
	query.Set("sort_by", "update_time")
	query.Set("sort_direction", "asc")
	answer, err := w.ask(ctx, query)
	if err != nil {
		return false, err
	}
	found, err := w.src.split(answer.Body)
	if err != nil || len(found.records) == 0 {
		return err == nil, err
	}
	k := w.cur.Walk
	k.Begun = true
	// A record without update_time is in no window, so if there is one, at the
	// top of this order, the leg is walked in one slice without bounds.
	if at := found.records[0].UpdatedAt; !at.IsZero() {
		k.Oldest = max(at.Unix(), 1)
		w.cut(k.Oldest, max((k.Until-k.Oldest)/sliceParts, sliceLeast), 1)
		k.From = 0
	}
	return false, nil
}

// cut sets the slice [from, from+width). The last one has no end: what changes
// meanwhile is welcome, and shows its newest state at once.
func (w *walker) cut(from, width int64, expect int) {
	k := w.cur.Walk
	k.From, k.To, k.Expect = from, from+width, expect
	if k.To+width/4 >= k.Until {
		k.To = 0
	}
	k.Pages, k.Next, k.Restarts = 0, "", 0
}

// nextSlice goes on to the next slice of the leg, as long as the last one had
// about slicePages pages. It reports false after the last.
func (w *walker) nextSlice() bool {
	k := w.cur.Walk
	if k.To == 0 {
		return false
	}
	width, pages := k.To-max(k.From, k.Oldest), int64(max(k.Pages, 1))
	wanted := min(max(width*slicePages/pages, width/4), width*sliceGrowth)
	wanted = max(wanted, sliceLeast)
	w.cut(k.To, wanted, int(max(pages*wanted/max(width, 1), 1)))
	return true
}

// progress is the part of the history that is done, for first walks.
func (w *walker) progress(more bool) float64 {
	k := w.cur.Walk
	if !k.First {
		return -1
	}
	legs := float64(len(w.src.legs))
	whole := float64(k.Until - k.Oldest)
	if k.Oldest == 0 || whole <= 0 {
		if more {
			return float64(k.Leg) / legs
		}
		return float64(k.Leg+1) / legs
	}
	from, to := max(k.From, k.Oldest), k.To
	if to == 0 {
		to = k.Until
	}
	within := 1.0
	switch {
	case more && k.Expect == 0:
		within = 0
	case more:
		within = min(float64(k.Pages)/float64(k.Expect+1), 0.95)
	}
	done := float64(from-k.Oldest) + within*float64(to-from)
	return (float64(k.Leg) + min(max(done/whole, 0), 1)) / legs
}

// readByCursor reads a page of v2 within the slice, by id: a walk by
// update_time would skip or repeat what changes under way. What is changed
// meanwhile leaves the slice, and is found by the open slice or the next walk.
func (w *walker) readByCursor(ctx context.Context) (connectors.Page, bool, error) {
	k := w.cur.Walk
	query := limited(pageLimit)
	query.Set("sort_by", "id")
	w.window(query)
	if k.Next != "" {
		query.Set("cursor", k.Next)
	}
	answer, err := w.ask(ctx, query)
	if k.Next != "" && refused(err) {
		// How long a cursor lives is undocumented; 400 says that it is over.
		if k.Restarts > 0 {
			return connectors.Page{}, false, fault.New(fault.Gone, "%s: the vendor refuses its own cursor a second time in one slice: %w", w.src.Name, err)
		}
		w.log.InfoContext(ctx, "the vendor no longer accepts a place in the walk; its slice starts anew", "object", w.src.Name)
		k.Next, k.Pages, k.Restarts = "", 0, k.Restarts+1
		return w.readByCursor(ctx)
	}
	if err != nil {
		return connectors.Page{}, false, err
	}
	found, err := w.src.split(answer.Body)
	if err != nil {
		return connectors.Page{}, false, err
	}
	if err := w.moved(k.Next, found.next); err != nil {
		return connectors.Page{}, false, err
	}
	k.Next = found.next
	k.Pages++
	page := connectors.Page{Records: found.records, FetchedAt: answer.SentAt}
	if w.src.Name == deals {
		err = w.attach(ctx, &page, found.products)
	}
	return page, found.next != "", err
}

// refused reports whether the vendor calls the request wrong, which with a
// cursor in it means the cursor.
func refused(err error) bool {
	var e *fault.Error
	return errors.As(err, &e) && (e.Kind == fault.Invalid || e.Kind == fault.Gone)
}

// moved fails when the vendor's paging runs in circles.
func (w *walker) moved(from, to string) error {
	if to != "" && to == from {
		return fault.New(fault.Temporary, "%s: the vendor's cursor does not move; try again later", w.src.Name)
	}
	if w.cur.Walk.Pages >= pagesLimit {
		return fault.New(fault.Temporary, "%s: more than %d pages in one slice; the vendor's paging may run in circles", w.src.Name, pagesLimit)
	}
	return nil
}
