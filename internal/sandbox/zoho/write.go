package zoho

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// maxRecords is how many records one write may hold (fact sheet 2.6).
const maxRecords = 100

// written is the vendor's answer for one record.
func (t *tx) written(r *row, msg string) object {
	return object{"code": "SUCCESS", "status": "success", "message": msg, "details": object{
		"id": r.key(), "Created_Time": t.shown(r.text("Created_Time")), "Modified_Time": t.shown(r.text("Modified_Time")),
		"Created_By": nameOnly(t.person(r.text("Created_By"))), "Modified_By": nameOnly(t.person(r.text("Modified_By"))),
	}}
}

func nameOnly(person any) any {
	if p, ok := person.(object); ok {
		return object{"name": p["name"], "id": p["id"]}
	}
	return nil
}

// elementwise runs one after the other and answers for each: what fails is told
// in its place and changes nothing.
func (c *call) elementwise(list []object, success int, one func(*tx, object, int) (object, error)) (reply, error) {
	answers := make([]object, 0, len(list))
	failed := 0
	err := c.write(c.by, func(t *tx) error {
		answers, failed = answers[:0], 0
		for i, in := range list {
			before := len(t.puts)
			out, err := one(t, in, i)
			var e *refusal
			switch {
			case errors.As(err, &e) && e.status != http.StatusPreconditionFailed:
				failed++
				t.back(before)
				out = e.shown()
			case err != nil:
				return err
			}
			answers = append(answers, out)
		}
		return nil
	})
	var e *refusal
	if errors.As(err, &e) && e.status == http.StatusPreconditionFailed {
		return jsonReply(e.status, object{"data": []object{e.shown()}}), nil
	}
	if err != nil {
		return reply{}, err
	}
	// 400 where all failed, as the documents of 2026-08 say; 207 where some did
	// (fact sheet 2.6). No client may rely on it: it reads the codes.
	status := success
	switch failed {
	case 0:
	case len(list):
		status = http.StatusBadRequest
	default:
		status = http.StatusMultiStatus
	}
	return jsonReply(status, object{"data": answers}), nil
}

// triggers reads which automations a write sets off: all when nothing is said
// (fact sheet 2.6).
func triggers(body map[string]any) []string {
	list, ok := body["trigger"].([]any)
	if !ok {
		return []string{"approval", "blueprint", "workflow"}
	}
	out := []string{}
	for _, x := range list {
		out = append(out, fmt.Sprint(x))
	}
	return out
}

// Triggered returns which automations the latest write of a record set off,
// nil when it was written before the simulator started.
func (s *Sim) Triggered(id string) []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.triggered[id]
}

// writable is the module of the path, if records of it can be written.
func (c *call) writable() (*module, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	m, err := c.module()
	if err == nil && m.APIName == "DealHistory" {
		err = bad("NOT_SUPPORTED", "the module does not take records", object{"resource_path_index": 0})
	}
	return m, err
}

func createRecords(c *call) (reply, error) {
	m, err := c.writable()
	if err != nil {
		return reply{}, err
	}
	list, body, err := c.elements("data", maxRecords)
	if err != nil {
		return reply{}, err
	}
	return c.create(m, list, body)
}

func (c *call) create(m *module, list []object, body map[string]any) (reply, error) {
	return c.elementwise(list, http.StatusCreated, func(t *tx, in object, i int) (object, error) {
		r, err := t.insert(m, in, i)
		if err != nil {
			return nil, err
		}
		t.Sim.triggered[r.key()] = triggers(body)
		return t.written(r, "record added"), nil
	})
}

// createNotes adds notes to the record of the path.
func createNotes(c *call) (reply, error) {
	list, body, err := c.elements("data", maxRecords)
	if err != nil {
		return reply{}, err
	}
	c.mu.RLock()
	m, err := c.module()
	notes := c.settings.module("Notes")
	c.mu.RUnlock()
	if err != nil {
		return reply{}, err
	}
	for _, in := range list {
		in["Parent_Id"] = object{"id": c.r.PathValue("id"), "module": object{"api_name": m.APIName}}
	}
	return c.create(notes, list, body)
}

