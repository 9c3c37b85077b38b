package zoho

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"salesbook.dev/internal/sandbox"
)

// sell makes n deals a second apart and returns their ids.
func (b *bundle) sell(n int) []string {
	b.t.Helper()
	var ids []string
	for i := range n {
		b.clock.Advance(time.Second)
		out, err := b.Do("", "POST", "/crm/v8/Deals", object{"data": []object{{"Deal_Name": fmt.Sprintf("Deal %d", i), "Stage": "Qualification", "Amount": i}}})
		if err != nil {
			b.t.Fatal(err)
		}
		ids = append(ids, idIn(b.t, out))
	}
	return ids
}

func idIn(t *testing.T, raw []byte) string {
	t.Helper()
	var out struct {
		Data []struct{ Details struct{ ID string } }
	}
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	return out.Data[0].Details.ID
}

func TestList(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{})
	if a := b.get("/crm/v8/Deals?fields=Deal_Name"); a.status != http.StatusNoContent || len(a.body) > 0 {
		t.Fatalf("an empty module answers %d %s", a.status, a.body)
	}
	ids := b.sell(5)
	a := b.get("/crm/v8/Deals?fields=Deal_Name,Amount,Owner&per_page=2&sort_by=Modified_Time&sort_order=asc")
	if diff := cmp.Diff([]any{ids[0], ids[1]}, columnOf(a.list("data"), "id")); diff != "" {
		t.Errorf("first page (-want +got):\n%s", diff)
	}
	// What happens between pages neither hides a record nor shows one twice.
	if _, err := b.Do("", "PUT", "/crm/v8/Deals/"+ids[1], object{"data": []object{{"Amount": 77}}}); err != nil {
		t.Fatal(err)
	}
	token := a.json()["info"].(object)["next_page_token"].(string)
	a = b.get("/crm/v8/Deals?fields=Deal_Name&per_page=2&sort_by=Modified_Time&sort_order=asc&page_token=" + token)
	if diff := cmp.Diff([]any{ids[2], ids[3]}, columnOf(a.list("data"), "id")); diff != "" {
		t.Errorf("second page (-want +got):\n%s", diff)
	}
	b.clock.Advance(24 * time.Hour)
	if a := b.get("/crm/v8/Deals?fields=Deal_Name&page_token=" + token); a.status != 400 || a.code() != "EXPIRED_VALUE" {
		t.Errorf("a token of yesterday: %d %s", a.status, a.body)
	}
	if a := b.get("/crm/v8/Deals?fields=id", "If-Modified-Since", "2026-11-23T12:00:00+01:00"); a.status != http.StatusNotModified {
		t.Errorf("nothing changed: %d %s", a.status, a.body)
	}
	if got := len(b.get("/crm/v8/Deals?fields=Deal_Name", "If-Modified-Since", "2026-11-22T12:00:03Z").list("data")); got != 3 {
		t.Errorf("%d deals modified after the third's second, want 3 (the fourth, the fifth and the changed one)", got)
	}
	if got := len(b.get("/crm/v8/Deals?fields=Deal_Name&ids=" + ids[0] + "," + ids[4] + ",1").list("data")); got != 2 {
		t.Errorf("%d deals by ids, want 2", got)
	}
}

func TestListRefusals(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{})
	many := "a"
	for range 50 {
		many += ",a"
	}
	for path, want := range map[string]string{
		"Dragons?fields=id":             "INVALID_MODULE",
		"Deals":                         "REQUIRED_PARAM_MISSING",
		"Deals?fields=" + many:          "LIMIT_EXCEEDED",
		"Deals?fields=id&per_page=201":  "INVALID_DATA",
		"Deals?fields=id&page=11":       "DISCRETE_PAGINATION_LIMIT_EXCEEDED",
		"Deals?fields=id&sort_by=Stage": "INVALID_DATA",
		"Deals?fields=id&page_token=x":  "INVALID_DATA",
		"Deals/x":                       "INVALID_DATA",
	} {
		if a := b.get("/crm/v8/" + path); a.status != 400 || a.code() != want {
			t.Errorf("%s: %d %s, want 400 %s", path, a.status, a.body, want)
		}
	}
	if a := b.get("/crm/v9/Deals"); a.status != 404 || a.code() != "INVALID_URL_PATTERN" {
		t.Errorf("a wrong URL: %d %s", a.status, a.body)
	}
}

