package zoho

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestWriteRefusals(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{})
	if err := b.write("", func(t *tx) error { // a stage that no pipeline has any more
		t.configure(func(c *settings) { addOption(c.module("Deals").field("Stage"), option{ID: 1, Actual: "Ghost"}) })
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	ok := object{"Deal_Name": "x", "Stage": "Qualification"}
	with := func(key string, v any) object {
		out := object{"Deal_Name": "x", "Stage": "Qualification"}
		out[key] = v
		return out
	}
	for name, c := range map[string]struct {
		record      object
		code, field string
	}{
		"no name":             {object{"Stage": "Qualification"}, "MANDATORY_NOT_FOUND", "Deal_Name"},
		"no stage":            {object{"Deal_Name": "x"}, "MANDATORY_NOT_FOUND", "Stage"},
		"a strange stage":     {with("Stage", "Dragon"), "INVALID_DATA", "Stage"},
		"another's stage":     {with("Stage", "Ghost"), "MAPPING_MISMATCH", "Stage"},
		"a strange reason":    {with("Reason_For_Loss__s", "because"), "INVALID_DATA", "Reason_For_Loss__s"},
		"a number in words":   {with("Amount", "many"), "INVALID_DATA", "Amount"},
		"a wrong date":        {with("Closing_Date", "1.2.2026"), "INVALID_DATA", "Closing_Date"},
		"no such account":     {with("Account_Name", object{"id": "1"}), "INVALID_DATA", "Account_Name"},
		"no such owner":       {with("Owner", object{"id": "1"}), "INVALID_DATA", "Owner"},
		"a fractional number": {with("Probability", 1.5), "INVALID_DATA", "Probability"},
	} {
		a := b.send("POST", "/crm/v8/Deals", object{"data": []object{c.record}})
		details, _ := a.list("data")[0]["details"].(object)
		if a.status != 400 || a.code() != c.code || details["api_name"] != c.field {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	a := b.send("POST", "/crm/v8/Deals", object{"data": []object{ok, {"Stage": "x"}, ok}})
	if diff := cmp.Diff([]any{"SUCCESS", "INVALID_DATA", "SUCCESS"}, columnOf(a.list("data"), "code")); diff != "" || a.status != http.StatusMultiStatus {
		t.Errorf("%d (-want +got):\n%s", a.status, diff)
	}
	if live, _ := b.Count("Deals"); live != 2 {
		t.Errorf("%d deals, want the two that were right", live)
	}
	var many []object
	for range 101 {
		many = append(many, ok)
	}
	if a := b.send("POST", "/crm/v8/Deals", object{"data": many}); a.status != 400 || a.code() != "INVALID_DATA" {
		t.Errorf("101 records: %d %s", a.status, a.body)
	}
	if a := b.send("POST", "/crm/v8/DealHistory", object{"data": []object{ok}}); a.code() != "NOT_SUPPORTED" {
		t.Errorf("writing history: %s", a.body)
	}
}

func TestStageDecides(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{})
	id := b.make("Deals", object{"Deal_Name": "x", "Stage": "Qualification", "Amount": 200})
	b.clock.Advance(time.Hour)
	b.send("PUT", "/crm/v8/Deals/"+id, object{"data": []object{{"Stage": "Closed Lost", "Reason_For_Loss__s": "Price"}}, "trigger": []string{}})
	got := b.get("/crm/v8/Deals/" + id + "?fields=Stage,Pipeline,Probability,Expected_Revenue,Stage_Modified_Time,Reason_For_Loss__s").list("data")[0]
	want := object{
		"id": id, "Stage": "Closed Lost", "Pipeline": "Standard (Standard)", "Probability": num("0"), "Expected_Revenue": num("0"),
		"Stage_Modified_Time": "2026-11-22T14:00:00+01:00", "Reason_For_Loss__s": "Price",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lost (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{}, b.Triggered(id)); diff != "" {
		t.Errorf("automations set off (-want +got):\n%s", diff)
	}
	b.send("PUT", "/crm/v8/Deals/"+id, object{"data": []object{{"Stage": "Qualification"}}})
	if diff := cmp.Diff([]string{"approval", "blueprint", "workflow"}, b.Triggered(id)); diff != "" {
		t.Errorf("automations set off when nothing is said (-want +got):\n%s", diff)
	}
}

// TestConditionalUpdate: a write that names the time of its reading loses against
// a person who was there meanwhile.
func TestConditionalUpdate(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{})
	id := b.sell(1)[0]
	read := b.get("/crm/v8/Deals/" + id).list("data")[0]["Modified_Time"].(string)
	b.Before("PUT", "/crm/v8/Deals/"+id, func() {
		b.clock.Advance(time.Second)
		if _, err := b.Do("", "PUT", "/crm/v8/Deals/"+id, object{"data": []object{{"Amount": 5}}}); err != nil {
			t.Error(err)
		}
	})
	change := object{"data": []object{{"Amount": 6}}}
	if a := b.send("PUT", "/crm/v8/Deals/"+id, change, "If-Modified-Since", read); a.status != 412 || a.code() != "ALREADY_MODIFIED" {
		t.Errorf("%d %s, want 412", a.status, a.body)
	}
	now := b.get("/crm/v8/Deals/" + id).list("data")[0]
	if now["Amount"] != num("5") {
		t.Errorf("amount %v, want the person's", now["Amount"])
	}
	if a := b.send("PUT", "/crm/v8/Deals/"+id, change, "If-Modified-Since", now["Modified_Time"].(string)); a.code() != "SUCCESS" {
		t.Errorf("unchanged since: %s", a.body)
	}
}

func TestBlueprint(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{})
	err := b.AddBlueprint("", "Sales", Transition{Name: "Give up", From: []string{"Qualification"}, To: "Closed Lost", Needs: []string{"Reason_For_Loss__s"}})
	if err != nil {
		t.Fatal(err)
	}
	id := b.make("Deals", object{"Deal_Name": "x", "Stage": "Qualification"})
	path := "/crm/v8/Deals/" + id
	if a := b.send("PUT", path, object{"data": []object{{"Stage": "Closed Lost"}}}); a.code() != "RECORD_IN_BLUEPRINT" {
		t.Errorf("a stage by hand: %s", a.body)
	}
	if a := b.send("PUT", path, object{"data": []object{{"Amount": 3}}}); a.code() != "SUCCESS" {
		t.Errorf("another field by hand: %s", a.body)
	}
	way := b.get(path + "/actions/blueprint").json()["blueprint"].(object)["transitions"].([]any)[0].(object)
	if way["next_field_value"] != "Closed Lost" {
		t.Fatalf("transition %v", way)
	}
	take := func(way any, data object) answerTo {
		return b.send("PUT", path+"/actions/blueprint", object{"blueprint": []object{{"transition_id": way, "data": data}}})
	}
	if a := take("1", object{}); a.code() != "INVALID_DATA" {
		t.Errorf("no such transition: %s", a.body)
	}
	if a := take(way["id"], object{}); a.code() != "MANDATORY_NOT_FOUND" {
		t.Errorf("without the reason: %s", a.body)
	}
	if a := take(way["id"], object{"Reason_For_Loss__s": "Price"}); a.code() != "SUCCESS" {
		t.Errorf("transition: %s", a.body)
	}
	if a := b.get(path + "/actions/blueprint"); a.code() != "RECORD_NOT_IN_PROCESS" {
		t.Errorf("at the end: %s", a.body)
	}
	if a := b.send("PUT", path, object{"data": []object{{"Stage": "Qualification"}}}); a.code() != "SUCCESS" {
		t.Errorf("out of the process: %s", a.body)
	}
}

func TestMerge(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{})
	master, loser := b.make("Accounts", object{"Account_Name": "A"}), b.make("Accounts", object{"Account_Name": "A bis"})
	deal := b.make("Deals", object{"Deal_Name": "x", "Stage": "Qualification", "Account_Name": object{"id": loser}})
	a := b.send("POST", "/crm/v8/Accounts/"+master+"/actions/merge", object{"merge": []object{{"data": []object{{"id": loser}}}}})
	if a.status != http.StatusCreated || a.code() != "SUCCESS" {
		t.Fatalf("merge: %d %s", a.status, a.body)
	}
	if got := b.get("/crm/v8/Deals/" + deal).list("data")[0]["Account_Name"].(object)["id"]; got != master {
		t.Errorf("the deal's account is %v, want %s", got, master)
	}
	if diff := cmp.Diff([]any{loser}, columnOf(b.get("/crm/v8/Accounts/deleted").list("data"), "id")); diff != "" {
		t.Errorf("deleted (-want +got):\n%s", diff)
	}
}

