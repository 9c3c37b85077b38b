package pipedrive

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/shopspring/decimal"
)

// fillDeal writes a request's values into a deal and lets the vendor's rules
// follow: which fields go together, what a change of stage or status sets.
func (t *tx) fillDeal(d *deal, body map[string]json.RawMessage) error {
	before := *d
	before.CustomFields = nil
	if custom, ok := body["custom_fields"]; ok {
		if err := t.setCustoms("deal", d.CustomFields, custom); err != nil {
			return err
		}
	}
	plain := without(body, "custom_fields")
	if _, ok := plain["label_ids"]; ok {
		d.LabelIDs = nil
	}
	if err := assign(d, plain); err != nil {
		return err
	}
	if _, ok := body["status"]; ok && d.Status == statusDeleted {
		return bad("body: status must be open, won or lost")
	}
	d.CustomFields = t.normal("deal", d.CustomFields)
	err := firstError(
		func() error { return t.checkDeal(d, keysOf(body)) },
		func() error { return t.placeDeal(d, before, body) },
		func() error { return t.closeDeal(d, before, body) },
	)
	if err != nil {
		return err
	}
	t.fileDeal(d, before, body)
	t.valueDeal(d)
	return nil
}

func without(body map[string]json.RawMessage, key string) map[string]json.RawMessage {
	out := make(map[string]json.RawMessage, len(body))
	for k, v := range body {
		if k != key {
			out[k] = v
		}
	}
	return out
}

