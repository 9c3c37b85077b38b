package pipedrive

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
)

// attach adds the products of a page's deals, and says that these are all. Only
// deals that have any are asked about.
func (c *Connector) attach(ctx context.Context, page *connectors.Page, has []bool) error {
	var with []string
	for i := range has {
		deal := &page.Records[i]
		if deal.Deleted && deal.Raw == nil {
			continue
		}
		if has[i] && numeric(deal.ID) {
			with = append(with, deal.ID)
		}
		page.Closed = append(page.Closed, connectors.Scope{Object: dealProducts, Parent: deal.ID})
	}
	for some := range slices.Chunk(with, idsLimit) {
		items, err := c.itemsOf(ctx, some)
		if err != nil {
			return err
		}
		page.Records = append(page.Records, items...)
	}
	return nil
}

// itemsOf reads the products attached to deals: an operation that takes
// deal_ids (OpenAPI v2), 10 tokens for up to 100 deals.
func (c *Connector) itemsOf(ctx context.Context, dealIDs []string) ([]connectors.Record, error) {
	query := url.Values{"deal_ids": {strings.Join(dealIDs, ",")}}
	items, err := c.all(ctx, c.sources[dealProducts], leg{api: v2, path: "/deals/products", query: query})
	if err != nil {
		return nil, err
	}
	for _, r := range items.Records {
		if !slices.Contains(dealIDs, r.Parent) {
			return nil, fault.New(fault.Temporary, "deal product %s belongs to no deal that was asked about (deal_id %q); try again later", r.ID, r.Parent)
		}
	}
	return items.Records, nil
}

// fetchItems returns all products of these deals.
func (c *Connector) fetchItems(ctx context.Context, dealIDs []string) (connectors.Page, error) {
	page := connectors.Page{Progress: -1, FetchedAt: c.now().UTC()}
	for _, id := range dealIDs {
		if !numeric(id) {
			return connectors.Page{}, fault.New(fault.Invalid, "%q is no id of a deal", id)
		}
		page.Closed = append(page.Closed, connectors.Scope{Object: dealProducts, Parent: id})
	}
	var err error
	page.Records, err = c.itemsOf(ctx, dealIDs)
	return page, err
}
