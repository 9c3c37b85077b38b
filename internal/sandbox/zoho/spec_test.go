package zoho

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/internal/sandbox"
	"salesbook.dev/internal/sandbox/openapi"
	"salesbook.dev/internal/sandbox/zoho/official"
)

// TestLargeAgainstTheDocuments holds an exchange of every operation to the
// vendor's documents, so that the simulator neither takes what the vendor would
// not nor says what it would not.
func TestLargeAgainstTheDocuments(t *testing.T) {
	t.Parallel()
	official.Folder().Need(t)
	docs, err := official.Load()
	if err != nil {
		t.Fatal(err)
	}
	a := docs.Audit(official.Deviations())
	b := setup(t, Options{RandomSeed: 7})
	if err := b.Generate(7, ScaleOf(60)); err != nil {
		t.Fatal(err)
	}
	b.Hide("Products")
	for _, sc := range scenes(b) {
		if ans := b.exchange(sc, a); ans.status/100 != 2 && sc.status == 0 || sc.status != 0 && ans.status != sc.status {
			t.Errorf("%s %s: %d %s", sc.method, sc.path, ans.status, ans.body)
		}
	}
	b.token = "wrong"
	if ans := b.exchange(scene{method: "GET", path: "/crm/v8/org"}, a); ans.status != http.StatusUnauthorized {
		t.Errorf("a wrong token: %d", ans.status)
	}
	b.token = staticToken
	if _, err := b.Inject(sandbox.Fault{Kind: sandbox.BurstLimit}); err != nil {
		t.Fatal(err)
	}
	if ans := b.exchange(scene{method: "GET", path: "/crm/v8/users"}, a); ans.status != http.StatusTooManyRequests {
		t.Errorf("too many calls: %d", ans.status)
	}
	want := []string{
		"DELETE fields /crm/v8/settings/fields/{field}", "DELETE notifications /crm/v8/actions/watch", "DELETE record /crm/v8/{module_api_name}",
		"DELETE record /crm/v8/{module_api_name}/{id}", "GET blueprint /crm/v8/{module_api_name}/{record_id}/actions/blueprint",
		"GET bulk_read /crm/bulk/v8/read/{job_id}", "GET bulk_read /crm/bulk/v8/read/{job_id}/result", "GET fields /crm/v8/settings/fields",
		"GET fields /crm/v8/settings/fields/{field}", "GET notifications /crm/v8/actions/watch", "GET org /crm/v8/org",
		"GET layouts /crm/v8/settings/layouts", "GET layouts /crm/v8/settings/layouts/{id}", "GET modules /crm/v8/settings/modules",
		"GET modules /crm/v8/settings/modules/{api_name}", "GET pipeline /crm/v8/settings/pipeline", "GET pipeline /crm/v8/settings/pipeline/{id}", "GET record /crm/v8/{module_api_name}",
		"GET record /crm/v8/{module_api_name}/deleted", "GET record /crm/v8/{module_api_name}/{id}",
		"GET related_lists /crm/v8/settings/related_lists", "GET related_records /crm/v8/{module_api_name}/{record_id}/{related_list_api_name}",
		"GET users /crm/v8/users", "GET users /crm/v8/users/{user}", "PATCH fields /crm/v8/settings/fields/{field}",
		"PATCH notifications /crm/v8/actions/watch", "POST bulk_read /crm/bulk/v8/read", "POST coql /crm/v8/coql", "POST fields /crm/v8/settings/fields",
		"POST convert_lead /crm/v8/Leads/{lead_id}/actions/convert",
		"POST find_and_merge /crm/v8/{module}/{masterrecordid}/actions/merge", "POST notifications /crm/v8/actions/watch",
		"POST pipeline /crm/v8/settings/pipeline", "POST record /crm/v8/{module_api_name}",
		"PUT blueprint /crm/v8/{module_api_name}/{record_id}/actions/blueprint", "PUT notifications /crm/v8/actions/watch",
		"PUT pipeline /crm/v8/settings/pipeline/{id}", "PUT record /crm/v8/{module_api_name}", "PUT record /crm/v8/{module_api_name}/{id}",
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, a.Seen()); diff != "" {
		t.Errorf("operations held to their document (-want +seen):\n%s", diff)
	}
	for _, d := range a.Unused() {
		t.Errorf("the deviation %s (%s) excuses nothing any more: remove it", d.Path, d.Kind)
	}
}

// scene is one request of the audit; a status other than 2xx is said.
type scene struct {
	method, path string
	body         any
	status       int
	header       []string
}

