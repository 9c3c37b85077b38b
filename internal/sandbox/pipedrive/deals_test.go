package pipedrive

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// fresh is a simulator with a person, an organization, a product and one open deal.
func fresh(t *testing.T) *bundle {
	t.Helper()
	b := setup(t, Options{})
	b.one("POST", "/api/v2/organizations", object{"name": "Żagiel"})
	b.one("POST", "/api/v2/persons", object{"name": "Анна Ткач"})
	b.one("POST", "/api/v2/products", object{"name": "Flat"})
	b.one("POST", "/api/v2/deals", object{"title": "Deal", "value": 100.25, "currency": "EUR"})
	b.clock.Advance(time.Hour)
	return b
}

func TestDealStatusMovesItsTimesAndReason(t *testing.T) {
	t.Parallel()
	later := noon().Add(time.Hour).Format(instantLayout)
	closed := object{"status": "lost", "lost_reason": "Price"}
	for name, tc := range map[string]struct {
		before, change object
		want           object
	}{
		"win": {nil, object{"status": "won"}, object{
			"status": "won", "won_time": later, "close_time": later, "lost_time": nil, "local_won_date": "2026-11-16", "local_close_date": "2026-11-16"}},
		"lose with a reason": {nil, closed, object{
			"status": "lost", "lost_time": later, "close_time": later, "won_time": nil, "lost_reason": "Price", "local_lost_date": "2026-11-16"}},
		"lose without one": {nil, object{"status": "lost"}, object{"status": "lost", "lost_reason": nil}},
		"a reason later, with the status again": {object{"status": "lost"}, object{"status": "lost", "lost_reason": "другое"}, object{
			"lost_reason": "другое", "lost_time": later}},
		"reopen": {closed, object{"status": "open"}, object{
			"status": "open", "lost_reason": nil, "lost_time": nil, "close_time": nil, "local_lost_date": nil}},
		"win what was lost": {closed, object{"status": "won"}, object{"won_time": later, "lost_time": nil, "lost_reason": nil}},
		"a closing time of one's own": {nil, object{"status": "won", "won_time": "2026-01-02T03:04:05Z", "close_time": "2026-01-02T03:04:05Z"}, object{
			"won_time": "2026-01-02T03:04:05Z", "close_time": "2026-01-02T03:04:05Z", "local_won_date": "2026-01-02"}},
		"archive":     {nil, object{"is_archived": true}, object{"is_archived": true, "archive_time": later, "status": "open"}},
		"unarchive":   {object{"is_archived": true}, object{"is_archived": false}, object{"is_archived": false, "archive_time": nil}},
		"delete":      {nil, object{"is_deleted": true}, object{"is_deleted": true, "status": "deleted"}},
		"undelete":    {object{"is_deleted": true}, object{"is_deleted": false}, object{"is_deleted": false, "status": "open"}},
		"next stage":  {nil, object{"stage_id": 2}, object{"stage_id": 2.0, "stage_change_time": later}},
		"same stage":  {nil, object{"stage_id": 1}, object{"stage_change_time": noon().Format(instantLayout)}},
		"clear links": {object{"person_id": 1, "org_id": 1}, object{"person_id": nil, "org_id": nil}, object{"person_id": nil, "org_id": nil}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := fresh(t)
			if tc.before != nil {
				b.one("PATCH", "/api/v2/deals/1", tc.before)
			}
			got := b.one("PATCH", "/api/v2/deals/1", tc.change)
			tc.want["update_time"] = later
			for key, v := range tc.want {
				if diff := cmp.Diff(v, got[key]); diff != "" {
					t.Errorf("%s (-want +got):\n%s", key, diff)
				}
			}
		})
	}
}