func TestRecordAndFormula(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{})
	account := b.make("Accounts", object{"Account_Name": "Źródło", "Annual_Revenue": 12.50})
	deal := b.make("Deals", object{"Deal_Name": "Żagiel", "Stage": "Qualification", "Account_Name": object{"id": account}})
	read := func() object { return b.get("/crm/v8/Deals/" + deal).list("data")[0] }
	before := read()
	want := object{"id": account, "name": "Źródło"}
	if diff := cmp.Diff(want, before["Account_Name"]); diff != "" {
		t.Errorf("lookup (-want +got):\n%s", diff)
	}
	if before["Modified_Time"] != "2026-11-22T13:00:00+01:00" {
		t.Errorf("Modified_Time %v, want the organization's zone", before["Modified_Time"])
	}
	b.clock.Advance(time.Hour)
	b.send("PUT", "/crm/v8/Accounts/"+account, object{"data": []object{{"Annual_Revenue": 99}}})
	after := read()
	if after["Customer_Revenue"] != json.Number("99") || after["Modified_Time"] != before["Modified_Time"] {
		t.Errorf("formula %v at %v, want 99 and the same Modified_Time", after["Customer_Revenue"], after["Modified_Time"])
	}
	if a := b.get("/crm/v8/Deals/"+deal, "If-Modified-Since", "2026-11-22T13:00:00+01:00"); a.status != http.StatusNotModified {
		t.Errorf("an unchanged record: %d", a.status)
	}
	if a := b.get("/crm/v8/Deals/3652397000000999999"); a.status != http.StatusNoContent {
		t.Errorf("no such record: %d", a.status)
	}
}

func TestDeleted(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{})
	ids := b.sell(3)
	for _, id := range ids {
		b.clock.Advance(time.Second)
		b.send("DELETE", "/crm/v8/Deals/"+id, nil)
	}
	if err := b.Purge("Deals", ids[0]); err != nil {
		t.Fatal(err)
	}
	if err := b.Restore("Deals", ids[1]); err != nil {
		t.Fatal(err)
	}
	for kind, want := range map[string][]any{"all": {ids[2], ids[0]}, "recycle": {ids[2]}, "permanent": {ids[0]}} {
		if diff := cmp.Diff(want, columnOf(b.get("/crm/v8/Deals/deleted?type="+kind).list("data"), "id")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", kind, diff)
		}
	}
	if a := b.get("/crm/v8/Deals/deleted?type=all", "If-Modified-Since", utc(b.Now())); a.status != http.StatusNotModified {
		t.Errorf("nothing deleted since: %d %s", a.status, a.body)
	}
	if a := b.get("/crm/v8/Leads/deleted?type=all"); a.status != http.StatusNoContent {
		t.Errorf("nothing deleted at all: %d %s", a.status, a.body)
	}
}

