package pipedrive

import (
	"context"
	"slices"
	"strconv"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
)

// v1 pages by offset, which loses rows: when one before the offset moves or
// vanishes between two calls, the row at the offset is skipped. The lists are
// sorted by change, the oldest first, so there are two ways around it.
//
// By time, where a list takes updated_since: the next page starts at the second
// in which the last row was changed, and what was seen of that second already
// is left out. Rows that change meanwhile move to the end of the order.
//
// By anchor, where a list takes no time, or where one second fills a page: the
// next page starts one row early and must show the last row again. If it does
// not, rows before it have vanished, so it is looked for a little further back;
// if it is not there either, it has moved itself, and the slice starts anew.
//
// Later walks of a list that takes no time go by anchor too, but from the
// newest row to the first that is older than the walk. What changes meanwhile
// goes to the top, for the next walk to find.
const (
	// seenLimit bounds the ids of one second that a cursor carries.
	seenLimit = 100
	// backStep is how far back the last row is looked for: not further than
	// the smallest page that v1 gives.
	backStep = 100
	// restartsLimit bounds how often a slice starts anew because rows moved.
	restartsLimit = 5
)

// rows is a page of v1 and the offset of its first row.
type rows struct {
	listing
	page  connectors.Page
	start int
}

// readByStart reads a page of v1.
func (w *walker) readByStart(ctx context.Context) (connectors.Page, bool, error) {
	for k := w.cur.Walk; ; {
		got, fresh, err := w.readBehind(ctx)
		if err != nil {
			return connectors.Page{}, false, err
		}
		if fresh != nil {
			got.page.Records = fresh
			got.more = got.more && !w.passed(got.records)
			return got.page, got.more, w.settle(got)
		}
		if k.Restarts >= restartsLimit {
			return connectors.Page{}, false, fault.New(fault.Temporary, "%s: rows moved between the pages, %d times in one slice; try again later", w.src.Name, k.Restarts+1)
		}
		w.log.InfoContext(ctx, "rows moved between pages; their slice starts anew", "object", w.src.Name)
		k.Start, k.Anchor, k.Restarts = 0, "", k.Restarts+1
	}
}

// readBehind reads the rows behind the last one read. fresh is nil when that
// row is not to be found.
func (w *walker) readBehind(ctx context.Context) (got rows, fresh []connectors.Record, err error) {
	k := w.cur.Walk
	if k.Anchor == "" {
		got, err = w.readAt(ctx, k.Start)
		return got, w.unseen(got.records), err
	}
	for _, start := range []int{max(k.Start-1, 0), max(k.Start-backStep, 0)} {
		got, err = w.readAt(ctx, start)
		if err != nil {
			return got, nil, err
		}
		at := slices.IndexFunc(got.records, func(r connectors.Record) bool { return r.ID == k.Anchor })
		if at >= 0 {
			return got, w.unseen(got.records[at+1:]), nil
		}
	}
	return got, nil, nil
}

// readAt reads the page at an offset.
func (w *walker) readAt(ctx context.Context, start int) (rows, error) {
	query := limited(pageLimit)
	query.Set("start", strconv.Itoa(start))
	query.Set("sort", "update_time ASC")
	if w.backwards() {
		query.Set("sort", "update_time DESC")
	}
	w.window(query)
	answer, err := w.ask(ctx, query)
	if err != nil {
		return rows{}, err
	}
	found, err := w.src.split(answer.Body)
	if err == nil && found.more && len(found.records) == 0 {
		err = fault.New(fault.Temporary, "%s: the vendor shows an empty page and says that there is more; try again later", w.src.Name)
	}
	return rows{listing: found, page: connectors.Page{FetchedAt: answer.SentAt}, start: start}, err
}

// backwards reports whether the walk goes from the newest row to older ones.
func (w *walker) backwards() bool { return !w.cur.Walk.First && !w.leg().since }

// unseen leaves out what an earlier page showed of the slice's first second,
// and in a walk backwards what is older. It never returns nil.
func (w *walker) unseen(records []connectors.Record) []connectors.Record {
	k := w.cur.Walk
	fresh := make([]connectors.Record, 0, len(records))
	for _, r := range records {
		second := r.UpdatedAt.Unix()
		old := w.backwards() && second < k.From && !r.UpdatedAt.IsZero()
		if !old && (second != k.From || !slices.Contains(k.Seen, r.ID)) {
			fresh = append(fresh, r)
		}
	}
	return fresh
}

// passed reports whether a walk backwards has come to rows older than itself.
// In any other order than the one asked for, newer ones may still follow.
func (w *walker) passed(records []connectors.Record) bool {
	inOrder := slices.IsSortedFunc(records, func(a, b connectors.Record) int { return b.UpdatedAt.Compare(a.UpdatedAt) })
	oldest := records[len(records)-1].UpdatedAt
	return w.backwards() && inOrder && !oldest.IsZero() && oldest.Unix() < w.cur.Walk.From
}

// settle notes where the next page begins.
func (w *walker) settle(got rows) error {
	k := w.cur.Walk
	k.Pages++
	if k.Pages >= pagesLimit {
		return fault.New(fault.Temporary, "%s: more than %d pages; the vendor's paging may run in circles", w.src.Name, pagesLimit)
	}
	if !got.more {
		return nil
	}
	if first := got.records[0].UpdatedAt; w.leg().since && k.Oldest == 0 && !first.IsZero() {
		k.Oldest = first.Unix()
	}
	last := got.records[len(got.records)-1]
	if second, ids := lastSecond(got.records); w.leg().since && second > k.From && len(ids) <= seenLimit {
		k.From, k.Seen, k.Start, k.Anchor, k.Restarts = second, ids, 0, "", 0
		return nil
	}
	k.Start, k.Anchor = got.start+len(got.records), last.ID
	return nil
}

// lastSecond returns the second of the last row and the ids of its rows; 0 when
// the rows are not in the order that was asked for, which by time would lose some.
func lastSecond(records []connectors.Record) (second int64, ids []string) {
	inOrder := slices.IsSortedFunc(records, func(a, b connectors.Record) int { return a.UpdatedAt.Compare(b.UpdatedAt) })
	second = records[len(records)-1].UpdatedAt.Unix()
	if !inOrder || second <= 0 {
		return 0, nil
	}
	for _, r := range records {
		if r.UpdatedAt.Unix() == second {
			ids = append(ids, r.ID)
		}
	}
	return second, ids
}
