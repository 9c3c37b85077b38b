package pipedrive

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// withFields is fresh with a custom deal field of every type; codes by type.
func withFields(t *testing.T) (*bundle, map[string]string) {
	t.Helper()
	b := fresh(t)
	codes := map[string]string{}
	for _, kind := range creatableTypes() {
		body := object{"field_name": "Поле " + kind, "field_type": kind}
		if kind == "enum" || kind == "set" {
			body["options"] = []object{{"label": "A"}, {"label": "B"}}
		}
		codes[kind] = b.one("POST", "/api/v2/dealFields", body)["field_code"].(string)
	}
	return b, codes
}

func TestCustomValuesOfEveryType(t *testing.T) {
	t.Parallel()
	b, codes := withFields(t)
	enum, set := b.field("deal", codes["enum"]).Options[0].ID.number(), b.field("deal", codes["set"]).Options
	first, second := set[0].ID.number(), set[1].ID.number()
	for kind, values := range map[string][2]any{ // written and read
		"varchar":      {"текст", "текст"},
		"text":         {"<b>x</b> & y", "<b>x</b> & y"},
		"varchar_auto": {"U/1", "U/1"},
		"phone":        {"+48 1", "+48 1"},
		"double":       {1.5, 1.5},
		"enum":         {enum, float64(enum)},
		"set":          {[]int64{first, second}, []any{float64(first), float64(second)}},
		"user":         {1, 1.0},
		"org":          {1, 1.0},
		"people":       {1, 1.0},
		"date":         {"2026-02-28", "2026-02-28"},
		"monetary":     {object{"value": 13.5, "currency": "EUR"}, object{"value": 13.5, "currency": "EUR"}},
		"daterange":    {object{"value": "2026-01-01", "until": "2026-02-01"}, object{"value": "2026-01-01", "until": "2026-02-01"}},
		"time": {object{"value": "10:30:00", "timezone_name": "Europe/Warsaw"},
			object{"value": "10:30:00", "timezone_name": "Europe/Warsaw"}},
		"timerange": {object{"value": "10:00:00", "until": "11:00:00", "timezone_name": "UTC"},
			object{"value": "10:00:00", "until": "11:00:00", "timezone_name": "UTC"}},
		"address": {object{"value": "ul. Długa 5", "locality": "Łódź"}, object{
			"value": "ul. Długa 5", "locality": "Łódź", "country": nil, "admin_area_level_1": nil, "admin_area_level_2": nil,
			"sublocality": nil, "route": nil, "street_number": nil, "subpremise": nil, "postal_code": nil}},
	} {
		path, code := "/api/v2/deals/1", codes[kind]
		b.one("PATCH", path, object{"custom_fields": object{code: values[0]}})
		got := b.one("GET", path, nil)["custom_fields"].(object)
		if diff := cmp.Diff(values[1], got[code]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", kind, diff)
		}
		if len(got) != len(codes) {
			t.Errorf("%d custom fields are shown, want all %d", len(got), len(codes))
		}
		if v := b.one("PATCH", path, object{"custom_fields": object{code: nil}})["custom_fields"].(object)[code]; v != nil {
			t.Errorf("%s cleared by null holds %v", kind, v)
		}
	}
}

func TestCustomValuesOfTheWrongType(t *testing.T) {
	t.Parallel()
	b, codes := withFields(t)
	for _, tc := range []struct {
		kind string
		bad  any
		want string
	}{
		{"varchar", 5, "want a string"}, {"double", "5", "want a number"}, {"enum", "A", "want a whole number"},
		{"enum", 9999, "option 9999 does not exist"}, {"set", []int{}, "send null to clear"}, {"set", []int{9999}, "option 9999 does not exist"},
		{"set", "1,2", "want an array"}, {"user", 77, "user 77 does not exist"}, {"org", 77, "org 77 does not exist"},
		{"date", "01.02.2026", "want a date like"}, {"monetary", 13, "want an object"}, {"monetary", object{"value": 13}, "with one of the account's currencies"},
		{"monetary", object{"value": "13", "currency": "EUR"}, "want a number"}, {"daterange", object{"value": "2026-01-01"}, "want times like"},
		{"time", object{"value": "25:00:00"}, "want times like"}, {"timerange", object{"value": "10:00:00"}, "want times like"},
		{"address", "ul. Długa", "want an object"},
	} {
		a := b.send("PATCH", "/api/v2/deals/1", object{"custom_fields": object{codes[tc.kind]: tc.bad}})
		if a.status != 400 || !strings.Contains(string(a.body), tc.want) {
			t.Errorf("%s=%v: %d %s, want 400 with %q", tc.kind, tc.bad, a.status, a.body, tc.want)
		}
	}
}