func TestStageHistory(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{})
	deal := b.sell(1)[0]
	for _, stage := range []string{"Needs Analysis", "Closed Lost", "Qualification"} {
		b.clock.Advance(48 * time.Hour)
		if a := b.send("PUT", "/crm/v8/Deals/"+deal, object{"data": []object{{"Stage": stage}}}); a.code() != "SUCCESS" {
			t.Fatalf("%s: %s", stage, a.body)
		}
	}
	want := []object{
		{"Stage": "Qualification", "Moved_To__s": nil, "Duration_Days": nil, "Modified_Time": "2026-11-28T13:00:01+01:00"},
		{"Stage": "Closed Lost", "Moved_To__s": "Qualification", "Duration_Days": json.Number("2"), "Modified_Time": "2026-11-26T13:00:01+01:00"},
		{"Stage": "Needs Analysis", "Moved_To__s": "Closed Lost", "Duration_Days": json.Number("2"), "Modified_Time": "2026-11-24T13:00:01+01:00"},
		{"Stage": "Qualification", "Moved_To__s": "Needs Analysis", "Duration_Days": json.Number("2"), "Modified_Time": "2026-11-22T13:00:01+01:00"},
	}
	got := b.get("/crm/v8/Deals/" + deal + "/Stage_History?fields=Stage,Modified_Time,Moved_To__s,Duration_Days").list("data")
	for _, r := range got {
		delete(r, "id")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Stage_History (-want +got):\n%s", diff)
	}
	b.send("DELETE", "/crm/v8/Deals/"+deal, nil)
	for _, r := range b.query("select Potential_Name, Stage from DealHistory where id is not null").list("data") {
		if r["Potential_Name"] != nil {
			t.Errorf("history of a deleted deal names it: %v", r)
		}
	}
}

func TestCOQL(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{})
	account := b.make("Accounts", object{"Account_Name": "O'Brien", "Industry": "Finance"})
	ids := b.sell(4)
	b.send("PUT", "/crm/v8/Deals", object{"data": []object{
		{"id": ids[0], "Account_Name": object{"id": account}}, {"id": ids[1], "Next_Step": "Call"}, {"id": ids[2], "Amount": nil},
	}})
	for where, want := range map[string][]any{
		"id is not null order by id desc":                                                  {ids[3], ids[2], ids[1], ids[0]},
		"Account_Name.id = '" + account + "'":                                              {ids[0]},
		"Account_Name = " + account:                                                        {ids[0]},
		"Account_Name.Account_Name = 'O\\'Brien'":                                          {ids[0]},
		"Account_Name is null order by id":                                                 {ids[1], ids[2], ids[3]},
		"Amount between 1 and 3 order by Amount desc":                                      {ids[3], ids[1]},
		"Amount in (0, 3) order by id":                                                     {ids[0], ids[3]},
		"Amount not in (0, 3) order by id":                                                 {ids[1]},
		"((Amount >= 1 and Amount < 5) and (Next_Step is null or Stage = 'x'))":            {ids[3]},
		"Deal_Name like '%al 2'":                                                           {ids[2]},
		"Modified_Time >= '2026-11-22T13:00:04+01:00' and id > " + ids[1] + " order by id": {ids[2], ids[3]},
		"id is not null order by id asc limit 2 offset 1":                                  {ids[1], ids[2]},
		"id is not null order by id asc limit 1, 2":                                        {ids[1], ids[2]},
	} {
		a := b.query("SELECT id FROM Deals WHERE " + where)
		if a.status != 200 {
			t.Errorf("%s: %d %s", where, a.status, a.body)
			continue
		}
		if diff := cmp.Diff(want, columnOf(a.list("data"), "id")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", where, diff)
		}
	}
	if a := b.query("select id from Deals where Amount = 12345"); a.status != http.StatusNoContent {
		t.Errorf("no rows: %d %s", a.status, a.body)
	}
	row := b.query("select Account_Name.Industry, Account_Name from Deals where Account_Name is not null").list("data")[0]
	want := object{"id": ids[0], "Account_Name.Industry": "Finance", "Account_Name": object{"id": account, "name": "O'Brien"}}
	if diff := cmp.Diff(want, row); diff != "" {
		t.Errorf("through a lookup (-want +got):\n%s", diff)
	}
}

