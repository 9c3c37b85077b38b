package pipedrive

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/tidwall/gjson"
)

// product is a catalogue entry as v2 lists it.
type product struct {
	ID                     int64   `json:"id"`
	Name                   string  `json:"name"`
	Code                   text    `json:"code"`
	Description            text    `json:"description"`
	Unit                   string  `json:"unit"`
	Tax                    amount  `json:"tax"`
	Category               text    `json:"category"`
	IsLinkable             bool    `json:"is_linkable"`
	IsDeleted              bool    `json:"is_deleted"`
	VisibleTo              int     `json:"visible_to"`
	OwnerID                int64   `json:"owner_id"`
	AddTime                instant `json:"add_time"`
	UpdateTime             instant `json:"update_time"`
	BillingFrequency       string  `json:"billing_frequency"`
	BillingFrequencyCycles ref     `json:"billing_frequency_cycles"`
	Prices                 []price `json:"prices"`
	CustomFields           customs `json:"custom_fields"`
}

type price struct {
	ProductID  int64   `json:"product_id"`
	Price      amount  `json:"price"`
	Currency   string  `json:"currency"`
	Cost       amount  `json:"cost"`
	DirectCost *amount `json:"direct_cost"`
	Notes      string  `json:"notes"`
}

func indexProduct(p *product) row {
	r := row{id: p.ID, added: int64(p.AddTime) * 1000, updated: int64(p.UpdateTime) * 1000}
	r.refs[refOwner] = p.OwnerID
	if p.IsDeleted {
		r.flags |= flagDeleted
	}
	return r
}

func (s *Sim) productRoutes() []route {
	const read, full = "products:read products:full", "products:full"
	res := resource[product]{
		kind: s.products, what: "Product", body: productBody(), required: []string{"name"}, created: http.StatusCreated,
		blank: (*tx).newProduct, fill: (*tx).fillProduct,
		erase: func(_ *tx, p *product) { p.IsDeleted = true },
		touch: func(p *product, now time.Time) { p.UpdateTime = instantOf(now) },
	}
	return []route{
		{"GET", 2, "/products", 10, read, (*call).listProducts},
		{"GET", 2, "/products/{id}", 1, read, func(c *call) (reply, error) { return c.getOne(c.products.table, "Product", nil) }},
		{"POST", 2, "/products", 5, full, res.add},
		{"PATCH", 2, "/products/{id}", 5, full, res.patch},
		{"DELETE", 2, "/products/{id}", 3, full, res.remove},
	}
}

func (c *call) listProducts() (reply, error) {
	l, err := c.listing(c.products.table, "name", "add_time", "update_time")
	if err != nil {
		return reply{}, err
	}
	if err := l.byRef(c, map[string]refKind{"owner_id": refOwner}); err != nil {
		return reply{}, err
	}
	show, err := c.showCustoms("product")
	if err != nil {
		return reply{}, err
	}
	if show != nil {
		l.show = func(b []byte, r *row) []byte {
			p := c.products.load(r)
			p.CustomFields = show(p.CustomFields)
			return append(b, c.products.render(p).json...)
		}
	}
	return c.respond(l)
}

// name is a record's name, for lists sorted by it.
func (r *row) name() string {
	return gjson.GetBytes(r.json, "name").Str
}

func productBody() bodySpec {
	return bodySpec{
		"name": never, "code": maybe, "description": maybe, "unit": never, "tax": never, "category": maybe, "owner_id": never,
		"is_linkable": never, "visible_to": never, "prices": never, "custom_fields": never,
		"billing_frequency": never, "billing_frequency_cycles": maybe,
	}
}

func (t *tx) newProduct() product {
	now := instantOf(t.at)
	return product{
		ID: t.products.next, OwnerID: t.by.user, AddTime: now, UpdateTime: now, VisibleTo: 3, IsLinkable: true,
		BillingFrequency: "one-time", Prices: []price{}, CustomFields: customs{},
	}
}

func (t *tx) fillProduct(p *product, body map[string]json.RawMessage) error {
	if raw := body["custom_fields"]; raw != nil {
		if err := t.setCustoms("product", p.CustomFields, raw); err != nil {
			return err
		}
	}
	plain := without(body, "custom_fields")
	if raw, ok := plain["category"]; ok && raw[0] != '"' && !isNull(raw) {
		plain["category"] = quoted(string(raw)) // written as a number, read as a string
	}
	if err := assign(p, plain); err != nil {
		return err
	}
	p.CustomFields = t.normal("product", p.CustomFields)
	for i := range p.Prices {
		p.Prices[i].ProductID = p.ID
		if !validCurrency(p.Prices[i].Currency) {
			return bad("body: prices: %q is not one of the account's currencies", p.Prices[i].Currency)
		}
	}
	switch {
	case p.Name == "":
		return bad("body: name must not be empty")
	case !validVisibility(p.VisibleTo):
		return bad("body: visible_to must be 1, 3, 5 or 7, got %d", p.VisibleTo)
	case !slices.Contains(billingFrequencies(), p.BillingFrequency):
		return bad("body: billing_frequency %q does not exist", p.BillingFrequency)
	}
	return t.checkOwner(keysOf(body), "owner_id", p.OwnerID)
}

func billingFrequencies() []string {
	return []string{"one-time", "annually", "semi-annually", "quarterly", "monthly", "weekly"}
}