func TestTasksNotesCalls(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{})
	deal := b.sell(1)[0]
	task := b.make("Tasks", object{"Subject": "Call back", "Due_Date": "2026-11-25", "What_Id": object{"id": deal}, "$se_module": "Deals"})
	b.send("PUT", "/crm/v8/Tasks/"+task, object{"data": []object{{"Status": "Completed"}}})
	got := b.get("/crm/v8/Tasks/" + task + "?fields=What_Id,Closed_Time").list("data")[0]
	want := object{"id": task, "What_Id": object{"id": deal, "name": "Deal 0"}, "$se_module": "Deals", "Closed_Time": "2026-11-22T13:00:01+01:00"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("task (-want +got):\n%s", diff)
	}
	b.make("Notes", object{"Note_Content": "Привет", "Parent_Id": object{"module": object{"api_name": "Deals"}, "id": deal}})
	if a := b.send("POST", "/crm/v8/Deals/"+deal+"/Notes", object{"data": []object{{"Note_Title": "t", "Note_Content": "c"}}}); a.code() != "SUCCESS" {
		t.Errorf("note by the deal: %s", a.body)
	}
	if got := columnOf(b.get("/crm/v8/Deals/"+deal+"/Notes?fields=Note_Content").list("data"), "Note_Content"); len(got) != 2 || got[1] != "Привет" {
		t.Errorf("notes %v", got)
	}
	call := b.make("Calls", object{"Subject": "s", "Call_Type": "Outbound", "Call_Start_Time": "2026-11-22T10:00:00Z", "Call_Duration": "12:30"})
	if got := b.get("/crm/v8/Calls/" + call).list("data")[0]["Call_Duration_in_seconds"]; got != num("750") {
		t.Errorf("duration %v, want 750", got)
	}
	b.send("DELETE", "/crm/v8/Deals/"+deal, nil)
	if a := b.get("/crm/v8/Notes?fields=Note_Content"); a.status != http.StatusNoContent {
		t.Errorf("notes of a deleted deal: %d %s", a.status, a.body)
	}
}

