package zoho

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/bytedance/sonic"

	"salesbook.dev/connectors"
	"salesbook.dev/connectors/answers"
	"salesbook.dev/internal/fault"
)

const (
	// historyModule holds the stays of all deals in stages, one to a row. The vendor
	// documents it as what a tracked field names in history_tracking (OpenAPI 2026,
	// fields), and not among the modules of its queries; public code reads it by
	// queries (v7), lists and bulk reads (v8, 2026-09).
	historyModule = "DealHistory"
	// historyDeal is the field that names the deal. It is empty once the deal is gone
	// (public code, 2026-09).
	historyDeal = "Potential_Name"
	// historyRows are asked for at once where the deals are many: 1,000 rows take two
	// credits, and a hundred deals have some hundreds.
	historyRows = 1000
	// historyFew deals have fewer than 200 stays as a rule, which take one credit.
	historyFew = 25
	// historyFields are what the list of one deal tells of a stay (docs, stage
	// history; public code).
	historyFields = "Stage,Modified_Time,Moved_To__s,Duration_Days,Modified_By,Amount,Probability"
)

// fetchHistory reads the stage histories of deals: one row for each stay in a
// stage, with when it began (docs, stage history). A row does not name the
// pipeline, so the deal's stands beside it, as it is now.
//
// A hundred deals take one query, or a few. A deal of which it shows nothing has a
// list of its own, which takes a credit: where the account's edition has no such
// module, or the user may not read it, that is all of them.
func (c *Connector) fetchHistory(ctx context.Context, ids []string, page connectors.Page) (connectors.Page, error) {
	beside, err := c.pipelinesOf(ctx, ids)
	if err != nil {
		return connectors.Page{}, err
	}
	there := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return beside[id] == nil })
	known, err := c.historiesOf(ctx, there, beside)
	if err != nil {
		return connectors.Page{}, err
	}
	for _, id := range ids {
		if beside[id] == nil { // nothing is shown of a deal that is gone: what was read stays
			page.Closed = append(page.Closed, connectors.Scope{Object: stageHistory, Parent: id, Ended: true})
			continue
		}
		entries := known[id]
		if len(entries) == 0 {
			if entries, err = c.historyOf(ctx, id, beside[id]); err != nil {
				return connectors.Page{}, err
			}
		}
		page.Records = append(page.Records, entries...)
		page.Closed = append(page.Closed, connectors.Scope{Object: stageHistory, Parent: id})
	}
	return page, nil
}

// pipelinesOf reads what names the pipelines of deals, as far as they are shown.
func (c *Connector) pipelinesOf(ctx context.Context, ids []string) (map[string][]byte, error) {
	query := url.Values{"ids": {strings.Join(ids, ",")}, "fields": {keyPipeline}}
	answer, err := c.get(ctx, "/"+deals, query, "")
	if err != nil || nothing(answer, nil) {
		return nil, err
	}
	list, err := rows(answer.Body, "data", deals)
	if err != nil {
		return nil, err
	}
	out := make(map[string][]byte, len(list))
	for _, raw := range list {
		out[answers.Text(labelOf(raw).ID)] = raw
	}
	return out, nil
}

// historiesOf reads the histories of many deals by the query language, all columns
// that the account says there are; nil where it does not have the module.
func (c *Connector) historiesOf(ctx context.Context, ids []string, beside map[string][]byte) (map[string][]connectors.Record, error) {
	if len(ids) == 0 || c.singly.Load() {
		return nil, nil
	}
	out := map[string][]connectors.Record{}
	err := c.queryHistories(ctx, ids, func(deal, id string, raw []byte, modified string) {
		r := record(c.sources[stageHistory], id, [][]byte{raw, beside[deal]}, modified)
		r.Parent = deal
		out[deal] = append(out[deal], r)
	})
	if kind := fault.KindOf(err); err != nil && (kind == fault.Forbidden || kind == fault.Invalid || kind == fault.NotFound) {
		c.log.InfoContext(ctx, "the stage histories cannot be read for many deals at once; they are read one by one, a credit for each deal", "why", err)
		c.singly.Store(true)
		return nil, nil
	}
	return out, err
}

// queryHistories tells each stay of the deals once.
func (c *Connector) queryHistories(ctx context.Context, ids []string, tell func(deal, id string, raw []byte, modified string)) error {
	columns, err := c.historyColumns(ctx)
	if err != nil {
		return err
	}
	limit := historyRows
	if len(ids) <= historyFew {
		limit = queryLimit
	}
	of := historyDeal + " in ('" + strings.Join(ids, "','") + "')"
	for where := of; ; {
		list, _, err := c.selected(ctx, historyModule, columns, where, "id asc", limit)
		if err != nil {
			return err
		}
		last := ""
		for _, raw := range list {
			about := labelOf(raw)
			deal, id := dealOf(raw), answers.Text(about.ID)
			switch {
			case !slices.Contains(ids, deal):
				return fault.New(fault.Temporary, "the history of deal %s came without being asked for; try again later", shortened(deal))
			case !numeric(id) || last != "" && !before(last, id):
				return disorder(historyModule)
			}
			tell(deal, id, raw, answers.Text(about.Modified))
			last = id
		}
		if len(list) < limit {
			return nil
		}
		where = "(" + of + " and id > " + last + ")"
	}
}

// historyColumns are the columns of the module. They are the account's: some have
// other names by edition, and a name that is not known spoils the query.
func (c *Connector) historyColumns(ctx context.Context) (string, error) {
	l, err := c.layout(ctx, source{module: historyModule})
	if err != nil {
		return "", err
	}
	if l.types["Stage"] == "" || l.types[historyDeal] == "" {
		return "", fault.New(fault.Invalid, "the module %s does not tell the stages of deals", historyModule)
	}
	names := []string{"id", keyModified}
	for _, group := range l.groups {
		names = append(names, group[1:]...)
	}
	return strings.Join(names, ", "), nil
}

// dealOf is the deal that a stay is of.
func dealOf(raw []byte) string {
	var stay struct {
		Deal sonic.NoCopyRawMessage `json:"Potential_Name"`
	}
	if err := answers.ReadProven(raw, &stay); err != nil {
		return ""
	}
	if answers.IsObject(stay.Deal) {
		return answers.Text(labelOf(stay.Deal).ID)
	}
	return answers.Text(stay.Deal)
}

// historyOf reads the history of one deal.
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
			r := record(src, answers.Identity(about.ID, raw), [][]byte{raw, beside}, answers.Text(about.Modified))
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
