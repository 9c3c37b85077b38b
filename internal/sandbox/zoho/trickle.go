package zoho

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"salesbook.dev/internal/sandbox"
)

// Trickle makes n plausible changes, as the company's people would on a busy
// day: by the same way as writes over HTTP, so that rules, journal and
// notifications apply. The same rng on the same account does the same.
func (s *Sim) Trickle(rng *rand.Rand, n int) ([]sandbox.Mutation, error) {
	tr := &trickle{Sim: s, rng: rng}
	all := mutators()
	weights := make([]int, len(all))
	for i, m := range all {
		weights[i] = m.weight
	}
	return sandbox.Trickle(rng, n, weights, func(kind int) (sandbox.Mutation, error) { return all[kind].do(tr) })
}

type trickle struct {
	*Sim
	rng *rand.Rand
}

var errNoRecord = errors.New("it names no record")

type mutator struct {
	weight int
	do     func(*trickle) (sandbox.Mutation, error)
}

func mutators() []mutator {
	return []mutator{
		{12, (*trickle).newLead}, {9, (*trickle).newDeal}, {22, (*trickle).moveDeal}, {6, (*trickle).winDeal}, {9, (*trickle).loseDeal},
		{7, (*trickle).repriceDeal}, {12, (*trickle).doTask}, {9, (*trickle).planTask}, {6, (*trickle).writeNote}, {4, (*trickle).changePhone},
		{3, (*trickle).newContact}, {2, (*trickle).deleteDeal}, {1, (*trickle).mergePeople}, {2, (*trickle).reopenDeal}, {2, (*trickle).renameAccount},
		{2, (*trickle).earnMore}, {1, (*trickle).deleteTask}, {1, (*trickle).handOver}, {2, (*trickle).convert},
	}
}

// one picks a random living record that suits, nil when a number of tries finds none.
func (tr *trickle) one(table string, suits func(*row) bool) *row {
	tr.mu.RLock()
	defer tr.mu.RUnlock()
	rows := tr.tables[table].rows
	const tries = 200
	for range min(tries, 10*len(rows)) {
		if r := rows[tr.rng.IntN(len(rows))]; suits(r) {
			return r
		}
	}
	return nil
}

func everyRow(*row) bool { return true }

// user is somebody who works there today.
func (tr *trickle) user() string {
	r := tr.one(usersTable, func(r *row) bool { return r.text("status") == "active" })
	if r == nil {
		return ""
	}
	return r.key()
}

// edit sends one record and reports it.
func (tr *trickle) edit(what, module, method, path string, record object) (sandbox.Mutation, error) {
	var body any
	if record != nil {
		body = object{"data": []object{record}}
	}
	out, err := tr.Do(tr.user(), method, path, body)
	if err != nil {
		return sandbox.Mutation{}, err
	}
	var got struct {
		Data []struct {
			Details struct {
				ID string `json:"id"`
			} `json:"details"`
		} `json:"data"`
	}
	if err := json.Unmarshal(out, &got); err != nil || len(got.Data) == 0 {
		return sandbox.Mutation{}, fmt.Errorf("%s: answer %s: %w", what, out, errNoRecord)
	}
	return sandbox.Mutation{What: what, Object: module, ID: got.Data[0].Details.ID}, nil
}

func (tr *trickle) add(what, module string, record object) (sandbox.Mutation, error) {
	return tr.edit(what, module, "POST", "/crm/v8/"+module, record)
}

// change sends a change of a random record that suits; nothing changes where
// record is nil.
func (tr *trickle) change(what, module string, suits func(*row) bool, record func(*row) object) (sandbox.Mutation, error) {
	r := tr.one(module, suits)
	if r == nil {
		return sandbox.Mutation{}, sandbox.ErrNothing
	}
	change := record(r)
	if change == nil {
		return sandbox.Mutation{}, sandbox.ErrNothing
	}
	return tr.edit(what, module, "PUT", "/crm/v8/"+module+"/"+r.key(), change)
}