func firstError(checks ...func() error) error {
	for _, check := range checks {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) checkDeal(d *deal, set sent) error {
	switch {
	case d.Title == "":
		return bad("body: title must not be empty")
	case !validCurrency(d.Currency):
		return bad("body: currency: %q is not one of the account's currencies", d.Currency)
	case !validVisibility(d.VisibleTo):
		return bad("body: visible_to must be 1, 3, 5 or 7, got %d", d.VisibleTo)
	case d.Value.IsNegative():
		return bad("body: value must not be negative")
	case d.Probability != nil && (d.Probability.IsNegative() || d.Probability.GreaterThan(decimal.New(100, 0))):
		return bad("body: probability must be 0 to 100 or null, got %s", d.Probability)
	}
	return firstError(
		func() error { return t.checkOwner(set, "owner_id", d.OwnerID) },
		func() error { return t.checkRef(set, "person_id", t.persons.table, int64(d.PersonID)) },
		func() error { return t.checkRef(set, "org_id", t.organizations.table, int64(d.OrgID)) },
		func() error { return t.checkLabels(set, "deal", d.LabelIDs) },
	)
}

// alive reports whether a record exists and is not deleted.
func (s *store) alive(t *table, id int64) bool {
	r := t.get(id)
	return r != nil && !r.is(flagDeleted)
}

func validVisibility(n int) bool { return slices.Contains([]int{1, 3, 5, 7}, n) }

// placeDeal settles pipeline and stage: a pipeline alone means its first stage,
// a stage must lie in the deal's pipeline.
func (t *tx) placeDeal(d *deal, before deal, body map[string]json.RawMessage) error {
	_, setPipeline := body["pipeline_id"]
	_, setStage := body["stage_id"]
	created := before.StageID == 0
	if created && setStage && !setPipeline {
		if st := t.stages.get(d.StageID); st != nil {
			d.PipelineID = st.refs[refPipeline]
		}
	}
	if created && !setStage && !setPipeline {
		d.PipelineID = t.firstPipeline()
	}
	if !t.alive(t.pipelines.table, d.PipelineID) && d.PipelineID != before.PipelineID {
		return bad("body: pipeline_id: pipeline %d does not exist", d.PipelineID)
	}
	if d.PipelineID != before.PipelineID && !setStage {
		d.StageID = t.firstStage(d.PipelineID)
	}
	if d.StageID == before.StageID {
		return nil
	}
	st := t.stages.get(d.StageID)
	if st == nil || st.is(flagDeleted) {
		return bad("body: stage_id: stage %d does not exist", d.StageID)
	}
	if st.refs[refPipeline] != d.PipelineID {
		return bad("body: stage_id: stage %d is not in pipeline %d: send pipeline_id too", d.StageID, d.PipelineID)
	}
	d.StageChangeTime = instantOf(t.at)
	return nil
}

// closeDeal lets the closing times and the lost reason follow the status.
// What reopening does to them is undocumented; here it clears them.
func (t *tx) closeDeal(d *deal, before deal, body map[string]json.RawMessage) error {
	if err := closingFields(d, body); err != nil {
		return err
	}
	now := instantOf(t.at)
	changed := d.Status != before.Status
	sent := func(key string) bool { _, ok := body[key]; return ok }
	if d.Status == statusOpen {
		d.CloseTime, d.WonTime, d.LostTime, d.LostReason = 0, 0, 0, nil
	}
	if d.Status == statusWon {
		d.LostTime, d.LostReason = 0, nil
		if changed && !sent("won_time") {
			d.WonTime = now
		}
	}
	if d.Status == statusLost {
		d.WonTime = 0
		if changed && !sent("lost_time") {
			d.LostTime = now
		}
	}
	if changed && d.Status != statusOpen && !sent("close_time") {
		d.CloseTime = max(d.WonTime, d.LostTime)
	}
	d.LocalWonDate, d.LocalLostDate, d.LocalCloseDate = t.localDay(d.WonTime), t.localDay(d.LostTime), t.localDay(d.CloseTime)
	return nil
}

// closingFields refuses closing values that the status forbids (v2 document, 2026-08-18).
func closingFields(d *deal, body map[string]json.RawMessage) error {
	allowed := map[string]bool{
		"lost_reason": d.Status == statusLost,
		"lost_time":   d.Status == statusLost,
		"won_time":    d.Status == statusWon,
		"close_time":  d.Status == statusWon || d.Status == statusLost,
	}
	for _, key := range []string{"lost_reason", "lost_time", "won_time", "close_time"} {
		if v, ok := body[key]; ok && string(v) != "null" && !allowed[key] {
			return bad("body: %s cannot be set while the deal's status is %s", key, d.Status)
		}
	}
	return nil
}

func (s *Sim) localDay(i instant) day {
	if i == 0 {
		return ""
	}
	return dayOf(time.Unix(int64(i), 0).In(s.zone))
}

// fileDeal settles archiving and deletion.
func (t *tx) fileDeal(d *deal, before deal, body map[string]json.RawMessage) {
	_, timed := body["archive_time"]
	switch {
	case !d.IsArchived:
		d.ArchiveTime = 0
	case !before.IsArchived && !timed || d.ArchiveTime == 0:
		d.ArchiveTime = instantOf(t.at)
	}
	switch {
	case d.IsDeleted && !before.IsDeleted:
		t.markDeleted(d)
	case !d.IsDeleted && before.IsDeleted:
		// What the deal was before is not kept; it comes back as its times tell.
		d.Status = statusOpen
		if d.WonTime != 0 {
			d.Status = statusWon
		} else if d.LostTime != 0 {
			d.Status = statusLost
		}
	}
}

// valueDeal makes the value the sum of the attached products, when there are any.
func (t *tx) valueDeal(d *deal) { d.valueBy(t.itemsOf(d.ID)) }

func (d *deal) valueBy(items []*item) {
	if len(items) == 0 {
		d.ACV, d.ARR, d.MRR = nil, nil, nil
		return
	}
	var sum, yearly decimal.Decimal
	for _, it := range items {
		if it.IsEnabled {
			sum = sum.Add(it.Sum.Decimal)
			yearly = yearly.Add(it.Sum.Mul(it.perYear()))
		}
	}
	d.Value = amount{sum}
	oneTime := sum
	if !yearly.IsZero() {
		oneTime = decimal.Zero
	}
	d.ARR = &amount{yearly}
	d.MRR = &amount{yearly.DivRound(decimal.New(12, 0), 2)}
	d.ACV = &amount{yearly.Add(oneTime)}
}