func TestDealsRefuseWhatTheVendorRefuses(t *testing.T) {
	t.Parallel()
	b := fresh(t)
	b.one("POST", "/api/v2/pipelines", object{"name": "Second"})
	b.one("POST", "/api/v2/stages", object{"name": "Elsewhere", "pipeline_id": 2})
	b.must("DELETE", "/api/v2/organizations/1", nil)
	before := b.one("GET", "/api/v2/deals/1", nil)
	for _, tc := range []struct {
		body any
		want string
	}{
		{object{"value": "13"}, "value: want a number"},
		{object{"stage_id": "2"}, "stage_id: want a whole number, got string"},
		{object{"stage_id": 2.5}, "stage_id: want a whole number"},
		{object{"is_archived": 1}, "is_archived: want true or false"},
		{object{"title": nil}, "title must not be null"},
		{object{"title": ""}, "title must not be empty"},
		{object{"id": 5}, "id is not allowed here"},
		{object{"update_time": "2026-01-01T00:00:00Z"}, "update_time is not allowed here"},
		{object{"status": "stolen"}, `want open, won or lost, got "stolen"`},
		{object{"status": "deleted"}, "status must be open, won or lost"},
		{object{"lost_reason": "Price"}, "lost_reason cannot be set while the deal's status is open"},
		{object{"status": "won", "lost_reason": "Price"}, "lost_reason cannot be set while the deal's status is won"},
		{object{"won_time": "2026-01-01T00:00:00Z"}, "won_time cannot be set"},
		{object{"close_time": "2026-01-01T00:00:00Z"}, "close_time cannot be set"},
		{object{"stage_id": 6}, "stage 6 is not in pipeline 1: send pipeline_id too"},
		{object{"stage_id": 99}, "stage 99 does not exist"},
		{object{"pipeline_id": 99}, "pipeline 99 does not exist"},
		{object{"owner_id": 99}, "user 99 does not exist"},
		{object{"person_id": 99}, "person 99 does not exist"},
		{object{"org_id": 1}, "organization 1 does not exist"},
		{object{"currency": "XXX"}, "not one of the account's currencies"},
		{object{"visible_to": 4}, "visible_to must be 1, 3, 5 or 7"},
		{object{"probability": 101}, "probability must be 0 to 100"},
		{object{"value": -1}, "value must not be negative"},
		{object{"expected_close_date": "31.12.2026"}, "want a date like"},
		{object{"label_ids": []int{999}}, "label 999 does not exist"},
		{object{"label_ids": "1"}, "label_ids: want an array"},
		{object{"custom_fields": object{"nope": 1}}, "nope is not a custom field"},
		{"[]", "body must be a JSON object"},
		{"{", "body must be a JSON object"},
	} {
		a := b.send("PATCH", "/api/v2/deals/1", tc.body)
		msg, _ := a.json(t)["error"].(string)
		if a.status != 400 || !strings.Contains(msg, tc.want) {
			t.Errorf("%v: %d %s, want 400 with %q", tc.body, a.status, a.body, tc.want)
		}
	}
	if diff := cmp.Diff(before, b.one("GET", "/api/v2/deals/1", nil)); diff != "" {
		t.Errorf("refused writes changed the deal (-before +after):\n%s", diff)
	}
	for method, path := range map[string]string{"PATCH": "/api/v2/deals/99", "DELETE": "/api/v2/deals/98", "GET": "/api/v2/deals/97"} {
		if a := b.send(method, path, object{}); a.status != 404 || a.json(t)["error"] != "Deal not found" {
			t.Errorf("%s %s: %d %s, want 404", method, path, a.status, a.body)
		}
	}
	if a := b.send("POST", "/api/v2/deals", object{"value": 1}); a.status != 400 || !strings.Contains(string(a.body), "title is required") {
		t.Errorf("deal without a title: %d %s", a.status, a.body)
	}
}

func TestDealCrossesPipelines(t *testing.T) {
	t.Parallel()
	b := fresh(t)
	b.one("POST", "/api/v2/pipelines", object{"name": "Second"})
	b.one("POST", "/api/v2/stages", object{"name": "A", "pipeline_id": 2})
	b.one("POST", "/api/v2/stages", object{"name": "B", "pipeline_id": 2})
	if d := b.one("PATCH", "/api/v2/deals/1", object{"pipeline_id": 2}); d["stage_id"] != 6.0 {
		t.Errorf("a pipeline alone leads to stage %v, want its first, 6", d["stage_id"])
	}
	if d := b.one("PATCH", "/api/v2/deals/1", object{"pipeline_id": 1, "stage_id": 3}); d["stage_id"] != 3.0 || d["pipeline_id"] != 1.0 {
		t.Errorf("pipeline and stage: %v and %v, want 1 and 3", d["pipeline_id"], d["stage_id"])
	}
	if d := b.one("POST", "/api/v2/deals", object{"title": "x", "stage_id": 7}); d["pipeline_id"] != 2.0 {
		t.Errorf("a new deal in stage 7 lies in pipeline %v, want 2", d["pipeline_id"])
	}
}

