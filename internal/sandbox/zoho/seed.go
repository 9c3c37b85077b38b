package zoho

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"salesbook.dev/internal/sandbox"
)

// What a seed holds beside the records of modules, by the vendor's words.
const (
	seedUsers     = "users"
	seedPipelines = "pipelines"
	seedFields    = "fields"
)

// seedOrder is the order in which objects refer to each other.
func seedOrder() []string {
	return []string{seedUsers, seedFields, seedPipelines, "Accounts", "Contacts", "Products", "Leads", "Deals", "DealHistory", "Tasks", "Events", "Calls", "Notes"}
}

// Seed reads records as JSON Lines, each {"object": ..., "record": {...}} with the
// record in the vendor's own shape; docs/simulator.md describes the format. Lines
// may come in any order. What an object's lines hold takes the place of what a fresh
// account has of it. On an error, which names line and field, nothing is taken
// over. No notification tells of a seed.
func (s *Sim) Seed(r io.Reader) error {
	lines, err := sandbox.ReadSeed(r, seedOrder(), "Deals")
	if err != nil {
		return err
	}
	if err := s.importing(func(t *tx) error { return t.seed(lines) }); err != nil {
		return err
	}
	return s.tieAll(s.opt.Faults)
}

func (t *tx) seed(lines map[string][]sandbox.SeedLine) error {
	t.dropDefaults(lines)
	for _, object := range seedOrder() {
		if object == "Accounts" && t.administrator() == "" {
			t.addUser("Admin", "admin@example.com", administratorProfile)
		}
		for _, l := range lines[object] {
			if err := t.seedOne(object, l.Record); err != nil {
				return fmt.Errorf("seed line %d: %s: %w", l.Number, object, err)
			}
		}
	}
	t.handOver()
	for _, deal := range t.tables["Deals"].rows {
		if len(t.tables["DealHistory"].related(deal.key())) == 0 {
			t.firstStay(deal)
		}
	}
	return nil
}

// dropDefaults removes what a fresh account has, where the seed brings its own.
func (t *tx) dropDefaults(lines map[string][]sandbox.SeedLine) {
	for _, m := range t.settings.Modules {
		if len(t.tables[m.APIName].rows) > 0 {
			return // a second seed adds to the first
		}
	}
	if len(lines[seedUsers]) > 0 {
		for _, r := range slices.Clone(t.tables[usersTable].rows) {
			t.put(usersTable, r, nil)
		}
	}
	if len(lines[seedPipelines]) > 0 {
		t.configure(func(c *settings) {
			c.Pipelines = nil
			for _, name := range []string{"Stage", "Pipeline"} {
				c.module("Deals").field(name).Options = nil
			}
		})
	}
}

// handOver lets consents of users who gave way act for the administrator.
func (t *tx) handOver() {
	grants := slices.Clone(t.grants)
	for i, g := range grants {
		if t.tables[usersTable].find(g.User) == nil {
			next := *g
			next.User = t.administrator()
			grants[i] = &next
		}
	}
	t.Sim.grants = grants
}

// firstStay lets the history of a deal begin in the stage in which it is.
func (t *tx) firstStay(deal *row) {
	at, who := deal.text("Stage_Modified_Time"), deal.values["Owner"]
	v := values{"Potential_Name": deal.key(), "Modified_Time": at, "Created_Time": at, "Modified_By": who, "Created_By": who, "Owner": who}
	for _, f := range []string{"Stage", "Amount", "Probability", "Expected_Revenue", "Closing_Date"} {
		v[f] = deal.values[f]
	}
	t.add("DealHistory", v)
}

// seedOne adds one record of an object.
func (t *tx) seedOne(object string, raw json.RawMessage) error {
	switch object {
	case seedUsers:
		return t.seedUser(raw)
	case seedPipelines:
		return t.seedPipeline(raw)
	case seedFields:
		return t.seedField(raw)
	}
	return t.seedRecord(t.settings.module(object), raw)
}

// strict reads a line's record and refuses keys that the vendor's has not.
func strict(raw json.RawMessage, into any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber() // amounts are decimals
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if name, unknown := strings.CutPrefix(fmt.Sprint(err), "json: unknown field "); unknown {
		return fmt.Errorf("%s: no such field", strings.Trim(name, `"`))
	}
	if err != nil || len(raw) == 0 || raw[0] != '{' {
		return errors.New("record: want an object in the vendor's shape")
	}
	return nil
}

