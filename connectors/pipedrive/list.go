package pipedrive

import (
	"context"
	"maps"
	"net/url"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/rest"
)

// list reads a listed object whole. An empty answer closes nothing: no account
// is without users, fields, pipelines or stages, so it is not believed.
func (c *Connector) list(ctx context.Context, src source) (connectors.Page, error) {
	page, err := c.all(ctx, src, src.legs[0])
	if err != nil {
		return connectors.Page{}, err
	}
	if len(page.Records) > 0 {
		page.Closed = []connectors.Scope{{Object: src.Name}}
	}
	page.Next = connectors.Cursor(cursor{Version: cursorVersion, Mark: page.AsOf.Unix()}.String())
	page.Progress = 1
	return page, nil
}

// all reads every page of a short list into one. A record that two pages show,
// because it moved meanwhile, is kept once.
func (c *Connector) all(ctx context.Context, src source, l leg) (connectors.Page, error) {
	var page connectors.Page
	seen := map[string]bool{}
	for next, pages := "", 0; ; pages++ {
		answer, err := c.page(ctx, l, next)
		if err != nil {
			return connectors.Page{}, err
		}
		found, err := src.split(answer.Body)
		if err != nil {
			return connectors.Page{}, err
		}
		if pages == 0 {
			page.FetchedAt, page.AsOf = answer.SentAt, unixTime(safe(answer))
		}
		for _, r := range found.records {
			if !seen[r.ID] {
				seen[r.ID] = true
				page.Records = append(page.Records, r)
			}
		}
		if found.next == "" {
			return page, nil
		}
		if found.next == next || pages >= pagesLimit {
			return connectors.Page{}, fault.New(fault.Temporary, "%s: the vendor's cursor does not move; try again later", src.Name)
		}
		next = found.next
	}
}

// page reads a page of what is read whole. When the vendor refuses its own
// cursor there, all is to be read again: nothing is wrong with the request.
func (c *Connector) page(ctx context.Context, l leg, cursor string) (rest.Answer, error) {
	answer, err := c.get(ctx, l.api, l.path, l.pageQuery(cursor))
	if cursor != "" && refused(err) {
		err = fault.New(fault.Temporary, "the vendor no longer accepts its own cursor in the middle of %s, which will be read again: %w", l.path, err)
	}
	return answer, err
}

// pageQuery asks for the page at the vendor's cursor.
func (l leg) pageQuery(cursor string) url.Values {
	query := url.Values{}
	if l.paging == byCursor {
		query = limited(pageLimit)
	}
	maps.Copy(query, l.query)
	if cursor != "" {
		query.Set("cursor", cursor)
	}
	return query
}
