package zoho

import (
	"context"
	"net/url"
	"time"

	"github.com/bytedance/sonic"

	"salesbook.dev/connectors"
	"salesbook.dev/connectors/answers"
)

// dealLayout is one of the pages that deals are shown on, with fields and pipelines of
// its own.
type dealLayout struct {
	id       string
	standard bool // the vendor made it
	demands  map[string][]byte
}

// shownLayout is a layout as the account has it (OpenAPI, layouts).
type shownLayout struct {
	Generated string `json:"generated_type"`
	Status    string `json:"status"`
	Sections  []struct {
		Type   string                   `json:"type"`
		Fields []sonic.NoCopyRawMessage `json:"fields"`
	} `json:"sections"`
}

// layouts are those of deals.
func (c *Connector) layouts(ctx context.Context) ([]dealLayout, connectors.Page, error) {
	answer, err := c.get(ctx, "/settings/layouts", url.Values{"module": {deals}}, "")
	if err != nil {
		return nil, connectors.Page{}, err
	}
	page := connectors.Page{FetchedAt: answer.SentAt, AsOf: time.Unix(safe(answer), 0).UTC()}
	if nothing(answer, nil) {
		return nil, page, nil
	}
	list, err := rows(answer.Body, "layouts", "layouts of deals")
	if err != nil {
		return nil, connectors.Page{}, err
	}
	var out []dealLayout
	for _, raw := range list {
		var l shownLayout
		if id := answers.Text(labelOf(raw).ID); numeric(id) && answers.ReadProven(raw, &l) == nil {
			out = append(out, dealLayout{id, l.Generated == "default", l.demands()})
		}
	}
	return out, page, nil
}

// demands are the fields that a layout demands, by API name as they stand there. One
// that nobody uses any more demands nothing: it is nil.
func (l *shownLayout) demands() map[string][]byte {
	if l.Status == "inactive" {
		return nil
	}
	out := map[string][]byte{}
	for _, section := range l.Sections {
		if section.Type == "unused" { // holds the fields that the layout does not show
			continue
		}
		for _, raw := range section.Fields {
			var f struct {
				Name     string `json:"api_name"`
				Required bool   `json:"required"`
			}
			if answers.ReadProven(raw, &f) == nil && f.Required {
				out[f.Name] = raw
			}
		}
	}
	return out
}

// demanded are the fields that every layout in use demands, as the first of them has
// them: what a deal has to have wherever it is. What only some demand depends on the
// deal. Rules of a layout, which demand more in a stage or by a value, and validation
// rules have no call that reads them (OpenAPI of 2025 and 2026-08; pages of v8 on
// layouts, read 2026-11-28).
func (c *Connector) demanded(ctx context.Context) (map[string][]byte, error) {
	layouts, _, err := c.layouts(ctx)
	if err != nil {
		return nil, err
	}
	var all map[string][]byte
	for _, l := range layouts {
		switch {
		case l.demands == nil:
		case all == nil:
			all = l.demands
		default:
			for name := range all {
				if l.demands[name] == nil {
					delete(all, name)
				}
			}
		}
	}
	return all, nil
}
