package pipedrive

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
)

// singlesLimit is up to how many records are asked for one by one (1 token
// each, 2 on v1): beyond, one list by ids (10 tokens) saves calls of the burst.
const singlesLimit = 3

// Fetch implements connectors.Fetcher. Deals come with their products.
func (c *Connector) Fetch(ctx context.Context, object string, ids []string) (connectors.Page, error) {
	src, ok := c.sources[object]
	switch {
	case !ok:
		return connectors.Page{}, unknownObject(object)
	case src.FetchMax == 0:
		return connectors.Page{}, fault.New(fault.Invalid, "%s cannot be fetched by id; pull them", src.Title)
	case len(ids) > src.FetchMax:
		return connectors.Page{}, fault.New(fault.Invalid, "%d ids are too many for one fetch of %s, %d is the most", len(ids), src.Name, src.FetchMax)
	}
	ids = distinct(ids)
	if len(ids) == 0 {
		return connectors.Page{Progress: -1}, nil
	}
	switch object {
	case dealChanges:
		return c.fetchChanges(ctx, ids)
	case dealProducts:
		return c.fetchItems(ctx, ids)
	}
	return c.fetchRecords(ctx, src, ids)
}

func (c *Connector) fetchRecords(ctx context.Context, src source, ids []string) (connectors.Page, error) {
	page := connectors.Page{Progress: -1, FetchedAt: c.now().UTC()}
	var has []bool
	if src.byIDs && len(ids) > singlesLimit {
		found, err := c.byIDs(ctx, src, ids)
		if err != nil {
			return connectors.Page{}, err
		}
		page.Records, has = found.records, found.products
	}
	// The list leaves out what is archived, deleted or not visible (OpenAPI
	// v2), so what it lacks is asked for singly.
	for _, id := range ids {
		if slices.ContainsFunc(page.Records, func(r connectors.Record) bool { return r.ID == id }) {
			continue
		}
		r, products, err := c.single(ctx, src, id)
		if err != nil {
			return connectors.Page{}, err
		}
		page.Records, has = append(page.Records, r), append(has, products)
	}
	if src.Name != deals {
		return page, nil
	}
	return page, c.attach(ctx, &page, has)
}

// byIDs reads what the first list shows of these records.
func (c *Connector) byIDs(ctx context.Context, src source, ids []string) (listing, error) {
	first := src.legs[0]
	query := limited(idsLimit)
	for _, more := range []url.Values{src.query, first.query} {
		for name, values := range more {
			query[name] = values
		}
	}
	asked := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !numeric(id) })
	if len(asked) == 0 {
		return listing{}, nil
	}
	query.Set("ids", strings.Join(asked, ","))
	answer, err := c.get(ctx, first.api, first.path, query)
	if err != nil {
		return listing{}, err
	}
	found, err := src.split(answer.Body)
	if err != nil {
		return listing{}, err
	}
	for _, r := range found.records {
		if !slices.Contains(asked, r.ID) {
			return listing{}, fault.New(fault.Temporary, "%s %s came without being asked for: the list was not narrowed to ids; try again later", src.Name, r.ID)
		}
	}
	return found, nil
}

// single reads one record. Only the vendor's own "not found" makes it deleted.
func (c *Connector) single(ctx context.Context, src source, id string) (_ connectors.Record, products bool, err error) {
	if strings.Trim(id, ".") == "" {
		return connectors.Record{}, false, fault.New(fault.Invalid, "%q is no id of one of %s", id, src.Name)
	}
	answer, err := c.get(ctx, src.legs[0].api, src.one+url.PathEscape(id), src.query)
	if missing(err) {
		return connectors.Record{Object: src.Name, ID: id, Shape: src.shape, Deleted: true}, false, nil
	}
	if err != nil {
		return connectors.Record{}, false, err
	}
	r, products, err := src.alone(answer.Body)
	if err == nil && r.ID != id {
		err = fault.New(fault.Temporary, "asked for %s %s, the vendor answered with %s; try again later", src.Name, id, r.ID)
	}
	return r, products, err
}

// missing reports whether the vendor says that the record does not exist. 410
// is among its statuses too (guide on status codes, 2026-11).
func missing(err error) bool {
	kind := fault.KindOf(err)
	return err != nil && (kind == fault.NotFound || kind == fault.Gone)
}

// distinct drops repeated ids, keeping their order.
func distinct(ids []string) []string {
	var out []string
	for _, id := range ids {
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}
