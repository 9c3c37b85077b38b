package zoho

import (
	"fmt"
	"net/http"
	"slices"
)

// mergeable are the modules that find and merge takes (find_and_merge.json
// leaves it open; Deals are among them here because people merge them).
func mergeable(module string) bool {
	return slices.Contains([]string{"Leads", "Contacts", "Accounts", "Deals"}, module)
}

// mergeRecords makes up to two other records part of the path's (find_and_merge.json).
func mergeRecords(c *call) (reply, error) {
	m, err := c.writable()
	if err != nil {
		return reply{}, err
	}
	list, _, err := c.elements("merge", 1)
	if err != nil {
		return reply{}, err
	}
	if !mergeable(m.APIName) {
		return reply{}, bad("NOT_ALLOWED", "records of this module cannot be merged", object{"resource_path_index": 0})
	}
	others, _ := list[0]["data"].([]any)
	if len(others) == 0 || len(others) > 2 {
		return reply{}, bad("MANDATORY_NOT_FOUND", "required field not found", object{"api_name": "data", "json_path": "$.merge[0].data"})
	}
	id := c.r.PathValue("id")
	err = c.write(c.by, func(t *tx) error {
		master := t.tables[m.APIName].find(id)
		if master == nil {
			return invalidData("the id given seems to be invalid", object{"resource_path_index": 1})
		}
		for i, o := range others {
			loser := t.tables[m.APIName].find(idOf(o))
			if loser == nil || loser == master {
				return invalidData("invalid data", object{"api_name": "id", "json_path": fmt.Sprintf("$.merge[0].data[%d].id", i)})
			}
			t.absorb(m, master.key(), loser)
		}
		master = t.tables[m.APIName].find(id)
		t.put(m.APIName, master, master.with(values{"Modified_Time": utc(t.at), "Modified_By": t.by}))
		return nil
	})
	if err != nil {
		return reply{}, err
	}
	return jsonReply(http.StatusCreated, object{"merge": []object{{
		"code": "SUCCESS", "details": object{"id": id}, "message": "merged successfully", "status": "success",
	}}}), nil
}

// absorb hands everything that points at the loser to the master and buries the
// loser. What is handed over counts as modified.
func (t *tx) absorb(m *module, master string, loser *row) {
	lost := loser.key()
	for _, other := range t.settings.Modules {
		for _, f := range other.Fields {
			if f.Type != "lookup" || f.Target != m.APIName && f.Target != "*" {
				continue
			}
			for _, r := range slices.Clone(t.tables[other.APIName].rows) {
				if r.text(f.APIName) != lost {
					continue
				}
				change := values{f.APIName: master, "Modified_Time": utc(t.at), "Modified_By": t.by}
				if other.APIName == "DealHistory" {
					change = values{f.APIName: master} // its time tells when the stay began
				}
				t.put(other.APIName, r, r.with(change), f.APIName)
			}
		}
	}
	if loser = t.tables[m.APIName].find(lost); loser != nil {
		t.bury(m.APIName, loser, passing{Kind: "recycle", By: t.by, At: utc(t.at), Into: master})
	}
}

// getMerge would tell of a scheduled merge; here every merge is done at once.
func getMerge(*call) (reply, error) { return empty(), nil }
