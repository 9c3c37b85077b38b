package sales_test

import (
	"encoding/json"
	"testing"

	"salesbook.dev/internal/sales"
)

// TestDemand: one form for all vendors, and the one that rows had before.
func TestDemand(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][3]bool{ // at 7, at Lejek|Oferta, to win in 1
		`{"enabled": true}`: {true, true, true},
		`{"enabled": true, "stage_ids": [], "statuses": {}}`: {true, true, true},
		`{"enabled": false}`:                                             {},
		`{"enabled": false, "stage_ids": ["7"]}`:                         {},
		`{"enabled": true, "stage_ids": ["7"]}`:                          {true, false, false},
		`{"enabled": true, "stage_ids": [7, 8]}`:                         {true, false, false},
		`{"enabled": true, "stage_ids": ["Lejek|Oferta"]}`:               {false, true, false},
		`{"enabled": true, "statuses": {"1": ["won"], "2": ["lost"]}}`:   {false, false, true},
		`{"enabled": true, "statuses": {"1": ["lost"], "2": ["won"]}}`:   {},
		`{"enabled": true, "stage_ids": [7], "statuses": {"1":["won"]}}`: {true, false, true},
	} {
		var d sales.Demand
		if err := json.Unmarshal([]byte(text), &d); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if got := [3]bool{d.At("7"), d.At("Lejek|Oferta"), d.To("won", "1")}; got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
	var d sales.Demand
	if err := json.Unmarshal([]byte(`{"enabled": true, "stage_ids": [null]}`), &d); err == nil {
		t.Error("what is no id is taken for one")
	}
}