func TestLeadsShowCustomValuesFlat(t *testing.T) {
	t.Parallel()
	b, codes := withFields(t)
	set := b.field("deal", codes["set"]).Options
	body := object{
		"title": "L", "person_id": 1, codes["monetary"]: 13.5, codes["monetary"] + "_currency": "EUR", codes["varchar"]: "x",
		codes["set"]: string(set[0].ID) + "," + string(set[1].ID), codes["daterange"]: "2026-01-01", codes["daterange"] + "_until": "2026-02-01",
		codes["time"]: "10:00:00", codes["time"] + "_timezone_id": 2,
	}
	lead := b.one("POST", "/v1/leads", body)
	for key, want := range body {
		if n, ok := want.(int); ok {
			want = float64(n)
		}
		if diff := cmp.Diff(want, lead[key]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", key, diff)
		}
	}
	if _, there := lead[codes["text"]]; there {
		t.Error("a field without a value is shown")
	}
	if _, there := lead["custom_fields"]; there {
		t.Error("custom fields are nested")
	}
	got := b.one("PATCH", "/v1/leads/"+lead["id"].(string), object{codes["varchar"]: nil, codes["double"]: 2})
	if _, there := got[codes["varchar"]]; there || got[codes["double"]] != 2.0 {
		t.Errorf("after the change: %v", got)
	}
}

func TestFieldDefinitions(t *testing.T) {
	t.Parallel()
	b := fresh(t)
	for i := range 130 {
		b.one("POST", "/api/v2/dealFields", object{"field_name": fmt.Sprint("F", i), "field_type": "varchar"})
	}
	var fields []object
	next := ""
	for {
		v := b.send("GET", "/api/v2/dealFields?cursor="+next, nil).json(t)
		for _, f := range v["data"].([]any) {
			fields = append(fields, f.(object))
		}
		var more bool
		if next, more = v["additional_data"].(object)["next_cursor"].(string); !more {
			break
		}
	}
	if want := len(dealStandardFields()) + 130; len(fields) != want {
		t.Errorf("%d fields over all pages, want %d", len(fields), want)
	}
	if _, there := fields[0]["ui_visibility"]; there {
		t.Error("ui_visibility is shown without being asked for")
	}
	if f := b.one("GET", "/api/v2/dealFields/title?include_fields=ui_visibility", nil); f["ui_visibility"] == nil {
		t.Error("ui_visibility is missing although asked for")
	}
	if d := b.one("GET", "/api/v2/deals/1", nil); len(d["custom_fields"].(object)) != 130 || d["update_time"] != noon().Format(instantLayout) {
		t.Errorf("the deal shows %d custom fields at %v, want 130 and its old update time", len(d["custom_fields"].(object)), d["update_time"])
	}
	for body, want := range map[string]string{
		`{"field_name":"x"}`:                                                   "field_type is required",
		`{"field_name":"","field_type":"text"}`:                                "field_name must not be empty",
		`{"field_name":"x","field_type":"status"}`:                             "must be one that can be created",
		`{"field_name":"x","field_type":"enum"}`:                               "options are needed",
		`{"field_name":"x","field_type":"text","options":[{"label":"a"}]}`:     "options are needed for enum and set and allowed for nothing else",
		`{"field_name":"x","field_type":"enum","options":[{"label":""}]}`:      "a label must not be empty",
		`{"field_name":"x","field_type":"enum","options":"a"}`:                 "options must be an array",
		`{"field_name":"x","field_type":"enum","options":[],"is_custom":true}`: "is_custom is not allowed",
	} {
		if a := b.send("POST", "/api/v2/dealFields", body); a.status != 400 || !strings.Contains(string(a.body), want) {
			t.Errorf("%s: %d %s, want 400 with %q", body, a.status, a.body, want)
		}
	}
	if a := b.send("DELETE", "/api/v2/dealFields/title", nil); a.status != 400 {
		t.Errorf("deleting a field of the vendor's: %d, want 400", a.status)
	}
}

func TestDeletedOptionsStayOnRecords(t *testing.T) {
	t.Parallel()
	b, codes := withFields(t)
	code := codes["enum"]
	o := b.field("deal", code).Options[1] // the newest option of the account
	b.one("PATCH", "/api/v2/deals/1", object{"custom_fields": object{code: o.ID.number()}})
	b.must("PATCH", "/api/v2/dealFields/"+code+"/options", []object{{"id": o.ID.number(), "label": "Renamed"}})
	labelled := func() any {
		return b.list("/api/v2/deals?include_option_labels=true&custom_fields=" + code)[0]["custom_fields"].(object)[code]
	}
	if diff := cmp.Diff(object{"id": float64(o.ID.number()), "label": "Renamed"}, labelled()); diff != "" {
		t.Errorf("with labels (-want +got):\n%s", diff)
	}
	b.must("DELETE", "/api/v2/dealFields/"+code+"/options", []object{{"id": o.ID.number()}})
	if v := b.one("GET", "/api/v2/deals/1", nil)["custom_fields"].(object)[code]; v != float64(o.ID.number()) {
		t.Errorf("the deal holds %v, want the deleted option still", v)
	}
	if f := b.one("GET", "/api/v2/dealFields/"+code, nil); len(f["options"].([]any)) != 1 || f["retired"] != nil {
		t.Errorf("the field shows %v, want one option and nothing of the deleted one", f)
	}
	added := b.must("POST", "/api/v2/dealFields/"+code+"/options", []object{{"label": "New"}}).([]any)[0].(object)
	if added["id"] == float64(o.ID.number()) {
		t.Error("a new option took the id of a deleted one")
	}
	b.must("DELETE", "/api/v2/dealFields/"+code, nil)
	if _, there := b.one("GET", "/api/v2/deals/1", nil)["custom_fields"].(object)[code]; there {
		t.Error("a deleted field is still on the deal")
	}
}
