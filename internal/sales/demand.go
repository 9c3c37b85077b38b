package sales

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
)

// Demand is when a CRM's own pages demand a field: what column required of kind
// fields holds, in one form for all vendors. Ids are canonical, as texts. Enabled
// without stages and statuses is everywhere.
type Demand struct {
	Enabled  bool                `json:"enabled"`
	Stages   []string            `json:"stage_ids"` // ids of stages in which it is demanded
	Statuses map[string][]string `json:"statuses"`  // by id of the pipeline: won, lost
}

// UnmarshalJSON reads it, also as it was stored when ids that are numbers stood there
// as numbers: such rows are there until they have been mapped anew.
func (d *Demand) UnmarshalJSON(b []byte) error {
	var in struct {
		Enabled  bool                `json:"enabled"`
		Stages   []json.RawMessage   `json:"stage_ids"`
		Statuses map[string][]string `json:"statuses"`
	}
	if err := json.Unmarshal(b, &in); err != nil {
		return err
	}
	*d = Demand{Enabled: in.Enabled, Statuses: in.Statuses}
	for _, raw := range in.Stages {
		var id string
		var number json.Number
		switch {
		case string(raw) == "null", json.Unmarshal(raw, &id) != nil && json.Unmarshal(raw, &number) != nil:
			return fmt.Errorf("stage_ids hold %s, which is no id", raw)
		}
		d.Stages = append(d.Stages, cmp.Or(id, number.String()))
	}
	return nil
}

// Everywhere tells whether it is demanded in all stages, and to win or lose.
func (d *Demand) Everywhere() bool {
	return d.Enabled && len(d.Stages) == 0 && len(d.Statuses) == 0
}

// At tells whether it is demanded in a stage.
func (d *Demand) At(stage string) bool {
	return d.Everywhere() || d.Enabled && slices.Contains(d.Stages, stage)
}

// To tells whether it is demanded to end a deal of a pipeline as won or lost.
func (d *Demand) To(status, pipeline string) bool {
	return d.Everywhere() || d.Enabled && slices.Contains(d.Statuses[pipeline], status)
}