// reserve takes an id for a record; an empty text takes the next free one.
func (t *tx) reserve(text string) (int64, error) {
	if text == "" {
		return t.newID(), nil
	}
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id <= 0 {
		return 0, fmt.Errorf("id: want a text of digits, got %q", text)
	}
	for name, tb := range t.tables {
		if tb.byID[id] != nil {
			return 0, fmt.Errorf("id: %s is taken, by a record of %s", text, name)
		}
	}
	t.Sim.next = max(t.Sim.next, id)
	return id, nil
}

func (t *tx) seedUser(raw json.RawMessage) error {
	type named struct {
		Name string `json:"name"`
	}
	u := struct {
		ID      string `json:"id"`
		Full    string `json:"full_name"`
		First   string `json:"first_name"`
		Last    string `json:"last_name"`
		Email   string `json:"email"`
		Status  string `json:"status"`
		Profile named  `json:"profile"`
		Role    named  `json:"role"`
	}{Status: "active", Profile: named{standardProfile}, Role: named{"Sales A"}}
	if err := strict(raw, &u); err != nil {
		return err
	}
	name := strings.TrimSpace(cmp.Or(u.Full, u.First+" "+u.Last))
	if name == "" {
		return errors.New("full_name: is required")
	}
	id, err := t.reserve(u.ID)
	if err != nil {
		return err
	}
	first, last, cut := strings.Cut(name, " ")
	if !cut {
		first, last = "", name
	}
	at := utc(t.at)
	t.put(usersTable, nil, &row{id: id, values: values{
		"first_name": cmp.Or(u.First, first), "last_name": cmp.Or(u.Last, last), "full_name": name, "email": u.Email, "profile": u.Profile.Name,
		"role": u.Role.Name, "status": u.Status, "created_time": at, "Modified_Time": at,
	}})
	return nil
}

// seedPipeline adds a pipeline. The probability of a stage stands with its picklist
// at the vendor; here it is taken beside the rest.
func (t *tx) seedPipeline(raw json.RawMessage) error {
	var p struct {
		Display string `json:"display_value"`
		Actual  string `json:"actual_value"`
		Default bool   `json:"default"`
		Maps    []struct {
			Display     string `json:"display_value"`
			Actual      string `json:"actual_value"`
			Forecast    string `json:"forecast_type"`
			Probability int    `json:"probability"`
		} `json:"maps"`
	}
	if err := strict(raw, &p); err != nil {
		return err
	}
	name := cmp.Or(p.Actual, p.Display)
	if name == "" {
		return errors.New("actual_value: is required")
	}
	var stages []draft
	for _, st := range p.Maps {
		d := draft{cmp.Or(st.Actual, st.Display), cmp.Or(st.Forecast, forecastOpen), st.Probability}
		if d.name == "" {
			return errors.New("maps: actual_value: is required")
		}
		if !slices.Contains([]string{forecastOpen, forecastWon, forecastLost}, d.forecast) {
			return fmt.Errorf("maps: forecast_type: want %s, %s or %s, got %q", forecastOpen, forecastWon, forecastLost, d.forecast)
		}
		stages = append(stages, d)
	}
	t.configure(func(c *settings) {
		made := t.addPipeline(c, name, p.Default || len(c.Pipelines) == 0, stages)
		made.Display = cmp.Or(p.Display, name)
		for i, st := range p.Maps {
			made.Maps[i].Display = cmp.Or(st.Display, made.Maps[i].Display)
		}
	})
	return nil
}

