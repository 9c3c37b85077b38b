package pipedrive

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const seedText = `
{"object":"deals","record":{"id":7,"title":"Сделка","stage_id":12,"owner_id":5,"person_id":3,"value":1500.5,"currency":"USD","status":"lost","lost_reason":"Бюджет ниже","add_time":"2026-01-05T08:00:00Z","close_time":"2026-02-05T08:00:00Z","custom_fields":{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa":2}}}
{"object":"deals","record":{"title":"Next","stage_id":11,"add_time":"2026-03-01T08:00:00Z"}}
{"object":"deals","record":{"title":"Gone","is_deleted":true,"add_time":"2026-11-01T08:00:00Z"}}
{"object":"users","record":{"id":5,"name":"Jan","email":"jan@example.com","active_flag":false}}
{"object":"pipelines","record":{"id":2,"name":"Sprzedaż"}}
{"object":"stages","record":{"id":11,"name":"Ocena","pipeline_id":2}}
{"object":"stages","record":{"id":12,"name":"Oferta","pipeline_id":2,"deal_probability":60}}
{"object":"dealFields","record":{"field_name":"Źródło","field_code":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","field_type":"enum","options":[{"id":1,"label":"Targi"},{"id":2,"label":"WWW"}]}}
{"object":"dealFields","record":{"field_name":"Lost reason","field_code":"lost_reason","field_type":"varchar_options","options":[{"id":90,"label":"Бюджет ниже"}]}}
{"object":"activityTypes","record":{"name":"Показ","key_string":"pokaz"}}
{"object":"leadLabels","record":{"id":"f08b42a0-4e75-11ea-9643-03698ef1cfd6","name":"Hot"}}
{"object":"organizations","record":{"id":1,"name":"Żagiel"}}
{"object":"persons","record":{"id":3,"name":"Анна Ткач","org_id":1,"phones":[{"value":"+48 1"}]}}
{"object":"products","record":{"id":4,"name":"Lokal","prices":[{"price":10,"currency":"PLN"}]}}
{"object":"dealProducts","record":{"deal_id":8,"product_id":4,"item_price":10,"quantity":3}}
{"object":"leads","record":{"title":"Anfrage","person_id":3,"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa":1,"label_ids":["f08b42a0-4e75-11ea-9643-03698ef1cfd6"]}}
{"object":"activities","record":{"type":"pokaz","deal_id":7,"done":true,"due_date":"2026-01-10"}}
{"object":"notes","record":{"content":"<p>x</p>","deal_id":7}}
`

func TestSeedFillsWhatItLeavesOut(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{})
	if err := b.Seed(strings.NewReader("\ufeff" + seedText)); err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, o := range []string{"users", "pipelines", "stages", "activityTypes", "leadLabels", "deals", "leads", "notes", "activities", "dealProducts"} {
		counts[o], _, _ = b.Count(o)
	}
	// An administrator joins, because the seed has none; the defaults of a
	// fresh account give way to the seed's own.
	want := map[string]int{
		"users": 2, "pipelines": 1, "stages": 2, "activityTypes": 1, "leadLabels": 1, "deals": 2, "leads": 1, "notes": 1, "activities": 1, "dealProducts": 1,
	}
	if diff := cmp.Diff(want, counts); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
	deal := b.one("GET", "/api/v2/deals/7", nil)
	wantDeal := object{
		"pipeline_id": 2.0, "value": 1500.5, "status": "lost", "lost_time": "2026-02-05T08:00:00Z", "update_time": "2026-02-05T08:00:00Z",
		"stage_change_time": "2026-01-05T08:00:00Z", "local_lost_date": "2026-02-05", "creator_user_id": 5.0, "won_time": nil,
		"custom_fields": object{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa": 2.0},
	}
	for key, v := range wantDeal {
		if diff := cmp.Diff(v, deal[key]); diff != "" {
			t.Errorf("deal 7, %s (-want +got):\n%s", key, diff)
		}
	}
	if d := b.one("GET", "/api/v2/deals/8", nil); d["value"] != 30.0 || d["status"] != "open" || d["update_time"] != "2026-03-01T08:00:00Z" {
		t.Errorf("deal 8: %v, want the sum of its products, open, updated when added", d)
	}
	if d := b.one("GET", "/api/v2/deals/9", nil); d["status"] != "deleted" {
		t.Errorf("deal 9: status %v, want deleted", d["status"])
	}
	if p := b.one("GET", "/api/v2/persons/3", nil); p["first_name"] != "Анна" || p["phones"].([]any)[0].(object)["primary"] != true {
		t.Errorf("person: %v, want a first name and a primary phone", p)
	}
	if f := b.one("GET", "/api/v2/dealFields/lost_reason", nil); len(f["options"].([]any)) != 1 || f["is_custom_field"] != false {
		t.Errorf("lost_reason: %v, want the seed's one option on the vendor's field", f)
	}
	if a := b.one("GET", "/api/v2/activities/1", nil); a["subject"] != "Показ" || a["marked_as_done_time"] == nil {
		t.Errorf("activity: %v, want the type's name as subject and a time when done", a)
	}
}