func (tr *trickle) remove(module string, suits func(*row) bool) (sandbox.Mutation, error) {
	r := tr.one(module, suits)
	if r == nil {
		return sandbox.Mutation{}, sandbox.ErrNothing
	}
	return tr.edit("deleted", module, "DELETE", "/crm/v8/"+module+"/"+r.key(), nil)
}

// stands reports whether a deal is at a stage of a forecast type and may be
// moved by hand. The caller of a test of one holds the lock.
func (tr *trickle) stands(forecast string) func(*row) bool {
	return func(r *row) bool {
		p := tr.settings.pipeline(r.text("Pipeline"))
		return p != nil && p.step(r.text("Stage")) != nil && p.step(r.text("Stage")).Forecast == forecast && tr.settings.process(r) == nil
	}
}

// stage picks a stage of that type in a deal's pipeline, another than it is in.
func (tr *trickle) stage(deal *row, forecast string) string {
	tr.mu.RLock()
	defer tr.mu.RUnlock()
	var list []string
	for _, st := range tr.settings.pipeline(deal.text("Pipeline")).Maps {
		if st.Forecast == forecast && st.Actual != deal.text("Stage") {
			list = append(list, st.Actual)
		}
	}
	if len(list) == 0 {
		return ""
	}
	return list[tr.rng.IntN(len(list))]
}

func (tr *trickle) shift(what, from, to string) (sandbox.Mutation, error) {
	return tr.change(what, "Deals", tr.stands(from), func(d *row) object {
		if st := tr.stage(d, to); st != "" {
			return object{"Stage": st}
		}
		return nil
	})
}

func (tr *trickle) moveDeal() (sandbox.Mutation, error) {
	return tr.shift("moved to another stage", forecastOpen, forecastOpen)
}

func (tr *trickle) winDeal() (sandbox.Mutation, error) {
	return tr.shift("won", forecastOpen, forecastWon)
}

func (tr *trickle) reopenDeal() (sandbox.Mutation, error) {
	return tr.shift("reopened", forecastLost, forecastOpen)
}

func (tr *trickle) loseDeal() (sandbox.Mutation, error) {
	return tr.change("lost", "Deals", tr.stands(forecastOpen), func(d *row) object {
		st := tr.stage(d, forecastLost)
		if st == "" {
			return nil
		}
		out := object{"Stage": st}
		if tr.rng.IntN(10) < 8 {
			out["Reason_For_Loss__s"] = tr.reason()
		}
		return out
	})
}

func (tr *trickle) reason() string {
	tr.mu.RLock()
	defer tr.mu.RUnlock()
	list := tr.settings.module("Deals").field("Reason_For_Loss__s").Options
	return list[tr.rng.IntN(len(list))].Actual
}

func (tr *trickle) repriceDeal() (sandbox.Mutation, error) {
	return tr.change("amount changed", "Deals", tr.stands(forecastOpen), func(*row) object { return object{"Amount": 100 * (1 + tr.rng.IntN(20000))} })
}

func (tr *trickle) handOver() (sandbox.Mutation, error) {
	return tr.change("handed over", "Deals", tr.stands(forecastOpen), func(*row) object { return object{"Owner": object{"id": tr.user()}} })
}

func (tr *trickle) deleteDeal() (sandbox.Mutation, error) {
	return tr.remove("Deals", tr.stands(forecastOpen))
}

func (tr *trickle) newLead() (sandbox.Mutation, error) {
	t := sandbox.Tongues()[tr.rng.IntN(3)]
	return tr.add("new lead", "Leads", object{"First_Name": tr.pick(t.First), "Last_Name": tr.pick(t.Last), "Company": tr.pick(t.Companies)})
}

func (tr *trickle) pick(list []string) string { return list[tr.rng.IntN(len(list))] }

func (tr *trickle) newDeal() (sandbox.Mutation, error) {
	who := tr.one("Contacts", everyRow)
	if who == nil {
		return sandbox.Mutation{}, sandbox.ErrNothing
	}
	tr.mu.RLock()
	list := tr.settings.Pipelines
	tr.mu.RUnlock()
	p := list[tr.rng.IntN(len(list))]
	return tr.add("new deal", "Deals", object{
		"Deal_Name": "Szansa: " + who.text("Full_Name"), "Contact_Name": object{"id": who.key()}, "Pipeline": p.Actual, "Stage": p.Maps[0].Actual,
		"Amount": 500 * (1 + tr.rng.IntN(4000)), "Closing_Date": tr.Now().AddDate(0, 0, 14+tr.rng.IntN(60)).Format(time.DateOnly),
	})
}

