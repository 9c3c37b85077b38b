package pipedrive

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	"salesbook.dev/internal/sandbox"
)

// Trickle makes n plausible changes, as the company's people would on a busy
// day: by the same way as writes over HTTP, so that rules, journal and webhooks
// apply. The same rng on the same account does the same.
func (s *Sim) Trickle(rng *rand.Rand, n int) ([]sandbox.Mutation, error) {
	tr := &trickle{Sim: s, rng: rng, good: sandbox.GoodReasons(), bad: sandbox.BadReasons(), notes: sandbox.NoteTexts(), tongues: sandbox.Tongues()}
	all := mutators()
	weights := make([]int, len(all))
	for i, m := range all {
		weights[i] = m.weight
	}
	return sandbox.Trickle(rng, n, weights, func(kind int) (sandbox.Mutation, error) { return all[kind].do(tr) })
}

type trickle struct {
	*Sim
	rng       *rand.Rand
	good, bad []string
	notes     []string
	tongues   []sandbox.Tongue
}

type mutator struct {
	weight int
	do     func(*trickle) (sandbox.Mutation, error)
}

func mutators() []mutator {
	return []mutator{
		{12, (*trickle).newLead}, {9, (*trickle).newDeal}, {22, (*trickle).moveDeal}, {6, (*trickle).winDeal},
		{9, (*trickle).loseDeal}, {7, (*trickle).repriceDeal}, {12, (*trickle).doActivity}, {9, (*trickle).planActivity},
		{6, (*trickle).writeNote}, {4, (*trickle).changePhone}, {3, (*trickle).newPerson}, {2, (*trickle).deleteDeal},
		{2, (*trickle).archiveDeal}, {1, (*trickle).mergePeople}, {1, (*trickle).addOption}, {2, (*trickle).reopenDeal},
		{2, (*trickle).sellProduct}, {2, (*trickle).renameOrganization}, {2, (*trickle).archiveLead}, {2, (*trickle).fillField},
		{1, (*trickle).deleteActivity}, {1, (*trickle).handOver},
	}
}

// one picks a random record that suits, 0 when a number of tries finds none.
func (tr *trickle) one(t *table, suits func(*row) bool) *row {
	tr.mu.RLock()
	defer tr.mu.RUnlock()
	const tries = 200
	for range min(tries, 10*len(t.rows)) {
		if r := t.rows[tr.rng.IntN(len(t.rows))]; !r.is(flagDeleted) && suits(r) {
			return r
		}
	}
	return nil
}

func everyRow(*row) bool { return true }

// user is somebody who works there today.
func (tr *trickle) user() int64 {
	r := tr.one(tr.users.table, func(r *row) bool { return !r.is(flagInactive) })
	if r == nil {
		return 0
	}
	return r.id
}

// edit sends one change and reports it.
func (tr *trickle) edit(what, object, method, path string, body map[string]any) (sandbox.Mutation, error) {
	out, err := tr.Do(tr.user(), method, path, body)
	if err != nil {
		return sandbox.Mutation{}, err
	}
	var got struct {
		Data struct {
			ID json.RawMessage `json:"id"`
		} `json:"data"`
	}
	_ = json.Unmarshal(out, &got) // some answers hold no record; then there is no id to tell
	var name string
	if json.Unmarshal(got.Data.ID, &name) != nil {
		name = string(got.Data.ID)
	}
	return sandbox.Mutation{What: what, Object: object, ID: name}, nil
}

func (tr *trickle) pickText(list []string) string { return list[tr.rng.IntN(len(list))] }

func (tr *trickle) newLead() (sandbox.Mutation, error) {
	p := tr.one(tr.persons.table, everyRow)
	if p == nil {
		return sandbox.Mutation{}, sandbox.ErrNothing
	}
	body := map[string]any{"title": "Новая заявка: " + p.name(), "person_id": p.id}
	if tr.rng.IntN(2) == 0 {
		body["value"] = map[string]any{"amount": 1000 * (1 + tr.rng.IntN(900)), "currency": tr.opt.Company.Currency}
	}
	return tr.edit("new lead", "leads", "POST", "/api/v1/leads", body)
}

func (tr *trickle) newDeal() (sandbox.Mutation, error) {
	p, pl := tr.one(tr.persons.table, everyRow), tr.one(tr.pipelines.table, everyRow)
	if p == nil || pl == nil {
		return sandbox.Mutation{}, sandbox.ErrNothing
	}
	return tr.edit("new deal", "deals", "POST", "/api/v2/deals", map[string]any{
		"title": "Szansa: " + p.name(), "person_id": p.id, "pipeline_id": pl.id, "value": 500 * (1 + tr.rng.IntN(4000)),
		"expected_close_date": dayOf(tr.Now().AddDate(0, 0, 14+tr.rng.IntN(60))),
	})
}