func TestCOQLRefusals(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{})
	for q, want := range map[string]string{
		"select id from Deals": "SYNTAX_ERROR",
		"select id from Deals where id > 1 and id < 5 and Amount > 3":      "SYNTAX_ERROR",
		"select id from Deals where (id > 1":                               "SYNTAX_ERROR",
		"select id from Deals where id not > 1":                            "SYNTAX_ERROR",
		"select id from Deals where id > 1; drop":                          "SYNTAX_ERROR",
		"select id from Deals where Dragon = 1":                            "INVALID_QUERY",
		"select Dragon from Deals where id = 1":                            "INVALID_QUERY",
		"select id from Notes where id is not null":                        "INVALID_QUERY",
		"select id from Deals where Modified_Time > '2026-11-22'":          "INVALID_QUERY",
		"select id from Deals where Amount > 'x'":                          "INVALID_QUERY",
		"select id from Deals where id is not null limit 2001":             "LIMIT_EXCEEDED",
		"select id from Deals where id is not null limit 10 offset 100000": "LIMIT_EXCEEDED",
	} {
		if a := b.query(q); a.status != 400 || a.code() != want {
			t.Errorf("%s: %d %s, want %s", q, a.status, a.body, want)
		}
	}
}

func TestBulkRead(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{BulkRows: 2})
	ids := b.sell(3)
	query := object{"module": object{"api_name": "Deals"}, "fields": []string{"id", "Deal_Name", "Owner", "Modified_Time"}}
	page := func(q object) (object, [][]string) {
		a := b.send("POST", "/crm/bulk/v8/read", object{"query": q})
		if a.status != http.StatusCreated {
			t.Fatalf("create: %d %s", a.status, a.body)
		}
		path := "/crm/bulk/v8/read/" + a.list("data")[0]["details"].(object)["id"].(string)
		if a := b.get(path + "/result"); a.status != 400 {
			t.Errorf("a result before its time: %d", a.status)
		}
		var states []any
		for range 2 {
			states = append(states, b.get(path).list("data")[0]["state"])
		}
		if diff := cmp.Diff([]any{"IN PROGRESS", "COMPLETED"}, states); diff != "" {
			t.Fatalf("states (-want +got):\n%s", diff)
		}
		result := b.get(path).list("data")[0]["result"].(object)
		return result, unzip(t, b.get(result["download_url"].(string)).body)
	}
	result, rows := page(query)
	want := [][]string{{"Id", "Deal_Name", "Owner", "Modified_Time"}, {ids[0], "Deal 0", b.administrator(), "2026-11-22T13:00:01+01:00"}, {ids[1], "Deal 1", b.administrator(), "2026-11-22T13:00:02+01:00"}}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("first page (-want +got):\n%s", diff)
	}
	query["page_token"] = result["next_page_token"]
	result, rows = page(query)
	if len(rows) != 2 || rows[1][0] != ids[2] || result["more_records"] != false {
		t.Errorf("second page %v, %v", rows, result)
	}
	b.clock.Advance(24 * time.Hour)
	if a := b.send("POST", "/crm/bulk/v8/read", object{"query": query}); a.code() != "EXPIRED_VALUE" {
		t.Errorf("a token of yesterday: %s", a.body)
	}
	if a := b.send("POST", "/crm/bulk/v8/read", object{"query": object{"module": object{"api_name": "Notes"}}}); a.code() != "INVALID_MODULE" {
		t.Errorf("Notes: %s", a.body)
	}
	delete(query, "page_token")
	query["criteria"] = object{"group_operator": "and", "group": []object{
		{"field": object{"api_name": "Amount"}, "comparator": "greater_equal", "value": 1},
		{"field": object{"api_name": "Deal_Name"}, "comparator": "ends_with", "value": "2"},
	}}
	if _, rows = page(query); len(rows) != 2 || rows[1][0] != ids[2] {
		t.Errorf("by criteria: %v", rows)
	}
}

