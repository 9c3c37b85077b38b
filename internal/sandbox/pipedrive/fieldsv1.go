package pipedrive

import (
	"encoding/json"
	"net/http"
)

// fieldV1 is a definition as v1 shows it for leads and notes.
type fieldV1 struct {
	ID            int64         `json:"id"`
	Key           string        `json:"key"`
	Name          string        `json:"name"`
	OrderNr       int64         `json:"order_nr"`
	FieldType     string        `json:"field_type"`
	AddTime       stamp         `json:"add_time"`
	UpdateTime    stamp         `json:"update_time"`
	ActiveFlag    bool          `json:"active_flag"`
	EditFlag      bool          `json:"edit_flag"`
	BulkEdit      bool          `json:"bulk_edit_allowed"`
	MandatoryFlag bool          `json:"mandatory_flag"`
	Options       []plainOption `json:"options,omitempty"`
}

// leadStandardFields are the vendor's own fields of leads.
func leadStandardFields() []fieldV1 {
	list := [][3]string{
		{"title", "Title", "varchar"}, {"owner_id", "Owner", "user"}, {"creator_id", "Creator", "user"},
		{"label_ids", "Labels", "set"}, {"person_id", "Contact person", "people"}, {"organization_id", "Organization", "org"},
		{"source_name", "Source", "varchar"}, {"value", "Value", "monetary"}, {"expected_close_date", "Expected close date", "date"},
		{"add_time", "Lead created", "date"}, {"update_time", "Update time", "date"},
		{"visible_to", "Visible to", "visible_to"},
	}
	out := make([]fieldV1, len(list))
	for i, f := range list {
		out[i] = fieldV1{
			ID: int64(i + 1), Key: f[0], Name: f[1], FieldType: f[2], OrderNr: int64(i + 1), ActiveFlag: true,
			BulkEdit: true, MandatoryFlag: f[0] == "title",
		}
	}
	return out
}

// listLeadFields shows the vendor's own fields and the deals' custom ones,
// which leads inherit.
func (c *call) listLeadFields() (reply, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	list := leadStandardFields()
	// The simulator keeps no times of fields; all are as old as the account.
	founded := stamp(c.users.rows[0].added / 1000)
	for _, f := range c.catalogs["deal"].list {
		if f.IsCustomField {
			n := int64(len(list) + 1)
			list = append(list, fieldV1{
				ID: n, Key: f.FieldCode, Name: f.FieldName, OrderNr: n, FieldType: f.FieldType, ActiveFlag: true, EditFlag: true,
				BulkEdit: true, Options: plainOptions(f.Options),
			})
		}
	}
	for i := range list {
		list[i].AddTime, list[i].UpdateTime = founded, founded
	}
	return c.cutV1(list)
}

// cutV1 pages a list that lives in memory as a whole.
func (c *call) cutV1(list []fieldV1) (reply, error) {
	start, err := c.number("start")
	if err != nil {
		return reply{}, err
	}
	limit, err := c.limit()
	if err != nil {
		return reply{}, err
	}
	from := min(max(int(start), 0), len(list))
	to := min(from+limit, len(list))
	return answerMore(list[from:to], listV1{start: int(start), limit: limit, more: to < len(list)}.forLeads()), nil
}

func (c *call) listNoteFields() (reply, error) {
	pins := []string{"lead", "deal", "organization", "person", "project", "task"}
	list := []map[string]any{
		{"id": 1, "key": "content", "name": "Content", "field_type": "text", "active_flag": true, "edit_flag": false, "bulk_edit_allowed": true, "mandatory_flag": true},
	}
	for i, p := range pins {
		list = append(list, map[string]any{
			"id": i + 2, "key": "pinned_to_" + p + "_flag", "name": "Note is pinned to " + p, "field_type": "enum", "active_flag": true,
			"edit_flag": true, "bulk_edit_allowed": true, "mandatory_flag": false,
			"options": json.RawMessage(`[{"id":1,"label":"Yes"},{"id":0,"label":"No"}]`),
		})
	}
	page := listV1{limit: defaultLimit}
	return jsonReply(http.StatusOK, map[string]any{"success": true, "data": list, "additional_data": page.forLeads()}), nil
}
