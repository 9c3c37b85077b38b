package pipedrive

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/shopspring/decimal"
)

// item is a product attached to a deal.
type item struct {
	ID                     int64   `json:"id"`
	Sum                    amount  `json:"sum"`
	Tax                    amount  `json:"tax"`
	DealID                 int64   `json:"deal_id"`
	Name                   string  `json:"name"`
	ProductID              int64   `json:"product_id"`
	ProductVariationID     ref     `json:"product_variation_id"`
	OrderNr                int64   `json:"order_nr"`
	AddTime                instant `json:"add_time"`
	UpdateTime             instant `json:"update_time"`
	Comments               string  `json:"comments"`
	Currency               string  `json:"currency"`
	Discount               amount  `json:"discount"`
	Quantity               amount  `json:"quantity"`
	ItemPrice              amount  `json:"item_price"`
	TaxMethod              string  `json:"tax_method"`
	DiscountType           string  `json:"discount_type"`
	IsEnabled              bool    `json:"is_enabled"`
	BillingFrequency       string  `json:"billing_frequency"`
	BillingFrequencyCycles ref     `json:"billing_frequency_cycles"`
	BillingStartDate       day     `json:"billing_start_date"`
}

func indexItem(it *item) row {
	r := row{id: it.ID, added: int64(it.AddTime) * 1000, updated: int64(it.UpdateTime) * 1000, order: it.OrderNr}
	r.refs[refDeal], r.refs[refProduct] = it.DealID, it.ProductID
	return r
}

// price computes the sum: quantity times price less the discount. Taxes do not
// enter it; how the vendor counts them is not documented.
func (it *item) price() {
	full := it.Quantity.Mul(it.ItemPrice.Decimal)
	if it.DiscountType == "percentage" {
		it.Sum = amount{full.Sub(full.Mul(it.Discount.Decimal).Div(decimal.New(100, 0))).Round(2)}
		return
	}
	it.Sum = amount{full.Sub(it.Discount.Decimal).Round(2)}
}

// perYear is how often the sum comes in a year, 0 for once.
func (it *item) perYear() decimal.Decimal {
	times := map[string]int64{"annually": 1, "semi-annually": 2, "quarterly": 4, "monthly": 12, "weekly": 52}
	return decimal.New(times[it.BillingFrequency], 0)
}

func (s *Sim) itemRoutes() []route {
	const read, full = "products:read products:full deals:read deals:full", "products:full deals:full"
	return []route{
		{"GET", 2, "/deals/products", 10, read, (*call).listItemsOfDeals},
		{"GET", 2, "/deals/{id}/products", 10, read, (*call).listItems},
		{"POST", 2, "/deals/{id}/products", 5, full, (*call).addItem},
		{"POST", 2, "/deals/{id}/products/bulk", 25, full, (*call).addItems},
		{"PATCH", 2, "/deals/{id}/products/{product_attachment_id}", 5, full, (*call).patchItem},
		{"DELETE", 2, "/deals/{id}/products/{product_attachment_id}", 3, full, (*call).deleteItem},
	}
}

func (c *call) listItemsOfDeals() (reply, error) {
	// The document calls it an array; clients send one list or several.
	text := strings.Join(c.query["deal_ids"], ",")
	if text == "" {
		return reply{}, bad("query: deal_ids is required")
	}
	ids, err := parseIDs("deal_ids", text)
	if err != nil {
		return reply{}, err
	}
	l, err := c.listing(c.items.table, "deal_id", "add_time", "update_time", "order_nr")
	if err != nil {
		return reply{}, err
	}
	c.mu.RLock()
	l.restrict(c.itemIDs(ids...))
	c.mu.RUnlock()
	return c.respond(l)
}

func (c *call) listItems() (reply, error) {
	id, err := c.pathID("id")
	if err != nil {
		return reply{}, err
	}
	l, err := c.listing(c.items.table, "add_time", "update_time", "order_nr")
	if err != nil {
		return reply{}, err
	}
	c.mu.RLock()
	missing := gone(c.deals.get(id), c.Now())
	l.restrict(c.itemIDs(id))
	c.mu.RUnlock()
	if missing {
		return reply{}, notFound("Deal")
	}
	return c.respond(l)
}

// itemIDs returns the ids of the items of these deals, in rising order.
func (s *store) itemIDs(deals ...int64) []int64 {
	var ids []int64
	for _, d := range deals {
		ids = append(ids, s.items.related(refDeal, d)...)
	}
	slices.Sort(ids)
	return ids
}

// itemsOf loads the items of one deal.
func (s *store) itemsOf(dealID int64) []*item {
	var out []*item
	for _, id := range s.items.related(refDeal, dealID) {
		out = append(out, s.items.find(id))
	}
	return out
}

