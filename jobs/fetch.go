package jobs

import (
	"context"
	"slices"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
)

// unread is a record that could not be read, and why.
type unread struct {
	id    string
	why   error
	asked bool // for it alone; else why is what hit others, too
}

// fetchEach reads records by id. Where the vendor answers for all of them with
// an error that one may have brought about, the others are read one by one.
// left are those that could not be read; with none that could the error of the
// first answer is returned as well.
func fetchEach(ctx context.Context, f connectors.Fetcher, object string, ids []string, one func(error) bool) (page connectors.Page, left []unread, err error) {
	page, err = f.Fetch(ctx, object, ids)
	if err == nil || !one(err) {
		return page, nil, err
	}
	if len(ids) == 1 {
		return page, []unread{{ids[0], err, true}}, err
	}
	return fetchAlone(ctx, f, object, ids, one, err)
}

// fetchAlone reads records one by one. After several in a row at which the
// vendor fails one from the other end decides whether it fails at all of them:
// then no more are asked for.
func fetchAlone(ctx context.Context, f connectors.Fetcher, object string, ids []string, one func(error) bool, first error) (page connectors.Page, left []unread, err error) {
	page.Progress = -1
	read, silent := 0, 0
	for rest := slices.Clone(ids); len(rest) > 0 && silent <= tooManySilent; {
		at := 0
		if silent == tooManySilent {
			at = len(rest) - 1
		}
		id := rest[at]
		rest = slices.Delete(rest, at, at+1)
		alone, err := f.Fetch(ctx, object, []string{id})
		if silent++; err == nil || fault.KindOf(err) != fault.Temporary {
			silent = 0
		}
		switch {
		case err == nil:
			read++
			if page.FetchedAt.IsZero() {
				page.FetchedAt = alone.FetchedAt
			}
			page.Records, page.Closed = append(page.Records, alone.Records...), append(page.Closed, alone.Closed...)
		case one(err):
			left = append(left, unread{id, err, true})
		default:
			return connectors.Page{}, nil, err
		}
		if silent > tooManySilent {
			for _, id := range rest {
				left = append(left, unread{id, first, false})
			}
		}
	}
	if read == 0 {
		return connectors.Page{}, left, first
	}
	return page, left, nil
}