func unzip(t *testing.T, body []byte) [][]string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	f, err := z.File[0].Open()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// TestRelatedListsAsTheAccountShowsThem: one is hidden in the layout, and that of
// tasks shows open ones alone.
func TestRelatedListsAsTheAccountShowsThem(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{})
	deal := b.make("Deals", object{"Deal_Name": "x", "Stage": "Qualification"})
	task := func(status string) string {
		return b.make("Tasks", object{"Subject": status, "Status": status, "What_Id": object{"id": deal}, "$se_module": "Deals"})
	}
	open, done := task("Not Started"), task("Completed")
	listed := func() []any { return columnOf(b.get("/crm/v8/Deals/"+deal+"/Tasks?fields=Subject").list("data"), "id") }
	if diff := cmp.Diff([]any{done, open}, listed()); diff != "" {
		t.Errorf("all of them (-want +got):\n%s", diff)
	}
	b.RelateOpenTasks()
	if diff := cmp.Diff([]any{open}, listed()); diff != "" {
		t.Errorf("open ones (-want +got):\n%s", diff)
	}
	b.HideRelated("Deals", "Tasks", true)
	if a := b.get("/crm/v8/Deals/" + deal + "/Tasks?fields=Subject"); a.code() != "INVALID_DATA" || a.json()["details"].(object)["resource_path_index"] != num("2") {
		t.Errorf("hidden: %s", a.body)
	}
	shown := map[any]any{}
	for _, l := range b.get("/crm/v8/settings/related_lists?module=Deals").list("related_lists") {
		shown[l["api_name"]] = l["status"]
	}
	if shown["Tasks"] != "user_hidden" || shown["Notes"] != "visible" {
		t.Errorf("the lists of deals are %v", shown)
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{})
	layout := b.get("/crm/v8/settings/layouts?module=Deals").list("layouts")[0]["id"].(string)
	p := b.get("/crm/v8/settings/pipeline?layout_id=" + layout).list("pipeline")[0]
	forecast := map[string]string{}
	for _, m := range p["maps"].([]any) {
		forecast[m.(object)["actual_value"].(string)] = m.(object)["forecast_type"].(string)
	}
	if forecast["Closed Won"] != "Closed Won" || forecast["Closed Lost to Competition"] != "Closed Lost" || forecast["Qualification"] != "Open" {
		t.Errorf("forecast types %v", forecast)
	}
	if a := b.get("/crm/v8/settings/pipeline"); a.code() != "REQUIRED_PARAM_MISSING" {
		t.Errorf("pipelines without a layout: %s", a.body)
	}
	types := map[any]any{}
	for _, f := range b.get("/crm/v8/settings/fields?module=Deals").list("fields") {
		types[f["api_name"]] = f["data_type"]
	}
	for name, want := range map[string]string{"Reason_For_Loss__s": "picklist", "Customer_Revenue": "formula", "Account_Name": "lookup", "Owner": "ownerlookup", "Amount": "currency"} {
		if types[name] != want {
			t.Errorf("%s is %v, want %s", name, types[name], want)
		}
	}
	if a := b.get("/crm/v8/org"); a.list("org")[0]["iso_code"] != "PLN" {
		t.Errorf("org: %s", a.body)
	}
	if got := len(b.get("/crm/v8/users?type=ActiveUsers").list("users")); got != 1 {
		t.Errorf("%d active users, want 1", got)
	}
	if got := columnOf(b.get("/crm/v8/settings/modules").list("modules"), "api_name"); len(got) != 10 {
		t.Errorf("modules %v", got)
	}
}

// TestTiesAndTornWalks: ties of any number on one second, and a token that ends in
// the midst of a walk.
func TestTiesAndTornWalks(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{})
	b.sell(5)
	if _, err := b.Inject(sandbox.Fault{Kind: sandbox.Ties, N: 100}); err != nil {
		t.Fatal(err)
	}
	times := map[any]bool{}
	for _, r := range b.query("select Modified_Time from Deals where id is not null").list("data") {
		times[r["Modified_Time"]] = true
	}
	if len(times) != 1 {
		t.Errorf("tied deals have the times %v", times)
	}
	if _, err := b.Inject(sandbox.Fault{Kind: sandbox.CursorExpire, Delay: time.Minute}); err != nil {
		t.Fatal(err)
	}
	token := b.get("/crm/v8/Deals?fields=id&per_page=2").json()["info"].(object)["next_page_token"].(string)
	b.clock.Advance(2 * time.Minute)
	if a := b.get("/crm/v8/Deals?fields=id&per_page=2&page_token=" + token); a.code() != "EXPIRED_VALUE" {
		t.Errorf("an expired page token: %s", a.body)
	}
}