func isOpen(r *row) bool { return r.status == statusOpen && !r.is(flagArchived) }

// deal sends a change of a random deal that suits.
func (tr *trickle) deal(what string, suits func(*row) bool, body func(*row) map[string]any) (sandbox.Mutation, error) {
	d := tr.one(tr.deals.table, suits)
	if d == nil {
		return sandbox.Mutation{}, sandbox.ErrNothing
	}
	change := body(d)
	if change == nil {
		return sandbox.Mutation{}, sandbox.ErrNothing
	}
	return tr.edit(what, "deals", "PATCH", fmt.Sprintf("/api/v2/deals/%d", d.id), change)
}

func (tr *trickle) moveDeal() (sandbox.Mutation, error) {
	return tr.deal("moved to another stage", isOpen, func(d *row) map[string]any {
		st := tr.one(tr.stages.table, func(r *row) bool { return r.refs[refPipeline] == d.refs[refPipeline] && r.id != d.refs[refStage] })
		if st == nil {
			return nil
		}
		return map[string]any{"stage_id": st.id}
	})
}

func (tr *trickle) winDeal() (sandbox.Mutation, error) {
	return tr.deal("won", isOpen, func(*row) map[string]any { return map[string]any{"status": "won"} })
}

func (tr *trickle) loseDeal() (sandbox.Mutation, error) {
	return tr.deal("lost", isOpen, func(*row) map[string]any {
		body := map[string]any{"status": "lost"}
		switch n := tr.rng.IntN(10); {
		case n < 6:
			body["lost_reason"] = tr.pickText(tr.good)
		case n < 9:
			body["lost_reason"] = tr.pickText(tr.bad)
		}
		return body
	})
}

func (tr *trickle) reopenDeal() (sandbox.Mutation, error) {
	lost := func(r *row) bool { return r.status == statusLost && !r.is(flagArchived) }
	return tr.deal("reopened", lost, func(*row) map[string]any { return map[string]any{"status": "open"} })
}

func (tr *trickle) repriceDeal() (sandbox.Mutation, error) {
	return tr.deal("value changed", isOpen, func(*row) map[string]any { return map[string]any{"value": 100 * (1 + tr.rng.IntN(20000))} })
}

func (tr *trickle) archiveDeal() (sandbox.Mutation, error) {
	closed := func(r *row) bool { return !r.is(flagArchived) && r.status != statusOpen || tr.rng.IntN(20) == 0 }
	return tr.deal("archived", closed, func(*row) map[string]any { return map[string]any{"is_archived": true} })
}

func (tr *trickle) handOver() (sandbox.Mutation, error) {
	return tr.deal("handed over", isOpen, func(*row) map[string]any { return map[string]any{"owner_id": tr.user()} })
}

// fillField writes an option of a custom field.
func (tr *trickle) fillField() (sandbox.Mutation, error) {
	return tr.deal("custom field filled", isOpen, func(*row) map[string]any {
		f := tr.choice("deal")
		if f == nil {
			return nil
		}
		return map[string]any{"custom_fields": map[string]any{f.FieldCode: f.Options[tr.rng.IntN(len(f.Options))].ID}}
	})
}

// choice picks a custom field with single options, nil when there is none.
func (tr *trickle) choice(object string) *field {
	tr.mu.RLock()
	defer tr.mu.RUnlock()
	var list []*field
	for _, f := range tr.catalogs[object].list {
		if f.IsCustomField && f.FieldType == "enum" && len(f.Options) > 0 {
			list = append(list, f)
		}
	}
	if len(list) == 0 {
		return nil
	}
	return list[tr.rng.IntN(len(list))]
}

func (tr *trickle) deleteDeal() (sandbox.Mutation, error) {
	d := tr.one(tr.deals.table, isOpen)
	if d == nil {
		return sandbox.Mutation{}, sandbox.ErrNothing
	}
	return tr.edit("deleted", "deals", "DELETE", fmt.Sprintf("/api/v2/deals/%d", d.id), nil)
}

func (tr *trickle) sellProduct() (sandbox.Mutation, error) {
	d, p := tr.one(tr.deals.table, isOpen), tr.one(tr.products.table, everyRow)
	if d == nil || p == nil {
		return sandbox.Mutation{}, sandbox.ErrNothing
	}
	return tr.edit("product attached", "dealProducts", "POST", fmt.Sprintf("/api/v2/deals/%d/products", d.id),
		map[string]any{"product_id": p.id, "item_price": 100 * (1 + tr.rng.IntN(500)), "quantity": 1 + tr.rng.IntN(4)})
}

