package pipedrive

import (
	"encoding/json"
	"slices"
)

// leadLabel is a label of the lead inbox, as v1 lists it.
type leadLabel struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Color      string `json:"color"`
	AddTime    milli  `json:"add_time"`
	UpdateTime milli  `json:"update_time"`

	Row int64 `json:"row,omitempty"` // the simulator's number
}

func indexLeadLabel(l *leadLabel) row {
	return row{id: l.Row, key: l.ID, added: int64(l.AddTime), updated: int64(l.UpdateTime)}
}

func (s *Sim) leadLabelRoutes() []route {
	const read, full = "leads:read leads:full", "leads:full"
	return []route{
		{"GET", 1, "/leadLabels", 10, read, (*call).listLeadLabels},
		{"POST", 1, "/leadLabels", 10, full, (*call).addLeadLabel},
		{"PATCH", 1, "/leadLabels/{id}", 10, full, (*call).patchLeadLabel},
		{"DELETE", 1, "/leadLabels/{id}", 6, full, (*call).deleteLeadLabel},
	}
}

func labelColors() []string {
	return []string{"blue", "brown", "dark-gray", "gray", "green", "orange", "pink", "purple", "red", "yellow"}
}

// shown is the label without the simulator's own number.
func (l leadLabel) shown() leadLabel {
	l.Row = 0
	return l
}

func (c *call) listLeadLabels() (reply, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	list := make([]leadLabel, len(c.leadLabels.rows))
	for i, r := range c.leadLabels.rows {
		list[i] = c.leadLabels.load(r).shown()
	}
	return answer(list), nil
}

func (c *call) addLeadLabel() (reply, error) {
	body, err := c.bodyFields(bodySpec{"name": never, "color": never}, "name", "color")
	if err != nil {
		return reply{}, err
	}
	return c.saveLeadLabel(body, func(t *tx) (*leadLabel, error) {
		return &leadLabel{ID: t.ids.uuid(), Row: t.leadLabels.next, AddTime: milliOf(t.at)}, nil
	})
}

func (c *call) patchLeadLabel() (reply, error) {
	body, err := c.bodyFields(bodySpec{"name": never, "color": never})
	if err != nil {
		return reply{}, err
	}
	return c.saveLeadLabel(body, func(t *tx) (*leadLabel, error) {
		r := t.leadLabels.byCode(c.r.PathValue("id"))
		if r == nil {
			return nil, notFound("Lead label")
		}
		return t.leadLabels.load(r), nil
	})
}

func (c *call) saveLeadLabel(body map[string]json.RawMessage, start func(*tx) (*leadLabel, error)) (reply, error) {
	var out leadLabel
	err := c.write(c.by, func(t *tx) error {
		l, err := start(t)
		if err != nil {
			return err
		}
		if err := assign(l, body); err != nil {
			return err
		}
		if l.Name == "" || !slices.Contains(labelColors(), l.Color) {
			return bad("body: name must not be empty and color must be one of the palette, got %q", l.Color)
		}
		l.UpdateTime = milliOf(t.at)
		t.leadLabels.save(t, l)
		out = l.shown()
		return nil
	})
	if err != nil {
		return reply{}, err
	}
	return answer(out), nil
}

func (c *call) deleteLeadLabel() (reply, error) {
	err := c.write(c.by, func(t *tx) error {
		r := t.leadLabels.byCode(c.r.PathValue("id"))
		if r == nil {
			return notFound("Lead label")
		}
		t.leadLabels.drop(t, r.id)
		return nil
	})
	if err != nil {
		return reply{}, err
	}
	return deleted(c.r.PathValue("id")), nil
}