// scenes use every operation on a generated company.
func scenes(b *bundle) []scene {
	deals, accounts, contacts := b.tables["Deals"].rows, b.tables["Accounts"].rows, b.tables["Contacts"].rows
	c := b.settings
	layout, stageField := idText(c.module("Deals").Layout), c.module("Deals").field("Answer_1")
	deal := deals[0].key()
	way := b.blueprint(deals[1])
	var out []scene
	add := func(method, path string, body any, status ...int) {
		out = append(out, scene{method: method, path: path, body: body, status: append(status, 0)[0]})
	}
	for _, path := range []string{
		"org", "users", "users?type=AllUsers&per_page=5&page=2", "users/" + b.administrator(), "settings/fields?module=Deals", "settings/fields?module=Tasks",
		"settings/fields/" + idText(stageField.ID) + "?module=Deals", "settings/pipeline?layout_id=" + layout,
		"settings/pipeline/" + idText(c.Pipelines[1].ID) + "?layout_id=" + layout, "settings/related_lists?module=Deals",
		"settings/layouts?module=Deals", "settings/layouts/" + layout + "?module=Deals", "settings/modules", "settings/modules/Deals",
		"Deals?fields=Deal_Name,Stage,Owner,Account_Name,Amount,Modified_Time,Created_By&per_page=3", "Deals/" + deal, "Deals/" + deal + "?fields=Stage",
		"Leads?fields=Last_Name&converted=both&sort_by=Modified_Time&sort_order=asc", "Tasks?fields=Subject,What_Id", "Notes?fields=Note_Content,Parent_Id",
		"Contracts?fields=Name", "Deals/deleted?type=all", "Deals/" + deal + "/Stage_History?fields=Stage,Modified_Time,Moved_To__s,Duration_Days",
		"Deals/" + deals[1].key() + "/actions/blueprint",
	} {
		add("GET", "/crm/v8/"+path, nil)
	}
	add("GET", "/crm/v8/Deals/1", nil, http.StatusNoContent)
	add("GET", "/crm/v8/actions/watch", nil, http.StatusNoContent)
	add("GET", "/crm/v8/Deals", nil, http.StatusBadRequest)
	add("GET", "/crm/v8/Deals/1/Stage_History?fields=Stage", nil, http.StatusBadRequest)
	add("POST", "/crm/v8/settings/fields?module=Deals", object{"fields": []object{{"field_label": "x", "data_type": "dragon"}}}, http.StatusBadRequest)
	stage := idText(c.module("Deals").field("Stage").Options[0].ID)
	for _, wrong := range []object{
		{"display_value": c.Pipelines[0].Actual, "maps": []object{{"id": stage}}}, {"display_value": "Ohne"}, {"maps": []object{{"id": stage}}},
		{"display_value": "Fremd", "maps": []object{{"id": "7"}}}, {"display_value": "Ohne", "maps": []object{{"display_value": "Los"}}},
	} {
		add("POST", "/crm/v8/settings/pipeline?layout_id="+layout, object{"pipeline": []object{wrong}}, http.StatusBadRequest)
	}
	add("POST", "/crm/v8/settings/pipeline?layout_id=7", object{"pipeline": []object{{"display_value": "Neu", "maps": []object{{"id": stage}}}}}, http.StatusBadRequest)
	add("PUT", "/crm/v8/settings/pipeline/7?layout_id="+layout, object{"pipeline": []object{{"display_value": "Neu"}}}, http.StatusBadRequest)
	add("DELETE", "/crm/v8/Notes/"+b.tables["Notes"].rows[0].key(), nil)
	add("GET", "/crm/v8/Notes/deleted?type=recycle", nil)
	add("PUT", "/crm/v8/Deals/"+deals[1].key()+"/actions/blueprint", object{"blueprint": []object{{"transition_id": "1", "data": object{}}}}, http.StatusBadRequest)
	add("POST", "/crm/v8/coql", object{"select_query": "select Deal_Name, Account_Name.Account_Name, Owner from Deals where id is not null limit 5"})
	add("POST", "/crm/v8/coql", object{"select_query": "select nothing"}, http.StatusBadRequest)
	job := idText(b.next + 1)
	add("POST", "/crm/bulk/v8/read", object{"query": object{"module": object{"api_name": "Deals"}, "fields": []string{"id", "Stage"}}})
	for range 3 {
		add("GET", "/crm/bulk/v8/read/"+job, nil)
	}
	add("GET", "/crm/bulk/v8/read/"+job+"/result", nil)
	channel := object{"channel_id": "77", "events": []string{"Deals.all"}, "token": "t", "notify_url": "https://hooks.example.com/in"}
	for _, method := range []string{"POST", "PUT", "PATCH"} {
		add(method, "/crm/v8/actions/watch", object{"watch": []object{channel}})
	}
	hidden := object{"channel_id": "78", "events": []string{"Products.all"}, "notify_url": "https://hooks.example.com/in"}
	add("POST", "/crm/v8/actions/watch", object{"watch": []object{channel, hidden}}, http.StatusMultiStatus)
	add("POST", "/crm/v8/actions/watch", object{"watch": []object{hidden}}, http.StatusAccepted)
	add("GET", "/crm/v8/actions/watch", nil)
	add("DELETE", "/crm/v8/actions/watch?channel_ids=77", nil)
	add("POST", "/crm/v8/Deals", object{"data": []object{{"Deal_Name": "N", "Stage": "Qualification"}}, "trigger": []string{}})
	add("POST", "/crm/v8/Deals", object{"data": []object{{"Deal_Name": "N"}}}, http.StatusBadRequest)
	add("PUT", "/crm/v8/Deals", object{"data": []object{{"id": deal, "Next_Step": "x"}, {"id": "1"}}}, http.StatusMultiStatus)
	add("PUT", "/crm/v8/Deals/"+deal, object{"data": []object{{"Next_Step": "y"}}, "trigger": []string{}})
	out = append(out, scene{
		method: "PUT", path: "/crm/v8/Deals/" + deal, body: object{"data": []object{{"Next_Step": "z"}}}, status: http.StatusPreconditionFailed,
		header: []string{"If-Modified-Since", "2026-01-01T00:00:00Z"},
	}, scene{
		method: "GET", path: "/crm/v8/Deals?fields=Stage", status: http.StatusNotModified, header: []string{"If-Modified-Since", "2027-01-01T00:00:00Z"},
	})
	add("PUT", "/crm/v8/Deals/"+deals[1].key()+"/actions/blueprint", object{"blueprint": []object{{"transition_id": way, "data": object{"Reason_For_Loss__s": "Price"}}}})
	add("POST", "/crm/v8/Notes", object{"data": []object{{"Note_Content": "c", "Parent_Id": object{"module": object{"api_name": "Deals"}, "id": deal}}}})
	add("POST", "/crm/v8/Tasks", object{"data": []object{{"Subject": "s", "What_Id": object{"id": deal}, "$se_module": "Deals"}}})
	add("POST", "/crm/v8/Contacts/"+contacts[0].key()+"/actions/merge", object{"merge": []object{{"data": []object{{"id": contacts[1].key()}}}}})
	lead := "/crm/v8/Leads/" + b.leadToConvert() + "/actions/convert"
	add("POST", lead, object{"data": []object{{"Deals": object{"Deal_Name": "C", "Stage": "Qualification"}}}})
	add("POST", lead, object{"data": []object{{"overwrite": true}}}, http.StatusBadRequest)
	add("DELETE", "/crm/v8/Accounts/"+accounts[0].key(), nil)
	add("DELETE", "/crm/v8/Accounts?ids="+accounts[1].key()+","+accounts[2].key(), nil)
	add("POST", "/crm/v8/settings/fields?module=Deals", object{"fields": []object{{"field_label": "Neu", "data_type": "text"}}})
	add("PATCH", "/crm/v8/settings/fields/"+idText(stageField.ID)+"?module=Deals", object{"fields": []object{{"field_label": "Anders"}}})
	add("DELETE", "/crm/v8/settings/fields/"+idText(stageField.ID)+"?module=Deals", nil)
	add("POST", "/crm/v8/settings/pipeline?layout_id="+layout, object{"pipeline": []object{{"display_value": "Neu", "maps": []object{{"id": stage, "display_value": "Los", "sequence_number": 1}}}}})
	add("PUT", "/crm/v8/settings/pipeline/"+idText(c.Pipelines[1].ID)+"?layout_id="+layout, object{"pipeline": []object{{"display_value": "Anders", "maps": []object{{"id": stage, "sequence_number": 2}}}}})
	return out
}

