package zoho

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/shopspring/decimal"
)

// deriveDeal holds a deal's pipeline and stage together and sets what follows
// from the stage.
func (t *tx) deriveDeal(old, next *row, i int) error {
	v := next.values
	p := t.settings.pipelineWith(next.text("Pipeline"), next.text("Stage"))
	if p == nil {
		return invalidData("invalid data", object{"api_name": "Pipeline", "json_path": fmt.Sprintf("$.data[%d].Pipeline", i), "expected_data_type": "picklist"})
	}
	v["Pipeline"] = p.Actual
	st := p.step(next.text("Stage"))
	if st == nil {
		return bad("MAPPING_MISMATCH", "Pipeline doesn`t contain the Stage", object{
			"api_name": "Stage", "json_path": fmt.Sprintf("$.data[%d].Stage", i), "mapped_field": "Pipeline",
		})
	}
	if old == nil || old.text("Stage") != st.Actual {
		v["Stage_Modified_Time"] = utc(t.at)
		if old == nil && v["Probability"] == nil || old != nil && v["Probability"] == old.values["Probability"] {
			v["Probability"] = json.Number(strconv.Itoa(st.Probability))
		}
	}
	if !t.opt.Company.OneCurrency {
		v["Currency"] = cmp.Or(v["Currency"], any(t.opt.Company.Currency))
		v["Exchange_Rate"] = cmp.Or(v["Exchange_Rate"], any(json.Number("1")))
	}
	v["Expected_Revenue"] = expected(v)
	return nil
}

// expected is amount times probability, nil where one of them is missing.
func expected(v values) any {
	amount, ok1 := v["Amount"].(json.Number)
	probability, ok2 := v["Probability"].(json.Number)
	a, err1 := decimal.NewFromString(amount.String())
	p, err2 := decimal.NewFromString(probability.String())
	if !ok1 || !ok2 || err1 != nil || err2 != nil {
		return nil
	}
	return json.Number(a.Mul(p).Shift(-2).String())
}

// enterStage begins a stay in a stage: a row of the deal's history, whose
// Modified_Time is when the stay began (fact sheet 2.5).
func (t *tx) enterStage(deal *row) {
	v := values{"Potential_Name": deal.key(), "Modified_Time": utc(t.at), "Created_Time": utc(t.at), "Modified_By": t.by, "Created_By": t.by, "Owner": deal.values["Owner"]}
	for _, f := range []string{"Stage", "Amount", "Probability", "Expected_Revenue", "Closing_Date"} {
		v[f] = deal.values[f]
	}
	t.add("DealHistory", v)
}

// leaveStage ends the present stay. The row's Modified_Time stays: it tells
// when the stay began.
func (t *tx) leaveStage(old, next *row) {
	stays := t.tables["DealHistory"].related(old.key())
	if len(stays) == 0 {
		return
	}
	last := stays[len(stays)-1]
	days := json.Number("0")
	if began, err := time.Parse(time.RFC3339, last.text("Modified_Time")); err == nil {
		days = json.Number(strconv.Itoa(int(t.at.Sub(began) / (24 * time.Hour))))
	}
	t.put("DealHistory", last, last.with(values{"Moved_To__s": next.values["Stage"], "Duration_Days": days}))
}
