package pipedrive

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"
)

// conversionTakes is how long a conversion runs.
const conversionTakes = time.Second

// conversion is a lead on its way to becoming a deal.
type conversion struct {
	ID     int64   `json:"id"`
	Key    string  `json:"conversion_id"`
	LeadID string  `json:"lead_id"`
	DealID int64   `json:"deal_id,omitempty"`
	Status string  `json:"status"`
	At     instant `json:"at"`
}

func indexConversion(v *conversion) row { return row{id: v.ID, key: v.Key} }

func (s *Sim) convertRoutes() []route {
	return []route{
		{"POST", 2, "/leads/{id}/convert/deal", 40, "leads:full", (*call).convertLead},
		{"GET", 2, "/leads/{id}/convert/status/{conversion_id}", 1, "leads:full leads:read", (*call).conversionStatus},
	}
}

// convertLead starts a conversion, which ends on its own a little later.
func (c *call) convertLead() (reply, error) {
	var want struct {
		StageID    int64 `json:"stage_id"`
		PipelineID int64 `json:"pipeline_id"`
	}
	if len(c.body) > 0 {
		body, err := c.bodyFields(bodySpec{"stage_id": never, "pipeline_id": never})
		if err != nil {
			return reply{}, err
		}
		if err := assign(&want, body); err != nil {
			return reply{}, err
		}
	}
	var v conversion
	err := c.write(c.by, func(t *tx) error {
		r := t.leads.byCode(c.r.PathValue("id"))
		if r == nil {
			return &refusal{status: http.StatusNotFound, msg: "Entity was not found", info: "Object was not found."}
		}
		v = conversion{ID: t.conversions.next, Key: t.ids.uuid(), LeadID: r.key, Status: "running", At: instantOf(t.at)}
		t.conversions.save(t, &v)
		return nil
	})
	if err != nil {
		return reply{}, err
	}
	by := c.by
	c.clock.AfterFunc(conversionTakes, func() { c.finishConversion(by, v.ID, want.PipelineID, want.StageID) })
	return answerMore(map[string]string{"conversion_id": v.Key}, nil), nil
}

func (c *call) conversionStatus() (reply, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	r := c.conversions.byCode(c.r.PathValue("conversion_id"))
	if r == nil {
		return reply{}, &refusal{status: http.StatusNotFound, msg: "Entity was not found", info: "Object was not found."}
	}
	v := c.conversions.load(r)
	out := map[string]any{"conversion_id": v.Key, "status": v.Status, "lead_id": v.LeadID}
	if v.DealID != 0 {
		out["deal_id"] = v.DealID
	}
	return answerMore(out, nil), nil
}

// rawNumber renders an id for a request body made inside the simulator.
func rawNumber(n int64) json.RawMessage { return json.RawMessage(optionNumber(n)) }

// finishConversion makes the deal, moves what hangs on the lead and removes it.
func (s *Sim) finishConversion(by actor, id, pipelineID, stageID int64) {
	err := s.write(by, func(t *tx) error {
		v := t.conversions.find(id)
		r := t.leads.byCode(v.LeadID)
		if r == nil {
			v.Status = "failed"
			t.conversions.save(t, v)
			return nil
		}
		d, err := t.dealFromLead(t.leads.load(r), pipelineID, stageID)
		if err != nil {
			v.Status = "rejected"
			t.conversions.save(t, v)
			return nil
		}
		t.moveFromLead(r, d.ID)
		t.leads.drop(t, r.id)
		v.Status, v.DealID = "completed", d.ID
		t.conversions.save(t, v)
		return nil
	})
	if err != nil {
		s.log.Error("could not convert a lead", "conversion", id, "error", err)
	}
}

func (t *tx) dealFromLead(l *lead, pipelineID, stageID int64) (*deal, error) {
	d := t.newDeal()
	d.Title, d.OwnerID, d.PersonID, d.OrgID = l.Title, l.OwnerID, l.PersonID, l.OrganizationID
	d.ExpectedCloseDate, d.CustomFields = l.ExpectedCloseDate, l.CustomFields
	if l.Value != nil {
		d.Value, d.Currency = l.Value.Amount, l.Value.Currency
	}
	body := map[string]json.RawMessage{}
	if pipelineID != 0 {
		body["pipeline_id"] = rawNumber(pipelineID)
	}
	if stageID != 0 {
		body["stage_id"] = rawNumber(stageID)
	}
	if err := t.fillDeal(&d, body); err != nil {
		return nil, err
	}
	t.deals.save(t, &d)
	t.histories.save(t, &history{DealID: d.ID, SourceLead: text(l.ID)})
	return &d, nil
}

// moveFromLead hangs a lead's activities and notes on the deal.
func (t *tx) moveFromLead(r *row, dealID int64) {
	for _, id := range slices.Clone(t.activities.related(refLead, r.refs[refLead])) {
		a := t.activities.find(id)
		a.LeadID, a.DealID, a.UpdateTime = "", ref(dealID), instantOf(t.at)
		t.activities.save(t, a)
	}
	for _, id := range slices.Clone(t.notes.related(refLead, r.refs[refLead])) {
		n := t.notes.find(id)
		n.LeadID, n.DealID, n.UpdateTime = "", ref(dealID), stampOf(t.at)
		t.notes.save(t, n)
	}
}