// seedField adds a field to a module, or changes the one that has its name.
func (t *tx) seedField(raw json.RawMessage) error {
	var f struct {
		Module  string `json:"module"`
		APIName string `json:"api_name"`
		Label   string `json:"field_label"`
		Type    string `json:"data_type"`
		Must    bool   `json:"system_mandatory"`
		Lookup  struct {
			Module struct {
				APIName string `json:"api_name"`
			} `json:"module"`
		} `json:"lookup"`
		Options any `json:"pick_list_values"`
	}
	if err := strict(raw, &f); err != nil {
		return err
	}
	switch {
	case t.settings.module(f.Module) == nil:
		return fmt.Errorf("module: there is no module %q", f.Module)
	case f.APIName == "":
		return errors.New("api_name: is required")
	}
	have := t.settings.module(f.Module).field(f.APIName)
	if have == nil && !slices.Contains(append(fieldTypes(), "lookup"), f.Type) {
		return fmt.Errorf("data_type: %q cannot be made", f.Type)
	}
	if target := f.Lookup.Module.APIName; f.Type == "lookup" && t.settings.module(target) == nil {
		return fmt.Errorf("lookup: there is no module %q", target)
	}
	t.configure(func(c *settings) {
		m := c.module(f.Module)
		to := m.field(f.APIName)
		if to == nil {
			to = &field{ID: t.newID(), APIName: f.APIName, Label: f.APIName, Type: f.Type, Custom: true, Length: lengthOf(f.Type, ""), Target: f.Lookup.Module.APIName}
			m.Fields = append(m.Fields, to)
		}
		to.Label, to.Mandatory = cmp.Or(f.Label, to.Label), to.Mandatory || f.Must
		if f.Options != nil {
			to.Options = nil
			t.addOptions(to, f.Options)
		}
	})
	return nil
}

// seedRecord adds a record of a module with the times and users that it names, also
// those that a client cannot write.
func (t *tx) seedRecord(m *module, raw json.RawMessage) error {
	var in object
	if err := strict(raw, &in); err != nil {
		return err
	}
	text, _ := in["id"].(string)
	id, err := t.reserve(text)
	if err != nil {
		return err
	}
	delete(in, "id")
	v := values{}
	for _, f := range m.Fields {
		if f.Type == "boolean" {
			v[f.APIName] = false
		}
	}
	for name, x := range in {
		if v[name], err = t.seedValue(m, name, x); err != nil {
			return err
		}
	}
	r, err := t.completed(m, v)
	if err != nil {
		return err
	}
	r.id = id
	t.put(m.APIName, nil, r)
	return nil
}

func (t *tx) seedValue(m *module, name string, x any) (any, error) {
	f := m.field(name)
	switch {
	case f == nil:
		return nil, fmt.Errorf("%s: no such field", name)
	case f.Formula != "":
		return nil, fmt.Errorf("%s: is reckoned, not stored", name)
	case f.Type == "ownerlookup" && x != nil: // also of people who have left
		id := idOf(x)
		if t.tables[usersTable].find(id) == nil {
			return nil, fmt.Errorf("%s: there is no user %q", name, id)
		}
		return id, nil
	}
	out, err := t.stored(m, f, x, 0)
	return out, inSeed(name, err)
}

// inSeed says what is wrong with a field without the API's words.
func inSeed(name string, err error) error {
	var no *refusal
	if !errors.As(err, &no) {
		return err
	}
	if want, ok := no.details["expected_data_type"].(string); ok {
		return fmt.Errorf("%s: want a value of type %s", name, want)
	}
	if at, ok := no.details["api_name"].(string); ok {
		name = at
	}
	return fmt.Errorf("%s: %s", name, no.msg)
}

// completed fills what follows from what a line says: users from the owner, the
// time of change from the latest of the others.
func (t *tx) completed(m *module, v values) (*row, error) {
	fill := func(name string, with any) {
		if v[name] == nil && m.field(name) != nil {
			v[name] = with
		}
	}
	fill("Owner", t.administrator())
	fill("Created_By", v["Owner"])
	fill("Modified_By", v["Owner"])
	fill("Created_Time", utc(t.at))
	fill("Stage_Modified_Time", v["Created_Time"])
	given := &row{values: v}
	fill("Modified_Time", max(given.text("Created_Time"), given.text("Stage_Modified_Time")))
	fill("Last_Activity_Time", v["Modified_Time"])
	for _, f := range m.Fields {
		if f.Mandatory && (v[f.APIName] == nil || v[f.APIName] == "") {
			return nil, fmt.Errorf("%s: is required", f.APIName)
		}
	}
	entered, closed := v["Stage_Modified_Time"], v["Closed_Time"]
	r := &row{values: v}
	if err := t.derive(m, nil, r, 0); err != nil {
		return nil, inSeed(m.APIName, err)
	}
	if entered != nil {
		v["Stage_Modified_Time"] = entered
	}
	if v["Closed_Time"] != nil {
		v["Closed_Time"] = cmp.Or(closed, v["Modified_Time"])
	}
	return r, nil
}