func TestDealValueFollowsItsProducts(t *testing.T) {
	t.Parallel()
	b := fresh(t)
	value := func() any { return b.one("GET", "/api/v2/deals/1", nil)["value"] }
	it := b.one("POST", "/api/v2/deals/1/products", object{"product_id": 1, "item_price": 19.99, "quantity": 3, "discount": 10})
	if it["sum"] != 53.97 || it["currency"] != "EUR" || it["name"] != "Flat" || value() != 53.97 {
		t.Errorf("item %v makes a value of %v, want 19.99 x 3 less 10 %% = 53.97 EUR", it, value())
	}
	b.one("POST", "/api/v2/deals/1/products", object{"product_id": 1, "item_price": 10, "quantity": 1, "billing_frequency": "monthly"})
	if d := b.one("GET", "/api/v2/deals/1", nil); d["value"] != 63.97 || d["arr"] == nil {
		t.Errorf("value %v, arr %v; want 63.97 and a number", d["value"], d["arr"])
	}
	b.one("PATCH", "/api/v2/deals/1", object{"value": 5})
	if value() != 63.97 {
		t.Errorf("a written value of 5 wins over the products: %v", value())
	}
	b.one("PATCH", "/api/v2/deals/1/products/1", object{"is_enabled": false})
	if value() != 10.0 {
		t.Errorf("with the first product switched off the value is %v, want 10", value())
	}
	b.must("DELETE", "/api/v2/deals/1/products/2", nil)
	if a := b.send("DELETE", "/api/v2/deals/1/products/2", nil); a.status != 404 {
		t.Errorf("removing a product twice: %d, want 404", a.status)
	}
	for body, want := range map[string]string{
		`{"product_id":9,"item_price":1,"quantity":1}`:                    "product 9 does not exist",
		`{"product_id":1,"item_price":1,"quantity":0}`:                    "quantity must be above 0",
		`{"product_id":1,"item_price":"1","quantity":1}`:                  "item_price: want a number",
		`{"product_id":1,"item_price":1}`:                                 "quantity is required",
		`{"product_id":1,"item_price":1,"quantity":1,"tax_method":"vat"}`: "tax_method",
	} {
		if a := b.send("POST", "/api/v2/deals/1/products", body); a.status != 400 || !strings.Contains(string(a.body), want) {
			t.Errorf("%s: %d %s, want 400 with %q", body, a.status, a.body, want)
		}
	}
}

func TestChangelogTellsEveryChange(t *testing.T) {
	t.Parallel()
	b := fresh(t)
	b.one("PATCH", "/api/v2/deals/1", object{"stage_id": 3})
	b.clock.Advance(time.Minute)
	b.one("PATCH", "/api/v2/deals/1", object{"stage_id": 2, "value": 7})
	b.clock.Advance(time.Minute)
	b.one("PATCH", "/api/v2/deals/1", object{"status": "lost", "lost_reason": "Price"})
	var got []string
	path := "/v1/deals/1/changelog?limit=2"
	for range 10 {
		v := b.send("GET", path, nil).json(t)
		for _, e := range v["data"].([]any) {
			c := e.(object)
			old, _ := c["old_value"].(string)
			next, _ := c["new_value"].(string)
			got = append(got, c["time"].(string)[11:]+" "+c["field_key"].(string)+" "+old+">"+next)
		}
		cursor, more := v["additional_data"].(object)["next_cursor"].(string)
		if !more {
			break
		}
		path = "/v1/deals/1/changelog?limit=2&cursor=" + cursor
	}
	want := []string{
		"12:02:00 status open>lost", "12:02:00 lost_time >2026-11-16 12:02:00", "12:02:00 lost_reason >Price",
		"12:02:00 close_time >2026-11-16 12:02:00", "12:01:00 value 100.25>7", "12:01:00 stage_id 3>2",
		"12:01:00 stage_change_time 2026-11-16 12:00:00>2026-11-16 12:01:00", "12:00:00 stage_id 1>3",
		"12:00:00 stage_change_time 2026-11-16 11:00:00>2026-11-16 12:00:00",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("changelog, newest first (-want +got):\n%s", diff)
	}
	flow := b.list("/v1/deals/1/flow?items=dealChange")
	if len(flow) != len(want) || flow[0]["object"] != "dealChange" {
		t.Errorf("flow has %d items, the first %v; want the same %d changes", len(flow), flow[0], len(want))
	}
	if other := b.list("/v1/deals/1/flow?items=note"); len(other) != 0 {
		t.Errorf("flow of notes: %v, want none", other)
	}
}

