package jobs

import (
	"context"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
)

// unread is a record that could not be read, and why.
type unread struct {
	id  string
	why error
}

// fetchEach reads records by id. Where the vendor answers for all of them with
// an error that one may have brought about, the others are read one by one.
// left are those that could not be read; with none that could the error of the
// first answer is returned. After several in a row at which the vendor fails no
// more are asked for.
func fetchEach(ctx context.Context, f connectors.Fetcher, object string, ids []string, one func(error) bool) (page connectors.Page, left []unread, err error) {
	page, err = f.Fetch(ctx, object, ids)
	if err == nil || !one(err) || len(ids) == 1 {
		return page, nil, err
	}
	page, first, silent := connectors.Page{Progress: -1}, err, 0
	for _, id := range ids {
		if silent >= tooManySilent {
			left = append(left, unread{id, first})
			continue
		}
		alone, err := f.Fetch(ctx, object, []string{id})
		if silent++; err == nil || fault.KindOf(err) != fault.Temporary {
			silent = 0
		}
		switch {
		case err == nil:
			if page.FetchedAt.IsZero() {
				page.FetchedAt = alone.FetchedAt
			}
			page.Records, page.Closed = append(page.Records, alone.Records...), append(page.Closed, alone.Closed...)
		case one(err):
			left = append(left, unread{id, err})
		default:
			return connectors.Page{}, nil, err
		}
	}
	if len(left) == len(ids) {
		return connectors.Page{}, nil, first
	}
	return page, left, nil
}
