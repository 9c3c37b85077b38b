package pipedrive

import (
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"salesbook.dev/internal/sandbox"
)

// jsonKeys are the keys of the struct that v points to.
func jsonKeys(v any) []string {
	var keys []string
	t := reflect.TypeOf(v).Elem()
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		keys = append(keys, name)
	}
	return keys
}

// seedCustoms checks the custom values of a record, unless it is wrong already.
func (t *tx) seedCustoms(object string, c *customs, before error) error {
	if before != nil {
		return before
	}
	given, err := marshal(*c)
	if err != nil {
		return err
	}
	checked := customs{}
	if err := t.setCustoms(object, checked, given); err != nil {
		return err
	}
	*c = t.normal(object, checked)
	return nil
}

// seedOwner gives records without an owner to the first administrator, or to
// the first user when none is.
func (t *tx) seedOwner(id *int64) error {
	if *id == 0 {
		*id = t.administrator()
	}
	if *id == 0 && len(t.users.rows) > 0 {
		*id = t.users.rows[0].id
	}
	if t.users.get(*id) == nil {
		return fmt.Errorf("owner_id: user %d does not exist", *id)
	}
	return nil
}

func (t *tx) seedPerson(p *person) error {
	if err := t.seedOwner(&p.OwnerID); err != nil {
		return err
	}
	first, last := splitName(p.Name)
	p.FirstName, p.LastName = cmp.Or(p.FirstName, first), cmp.Or(p.LastName, last)
	onePrimary(p.Emails)
	onePrimary(p.Phones)
	return t.seedCustoms("person", &p.CustomFields, t.checkPerson(p, everyKey))
}

func (t *tx) seedProduct(p *product) error {
	if err := t.seedOwner(&p.OwnerID); err != nil {
		return err
	}
	for i := range p.Prices {
		p.Prices[i].ProductID = p.ID
	}
	return t.seedCustoms("product", &p.CustomFields, need("name", p.Name))
}

func (t *tx) seedActivity(a *activity) error {
	if err := t.seedOwner(&a.OwnerID); err != nil {
		return err
	}
	a.CreatorUserID = cmp.Or(a.CreatorUserID, a.OwnerID)
	a.Subject = cmp.Or(a.Subject, t.activityName(a.Type))
	if a.Done && a.MarkedAsDoneTime == 0 {
		a.MarkedAsDoneTime = a.UpdateTime
	}
	return t.checkActivity(a, everyKey)
}

func (t *tx) seedNote(n *note) error {
	if n.UserID == 0 {
		if err := t.seedOwner(&n.UserID); err != nil {
			return err
		}
	}
	n.LastUpdateUserID = cmp.Or(n.LastUpdateUserID, ref(n.UserID))
	return t.checkNote(n, everyKey)
}

func (t *tx) seedActivityType(raw json.RawMessage) error {
	n := t.activityTypes.next
	a := activityType{ID: n, OrderNr: n, IconKey: "task", ActiveFlag: true, IsCustomFlag: true, AddTime: stampOf(t.at), UpdateTime: stampOf(t.at)}
	return seedInto(t, t.activityTypes, raw, &a, func(a *activityType) error {
		return cmp.Or(need("name", a.Name), need("key_string", a.KeyString))
	})
}

func (t *tx) seedLeadLabel(raw json.RawMessage) error {
	l := leadLabel{ID: t.ids.uuid(), Row: t.leadLabels.next, Color: "gray", AddTime: milliOf(t.at), UpdateTime: milliOf(t.at)}
	return seedInto(t, t.leadLabels, raw, &l, func(l *leadLabel) error { return need("name", l.Name) })
}

// seedDeal fills what follows from what the line says: the pipeline from the
// stage, the closing times from the status, the update time from the latest
// of the others.
func (t *tx) seedDeal(raw json.RawMessage) error {
	d := t.newDeal()
	d.UpdateTime = 0
	return seedInto(t, t.deals, raw, &d, func(d *deal) error {
		if err := t.seedOwner(&d.OwnerID); err != nil {
			return err
		}
		d.CreatorUserID = cmp.Or(d.CreatorUserID, d.OwnerID)
		if err := t.seedStage(d); err != nil {
			return err
		}
		seedClosing(d)
		d.StageChangeTime = cmp.Or(d.StageChangeTime, d.AddTime)
		d.UpdateTime = cmp.Or(d.UpdateTime, max(d.AddTime, d.StageChangeTime, d.CloseTime, d.ArchiveTime))
		d.LocalWonDate, d.LocalLostDate, d.LocalCloseDate = t.localDay(d.WonTime), t.localDay(d.LostTime), t.localDay(d.CloseTime)
		return t.seedCustoms("deal", &d.CustomFields, t.checkDeal(d, everyKey))
	})
}

