package zoho

import (
	"context"
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
// or with 400 that the id is no one's (docs, get records).
func missing(err error) bool {
	kind := fault.KindOf(err)
	return err != nil && (kind == fault.NotFound || kind == fault.Invalid && strings.Contains(err.Error(), "("+codeInvalid+")"))
}

// fetchHistory reads the stage histories of deals: one row for each stay in a
// stage, with when it began (docs, stage history). A row does not name the
// pipeline, so the deal's stands beside it, as it is now.
func (c *Connector) fetchHistory(ctx context.Context, ids []string, page connectors.Page) (connectors.Page, error) {
	query := url.Values{"ids": {strings.Join(ids, ",")}, "fields": {keyPipeline}}
	answer, err := c.get(ctx, "/"+deals, query, "")
	if err != nil {
		return connectors.Page{}, err
	}
	var beside [][]byte
	if !nothing(answer, nil) {
		if beside, err = rows(answer.Body, "data", deals); err != nil {
			return connectors.Page{}, err
		}
	}
	for _, id := range ids {
		at := slices.IndexFunc(beside, func(raw []byte) bool { return plain(labelOf(raw).ID) == id })
		if at < 0 { // nothing is shown of a deal that is gone: what was read stays
			page.Closed = append(page.Closed, connectors.Scope{Object: stageHistory, Parent: id, Ended: true})
			continue
		}
		entries, err := c.historyOf(ctx, id, beside[at])
		if err != nil {
			return connectors.Page{}, err
		}
		page.Records = append(page.Records, entries...)
		page.Closed = append(page.Closed, connectors.Scope{Object: stageHistory, Parent: id})
	}
	return page, nil
}

// historyFields are what is known of a stay (docs, stage history; public code).
const historyFields = "Stage,Modified_Time,Moved_To__s,Duration_Days,Modified_By,Amount,Probability"

func (c *Connector) historyOf(ctx context.Context, deal string, beside []byte) ([]connectors.Record, error) {
	src := c.sources[stageHistory]
	var out []connectors.Record
	seen := map[string]bool{}
	for n := 1; ; n++ {
		query := url.Values{"fields": {historyFields}, "page": {number(n)}, "per_page": {number(listLimit)}}
		answer, err := c.get(ctx, "/"+deals+"/"+deal+"/Stage_History", query, "")
		if nothing(answer, err) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		list, err := rows(answer.Body, "data", src.Name)
		if err != nil {
			return nil, err
		}
		for _, raw := range list {
			about := labelOf(raw)
			r := record(src, identity(about.ID, raw), [][]byte{raw, beside}, plain(about.Modified))
			r.Parent = deal
			if !seen[r.ID] {
				seen[r.ID] = true
				out = append(out, r)
			}
		}
		place, err := infoOf(answer.Body, src.Name)
		switch {
		case err != nil:
			return nil, err
		case !place.More:
			return out, nil
		case len(list) == 0 || n >= pagesLimit:
			return nil, endless(src.Name)
		}
	}
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
