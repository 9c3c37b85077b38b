package pipedrive

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"

	"github.com/bytedance/sonic"

	"salesbook.dev/connectors"
	"salesbook.dev/connectors/answers"
	"salesbook.dev/internal/fault"
)

// change is what tells one entry of a changelog from others; it has no id
// (OpenAPI v1, GET /deals/{id}/changelog).
type change struct {
	Field sonic.NoCopyRawMessage `json:"field_key"`
	Old   sonic.NoCopyRawMessage `json:"old_value"`
	New   sonic.NoCopyRawMessage `json:"new_value"`
	Time  sonic.NoCopyRawMessage `json:"time"`
}

// fetchChanges reads the changelogs of deals: 20 tokens for each page of each.
// Of a deal that is gone the vendor shows none any more; what was read stays.
func (c *Connector) fetchChanges(ctx context.Context, dealIDs []string) (connectors.Page, error) {
	page := connectors.Page{Progress: -1, FetchedAt: c.now().UTC()}
	for _, id := range dealIDs {
		entries, err := c.changesOf(ctx, id)
		gone := missing(err)
		if err != nil && !gone {
			return connectors.Page{}, err
		}
		page.Records = append(page.Records, entries...)
		page.Closed = append(page.Closed, connectors.Scope{Object: dealChanges, Parent: id, Ended: gone})
	}
	return page, nil
}

func (c *Connector) changesOf(ctx context.Context, deal string) ([]connectors.Record, error) {
	var entries []connectors.Record
	same := map[string]int{}
	log := leg{api: v1, path: "/deals/" + url.PathEscape(deal) + "/changelog"}
	for next, pages := "", 0; ; pages++ {
		answer, err := c.page(ctx, log, next)
		if err != nil {
			return nil, err
		}
		found, err := c.sources[dealChanges].split(answer.Body)
		if err != nil {
			return nil, err
		}
		for _, r := range found.records {
			entries = append(entries, entry(deal, r, same))
		}
		if found.next == "" {
			return entries, nil
		}
		if found.next == next || pages >= pagesLimit {
			return nil, fault.New(fault.Temporary, "the changelog of deal %s: the vendor's cursor does not move; try again later", deal)
		}
		next = found.next
	}
}

// entry gives an entry its id: deal, time, field and a hash of the values, and
// a number when entries are alike in all of these. Which of them is first does
// not matter then, so the ids stay when later entries come on top.
func entry(deal string, r connectors.Record, same map[string]int) connectors.Record {
	var about change
	if err := answers.ReadProven(r.Raw, &about); err != nil {
		about = change{Field: r.Raw} // Decode will say what is wrong with it
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s", about.Field, about.Old, about.New))
	at := answers.Text(about.Time)
	r.Parent, r.ID = deal, deal+"-unknown-"+hex.EncodeToString(sum[:8])
	if t, ok := instant(at); ok {
		r.UpdatedAt = t
		r.ID = fmt.Sprintf("%s-%d-%s", deal, t.UnixMilli(), hex.EncodeToString(sum[:8]))
	}
	n := same[r.ID]
	same[r.ID]++
	if n > 0 {
		r.ID = fmt.Sprintf("%s-%d", r.ID, n+1)
	}
	return r
}