func updateRecords(c *call) (reply, error) {
	m, err := c.writable()
	if err != nil {
		return reply{}, err
	}
	list, body, err := c.elements("data", maxRecords)
	if err != nil {
		return reply{}, err
	}
	// The fact sheet has the first of these headers for writes, the second is
	// what HTTP calls it; both mean: only if nobody has changed it since.
	since, err := c.moment("If-Modified-Since")
	if err == nil && since == "" {
		since, err = c.moment("If-Unmodified-Since")
	}
	if err != nil {
		return reply{}, err
	}
	if id := c.r.PathValue("id"); id != "" {
		list = list[:1]
		list[0]["id"] = id
	}
	return c.elementwise(list, http.StatusOK, func(t *tx, in object, i int) (object, error) {
		r, err := t.update(m, in, i, since)
		if err != nil {
			return nil, err
		}
		t.Sim.triggered[r.key()] = triggers(body)
		return t.written(r, "record updated"), nil
	})
}

// insert makes one record.
func (t *tx) insert(m *module, in object, i int) (*row, error) {
	change, err := t.parse(m, in, i)
	if err != nil {
		return nil, err
	}
	at := utc(t.at)
	v := values{}
	for _, f := range m.Fields {
		if f.Type == "boolean" {
			v[f.APIName] = false
		}
	}
	for name, x := range change {
		v[name] = x
	}
	if v["Owner"] == nil {
		v["Owner"] = t.by
	}
	v["Created_By"], v["Modified_By"], v["Created_Time"], v["Modified_Time"] = t.by, t.by, at, at
	if m.field("Last_Activity_Time") != nil {
		v["Last_Activity_Time"] = at
	}
	for _, f := range m.Fields {
		if f.must() && (v[f.APIName] == nil || v[f.APIName] == "") {
			return nil, mandatory(f.APIName, i)
		}
	}
	r := &row{values: v}
	if err := t.derive(m, nil, r, i); err != nil {
		return nil, err
	}
	r.id = t.newID()
	t.put(m.APIName, nil, r, keys(change)...)
	if m.APIName == "Deals" {
		t.enterStage(r)
	}
	return r, nil
}

// update changes one record; since is the time after which nobody may have.
func (t *tx) update(m *module, in object, i int, since string) (*row, error) {
	id, _ := in["id"].(string)
	old := t.tables[m.APIName].find(id)
	if old == nil {
		return nil, invalidData("the id given seems to be invalid", object{"id": id, "api_name": "id", "json_path": fmt.Sprintf("$.data[%d].id", i)})
	}
	if since != "" && old.text("Modified_Time") > since {
		return nil, &refusal{http.StatusPreconditionFailed, "ALREADY_MODIFIED", "the record has been modified since the given time", object{
			"id": id, "Modified_Time": t.shown(old.text("Modified_Time")), "Created_Time": t.shown(old.text("Created_Time")),
		}}
	}
	if locked, _ := old.values[lockedKey].(bool); locked {
		return nil, &refusal{http.StatusBadRequest, "RECORD_LOCKED", "the record is locked", object{"id": id}}
	}
	change, err := t.parse(m, in, i)
	if err != nil {
		return nil, err
	}
	for name, x := range change {
		if f := m.field(name); f.must() && (x == nil || x == "") {
			return nil, mandatory(name, i)
		}
	}
	if _, ok := change["Stage"]; ok && m.APIName == "Deals" && t.settings.process(old) != nil && change["Stage"] != old.values["Stage"] {
		return nil, &refusal{http.StatusBadRequest, "RECORD_IN_BLUEPRINT", "Stage cannot be updated as it is in the blueprint", object{
			"api_name": "Stage", "id": id, "json_path": fmt.Sprintf("$.data[%d].Stage", i),
		}}
	}
	return t.apply(m, old, change, i)
}

// apply writes checked values over a record.
func (t *tx) apply(m *module, old *row, change values, i int) (*row, error) {
	next := old.with(change)
	next.values["Modified_Time"], next.values["Modified_By"] = utc(t.at), t.by
	if m.field("Last_Activity_Time") != nil {
		next.values["Last_Activity_Time"] = utc(t.at)
	}
	if err := t.derive(m, old, next, i); err != nil {
		return nil, err
	}
	t.put(m.APIName, old, next, keys(change)...)
	if m.APIName == "Deals" && old.text("Stage") != next.text("Stage") {
		t.leaveStage(old, next)
		t.enterStage(next)
	}
	return next, nil
}