func TestLocked(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{})
	id := b.sell(1)[0]
	if err := b.Lock("Deals", id, true); err != nil {
		t.Fatal(err)
	}
	if a := b.send("PUT", "/crm/v8/Deals/"+id, object{"data": []object{{"Amount": 1}}}); a.code() != "RECORD_LOCKED" {
		t.Errorf("a locked record: %s", a.body)
	}
}

func TestProvision(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{})
	a := b.send("POST", "/crm/v8/settings/fields?module=Deals", object{"fields": []object{{"field_label": "Powód straty", "data_type": "picklist", "pick_list_values": []object{{"display_value": "Cena", "actual_value": "Cena"}}}}})
	if a.status != 201 {
		t.Fatalf("field: %d %s", a.status, a.body)
	}
	id := a.list("fields")[0]["details"].(object)["id"].(string)
	b.send("PATCH", "/crm/v8/settings/fields/"+id+"?module=Deals", object{"fields": []object{{"pick_list_values": []object{{"display_value": "Czas"}}}}})
	f := b.get("/crm/v8/settings/fields/" + id + "?module=Deals").list("fields")[0]
	name := f["api_name"].(string)
	if got := len(f["pick_list_values"].([]any)); got != 3 || name != "Pow_d_straty" {
		t.Errorf("field %s with %d values, want Pow_d_straty with -None- and two", name, got)
	}
	b.make("Deals", object{"Deal_Name": "x", "Stage": "Qualification", name: "Czas"})
	var many []object
	for i := range 11 {
		many = append(many, object{"display_value": fmt.Sprintf("Powód %d", i), "actual_value": fmt.Sprintf("Powód %d", i)})
	}
	for what, a := range map[string]answerTo{
		"a new field":   b.send("POST", "/crm/v8/settings/fields?module=Deals", object{"fields": []object{{"field_label": "Nowe", "data_type": "picklist", "pick_list_values": many}}}),
		"another field": b.send("PATCH", "/crm/v8/settings/fields/"+id+"?module=Deals", object{"fields": []object{{"pick_list_values": many}}}),
	} {
		if a.status != http.StatusBadRequest || a.code() != "LIMIT_EXCEEDED" {
			t.Errorf("eleven values at once for %s: %d %s", what, a.status, a.body)
		}
	}
	if a := b.send("DELETE", "/crm/v8/settings/fields/"+id+"?module=Deals", nil); a.status != 200 {
		t.Errorf("delete the field: %s", a.body)
	}
}

