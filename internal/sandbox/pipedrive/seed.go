package pipedrive

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"salesbook.dev/internal/sandbox"
)

// Seed reads records as JSON Lines, each {"object": ..., "record": {...}} with
// the record in the vendor's own shape; docs/simulator.md describes the format.
// Lines may come in any order. What an object's lines hold takes the place of
// what a fresh account has of it. On an error, which names line and field,
// nothing is taken over. Webhooks hear nothing of a seed.
func (s *Sim) Seed(r io.Reader) error {
	lines, err := sandbox.ReadSeed(r, seedOrder(), "deals")
	if err != nil {
		return err
	}
	err = s.importing(func(t *tx) error { return t.seed(lines) })
	if err != nil {
		return err
	}
	return s.tieAll(s.opt.Faults)
}

// seedOrder is the order in which objects refer to each other.
func seedOrder() []string {
	return []string{
		"users", "pipelines", "stages", "dealFields", "personFields", "organizationFields", "productFields", "activityFields",
		"activityTypes", "leadLabels", "organizations", "persons", "products", "leads", "deals", "dealProducts", "activities", "notes",
	}
}

func (t *tx) seed(lines map[string][]sandbox.SeedLine) error {
	t.dropDefaults(lines)
	for _, object := range seedOrder() {
		for _, l := range lines[object] {
			if err := t.seedOne(object, l.Record); err != nil {
				return fmt.Errorf("seed line %d: %s: %w", l.Number, object, err)
			}
		}
	}
	if t.administrator() == 0 {
		t.users.save(t, t.newUser("Admin", "admin@example.com", true))
	}
	for _, l := range lines["dealProducts"] {
		if err := t.revalue(l); err != nil {
			return err
		}
	}
	return nil
}

// dropDefaults removes what a fresh account has, where the seed brings its own.
func (t *tx) dropDefaults(lines map[string][]sandbox.SeedLine) {
	if !t.empty() {
		return // a second seed adds to the first
	}
	var replaced []*table
	if len(lines["users"]) > 0 {
		replaced = append(replaced, t.users.table)
	}
	if len(lines["pipelines"]) > 0 || len(lines["stages"]) > 0 {
		replaced = append(replaced, t.stages.table, t.pipelines.table)
	}
	if len(lines["activityTypes"]) > 0 {
		replaced = append(replaced, t.activityTypes.table)
	}
	if len(lines["leadLabels"]) > 0 {
		replaced = append(replaced, t.leadLabels.table)
	}
	for _, tb := range replaced {
		for _, r := range slices.Clone(tb.rows) {
			t.put(tb, r, nil)
		}
		tb.next = 1
	}
}

// seedOne adds one record of an object.
func (t *tx) seedOne(object string, raw json.RawMessage) error {
	switch object {
	case "users":
		return seedInto(t, t.users, raw, t.newUser("", "", false), func(u *user) error { return need("name", u.Name) })
	case "pipelines":
		p := t.newPipeline()
		return seedInto(t, t.pipelines, raw, &p, func(p *pipeline) error { return need("name", p.Name) })
	case "stages":
		st := t.newStage()
		return seedInto(t, t.stages, raw, &st, func(st *stage) error { return t.fillStage(st, nil) })
	case "activityTypes":
		return t.seedActivityType(raw)
	case "leadLabels":
		return t.seedLeadLabel(raw)
	case "organizations":
		o := t.newOrganization()
		return seedInto(t, t.organizations, raw, &o, func(o *organization) error {
			return t.seedCustoms("organization", &o.CustomFields, need("name", o.Name))
		})
	case "persons":
		p := t.newPerson()
		return seedInto(t, t.persons, raw, &p, t.seedPerson)
	case "products":
		p := t.newProduct()
		return seedInto(t, t.products, raw, &p, t.seedProduct)
	case "leads":
		return t.seedLead(raw)
	case "deals":
		return t.seedDeal(raw)
	case "dealProducts":
		return t.seedItem(raw)
	case "activities":
		a := t.newActivity()
		a.Busy = false
		return seedInto(t, t.activities, raw, &a, t.seedActivity)
	case "notes":
		n := note{ID: t.notes.next, ActiveFlag: true, AddTime: stampOf(t.at), UpdateTime: stampOf(t.at)}
		return seedInto(t, t.notes, raw, &n, t.seedNote)
	}
	return t.seedField(strings.TrimSuffix(object, "Fields"), raw)
}

// seedInto writes a line over the defaults in v, checks and saves it.
func seedInto[T any](t *tx, k kind[T], raw json.RawMessage, v *T, check func(*T) error) error {
	if err := strictRecord(raw, v); err != nil {
		return err
	}
	if err := check(v); err != nil {
		return inSeed(err)
	}
	if r := k.index(v); r.id <= 0 {
		return fmt.Errorf("id: want a positive whole number, got %d", r.id)
	}
	k.save(t, v)
	return nil
}

// strictRecord decodes a record key by key, so that an error names the key,
// and refuses keys that the vendor's record does not have.
func strictRecord(raw json.RawMessage, v any) error {
	var body map[string]json.RawMessage
	if err := json.Unmarshal(raw, &body); err != nil || body == nil {
		return fmt.Errorf("record: want an object, got %s", clip(raw))
	}
	known := jsonKeys(v)
	for key := range body {
		if !slices.Contains(known, key) {
			return fmt.Errorf("%s: no such field", key)
		}
	}
	return inSeed(assign(v, body))
}

// inSeed takes the API's words out of an error.
func inSeed(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s", strings.TrimPrefix(err.Error(), "body: "))
}

func need(key, value string) error {
	if strings.TrimSpace(value) == "" {
		return fmt.Errorf("%s: is required", key)
	}
	return nil
}