func keys(v values) []string {
	var out []string
	for k := range v {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// lockedKey marks a record that Lock has locked; it is no field.
const lockedKey = "$locked"

// Lock locks a record against changes, or frees it again.
func (s *Sim) Lock(module, id string, locked bool) error {
	return s.write("", func(t *tx) error {
		r := t.tables[module].find(id)
		if r == nil {
			return invalidData("the id given seems to be invalid", object{"id": id})
		}
		t.put(module, r, r.with(values{lockedKey: locked}))
		return nil
	})
}

func deleteRecords(c *call) (reply, error) {
	m, err := c.writable()
	if err != nil {
		return reply{}, err
	}
	ids := names(cmp.Or(c.r.PathValue("id"), c.query.Get("ids")))
	if len(ids) == 0 {
		return reply{}, missingParam("ids")
	}
	if len(ids) > maxRecords {
		return reply{}, invalidData("invalid data", object{"param_name": "ids", "maximum_length": maxRecords})
	}
	var list []object
	for _, id := range ids {
		list = append(list, object{"id": id})
	}
	return c.elementwise(list, http.StatusOK, func(t *tx, in object, _ int) (object, error) {
		id := in["id"].(string)
		r := t.tables[m.APIName].find(id)
		if r == nil {
			return nil, invalidData("record not deleted", object{"id": id})
		}
		t.bury(m.APIName, r, passing{Kind: "recycle", By: t.by, At: utc(t.at)})
		return object{"code": "SUCCESS", "details": object{"id": id}, "message": "record deleted", "status": "success"}, nil
	})
}

// bury ends a record, and its notes with it.
func (t *tx) bury(module string, r *row, end passing) {
	t.put(module, r, &row{id: r.id, values: r.values, gone: &end})
	if module == "Notes" {
		return
	}
	for _, n := range t.tables["Notes"].related(r.key()) {
		t.put("Notes", n, &row{id: n.id, values: n.values, gone: &end})
	}
}

// Restore takes a record out of the recycle bin, as people do in the vendor's
// own screens: the API has no call for it.
func (s *Sim) Restore(module, id string) error {
	return s.write("", func(t *tx) error {
		r, err := t.buried(module, id)
		if err != nil {
			return err
		}
		t.put(module, r, (&row{id: r.id, values: r.values}).with(values{"Modified_Time": utc(t.at)}))
		for _, n := range slices.Clone(t.tables["Notes"].dead) {
			if n.text("Parent_Id") == id && *n.gone == *r.gone {
				t.put("Notes", n, &row{id: n.id, values: n.values})
			}
		}
		return nil
	})
}

// Purge empties a record out of the recycle bin.
func (s *Sim) Purge(module, id string) error {
	return s.write("", func(t *tx) error {
		r, err := t.buried(module, id)
		if err != nil {
			return err
		}
		end := *r.gone
		end.Kind = "permanent"
		t.put(module, r, &row{id: r.id, values: r.values, gone: &end})
		return nil
	})
}

func (t *tx) buried(module, id string) (*row, error) {
	for _, r := range t.tables[module].dead {
		if r.key() == id && r.gone.Kind == "recycle" {
			return r, nil
		}
	}
	return nil, fmt.Errorf("%s %s is not in the recycle bin", module, id)
}

// derive sets what follows from a record's values: old is nil for a new one.
func (t *tx) derive(m *module, old, next *row, i int) error {
	v := next.values
	switch m.APIName {
	case "Leads", "Contacts":
		v["Full_Name"] = strings.TrimSpace(next.text("First_Name") + " " + next.text("Last_Name"))
	case "Tasks":
		done := next.text("Status") == "Completed"
		switch {
		case !done:
			delete(v, "Closed_Time")
		case old == nil || old.text("Status") != "Completed":
			v["Closed_Time"] = utc(t.at)
		}
	case "Calls":
		v["Call_Duration_in_seconds"] = seconds(next.text("Call_Duration"))
	case "Deals":
		return t.deriveDeal(old, next, i)
	}
	return nil
}