func itemBody() bodySpec {
	return bodySpec{
		"product_id": never, "item_price": never, "quantity": never, "tax": never, "comments": never, "discount": never,
		"is_enabled": never, "tax_method": never, "discount_type": never, "product_variation_id": maybe,
		"billing_frequency": never, "billing_frequency_cycles": maybe, "billing_start_date": maybe,
	}
}

// onDeal runs a change of a deal's items and lets its value follow.
func (c *call) onDeal(change func(*tx, *deal) error) error {
	id, err := c.pathID("id")
	if err != nil {
		return err
	}
	return c.write(c.by, func(t *tx) error {
		r := t.deals.get(id)
		if r == nil || r.is(flagDeleted) {
			return notFound("Deal")
		}
		d := t.deals.load(r)
		if err := change(t, d); err != nil {
			return err
		}
		d.UpdateTime = instantOf(t.at)
		t.valueDeal(d)
		t.deals.save(t, d)
		return nil
	})
}

func (c *call) addItem() (reply, error) {
	body, err := c.bodyFields(itemBody(), "product_id", "item_price", "quantity")
	if err != nil {
		return reply{}, err
	}
	var out *row
	err = c.onDeal(func(t *tx, d *deal) (err error) {
		out, err = t.attach(d, body)
		return err
	})
	if err != nil {
		return reply{}, err
	}
	return answerWith(http.StatusCreated, json.RawMessage(out.json)), nil
}

func (c *call) addItems() (reply, error) {
	whole, err := c.bodyFields(bodySpec{"data": never}, "data")
	if err != nil {
		return reply{}, err
	}
	var list []map[string]json.RawMessage
	if err := json.Unmarshal(whole["data"], &list); err != nil || len(list) == 0 || len(list) > maxIDs {
		return reply{}, bad("body: data must be an array of 1 to %d products", maxIDs)
	}
	out := make([]json.RawMessage, len(list))
	err = c.onDeal(func(t *tx, d *deal) error {
		for i, body := range list {
			r, err := t.attach(d, body)
			if err != nil {
				return err
			}
			out[i] = r.json
		}
		return nil
	})
	if err != nil {
		return reply{}, err
	}
	return answerWith(http.StatusCreated, out), nil
}

// attach adds one item to a deal.
func (t *tx) attach(d *deal, body map[string]json.RawMessage) (*row, error) {
	now := instantOf(t.at)
	it := item{
		ID: t.items.next, DealID: d.ID, AddTime: now, UpdateTime: now, Currency: d.Currency, TaxMethod: "inclusive",
		DiscountType: "percentage", IsEnabled: true, BillingFrequency: "one-time",
		OrderNr: int64(len(t.items.related(refDeal, d.ID)) + 1),
	}
	return t.fillItem(&it, body)
}

func (t *tx) fillItem(it *item, body map[string]json.RawMessage) (*row, error) {
	if err := assign(it, body); err != nil {
		return nil, err
	}
	p := t.products.find(it.ProductID)
	switch {
	case p == nil || p.IsDeleted:
		return nil, bad("body: product_id: product %d does not exist", it.ProductID)
	case !it.Quantity.IsPositive():
		return nil, bad("body: quantity must be above 0, got %s", it.Quantity)
	case !slices.Contains([]string{"exclusive", "inclusive", "none"}, it.TaxMethod):
		return nil, bad("body: tax_method %q does not exist", it.TaxMethod)
	case !slices.Contains([]string{"percentage", "amount"}, it.DiscountType):
		return nil, bad("body: discount_type %q does not exist", it.DiscountType)
	case !slices.Contains(billingFrequencies(), it.BillingFrequency):
		return nil, bad("body: billing_frequency %q does not exist", it.BillingFrequency)
	}
	it.Name = p.Name
	it.price()
	return t.items.save(t, it), nil
}

// itemInPath finds the item of the path, which must belong to the deal.
func (t *tx) itemInPath(c *call, d *deal) (*item, error) {
	id, err := c.pathID("product_attachment_id")
	if err != nil {
		return nil, err
	}
	it := t.items.find(id)
	if it == nil || it.DealID != d.ID {
		return nil, notFound("Deal product")
	}
	return it, nil
}

func (c *call) patchItem() (reply, error) {
	body, err := c.bodyFields(itemBody())
	if err != nil {
		return reply{}, err
	}
	var out *row
	err = c.onDeal(func(t *tx, d *deal) error {
		it, err := t.itemInPath(c, d)
		if err != nil {
			return err
		}
		it.UpdateTime = instantOf(t.at)
		out, err = t.fillItem(it, body)
		return err
	})
	if err != nil {
		return reply{}, err
	}
	return answer(json.RawMessage(out.json)), nil
}

func (c *call) deleteItem() (reply, error) {
	var id int64
	err := c.onDeal(func(t *tx, d *deal) error {
		it, err := t.itemInPath(c, d)
		if err != nil {
			return err
		}
		id = it.ID
		t.items.drop(t, id)
		return nil
	})
	if err != nil {
		return reply{}, err
	}
	return deleted(id), nil
}
