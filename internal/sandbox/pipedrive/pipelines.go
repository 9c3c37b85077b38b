package pipedrive

import (
	"encoding/json"
	"time"
)

// pipeline is a pipeline as v2 lists it.
type pipeline struct {
	ID                       int64   `json:"id"`
	Name                     string  `json:"name"`
	OrderNr                  int64   `json:"order_nr"`
	IsDeleted                bool    `json:"is_deleted"`
	IsDealProbabilityEnabled bool    `json:"is_deal_probability_enabled"`
	AddTime                  instant `json:"add_time"`
	UpdateTime               instant `json:"update_time"`
}

func indexPipeline(p *pipeline) row {
	r := row{id: p.ID, added: int64(p.AddTime) * 1000, updated: int64(p.UpdateTime) * 1000, order: p.OrderNr}
	if p.IsDeleted {
		r.flags |= flagDeleted
	}
	return r
}

// stage is a stage as v2 lists it.
type stage struct {
	ID               int64   `json:"id"`
	OrderNr          int64   `json:"order_nr"`
	Name             string  `json:"name"`
	IsDeleted        bool    `json:"is_deleted"`
	DealProbability  int64   `json:"deal_probability"`
	PipelineID       int64   `json:"pipeline_id"`
	IsDealRotEnabled bool    `json:"is_deal_rot_enabled"`
	DaysToRotten     *int64  `json:"days_to_rotten"`
	AddTime          instant `json:"add_time"`
	UpdateTime       instant `json:"update_time"`
}

func indexStage(s *stage) row {
	r := row{id: s.ID, added: int64(s.AddTime) * 1000, updated: int64(s.UpdateTime) * 1000, order: s.OrderNr}
	r.refs[refPipeline] = s.PipelineID
	if s.IsDeleted {
		r.flags |= flagDeleted
	}
	return r
}

func (s *Sim) pipelineRoutes() []route {
	const read, full = "deals:read deals:full admin", "admin"
	res := resource[pipeline]{
		kind: s.pipelines, what: "Pipeline", body: bodySpec{"name": never, "is_deal_probability_enabled": never},
		required: []string{"name"}, blank: (*tx).newPipeline, fill: (*tx).fillPipeline, erase: (*tx).erasePipeline,
		touch: func(p *pipeline, now time.Time) { p.UpdateTime = instantOf(now) },
	}
	return []route{
		{"GET", 2, "/pipelines", 5, read, (*call).listPipelines},
		{"GET", 2, "/pipelines/{id}", 1, read, func(c *call) (reply, error) { return c.getOne(c.pipelines.table, "Pipeline", nil) }},
		{"POST", 2, "/pipelines", 5, full, res.add},
		{"PATCH", 2, "/pipelines/{id}", 5, full, res.patch},
		{"DELETE", 2, "/pipelines/{id}", 3, full, res.remove},
	}
}

func (s *Sim) stageRoutes() []route {
	const read, full = "deals:read deals:full admin", "admin"
	res := resource[stage]{
		kind: s.stages, what: "Stage", required: []string{"name", "pipeline_id"},
		body: bodySpec{
			"name": never, "pipeline_id": never, "deal_probability": never, "is_deal_rot_enabled": never, "days_to_rotten": maybe,
		},
		blank: (*tx).newStage, fill: (*tx).fillStage, erase: func(_ *tx, st *stage) { st.IsDeleted = true },
		touch: func(st *stage, now time.Time) { st.UpdateTime = instantOf(now) },
	}
	return []route{
		{"GET", 2, "/stages", 5, read, (*call).listStages},
		{"GET", 2, "/stages/{id}", 1, read, func(c *call) (reply, error) { return c.getOne(c.stages.table, "Stage", nil) }},
		{"POST", 2, "/stages", 5, full, res.add},
		{"PATCH", 2, "/stages/{id}", 5, full, res.patch},
		{"DELETE", 2, "/stages/{id}", 3, full, res.remove},
	}
}

func (c *call) listPipelines() (reply, error) {
	l, err := c.listing(c.pipelines.table, "update_time", "add_time")
	if err != nil {
		return reply{}, err
	}
	return c.respond(l)
}

func (c *call) listStages() (reply, error) {
	l, err := c.listing(c.stages.table, "update_time", "add_time", "order_nr")
	if err != nil {
		return reply{}, err
	}
	if err := l.byRef(c, map[string]refKind{"pipeline_id": refPipeline}); err != nil {
		return reply{}, err
	}
	return c.respond(l)
}

func (t *tx) newPipeline() pipeline {
	now := instantOf(t.at)
	return pipeline{
		ID: t.pipelines.next, OrderNr: int64(len(t.pipelines.rows) + 1), IsDealProbabilityEnabled: true,
		AddTime: now, UpdateTime: now,
	}
}

func (t *tx) fillPipeline(p *pipeline, body map[string]json.RawMessage) error {
	if err := assign(p, body); err != nil {
		return err
	}
	if p.Name == "" {
		return bad("body: name must not be empty")
	}
	return nil
}

// erasePipeline deletes a pipeline and its stages; deals go on pointing to them.
func (t *tx) erasePipeline(p *pipeline) {
	p.IsDeleted = true
	for _, id := range t.stages.related(refPipeline, p.ID) {
		if st := t.stages.find(id); !st.IsDeleted {
			st.IsDeleted, st.UpdateTime = true, instantOf(t.at)
			t.stages.save(t, st)
		}
	}
}

func (t *tx) newStage() stage {
	now := instantOf(t.at)
	return stage{ID: t.stages.next, DealProbability: 100, AddTime: now, UpdateTime: now}
}

func (t *tx) fillStage(st *stage, body map[string]json.RawMessage) error {
	if err := assign(st, body); err != nil {
		return err
	}
	if st.OrderNr == 0 {
		st.OrderNr = int64(len(t.stages.related(refPipeline, st.PipelineID)) + 1)
	}
	switch {
	case st.Name == "":
		return bad("body: name must not be empty")
	case !t.alive(t.pipelines.table, st.PipelineID):
		return bad("body: pipeline_id: pipeline %d does not exist", st.PipelineID)
	case st.DealProbability < 0 || st.DealProbability > 100:
		return bad("body: deal_probability must be 0 to 100, got %d", st.DealProbability)
	}
	return nil
}

// firstPipeline is where a deal starts when nobody says otherwise, 0 when
// there is none.
func (s *store) firstPipeline() int64 { return firstAlive(s.pipelines.rows) }

// firstStage is the first stage of a pipeline, 0 when it has none.
func (s *store) firstStage(pipelineID int64) int64 {
	return firstAlive(s.stages.pick(s.stages.related(refPipeline, pipelineID)))
}

func firstAlive(rows []*row) int64 {
	var best *row
	for _, r := range rows {
		if !r.is(flagDeleted) && (best == nil || r.order < best.order) {
			best = r
		}
	}
	if best == nil {
		return 0
	}
	return best.id
}