func TestSeedErrorsNameLineAndField(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		`nonsense`:                      `line 2: want {"object": "deals", "record": {...}}`,
		`{"object":"deals"}`:            "line 2: deals: record: want an object",
		`{"object":"deal","record":{}}`: `line 2: no object "deal"; objects are users, pipelines`,
		`{"object":"deals","record":{"title":"x"},"extra":1}`:                         "line 2: want",
		`{"object":"deals","record":{"title":"x","valu":1}}`:                          "line 2: deals: valu: no such field",
		`{"object":"deals","record":{"title":"x","value":"1"}}`:                       "line 2: deals: value: want a number",
		`{"object":"deals","record":{"title":"x","stage_id":99}}`:                     "line 2: deals: stage_id: stage 99 does not exist",
		`{"object":"deals","record":{"title":"x","owner_id":99}}`:                     "line 2: deals: owner_id: user 99 does not exist",
		`{"object":"deals","record":{"title":"x","person_id":9}}`:                     "line 2: deals: person_id: person 9 does not exist",
		`{"object":"deals","record":{"title":"x","add_time":"1.1.26"}}`:               "line 2: deals: add_time: want a time like",
		`{"object":"deals","record":{"title":"x","custom_fields":{"q":1}}}`:           "line 2: deals: custom_fields: q is not a custom field",
		`{"object":"deals","record":{"id":-1,"title":"x"}}`:                           "line 2: deals: id: want a positive whole number",
		`{"object":"persons","record":{"name":" "}}`:                                  "line 2: persons: name is required",
		`{"object":"users","record":{"email":"x"}}`:                                   "line 2: users: name: is required",
		`{"object":"dealProducts","record":{"deal_id":1,"product_id":1}}`:             "line 2: dealProducts: deal_id: deal 1 does not exist",
		`{"object":"leads","record":{"title":"x"}}`:                                   "line 2: leads: a lead must be linked",
		`{"object":"activities","record":{"type":"dance"}}`:                           `line 2: activities: type: activity type "dance" does not exist`,
		`{"object":"notes","record":{"content":"x"}}`:                                 "line 2: notes: a note must hang on",
		`{"object":"dealFields","record":{"field_name":"x"}}`:                         "line 2: dealFields: field_type: is required",
		`{"object":"organizations","record":{"name":"x","address":"Długa"}}`:          "line 2: organizations: address: want an object",
		`{"object":"products","record":{"name":"x","prices":[{"price":"1"}]}}`:        "line 2: products: prices: want a number",
		`{"object":"activityTypes","record":{"name":"x"}}`:                            "line 2: activityTypes: key_string: is required",
		`{"object":"stages","record":{"name":"x","pipeline_id":9,"order_nr":1}}`:      "line 2: stages: pipeline_id: pipeline 9 does not exist",
		`{"object":"organizations","record":{"name":"x"}} {"object":"organizations"}`: "want one object a line",
	} {
		b := setup(t, Options{})
		before := snapshot(b.Sim)
		err := b.Seed(strings.NewReader(`{"object":"organizations","record":{"name":"first"}}` + "\n" + line))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\n%v, want an error with %q", line, err, want)
		}
		if diff := cmp.Diff(before, snapshot(b.Sim)); diff != "" {
			t.Errorf("%s: a refused seed left its traces (-before +after):\n%.500s", line, diff)
		}
	}
}

func TestSecondSeedAddsToTheFirst(t *testing.T) {
	t.Parallel()
	b := setup(t, Options{})
	for _, text := range []string{
		`{"object":"organizations","record":{"id":1,"name":"one"}}`,
		`{"object":"organizations","record":{"id":2,"name":"two"}}` + "\n" + `{"object":"pipelines","record":{"name":"another"}}`,
	} {
		if err := b.Seed(strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
	}
	orgs, _, _ := b.Count("organizations")
	pipes, _, _ := b.Count("pipelines")
	if orgs != 2 || pipes != 2 {
		t.Errorf("%d organizations and %d pipelines, want 2 and 2", orgs, pipes)
	}
}
