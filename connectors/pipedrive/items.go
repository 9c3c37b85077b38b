package pipedrive

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
)

// attach adds the products of a page's deals, and says that these are all,
// unless one tells no deal and may be any's. Only deals that have any are asked
// about.
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
		items, whole, err := c.itemsOf(ctx, some)
		if err != nil {
			return err
		}
		page.Records = append(page.Records, items...)
		if !whole {
			page.Closed = slices.DeleteFunc(page.Closed, func(s connectors.Scope) bool { return slices.Contains(some, s.Parent) })
		}
	}
	return nil
}

// itemsOf reads the products attached to deals: an operation that takes
// deal_ids (OpenAPI v2), 10 tokens for up to 100 deals. One that tells no deal is
// kept, to be listed as a failure, but then nobody's products are known whole.
func (c *Connector) itemsOf(ctx context.Context, dealIDs []string) (items []connectors.Record, whole bool, err error) {
	query := url.Values{"deal_ids": {strings.Join(dealIDs, ",")}}
	page, err := c.all(ctx, c.sources[dealProducts], leg{api: v2, path: "/deals/products", query: query})
	if err != nil {
		return nil, false, err
	}
	whole = true
	for _, r := range page.Records {
		switch {
		case r.Parent == "" || r.Parent == "null":
			whole = false
		case !slices.Contains(dealIDs, r.Parent):
			return nil, false, fault.New(fault.Temporary, "deal product %s belongs to no deal that was asked about (deal_id %q); try again later", r.ID, r.Parent)
		}
	}
	return page.Records, whole, nil
}

// fetchItems returns all products of these deals. The list of products says
// nothing of a deal that is hidden or gone: it is empty, as for one that has
// none. So the deals are asked for, and bring their products.
func (c *Connector) fetchItems(ctx context.Context, dealIDs []string) (connectors.Page, error) {
	for _, id := range dealIDs {
		if !numeric(id) {
			return connectors.Page{}, fault.New(fault.Invalid, "%q is no id of a deal", id)
		}
	}
	page, err := c.fetchRecords(ctx, c.sources[deals], dealIDs)
	page.Records = slices.DeleteFunc(page.Records, func(r connectors.Record) bool { return r.Object != dealProducts })
	return page, err
}