func (t *tx) seedStage(d *deal) error {
	if d.StageID == 0 {
		d.PipelineID = cmp.Or(d.PipelineID, t.firstPipeline())
		d.StageID = t.firstStage(d.PipelineID)
	}
	st := t.stages.get(d.StageID)
	if st == nil {
		return fmt.Errorf("stage_id: stage %d does not exist", d.StageID)
	}
	d.PipelineID = cmp.Or(d.PipelineID, st.refs[refPipeline])
	if st.refs[refPipeline] != d.PipelineID {
		return fmt.Errorf("stage_id: stage %d is not in pipeline %d", d.StageID, d.PipelineID)
	}
	return nil
}

func seedClosing(d *deal) {
	at := cmp.Or(d.CloseTime, d.WonTime, d.LostTime, d.UpdateTime, d.AddTime)
	switch d.Status {
	case statusWon:
		d.WonTime, d.CloseTime = cmp.Or(d.WonTime, at), cmp.Or(d.CloseTime, at)
	case statusLost:
		d.LostTime, d.CloseTime = cmp.Or(d.LostTime, at), cmp.Or(d.CloseTime, at)
	case statusDeleted:
		d.IsDeleted = true
	}
	if d.IsDeleted {
		d.Status = statusDeleted
	}
	if d.IsArchived {
		d.ArchiveTime = cmp.Or(d.ArchiveTime, at)
	}
}

func (t *tx) seedItem(raw json.RawMessage) error {
	it := item{
		ID: t.items.next, AddTime: instantOf(t.at), UpdateTime: instantOf(t.at), TaxMethod: "inclusive", Quantity: whole(1),
		DiscountType: "percentage", IsEnabled: true, BillingFrequency: "one-time",
	}
	return seedInto(t, t.items, raw, &it, func(it *item) error {
		d, p := t.deals.find(it.DealID), t.products.find(it.ProductID)
		if d == nil {
			return fmt.Errorf("deal_id: deal %d does not exist", it.DealID)
		}
		if p == nil {
			return fmt.Errorf("product_id: product %d does not exist", it.ProductID)
		}
		it.Name, it.Currency = cmp.Or(it.Name, p.Name), cmp.Or(it.Currency, d.Currency)
		it.OrderNr = cmp.Or(it.OrderNr, int64(len(t.items.related(refDeal, d.ID))+1))
		it.price()
		return nil
	})
}

// revalue lets the value of a deal with seeded products be their sum.
func (t *tx) revalue(l sandbox.SeedLine) error {
	var in struct {
		DealID int64 `json:"deal_id"`
	}
	if err := json.Unmarshal(l.Record, &in); err != nil {
		return fmt.Errorf("seed line %d: dealProducts: deal_id: %w", l.Number, err)
	}
	d := t.deals.find(in.DealID)
	t.valueDeal(d)
	t.deals.save(t, d)
	return nil
}

// seedLead takes a lead with its custom values flat, as v1 shows it.
func (t *tx) seedLead(raw json.RawMessage) error {
	var body map[string]json.RawMessage
	if err := json.Unmarshal(raw, &body); err != nil {
		return fmt.Errorf("record: want an object, got %s", clip(raw))
	}
	l := t.newLead()
	plain := map[string]json.RawMessage{}
	flat := t.leadCustomKeys()
	for key, v := range body {
		if !slices.Contains(flat, key) {
			plain[key] = v
		}
	}
	if err := t.fillLeadCustoms(&l, body); err != nil {
		return inSeed(err)
	}
	rest, err := marshal(plain)
	if err != nil {
		return err
	}
	return seedInto(t, t.leads, rest, &l, func(l *lead) error {
		if err := t.seedOwner(&l.OwnerID); err != nil {
			return err
		}
		l.CreatorID = cmp.Or(l.CreatorID, l.OwnerID)
		return t.checkLead(l, everyKey)
	})
}

func (t *tx) leadCustomKeys() []string {
	var keys []string
	for _, f := range t.catalogs["deal"].list {
		if f.IsCustomField {
			keys = append(keys, f.flatKeys()...)
		}
	}
	return keys
}

// seedField adds a field, or changes the one that has its code.
func (t *tx) seedField(object string, raw json.RawMessage) error {
	var head struct {
		Code string `json:"field_code"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return fmt.Errorf("field_code: want a string")
	}
	f := &field{ID: t.fields[object].next, FieldCode: t.ids.hex(40), IsCustomField: true}
	f.describe(object)
	if have := t.field(object, head.Code); have != nil {
		mine := *have
		mine.Options = nil
		f = &mine
	}
	if err := strictRecord(raw, f); err != nil {
		return err
	}
	if err := cmp.Or(need("field_name", f.FieldName), need("field_type", f.FieldType)); err != nil {
		return err
	}
	if f.Subfields == nil {
		f.Subfields = subfieldsOf(f.FieldCode, f.FieldName, f.FieldType)
	}
	t.saveField(object, f)
	return nil
}