func (tr *trickle) doActivity() (sandbox.Mutation, error) {
	a := tr.one(tr.activities.table, func(r *row) bool { return !r.is(flagDone) })
	if a == nil {
		return sandbox.Mutation{}, sandbox.ErrNothing
	}
	return tr.edit("activity done", "activities", "PATCH", fmt.Sprintf("/api/v2/activities/%d", a.id), map[string]any{"done": true})
}

func (tr *trickle) deleteActivity() (sandbox.Mutation, error) {
	a := tr.one(tr.activities.table, func(r *row) bool { return !r.is(flagDone) })
	if a == nil {
		return sandbox.Mutation{}, sandbox.ErrNothing
	}
	return tr.edit("activity deleted", "activities", "DELETE", fmt.Sprintf("/api/v2/activities/%d", a.id), nil)
}

func (tr *trickle) planActivity() (sandbox.Mutation, error) {
	d := tr.one(tr.deals.table, isOpen)
	if d == nil {
		return sandbox.Mutation{}, sandbox.ErrNothing
	}
	due := tr.Now().Add(time.Duration(tr.rng.IntN(120)) * time.Hour)
	return tr.edit("activity planned", "activities", "POST", "/api/v2/activities", map[string]any{
		"subject": tr.pickText(sandbox.Subjects("call")), "type": "call", "deal_id": d.id, "due_date": dayOf(due),
		"due_time": due.Format("15:04"), "duration": "00:30",
	})
}

func (tr *trickle) writeNote() (sandbox.Mutation, error) {
	d := tr.one(tr.deals.table, isOpen)
	if d == nil {
		return sandbox.Mutation{}, sandbox.ErrNothing
	}
	return tr.edit("note written", "notes", "POST", "/api/v1/notes", map[string]any{"content": tr.pickText(tr.notes), "deal_id": d.id})
}

func (tr *trickle) changePhone() (sandbox.Mutation, error) {
	p := tr.one(tr.persons.table, everyRow)
	if p == nil {
		return sandbox.Mutation{}, sandbox.ErrNothing
	}
	number := fmt.Sprintf("+48 %09d", 500_000_000+tr.rng.IntN(99_999_999))
	return tr.edit("phone changed", "persons", "PATCH", fmt.Sprintf("/api/v2/persons/%d", p.id),
		map[string]any{"phones": []any{map[string]any{"value": number, "primary": true, "label": "mobile"}}})
}

func (tr *trickle) newPerson() (sandbox.Mutation, error) {
	t := tr.tongues[tr.rng.IntN(len(tr.tongues))]
	return tr.edit("new person", "persons", "POST", "/api/v2/persons", map[string]any{
		"name":   tr.pickText(t.First) + " " + tr.pickText(t.Last),
		"phones": []any{map[string]any{"value": t.Prefix + fmt.Sprint(100_000_000+tr.rng.IntN(900_000_000)), "primary": true, "label": "work"}},
	})
}

func (tr *trickle) mergePeople() (sandbox.Mutation, error) {
	a, b := tr.one(tr.persons.table, everyRow), tr.one(tr.persons.table, everyRow)
	if a == nil || b == nil || a.id == b.id {
		return sandbox.Mutation{}, sandbox.ErrNothing
	}
	return tr.edit("merged", "persons", "PUT", fmt.Sprintf("/api/v1/persons/%d/merge", a.id), map[string]any{"merge_with_id": b.id})
}

func (tr *trickle) addOption() (sandbox.Mutation, error) {
	f := tr.choice("deal")
	if f == nil {
		return sandbox.Mutation{}, sandbox.ErrNothing
	}
	list := []any{map[string]any{"label": fmt.Sprintf("Вариант %d", tr.rng.IntN(1000))}}
	_, err := tr.Do(tr.user(), "POST", "/api/v2/dealFields/"+f.FieldCode+"/options", list)
	return sandbox.Mutation{What: "option added", Object: "dealFields", ID: f.FieldCode}, err
}

func (tr *trickle) renameOrganization() (sandbox.Mutation, error) {
	o := tr.one(tr.organizations.table, everyRow)
	if o == nil {
		return sandbox.Mutation{}, sandbox.ErrNothing
	}
	return tr.edit("renamed", "organizations", "PATCH", fmt.Sprintf("/api/v2/organizations/%d", o.id),
		map[string]any{"name": o.name() + " (PL)"})
}

func (tr *trickle) archiveLead() (sandbox.Mutation, error) {
	l := tr.one(tr.leads.table, func(r *row) bool { return !r.is(flagArchived) })
	if l == nil {
		return sandbox.Mutation{}, sandbox.ErrNothing
	}
	return tr.edit("archived", "leads", "PATCH", "/api/v1/leads/"+l.key, map[string]any{"is_archived": true})
}