func TestMergesKeepTheSurvivor(t *testing.T) {
	t.Parallel()
	b := fresh(t)
	phone := func(v string) []object { return []object{{"value": v, "primary": true, "label": "work"}} }
	b.one("PATCH", "/api/v2/persons/1", object{"org_id": 1, "phones": phone("1")})
	b.one("POST", "/api/v2/persons", object{"name": "Anna Tkacz", "phones": phone("2")})
	b.one("PATCH", "/api/v2/deals/1", object{"person_id": 1})
	b.one("POST", "/v1/leads", object{"title": "L", "person_id": 1})
	b.one("POST", "/api/v2/activities", object{"subject": "s", "participants": []object{{"person_id": 1, "primary": true}}})
	b.one("POST", "/v1/notes", object{"content": "n", "person_id": 1})
	b.clock.Advance(time.Minute)

	out := b.one("PUT", "/v1/persons/1/merge", object{"merge_with_id": 2})
	if out["id"] != 2.0 || out["merge_what_id"] != 1.0 {
		t.Errorf("the merge answers %v with %v, want 2 with 1", out["id"], out["merge_what_id"])
	}
	p := b.one("GET", "/api/v2/persons/2", nil)
	if p["name"] != "Anna Tkacz" || p["org_id"] != 1.0 || len(p["phones"].([]any)) != 2 {
		t.Errorf("survivor %v, want its own name, the other's organization and both phones", p)
	}
	if loser := b.one("GET", "/api/v2/persons/1", nil); loser["is_deleted"] != true {
		t.Error("the losing person is not deleted")
	}
	if d := b.one("GET", "/api/v2/deals/1", nil); d["person_id"] != 2.0 || d["update_time"] != "2026-11-16T12:01:00Z" {
		t.Errorf("deal points to person %v at %v, want 2 with a new update time", d["person_id"], d["update_time"])
	}
	if l := b.list("/v1/leads")[0]; l["person_id"] != 2.0 {
		t.Errorf("lead points to person %v, want 2", l["person_id"])
	}
	if a := b.one("GET", "/api/v2/activities/1", nil); a["person_id"] != 2.0 {
		t.Errorf("activity points to person %v, want 2", a["person_id"])
	}
	if n := b.one("GET", "/v1/notes/1", nil); n["person_id"] != 2.0 {
		t.Errorf("note hangs on person %v, want 2", n["person_id"])
	}
	for body, want := range map[string]int{`{"merge_with_id":2}`: 400, `{"merge_with_id":1}`: 404, `{}`: 400} {
		if a := b.send("PUT", "/v1/persons/2/merge", body); a.status != want {
			t.Errorf("merge %s into 2: %d, want %d", body, a.status, want)
		}
	}
	b.one("POST", "/api/v2/deals", object{"title": "Other", "value": 1})
	b.one("POST", "/api/v2/deals/1/products", object{"product_id": 1, "item_price": 5, "quantity": 2})
	b.one("PUT", "/v1/deals/1/merge", object{"merge_with_id": 2})
	if d := b.one("GET", "/api/v2/deals/2", nil); d["title"] != "Other" || d["value"] != 10.0 || d["person_id"] != 2.0 {
		t.Errorf("surviving deal %v, want its title, the other's products and person", d)
	}
	if got := b.walk("/api/v2/deals?status=deleted"); len(got) != 1 || got[0] != 1 {
		t.Errorf("deleted deals %v, want the loser", got)
	}
}

func TestLeadBecomesADeal(t *testing.T) {
	t.Parallel()
	b := fresh(t)
	lead := b.one("POST", "/v1/leads", object{"title": "Anfrage", "person_id": 1, "value": object{"amount": 9.5, "currency": "USD"}})["id"].(string)
	b.one("POST", "/v1/notes", object{"content": "n", "lead_id": lead})
	b.one("POST", "/api/v2/activities", object{"subject": "s", "lead_id": lead})
	if l := b.one("GET", "/v1/leads/"+lead, nil); l["next_activity_id"] != 1.0 {
		t.Errorf("next activity of the lead: %v, want 1", l["next_activity_id"])
	}
	job := b.one("POST", "/api/v2/leads/"+lead+"/convert/deal", object{"stage_id": 3})["conversion_id"].(string)
	state := func() object { return b.one("GET", "/api/v2/leads/"+lead+"/convert/status/"+job, nil) }
	if s := state(); s["status"] != "running" || s["deal_id"] != nil {
		t.Errorf("at once: %v, want running without a deal", s)
	}
	b.clock.Advance(conversionTakes)
	s := state()
	if s["status"] != "completed" || s["deal_id"] != 2.0 {
		t.Fatalf("a second later: %v, want completed with deal 2", s)
	}
	d := b.list("/api/v2/deals?ids=2&include_fields=source_lead_id")[0]
	if d["title"] != "Anfrage" || d["value"] != 9.5 || d["currency"] != "USD" || d["stage_id"] != 3.0 || d["source_lead_id"] != lead {
		t.Errorf("deal %v, want what the lead held", d)
	}
	if n := b.one("GET", "/v1/notes/1", nil); n["deal_id"] != 2.0 || n["lead_id"] != nil {
		t.Errorf("note %v, want it on the deal", n)
	}
	if a := b.send("GET", "/v1/leads/"+lead, nil); a.status != 404 {
		t.Errorf("the converted lead: %d, want 404", a.status)
	}
	if a := b.send("POST", "/api/v2/leads/"+lead+"/convert/deal", nil); a.status != 404 {
		t.Errorf("converting it again: %d, want 404", a.status)
	}
}
