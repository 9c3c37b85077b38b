package zoho

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
)

func joinNames(names []string) string { return strings.Join(names, ",") }

// Fetch implements connectors.Fetcher.
func (c *Connector) Fetch(ctx context.Context, object string, ids []string) (connectors.Page, error) {
	src, ok := c.sources[object]
	switch {
	case !ok:
		return connectors.Page{}, unknownObject(object)
	case len(ids) > src.FetchMax:
		return connectors.Page{}, fault.New(fault.Invalid, "%d ids are too many for one fetch of %s, %d is the most", len(ids), src.Name, src.FetchMax)
	}
	ids = distinct(ids)
	page := connectors.Page{Progress: -1, FetchedAt: c.now().UTC()}
	if len(ids) == 0 {
		return page, nil
	}
	for _, id := range ids {
		if !numeric(id) {
			return connectors.Page{}, fault.New(fault.Invalid, "%q is no id of one of %s", shortened(id), src.Name)
		}
	}
	if object == stageHistory {
		return c.fetchHistory(ctx, ids, page)
	}
	found, err := c.records(ctx, src, ids)
	if err != nil {
		return connectors.Page{}, err
	}
	page.Records = found
	// The list leaves out what is deleted and what may not be seen, so what it
	// lacks is asked for singly.
	for _, id := range ids {
		if slices.ContainsFunc(found, func(r connectors.Record) bool { return r.ID == id }) {
			continue
		}
		gone, err := c.gone(ctx, src, id)
		if err != nil {
			return connectors.Page{}, err
		}
		if !gone {
			return connectors.Page{}, fault.New(fault.Temporary, "%s %s is shown alone and not in a list; try again later", src.Name, id)
		}
		page.Records = append(page.Records, connectors.Record{Object: src.Name, ID: id, Shape: shapeWhole, Deleted: true})
	}
	return page, nil
}

// gone asks whether a record that no list shows exists. 204 and the vendor's own
// "not found" say that it does not; a refusal is an error (docs, get records).
func (c *Connector) gone(ctx context.Context, src source, id string) (bool, error) {
	answer, err := c.get(ctx, "/"+src.module+"/"+id, url.Values{"fields": {keyModified}}, "")
	switch {
	case nothing(answer, err), missing(err):
		return true, nil
	case err != nil:
		return false, err
	}
	_, err = rows(answer.Body, "data", src.Name)
	return false, err
}

// missing reports whether the vendor says that there is no such record: with 404,
// or with 400 that the id in the address is no one's (docs, get records).
func missing(err error) bool {
	no, refused := errors.AsType[refusal](err)
	return fault.KindOf(err) == fault.NotFound && !errors.Is(err, errUnchanged) || refused && no.ofRecord()
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