// leadToConvert is one that has not been converted.
func (b *bundle) leadToConvert() string {
	for _, r := range b.tables["Leads"].rows {
		if r.values["Converted__s"] != true {
			return r.key()
		}
	}
	b.t.Fatal("every lead has been converted")
	return ""
}

// blueprint puts a deal into a Blueprint and returns the transition that leads on.
func (b *bundle) blueprint(deal *row) string {
	b.t.Helper()
	p := b.settings.pipeline(deal.text("Pipeline"))
	other := p.Maps[0].Actual
	if other == deal.text("Stage") {
		other = p.Maps[1].Actual
	}
	err := b.AddBlueprint(p.Actual, "B", Transition{Name: "On", From: []string{deal.text("Stage")}, To: other, Needs: []string{"Reason_For_Loss__s"}})
	if err != nil {
		b.t.Fatal(err)
	}
	return idText(b.settings.Blueprints[0].Transitions[0].ID)
}

// exchange sends the request of a scene and holds it and its answer to the document.
func (b *bundle) exchange(sc scene, a *openapi.Auditor) answerTo {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), sc.method, b.url+sc.path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	var body []byte
	if sc.body != nil {
		req.Header.Set("Content-Type", "application/json")
		if body, err = json.Marshal(sc.body); err != nil {
			b.t.Fatal(err)
		}
	}
	req.Header.Set("Authorization", "Zoho-oauthtoken "+b.token)
	for i := 0; i < len(sc.header); i += 2 {
		req.Header.Set(sc.header[i], sc.header[i+1])
	}
	ans := b.send(sc.method, sc.path, sc.body, sc.header...)
	for _, wrong := range append(a.Request(req, body), a.Answer(req, ans.status, ans.body)...) {
		b.t.Error(wrong)
	}
	return ans
}