// stages are the account's, by their names.
func (b *bundle) stages() map[string]string {
	out := map[string]string{}
	for _, f := range b.get("/crm/v8/settings/fields?module=Deals").list("fields") {
		if f["api_name"] != "Stage" {
			continue
		}
		for _, o := range f["pick_list_values"].([]any) {
			out[o.(object)["display_value"].(string)] = o.(object)["id"].(string)
		}
	}
	return out
}

// TestPipelines: a pipeline is made of stages that the account has, in the order that
// is asked for, and is changed so; what is wrong is told as documented.
func TestPipelines(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{})
	if err := b.SetStage("Telefon", "Open", 15); err != nil {
		t.Fatal(err)
	}
	id := b.stages()
	layout := b.get("/crm/v8/settings/layouts?module=Deals").list("layouts")[0]["id"].(string)
	root, query := "/crm/v8/settings/pipeline", "?layout_id="+layout
	write := func(method, path string, p object) answerTo {
		return b.send(method, path, object{"pipeline": []object{p}})
	}
	maps := func(names ...string) []object {
		var out []object
		for i, n := range names {
			out = append(out, object{"id": id[n], "display_value": n, "sequence_number": i + 1})
		}
		return out
	}
	a := write("POST", root+query, object{"display_value": "Nowy", "maps": maps("Telefon", "Closed Won", "Closed Lost")})
	if a.status != 201 {
		t.Fatalf("pipeline: %d %s", a.status, a.body)
	}
	pipe := a.list("pipeline")[0]["details"].(object)["id"].(string)
	deal := b.make("Deals", object{"Deal_Name": "y", "Pipeline": "Nowy", "Stage": "Telefon"})
	if got := b.get("/crm/v8/Deals/" + deal + "?fields=Probability").list("data")[0]["Probability"]; fmt.Sprint(got) != "15" {
		t.Errorf("the deal is %v %% probable, want 15", got)
	}
	shown := func() string {
		p := b.get(root + "/" + pipe + query).list("pipeline")[0]
		out := []string{p["display_value"].(string), p["actual_value"].(string)}
		for _, m := range p["maps"].([]any) {
			out = append(out, m.(object)["display_value"].(string)+" "+m.(object)["forecast_type"].(string))
		}
		return strings.Join(out, ", ")
	}
	for _, step := range []struct {
		name string
		p    object
		want string
	}{
		{"another name", object{"display_value": "Nowszy"}, "Nowszy, Nowy, Telefon Open, Closed Won Closed Won, Closed Lost Closed Lost"},
		{"one more stage", object{"maps": []object{{"id": id["Qualification"], "sequence_number": 1}}}, "Nowszy, Nowy, Qualification Open, Telefon Open, Closed Won Closed Won, Closed Lost Closed Lost"},
		{"another order", object{"maps": maps("Telefon", "Qualification", "Closed Won", "Closed Lost")}, "Nowszy, Nowy, Telefon Open, Qualification Open, Closed Won Closed Won, Closed Lost Closed Lost"},
		{"one less", object{"maps": []object{{"id": id["Telefon"], "_delete": object{"permanent": nil}}}}, "Nowszy, Nowy, Qualification Open, Closed Won Closed Won, Closed Lost Closed Lost"},
	} {
		if a := write("PUT", root+"/"+pipe+query, step.p); a.status != 200 {
			t.Errorf("%s: %d %s", step.name, a.status, a.body)
		}
		if diff := cmp.Diff(step.want, shown()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
	}
	long := make([]object, 201)
	for i := range long {
		long[i] = object{"id": id["Telefon"]}
	}
	before := shown()
	for name, wrong := range map[string]struct {
		method, path string
		p            object
		code         string
	}{
		"a name that is taken":       {"POST", root + query, object{"display_value": "NOWSZY", "maps": maps("Telefon")}, "DUPLICATE_DATA"},
		"no name":                    {"POST", root + query, object{"maps": maps("Telefon")}, "MANDATORY_NOT_FOUND"},
		"no stages":                  {"POST", root + query, object{"display_value": "Inny"}, "MANDATORY_NOT_FOUND"},
		"a stage by its name":        {"POST", root + query, object{"display_value": "Inny", "maps": []object{{"display_value": "Telefon"}}}, "MANDATORY_NOT_FOUND"},
		"a stage that is none":       {"POST", root + query, object{"display_value": "Inny", "maps": []object{{"id": "7"}}}, "INVALID_DATA"},
		"too many stages":            {"POST", root + query, object{"display_value": "Inny", "maps": long}, "INVALID_DATA"},
		"another layout":             {"POST", root + "?layout_id=7", object{"display_value": "Inny", "maps": maps("Telefon")}, "INVALID_DATA"},
		"no layout":                  {"POST", root, object{"display_value": "Inny", "maps": maps("Telefon")}, "REQUIRED_PARAM_MISSING"},
		"a change of none":           {"PUT", root + "/7" + query, object{"display_value": "Inny"}, "INVALID_DATA"},
		"a change to a taken name":   {"PUT", root + "/" + pipe + query, object{"display_value": "standard (standard)"}, "DUPLICATE_DATA"},
		"a change to an alien stage": {"PUT", root + "/" + pipe + query, object{"maps": []object{{"id": "7"}}}, "INVALID_DATA"},
		"no stage is left": {"PUT", root + "/" + pipe + query, object{"maps": []object{
			{"id": id["Qualification"], "_delete": true}, {"id": id["Closed Won"], "_delete": true}, {"id": id["Closed Lost"], "_delete": true},
		}}, "CANNOT_DELETE"},
	} {
		if a := write(wrong.method, wrong.path, wrong.p); a.status != 400 || !strings.Contains(string(a.body), wrong.code) {
			t.Errorf("%s: %d %s, want 400 with %s", name, a.status, a.body, wrong.code)
		}
	}
	if diff := cmp.Diff(before, shown()); diff != "" {
		t.Errorf("what was refused had an effect (-want +got):\n%s", diff)
	}
	if n := len(b.get(root + query).list("pipeline")); n != 2 {
		t.Errorf("there are %d pipelines, want two", n)
	}
}