func (tr *trickle) convert() (sandbox.Mutation, error) {
	r := tr.one("Leads", func(r *row) bool { return r.values["Converted__s"] != true })
	if r == nil {
		return sandbox.Mutation{}, sandbox.ErrNothing
	}
	_, err := tr.Do(tr.user(), "POST", "/crm/v8/Leads/"+r.key()+"/actions/convert", object{"data": []object{{"overwrite": false}}})
	return sandbox.Mutation{What: "converted", Object: "Leads", ID: r.key()}, err
}

func openTask(r *row) bool { return r.text("Status") != "Completed" }

func (tr *trickle) doTask() (sandbox.Mutation, error) {
	return tr.change("task done", "Tasks", openTask, func(*row) object { return object{"Status": "Completed"} })
}

func (tr *trickle) deleteTask() (sandbox.Mutation, error) { return tr.remove("Tasks", openTask) }

func (tr *trickle) planTask() (sandbox.Mutation, error) {
	d := tr.one("Deals", tr.stands(forecastOpen))
	if d == nil {
		return sandbox.Mutation{}, sandbox.ErrNothing
	}
	return tr.add("task planned", "Tasks", object{
		"Subject": tr.pick(sandbox.Subjects("call")), "Due_Date": tr.Now().AddDate(0, 0, tr.rng.IntN(6)).Format(time.DateOnly), "Status": "Not Started",
		"What_Id": object{"id": d.key()}, "$se_module": "Deals",
	})
}

func (tr *trickle) writeNote() (sandbox.Mutation, error) {
	d := tr.one("Deals", tr.stands(forecastOpen))
	if d == nil {
		return sandbox.Mutation{}, sandbox.ErrNothing
	}
	return tr.add("note written", "Notes", object{
		"Note_Content": tr.pick(sandbox.NoteTexts()), "Parent_Id": object{"module": object{"api_name": "Deals"}, "id": d.key()},
	})
}

func (tr *trickle) changePhone() (sandbox.Mutation, error) {
	return tr.change("phone changed", "Contacts", everyRow, func(*row) object {
		return object{"Phone": fmt.Sprintf("+48 %09d", 500_000_000+tr.rng.IntN(99_999_999))}
	})
}

func (tr *trickle) newContact() (sandbox.Mutation, error) {
	t := sandbox.Tongues()[tr.rng.IntN(3)]
	return tr.add("new contact", "Contacts", object{"First_Name": tr.pick(t.First), "Last_Name": tr.pick(t.Last), "Phone": t.Prefix + fmt.Sprint(100_000_000+tr.rng.IntN(900_000_000))})
}

func (tr *trickle) mergePeople() (sandbox.Mutation, error) {
	a, b := tr.one("Contacts", everyRow), tr.one("Contacts", everyRow)
	if a == nil || b == nil || a.id == b.id {
		return sandbox.Mutation{}, sandbox.ErrNothing
	}
	_, err := tr.Do(tr.user(), "POST", "/crm/v8/Contacts/"+a.key()+"/actions/merge", object{"merge": []object{{"data": []object{{"id": b.key()}}}}})
	return sandbox.Mutation{What: "merged", Object: "Contacts", ID: a.key()}, err
}

func (tr *trickle) renameAccount() (sandbox.Mutation, error) {
	return tr.change("renamed", "Accounts", everyRow, func(r *row) object { return object{"Account_Name": r.text("Account_Name") + " (PL)"} })
}

// earnMore changes what the formula of deals shows, without touching a deal.
func (tr *trickle) earnMore() (sandbox.Mutation, error) {
	return tr.change("revenue changed", "Accounts", everyRow, func(*row) object { return object{"Annual_Revenue": 1000 * (1 + tr.rng.IntN(9000))} })
}