// TestConvert: a lead becomes an account, a contact and a deal, or nothing at all.
func TestConvert(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{})
	lead := b.make("Leads", object{"First_Name": "Zoë", "Last_Name": "Tamm", "Company": "Kestrel"})
	path := "/crm/v8/Leads/" + lead + "/actions/convert"
	if a := b.send("POST", path, object{"data": []object{{"Deals": object{"Deal_Name": "x"}}}}); a.status != 400 || a.code() != "MANDATORY_NOT_FOUND" {
		t.Errorf("a deal without a stage: %d %s", a.status, a.body)
	}
	if live, _ := b.Count("Accounts"); live != 0 {
		t.Errorf("%d accounts of a conversion that failed", live)
	}
	a := b.send("POST", path, object{"data": []object{{"Deals": object{"Deal_Name": "x", "Stage": "Qualification"}}}})
	if a.status != 200 || a.code() != "SUCCESS" {
		t.Fatalf("convert: %d %s", a.status, a.body)
	}
	deal := a.list("data")[0]["details"].(object)["Deals"].(object)["id"].(string)
	got := b.get("/crm/v8/Deals/" + deal + "?fields=Contact_Name,Account_Name").list("data")[0]
	if got["Contact_Name"].(object)["name"] != "Zoë Tamm" || got["Account_Name"].(object)["name"] != "Kestrel" {
		t.Errorf("the deal %v", got)
	}
	if a := b.get("/crm/v8/Leads?fields=Last_Name"); a.status != http.StatusNoContent {
		t.Errorf("the converted lead is listed: %s", a.body)
	}
	if got := b.get("/crm/v8/Leads?fields=Converted_Deal&converted=true").list("data")[0]["Converted_Deal"].(object)["id"]; got != deal {
		t.Errorf("the lead's deal is %v, want %s", got, deal)
	}
	if a := b.send("POST", path, object{"data": []object{{"overwrite": true}}}); a.code() != "ID_ALREADY_CONVERTED" {
		t.Errorf("converted twice: %s", a.body)
	}
}
